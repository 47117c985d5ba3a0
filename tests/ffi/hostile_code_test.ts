import { assert, assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { test } from "../_test.ts";

const root = new URL("../../", import.meta.url);

/** The addresses of all modules in a folder. */
function modulesIn(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return modulesIn(new URL(`${name}/`, folder));
    return name.endsWith(".ts") && name !== "audit.ts" ? [new URL(name, folder).href] : [];
  });
}

test("hostile code in a sandbox gets no raw function of C, leaves it by no path, and no lying buffer makes a call leave it", async () => {
  using fixture = new Fixture({
    file: "B".repeat(8192),
    dir: {
      file: "B",
      sub: {},
      in: { link: "file" },
      out: { link: "../file" },
      dangling: { link: "../none" },
      root: { link: "/" },
    },
  });
  fixture.giveAway();
  const modules = ["ffi/", "compat/"].flatMap((folder) => modulesIn(new URL(folder, root)));
  const { code, signal, stdout, stderr } = await runModule(new URL("_hostile_child.ts", import.meta.url), {
    args: [fixture.path, ...modules],
  });
  assertEquals([code, signal, stderr], [0, null, ""]);
  const report = JSON.parse(stdout), { calls, returned, handedOut, touched, twins, modules: loaded } = report;
  assertEquals(handedOut, []);
  assertEquals(touched, []);
  assertEquals(report.escaped, []);
  // Paths that stay below the directory.
  assertEquals(report.inside, []);
  assert(report.outside > 300, `${report.outside}`);
  // The same calls with an honest buffer.
  assertEquals(twins, [1024, 1024]);
  assert(calls > 10_000 && returned > 1000 && loaded > 60, `${[calls, returned, loaded]}`);
});
