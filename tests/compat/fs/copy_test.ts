import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Dir, FdFile, isNotCapable, libc, openDirSync } from "../../../mod.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { openDescriptors } from "../../_kernel.ts";
import { failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { observed } from "./_observed.ts";

const bytes = Uint8Array.from({ length: 700_000 }, (_, i) => i * 7);
const tree: Tree = {
  file: { text: "text", mode: 0o640 },
  big: bytes,
  sub: { deep: { file: "deep" }, link: { link: "../file" }, empty: {} },
  old: "old, and longer",
};

test("Dir.copyFileSync() and copyFile() copy bytes and mode, and overwrite", async () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  dir.copyFileSync("file", "sub/new");
  assertEquals([fixture.read("sub/new"), fixture.stat("sub/new").mode! & 0o777], ["text", 0o640]);
  dir.copyFileSync("sub/link", "old");
  assertEquals(fixture.read("old"), "text");
  dir.copyFileSync("big", "one");
  await dir.copyFile("big", "two");
  assertEquals([fixture.bytes("one"), fixture.bytes("two")], [bytes, bytes]);
  using sub = openDirSync(fixture.at("sub"));
  dir.copyFileSync("file", sub, "deep/copy");
  await dir.copyFile("file", sub, "deep/other");
  assertEquals(fixture.list("sub/deep"), ["copy", "file", "other"]);
});

test("Dir.copyFileSync() throws for a source that is not a file or is the target, and changes neither", async () => {
  using fixture = new Fixture({ ...tree, alias: { link: "file" } });
  using dir = openDirSync(fixture.path);
  dir.mkfifoSync("pipe");
  for (const from of ["sub", "pipe"]) assertThrows(() => dir.copyFileSync(from, "new"), TypeError, from);
  for (const to of ["file", "alias", "./sub/../file"]) {
    assertThrows(() => dir.copyFileSync("file", to), TypeError, "itself");
  }
  assertThrows(() => dir.copyFileSync("missing", "new"), Deno.errors.NotFound);
  assertThrows(() => dir.copyFileSync("file", "sub"), Deno.errors.IsADirectory);
  assertThrows(() => dir.copyFileSync("file", "missing/new"), Deno.errors.NotFound);
  await assertRejects(() => dir.copyFile("missing", "new"), Deno.errors.NotFound);
  assert(!fixture.exists("new"));
  assertEquals(fixture.read("file"), "text");
});

test("Dir.copySync() and copy() copy a tree: files with their modes, symlinks as symlinks", async () => {
  using fixture = new Fixture({ from: tree });
  using dir = openDirSync(fixture.path);
  dir.copySync("from", "one");
  await dir.copy("from", "two");
  for (const to of ["one", "two"]) {
    assertEquals(fixture.list(to), fixture.list("from"));
    assertEquals(fixture.list(`${to}/sub`), ["deep", "empty", "link"]);
    assertEquals([fixture.read(`${to}/sub/deep/file`), fixture.bytes(`${to}/big`)], ["deep", bytes]);
    assertEquals(fixture.stat(`${to}/file`).mode! & 0o777, 0o640);
    assertEquals(dir.readLinkSync(`${to}/sub/link`), "../file");
  }
  using other = new Fixture();
  using target = openDirSync(other.path);
  dir.copySync("from/sub", target, "sub");
  dir.copySync("from/file", target, "file");
  dir.copySync("from/sub/link", target, "link");
  assertEquals(other.list(), ["file", "link", "sub"]);
  assert(other.stat("link").isSymlink);
});

test("Dir.copySync() with overwrite replaces files, and never writes through a symlink", () => {
  using fixture = new Fixture({
    from: { file: "new", alias: { link: "file" }, sub: { a: "new a" } },
    to: { file: { link: "../outside" }, alias: "old", sub: { a: "old a, longer", b: "old b" } },
    outside: "outside",
  });
  using dir = openDirSync(fixture.path);
  assertThrows(() => dir.copySync("from", "to"), Deno.errors.AlreadyExists);
  assertThrows(() => dir.copySync("from/file", "to/alias"), Deno.errors.AlreadyExists);
  assertEquals(fixture.read("to/alias"), "old");
  dir.copySync("from", "to", { overwrite: true });
  assertEquals([fixture.read("to/file"), fixture.stat("to/file").isSymlink], ["new", false]);
  assertEquals([dir.readLinkSync("to/alias"), fixture.read("outside")], ["file", "outside"]);
  assertEquals([fixture.read("to/sub/a"), fixture.read("to/sub/b")], ["new a", "old b"]);
  assertThrows(() => dir.copySync("from", "to/file", { overwrite: true }), Deno.errors.NotADirectory);
});

test("Dir.copySync() with preserveTimestamps keeps times, also those of symlinks", () => {
  using fixture = new Fixture({ from: { file: "text", link: { link: "file" }, sub: { a: "" } } });
  using dir = openDirSync(fixture.path);
  for (const path of ["from/file", "from/sub/a", "from/sub", "from"]) dir.utimeSync(path, 1000, 2000.5);
  dir.copySync("from", "to", { preserveTimestamps: true });
  for (const path of ["to/file", "to/sub/a", "to/sub", "to"]) {
    assertEquals([path, fixture.stat(path).mtime], [path, new Date(2_000_500)]);
  }
  const time = (path: string) => fixture.stat(path).mtime!.getTime();
  assertEquals(time("to/link"), time("from/link"));
  dir.copySync("from", "now");
  assert(time("now/file") > 3_000_000);
});

test("Dir.copySync() throws when a directory is copied onto or into itself, by any spelling of the paths", () => {
  using fixture = new Fixture({ from: { sub: { file: "" } }, link: { link: "from/sub" } });
  using dir = openDirSync(fixture.path), from = openDirSync(fixture.at("from"));
  assertThrows(() => dir.copySync("from", "from"), TypeError, "itself");
  assertThrows(() => dir.copySync("from", "./link/../../from", { overwrite: true }), TypeError, "itself");
  for (const to of ["from/new", "from/sub/new", "link/new"]) {
    assertThrows(() => dir.copySync("from", to), TypeError, "into itself");
  }
  assertThrows(() => dir.copySync(".", "new"), TypeError, "into itself");
  assertEquals([fixture.list("from"), fixture.list("from/sub")], [["sub"], ["file"]]);
  // With another Dir, this is detected only when the copy reaches the directory.
  assertThrows(() => dir.copySync("from", from, "new"), TypeError, "into itself");
  dir.copySync("from", "from/../beside");
  assertEquals(fixture.list("beside/sub"), ["file"]);
});

test("Dir.copySync() throws for a missing source, and closes everything when it fails half-way", async () => {
  using fixture = new Fixture({ from: { a: { b: { file: "text" } } } });
  using dir = openDirSync(fixture.path);
  assertThrows(() => dir.copySync("missing", "to"), Deno.errors.NotFound);
  await assertRejects(() => dir.copy("missing", "to"), Deno.errors.NotFound);
  assertThrows(() => dir.copySync("from/a/b/file", "missing/to"), Deno.errors.NotFound);
  assert(!fixture.exists("missing"));
});

test("Dir.copySync() creates the parents of a directory's copy, but not if the copy is within the source", async () => {
  using fixture = new Fixture({ from: { file: "text" }, file: "", dangling: { link: "nothing" } });
  using dir = openDirSync(fixture.path);
  dir.copySync("from", "one/two/three");
  await dir.copy("from", "four/five/");
  assertEquals([fixture.read("one/two/three/file"), fixture.read("four/five/file")], ["text", "text"]);
  assertThrows(() => dir.copySync("from", "from/a/b"), TypeError, "into itself");
  assertThrows(() => dir.copySync("from", "file/a"), Deno.errors.NotADirectory);
  assertThrows(() => dir.copySync("from", "dangling/a"), Deno.errors.AlreadyExists);
  assertEquals([fixture.list("from"), fixture.exists("nothing")], [["file"], false]);
});

test("Dir.copyFileSync() and copy() of an empty file onto an empty file set its time", async () => {
  using fixture = new Fixture({ from: "", one: "", two: "" });
  using dir = openDirSync(fixture.path);
  for (const name of ["one", "two"]) dir.utimeSync(name, 1, 1);
  dir.copyFileSync("from", "one");
  await dir.copy("from", "two", { overwrite: true });
  for (const name of ["one", "two"]) assert(fixture.stat(name).mtime! > new Date(1000));
});

test("Dir.copySync() closes everything when the disk is full", async () => {
  using fixture = new Fixture({ from: { a: { b: { file: "text" } } } });
  using dir = openDirSync(fixture.path);
  const ENOSPC = 28;
  failNext("write", ENOSPC);
  assertThrows(() => dir.copySync("from", "one"), Error, "ENOSPC");
  failNext("mkdirat", ENOSPC, 2);
  await assertRejects(() => dir.copy("from", "two"), Error, "ENOSPC");
  dir.copySync("from", "three");
}, { skip: needsStandin });

test("Dir.copyFile() continues with its open files when the Dir is closed meanwhile", async () => {
  using fixture = new Fixture({ from: { a: bytes, b: bytes, c: bytes } });
  const dir = openDirSync(fixture.path);
  const copying = dir.copy("from", "to");
  await Promise.resolve();
  dir.close();
  await copying;
  for (const name of ["a", "b", "c"]) assertEquals(fixture.bytes(`to/${name}`), bytes);
});

test("concurrent copies to one path leave one of them complete, of a file and of a tree", async () => {
  using fixture = new Fixture({
    // In any order of the listing, one of the files comes before the directory.
    one: { a: "1", sub: { deep: { file: "1".repeat(300_000) } }, z: "1" },
    two: { a: "2", sub: { deep: { file: "2".repeat(900_000) } }, z: "2" },
    three: { a: "3", sub: { deep: { file: "" } }, z: "3" },
  });
  using dir = openDirSync(fixture.path);
  const names = ["one", "two", "three"], whole = names.map((name) => fixture.read(`${name}/sub/deep/file`));
  for (let round = 0; round < 3; round++) {
    await Promise.all(names.map((name) => dir.copyFile(`${name}/sub/deep/file`, "file")));
    assert(whole.includes(fixture.read("file")));
    await Promise.all(names.map((name) => dir.copy(name, `tree${round}`, { overwrite: true })));
    assert(whole.includes(fixture.read(`tree${round}/sub/deep/file`)));
    assertEquals(fixture.list(`tree${round}/sub/deep`), ["file"]);
  }
  const [first, ...others] = await Promise.allSettled(names.map((name) => dir.copy(name, "new")));
  assertEquals(first!.status, "fulfilled");
  for (const { reason } of others as PromiseRejectedResult[]) {
    assert(reason instanceof Deno.errors.AlreadyExists, `${reason}`);
  }
  assertEquals(fixture.read("new/sub/deep/file"), whole[0]);
});

test("Dir.copyFileSync() and copyFile() do not change the other hard links of the replaced file", async () => {
  using fixture = new Fixture({ from: "new", one: "old", two: "old" });
  fixture.link("one", "first");
  fixture.link("two", "second");
  using dir = openDirSync(fixture.path);
  dir.copyFileSync("from", "one");
  await dir.copyFile("from", "two");
  const contents = ["one", "first", "two", "second"].map((name) => fixture.read(name));
  assertEquals(contents, ["new", "old", "new", "old"]);
});

test("Dir.copyFileSync() replaces the target of a symlink only if it is within the directory", () => {
  using outer = new Fixture({
    canary: "canary",
    in: {
      from: { text: "new", mode: 0o640 },
      sub: { file: "old", up: { link: "../dangling" } },
      link: { link: "sub/./file" },
      dangling: { link: "sub/made" },
      escape: { link: "../canary" },
      absolute: { link: "/canary" },
      directory: { link: "sub" },
      round: { link: "round" },
    },
  });
  using dir = openDirSync(outer.at("in"));
  dir.copyFileSync("from", "link");
  assertEquals([outer.read("in/sub/file"), dir.readLinkSync("link")], ["new", "sub/./file"]);
  dir.copyFileSync("from", "sub/up");
  assertEquals([outer.read("in/sub/made"), dir.readLinkSync("dangling")], ["new", "sub/made"]);
  for (const path of ["escape", "absolute", "../canary", "sub/../../canary"]) {
    const error = assertThrows(() => dir.copyFileSync("from", path), Error, path);
    assert(isNotCapable(error), `${error}`);
  }
  assertThrows(() => dir.copyFileSync("from", "directory"), Deno.errors.IsADirectory);
  assertThrows(() => dir.copyFileSync("from", "round"), Deno.errors.FilesystemLoop);
  assertEquals([outer.read("canary"), outer.list("in/sub")], ["canary", ["file", "made", "up"]]);
});

test("Dir.copyFileSync() writes to a FIFO that has a reader, and refuses one without", async () => {
  using fixture = new Fixture({ from: "text" });
  using dir = openDirSync(fixture.path);
  dir.mkfifoSync("pipe");
  assertThrows(() => dir.copyFileSync("from", "pipe"), Error, "ENXIO");
  using reader = new FdFile(libc.openat(dir, "pipe", libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC));
  const buffer = new Uint8Array(9);
  dir.copyFileSync("from", "pipe");
  assertEquals(libc.read(reader, buffer), 4);
  await dir.copyFile("from", "pipe");
  assertEquals([libc.read(reader, buffer), fixture.list()], [4, ["from", "pipe"]]);
});

test("Dir.copySync() and copy() copy a tree of 900 levels with at most 40 descriptors", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const depth = 900;
  const goDown = (name: string, step: (at: Dir) => boolean): string => {
    for (let at = dir.openDirSync(name);;) {
      using above = at;
      if (!step(above)) return above.readTextFileSync("file");
      at = above.openDirSync("d");
    }
  };
  dir.mkdirSync("from");
  let made = 0;
  goDown("from", (at) => {
    if (made === depth) at.writeTextFileSync("file", "deep");
    else at.mkdirSync("d");
    return made++ < depth;
  });
  const before = openDescriptors().length;
  let most = 0, calls = 0;
  const count = () => {
    // Counting takes long.
    if (++calls % 50 === 0) most = Math.max(most, openDescriptors().length - before);
  };
  await observed(count, () => dir.copySync("from", "sync", { preserveTimestamps: true }));
  await observed(count, () => dir.copy("from", "async"));
  dir.copySync("from", "async", { overwrite: true });
  for (const name of ["sync", "async"]) {
    let levels = 0;
    assertEquals([goDown(name, (at) => at.existsSync("d") && ++levels > 0), levels], ["deep", depth]);
  }
  assert(most > 10 && most <= 40, `${most}`);
  // The system does not accept a path of this length.
  for (const name of ["from", "sync", "async"]) dir.removeSync(name, { recursive: true });
});

test("errors of Dir.copySync() name the whole path of the source or target that failed", async () => {
  using fixture = new Fixture({
    from: { sub: { deep: { file: "text" } } },
    to: { sub: { deep: { file: "old" } } },
    other: { sub: { deep: "a file" } },
  });
  using dir = openDirSync(fixture.path), target = openDirSync(fixture.at("to"));
  const expected: [to: string, path: string, Class: new (message: string) => Error][] = [
    ["to", "to", Deno.errors.AlreadyExists],
    ["other", "other/sub/deep", Deno.errors.NotADirectory],
  ];
  for (const [to, path, Class] of expected) {
    const options = { overwrite: to === "other" };
    for (
      const error of [
        assertThrows(() => dir.copySync("from", to, options), Class, JSON.stringify(path)),
        await assertRejects(() => dir.copy("from", to, options), Class, JSON.stringify(path)),
      ]
    ) assertEquals((error as { path?: string }).path, path);
  }
  const error = assertThrows(
    () => dir.copySync("from/sub/deep", target, "sub/deep"),
    Deno.errors.AlreadyExists,
    '"sub/deep"',
  );
  assertEquals([(error as { path?: string }).path, (error as { fd?: number }).fd], ["sub/deep", target.fd]);
  assertEquals(fixture.read("to/sub/deep/file"), "old");
});

test("Dir.copySync() and copy() refuse unknown options before they copy anything", async () => {
  using fixture = new Fixture({ from: "text" });
  using dir = openDirSync(fixture.path);
  for (
    const options of [
      { overwite: true },
      { overwrite: 1 },
      { preserveTimestamps: NaN },
      null,
      true,
    ] as never[]
  ) {
    assertThrows(() => dir.copySync("from", "to", options), TypeError, "Dir.copySync()");
    await assertRejects(() => dir.copy("from", dir, "to", options), TypeError, "Dir.copy()");
  }
  assertEquals(fixture.list(), ["from"]);
});
