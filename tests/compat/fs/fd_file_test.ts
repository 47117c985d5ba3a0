import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type * as capsicum from "../../../mod.ts";
import {
  FdFile,
  type LengthOptions,
  libc,
  limitIoctls,
  openDirSync,
  openSync,
  type RightName,
} from "../../../mod.ts";
import { inChild, type Tools } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { allCalls, failNext, needsStandin, needsTraps } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";
import { withShortTransfers } from "./_short.ts";

const { Start, Current, End } = Deno.SeekMode;
const text = new TextDecoder();
const encode = (string: string) => new TextEncoder().encode(string);
const both = { read: true, write: true };

/** Returns the offset of a file. */
const offsetOf = (file: FdFile) => file.seekSync(0, Current);

/**
 * In a child: calls every method with exactly the rights that it needs. Then calls it with all rights except one of these,
 * for each of these; not if a refusal raises SIGTRAP.
 */
async function tryMethods(
  { caught, enter, getRights, openDirSync }: typeof capsicum & Tools,
  { path, inside, traps = false }: { path: string; inside: boolean; traps?: boolean },
) {
  const methods: [method: string, needs: RightName[], call: (file: FdFile) => unknown][] = [
    ["readSync", ["READ"], (file) => file.readSync(new Uint8Array(1))],
    ["readAllSync", ["READ"], (file) => file.readAllSync()],
    ["linesSync", ["READ"], (file) => [...file.linesSync()]],
    ["writeSync", ["WRITE"], (file) => file.writeSync(new Uint8Array(1))],
    ["preadSync", ["READ", "SEEK"], (file) => file.preadSync(new Uint8Array(1), 0)],
    ["pwriteSync", ["WRITE", "SEEK"], (file) => file.pwriteSync(new Uint8Array(1), 0)],
    ["seekSync", ["SEEK"], (file) => file.seekSync(0, 1)],
    ["statSync", ["FSTAT"], (file) => file.statSync()],
    ["truncateSync", ["FTRUNCATE"], (file) => file.truncateSync(4)],
    ["syncSync", ["FSYNC"], (file) => file.syncSync()],
    ["syncDataSync", ["FSYNC"], (file) => file.syncDataSync()],
    ["isTerminal", ["IOCTL"], (file) => file.isTerminal()],
    ["lockSync", ["FLOCK"], (file) => file.lockSync()],
    ["tryLockSync", ["FLOCK"], (file) => file.tryLockSync()],
    ["unlockSync", ["FLOCK"], (file) => file.unlockSync()],
    ["utimeSync", ["FUTIMES"], (file) => file.utimeSync(1, 1)],
    ["read", ["READ"], (file) => file.read(new Uint8Array(1))],
    ["readAll", ["READ"], (file) => file.readAll()],
    ["readInto", ["READ"], (file) => file.readInto(new Uint8Array(1e6))],
    ["readIntoSync", ["READ"], (file) => file.readIntoSync(new Uint8Array(9))],
    ["lines", ["READ"], (file) => file.lines().next()],
    ["readable", ["READ"], (file) => file.readable.getReader().read()],
    ["write", ["WRITE"], (file) => file.write(new Uint8Array(1e6))],
    ["writeAll", ["WRITE"], (file) => file.writeAll(new Uint8Array(1))],
    ["writeAllSync", ["WRITE"], (file) => file.writeAllSync(new Uint8Array(1))],
    ["writable", ["WRITE"], (file) => file.writable.getWriter().write(new Uint8Array(1))],
    ["pread", ["READ", "SEEK"], (file) => file.pread(new Uint8Array(1e6), 0)],
    ["pwrite", ["WRITE", "SEEK"], (file) => file.pwrite(new Uint8Array(1e6), 0)],
    ["seek", ["SEEK"], (file) => file.seek(0, 1)],
    ["stat", ["FSTAT"], (file) => file.stat()],
    ["truncate", ["FTRUNCATE"], (file) => file.truncate(4)],
    ["sync", ["FSYNC"], (file) => file.sync()],
    ["syncData", ["FSYNC"], (file) => file.syncData()],
    ["lock", ["FLOCK"], (file) => file.lock()],
    ["tryLock", ["FLOCK"], (file) => file.tryLock()],
    ["unlock", ["FLOCK"], (file) => file.unlock()],
    ["utime", ["FUTIMES"], (file) => file.utime(1, 1)],
  ];
  const dir = openDirSync(path);
  const all = getRights(dir);
  if (traps) {
    const { symbols } = Deno.dlopen("/lib/libc.so.7", {
      procctl: { parameters: ["i32", "i64", "i32", "buffer"], result: "i32" },
    });
    // P_PID, this process, PROC_TRAPCAP_CTL, PROC_TRAPCAP_CTL_ENABLE
    symbols.procctl(0, 0n, 9, new Int32Array([1]));
  }
  if (inside) enter();
  const open = () => dir.openSync("file", { read: true, write: true });
  const failureOf = async (call: () => unknown) => {
    try {
      await call();
      return null;
    } catch (error) {
      return caught(() => {
        throw error;
      })!;
    }
  };
  return await Promise.all(methods.map(async ([method, needs, call]) => {
    const file = open();
    file.limit(needs);
    const works = await failureOf(() => call(file));
    const refused = await Promise.all((traps ? [] : needs).map(async (right) => {
      const file = open();
      file.limit(all.difference([right]));
      return { right, failure: await failureOf(() => call(file)) };
    }));
    return { method, works, refused };
  }));
}

test("no call of FdFile's methods is refused if they have exactly their rights", async () => {
  using fixture = new Fixture({ file: "some text\n" + "x".repeat(100_000) });
  const results = await inChild(tryMethods, { path: fixture.path, inside: true, traps: true });
  assertEquals(results.filter(({ works }) => works !== null), []);
  assert(results.length > 30);
}, { skip: needsTraps });

for (const inside of [false, true]) {
  test.capsicum(`FdFile's methods work with exactly their rights and report a missing one, ${inside ? "inside" : "outside"} of capability mode`, async () => {
    using fixture = new Fixture({ file: "text" });
    const outcomes = await inChild(tryMethods, { path: fixture.path, inside });
    const methods = Object.getOwnPropertyNames(FdFile.prototype).filter((name) =>
      !["constructor", "take", "close", "setRaw"].includes(name)
    );
    assertEquals(outcomes.map(({ method }) => method).sort(), methods.sort());
    for (const { method, works, refused } of outcomes) {
      assertEquals(works, null, method);
      for (const { right, failure } of refused) {
        const { class: name, code, errno, missing, held, fd } = failure!;
        assertEquals([name, code, errno, missing], ["CapsicumError", "ENOTCAPABLE", 93, [right]], method);
        assertFalse(held!.includes(right));
        assertEquals(typeof fd, "number");
      }
    }
  });
}

test("FdFile.readSync() reads at the offset, returns null at the end, and 0 for an empty buffer", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"));
  const bytes = new Uint8Array(3);
  assertEquals([file.readSync(bytes), text.decode(bytes)], [3, "abc"]);
  assertEquals([file.readSync(bytes), text.decode(bytes)], [2, "dec"]);
  assertEquals(file.readSync(bytes), null);
  assertEquals(file.readSync(new Uint8Array(0)), 0);
  file.seekSync(0, Start);
  assertEquals(file.readSync(new Uint8Array(0)), 0);
});

test("FdFile.readSync() fills only the given part of a buffer", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"));
  const memory = encode("........");
  assertEquals(file.readSync(memory.subarray(2, 4)), 2);
  assertEquals(text.decode(memory), "..ab....");
});

test("FdFile.writeSync() writes at the offset, or with append at the end", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), { write: true });
  assertEquals(file.writeSync(encode("AB")), 2);
  assertEquals(file.writeSync(encode("..C..").subarray(2, 3)), 1);
  assertEquals(file.writeSync(new Uint8Array(0)), 0);
  assertEquals(fixture.read("file"), "ABCde");
  using end = openSync(fixture.at("file"), { append: true });
  end.seekSync(0, Start);
  assertEquals(end.writeSync(encode("!")), 1);
  assertEquals(fixture.read("file"), "ABCde!");
});

test("FdFile.readSync() and writeSync() throw TypeError for a value that is not a Uint8Array, and BadResource for the wrong mode", () => {
  using fixture = new Fixture({ file: "abcde" });
  using reader = openSync(fixture.at("file"));
  using writer = openSync(fixture.at("file"), { write: true });
  for (const bad of ["ab", new ArrayBuffer(1), [1], null]) {
    assertThrows(() => reader.readSync(bad as never), TypeError, "must be a Uint8Array");
    assertThrows(() => writer.writeSync(bad as never), TypeError, "must be a Uint8Array");
  }
  const failure = { class: "BadResource", code: "EBADF", errno: 9 };
  const byte = new Uint8Array(1);
  assertEquals(failureOf(() => writer.readSync(byte)), { ...failure, syscall: "read", fd: writer.fd });
  assertEquals(failureOf(() => reader.writeSync(byte)), { ...failure, syscall: "write", fd: reader.fd });
  assertEquals(reader.readSync(byte), 1);
  assertEquals(writer.writeSync(byte), 1);
});

/** Both ends of a named pipe, in non-blocking mode. */
function openPipe(fixture: Fixture): [reader: FdFile, writer: FdFile] {
  using dir = openDirSync(fixture.path);
  libc.mkfifoat(dir, "pipe", 0o600);
  const customFlags = libc.O_NONBLOCK;
  const reader = dir.openSync("pipe", { customFlags });
  return [reader, dir.openSync("pipe", { write: true, customFlags })];
}

test("FdFile.writeSync() returns the count of a partial write, and throws WouldBlock for a full pipe", () => {
  using fixture = new Fixture();
  const [reader, writer] = openPipe(fixture);
  using _reader = reader;
  using _writer = writer;
  const bytes = new Uint8Array(4 * 1024 * 1024);
  let written = writer.writeSync(bytes);
  assertGreater(written, 0);
  assertLess(written, bytes.length);
  const failure = failureOf(() => {
    while (true) written += writer.writeSync(bytes);
  });
  const { fd } = writer;
  assertEquals(failure, { class: "WouldBlock", code: "EAGAIN", errno: 35, syscall: "write", fd });
  let read = 0;
  while (read < written) read += reader.readSync(bytes)!;
  assertEquals(read, written);
  assertEquals(failureOf(() => reader.readSync(bytes)).class, "WouldBlock");
  assertEquals(writer.writeSync(bytes.subarray(0, 3)), 3);
});

test("FdFile.writeSync() throws BrokenPipe without a reader, and writes with one", () => {
  using fixture = new Fixture();
  const [reader, writer] = openPipe(fixture);
  using _writer = writer;
  const byte = new Uint8Array(1);
  assertEquals(writer.writeSync(byte), 1);
  reader.close();
  const { fd } = writer;
  const failure = failureOf(() => writer.writeSync(byte));
  assertEquals(failure, { class: "BrokenPipe", code: "EPIPE", errno: 32, syscall: "write", fd });
});

test("FdFile.readSync() and writeSync() return the count of a short transfer", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), both);
  withShortTransfers(2, () => {
    const bytes = new Uint8Array(4);
    assertEquals([file.readSync(bytes), file.preadSync(bytes, 1)], [2, 2]);
    assertEquals([file.writeSync(encode("XYZ")), file.pwriteSync(encode("XYZ"), 4)], [2, 2]);
  });
  assertEquals(fixture.read("file"), "abXYXY");
}, { skip: needsStandin });

test("FdFile.preadSync() and pwriteSync() do not move the offset", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), both);
  file.seekSync(1, Start);
  const bytes = new Uint8Array(2);
  assertEquals([file.preadSync(bytes, 3), text.decode(bytes)], [2, "de"]);
  assertEquals([file.preadSync(bytes, 4n), text.decode(bytes)], [1, "ee"]);
  assertEquals([file.preadSync(bytes, 5), file.preadSync(bytes, 1e6)], [null, null]);
  assertEquals(file.preadSync(new Uint8Array(0), 0), 0);
  assertEquals([file.pwriteSync(encode("XY"), 0), file.pwriteSync(encode("Z"), 7n)], [2, 1]);
  assertEquals(offsetOf(file), 1);
  assertEquals(fixture.read("file"), "XYcde\0\0Z");
});

test("FdFile.preadSync() and pwriteSync() throw for an invalid offset", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), both);
  const byte = new Uint8Array(1);
  for (const bad of [1.5, NaN, Infinity, 2 ** 53, 2n ** 63n]) {
    assertThrows(() => file.preadSync(byte, bad), RangeError, String(bad));
    assertThrows(() => file.pwriteSync(byte, bad), RangeError, String(bad));
  }
  for (const bad of [-1, -1n]) {
    assertEquals(failureOf(() => file.preadSync(byte, bad)).code, "EINVAL");
    assertEquals(failureOf(() => file.pwriteSync(byte, bad)).code, "EINVAL");
  }
  assertEquals(file.preadSync(byte, 0), 1);
  assertEquals(fixture.read("file"), "abcde");
});

/** Bytes that differ from place to place. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i ^ i >> 8 ^ i >> 16);
}

function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.length, expected.length);
  // Much faster than assertEquals() with the arrays.
  assert(actual.every((byte, i) => byte === expected[i]));
}

for (const size of [0, 1, 16383, 16384, 16385, 5 * 1024 * 1024 + 1]) {
  test(`FdFile.readAllSync() returns all ${size} bytes, and none the second time`, () => {
    using fixture = new Fixture({ file: pattern(size) });
    using file = openSync(fixture.at("file"));
    assertSameBytes(file.readAllSync(), pattern(size));
    assertEquals(file.readAllSync().length, 0);
    assertEquals(offsetOf(file), size);
  });
}

test("FdFile.readAllSync() starts at the offset, and its results share no memory", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"));
  file.seekSync(2, Start);
  const first = file.readAllSync();
  file.seekSync(0, Start);
  const second = file.readAllSync();
  assertEquals([text.decode(first), text.decode(second)], ["cde", "abcde"]);
  assertEquals([first.buffer.byteLength, second.buffer.byteLength], [3, 5]);
});

test("FdFile.readAllSync() reads a pipe until all writers have closed", () => {
  using fixture = new Fixture();
  const [reader, writer] = openPipe(fixture);
  using _reader = reader;
  const bytes = pattern(10_000);
  for (let at = 0; at < bytes.length; at += 1_000) {
    assertEquals(writer.writeSync(bytes.subarray(at, at + 1_000)), 1_000);
  }
  writer.close();
  assertSameBytes(reader.readAllSync(), bytes);
});

test("FdFile.readAllSync() continues after short reads", () => {
  using fixture = new Fixture({ file: pattern(40_000) });
  for (const most of [1, 7, 16_383, 16_385]) {
    using file = openSync(fixture.at("file"));
    withShortTransfers(most, () => assertSameBytes(file.readAllSync(), pattern(40_000)));
  }
}, { skip: needsStandin });

/** Returns the lines of a file with the given contents. */
function linesOf(content: string | Uint8Array): string[] {
  using fixture = new Fixture({ file: content });
  using file = openSync(fixture.at("file"));
  return [...file.linesSync()];
}

test('FdFile.linesSync() ends a line at "\\n" and "\\r\\n" and nowhere else', () => {
  const expected: [string, string[]][] = [
    ["", []],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["a\nb", ["a", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["\n\n", ["", ""]],
    ["\r\n\na", ["", "", "a"]],
    ["a\rb\r\r\nc\r", ["a\rb\r", "c\r"]],
    ["a\u2028b\u0085c\vd\f\n", ["a\u2028b\u0085c\vd\f"]],
  ];
  for (const [content, lines] of expected) assertEquals(linesOf(content), lines, JSON.stringify(content));
});

test("FdFile.linesSync() decodes invalid UTF-8 to U+FFFD", () => {
  assertEquals(linesOf(new Uint8Array([0x61, 0xff, 0x0a, 0xe2, 0x82])), ["a\ufffd", "\ufffd"]);
});

// FdFile.linesSync() reads 64 KiB at once.
const border = 64 * 1024;

test("FdFile.linesSync() joins lines and characters across chunk boundaries", () => {
  for (let length = border - 8; length <= border + 1; length++) {
    const first = "x".repeat(length - 3);
    assertEquals(linesOf(`${first}é€😀\r\nsecond\nlast`), [`${first}é€😀`, "second", "last"], `${length}`);
    assertEquals(linesOf(`${first}abc\n`), [`${first}abc`], `${length}`);
  }
});

test("FdFile.linesSync() removes a byte order mark at the start, and keeps one at the start of a later chunk", () => {
  const first = "x".repeat(border), mark = "\ufeff";
  assertEquals(linesOf(`${first}${mark}y\n${mark}z`), [`${first}${mark}y`, `${mark}z`]);
  assertEquals(linesOf(`${mark}${mark}a\n${mark}`), [`${mark}a`, mark]);
  assertEquals(linesOf(mark), []);
});

test("FdFile.linesSync() yields a line of many chunks complete", () => {
  const long = "0123456789é".repeat(30_000);
  assertEquals(linesOf(`a\n${long}\r\nb`), ["a", long, "b"]);
});

test("FdFile.linesSync() yields many short lines complete and in order", () => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i}`);
  assertEquals(linesOf(lines.join("\n") + "\n").join("|"), lines.join("|"));
});

test("FdFile.linesSync() yields the same lines for short reads", () => {
  using fixture = new Fixture({ file: "é€😀\r\n\n\rb\r\r\nlast" });
  for (const most of [1, 2, 3, 5]) {
    using file = openSync(fixture.at("file"));
    assertEquals(withShortTransfers(most, () => [...file.linesSync()]), ["é€😀", "", "\rb\r", "last"]);
  }
}, { skip: needsStandin });

test("FdFile.linesSync() starts at the offset, and the file is usable after an early end of the loop", () => {
  using fixture = new Fixture({ file: "one\ntwo\nthree\n" });
  using file = openSync(fixture.at("file"));
  file.seekSync(4, Start);
  for (const line of file.linesSync()) {
    assertEquals(line, "two");
    break;
  }
  file.seekSync(0, Start);
  const [first] = file.linesSync();
  assertEquals(first, "one");
  file.seekSync(0, Start);
  assertEquals(text.decode(file.readAllSync()), "one\ntwo\nthree\n");
});

test("FdFile.seekSync() seeks from the start, the offset and the end, and returns the new offset", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"));
  const byte = new Uint8Array(1);
  const moves = [[3, Start, 3, "d"], [-2, Current, 2, "c"], [-5n, End, 0, "a"], [
    1,
    Current,
    2,
    "c",
  ]] as const;
  for (const [offset, whence, at, read] of moves) {
    assertEquals(file.seekSync(offset, whence), at);
    assertEquals([file.readSync(byte), text.decode(byte)], [1, read]);
    assertEquals(offsetOf(file), at + 1);
  }
  assertEquals([file.seekSync(10, End), file.readSync(byte)], [15, null]);
});

test("FdFile.seekSync() throws for an invalid offset and does not move", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"));
  file.seekSync(2, Start);
  const { fd } = file;
  const failure = { class: "CapsicumError", code: "EINVAL", errno: 22, syscall: "lseek", fd };
  assertEquals(failureOf(() => file.seekSync(-1, Start)), failure);
  assertEquals(failureOf(() => file.seekSync(-6, End)), failure);
  assertEquals(failureOf(() => file.seekSync(0, 99 as Deno.SeekMode)), failure);
  for (const bad of [1.5, NaN, 2 ** 53, 2n ** 63n]) {
    assertThrows(() => file.seekSync(bad, Start), RangeError, String(bad));
  }
  assertEquals(offsetOf(file), 2);
});

test("FdFile.seekSync() throws ESPIPE for a pipe", () => {
  using fixture = new Fixture();
  const [reader, writer] = openPipe(fixture);
  using _reader = reader;
  using _writer = writer;
  const failure = { class: "CapsicumError", code: "ESPIPE", errno: 29, syscall: "lseek", fd: reader.fd };
  assertEquals(failureOf(() => reader.seekSync(0, Current)), failure);
});

test("FdFile reads, writes, seeks, returns sizes and truncates beyond 4 GiB", () => {
  const far = 2 ** 32 + 5, size = 5 * 2 ** 30;
  using fixture = new Fixture({ file: "" });
  fixture.resize("file", size);
  using file = openSync(fixture.at("file"), both);
  assertEquals([file.statSync().size, file.seekSync(0, End)], [size, size]);

  assertEquals(file.pwriteSync(encode("far"), far), 3);
  const bytes = new Uint8Array(3);
  assertEquals([file.preadSync(bytes, BigInt(far)), text.decode(bytes)], [3, "far"]);
  assertEquals([file.preadSync(bytes, far - 2 ** 32), text.decode(bytes)], [3, "\0\0\0"]);

  assertEquals(file.seekSync(far + 1, Start), far + 1);
  assertEquals([file.readSync(bytes.subarray(0, 2)), text.decode(bytes.subarray(0, 2))], [2, "ar"]);
  assertEquals(file.seekSync(-3, Current), far);
  assertEquals(file.writeSync(encode("FAR")), 3);
  assertEquals(offsetOf(file), far + 3);

  file.truncateSync(far + 2);
  assertEquals([file.statSync().size, fixture.stat("file").size], [far + 2, far + 2]);
  assertEquals(text.decode(file.readAllSync()), "");
  file.seekSync(far, Start);
  assertEquals(text.decode(file.readAllSync()), "FA");
  file.truncateSync(2n ** 32n);
  assertEquals(fixture.stat("file").size, 2 ** 32);
});

test("FdFile.statSync() returns the same as Deno's own stat", () => {
  using fixture = new Fixture({ file: { text: "abcde", mode: 0o640 }, sub: {} });
  // Deno's ctime has no milliseconds. FreeBSD's rdev of a file that is not a device differs from Linux's.
  const comparable = ({ birthtime: _, ctime, rdev, ...info }: Deno.FileInfo) => ({
    ...info,
    ctime: Math.floor(ctime!.getTime() / 1000),
    rdev: kernel.simulated ? 0 : rdev,
  });
  for (const name of ["file", "sub"]) {
    using file = openSync(fixture.at(name));
    const info = file.statSync();
    assertEquals(comparable(info), comparable(fixture.stat(name)));
    assert(info.birthtime === null || info.birthtime instanceof Date);
  }
});

test("FdFile.statSync() distinguishes devices and pipes", () => {
  using fixture = new Fixture();
  const [reader, writer] = openPipe(fixture);
  using pipe = reader;
  using _writer = writer;
  using device = openSync("/dev/null");
  const types = (file: FdFile) => {
    const { isFile, isDirectory, isSymlink, isFifo, isCharDevice, isBlockDevice, isSocket } = file.statSync();
    return { isFile, isDirectory, isSymlink, isFifo, isCharDevice, isBlockDevice, isSocket };
  };
  const none = {
    isFile: false,
    isDirectory: false,
    isSymlink: false,
    isFifo: false,
    isCharDevice: false,
    isBlockDevice: false,
    isSocket: false,
  };
  assertEquals(types(pipe), { ...none, isFifo: true });
  assertEquals(types(device), { ...none, isCharDevice: true });
});

test("FdFile.truncateSync() shrinks and extends a file, by default to 0 bytes, and does not move the offset", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), both);
  file.seekSync(4, Start);
  file.truncateSync(2);
  assertEquals(fixture.read("file"), "ab");
  file.truncateSync(4n);
  assertEquals(fixture.read("file"), "ab\0\0");
  file.truncateSync();
  assertEquals([fixture.read("file"), offsetOf(file)], ["", 4]);
});

test("FdFile.truncateSync() throws for an invalid size and for a file opened only for reading", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), both);
  for (const bad of [1.5, NaN, 2 ** 53]) assertThrows(() => file.truncateSync(bad), RangeError, String(bad));
  assertEquals(failureOf(() => file.truncateSync(-1)).code, "EINVAL");
  using reader = openSync(fixture.at("file"));
  const failure = { class: "CapsicumError", code: "EINVAL", errno: 22, syscall: "ftruncate", fd: reader.fd };
  assertEquals(failureOf(() => reader.truncateSync(1)), failure);
  assertEquals(fixture.read("file"), "abcde");
});

test("FdFile.syncSync() calls fsync(2), syncDataSync() fdatasync(2), and both report a failure", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), both);
  const { fd } = file;
  for (const [sync, syscall] of [["syncSync", "fsync"], ["syncDataSync", "fdatasync"]] as const) {
    failNext(syscall, 5);
    const failure = { class: "CapsicumError", code: "EIO", errno: 5, syscall, fd };
    assertEquals(failureOf(() => file[sync]()), failure);
    file[sync]();
  }
}, { skip: needsStandin });

test("FdFile.isTerminal() is false for a file, a device and a pipe", () => {
  using fixture = new Fixture({ file: "" });
  using file = openSync(fixture.at("file"));
  using device = openSync("/dev/null");
  const [reader, writer] = openPipe(fixture);
  using pipe = reader;
  using _writer = writer;
  assertEquals([file, device, pipe].map((file) => file.isTerminal()), [false, false, false]);
});

test("FdFile.isTerminal() is true for a terminal, until its ioctls are limited", () => {
  using terminal = openSync("/dev/ptmx", { ...both, customFlags: libc.O_NOCTTY });
  assertEquals(terminal.isTerminal(), true);
  const TIOCGETA = 0x402c7413;
  limitIoctls(terminal, [TIOCGETA, 1]);
  assertEquals(terminal.isTerminal(), true);
  limitIoctls(terminal, [1]);
  const { fd } = terminal;
  const { class: name, code, syscall } = failureOf(() => terminal.isTerminal());
  assertEquals([name, code, syscall], ["CapsicumError", "ENOTCAPABLE", "isatty"], `${fd}`);
}, {
  skip: !kernel.simulated &&
    "needs the stand-in: FreeBSD makes terminals by a call that the library does not have",
});

test("FdFile.tryLockSync() returns false if another descriptor holds a conflicting lock", () => {
  using fixture = new Fixture({ file: "" });
  using one = openSync(fixture.at("file"));
  using two = openSync(fixture.at("file"));
  one.lockSync(true);
  assertEquals([two.tryLockSync(), two.tryLockSync(true)], [false, false]);
  one.unlockSync();
  assertEquals(two.tryLockSync(true), true);
  assertEquals([one.tryLockSync(), one.tryLockSync(true)], [false, false]);
  two.unlockSync();
  one.lockSync();
  assertEquals([two.tryLockSync(true), two.tryLockSync(false)], [false, true]);
  assertEquals(one.tryLockSync(true), false);
  // Whether a failed upgrade keeps the shared lock differs between systems.
  one.unlockSync();
  assertEquals(two.tryLockSync(true), true);
});

test("FdFile.lockSync() holds the lock until the file is closed", () => {
  using fixture = new Fixture({ file: "" });
  const one = openSync(fixture.at("file"));
  using two = openSync(fixture.at("file"));
  one.lockSync(true);
  assertFalse(two.tryLockSync());
  one.close();
  two.lockSync();
});

test("FdFile.utimeSync() sets access and modification time to the millisecond", () => {
  using fixture = new Fixture({ file: "" });
  using file = openSync(fixture.at("file"), { write: true });
  const times: [number | Date, number | Date, number, number][] = [
    [1, 2, 1_000, 2_000],
    [1_700_000_000.001, new Date(1_700_000_000_999), 1_700_000_000_001, 1_700_000_000_999],
    [0, new Date(0), 0, 0],
    [new Date(4_000_000_000_000), 4e9, 4e12, 4e12],
    [-2, new Date(-1_001), -2_000, -1_001],
  ];
  for (const [atime, mtime, ...expected] of times) {
    file.utimeSync(atime, mtime);
    const info = file.statSync();
    assertEquals([info.atime!.getTime(), info.mtime!.getTime()], expected);
    const seen = fixture.stat("file");
    if (expected[1]! >= 0) assertEquals(seen.mtime, info.mtime);
  }
});

test("FdFile.utimeSync() throws RangeError for the last second before 1970, which would change nothing", () => {
  using fixture = new Fixture({ file: "" });
  using file = openSync(fixture.at("file"), { write: true });
  file.utimeSync(5, 5);
  for (const bad of [-1, -0.5, new Date(-1), NaN, new Date(NaN)]) {
    assertThrows(() => file.utimeSync(7, bad), RangeError);
    assertThrows(() => file.utimeSync(bad, 7), RangeError);
  }
  const { atime, mtime } = file.statSync();
  assertEquals([atime, mtime], [new Date(5_000), new Date(5_000)]);
});

test("FdFile.utimeSync() throws PermissionDenied for another user's file", () => {
  using file = openSync("/dev/null");
  const { class: name, syscall } = failureOf(() => file.utimeSync(1, 1));
  assertEquals([name, syscall], ["PermissionDenied", "futimens"]);
}, { skip: Deno.uid() === 0 && "needs another user than root, who may do everything" });

test("FdFile and a descriptor that Deno opened see the same file", () => {
  using fixture = new Fixture({ file: "abcde" });
  using file = openSync(fixture.at("file"), both);
  using deno = Deno.openSync(fixture.at("file"));
  file.writeSync(encode("AB"));
  const bytes = new Uint8Array(5);
  assertEquals([deno.readSync(bytes), text.decode(bytes)], [5, "ABcde"]);
  assertEquals(deno.statSync().ino, file.statSync().ino);
});

/** Returns the lines that both twins yield, and whether they end with a RangeError. */
async function boundedLines(content: string, maxLength: number): Promise<[string[], boolean]> {
  using fixture = new Fixture({ file: content });
  const results = [];
  for (const twin of ["linesSync", "lines"] as const) {
    using file = openSync(fixture.at("file"));
    const lines: string[] = [];
    let ended = false;
    try {
      for await (const line of file[twin]({ maxLength })) lines.push(line);
    } catch (error) {
      assert(error instanceof RangeError, String(error));
      assertEquals(
        error.message,
        `FdFile.${twin}() on fd ${file.fd}: a line has more than ${maxLength} bytes, ` +
          "the bound that maxLength sets. Pass a larger maxLength.",
      );
      ended = true;
    }
    results.push([lines, ended]);
  }
  assertEquals(results[0], results[1]);
  return results[0] as [string[], boolean];
}

test("FdFile.lines() and linesSync() yield lines of maxLength bytes, and throw RangeError for one more", async () => {
  const chunk = 64 * 1024;
  for (const most of [0, 1, 5, chunk - 1, chunk, chunk + 1, 3 * chunk]) {
    const line = "x".repeat(most);
    for (const end of ["\n", "\r\n"]) {
      const content = `${line}${end}${line}${end}`;
      assertEquals(await boundedLines(content, most), [[line, line], false]);
      assertEquals(await boundedLines(`${content}${line}x${end}`, most), [[line, line], true]);
    }
    assertEquals(await boundedLines(`${line}\n${line}`, most), [line === "" ? [""] : [line, line], false]);
    assertEquals(await boundedLines(`${line}\n${line}x`, most), [[line], true]);
    // A "\r" that does not end a line is one of its bytes.
    assertEquals(await boundedLines(`${line}\r`, most), [[], true]);
    assertEquals(await boundedLines(`${line}\rx\n`, most), [[], true]);
  }
  assertEquals(await boundedLines("é\néx\n", 2), [["é"], true]);
});

test("FdFile.lines() and linesSync() throw for an endless line, by default at 16 MiB", async () => {
  for (const twin of ["linesSync", "lines"] as const) {
    using zero = openSync("/dev/zero");
    await assertRejects(
      async () => {
        for await (const line of zero[twin]()) throw new Error(`a line of ${line.length}`);
      },
      RangeError,
      "more than 16777216 bytes",
    );
  }
});

test("FdFile.readAll() and readAllSync() return maxLength bytes, and throw RangeError for one more, also for files without a size", async () => {
  for (const size of [0, 3, 16 * 1024, 16 * 1024 + 1, 100_000]) {
    using fixture = new Fixture({ file: pattern(size) });
    for (const most of [size, size + 1]) {
      using file = openSync(fixture.at("file"));
      assertSameBytes(file.readAllSync({ maxLength: most }), pattern(size));
      file.seekSync(0, Deno.SeekMode.Start);
      assertSameBytes(await file.readAll({ maxLength: most }), pattern(size));
    }
    if (size === 0) continue;
    using file = openSync(fixture.at("file"));
    assertThrows(
      () => file.readAllSync({ maxLength: size - 1 }),
      RangeError,
      `on fd ${file.fd}: the file has`,
    );
    file.seekSync(0, Deno.SeekMode.Start);
    await assertRejects(
      () => file.readAll({ maxLength: size - 1 }),
      RangeError,
      `more than ${size - 1} bytes`,
    );
  }
  using zero = openSync("/dev/zero");
  assertThrows(() => zero.readAllSync({ maxLength: 1e6 }), RangeError, "more than 1000000 bytes");
  await assertRejects(() => zero.readAll({ maxLength: 1e6 }), RangeError, "more than 1000000 bytes");
});

test("FdFile's lines() and readAll() and their twins refuse invalid options before any system call", async () => {
  using zero = openSync("/dev/zero");
  const before = needsStandin ? 0 : allCalls();
  const wrong: [options: unknown, Class: typeof TypeError | typeof RangeError][] = [
    [{ maxLenght: 1 }, TypeError],
    [{ maxLength: "1" }, TypeError],
    [{ maxLength: -1 }, RangeError],
    [{ maxLength: NaN }, RangeError],
    [{ maxLength: 1.5 }, RangeError],
    [null, TypeError],
  ];
  for (const [options, Class] of wrong) {
    const bad = options as LengthOptions;
    assertThrows(() => zero.linesSync(bad), Class);
    assertThrows(() => zero.lines(bad), Class);
    assertThrows(() => zero.readAllSync(bad), Class);
    await assertRejects(() => zero.readAll(bad), Class);
  }
  assertThrows(() => zero.linesSync({ maxLength: 2 ** 29 }), RangeError, "536870888");
  assertEquals(needsStandin ? 0 : allCalls(), before);
});
