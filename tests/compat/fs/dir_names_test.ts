import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { CapsicumError, type Dir, openDirSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { hasRenameat2 } from "../../_kernel.ts";
import { failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

test("Dir.mkdirSync() creates a directory, and with recursive its parents", async () => {
  using fixture = new Fixture({ file: "", link: { link: "sub" }, sub: {}, dangling: { link: "nothing" } });
  using dir = openDirSync(fixture.path);
  dir.mkdirSync("a");
  dir.mkdirSync("a/b/");
  dir.mkdirSync("closed", { mode: 0o700 });
  assertEquals(fixture.stat("closed").mode! & 0o777, 0o700);
  // As in Deno, only chmod sets special bits.
  dir.mkdirSync("special", { mode: 0o7700 });
  dir.writeTextFileSync("special/one", "", { mode: 0o600 });
  dir.openSync("special/two", { write: true, create: true, mode: 0o7600 }).close();
  assertEquals(["special", "special/two"].map((path) => fixture.stat(path).mode! & 0o7000), [0, 0]);
  dir.mkdirSync("c/d/e", { recursive: true });
  dir.mkdirSync("c/d/e", { recursive: true });
  dir.mkdirSync("link/f/../g/", { recursive: true });
  await dir.mkdir("link", { recursive: true });
  await dir.ensureDir("h/i");
  dir.ensureDirSync("h/i");
  assertEquals([fixture.list("a"), fixture.list("c/d"), fixture.list("sub"), fixture.list("h")], [
    ["b"],
    ["e"],
    ["f", "g"],
    ["i"],
  ]);
  const { AlreadyExists, NotADirectory, NotFound } = Deno.errors;
  assertThrows(() => dir.mkdirSync("a"), AlreadyExists);
  assertThrows(() => dir.mkdirSync("."), AlreadyExists);
  assertThrows(() => dir.mkdirSync("x/y"), NotFound);
  for (const name of ["file", "dangling"]) {
    assertThrows(() => dir.mkdirSync(name, { recursive: true }), AlreadyExists);
    assertThrows(() => dir.ensureDirSync(name), AlreadyExists);
  }
  assertThrows(() => dir.mkdirSync("file/x", { recursive: true }), NotADirectory);
  await assertRejects(() => dir.mkdir("a"), AlreadyExists);
  for (const mode of [-1, 1.5, NaN, 2 ** 16, "755" as never]) {
    const Class = typeof mode === "string" ? TypeError : RangeError;
    assertThrows(() => dir.mkdirSync("none", { mode }), Class, "mode");
    assertThrows(() => dir.openSync("none", { write: true, create: true, mode }), Class, "mode");
    assertThrows(() => dir.writeTextFileSync("none", "", { mode }), Error, "mode");
  }
  assert(!fixture.exists("none"));
});

test("Dir.ensureFileSync() creates a file if it is missing, and does not change an existing file", async () => {
  using fixture = new Fixture({ file: "text", sub: {}, link: { link: "file" } });
  using dir = openDirSync(fixture.path);
  dir.ensureFileSync("file");
  dir.ensureFileSync("a/b/new");
  await dir.ensureFile("a/b/new");
  dir.ensureFileSync("c/../file");
  assert(fixture.exists("c"));
  assertEquals([fixture.read("file"), fixture.read("a/b/new")], ["text", ""]);
  for (const name of ["sub", "link"]) assertThrows(() => dir.ensureFileSync(name), Deno.errors.AlreadyExists);
});

/** Runs an operation within one directory and between two. */
async function bothWaysAsync(
  use: (dir: Dir, to: (path: string) => [string] | [Dir, string]) => Promise<void>,
) {
  const tree = () => ({
    dir: { file: "text", sub: { deep: "deep" }, link: { link: "file" }, taken: "taken" },
  });
  using one = new Fixture(tree()), other = new Fixture(tree());
  using dir = openDirSync(one.at("dir")),
    above = openDirSync(other.path),
    inner = openDirSync(other.at("dir"));
  await use(dir, (path) => [path]);
  await use(inner, (path) => [above, `dir/${path}`]);
}

/** The synchronous twin of `bothWaysAsync()`. */
function bothWays(use: (dir: Dir, to: (path: string) => [string] | [Dir, string]) => void): void {
  using dirs = new Fixture({
    dir: { file: "text", sub: { deep: "deep" }, link: { link: "file" }, taken: "taken" },
  });
  {
    using dir = openDirSync(dirs.at("dir"));
    use(dir, (path) => [path]);
  }
  using other = new Fixture({
    dir: { file: "text", sub: { deep: "deep" }, link: { link: "file" }, taken: "taken" },
  });
  using dir = openDirSync(other.path), inner = openDirSync(other.at("dir"));
  use(inner, (path) => [dir, `dir/${path}`]);
}

test("Dir.renameSync() gives a file another name, in the same directory and in another", () => {
  bothWays((dir, to) => {
    dir.renameSync("file", ...to("sub/new"));
    assertEquals(dir.readTextFileSync("sub/new"), "text");
    dir.renameSync("sub/new", ...to("taken"));
    assertEquals(dir.readTextFileSync("taken"), "text");
    dir.renameSync("link", ...to("sub/link"));
    assertEquals(dir.readLinkSync("sub/link"), "file");
    dir.renameSync("sub", ...to("moved/"));
    assertEquals(dir.listSync("moved").sort(), ["deep", "link"]);
    assertThrows(() => dir.renameSync("missing", ...to("x")), Deno.errors.NotFound);
    assertThrows(() => dir.renameSync("taken", ...to("x/")), Deno.errors.NotADirectory);
    assertThrows(() => dir.renameSync("taken", ...to("moved")), Deno.errors.IsADirectory);
    assertThrows(() => dir.renameSync("moved", ...to("taken")), Deno.errors.NotADirectory);
    assertEquals(dir.listSync().sort(), ["moved", "taken"]);
  });
});

test("Dir.renameSync() and rename() with replace: false use a free name, and throw for an existing one", async () => {
  const taken = ["taken", "link", "sub", "dangling", "sub/deep"];
  await bothWaysAsync(async (dir, to) => {
    dir.symlinkSync("nothing", "dangling");
    const options = { replace: false };
    for (const name of taken) {
      assertThrows(() => dir.renameSync("file", ...to(name), options), Deno.errors.AlreadyExists, name);
      await assertRejects(() => dir.rename("file", ...to(name), options), Deno.errors.AlreadyExists, name);
    }
    assertEquals([dir.readTextFileSync("file"), dir.readTextFileSync("taken")], ["text", "taken"]);
    dir.renameSync("file", ...to("sub/new"), options);
    await dir.rename("sub/new", ...to("other"), options);
    dir.renameSync("link", ...to("sub/link"), options);
    assertEquals([dir.readTextFileSync("other"), dir.readLinkSync("sub/link")], ["text", "file"]);
    assertEquals(dir.statSync("other").nlink, 1);
    assertThrows(() => dir.renameSync("missing", ...to("x"), options), Deno.errors.NotFound);
    if (hasRenameat2) dir.renameSync("sub", ...to("moved"), options);
    else {
      const error = assertThrows(
        () => dir.renameSync("sub", ...to("moved"), options),
        Deno.errors.NotSupported,
      );
      assert(error.message.includes("replace: true"), error.message);
      dir.renameSync("sub", ...to("moved"), { replace: true });
    }
    assertEquals(dir.listSync().sort(), ["dangling", "moved", "other", "taken"]);
  });
});

test("Dir.renameSync() with replace: false uses a link if renameat2() is not supported", () => {
  const ENOSYS = 78, EINVAL = 22, EOPNOTSUPP = 45, EIO = 5;
  for (const errno of [ENOSYS, EINVAL, EOPNOTSUPP]) {
    using fixture = new Fixture({ file: "text", link: { link: "file" }, taken: "taken", sub: {} });
    using dir = openDirSync(fixture.path);
    const renamed = (from: string, to: string) => {
      failNext("renameat2", errno);
      dir.renameSync(from, to, { replace: false });
    };
    assertThrows(() => renamed("file", "taken"), Deno.errors.AlreadyExists);
    renamed("file", "new");
    renamed("link", "moved");
    assertEquals([fixture.list(), fixture.read("new")], [["moved", "new", "sub", "taken"], "text"]);
    assertEquals([dir.readLinkSync("moved"), fixture.stat("new").nlink], ["file", 1]);
    const Class = errno === EINVAL ? CapsicumError : Deno.errors.NotSupported;
    assertThrows(() => renamed("sub", "x"), Class, "replace: true");
    // The link is removed again.
    failNext("unlinkat", EIO);
    assertThrows(() => renamed("new", "x"), Error, "EIO");
    assertEquals(fixture.list(), ["moved", "new", "sub", "taken"]);
  }
}, { skip: needsStandin });

test("Dir.renameSync() with replace: false throws EINVAL for a directory that would be moved into itself", () => {
  using fixture = new Fixture({ sub: { below: {} }, file: "" });
  using dir = openDirSync(fixture.path);
  for (const [from, to] of [["sub", "sub/new"], ["sub", "sub/below/new"], [".", "new"]] as const) {
    const error = assertThrows(() => dir.renameSync(from, to, { replace: false }));
    const code = hasRenameat2 ? /^(EINVAL|EBUSY)$/ : /^EOPNOTSUPP$/;
    assertMatch((error as CapsicumError).code, code);
  }
  dir.renameSync("file", "sub/below/new", { replace: false });
  assertEquals(fixture.list("sub/below"), ["new"]);
});

test("Dir.renameSync() and rename() refuse unknown options", async () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  for (const options of [{ replaces: false }, { replace: 0 }, { replace: null }, null, false] as never[]) {
    assertThrows(() => dir.renameSync("file", "x", options), TypeError, "Dir.renameSync()");
    await assertRejects(() => dir.rename("file", dir, "x", options), TypeError, "Dir.rename()");
  }
  assertEquals(fixture.list(), ["file"]);
});

test("Dir.linkSync() gives a file a second name, in the same directory and in another", () => {
  bothWays((dir, to) => {
    dir.linkSync("file", ...to("sub/new"));
    assertEquals(dir.statSync("file").ino, dir.statSync("sub/new").ino);
    dir.linkSync("link", ...to("sub/link"));
    assertEquals(dir.readLinkSync("sub/link"), "file");
    assertThrows(() => dir.linkSync("file", ...to("taken")), Deno.errors.AlreadyExists);
    assertThrows(() => dir.linkSync("missing", ...to("x")), Deno.errors.NotFound);
    assertThrows(() => dir.linkSync("sub", ...to("x")), Deno.errors.PermissionDenied);
    assertThrows(() => dir.linkSync("file", ...to("missing/x")), Deno.errors.NotFound);
  });
});

test("Dir.rename() and link() do the same as their synchronous twins", async () => {
  using fixture = new Fixture({ file: "text", sub: {} });
  using dir = openDirSync(fixture.path), sub = openDirSync(fixture.at("sub"));
  await dir.link("file", sub, "one");
  await dir.rename("file", sub, "two");
  assertEquals([fixture.list(), fixture.list("sub")], [["sub"], ["one", "two"]]);
  await assertRejects(() => dir.link("missing", "x"), Deno.errors.NotFound);
  await assertRejects(() => dir.rename("missing", "x"), Deno.errors.NotFound);
});

test("Dir.symlinkSync() creates symlinks with any target, and readLinkSync() returns it", async () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  for (const target of ["file", "../outside", "/etc/passwd", "a".repeat(900), "\udcff\udc80é"]) {
    dir.symlinkSync(target, "link");
    assertEquals(dir.readLinkSync("link"), target);
    assertThrows(() => dir.symlinkSync("other", "link"), Deno.errors.AlreadyExists);
    dir.removeSync("link");
  }
  await dir.symlink("file", "link");
  assertEquals(await dir.readLink("link"), "file");
  const followed = { ".": "EINVAL", file: "ENOTDIR", none: "ENOENT" };
  for (const [target, expected] of Object.entries(followed)) {
    const name = `to ${target}`;
    dir.symlinkSync(target, name);
    assertEquals(failureOf(() => dir.readLinkSync(`${name}/`)).code, expected);
  }
  assertEquals(dir.readTextFileSync("link"), "text");
  const { class: name, code } = failureOf(() => dir.readLinkSync("file"));
  assertEquals([name, code], ["CapsicumError", "EINVAL"]);
  assertThrows(() => dir.readLinkSync("missing"), Deno.errors.NotFound);
  await assertRejects(() => dir.readLink("file"), CapsicumError);
  assertThrows(() => dir.symlinkSync("", "x"), TypeError);
});

test("Dir.mkfifoSync() creates a named pipe", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  dir.mkfifoSync("a", 0o600);
  await dir.mkfifo("b");
  assert(fixture.stat("a").isFifo && fixture.stat("b").isFifo);
  assertEquals(fixture.stat("a").mode! & 0o777, 0o600);
  assertThrows(() => dir.mkfifoSync("a"), Deno.errors.AlreadyExists);
});

test("Dir.realPathSync() returns the path without symlinks, and throws for a missing file", async () => {
  using fixture = new Fixture({
    a: { b: { file: "" }, up: { link: "../a/b" } },
    link: { link: "a/up/file" },
    dangling: { link: "nothing" },
  });
  using dir = openDirSync(fixture.path);
  assertEquals(dir.realPathSync("link"), "a/b/file");
  assertEquals(dir.realPathSync("a/up/../up"), "a/b");
  assertEquals(dir.realPathSync("a/.."), ".");
  assertEquals(await dir.realPath("./a//b/"), "a/b");
  for (const path of ["dangling", "a/missing", "missing/a"]) {
    assertThrows(() => dir.realPathSync(path), Deno.errors.NotFound);
  }
  assertThrows(() => dir.realPathSync("link/"), Deno.errors.NotADirectory);
});

test("Dir's methods accept names with every byte except NUL and slash, as they list them", () => {
  using fixture = new Fixture({ sub: {} });
  using dir = openDirSync(fixture.path);
  for (let byte = 1; byte < 256; byte++) {
    if (byte === 0x2f) continue;
    const name = `x${byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte)}`;
    dir.writeTextFileSync(name, "text");
    assertEquals(dir.listSync().filter((listed) => listed !== "sub"), [name]);
    dir.renameSync(name, `sub/${name}`);
    assertEquals(dir.readTextFileSync(`sub/${name}`), "text");
    assertEquals(dir.realPathSync(`sub/./${name}`), `sub/${name}`);
    assertEquals([...dir.walkSync("sub")].map(({ path }) => path), ["sub", `sub/${name}`]);
    dir.removeSync(`sub/${name}`);
  }
  assertEquals(fixture.list("sub"), []);
});

test("Dir's methods throw TypeError for a value that is not a path, and create nothing", async () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  for (const path of ["", "a\0b", 5, null, undefined] as string[]) {
    for (
      const use of [
        () => dir.mkdirSync(path),
        () => dir.mkdirSync(path, { recursive: true }),
        () => dir.ensureFileSync(path),
        () => dir.removeSync(path),
        () => dir.removeSync(path, { recursive: true }),
        () => dir.emptyDirSync(path),
        () => dir.renameSync(path, "x"),
        () => dir.renameSync("file", path),
        () => dir.linkSync(path, "x"),
        () => dir.linkSync("file", path),
        () => dir.symlinkSync(path, "x"),
        () => dir.symlinkSync("x", path),
        () => dir.readLinkSync(path),
        () => dir.mkfifoSync(path),
        () => dir.realPathSync(path),
        () => dir.copyFileSync(path, "x"),
        () => dir.copyFileSync("file", path),
        () => dir.copySync(path, "x"),
        () => dir.copySync("file", path),
        () => dir.chmodSync(path, 0o600),
        () => dir.truncateSync(path),
        () => dir.lstatSync(path),
        () => dir.readFileSync(path),
        () => dir.writeTextFileSync(path, ""),
        () => dir.writeFileAtomicSync(path, ""),
        () => [...dir.expandGlobSync(path)],
        () => dir.makeTempFileSync({ dir: path === undefined ? "" : path }),
      ]
    ) assertThrows(use, TypeError);
    await assertRejects(() => dir.remove(path, { recursive: true }), TypeError);
  }
  assertEquals(fixture.list(), ["file"]);
});
