import { assert } from "@std/assert";
import { test } from "../../_test.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
test("smoke", async () => {
  using fixture = new Fixture({ data: { a: "x" }, log: "" });
  const r = await inChild(({ sandbox, openDescriptors, isSupported, getMode }, base) => {
    const plan = {
      dirs: {
        data: { path: base + "/data" },
        out: { path: base + "/out", rights: "readWrite", create: true },
      },
      files: { log: { path: base + "/log", append: true } },
      stdio: true,
      warmUp: true,
      limitOthers: true,
      enforce: "if-supported",
    } as const;
    const text = String(sandbox({ ...plan, dryRun: true }));
    const before = openDescriptors();
    const box = sandbox(plan);
    box.files.log.writeSync(new TextEncoder().encode("hi"));
    box.dirs.out.writeTextFileSync("f", "abc");
    const show = (l: any[]) =>
      l.map((d) => ({ ...d, rights: String(d.rights), ioctls: String(d.ioctls), fcntls: String(d.fcntls) }));
    return {
      text,
      before: show(before),
      after: show(openDescriptors()),
      list: box.dirs.data.listSync(),
      s: box.sandboxed,
      m: isSupported() && getMode(),
    };
  }, fixture.path);
  console.log(r.text);
  console.table(r.before);
  console.table(r.after);
  console.log(r.list, r.s, r.m);
  assert(true);
});
