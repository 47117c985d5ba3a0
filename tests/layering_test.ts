import { assert, assertEquals } from "@std/assert";
import { walkSync } from "@std/fs";
import { fromFileUrl, relative } from "@std/path";
import * as rules from "./_layering.ts";
import { staleRules } from "./run/places.ts";
import { test } from "./_test.ts";

const root = fromFileUrl(new URL("..", import.meta.url));
const skip = [/\/\.git(\/|$)/, /\/node_modules(\/|$)/, /\/coverage(\/|$)/, /\/tests\/standin\/build(\/|$)/];
const project: rules.Sources = new Map(
  [...walkSync(root, { includeDirs: false, skip })].map(({ path }) => [
    relative(root, path),
    Deno.readTextFileSync(path),
  ]),
);

const moduleDoc = "/**\n * A module.\n *\n * @module\n */\n";

interface Sample {
  rule: rules.Rule;
  title: string;
  good: Record<string, string>[];
  /** The text of each bad project, and what must be complained about. */
  bad: [Record<string, string>, string][];
}

const samples: Sample[] = [
  {
    rule: rules.layering,
    title: "imports go only to the same layer or a lower one",
    good: [
      { "rights/a.ts": 'import { b } from "./b.ts";' },
      { "ffi/libc/a.ts": 'import type { b } from "../../rights/mod.ts";' },
      { "compat/sandbox/a.ts": 'export { b } from "../fs/b.ts";' },
      { "mod.ts": 'export * as libc from "./ffi/libc.ts";' },
      { "examples/a.ts": 'import { enter } from "../mod.ts";\nimport { join } from "@std/path";' },
      { "examples/a.ts": 'import * as cap from "../compat/python/pycapsicumcffi.ts";' },
      { "examples/a.ts": 'import { ambient } from "../compat/ambient/mod.ts";' },
      { "examples/a.ts": 'import { broker } from "../compat/broker/mod.ts";' },
      { "examples/a.ts": 'import { b } from "./_b.ts";' },
      { "examples/a.ts": 'import b from "npm:b@1.2.3";\nimport c from "npm:@scope/c@0.1.0";' },
      { "ffi/a.ts": '/** import { b } from "../mod.ts"; */ // import "../compat/fs/a.ts"' },
    ],
    bad: [
      [
        { "rights/a.ts": 'import { b } from "../ffi/b.ts";' },
        "rights/a.ts: imports ffi/b.ts, which is in a higher layer.",
      ],
      [
        { "ffi/a.ts": 'export * from "../compat/fs/b.ts";' },
        "ffi/a.ts: imports compat/fs/b.ts, which is in a higher layer.",
      ],
      [
        { "compat/fs/a.ts": 'import "../sandbox/b.ts";' },
        "compat/fs/a.ts: imports compat/sandbox/b.ts, which is in a higher layer.",
      ],
      [
        { "compat/sandbox/a.ts": 'await import("../../mod.ts");' },
        "compat/sandbox/a.ts: imports mod.ts, which is in a higher layer.",
      ],
      [
        { "mod.ts": 'export { a } from "./compat/python/a.ts";' },
        "mod.ts: imports compat/python/a.ts, which nothing imports.",
      ],
      [
        { "mod.ts": 'export { a } from "./compat/ambient/a.ts";' },
        "mod.ts: imports compat/ambient/a.ts, which nothing imports.",
      ],
      [
        { "mod.ts": 'export { a } from "./compat/broker/a.ts";' },
        "mod.ts: imports compat/broker/a.ts, which nothing imports.",
      ],
      [
        { "ffi/a.ts": 'import { b } from "../tests/b.ts";' },
        "ffi/a.ts: imports tests/b.ts, which is outside of the library.",
      ],
      [
        { "ffi/a.ts": 'import { b } from "@std/path";' },
        'ffi/a.ts: imports "@std/path", which is no file of the library.',
      ],
      [
        { "examples/a.ts": 'import { b } from "../ffi/b.ts";' },
        'examples/a.ts: imports "../ffi/b.ts", which is neither ../mod.ts nor a facade nor of @std.',
      ],
      [
        { "examples/a.ts": 'import { b } from "../compat/python/b.ts";' },
        'examples/a.ts: imports "../compat/python/b.ts", which is neither ../mod.ts nor a facade nor of @std.',
      ],
      [
        { "examples/a.ts": 'import b from "npm:b";' },
        'examples/a.ts: imports "npm:b" without an exact version.',
      ],
      [
        { "examples/a.ts": 'import b from "npm:b@^1.2.3";' },
        'examples/a.ts: imports "npm:b@^1.2.3" without an exact version.',
      ],
      [
        { "compat/fs/a.ts": 'import b from "npm:b@1.2.3";' },
        'compat/fs/a.ts: imports "npm:b@1.2.3", which is no file of the library.',
      ],
    ],
  },
  {
    rule: rules.privacy,
    title: "a private file is imported only inside its folder and below it",
    good: [
      { "ffi/libc/a.ts": 'import { b } from "../_b.ts";' },
      { "ffi/a.ts": 'import { b } from "./_b.ts";' },
      { "tests/ffi/a_test.ts": 'import { b } from "../../ffi/_b.ts";' },
    ],
    bad: [
      [
        { "compat/fs/a.ts": 'import { b } from "../../ffi/_b.ts";' },
        "compat/fs/a.ts: imports ffi/_b.ts, which is private to its folder.",
      ],
      [
        { "ffi/a.ts": 'import { b } from "./libc/_b.ts";' },
        "ffi/a.ts: imports ffi/libc/_b.ts, which is private to its folder.",
      ],
      [
        { "mod.ts": 'export { b } from "./rights/_b.ts";' },
        "mod.ts: imports rights/_b.ts, which is private to its folder.",
      ],
    ],
  },
  {
    rule: rules.rooms,
    title: "a folder has at most 12 files and documents its contents, and no two files share a name",
    good: [
      { "ffi/README.md": "Text.\n", "ffi/a.ts": "", "ffi/libc/mod.ts": "", "ffi/libc/b.ts": "" },
      {
        "ffi/freebsd/README.md": "",
        "ffi/freebsd/a.ts": "",
        "ffi/linux/README.md": "",
        "ffi/linux/a.ts": "",
      },
    ],
    bad: [
      [{ "ffi/a.ts": "" }, "ffi: has neither a mod.ts nor a README.md."],
      [{ "ffi/README.md": "1\n".repeat(16) }, "ffi/README.md: has more than 15 lines."],
      [
        { "ffi/mod.ts": "", "ffi/a.ts": "", "rights/mod.ts": "", "rights/a.ts": "" },
        "a.ts: is the name of ffi/a.ts and rights/a.ts.",
      ],
      [
        Object.fromEntries(["mod.ts", ..."abcdefghijkl"].map((name) => [`ffi/${name}`, ""])),
        "ffi: has 13 files, more than 12.",
      ],
    ],
  },
  {
    rule: rules.acyclicity,
    title: "no file imports itself in a cycle",
    good: [
      {
        "ffi/a.ts": 'import "./b.ts";',
        "ffi/b.ts": 'import type { a } from "./c.ts"; export const b = "./a.ts";',
        "ffi/c.ts": "",
      },
      {
        "ffi/a.ts": 'import "./b.ts"; import "./c.ts";',
        "ffi/b.ts": 'import "./c.ts";',
        "ffi/c.ts": "",
      },
    ],
    bad: [
      [
        { "ffi/a.ts": 'import "./b.ts";', "ffi/b.ts": 'import { type a } from "./a.ts";' },
        "ffi/a.ts -> ffi/b.ts -> ffi/a.ts: a cycle.",
      ],
      [
        { "ffi/a.ts": 'import "./b.ts";', "ffi/b.ts": 'import type { a } from "./a.ts";' },
        "ffi/a.ts -> ffi/b.ts -> ffi/a.ts: a cycle.",
      ],
    ],
  },
  {
    rule: rules.size,
    title: "mod.ts loads at most 45 modules and 3 that enforce the Linux sandbox",
    good: [
      manyModules(45, "ffi/"),
      manyModules(3, "ffi/linux/confine/"),
      { ...manyModules(45, "ffi/"), "ffi/0.ts": 'import type { A } from "./a.ts";', "ffi/a.ts": "" },
    ],
    bad: [
      [manyModules(46, "ffi/"), "mod.ts: loads 46 modules."],
      [manyModules(4, "ffi/linux/confine/"), "mod.ts: loads 4 modules of ffi/linux/confine/."],
    ],
  },
  {
    rule: rules.vocabulary,
    title: "only ffi/ opens libraries, no file uses raw pointers or Node, rights/ does not use Deno",
    good: [
      { "ffi/a.ts": "Deno.dlopen(path, symbols);" },
      { "compat/fs/a.ts": '// Deno.dlopen\nconst a: ArrayBuffer = f(/"/, "Deno.UnsafePointer Buffer");' },
      { "examples/README.md": "A process of its own." },
      { "rights/a.ts": 'Symbol.for("Deno.customInspect");' },
      { "examples/a.ts": 'import { crc32 } from "node:zlib";' },
      { "compat/broker/child/resolver.ts": 'import { lookup } from "node:dns";' },
      { "tests/a.ts": "Deno.dlopen(path, symbols);" },
      { "compat/ambient/a.ts": "process.cwd = cwd;" },
    ],
    bad: [
      [{ "compat/fs/a.ts": "const { dlopen } = Deno;" }, "compat/fs/a.ts: uses dlopen."],
      [{ "examples/a.ts": "Deno.dlopen(path, {});" }, "examples/a.ts: uses dlopen."],
      [{ "ffi/a.ts": "Deno.UnsafePointer.of(a);" }, "ffi/a.ts: uses UnsafePointer."],
      [{ "ffi/a.ts": 'import { readFileSync } from "node:fs";' }, "ffi/a.ts: uses node:fs."],
      [{ "ffi/a.ts": 'import b from "npm:b@1.2.3";' }, "ffi/a.ts: uses npm:b@1.2.3."],
      [{ "ffi/a.ts": 'import { crc32 } from "node:zlib";' }, "ffi/a.ts: uses node:zlib."],
      [{ "examples/a.ts": 'import { readFileSync } from "node:fs";' }, "examples/a.ts: uses node:fs."],
      [{ "ffi/a.ts": "const a = /[`\"']/; Buffer.from(a);" }, "ffi/a.ts: uses Buffer."],
      [{ "ffi/a.ts": "process.exit();" }, "ffi/a.ts: uses process."],
      [{ "rights/a.ts": "Deno.inspect(a);" }, "rights/a.ts: uses Deno."],
    ],
  },
  {
    rule: rules.exportList,
    title: "a mod.ts has documentation, lists its exports and does nothing else",
    good: [
      {
        "mod.ts":
          `${moduleDoc}export {\n  a,\n  type B,\n} from "./ffi/a.ts";\nexport type { C } from "./ffi/c.ts";`,
      },
      {
        "compat/fs/mod.ts":
          `${moduleDoc}import * as libc from "../../ffi/libc.ts";\nexport { libc };\nexport * as d from "./d.ts";`,
      },
      { "ffi/libc/mod.ts": `${moduleDoc}export * from "../freebsd/constants.ts";` },
      { "ffi/a.ts": "export const a = 1;" },
    ],
    bad: [
      [
        { "mod.ts": `${moduleDoc}export const a = 1;` },
        "mod.ts: has more than an export list: export const a = 1;",
      ],
      [
        { "compat/fs/mod.ts": `${moduleDoc}export * from "./a.ts";` },
        'compat/fs/mod.ts: has more than an export list: export * from "./a.ts";',
      ],
      [
        { "mod.ts": `${moduleDoc}import "./ffi/a.ts";` },
        'mod.ts: has more than an export list: import "./ffi/a.ts";',
      ],
      [
        { "ffi/mod.ts": '/** A function. */\nexport { a } from "./a.ts";' },
        "ffi/mod.ts: has no documentation of the module.",
      ],
    ],
  },
  {
    rule: rules.testing,
    title: "tests are registered, started and given their files by one module each",
    good: [
      { "tests/_test.ts": "Deno.test(a); new Deno.Command(b);", "tests/_child.ts": "new Deno.Command(b);" },
      { "tests/_fixture.ts": "Deno.mkdirSync(a);" },
      { "tests/_deno_reference.ts": "Deno.mkdirSync(a);", "tests/std/fs.ts": "Deno.removeSync(a);" },
      { "tests/a_test.ts": 'test("Deno.test and Deno.Command", () => Deno.openSync(a, { read: true }));' },
    ],
    bad: [
      [{ "tests/ffi/a_test.ts": 'Deno.test("a", () => {});' }, "tests/ffi/a_test.ts: uses Deno.test."],
      [{ "tests/a_test.ts": "new Deno.Command(a);" }, "tests/a_test.ts: uses Deno.Command."],
      [{ "tests/a_test.ts": "Deno.makeTempDirSync();" }, "tests/a_test.ts: uses Deno.makeTempDirSync."],
      [{ "tests/_a.ts": "await Deno.remove(a);" }, "tests/_a.ts: uses Deno.remove."],
      [
        { "tests/a_test.ts": "Deno.openSync(a, { read: true, write: true });" },
        "tests/a_test.ts: uses Deno.openSync(a, { read: true, write: true.",
      ],
    ],
  },
  {
    rule: rules.anonymity,
    title: "no file names a registry's host or a directory of the machine it was written on",
    good: [{
      "README.md": "jsr:@capsicum/capsicum, https://man.freebsd.org/, net/work/a, rootless /workshop",
    }],
    bad: [
      [{ "README.md": `https://${"jsr"}.io/@a/b` }, `README.md: mentions ${"jsr"}.io.`],
      [{ "a.json": `"registry.${"npmjs"}.org"` }, `a.json: mentions ${"npmjs"}.org.`],
      [{ "a.sh": `cd ${"/work"}/main` }, `a.sh: mentions ${"/work"}/main.`],
      [{ "a.sh": `HOME=${"/root"}/` }, `a.sh: mentions ${"/root"}/.`],
    ],
  },
];

/** A mod.ts that imports so many modules of a folder. */
function manyModules(count: number, folder: string): Record<string, string> {
  const names = Array.from({ length: count }, (_, i) => `${folder}${i}.ts`);
  return {
    "mod.ts": names.map((name) => `export { a } from "./${name}";`).join(""),
    ...Object.fromEntries(names.map((name) => [name, ""])),
  };
}

for (const { rule, title, good, bad } of samples) {
  test(`project: ${title}`, () => assertEquals(rule(project), []));
  test(`_layering: the rule that ${title} accepts good and reports bad files`, () => {
    for (const files of good) assertEquals(rule(new Map(Object.entries(files))), []);
    for (const [files, complaint] of bad) assertEquals(rule(new Map(Object.entries(files))), [complaint]);
  });
}

test("project: every layer is in the folder that the rules expect", () => {
  for (const start of ["rights/", "ffi/", "compat/fs/", "mod.ts", "examples/", "tests/"]) {
    assert([...project.keys()].some((path) => path.startsWith(start)), `nothing under ${start}`);
  }
});

test("project: every path in tests/run/places.ts exists", () => assertEquals(staleRules(), []));
