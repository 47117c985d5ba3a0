import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { toFileUrl } from "@std/path";
import { type FdLike, libc, listDir, listDirSync, openDirSync, readDir, readDirSync } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { allCalls, callsOf, failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Both functions that list, with sorted names. */
const lists: [name: string, list: (dir: FdLike | string | URL) => string[]][] = [
  ["listDirSync()", (dir) => listDirSync(dir).sort()],
  ["readDirSync()", (dir) => [...readDirSync(dir)].map((entry) => entry.name).sort()],
];

for (const [name, list] of lists) {
  test(`${name} accepts a path, a file: URL, a Dir, a number and any object with fd`, () => {
    using fixture = new Fixture({ file: "", sub: { below: "" }, ".hidden": "" });
    using dir = openDirSync(fixture.path);
    for (const place of [fixture.path, toFileUrl(fixture.path), dir, dir.fd, { fd: dir.fd }]) {
      assertEquals(list(place), [".hidden", "file", "sub"]);
    }
  });

  test(`${name} returns no names for an empty directory`, () => {
    using fixture = new Fixture();
    assertEquals(list(fixture.path), []);
  });

  test(`${name} returns the same names twice, and changes made meanwhile`, () => {
    using fixture = new Fixture({ a: "", b: "" });
    using dir = openDirSync(fixture.path);
    assertEquals([list(dir), list(dir)], [["a", "b"], ["a", "b"]]);
    fixture.add({ c: "" });
    fixture.remove("a");
    assertEquals(list(dir), ["b", "c"]);
  });

  test(`${name} neither depends on the descriptor's offset nor moves it`, () => {
    using fixture = new Fixture({ a: "", b: "", c: "" });
    using dir = openDirSync(fixture.path);
    const offset = () => libc.lseek(dir, 0, libc.SEEK_CUR);
    const atStart = offset();
    assertEquals(list(dir), ["a", "b", "c"]);
    assertEquals(offset(), atStart);
    const buffer = new Uint8Array(8192), base = new Uint8Array(8);
    while (libc.getdirentries(dir, buffer, buffer.length, base) > 0);
    const atEnd = offset();
    assertEquals(list(dir), ["a", "b", "c"]);
    assertEquals(offset(), atEnd);
    assertEquals(libc.getdirentries(dir, buffer, buffer.length, base), 0);
  });

  test(`${name} returns each of 20,000 names once`, () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `a rather long name, number ${i}`).sort();
    using fixture = new Fixture(Object.fromEntries(names.map((name) => [name, { link: "." }])));
    const found = list(fixture.path);
    assertEquals(found.length, names.length);
    assert(found.every((name, i) => name === names[i]));
  });

  test(`${name} returns unusual names unchanged`, () => {
    const names = [
      "line\nbreak",
      "\n",
      "carriage\rreturn",
      "\ufeffwith a BOM",
      "\ufeff",
      "-dash",
      " ",
      "...",
      "..a",
      "a\\b",
      "x".repeat(255),
      "é".repeat(127),
      "😀".repeat(63),
      "\ufffd",
      "e\u0301 and \u00e9",
      "\u0001\u007f",
    ].sort();
    using fixture = new Fixture(Object.fromEntries(names.map((name) => [name, name])));
    assertEquals(list(fixture.path), names);
    using dir = openDirSync(fixture.path);
    for (const name of list(dir)) {
      using file = dir.openSync(name);
      assertEquals(decoder.decode(file.readAllSync()), name);
    }
  });

  test(`${name} returns a name that is not UTF-8 in a form that opens its file`, () => {
    using fixture = new Fixture({ "é": "é" });
    using dir = openDirSync(fixture.path);
    for (const [name] of rawNames) {
      using file = dir.openSync(name, { write: true, createNew: true });
      file.writeSync(new TextEncoder().encode(JSON.stringify(name)));
    }
    // The kernel has the same bytes.
    const bytes = rawNames.map(([, bytes]) => bytes.join());
    assertEquals(rawNamesOf(dir).sort(), [...bytes, "195,169"].sort());

    assertEquals(list(dir), [...rawNames.map(([name]) => name), "é"].sort());
    for (const [name] of rawNames) {
      using file = dir.openSync(name);
      assertEquals(decoder.decode(file.readAllSync()), JSON.stringify(name));
      assertEquals(dir.statSync(name).ino, file.statSync().ino);
      libc.unlinkat(dir, name, 0);
    }
    assertEquals(list(dir), ["é"]);
  });

  test(`${name} throws the error of the call that failed, with its path or fd`, () => {
    using fixture = new Fixture({ file: "" });
    using dir = openDirSync(fixture.path);
    const path = fixture.at("missing");
    const missing = { class: "NotFound", code: "ENOENT", errno: 2, syscall: "open", path };
    assertEquals(failureOf(() => list(path)), missing);
    const noDirectory = { class: "NotADirectory", code: "ENOTDIR", errno: 20, syscall: "open" };
    assertEquals(failureOf(() => list(fixture.at("file"))), { ...noDirectory, path: fixture.at("file") });
    using file = dir.openSync("file");
    const { class: Class, fd } = failureOf(() => list(file));
    assertEquals([Class, fd], ["NotADirectory", file.fd]);
    assertEquals(list(dir), ["file"]);
  });

  test(`${name} throws for a value that is not a directory and makes no system call`, () => {
    using fixture = new Fixture({ file: "" });
    const dir = openDirSync(fixture.path);
    list(dir);
    dir.close();
    const calls = () => needsStandin ? 0 : allCalls();
    const before = calls();
    assertThrows(() => list(dir), Deno.errors.BadResource, "This Dir is closed");
    for (const bad of [-1, -100, 2 ** 31, 1.5, NaN]) assertThrows(() => list(bad), RangeError, String(bad));
    for (const bad of ["", "a\0b"]) assertThrows(() => list(bad), TypeError, JSON.stringify(bad));
    for (const bad of [null, undefined, 3n, {}]) {
      assertThrows(() => list(bad as unknown as number), TypeError, Deno.inspect(bad));
    }
    assertThrows(() => list(new URL("data:,a")), TypeError, "data:,a");
    assertEquals(calls(), before);
  });

  test(`${name} closes its own descriptor if reading fails`, () => {
    using fixture = new Fixture({ file: "" });
    using dir = openDirSync(fixture.path);
    failNext("getdirentries", 5);
    const { class: name, code, syscall } = failureOf(() => list(dir));
    assertEquals([name, code, syscall], ["CapsicumError", "EIO", "getdirentries"]);
    assertEquals(list(dir), ["file"]);
  }, { skip: needsStandin });
}

/** Names that are not UTF-8, as the library spells them, with their bytes. */
const rawNames: [name: string, bytes: number[]][] = [
  ["\udcff", [0xff]],
  ["a\udcffb", [0x61, 0xff, 0x62]],
  ["\udc80\udcbf", [0x80, 0xbf]],
  // A truncated sequence, at the end and before another one.
  ["\udce2\udc82", [0xe2, 0x82]],
  ["\udce2\udc82é", [0xe2, 0x82, 0xc3, 0xa9]],
  // An overlong "/", a surrogate, and a code point above U+10FFFF.
  ["\udcc0\udcaf", [0xc0, 0xaf]],
  ["\udced\udca0\udc80", [0xed, 0xa0, 0x80]],
  ["\udcf4\udc90\udc80\udc80", [0xf4, 0x90, 0x80, 0x80]],
  ["\ufeff\udcfe", [0xef, 0xbb, 0xbf, 0xfe]],
  ["😀\udcf0", [0xf0, 0x9f, 0x98, 0x80, 0xf0]],
  ["line\n\udca0", [0x6c, 0x69, 0x6e, 0x65, 0x0a, 0xa0]],
];

/** The bytes of the names in a directory, read from its `struct dirent`s. */
function rawNamesOf(dir: { fd: number }): string[] {
  const fd = libc.openat(dir, ".", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC);
  const buffer = new Uint8Array(64 * 1024), view = new DataView(buffer.buffer);
  const length = libc.getdirentries(fd, buffer, buffer.length, new Uint8Array(8));
  libc.close(fd);
  const names: string[] = [];
  for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
    // Linux has no d_namlen: there the name ends at its NUL.
    const name = at + (kernel.hasCapsicum ? 24 : 19);
    const end = kernel.hasCapsicum ? name + view.getUint16(at + 20, true) : buffer.indexOf(0, name);
    names.push(buffer.subarray(name, end).join());
  }
  return names.filter((name) => name !== "46" && name !== "46,46");
}

test("readDirSync() and Dir.readDirSync() distinguish files, directories, symlinks and other types", () => {
  using fixture = new Fixture({
    file: "",
    sub: { below: "" },
    link: { link: "sub" },
    "other link": { link: "file" },
    dangling: { link: "missing" },
  });
  using dir = openDirSync(fixture.path);
  libc.mkfifoat(dir, "pipe", 0o600);
  const sorted = (entries: Iterable<Deno.DirEntry>) => [...entries].sort((a, b) => a.name < b.name ? -1 : 1);
  const isFile = true, isDirectory = true, isSymlink = true;
  const none = { isFile: false, isDirectory: false, isSymlink: false };
  const expected = [
    { ...none, name: "dangling", isSymlink },
    { ...none, name: "file", isFile },
    { ...none, name: "link", isSymlink },
    { ...none, name: "other link", isSymlink },
    { ...none, name: "pipe" },
    { ...none, name: "sub", isDirectory },
  ];
  for (const place of [fixture.path, dir, dir.fd]) assertEquals(sorted(readDirSync(place)), expected);
  assertEquals(sorted(dir.readDirSync()), expected);
  assertEquals(sorted(dir.readDirSync("sub")), [{ ...none, name: "below", isFile }]);
  assertEquals(sorted(readDirSync(fixture.path)), sorted(Deno.readDirSync(fixture.path)));
});

test("readDirSync() reads the directory before it returns, and a loop may end early", () => {
  using fixture = new Fixture({ a: "", b: "" });
  assertThrows(() => readDirSync(fixture.at("missing")), Deno.errors.NotFound);
  for (const entry of readDirSync(fixture.path)) {
    assert(["a", "b"].includes(entry.name));
    break;
  }
  using dir = openDirSync(fixture.path);
  const entries = dir.readDirSync();
  dir.close();
  assertEquals([...entries].length, 2);
  assertEquals([...entries], []);
});

test("readDirSync() and listDirSync() within one another are both complete", () => {
  using fixture = new Fixture({ a: { x: "", y: "" }, b: { z: "" } });
  const found: string[] = [];
  for (const { name } of readDirSync(fixture.path)) {
    for (const below of readDirSync(fixture.at(name))) found.push(`${name}/${below.name}`);
  }
  assertEquals(found.sort(), ["a/x", "a/y", "b/z"]);
});

test("Dir.listSync() and Dir.readDirSync() list the directory itself and those below it", () => {
  using fixture = new Fixture({ sub: { deep: { file: "" } }, link: { link: "sub/deep" } });
  using dir = openDirSync(fixture.path);
  const expected: [path: string | undefined, names: string[]][] = [
    [undefined, ["link", "sub"]],
    [".", ["link", "sub"]],
    ["sub", ["deep"]],
    ["sub/deep", ["file"]],
    ["link", ["file"]],
  ];
  for (const [path, names] of expected) {
    assertEquals(dir.listSync(path).sort(), names);
    assertEquals([...dir.readDirSync(path)].map((entry) => entry.name).sort(), names);
  }
});

test("listDirSync() makes one read for a short directory, and one that detects its end", () => {
  using fixture = new Fixture({ a: "", b: "" });
  const before = callsOf("getdirentries");
  listDirSync(fixture.path);
  assertEquals(callsOf("getdirentries") - before, 2);
}, { skip: needsStandin });

for (const inside of [false, true]) {
  const it = inside ? test.capsicum : test;
  test.capsicum(`readDirSync() gets each type that the file system does not report, ${inside ? "inside" : "outside"} of capability mode`, async () => {
    const tree: Tree = { file: "", gone: "", sub: {}, link: { link: "missing" }, "other\n": "" };
    using fixture = new Fixture(tree);
    const outcome = await inChild(
      ({ caught, enter, listDirSync, openDirSync, readDirSync }, { path, inside }) => {
        let meanwhile = () => {};
        // Removes the types from the entries that getdirentries() returns.
        const dlopen = Deno.dlopen;
        Deno.dlopen = ((path: string, wanted: Deno.ForeignLibraryInterface) => {
          const { symbols } = dlopen(path, wanted) as { symbols: Record<string, unknown> };
          const read = symbols.getdirentries as
            | ((fd: number, buffer: Uint8Array, ...rest: unknown[]) => number)
            | null;
          if (!read) return { symbols };
          const untyped: typeof read = (fd, buffer, ...rest) => {
            const length = read(fd, buffer, ...rest);
            meanwhile();
            for (let at = 0; at < length; at += buffer[at + 16]! | buffer[at + 17]! << 8) buffer[at + 18] = 0;
            return length;
          };
          return { symbols: { ...symbols, getdirentries: untyped } };
        }) as unknown as typeof Deno.dlopen;

        const dir = openDirSync(path), poor = openDirSync(path, { limit: ["LOOKUP", "READ"] });
        meanwhile = () => {
          meanwhile = () => {};
          dir.removeSync("gone");
        };
        if (inside) enter();
        return {
          vanished: [...readDirSync(dir)].find(({ name }) => name === "gone"),
          entries: [...readDirSync(dir)].sort((a, b) => a.name < b.name ? -1 : 1),
          refused: caught(() => readDirSync(poor)) ?? null,
          names: listDirSync(poor).sort(),
        };
      },
      { path: fixture.path, inside },
    );
    const none = { isFile: false, isDirectory: false, isSymlink: false };
    assertEquals(outcome.vanished, { ...none, name: "gone" });
    assertEquals(outcome.entries, [
      { ...none, name: "file", isFile: true },
      { ...none, name: "link", isSymlink: true },
      { ...none, name: "other\n", isFile: true },
      { ...none, name: "sub", isDirectory: true },
    ]);
    const { code, syscall, missing } = outcome.refused!;
    assertEquals([code, syscall, missing], ["ENOTCAPABLE", "fstatat", ["FSTAT"]]);
    assertEquals(outcome.names, ["file", "link", "other\n", "sub"]);
  });

  it(`listDirSync() and readDirSync() list paths until enter(), descriptors always: ${inside ? "after" : "before"} it`, async () => {
    using fixture = new Fixture({ file: "" });
    const outcome = await inChild(
      ({ caught, enter, listDirSync, openDirSync, readDirSync }, { path, inside }) => {
        const dir = openDirSync(path);
        if (inside) enter();
        return {
          paths: [caught(() => listDirSync(path)), caught(() => readDirSync(path))],
          names: [listDirSync(dir), listDirSync(dir.fd), [...readDirSync(dir)].map((entry) => entry.name)],
        };
      },
      { path: fixture.path, inside },
    );
    assertEquals(outcome.names, [["file"], ["file"], ["file"]]);
    for (const failure of outcome.paths) {
      const { code, syscall, path } = failure ?? {};
      assertEquals(
        [code, syscall, path],
        inside ? ["ECAPMODE", "open", fixture.path] : [undefined, undefined, undefined],
      );
    }
  });
}

test.capsicum("a descriptor with only READ and SEEK is listed directly, from its start each time", async () => {
  using fixture = new Fixture({ a: "", b: "" });
  const found = await inChild(async ({ enter, libc, limit, listDirSync, openDirSync, readDirSync }, path) => {
    using dir = openDirSync(path, { limit: ["READ", "SEEK"] }), whole = openDirSync(path);
    const copy = libc.dup(whole);
    limit(copy, ["READ", "SEEK"]);
    enter();
    libc.getdirentries(copy, new Uint8Array(64), 64, new Uint8Array(8));
    const asynchronous: string[] = [];
    for await (const { name } of dir.readDir()) asynchronous.push(name, ...dir.listSync());
    return [
      [
        listDirSync(dir),
        dir.listSync(),
        dir.listSync("."),
        await dir.list(),
        listDirSync(dir.fd),
        listDirSync(copy),
      ],
      [[...readDirSync(dir)], [...dir.readDirSync()]].map((entries) => entries.map(({ name }) => name)),
      [asynchronous],
    ].flat().map((names) => names.sort().join());
  }, fixture.path);
  assertEquals(found, [...Array(8).fill("a,b"), "a,a,a,b,b,b"]);
});

test.capsicum("a descriptor with only READ is listed once; after that, an error names SEEK instead of an empty list", async () => {
  using fixture = new Fixture({ a: "", b: "" });
  const [first, ...failures] = await inChild(
    async (
      { caught, isNotCapable, libc, limit, listDirSync, openDirSync, readDirSync, trapViolations },
      path,
    ) => {
      using dir = openDirSync(path, { limit: ["READ"] }), begun = openDirSync(path);
      // Some of its entries were read before.
      libc.getdirentries(begun, new Uint8Array(64), 64, new Uint8Array(8));
      limit(begun, ["READ"]);
      trapViolations();
      const first = listDirSync(dir).sort();
      const failures = [() => listDirSync(dir), () => dir.listSync(), () => readDirSync(begun)].map(
        (list) => {
          const { code, fd, missing, message } = caught(list)!;
          return [
            code,
            fd === dir.fd || fd === begun.fd,
            missing,
            message.includes("missing SEEK (held: READ)"),
          ];
        },
      );
      const rejected = await dir.list().catch(isNotCapable);
      return [first, ...failures, [rejected]];
    },
    fixture.path,
    { exits: true },
  );
  assertEquals(first, ["a", "b"]);
  const expected = ["ENOTCAPABLE", true, ["SEEK"], true];
  assertEquals(failures, [expected, expected, expected, [true]]);
});

test("listDir() and readDir() return what their twins return, for a path, a file: URL, a Dir and a number", async () => {
  using fixture = new Fixture({ file: "", sub: { below: "" }, ".hidden": "" });
  using dir = openDirSync(fixture.path);
  for (const place of [fixture.path, toFileUrl(fixture.path), dir, dir.fd]) {
    assertEquals(await listDir(place), listDirSync(place));
    assertEquals(await Array.fromAsync(readDir(place)), [...readDirSync(place)]);
  }
  for await (const _ of readDir(fixture.path)) break;
});

test("listDir() and readDir() reject with what their twins throw", async () => {
  using fixture = new Fixture({ file: "" });
  for (const list of [listDir, (place: string) => Array.fromAsync(readDir(place))]) {
    await assertRejects(() => list(fixture.at("none")), Deno.errors.NotFound);
    await assertRejects(() => list(fixture.at("file")), Deno.errors.NotADirectory);
    await assertRejects(() => list(""), TypeError);
  }
  await assertRejects(() => listDir(-1), RangeError);
});
