import { assertEquals, assertMatch } from "@std/assert";
import { type ChildResult, runModule } from "../../_child.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const at = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);

/** What sandboxes the program: `before` runs before it enters. On Linux the kernel then refuses each file that Deno itself opens. */
const sandbox = (before = "", ambient = "ambient") => `
  import { sandbox, warmUp } from ${at("mod.ts")};
  import { ${ambient} } from ${at("compat/ambient/mod.ts")};
  ${before}
  sandbox({
    dirs: { files: { path: Deno.args[0] + "/files", rights: "readWrite" } },
    ambient: ${ambient},
    warmUp: true,
  });
  globalThis.order = ["sandboxed"];
`;

const lines = `
  import { walk } from "@std/fs";
  import mime from "npm:mime@4.1.2";
  import { word } from "./word.ts";
  globalThis.order.push("program");
  for await (const { path, isFile } of walk(Deno.args[0] + "/files")) {
    if (isFile) console.log(path.slice(Deno.args[0].length), mime.getType(path), (await Deno.readTextFile(path)).length);
  }
  await Deno.writeTextFile(Deno.args[0] + "/files/" + word, globalThis.order.join());
`;

interface Start {
  main?: string;
  /** The module that is run. */
  start?: string;
  /** A module that runs before the main module is loaded. */
  preload?: string;
}

async function run(
  tree: Tree,
  { main, start = "main.ts", preload }: Start = {},
): Promise<[ChildResult, Fixture]> {
  const fixture = new Fixture({
    "sandbox.ts": sandbox(),
    "word.ts": 'globalThis.order?.push("word"); export const word: string = "written.txt";',
    // In capability mode Deno itself fails when a program ends without Deno.exit().
    "main.ts": `${main ?? `import "./sandbox.ts";${lines}`}\nconsole.log("done");\nDeno.exit();`,
    files: { "a.txt": "text", "b.html": "<p>" },
    ...tree,
  });
  const flags = preload === undefined ? [] : [`--preload=${fixture.at(preload)}`];
  const module = new URL(`file://${fixture.at(start)}`);
  return [await runModule(module, { args: [fixture.path], flags }), fixture];
}

test(
  "a program whose first import sandboxes it runs, with @std/fs and an npm package, and Deno opens nothing for it",
  async () => {
    const [{ code, stdout, stderr }, fixture] = await run({});
    using _ = fixture;
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.trim().split("\n").sort(), [
      "/files/a.txt text/plain 4",
      "/files/b.html text/html 3",
      "done",
    ]);
    assertEquals(fixture.read("files/written.txt"), "sandboxed,word,program");
  },
);

const importsLate = `
  const module = "./late.ts";
  try {
    const { word } = await import(module);
    console.log(word, globalThis.order.join());
  } catch (error) {
    console.log(error.message);
  }`;
const remove = (...names: string[]) =>
  `for (const name of ${JSON.stringify(names)}) Deno.removeSync(Deno.args[0] + "/" + name + ".ts");`;
const late = {
  "late.ts": 'globalThis.order.push("late");\nexport { word } from "./word.ts";',
  "preload.ts": `import { warmUp } from ${at("mod.ts")};
    await warmUp({ modules: ["./late.ts"] });
    ${remove("late", "word")}`,
};

test("warmUp() in a preloaded module loads what import() needs later, so that its files may be gone", async () => {
  const main = `import "./sandbox.ts";${importsLate}`;
  const [{ code, stdout, stderr }, fixture] = await run(late, { main, preload: "preload.ts" });
  using _ = fixture;
  assertEquals([code, stderr, stdout], [0, "", "written.txt sandboxed,word,late\ndone\n"]);
});

test("warmUp() in a launcher loads a whole program without running it, so that it runs in the sandbox alone", async () => {
  const before = `await warmUp({ modules: ["./main.ts", "./late.ts"] });
    console.log(globalThis.order === undefined);
    ${remove("main", "late", "word")}`;
  const launcher = `${sandbox(before)}\nawait import("./main.ts");`;
  const main = `import { word } from "./word.ts";\nglobalThis.order.push(word);${importsLate}`;
  const [{ code, stdout, stderr }, fixture] = await run({ ...late, "launch.ts": launcher }, {
    main,
    start: "launch.ts",
  });
  using _ = fixture;
  const order = "sandboxed,word,written.txt,late";
  assertEquals([code, stderr, stdout], [0, "", `true\nwritten.txt ${order}\ndone\n`]);
});

test("a first import that awaits lets the other imports run before it has entered, as the documentation warns", async () => {
  const first = `globalThis.order = [];\n${
    sandbox("await 0;").replace('= ["sandboxed"]', '.push("sandboxed")')
  }`;
  const main =
    `import "./sandbox.ts";\nimport { word } from "./word.ts";\nconsole.log(word, globalThis.order.join());`;
  const [{ code, stdout, stderr }, fixture] = await run({ "sandbox.ts": first }, { main });
  using _ = fixture;
  assertEquals([code, stderr, stdout], [0, "", "written.txt word,sandboxed\ndone\n"]);
});

test("import() of a module that was not loaded before fails", async () => {
  const first = sandbox(remove("late", "word"));
  const main = `import "./sandbox.ts";${importsLate}`;
  const [{ code, stdout, stderr }, fixture] = await run({ ...late, "sandbox.ts": first }, { main });
  using _ = fixture;
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^(Module not found|Unable to load|Import) .*\n/i);
});

test("warmUp() throws for a module that is missing or has a syntax error, and names it", async () => {
  const main = `
    import { warmUp } from ${at("mod.ts")};
    for (const module of ["./missing.ts", "./wrong.ts", 3]) {
      await warmUp({ modules: [module] }).catch((error) => console.log(error.name, error.message));
    }`;
  const caught = main.replace(
    /await (warmUp\(.*?\))\.catch\((.*)\);/,
    "try { await $1; } catch (error) { ($2)(error); }",
  );
  const [{ code, stdout }, fixture] = await run({ "wrong.ts": "export const = 1;" }, { main: caught });
  using _ = fixture;
  assertEquals(code, 0);
  const [missing, wrong, type] = stdout.trim().split(/\n(?=\w*Error )/);
  assertMatch(
    missing!,
    /^Error warmUp\(\): the module "file:.*\/missing\.ts" can't be loaded: Module not found/,
  );
  assertMatch(wrong!, /^Error warmUp\(\): the module "file:.*\/wrong\.ts" can't be loaded: /);
  assertMatch(type!, /^TypeError warmUp\(\): the option modules must be an array of addresses of modules/);
});

const common = {
  "common.cjs":
    'globalThis.order?.push("common"); const fs = require("node:fs"); module.exports = (path) => fs.readFileSync(path);',
};
const importsCommon = `import "./sandbox.ts";
  import read from "./common.cjs";
  console.log(String(read(Deno.args[0] + "/files/a.txt")), globalThis.order.join());`;

test("a CommonJS module that is imported after the first import can't be read any more", async () => {
  const [{ code, stdout, stderr }, fixture] = await run({
    ...common,
    "sandbox.ts": sandbox("", "ambientNode"),
  }, { main: importsCommon });
  using _ = fixture;
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /\/common\.cjs/);
}, {
  skip: kernel.hasCapsicum && kernel.simulated &&
    "needs FreeBSD or Linux itself: the stand-in does not see what Deno opens",
});

test(
  "a CommonJS module works if the file that sandboxes imports it, and then it runs unconfined",
  async () => {
    const first = sandbox('import "./common.cjs";', "ambientNode");
    const [{ code, stdout, stderr }, fixture] = await run({ ...common, "sandbox.ts": first }, {
      main: importsCommon,
    });
    using _ = fixture;
    assertEquals([code, stderr, stdout], [0, "", "text sandboxed\ndone\n"]);
  },
);
