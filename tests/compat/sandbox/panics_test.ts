import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ChildResult, runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const skip = kernel.hasCapsicum && "needs Linux itself, natively";
const it = (name: string, body: () => Promise<void>, why: string | false = false) =>
  test(name, body, { skip: skip || why });
const address = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);

/** Each program is new, so that nothing of it was compiled before. */
async function run(
  program: string,
  options = "",
  modules: Record<string, string> = {},
): Promise<ChildResult> {
  using fixture = new Fixture({
    data: { file: "text" },
    ...modules,
    "main.ts": `
      import { sandbox } from ${address("mod.ts")};
      import { ambient, ambientNode } from ${address("compat/ambient/mod.ts")};
      import fs from "node:fs";
      const data: string = Deno.args[0] + "/data";
      const box = sandbox({ dirs: { data: { path: data, rights: "readWrite" } }, ${options} });
      if (Deno.args.length === 0) throw new Error("no arguments");
      ${program}
      console.log("done");`,
  });
  return await runModule(new URL(`file://${fixture.at("main.ts")}`), { args: [fixture.path] });
}

/** Calls that fail, and what their errors say. */
const failures: Record<string, [call: string, ambient: "" | "ambient" | "ambientNode", words: string]> = {
  "a file outside": ['Deno.readTextFileSync("/etc/passwd")', "ambient", "NotCapable"],
  "a promise of a file outside": ['await Deno.readTextFile("/etc/passwd")', "ambient", "NotCapable"],
  "a missing file": ["Deno.statSync(`${data}/none`)", "ambient", "NotFound"],
  "a path with NUL": ["Deno.statSync(`${data}/a\\0b`)", "ambient", "TypeError"],
  "a temporary directory outside": ["Deno.makeTempDirSync()", "ambient", "NotCapable"],
  "a second ambient()": ["ambient({})", "ambient", "Busy"],
  "an option of ambient()": ["ambient({}, { cwd: 5 } as never)", "ambient", "TypeError"],
  "a missing file of node:fs": ["fs.readFileSync(`${data}/none`)", "ambientNode", "NotFound"],
  "a promise of node:fs": ["await fs.promises.readFile(`${data}/none`)", "ambientNode", "NotFound"],
  "a directory that node:fs removes": ["fs.rmSync(data)", "ambientNode", "ERR_FS_EISDIR"],
  "a flag of node:fs": ['fs.openSync(`${data}/file`, "?")', "ambientNode", "TypeError"],
  "a file in a Dir": ['box.dirs.data.readTextFileSync("none")', "", "NotFound"],
  "a path that leaves a Dir": ['box.dirs.data.readTextFileSync("../main.ts")', "", "ENOTCAPABLE"],
  "an option of a Dir": ['box.dirs.data.openSync("file", { read: 5 } as never)', "", "TypeError"],
  "a second plan": ['sandbox({ dirs: { a: { path: "/" } } })', "", "SandboxError"],
  "Deno's own call": ['Deno.readTextFileSync("/etc/passwd")', "", "PermissionDenied"],
  "the program": ['throw new RangeError("own")', "", "RangeError"],
};

for (const [what, [call, ambient, words]] of Object.entries(failures)) {
  const options = ambient && `ambient: ${ambient}`;
  it(`sandbox(): console.log() prints the error of ${what}, without warmUp`, async () => {
    const { code, stdout, stderr } = await run(
      `try { ${call}; } catch (error) { console.log(error); }`,
      options,
    );
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, words);
    assertMatch(stdout, / at .*\.ts:\d+:\d+[^]*done\n$/);
  });
  it(`sandbox(): an uncaught error of ${what} is printed, without warmUp`, async () => {
    const { code, stdout, stderr } = await run(`${call};`, options);
    assertEquals([code, stdout], [1, ""], stderr);
    assertMatch(stderr, /^error: Uncaught /);
    assertStringIncludes(stderr, words);
  });
}

const canParse = "stripTypeScriptTypes" in
  (Reflect.get(globalThis, "process") as { getBuiltinModule(name: string): object }).getBuiltinModule(
    "node:module",
  );

it(
  "sandbox(): an error of a module that is not in the stack of sandbox() is printed",
  async () => {
    const other =
      "export function fail(n: number): never { if (n > 1) throw new Error(`of ${n}`); throw 0; }";
    const { code, stderr } = await run(
      'const { fail } = other; setTimeout(() => fail(2));\nimport * as other from "./other.ts";',
      "",
      { "other.ts": other },
    );
    assertEquals(code, 1, stderr);
    assertMatch(stderr, /^error: Uncaught .*Error: of 2[^]* at fail \(.*other\.ts:1:\d+\)/);
  },
  !canParse && "this version of Deno cannot parse a program early",
);

it("sandbox(): process, Buffer and node: modules can be used first afterwards", async () => {
  const { code, stdout, stderr } = await run(`
    const { process, Buffer } = globalThis as any;
    const { sep } = await import("node:" + "path");
    console.log(typeof process, process.execPath, Buffer.from("a").length, sep);`);
  assertEquals([code, stdout], [0, `object ${Deno.execPath()} 1 /\ndone\n`], stderr);
});

for (const ambient of ["", "ambient"]) {
  it(`sandbox(): Deno.execPath() keeps its result and its name, ${ambient ? "with" : "without"} ambient`, async () => {
    const program = "console.log(Deno.execPath(), Deno.execPath.name);";
    const { code, stdout, stderr } = await run(program, ambient);
    assertEquals([code, stdout], [0, `${Deno.execPath()} execPath\ndone\n`], stderr);
    assert(stdout.startsWith("/"));
  });
}

it(
  "sandbox(): a new Worker may use everything but process, which ends Deno unless it is deleted, as documented",
  async () => {
    const typeOf = (name: string, start: string) =>
      run(`
        const source = ${JSON.stringify(`${start}; postMessage(typeof ${name});`)};
        const worker = new Worker("data:text/javascript," + encodeURIComponent(source), { type: "module" });
        console.log(await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data)));
        worker.terminate();`);
    const deleted = await typeOf("process", "delete globalThis.process");
    assertEquals([deleted.code, deleted.stdout], [0, "undefined\ndone\n"], deleted.stderr);
    const used = await typeOf("process", "");
    assertMatch(used.stderr, /Deno has panicked/);
  },
  !canParse && "each Worker of Deno 2.7 starts with getcwd(2)",
);
