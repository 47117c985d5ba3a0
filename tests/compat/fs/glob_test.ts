import { assert, assertEquals, assertThrows } from "@std/assert";
import { globToRegExp } from "@std/path";
import { isPattern, namePattern } from "../../../compat/fs/_glob_name.ts";
import { type Dir, type ExpandGlobOptions, isNotCapable, openDirSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { callsOf } from "../../_standin.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

function found(dir: Dir, glob: string, options?: ExpandGlobOptions): string[] {
  return [...dir.expandGlobSync(glob, options)].map((entry) => entry.path);
}

function source(): Fixture {
  return new Fixture({
    "a.ts": "",
    "b.md": "",
    ".hidden": "",
    src: { "c.ts": "", "d_test.ts": "", sub: { "e.ts": "", "F.TS": "" }, skip: { "g.ts": "" } },
    link: { link: "src/sub" },
    out: { link: ".." },
  });
}

test("Dir.expandGlobSync() and expandGlob() give what a pattern means, sorted", async () => {
  using fixture = source();
  using dir = openDirSync(fixture.path);
  const cases: Record<string, string[]> = {
    "*.ts": ["a.ts"],
    "*": [".hidden", "a.ts", "b.md", "link", "out", "src"],
    "*/": ["src"],
    "src/*.ts": ["src/c.ts", "src/d_test.ts"],
    "src/**/*.ts": ["src/c.ts", "src/d_test.ts", "src/skip/g.ts", "src/sub/e.ts"],
    "**/e.ts": ["src/sub/e.ts"],
    "src/**": [
      "src",
      "src/c.ts",
      "src/d_test.ts",
      "src/skip",
      "src/skip/g.ts",
      "src/sub",
      "src/sub/F.TS",
      "src/sub/e.ts",
    ],
    "{a,b}.{ts,md}": ["a.ts", "b.md"],
    "src/!(d_*).ts": ["src/c.ts"],
    "src/@(c|x).ts": ["src/c.ts"],
    "[ab].*": ["a.ts", "b.md"],
    "a.ts": ["a.ts"],
    "./src/../a.ts": ["./src/../a.ts".replace("./", "")],
    "missing/*": [],
    "a.ts/*": [],
    "none*": [],
    "src/*/": ["src/skip", "src/sub"],
  };
  for (const [glob, paths] of Object.entries(cases)) {
    assertEquals([glob, found(dir, glob)], [glob, paths]);
    assertEquals((await Array.fromAsync(dir.expandGlob(glob))).map(({ path }) => path), paths, glob);
  }
  const [entry] = dir.expandGlobSync("s*");
  assertEquals(entry, { path: "src", name: "src", isFile: false, isDirectory: true, isSymlink: false });
});

test("Dir.expandGlobSync() heeds root, exclude, includeDirs, followSymlinks, extended, globstar and caseInsensitive", () => {
  using fixture = source();
  using dir = openDirSync(fixture.path);
  assertEquals(found(dir, "*.ts", { root: "src" }), ["src/c.ts", "src/d_test.ts"]);
  assertEquals(found(dir, "src/**/*.ts", { exclude: ["src/skip", "**/*_test.ts"] }), [
    "src/c.ts",
    "src/sub/e.ts",
  ]);
  assertEquals(found(dir, "src/*", { exclude: ["src"] }), []);
  assertEquals(found(dir, "src/*", { includeDirs: false }), ["src/c.ts", "src/d_test.ts"]);
  assertEquals(found(dir, "l*/*", {}), []);
  assertEquals(found(dir, "l*/e*", { followSymlinks: true, exclude: ["out"] }), ["src/sub/e.ts"]);
  assertEquals(found(dir, "l*/e*", { followSymlinks: true, canonicalize: false, exclude: ["out"] }), [
    "link/e.ts",
  ]);
  assertEquals(found(dir, "src/@(c).ts", { extended: false }), []);
  assertEquals(found(dir, "**/e.ts", { globstar: false }), []);
  assertEquals(found(dir, "src/sub/*.ts", { caseInsensitive: true }), ["src/sub/F.TS", "src/sub/e.ts"]);
});

test("Dir.expandGlobSync() refuses what leads out of the directory", () => {
  using fixture = source();
  using dir = openDirSync(fixture.at("src"));
  for (const glob of ["/etc/*", "../*", "../a.ts", "sub/../../*"]) {
    assert(isNotCapable(assertThrows(() => found(dir, glob))), glob);
  }
  assert(isNotCapable(assertThrows(() => found(dir, "*", { root: ".." }))));
  using inside = openDirSync(fixture.at("src"));
  fixture.add({ up: { link: ".." } }, "src");
  assertEquals(found(inside, "*/*", { followSymlinks: true }), ["skip/g.ts", "sub/F.TS", "sub/e.ts"]);
});

test("Dir.expandGlobSync() does not go where nothing can match", () => {
  using fixture = source();
  using dir = openDirSync(fixture.path);
  const before = callsOf("openat");
  found(dir, "x*/**/*.ts");
  assertEquals(callsOf("openat") - before, 1);
}, { skip: kernel.simulated ? false : "only the stand-in counts calls" });

const patterns = [
  "",
  "a",
  "*",
  "**",
  "a*",
  "*.ts",
  "a?c",
  "[abc]",
  "[!abc]",
  "[a-c]x",
  "[[:digit:]]*",
  "[![:alpha:]]",
  "[]",
  "[a",
  "{a,b}",
  "{a,b*}.ts",
  "{a,{b,c}}",
  "{a",
  "a}",
  "a,b",
  "a|b",
  "(a)",
  "?(a)b",
  "*(ab)c",
  "+(a|b)",
  "@(a|bc)",
  "!(a)",
  "!(a|b).ts",
  "a!(b)",
  "+(a",
  "a)",
  "\\*",
  "a\\",
  "a.b",
  "a+b",
  "^a$",
  "[\\]]",
  "[a\\-z]",
  "é*",
];
const names = [
  "a",
  "b",
  "c",
  "ab",
  "abc",
  "aXc",
  "a.ts",
  "b.ts",
  "x.ts",
  "ts",
  ".ts",
  "bb.ts",
  "ax",
  "cx",
  "1",
  "12",
  "-",
  "]",
  "*",
  "a*",
  "**",
  "{a",
  "a}",
  "a,b",
  "a|b",
  "(a)",
  "aab",
  "abab",
  "ababc",
  "aabb",
  "bc",
  "+(a",
  "a)",
  "a\\",
  "a.b",
  "aXb",
  "a+b",
  "aab",
  "^a$",
  "[a",
  "[]",
  "\\",
  "z",
  "é",
  "éa",
  "A",
  "A.TS",
];

test("namePattern() means what globToRegExp() of @std/path means", () => {
  let agreed = 0;
  for (const extended of [true, false]) {
    for (const caseInsensitive of [true, false]) {
      for (const pattern of patterns.slice(1)) {
        const ours = namePattern(pattern, { extended, caseInsensitive });
        const theirs = globToRegExp(pattern, { extended, caseInsensitive, globstar: false });
        for (const name of names) {
          assertEquals([pattern, extended, name, ours.test(name)], [
            pattern,
            extended,
            name,
            theirs.test(name),
          ]);
          agreed++;
        }
      }
    }
  }
  assert(agreed > 5000);
});

test("isPattern() is true of whatever means more than itself", () => {
  for (const pattern of patterns.slice(1)) {
    const means = namePattern(pattern, { extended: true, caseInsensitive: false });
    if (!isPattern(pattern)) {
      assertEquals(
        names.filter((name) => means.test(name)),
        names.filter((name) => name === pattern),
      );
    }
  }
  assert(isPattern("*") && !isPattern("a.b"));
});
