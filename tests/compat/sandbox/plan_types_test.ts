import { assert, assertEquals } from "@std/assert";
import {
  type Dir,
  type DirPlan,
  type DryRun,
  type FdFile,
  type Plan,
  type Sandbox,
  sandbox,
} from "../../../mod.ts";
import { complaintsOf } from "../../_snippets.ts";
import { test } from "../../_test.ts";

type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
/** Passes the type checker if both types are the same. */
function same<A, B>(..._: IsSame<A, B> extends true ? [] : [never]): void {}

// The functions below are never called: they are only for the type checker.

test("the result of sandbox() has exactly the names of the plan, inline or in a variable", () => {
  const typed = () => {
    const box = sandbox({
      dirs: { etc: { path: "/etc", rights: "read" }, tmp: { path: "/tmp", rights: ["LOOKUP", "READ"] } },
      files: { log: { path: "/log", append: true } },
      stdio: { raw: true },
    });
    same<typeof box, Sandbox<"etc" | "tmp", "log">>();
    same<[typeof box.dirs.etc, typeof box.files.log], [Dir, FdFile]>();
    // @ts-expect-error: the plan has no such directory.
    void box.dirs.ect;
    // @ts-expect-error: the plan has no such file.
    const { dirs: { tmp }, files: { etc } } = sandbox({ dirs: { tmp: { path: "/tmp" } } });
    // @ts-expect-error: the plan has no such file, even if the variable is declared so.
    const wrong: Sandbox<"a", "b"> = sandbox({ dirs: { a: { path: "/a" } } });

    const frozen = { dirs: { data: { path: "/srv", rights: ["READ"] } }, files: {} } as const;
    const ofFrozen = sandbox(frozen);
    same<typeof ofFrozen, Sandbox<"data", never>>();
    const satisfied = { files: { data: { path: "/srv", rights: "read" } } } satisfies Plan;
    const ofSatisfied = sandbox(satisfied);
    same<typeof ofSatisfied, Sandbox<never, "data">>();
    const ofNothing = sandbox({});
    same<typeof ofNothing, Sandbox<never, never>>();
    return [tmp, etc, wrong];
  };
  assert(typeof typed === "function");
});

test("sandbox() accepts a plan that is built elsewhere, whose names are any strings", () => {
  const typed = (kept: Plan, dirs: Record<string, DirPlan>, names: string[], isStrict: boolean) => {
    const box = sandbox(kept);
    same<typeof box, Sandbox>();
    same<typeof box.dirs.data, Dir | undefined>();
    const changed = sandbox({ ...kept, enforce: "if-supported", ...(isStrict ? { limitOthers: true } : {}) });
    same<typeof changed, Sandbox>();
    const chosen: Plan = { dirs: { a: { path: "/a" }, ...(isStrict ? {} : { b: { path: "/b" } }) } };
    const ofChosen = sandbox(chosen);
    same<typeof ofChosen, Sandbox>();
    const ofDirs = sandbox({ dirs });
    same<typeof ofDirs, Sandbox<string, never>>();
    const ofNames = sandbox({ dirs: Object.fromEntries(names.map((path) => [path, { path }])) });
    same<typeof ofNames, Sandbox<string, never>>();
  };
  assert(typeof typed === "function");
});

test("a function can pass a plan on without losing its names", () => {
  function strict<Dirs extends string = never, Files extends string = never>(plan: Plan<Dirs, Files>) {
    return sandbox({ limitOthers: true, ...plan });
  }
  const typed = () => {
    const box = strict({ dirs: { data: { path: "/srv" } } });
    same<typeof box, Sandbox<"data", never>>();
  };
  assert(typeof typed === "function");
});

test("sandbox() with dryRun returns a DryRun, and either type if dryRun is a boolean", () => {
  const typed = (kept: Plan) => {
    const dry = sandbox({ dirs: { data: { path: "/srv" } }, dryRun: true });
    same<typeof dry, DryRun>();
    const spread = sandbox({ ...kept, dryRun: true });
    same<typeof spread, DryRun>();
    const either = sandbox({ ...kept, dryRun: Math.random() < 1 });
    same<typeof either, DryRun | Sandbox>();
    const entered = sandbox({ dirs: { data: { path: "/srv" } }, dryRun: false });
    same<typeof entered, Sandbox<"data", never>>();
  };
  assert(typeof typed === "function");
});

/** Calls with a misspelt name or value, and how the type checker's one error starts. */
const mistakes: [call: string, message: string][] = [
  ['sandbox({ dir: { etc: { path: "/etc" } } })', "Object literal may only specify known properties"],
  ['sandbox({ dirs: { etc: { path: "/etc", right: "read" } } })', "Object literal may only specify"],
  ['sandbox({ dirs: { etc: { path: "/etc" } }, limitOther: true })', "Object literal may only specify"],
  ["sandbox({ dryRun: true, limitOther: true })", "Object literal may only specify"],
  ['sandbox({ files: { log: { path: "/log", apend: true } } })', "Object literal may only specify"],
  ['sandbox({ fds: { input: { fd: 0, rights: "stdin", unlimit: "allow" } } })', "Object literal may only"],
  ["sandbox({ stdio: { row: true } })", "Object literal may only specify"],
  ["sandbox({ warmUp: { zone: true } })", "Object literal may only specify"],
  ['sandbox({ permissions: { revokes: "all" } })', "Object literal may only specify"],
  ['sandbox({ dirs: { etc: { path: "/etc", rights: "reed" } } })', "Type '\"reed\"' is not assignable"],
  ["sandbox({ dirs: { etc: {} } })", "Property 'path' is missing"],
  ['sandbox({ enforce: "if-suported" })', "Type '\"if-suported\"' is not assignable"],
  ['broker({ conect: ["localhost:80"] })', "Object literal may only specify"],
  ['broker({ open: { reed: ["/etc"] } })', "Object literal may only specify"],
  ['ambient({}, { pwd: "/" })', "Object literal may only specify"],
  ['ambientNode({}, { pwd: "/" })', "Object literal may only specify"],
  ['openDirSync("/etc", { limits: [] })', "Object literal may only specify"],
  ['openDirSync("/etc").open("hosts", { reed: true })', "Object literal may only specify"],
  ["openDescriptors({ all: true })", "Expected 0 arguments"],
];

test("a misspelt member at any level of a plan, policy or options is one short type error", async () => {
  const imports = 'import { openDescriptors, openDirSync, sandbox } from "jsr:@capsicum/capsicum";\n' +
    'import { ambient, ambientNode } from "jsr:@capsicum/capsicum/ambient";\n' +
    'import { broker } from "jsr:@capsicum/capsicum/broker";\n' +
    "export const all = [ambient, ambientNode, broker, openDescriptors, openDirSync, sandbox];\n";
  const complaints = await complaintsOf(mistakes.map(([call]) => `${imports}${call};\n`));
  const found = complaints.replace(/^Found [^]*/m, "").split(/^TS\d+ \[ERROR\]: /m).slice(1).map((text) => ({
    of: Number(/at file:\S*\/(\d+)\.ts:/.exec(text)?.[1]),
    message: text.split("\n")[0]!,
    lines: text.trim().split("\n").length,
  })).sort((a, b) => a.of - b.of);
  assertEquals(found.map(({ of }) => mistakes[of]?.[0]), mistakes.map(([call]) => call));
  for (const { of, message, lines } of found) {
    assert(message.startsWith(mistakes[of]![1]), message);
    assert(lines <= 10, `${lines} lines: ${message}`);
  }
});
