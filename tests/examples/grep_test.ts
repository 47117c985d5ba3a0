import { assert, assertEquals, assertMatch } from "@std/assert";
import { openDirSync } from "../../mod.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { runTool, testUsage } from "./_example.ts";

testUsage("grep", {
  wrong: [
    [[], /^grep: name a pattern; see --help\.$/m],
    [["-x", "a"], /there is no option "-x"/],
    [["--recursive", "a"], /there is no option "--recursive"/],
    [["(", "."], /^grep: Invalid regular expression: /],
  ],
  right: ["a", "."],
  failure: 2,
});

const grep = async (args: string[], cwd: string, env = {}) => {
  const { code, stdout, stderr } = await runTool("grep", args, { cwd, env });
  return { code, lines: stdout.split("\n").slice(0, -1).sort(), stderr };
};

test("grep.ts prints path, line and text of what matches in files and trees, as grep -rn does", async () => {
  using fixture = new Fixture({
    "one.txt": "first\nsecond match\nthird Match\r\nlast match",
    tree: { a: "no\n", b: { c: "a match\n", d: "MATCH\n" }, ".hidden": "match\n", empty: "" },
    none: "nothing",
  });
  const { path } = fixture;
  assertEquals(await grep(["match", "one.txt", "tree"], path), {
    code: 0,
    lines: ["one.txt:2:second match", "one.txt:4:last match", "tree/.hidden:1:match", "tree/b/c:1:a match"],
    stderr: "",
  });
  assertEquals((await grep(["-i", "^match", "tree/"], path)).lines, [
    "tree/.hidden:1:match",
    "tree/b/d:1:MATCH",
  ]);
  assertEquals((await grep(["second|no$"], path)).lines, ["one.txt:2:second match", "tree/a:1:no"]);
  assertEquals((await grep(["-il", "match", "one.txt", "none"], path)).lines, ["one.txt"]);
  assertEquals((await grep(["-F", "--", "-match|x", "."], path)).code, 1);
  assertEquals(await grep(["absent", "tree"], path), { code: 1, lines: [], stderr: "" });
});

test("grep.ts takes every character of a text with -F for itself", async () => {
  const text = "\\^$.*+?()[]{}|/-#&~";
  using fixture = new Fixture({ file: `a\n${text}\n` });
  assertEquals((await grep(["-F", "--", text, "file"], fixture.path)).lines, [`file:2:${text}`]);
});

test("grep.ts goes on after what can't be read, and ends with code 2", async () => {
  using fixture = new Fixture({ file: "match" });
  const { code, lines, stderr } = await grep(["match", "absent", "file"], fixture.path);
  assertEquals([code, lines], [2, ["file:1:match"]]);
  assertMatch(stderr, /^grep: absent: open "absent": [^\n]*ENOENT[^\n]*\n$/);
});

test("grep.ts reads nothing outside of what it was given, however its symlinks lead", async () => {
  using fixture = new Fixture({ secret: "CANARY", outside: { secret: "CANARY" } });
  fixture.add({
    tree: {
      file: "CANARY inside",
      link: { link: "../secret" },
      dir: { link: "../outside" },
      up: { link: ".." },
      absolute: { link: fixture.at("secret") },
      loop: { link: "." },
    },
  });
  assertEquals((await grep(["CANARY", "tree"], fixture.path)).lines, ["tree/file:1:CANARY inside"]);
  // A symlink on the command line is followed, before it enters.
  assertEquals((await grep(["CANARY", "tree/link"], fixture.path)).lines, ["tree/link:1:CANARY"]);
});

test("grep.ts does not wait for FIFOs, names binary files, and gets along with any bytes", async () => {
  using fixture = new Fixture({
    tree: {
      text: "match\n",
      binary: new Uint8Array([0, ..."match"].map((_, i) => i === 0 ? 0 : "match".charCodeAt(i - 1))),
      "new\nline": "match",
    },
  });
  fixture.write(
    "tree/bytes",
    new Uint8Array([0xff, 0xfe, ..."match".split("").map((sign) => sign.charCodeAt(0))]),
  );
  using tree = openDirSync(fixture.at("tree"));
  tree.mkfifoSync("fifo");
  tree.writeTextFileSync("caf\udce9", "match");
  const { code, lines } = await grep(["match", "tree"], fixture.path);
  assertEquals(code, 0);
  assert(lines.includes("Binary file tree/binary matches"), lines.join());
  assert(lines.includes("tree/caf\ufffd:1:match"), lines.join());
  assert(lines.includes("tree/bytes:1:\ufffd\ufffdmatch"), lines.join());
  assertEquals(lines.length, 6);
});

test("grep.ts has nothing but rights to read once it has entered", async () => {
  using fixture = new Fixture({ tree: { file: "match" } });
  // Listing and reading are what it does: with a hundred levels, too.
  let place = "tree";
  for (let i = 0; i < 100; i++) fixture.add({ d: {} }, place), place += "/d";
  fixture.add({ deep: "match" }, place);
  const { code, lines, stderr } = await grep(["match", "tree"], fixture.path);
  assertEquals([code, lines.length, stderr], [0, 2, ""]);
}, { skip: !kernel.hasCapsicum && "Linux has no Capsicum" });
