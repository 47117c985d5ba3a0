import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { isSameFile } from "../../examples/_output.ts";
import { openDirSync } from "../../mod.ts";
import { type ChildOptions, runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { moduleOf, runTool, withoutSandbox } from "./_example.ts";

const grep = async (args: string[], cwd: string, options: ChildOptions = {}) => {
  const { code, stdout, stderr } = await runTool("grep", args, { cwd, ...options });
  return { code, lines: stdout.split("\n").slice(0, -1).sort(), stderr };
};

test("grep.ts prints path, line and text of each match in files and trees, as grep -rn does", async () => {
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

test("grep.ts -F matches every character literally", async () => {
  const text = "\\^$.*+?()[]{}|/-#&~";
  using fixture = new Fixture({ file: `a\n${text}\n` });
  assertEquals((await grep(["-F", "--", text, "file"], fixture.path)).lines, [`file:2:${text}`]);
});

test("grep.ts continues after a file that can't be read, and exits with 2", async () => {
  using fixture = new Fixture({ file: "match" });
  const { code, lines, stderr } = await grep(["match", "absent", "file"], fixture.path);
  assertEquals([code, lines], [2, ["file:1:match"]]);
  assertMatch(stderr, /^grep: absent: open "absent": [^\n]*ENOENT[^\n]*\n$/);
});

test("grep.ts reads nothing outside of its operands, through any symlink", async () => {
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
  // A symlink on the command line is followed, before the tool enters capability mode.
  assertEquals((await grep(["CANARY", "tree/link"], fixture.path)).lines, ["tree/link:1:CANARY"]);
});

test("grep.ts does not wait for FIFOs, reports binary files, and searches any bytes", async () => {
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

test("grep.ts has only rights to read in capability mode", async () => {
  using fixture = new Fixture({ tree: { file: "match" } });
  // It lists and reads even a tree of a hundred levels.
  let place = "tree";
  for (let i = 0; i < 100; i++) fixture.add({ d: {} }, place), place += "/d";
  fixture.add({ deep: "match" }, place);
  const { code, lines, stderr } = await grep(["match", "tree"], fixture.path);
  assertEquals([code, lines.length, stderr], [0, 2, ""]);
}, { skip: !kernel.hasCapsicum && "needs Capsicum: FreeBSD, or the stand-in" });

test("grep.ts prints names and lines as their original bytes", async () => {
  using fixture = new Fixture({ tree: {} });
  using tree = openDirSync(fixture.at("tree"));
  const ascii = (text: string) => [...text].map((sign) => sign.charCodeAt(0));
  const line = [0xff, 0xc3, 0x28, ...ascii("match"), 0x0d, 0xe9, 0x0d, 0x0a];
  tree.writeFileSync("caf\udce9", Uint8Array.from(line));
  const { bytes } = await runTool("grep", ["match", "tree"], { cwd: fixture.path });
  assertEquals(bytes, Uint8Array.from([...ascii("tree/caf"), 0xe9, ...ascii(":1:"), ...line]));
  const names = await runTool("grep", ["-l", "match", "tree"], { cwd: fixture.path });
  assertEquals(names.bytes, Uint8Array.from([...ascii("tree/caf"), 0xe9, 0x0a]));
});

test("grep.ts does not search the file that receives its output", async () => {
  const text = "a match and more text\n".repeat(5000);
  using fixture = new Fixture({ tree: { "0": "", "a.txt": text, z: "" } });
  for (const name of ["0", "z"]) {
    const result = await grep(["match", "tree"], fixture.path, { shell: `exec "$@" >>tree/${name}` });
    assertEquals(result, {
      code: 2,
      lines: [],
      stderr: `grep: tree/${name}: the output goes to this file, so it was not searched.\n`,
    });
    assertEquals(fixture.read(`tree/${name}`).split("\n").length, 5001);
    fixture.write(`tree/${name}`, "");
  }
  const all = await grep(["-l", "match", "tree", "tree/a.txt"], fixture.path, { shell: 'exec "$@" >out' });
  assertEquals([all.code, fixture.read("out")], [0, "tree/a.txt\ntree/a.txt\n"]);
});

test("isSameFile() compares all attributes of files whose inode number is null", () => {
  const info = (name: string, ino: number | null) => ({ ...Deno.statSync(fixture.at(name)), ino });
  using fixture = new Fixture({ a: "text", b: "longer text" });
  const never = () => assert(false) as never;
  assert(isSameFile(info("a", 5), info("a", 5), never));
  assertFalse(isSameFile(info("a", 5), info("a", 6), never));
  assertFalse(isSameFile(info("a", null), info("a", 6), never));
  assertFalse(isSameFile(info("a", null), info("b", null), () => info("b", null)));
  const before = info("a", null);
  fixture.write("a", "other text");
  assert(isSameFile(info("a", null), before, () => info("a", null)));
  assertFalse(isSameFile(info("a", null), before, () => undefined));
});

test("grep.ts searches standard input for -", async () => {
  using fixture = new Fixture({ file: "match\n" });
  const result = await grep(["match", "-", "file"], fixture.path, { stdin: "a\nmatch" });
  assertEquals(result, { code: 0, lines: ["(standard input):2:match", "file:1:match"], stderr: "" });
});

test("grep.ts exits with 2 and one message when its output can't be written", async () => {
  using fixture = new Fixture({ tree: { a: "match\n".repeat(100_000), b: "match\n".repeat(100_000) } });
  // "head" exits after its first lines, and the pipe can't hold the rest.
  const closed = await grep(["match", "tree"], fixture.path, {
    shell: '{ "$@"; echo "code $?" >&2; } | head -c 1 >/dev/null',
  });
  assertMatch(closed.stderr, /^grep: standard output: Broken pipe[^\n]*\ncode 2\n$/);
  const full = await grep(["match", "tree"], fixture.path, { shell: 'exec "$@" >/dev/full' });
  assertEquals(full.code, 2);
  assertMatch(full.stderr, /^grep: standard output: No space left on device[^\n]*\n$/);
});

test("grep.ts continues when its messages can't be written, and exits with 2", async () => {
  using fixture = new Fixture({ file: "match\n" });
  const silent = await grep(["match", "missing", "file"], fixture.path, { shell: 'exec "$@" 2>/dev/full' });
  assertEquals(silent, { code: 2, lines: ["file:1:match"], stderr: "" });
});

/** Runs the tool as the user `nobody` after all its modules are loaded. */
function droppingRoot(fixture: Fixture): ChildOptions {
  fixture.write(
    "dropping.ts",
    `import { dropRoot } from ${JSON.stringify(new URL("../_unprivileged.ts", import.meta.url).href)};
     const real = Deno.stdout.isTerminal;
     Deno.stdout.isTerminal = () => (dropRoot(), real.call(Deno.stdout));`,
  );
  fixture.giveAway();
  return { permissions: ["-A"], flags: [`--preload=${fixture.at("dropping.ts")}`] };
}

test("grep.ts continues after directories and files that it may not read, and reports each", async () => {
  const readable = { f: "match\n" };
  using fixture = new Fixture({
    tree: { a: readable, locked: readable, z: { y: readable }, top: "match\n" },
  });
  fixture.add({ secret: { text: "match\n", mode: 0 } }, "tree/z");
  const options = droppingRoot(fixture);
  fixture.chmod("tree/locked", 0);
  const { code, lines, stderr } = await grep(["match", "tree"], fixture.path, options);
  fixture.chmod("tree/locked", 0o700);
  assertEquals([code, lines], [2, ["tree/a/f:1:match", "tree/top:1:match", "tree/z/y/f:1:match"]]);
  const complaints = stderr.trimEnd().split("\n").sort();
  assertEquals(complaints.length, 2, stderr);
  assertMatch(complaints[0]!, /^grep: tree\/locked: .*EACCES/);
  assertMatch(complaints[1]!, /^grep: tree\/z\/secret: .*EACCES/);
});

test("grep.ts reports a line that is too long, searches the rest, and exits with 2", async () => {
  using fixture = new Fixture({
    tree: { long: `match\n${"x".repeat(600_000)}match\nmatch\n`, other: "match" },
  });
  const { code, lines, stderr } = await grep(["match", "tree"], fixture.path);
  assertEquals([code, lines], [2, ["tree/long:1:match", "tree/long:3:match", "tree/other:1:match"]]);
  assertEquals(stderr, "grep: tree/long: line 2 of more than 524288 bytes was not searched.\n");
});

test("grep.ts takes less than 64 MiB of memory for any input", async () => {
  using fixture = new Fixture({ small: "match\n", sparse: "" });
  fixture.resize("sparse", 100_000_000);
  fixture.write("one", new Uint8Array(60_000_000).fill(0xff));
  const lines = new Uint8Array(60_000_000).fill(0xff);
  for (let i = 0; i < lines.length; i += 520_000) lines[i] = 10;
  fixture.write("lines", lines);
  fixture.write("many", "match\n".repeat(1_000_000));
  fixture.write(
    "memory.ts",
    `addEventListener("unload", () => {
       console.error(/VmHWM:\\s+(\\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))[1]);
     });`,
  );
  // In the sandbox /proc can't be read.
  const { flags = [] } = withoutSandbox;
  const options = { flags: [...flags, `--preload=${fixture.at("memory.ts")}`], cwd: fixture.path };
  const peak = async (pattern: string, name: string) => {
    const { stderr } = await runModule(moduleOf("grep"), {
      ...options,
      args: ["--unprotected", pattern, name],
      shell: 'exec "$@" >/dev/null',
    });
    return Number(/^(\d+)$/m.exec(stderr)![1]);
  };
  const least = await peak("match", "small");
  for (const name of ["sparse", "one", "lines", "many"]) {
    for (const pattern of ["match", "(?!x)match"]) {
      const more = await peak(pattern, name) - least;
      assert(more < 64 * 1024, `${name}, ${pattern}: ${more} KiB more than ${least} KiB`);
    }
  }
}, { skip: kernel.hasCapsicum && "needs Linux itself, natively, where /proc can be read" });

test("grep.ts searches files at any depth", async () => {
  using fixture = new Fixture({ tree: {} });
  const name = "é".repeat(50), names = Array.from({ length: 60 }, () => name);
  const dirs = [openDirSync(fixture.at("tree"))];
  for (let level = 0; level < names.length; level += 4) {
    const path = names.slice(level, level + 4).join("/");
    dirs.at(-1)!.mkdirSync(path, { recursive: true });
    dirs.push(dirs.at(-1)!.openDirSync(path));
  }
  dirs.at(-1)!.writeTextFileSync("file", "match");
  for (const dir of dirs) dir.close();
  const { code, lines, stderr } = await grep(["match", "tree"], fixture.path);
  assertEquals([code, lines, stderr], [0, [`tree/${names.join("/")}/file:1:match`], ""]);
  using tree = openDirSync(fixture.at("tree"));
  tree.removeSync(name, { recursive: true });
});
