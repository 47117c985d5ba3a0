import { assert, assertEquals, assertThrows } from "@std/assert";
import { cacheTimezone, warmUp } from "../../../mod.ts";
import { inChild, runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const needsFilter = kernel.hasCapsicum && !kernel.simulated || Deno.build.arch === "x86_64"
  ? false
  : "Deno's own calls are refused on x86_64 alone";

test("warmUp() runs the chosen steps, and returns their names", () => {
  assertEquals(warmUp(), ["timezone", "stackTraces"]);
  assertEquals(warmUp({ timezone: false }), ["stackTraces"]);
  assertEquals(warmUp({ timezone: false, stackTraces: false }), []);
  assertThrows(() => warmUp(null as never), TypeError, "null");
  assertThrows(() => warmUp(true as never), TypeError, "true");
});

test("warmUp() needs no permission, and loads certificates if chosen", async () => {
  const parts = await inChild(({ warmUp }) => warmUp({ certificates: true }), undefined, { permissions: [] });
  assertEquals(parts, ["timezone", "stackTraces", "certificates"]);
});

/** Operations that fail with an error of the library, by paths in a fixture. */
const failures: Record<string, string> = {
  "a file by an ambient path": "openSync(`${base}/missing`)",
  "a file in a directory": "dir.openSync('missing')",
  "a path that leaves the directory": "dir.readTextFileSync('../x')",
  "a copy": "dir.copySync('missing', 'x')",
  "a removal": "dir.removeSync('missing')",
  "a walk": "[...dir.walkSync('missing')]",
  "a glob": "[...dir.expandGlobSync(3)]",
  "a file that is not open for writing": "file.writeSync(new Uint8Array(1))",
  "an asynchronous call": "await dir.readTextFile('missing')",
  "an option": "dir.openSync('file', { read: 'yes' })",
  "a right": "new Rights(['REED'])",
  "a plan": "sandbox({ dirs: { data: { path: `${base}/missing` } }, enforce: 'if-supported' })",
  "a descriptor": "libc.fstat(1000, new Uint8Array(256))",
};

for (const [what, call] of Object.entries(failures)) {
  test(`after warmUp() an uncaught error of ${what} is printed, and no file is opened for it`, async () => {
    using fixture = new Fixture({ file: "" });
    // From enter(), or the filter, each call of Deno's own with a path fails.
    const module = `
      import * as library from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
      import { refuse } from ${JSON.stringify(new URL("../../_capmode_filter.ts", import.meta.url).href)};
      const { Rights, enter, isSupported, libc, openDirSync, openSync, sandbox, warmUp } = library;
      const base = ${JSON.stringify(fixture.path)};
      const dir = openDirSync(base), file = openSync(\`\${base}/file\`);
      warmUp();
      if (isSupported()) enter();
      else refuse();
      console.error("begin");
      ${call};`;
    const { code, signal, stderr } = await runModule(`data:text/javascript,${encodeURIComponent(module)}`);
    const [, printed = ""] = stderr.split("begin\n");
    assertEquals([code, signal], [1, null], stderr);
    assert(printed.startsWith("error: Uncaught (in promise) "), stderr);
    assert(/^ {4}at .*\/(compat|ffi|rights)\/[\w/]+\.ts:\d+:\d+\)?$/m.test(printed), stderr);
  }, { skip: needsFilter });
}

test("cacheTimezone() returns the zone of the variable TZ, and Deno keeps using it", async () => {
  const zones = await inChild(
    ({ cacheTimezone, isSupported, enter }) => {
      const zone = cacheTimezone();
      if (isSupported()) enter();
      return [zone, Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).getHours()];
    },
    undefined,
    { env: { TZ: "Asia/Tokyo" } },
  );
  assertEquals(zones, ["Asia/Tokyo", "Asia/Tokyo", 9]);
  assertEquals(typeof cacheTimezone(), "string");
});
