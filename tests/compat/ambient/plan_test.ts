import { assert, assertEquals, assertThrows } from "@std/assert";
import { ambient } from "../../../compat/ambient/mod.ts";
import { type Plan, sandbox, SandboxError } from "../../../mod.ts";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const file = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);

test("sandbox() with ambient lets Deno's own functions work on the directories of the plan, at their paths", async () => {
  using fixture = new Fixture({ data: { f: "text" }, here: { g: "more" } });
  const module = `
    import { sandbox, sandboxed } from ${file("mod.ts")};
    import { ambient } from ${file("compat/ambient/mod.ts")};
    const box = sandbox({
      dirs: {
        data: { path: Deno.args[0] + "/data", rights: "read" },
        here: { path: ".", rights: "readWrite" },
      },
      ambient,
    });
    const results = [Deno.readTextFileSync("../data/f"), Deno.readTextFileSync("g"), Deno.cwd()];
    await Deno.writeTextFile("new", "x");
    const outcome = (call) => {
      try { return call(); } catch (error) { return error.code; }
    };
    results.push(sandboxed(), outcome(() => Deno.writeTextFileSync("../data/new", "x")), outcome(() => Deno.statSync("..").isDirectory));
    box[Symbol.dispose]();
    results.push(outcome(() => Deno.readTextFileSync("g")) ?? "closed");
    console.log(JSON.stringify(results));
    Deno.exit();`;
  const { code, stdout, stderr } = await runModule(`data:text/javascript,${encodeURIComponent(module)}`, {
    args: [fixture.path],
    cwd: fixture.at("here"),
  });
  assertEquals([code, stderr], [0, ""]);
  const refusal = kernel.hasCapsicum ? "ENOTCAPABLE" : "EACCES";
  assertEquals(JSON.parse(stdout), [
    ...["text", "more", fixture.at("here"), true],
    ...[refusal, "ECAPMODE", "closed"],
  ]);
  assertEquals(fixture.list("here"), ["g", "new"]);
});

test.capsicum("sandbox() that fails after it replaced Deno's functions puts them back", () => {
  using fixture = new Fixture();
  const before = Deno.statSync;
  let replaced;
  const plan: Plan = {
    dirs: { data: { path: fixture.path } },
    fds: { none: { fd: 1000, rights: ["READ"] } },
    ambient(mounts) {
      const originals = ambient(mounts);
      replaced = Deno.statSync;
      return originals;
    },
  };
  assertThrows(() => sandbox(plan), SandboxError, "sandbox(): to limit fds.none failed");
  assert(replaced !== undefined && replaced !== before && Deno.statSync === before);
});

test("sandbox() checks ambient before it opens anything, and lists it among the steps", () => {
  const dirs = { one: { path: "/nonexistent" }, other: { path: "/nonexistent" } };
  assertThrows(
    () => sandbox({ dirs, ambient, enforce: "if-supported" }),
    TypeError,
    '"/nonexistent" must be',
  );
  assertThrows(() => sandbox({ ambient: true as never }), TypeError, "ambient must be a function");
  const steps = sandbox({ dirs: { one: dirs.one }, ambient, dryRun: true });
  assertEquals(steps.steps.map(({ step }) => step), [
    "find Capsicum",
    "open",
    "confine",
    "ambient",
    "limit",
    "enter",
    "revoke",
  ]);
  assert(String(steps).includes("4. ambient: make Deno's own file functions act on these directories"));
});
