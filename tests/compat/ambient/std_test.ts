import { assertEquals } from "@std/assert";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

test("ambient() lets all of @std/fs work in a sandbox", async () => {
  using fixture = new Fixture({ a: { f: "text", sub: { g: "more" } } });
  const { code, stdout, stderr } = await runModule(new URL("_std_child.ts", import.meta.url), {
    args: [fixture.path],
  });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(JSON.parse(stdout), {
    ensured: 8,
    exists: [true, true, false, false],
    copied: "more",
    moved: false,
    walked: ["moved", "moved/h", "moved/sub", "moved/sub/g"],
    walkedSync: ["BASE/a/f", "BASE/a/f", "links/hard", "links/sync"],
    globbed: ["BASE/a/f"],
    globbedSync: ["BASE/made/by", "BASE/made/file", "BASE/made/sync"],
    emptied: ["moved"],
  });
  assertEquals(fixture.list("links"), ["hard", "soft", "softsync", "sync"]);
  assertEquals(fixture.list("fresh"), []);
});
