import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Bound, readingAll } from "../../../compat/fs/io/streams.ts";
import { type Dir, openDirSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { allCalls, failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

/** Bytes that differ from place to place. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

// Sizes around the first read, which happens before the size is known, and around the largest read after it.
const lengths = [0, 1, 1000, 65_536, 131_071, 131_072, 131_073, 262_143, 262_144, 262_145, 1_000_000];

test("Dir.readFileSync() and readFile() return the bytes of files of any length", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  for (const length of lengths) {
    const bytes = pattern(length);
    fixture.write("file", bytes);
    assertEquals(dir.readFileSync("file"), bytes);
    assertEquals(await dir.readFile("file"), bytes);
  }
});

test("Dir.readFileSync() returns a buffer that later calls do not change", () => {
  using fixture = new Fixture({ a: "aaa", b: "bbb" });
  using dir = openDirSync(fixture.path);
  const a = dir.readFileSync("a");
  dir.readFileSync("b");
  assertEquals(a, new TextEncoder().encode("aaa"));
  assertEquals(a.buffer.byteLength, 3);
});

test.capsicum("Dir.readFileSync() returns files of any length without the right to get their size", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path, { limit: ["LOOKUP", "READ"] });
  for (const length of lengths) {
    fixture.write("file", pattern(length));
    assertEquals(dir.readFileSync("file"), pattern(length));
  }
});

test("Dir.readFileSync() reads files without a size, such as a device", () => {
  using dev = openDirSync("/dev");
  assertEquals(dev.readFileSync("null"), new Uint8Array());
});

test("Dir.readTextFileSync() and readTextFile() return the same as Deno.readTextFileSync()", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  for (const bytes of [[], [0xef, 0xbb, 0xbf, 0x41], [0x41, 0xff, 0x42], [0xc3, 0xa9], [0xc3]]) {
    for (const length of [0, 20_000]) {
      fixture.write("file", new Uint8Array([...bytes, ...new Uint8Array(length).fill(0x61)]));
      const expected = Deno.readTextFileSync(fixture.at("file"));
      assertEquals(dir.readTextFileSync("file"), expected);
      assertEquals(await dir.readTextFile("file"), expected);
    }
  }
});

test("Dir.readTextFileLinesSync() and readTextFileLines() yield lines, and close the file if a loop ends early", async () => {
  using fixture = new Fixture({ file: "one\ntwo\r\n\nthree", empty: "" });
  using dir = openDirSync(fixture.path);
  assertEquals([...dir.readTextFileLinesSync("file")], ["one", "two", "", "three"]);
  assertEquals(await Array.fromAsync(dir.readTextFileLines("file")), ["one", "two", "", "three"]);
  assertEquals([...dir.readTextFileLinesSync("empty")], []);
  for (const line of dir.readTextFileLinesSync("file")) if (line === "one") break;
  for await (const line of dir.readTextFileLines("file")) if (line === "one") break;
  dir.readTextFileLinesSync("file");
  assertThrows(() => [...dir.readTextFileLinesSync("missing")], Deno.errors.NotFound);
});

test("Dir.writeFileSync(), writeFile() and their twins for text create, replace and extend files", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  dir.writeFileSync("a", pattern(100_000));
  assertEquals(fixture.bytes("a"), pattern(100_000));
  dir.writeFileSync("a", pattern(3));
  assertEquals(fixture.bytes("a"), pattern(3));
  await dir.writeFile("b", pattern(100_000));
  assertEquals(fixture.bytes("b"), pattern(100_000));
  dir.writeTextFileSync("c", "é");
  dir.writeTextFileSync("c", "\u{1f600}", { append: true });
  await dir.writeTextFile("c", "!", { append: true });
  assertEquals(fixture.read("c"), "é\u{1f600}!");
  await dir.writeTextFile("c", "new");
  assertEquals(fixture.read("c"), "new");
});

test("Dir.writeFile() and writeTextFile() write streams, and cancel a stream that can't be written", async () => {
  using fixture = new Fixture({ sub: {} });
  using dir = openDirSync(fixture.path);
  await dir.writeFile("a", ReadableStream.from([pattern(3), pattern(5)]));
  assertEquals(fixture.bytes("a"), new Uint8Array([...pattern(3), ...pattern(5)]));
  await dir.writeTextFile("b", ReadableStream.from(["one", "two"]));
  assertEquals(fixture.read("b"), "onetwo");
  const failing = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new RangeError("stream")),
  });
  await assertRejects(() => dir.writeFile("c", failing), RangeError, "stream");
  await assertRejects(
    () => dir.writeFile("sub", ReadableStream.from([pattern(3)])),
    Deno.errors.IsADirectory,
  );
});

test("Dir.writeFileSync() honors create, createNew, append and mode as Deno.writeFileSync() does", () => {
  using fixture = new Fixture({ old: "old" });
  using dir = openDirSync(fixture.path);
  assertThrows(() => dir.writeTextFileSync("new", "", { create: false }), Deno.errors.NotFound);
  dir.writeTextFileSync("old", "+", { create: false, append: true });
  assertEquals(fixture.read("old"), "old+");
  assertThrows(() => dir.writeTextFileSync("old", "", { createNew: true }), Deno.errors.AlreadyExists);
  dir.writeTextFileSync("new", "", { createNew: true, create: false, mode: 0o666 });
  assertEquals(fixture.stat("new").mode! & 0o777, 0o666);
  dir.writeTextFileSync("new", "", { mode: 0o600 });
  assertEquals(fixture.stat("new").mode! & 0o777, 0o600);
});

test("Dir's async methods stop at an aborted signal and leave nothing open", async () => {
  using fixture = new Fixture({ file: "x".repeat(1_000_000) });
  using dir = openDirSync(fixture.path);
  const signal = AbortSignal.abort();
  await assertRejects(() => dir.readFile("file", { signal }), DOMException);
  await assertRejects(() => dir.readTextFile("file", { signal }), DOMException);
  await assertRejects(() => Array.fromAsync(dir.readTextFileLines("file", { signal })), DOMException);
  await assertRejects(() => dir.writeFile("new", pattern(3), { signal }), DOMException);
  assertThrows(() => dir.writeFileSync("new", pattern(3), { signal }), DOMException);
  assert(!fixture.exists("new"));
  const later = new AbortController();
  const reading = dir.readFile("file", { signal: later.signal });
  later.abort();
  await assertRejects(() => reading, DOMException);
  const { length } = await dir.readFile("file", { signal: new AbortController().signal });
  assertEquals(length, 1_000_000);
});

test("errors of reads, writes and copies after the file was opened have the path that the caller gave", async () => {
  using fixture = new Fixture({ sub: { file: "x" } });
  using dir = openDirSync(fixture.path);
  using dev = openDirSync("/dev");
  const bytes = new Uint8Array(3);
  const isFreebsd = kernel.hasCapsicum && !kernel.simulated;
  const calls: (readonly [path: string, code: string, dir: Dir, call: () => unknown])[] = [
    ["./sub", "EISDIR", dir, () => dir.readFileSync("./sub")],
    ["./sub", "EISDIR", dir, () => dir.readFile("./sub")],
    ["./sub", "EISDIR", dir, () => dir.readTextFileSync("./sub")],
    ["./sub", "EISDIR", dir, () => dir.readTextFile("./sub")],
    ["./sub", "EISDIR", dir, () => [...dir.readTextFileLinesSync("./sub")]],
    ["./sub", "EISDIR", dir, () => Array.fromAsync(dir.readTextFileLines("./sub"))],
    ["./full", "ENOSPC", dev, () => dev.writeFileSync("./full", bytes)],
    ["./full", "ENOSPC", dev, () => dev.writeFile("./full", bytes)],
    ["./full", "ENOSPC", dev, () => dev.writeFile("./full", ReadableStream.from([bytes]))],
    ["./full", "ENOSPC", dev, () => dev.writeTextFileSync("./full", "x", { append: true })],
    ["./full", "ENOSPC", dev, () => dev.writeTextFile("./full", "x")],
    ["./full", "ENOSPC", dev, () => dir.copyFileSync("sub/file", dev, "./full")],
    ["./full", "ENOSPC", dev, () => dir.copyFile("sub/file", dev, "./full")],
    // FreeBSD ignores the length of a device.
    ...isFreebsd ? [] : [["./full", "EINVAL", dev, () => dev.truncateSync("./full", 1)] as const],
  ];
  for (const [path, code, { fd }, call] of calls) {
    const error = await Promise.resolve().then(call).then(() => ({}), (error) => error);
    assertEquals({ path: error.path, code: error.code, fd: error.fd }, { path, code, fd }, `${call}`);
    assertStringIncludes(error.message, `"${path}" on fd ${fd}: `);
  }
});

test("Dir's methods for whole files throw the same errors as Deno's", async () => {
  using fixture = new Fixture({ file: "", sub: {} });
  using dir = openDirSync(fixture.path);
  const { fd } = dir;
  assertEquals(failureOf(() => dir.readFileSync("missing")), {
    class: "NotFound",
    code: "ENOENT",
    errno: 2,
    syscall: "openat",
    path: "missing",
    fd,
  });
  assertThrows(() => dir.readFileSync("sub"), Deno.errors.IsADirectory);
  assertThrows(() => dir.writeFileSync("sub", pattern(1)), Deno.errors.IsADirectory);
  assertThrows(() => dir.readFileSync("file/x"), Deno.errors.NotADirectory);
  await assertRejects(() => dir.readFile("missing"), Deno.errors.NotFound);
  await assertRejects(() => dir.readFile("sub"), Deno.errors.IsADirectory);
  await assertRejects(() => dir.writeTextFile("missing/x", ""), Deno.errors.NotFound);
});

test("Dir.writeFileSync() throws TypeError for data that is neither bytes nor text, before it creates the file", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  for (const data of [5, null, undefined, [1, 2], new ArrayBuffer(1)]) {
    assertThrows(() => dir.writeFileSync("file", data as never), TypeError);
    await assertRejects(() => dir.writeFile("file", data as never), TypeError);
    assertThrows(() => dir.writeFileAtomicSync("file", data as never), TypeError);
  }
  assertEquals(fixture.list(), []);
});

test("Dir.createSync() and create() return an empty file, open for reading and writing", async () => {
  using fixture = new Fixture({ old: "old" });
  using dir = openDirSync(fixture.path);
  using file = dir.createSync("old");
  assertEquals(fixture.read("old"), "");
  file.writeAllSync(pattern(3));
  file.seekSync(0, 0);
  assertEquals(file.readAllSync(), pattern(3));
  using other = await dir.create("new");
  assertEquals(other.readAllSync(), pattern(0));
});

test("Dir.writeFileAtomicSync() and writeFileAtomic() replace a file, and a symlink itself instead of its target", async () => {
  using fixture = new Fixture({ old: "old", sub: { file: "" }, link: { link: "old" } });
  using dir = openDirSync(fixture.path);
  const { ino } = fixture.stat("old");
  dir.writeFileAtomicSync("old", "new");
  assertEquals(fixture.read("old"), "new");
  assert(fixture.stat("old").ino !== ino);
  await dir.writeFileAtomic("sub/../sub/file", pattern(100_000));
  assertEquals(fixture.bytes("sub/file"), pattern(100_000));
  dir.writeFileAtomicSync("link", "of its own");
  assertEquals([fixture.stat("link").isSymlink, fixture.read("old")], [false, "new"]);
  dir.writeFileAtomicSync("mode", "", { mode: 0o604 });
  assertEquals(fixture.stat("mode").mode! & 0o777, 0o604);
  assertEquals([fixture.list(), fixture.list("sub")], [["link", "mode", "old", "sub"], ["file"]]);
});

test("Dir.writeFileAtomicSync() leaves only the old file when it fails", async () => {
  using fixture = new Fixture({ file: "old", sub: { dir: {} } });
  using dir = openDirSync(fixture.path);
  assertThrows(() => dir.writeFileAtomicSync("sub/dir", "new"), Deno.errors.IsADirectory);
  await assertRejects(() => dir.writeFileAtomic("sub/dir", "new"), Deno.errors.IsADirectory);
  assertThrows(() => dir.writeFileAtomicSync("missing/file", "new"), Deno.errors.NotFound);
  assertEquals(fixture.list("sub"), ["dir"]);
  assertEquals(fixture.list(), ["file", "sub"]);
});

test("Dir.writeFileAtomicSync() removes what it has written when the disk is full", () => {
  using fixture = new Fixture({ file: "old" });
  using dir = openDirSync(fixture.path);
  const EIO = 5, ENOSPC = 28;
  for (const [call, errno] of [["write", ENOSPC], ["fsync", EIO], ["renameat", EIO]] as const) {
    failNext(call, errno);
    assertThrows(() => dir.writeFileAtomicSync("file", "new"), Error, call);
    assertEquals([fixture.list(), fixture.read("file")], [["file"], "old"]);
  }
  dir.writeFileAtomicSync("file", "new");
  assertEquals(fixture.read("file"), "new");
}, { skip: needsStandin });

const reads = {
  readFileSync: (dir: Dir, maxLength: number) => dir.readFileSync("file", { maxLength }).length,
  readFile: async (dir: Dir, maxLength: number) => (await dir.readFile("file", { maxLength })).length,
  readTextFileSync: (dir: Dir, maxLength: number) => dir.readTextFileSync("file", { maxLength }).length,
  readTextFile: async (dir: Dir, maxLength: number) => (await dir.readTextFile("file", { maxLength })).length,
  readTextFileLinesSync: (dir: Dir, maxLength: number) =>
    [...dir.readTextFileLinesSync("file", { maxLength })].join("").length,
  readTextFileLines: async (dir: Dir, maxLength: number) =>
    (await Array.fromAsync(dir.readTextFileLines("file", { maxLength }))).join("").length,
};

test("Dir's methods that read files return maxLength bytes, and throw a RangeError with the path for one more", async () => {
  for (const size of [1, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 200_000]) {
    using fixture = new Fixture({ file: "x".repeat(size) });
    using dir = openDirSync(fixture.path);
    for (const [name, read] of Object.entries(reads)) {
      assertEquals(await read(dir, size), size);
      const error = await assertRejects(async () => await read(dir, size - 1), RangeError);
      const what = name.includes("Lines") ? "a line" : "the file";
      assertEquals(
        error.message,
        `Dir.${name}() "file" on fd ${dir.fd}: ${what} has more than ${size - 1} bytes, ` +
          "the bound that maxLength sets. Pass a larger maxLength.",
      );
    }
  }
});

test("readingAll() throws a RangeError with the path and the way out for a file that no buffer can hold", () => {
  // No address space is as large, however much memory the system has.
  const most = new Bound("file", {}, { syscall: "Dir.readFile()", path: "file" });
  const steps = readingAll(() => 2 ** 52, most), room = (steps.next().value as Uint8Array).length;
  const error = assertThrows(
    () => steps.next(room),
    RangeError,
    'Dir.readFile() "file": there is no room for a buffer',
  );
  assertStringIncludes(error.message, "(ENOMEM). Read it in pieces");
  assert(error.cause instanceof RangeError);
});

test("Dir's methods that read files refuse an invalid maxLength before any system call", async () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  const before = needsStandin ? 0 : allCalls();
  for (const read of Object.values(reads)) {
    for (const bad of [NaN, -1, 1.5, Infinity]) {
      await assertRejects(async () => await read(dir, bad), RangeError, "maxLength");
    }
    await assertRejects(async () => await read(dir, "1" as never), TypeError, "maxLength");
  }
  assertEquals(needsStandin ? 0 : allCalls(), before);
});

test("Dir.readTextFile() and its twins decode byte order marks and invalid UTF-8 as Deno does", async () => {
  const texts = [
    [0xef, 0xbb, 0xbf, 0x61],
    [0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf],
    [0x61, 0xff, 0xf0, 0x9f, 0x98, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xc0, 0x80, 0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
  ].map((bytes) => Uint8Array.from(bytes));
  for (const bytes of texts) {
    using fixture = new Fixture({ file: bytes });
    using dir = openDirSync(fixture.path);
    const text = fixture.read("file");
    assertEquals([dir.readTextFileSync("file"), await dir.readTextFile("file")], [text, text]);
    const lines = new TextDecoder().decode(bytes);
    assertEquals([...dir.readTextFileLinesSync("file")], [lines]);
    assertEquals(await Array.fromAsync(dir.readTextFileLines("file")), [lines]);
  }
});

test("Dir.writeTextFile() encodes a stream of strings across chunk boundaries, as Deno does", async () => {
  const streams: [chunks: string[], text: string][] = [
    [["a", "\ud83d", "\ude00", "b"], "a\u{1f600}b"],
    [["\ud83d", "", "\ude00"], "\u{1f600}"],
    [["x\ud83d", "\ude00\ud83d", "\ude01"], "x\u{1f600}\u{1f601}"],
    [["\ud83d"], "\ufffd"],
    [["a\ud83d", ""], "a\ufffd"],
    [["\ud83d", "a"], "\ufffda"],
    [["\ud83d", "\ud83d", "\ude00"], "\ufffd\u{1f600}"],
    [["\ude00", "\ud83d"], "\ufffd\ufffd"],
    [["", ""], ""],
    [[], ""],
  ];
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  for (const [chunks, text] of streams) {
    await dir.writeTextFile("file", ReadableStream.from(chunks));
    assertEquals(fixture.read("file"), text, JSON.stringify(chunks));
  }
  dir.writeTextFileSync("file", "a\ud83d");
  assertEquals(fixture.read("file"), "a\ufffd");
});

test("Dir.writeFile() and writeTextFile() refuse chunks of the wrong type with TypeError, and cancel their source", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const wrong: [method: "writeFile" | "writeTextFile", chunk: unknown][] = [
    ["writeFile", "text"],
    ["writeFile", [1]],
    ["writeTextFile", new Uint8Array(1)],
    ["writeTextFile", 5],
    ["writeTextFile", null],
  ];
  for (const [method, chunk] of wrong) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const source = new ReadableStream({ pull: (controller) => controller.enqueue(chunk), cancel: resolve });
    await assertRejects(() => dir[method]("file", source as never), TypeError, `Dir.${method}()`);
    assert(await promise instanceof TypeError);
    await assertRejects(() => dir[method]("new", chunk as never), TypeError, `Dir.${method}()`);
    assertThrows(() => dir[`${method}Sync`]("new", chunk as never), TypeError, `Dir.${method}Sync()`);
  }
  assert(!fixture.exists("new"));
});
