import { assertEquals, assertMatch } from "@std/assert";
import { libcPath, runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { test } from "../_test.ts";
import { moduleOf } from "./_example.ts";

const permissions = [`--allow-ffi=${libcPath}`];

test("examples/file_types.ts works in a sandbox, with @std/fs, an npm package and only libc's permission", async () => {
  using fixture = new Fixture({ "a.txt": "text", sub: { "b.txt": "more", "c.html": "<p>" }, d: "?" });
  const options = { permissions, args: [fixture.path] };
  const { code, stdout, stderr } = await runModule(moduleOf("file_types"), options);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.replace(/^ +/gm, ""), "3 text/html\n8 text/plain\n1 unknown\n");
});

test("examples/file_types.ts without a directory that it could open says why", async () => {
  const { code, stdout, stderr } = await runModule(moduleOf("file_types"), {
    permissions,
    args: ["/nonexistent"],
  });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    /^file_types: sandbox\(\): to open dirs\.tree failed: open "\/nonexistent": .*ENOENT\)\.\n$/,
  );
});
