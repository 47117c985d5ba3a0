import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { cacheTimezone, warmUp } from "../../../mod.ts";
import { inChild, runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const needsFilter = kernel.hasCapsicum && !kernel.simulated || Deno.build.arch === "x86_64"
  ? false
  : "needs FreeBSD, or Linux on x86_64: only there are Deno's own calls refused";

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

test(
  "warmUp({ tls: true }) reads what DENO_CERT names; without it node:tls does not trust it in the sandbox",
  async () => {
    const at = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url));
    const data = new URL("../../data/tls/", import.meta.url);
    const [cert, key] = ["server.pem", "server.key"].map((name) =>
      Deno.readTextFileSync(new URL(name, data))
    );
    using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: cert!, key: key! });
    const serving = (async () => {
      for await (const connection of listener) {
        await connection.handshake().catch(() => {});
        connection.close();
      }
    })();
    const outcome = async (tls: boolean): Promise<string> => {
      // From enter(), or the filter, each call of Deno's own with a path fails. Deno.connect() of Deno 2.7 reads certificates.
      const module = `
      import { connect } from "node:tls";
      import { enter, FdFile, isSupported, warmUp } from ${at("mod.ts")};
      import { streamOver } from ${at("compat/broker/node_stream.ts")};
      import { eventsWithin, POLLOUT } from ${at("ffi/libc/bytes.ts")};
      import { connectNow, socketFor } from ${at("ffi/libc/socket_calls.ts")};
      import { refuse } from ${at("tests/_capmode_filter.ts")};
      const address = { bytes: Uint8Array.of(127, 0, 0, 1), port: ${listener.addr.port} };
      const file = new FdFile(socketFor(address));
      if (!connectNow(file, address, "the server")) eventsWithin(10_000, file.fd, POLLOUT);
      warmUp({ tls: ${tls} });
      if (isSupported()) enter();
      else refuse();
      const socket = connect({ socket: streamOver(file, false), servername: "localhost" });
      const end = (outcome) => {
        console.log(outcome);
        Deno.exit();
      };
      socket.on("secureConnect", () => end("trusted: " + socket.authorized));
      socket.on("error", (error) => end("error: " + error.code));`;
      const { code, stdout, stderr } = await runModule(`data:text/javascript,${encodeURIComponent(module)}`, {
        env: { DENO_CERT: decodeURIComponent(new URL("authority.pem", data).pathname) },
      });
      return stdout.trim() || `ended with code ${code}${stderr}`;
    };
    const prepared = await outcome(true), late = await outcome(false);
    listener.close();
    await serving;
    assertEquals(prepared, "trusted: true");
    // Deno 2.7 then ends without an event.
    assertMatch(late, /^(error: UNABLE_TO_VERIFY_LEAF_SIGNATURE|ended with code 0)$/);
  },
  { skip: needsFilter },
);

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
