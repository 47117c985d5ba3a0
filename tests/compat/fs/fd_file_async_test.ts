import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import type * as capsicum from "../../../mod.ts";
import { FdFile, libc, openDirSync, openSync } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { isOpen, kernel, needsCapsicum } from "../../_kernel.ts";
import { callsOf, failNext, needsStandin, needsTraps, workerURL } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { type Failure, failureOf } from "./_failure.ts";
import { endOfPolls, openWaitingPipe, pause, settledSoon, ticking } from "./_pipe.ts";

const { Start, Current, End } = Deno.SeekMode;
const text = new TextDecoder();
const encode = (string: string) => new TextEncoder().encode(string);
const both = { read: true, write: true };

/** The error of an asynchronous call, as plain data. */
async function rejectionOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(() => undefined, (error) => error);
  return failureOf(() => {
    if (error) throw error;
  });
}

/** Bytes that differ from place to place. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
  return bytes;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Sizes below and above the limit for transfers on this thread. */
const sizes = [0, 1, 65_536, 65_537, 3_000_000];

for (const size of sizes) {
  test(`FdFile's asynchronous methods write and read ${size} bytes as the synchronous ones do`, async () => {
    using fixture = new Fixture({ sync: "", async: "" });
    const bytes = pattern(size);
    using sync = openSync(fixture.at("sync"), both);
    await using file = openSync(fixture.at("async"), both);
    sync.writeAllSync(bytes);
    await file.writeAll(bytes);
    assert(same(fixture.bytes("async"), bytes));
    assert(same(fixture.bytes("sync"), bytes));
    assertEquals(await file.seek(0, Current), size);
    assertEquals(await file.write(bytes.subarray(0, size >> 1)), size >> 1);
    assertEquals(await file.seek(-(size >> 1), End), size);
    assertEquals(await file.read(new Uint8Array(size)), size >> 1 || (size ? null : 0));
    await file.truncate(size);
    assertEquals([await file.seek(0, Start), sync.seekSync(0, Start)], [0, 0]);
    const all = await file.readAll();
    assert(same(all, bytes) && same(sync.readAllSync(), bytes));
    assertEquals([all.buffer.byteLength, (await file.readAll()).length], [size, 0]);

    const memory = new Uint8Array(size + 5);
    await file.seek(0, Start);
    assertEquals(await file.readInto(memory), size);
    assert(same(memory.subarray(0, size), bytes));
    assertEquals(await file.read(memory), null);
    assertEquals(await file.read(new Uint8Array()), 0);

    const [offset, tail] = [size >> 1, size - (size >> 1)];
    assertEquals(await file.pread(memory.fill(0), offset), tail || null);
    assert(same(memory.subarray(0, tail), bytes.subarray(offset)));
    assertEquals(await file.pwrite(bytes, BigInt(offset)), size);
    assert(same(fixture.bytes("async").subarray(offset), bytes));
    assertEquals(await file.seek(0, Current), size);
  });
}

test("FdFile's asynchronous methods that move no bytes do the same as their synchronous twins", async () => {
  using fixture = new Fixture({ file: "abcde" });
  await using file = openSync(fixture.at("file"), both);
  using other = openSync(fixture.at("file"));
  assertEquals(await file.stat(), file.statSync());
  await file.truncate(2);
  assertEquals(fixture.read("file"), "ab");
  await file.truncate();
  assertEquals(fixture.read("file"), "");
  await file.utime(1_700_000_000.5, new Date(5));
  const { atime, mtime } = fixture.stat("file");
  assertEquals([atime!.getTime(), mtime!.getTime()], [1_700_000_000_500, 5]);
  await file.sync();
  await file.syncData();
  assertEquals([await file.tryLock(true), await other.tryLock()], [true, false]);
  await file.unlock();
  assertEquals(await other.tryLock(true), true);
});

test("FdFile.lock() gives up a shared lock before it waits, so two that wait for an exclusive one get it in turn", async () => {
  using fixture = new Fixture({ file: "" });
  await using one = openSync(fixture.at("file"));
  await using other = openSync(fixture.at("file"));
  for (const file of [one, other]) file.lockSync();
  let held = 0;
  const turn = async (file: FdFile) => {
    await file.lock(true);
    assertEquals(++held, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    held--;
    file.unlockSync();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("each waits for the other")), 10_000);
  });
  await Promise.race([Promise.all([turn(one), turn(other)]), tooLong]).finally(() => clearTimeout(timer));
});

test("FdFile.lines() yields the same lines as linesSync()", async () => {
  const content = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${"é".repeat(i % 7)}`).join("\n");
  for (const whole of [content, "", "\n", "a\r\n\r\nb", "last\n", "\uFFFD\n"]) {
    using fixture = new Fixture({ file: whole });
    await using file = openSync(fixture.at("file"));
    const lines = await Array.fromAsync(file.lines());
    file.seekSync(0, Start);
    assertEquals(lines, [...file.linesSync()]);
  }
});

test("FdFile's asynchronous calls run in the order in which they were made", async () => {
  using fixture = new Fixture({ file: "" });
  await using file = openSync(fixture.at("file"), both);
  const pieces = [200_000, 3, 70_000, 1, 100_000, 5].map((length, i) => new Uint8Array(length).fill(i + 65));
  const writes = pieces.map((piece) => file.writeAll(piece));
  const sized = file.stat();
  const back = file.seek(0, Start);
  const read = file.readAll();
  assertEquals((await sized).size, 370_009);
  assertEquals(await back, 0);
  assertEquals(
    text.decode(await read).replace(/(.)\1*/g, (run) => `${run[0]}${run.length} `),
    "A200000 B3 C70000 D1 E100000 F5 ",
  );
  await Promise.all(writes);
});

test("FdFile.pread() and pwrite() work beyond 4 GiB", async () => {
  using fixture = new Fixture({ file: "" });
  await using file = openSync(fixture.at("file"), both);
  const far = 2 ** 32 + 123;
  assertEquals(await file.pwrite(pattern(100_000), far), 100_000);
  const bytes = new Uint8Array(200_000);
  assertEquals(await file.pread(bytes, BigInt(far)), 100_000);
  assert(same(bytes.subarray(0, 100_000), pattern(100_000)));
  assertEquals(await file.pread(bytes, far + 100_000), null);
});

test("FdFile's asynchronous methods reject with the errors that the synchronous ones throw", async () => {
  using fixture = new Fixture({ file: "abcde" });
  await using reader = openSync(fixture.at("file"));
  await using writer = openSync(fixture.at("file"), { write: true });
  for (const size of [1, 100_000]) {
    const bytes = new Uint8Array(size);
    const pairs: [asynchronous: Promise<unknown>, synchronous: () => unknown][] = [
      [writer.read(bytes), () => writer.readSync(bytes)],
      [writer.readInto(bytes), () => writer.readSync(bytes)],
      [writer.readAll(), () => writer.readAllSync()],
      [writer.pread(bytes, 1), () => writer.preadSync(bytes, 1)],
      [writer.lines().next(), () => [...writer.linesSync()]],
      [reader.write(bytes), () => reader.writeSync(bytes)],
      [reader.writeAll(bytes), () => reader.writeAllSync(bytes)],
      [reader.pwrite(bytes, 1), () => reader.pwriteSync(bytes, 1)],
      [reader.pread(bytes, -1), () => reader.preadSync(bytes, -1)],
      [reader.seek(-1, Start), () => reader.seekSync(-1, Start)],
      [reader.truncate(1), () => reader.truncateSync(1)],
      [reader.truncate(0.5), () => reader.truncateSync(0.5)],
      [reader.utime(-1, -1), () => reader.utimeSync(-1, -1)],
      [reader.pread(bytes, 0.5), () => reader.preadSync(bytes, 0.5)],
      [reader.read("ab" as never), () => reader.readSync("ab" as never)],
      [writer.write(null as never), () => writer.writeSync(null as never)],
    ];
    const rejections = await Promise.all(pairs.map(([promise]) => rejectionOf(promise)));
    assertEquals(rejections, pairs.map(([, call]) => failureOf(call)));
  }
  assertEquals(fixture.read("file"), "abcde");
});

test(
  "FdFile reads and writes on pool threads, and counts the bytes that the repetition of a failed call moved",
  async () => {
    using fixture = new Fixture({ file: pattern(200_000) });
    await using file = openSync(fixture.at("file"), both);
    const bytes = new Uint8Array(200_000), EINTR = 4;
    failNext("read", EINTR);
    let moved = (await file.read(bytes))!;
    assert(moved > 0 && same(bytes.subarray(0, moved), pattern(200_000).subarray(0, moved)));
    assertEquals(await file.readInto(bytes.subarray(moved)), 200_000 - moved);
    assert(same(bytes, pattern(200_000)));
    await file.seek(0, Start);
    failNext("write", EINTR);
    const before = callsOf("write");
    moved = await file.write(bytes.fill(7));
    assertEquals(callsOf("write"), before + 2);
    assertEquals(await file.seek(0, Current), moved);
    assert(fixture.bytes("file").subarray(0, moved).every((byte) => byte === 7));
  },
  { skip: needsStandin },
);

test(
  "FdFile.sync() and syncData() reject with EIO if the system reports lost data only once",
  async () => {
    using fixture = new Fixture({ file: "" });
    await using file = openSync(fixture.at("file"), both);
    for (
      const [call, sync] of [["fsync", () => file.sync()], ["fdatasync", () => file.syncData()]] as const
    ) {
      failNext(call, 28);
      const { class: name, code, syscall, fd } = await rejectionOf(sync());
      assertEquals([name, code, syscall, fd], ["CapsicumError", "EIO", call, file.fd]);
      await sync();
    }
  },
  { skip: needsStandin },
);

test("FdFile.readAll() and readInto() keep the event loop running while they read a large file", async () => {
  using fixture = new Fixture({ file: "" });
  fixture.resize("file", 256 * 2 ** 20);
  await using file = openSync(fixture.at("file"));
  const memory = new Uint8Array(256 * 2 ** 20).fill(1);
  await ticking(async () => {
    file.seekSync(0, Deno.SeekMode.Start);
    assertEquals(await file.readInto(memory), memory.length);
  });
  assert(memory[0] === 0 && memory.at(-1) === 0);
});

test("FdFile.read() in small pieces keeps the event loop running", async () => {
  using fixture = new Fixture({ file: "" });
  fixture.resize("file", 2 ** 31);
  await using file = openSync(fixture.at("file"));
  const memory = new Uint8Array(65_536);
  await ticking(async () => {
    if (await file.read(memory) === null) file.seekSync(0, Deno.SeekMode.Start);
  });
});

test("FdFile.read() waits for a pipe, returns the available bytes, and null after the last writer has closed", async () => {
  using fixture = new Fixture();
  const { readers: [reader], writer } = openWaitingPipe(fixture);
  using pipe = reader!;
  const bytes = new Uint8Array(10);
  const first = pipe.read(bytes);
  assertEquals(await settledSoon(first), "waits");
  writer.writeSync(encode("abc"));
  assertEquals([await first, text.decode(bytes.subarray(0, 3))], [3, "abc"]);
  writer.writeSync(encode("de"));
  assertEquals(await pipe.read(bytes), 2);
  const whole = pipe.readInto(new Uint8Array(4));
  writer.writeSync(encode("1"));
  assertEquals(await settledSoon(whole), "waits");
  writer.writeSync(encode("234"));
  assertEquals(await whole, 4);
  const last = pipe.readAll();
  writer.writeSync(encode("end"));
  writer.close();
  assertEquals(text.decode(await last), "end");
  assertEquals(await pipe.read(bytes), null);
});

test("FdFile.writeAll() waits for the reader of a pipe, and keeps the event loop running", async () => {
  using fixture = new Fixture();
  const { readers: [reader], writer } = openWaitingPipe(fixture);
  using pipe = reader!;
  const bytes = pattern(1_000_000);
  const written = writer.writeAll(bytes).then(() => writer.close());
  assertEquals(await settledSoon(written), "waits");
  assert(same(await pipe.readAll(), bytes));
  await written;
});

test("FdFile.write() rejects with BrokenPipe if there is no reader, also while it waits", async () => {
  using fixture = new Fixture();
  const { readers: [reader], writer } = openWaitingPipe(fixture);
  using pipe = writer;
  const failure = { class: "BrokenPipe", code: "EPIPE", errno: 32, syscall: "write", fd: pipe.fd };
  const written = pipe.writeAll(new Uint8Array(1_000_000));
  assertEquals(await settledSoon(written), "waits");
  reader!.close();
  assertEquals(await rejectionOf(written), failure);
  assertEquals(await rejectionOf(pipe.write(new Uint8Array(1))), failure);
});

test("FdFile's asynchronous calls wait on an O_NONBLOCK descriptor, and detect the end", async () => {
  using fixture = new Fixture();
  const customFlags = libc.O_NONBLOCK;
  using dir = openDirSync(fixture.path);
  libc.mkfifoat(dir, "pipe", 0o600);
  await using reader = dir.openSync("pipe", { customFlags });
  // Before the first write this is not the end of the file, although read(2) returns 0 on Linux.
  const read = reader.read(new Uint8Array(1));
  assertEquals(await settledSoon(read), "waits");
  {
    await using writer = dir.openSync("pipe", { write: true, customFlags });
    assertEquals(await settledSoon(read), "waits");
    const bytes = pattern(500_000);
    const written = writer.writeAll(bytes);
    assertEquals(await read, 1);
    const rest = new Uint8Array(499_999);
    assertEquals(await reader.readInto(rest), 499_999);
    assert(same(rest, bytes.subarray(1)));
    await written;
  }
  assertEquals(await reader.read(new Uint8Array(1)), null);
});

test("FdFile's asynchronous calls reject at once if a pipe is not open for reading or writing", async () => {
  using fixture = new Fixture();
  const { readers: [reader], writer } = openWaitingPipe(fixture);
  using pipe = reader!;
  using end = writer;
  const failure = { class: "BadResource", code: "EBADF", errno: 9 };
  const byte = new Uint8Array(1);
  assertEquals(await rejectionOf(end.read(byte)), { ...failure, syscall: "read", fd: end.fd });
  assertEquals(await rejectionOf(pipe.write(byte)), { ...failure, syscall: "write", fd: pipe.fd });
  assertEquals((await rejectionOf(pipe.pread(byte, 0))).code, "ESPIPE");
  assertEquals((await rejectionOf(end.pwrite(byte, 0))).code, "ESPIPE");
  assertEquals([await end.write(byte), await pipe.read(byte)], [1, 1]);
});

test("FdFile.read() of 600 pipes holds only a few threads: Deno.readFile works meanwhile", async () => {
  using fixture = new Fixture({ file: "free" });
  const { readers, writer } = openWaitingPipe(fixture, 600);
  using pipe = writer;
  const reads = readers.map((reader) => reader.read(new Uint8Array(1)));
  await pause(50);
  assertEquals(text.decode(await Deno.readFile(fixture.at("file"))), "free");
  pipe.writeSync(new Uint8Array(600));
  assertEquals(await Promise.all(reads), Array(600).fill(1));
  const again = readers.map((reader) => rejectionOf(reader.read(new Uint8Array(1))));
  await pause(20);
  for (const reader of readers) reader.close();
  assertEquals(new Set((await Promise.all(again)).map(({ class: name }) => name)), new Set(["BadResource"]));
  await endOfPolls();
});

test(
  "FdFile.read() of 600 pipes without EVENT holds only a few threads: Deno.readFile works meanwhile",
  async () => {
    using fixture = new Fixture({ file: "free" });
    const { readers, writer } = openWaitingPipe(fixture, 600);
    using pipe = writer;
    for (const reader of readers) reader.limit(["READ"]);
    const reads = readers.map((reader) => reader.read(new Uint8Array(1)));
    await pause(50);
    assertEquals(text.decode(await Deno.readFile(fixture.at("file"))), "free");
    pipe.writeSync(new Uint8Array(600));
    assertEquals(await Promise.all(reads), Array(600).fill(1));
    for (const reader of readers) reader.close();
  },
  { skip: needsCapsicum },
);

test(
  "FdFile reads and writes a regular file that has only READ, or WRITE, in one piece",
  async () => {
    using fixture = new Fixture({ file: pattern(1_000_000) });
    await using reader = openSync(fixture.at("file"));
    await using writer = openSync(fixture.at("file"), { write: true });
    reader.limit(["READ"]);
    writer.limit(["WRITE"]);
    assertEquals(await writer.write(new Uint8Array(1_000_000).fill(9)), 1_000_000);
    const bytes = await reader.readAll();
    assertEquals([bytes.length, bytes.every((byte) => byte === 9)], [1_000_000, true]);
  },
  { skip: needsCapsicum },
);

test(
  "no call of FdFile.read() is refused while it waits for a pipe that lacks FCNTL, GETFL or EVENT",
  async () => {
    using fixture = new Fixture();
    {
      using dir = openDirSync(fixture.path);
      dir.mkfifoSync("pipe");
    }
    const results = await inChild(
      async ({ enter, limitFcntls, openSync }, path) => {
        const { symbols } = Deno.dlopen("/lib/libc.so.7", {
          procctl: { parameters: ["i32", "i64", "i32", "buffer"], result: "i32" },
        });
        const open = () => openSync(path, { read: true, write: true });
        const lacking = open(), narrowed = open(), blind = open(), writer = open();
        lacking.limit(["READ", "EVENT"]);
        narrowed.limit(["READ", "EVENT", "FCNTL"]);
        limitFcntls(narrowed, []);
        blind.limit(["READ"]);
        // P_PID, this process, PROC_TRAPCAP_CTL, PROC_TRAPCAP_CTL_ENABLE
        symbols.procctl(0, 0n, 9, new Int32Array([1]));
        enter();
        const results = [];
        for (const reader of [lacking, narrowed, blind]) {
          const read = reader.read(new Uint8Array(8));
          await new Promise((resolve) => setTimeout(resolve, 20));
          writer.writeSync(new Uint8Array(3));
          results.push(await read);
        }
        return results;
      },
      fixture.at("pipe"),
    );
    assertEquals(results, [3, 3, 3]);
  },
  { skip: needsTraps },
);

test("FdFile.write() works on a pipe without EVENT, with and without O_NONBLOCK", async () => {
  using fixture = new Fixture();
  for (const customFlags of [0, libc.O_NONBLOCK]) {
    const { readers: [reader], writer } = openWaitingPipe(fixture);
    writer.close();
    using dir = openDirSync(fixture.path);
    await using limited = dir.openSync("pipe", { write: true, customFlags });
    await using pipe = reader!;
    limited.limit(["WRITE"]);
    const written = limited.writeAll(pattern(300_000));
    assertEquals(await settledSoon(written), "waits");
    const bytes = new Uint8Array(300_000);
    assertEquals(await pipe.readInto(bytes), 300_000);
    await written;
    assert(same(bytes, pattern(300_000)));
  }
}, { skip: needsCapsicum });

test("FdFile.read() calls that compete for a pipe never block the event loop, and return each byte once", async () => {
  using fixture = new Fixture();
  const { readers, writer } = openWaitingPipe(fixture, 16);
  const seen: number[] = [];
  const ends = readers.map(async (reader) => {
    const byte = new Uint8Array(1);
    while (await reader.read(byte) !== null) seen.push(byte[0]!);
    reader.close();
  });
  // A reader that blocks the event loop would block it forever: only this loop writes.
  for (let i = 0; i < 100; i++) {
    writer.writeSync(new Uint8Array([i]));
    await pause(1);
  }
  writer.close();
  await Promise.all(ends);
  assertEquals(seen.sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i));
});

/** Two connected sockets. AF_UNIX and SOCK_STREAM are 1 on both systems. */
async function socketPair(): Promise<[FdFile, FdFile]> {
  const { must } = await import("../../_libc.ts");
  const fds = new Int32Array(2);
  must("socketpair", 1, 1, 0, new Uint8Array(fds.buffer));
  return [FdFile.fromFd(fds[0]!), FdFile.fromFd(fds[1]!)];
}

test("FdFile reads and writes a socket at the same time", async () => {
  const [one, two] = await socketPair();
  await using a = one;
  await using b = two;
  const read = a.read(new Uint8Array(10));
  assertEquals(await settledSoon(read), "waits");
  await a.writeAll(encode("ping"));
  const bytes = new Uint8Array(10);
  assertEquals([await b.read(bytes), text.decode(bytes.subarray(0, 4))], [4, "ping"]);
  await b.writeAll(encode("pong!"));
  assertEquals(await read, 5);
  const sent = pattern(2_000_000);
  const written = a.writeAll(sent).then(() => a.close());
  assert(same(await b.readAll(), sent));
  await written;
}, { skip: needsCapsicum });

test("FdFile.read() rejects with ConnectionReset and does not take a reset for the end", async () => {
  const [one, two] = await socketPair();
  await using a = one;
  await a.writeAll(encode("unread"));
  const read = a.read(new Uint8Array(1));
  assertEquals(await settledSoon(read), "waits");
  two.close();
  assertEquals((await rejectionOf(read)).class, "ConnectionReset");
}, { skip: !kernel.simulated && "needs the stand-in: only Linux resets a local connection" });

test("FdFile.close() rejects waiting calls and closes at once", async () => {
  using fixture = new Fixture({ file: "" });
  const { readers: [reader], writer: unused } = openWaitingPipe(fixture);
  fixture.remove("pipe");
  const { readers: [unread], writer } = openWaitingPipe(fixture);
  using _ends = unused;
  using _end = unread!;
  using other = openSync(fixture.at("file"));
  const locked = openSync(fixture.at("file"));
  other.lockSync(true);
  const fds = [reader!.fd, writer.fd, locked.fd];
  const waiting = [
    reader!.read(new Uint8Array(1)),
    reader!.readInto(new Uint8Array(1)),
    writer.writeAll(new Uint8Array(1_000_000)),
    locked.lock(),
  ];
  assertEquals(await settledSoon(Promise.race(waiting)), "waits");
  for (const file of [reader!, writer, locked]) file.close();
  assertEquals(fds.map(isOpen), [false, false, false]);
  for (const call of waiting) {
    await assertRejects(() => call, Deno.errors.BadResource, "This FdFile is closed");
  }
  await endOfPolls();
});

test("FdFile.close() closes the descriptor only after a call that is moving bytes has ended", async () => {
  using fixture = new Fixture({ file: "" });
  fixture.resize("file", 128 * 2 ** 20);
  const file = openSync(fixture.at("file"));
  const { fd } = file;
  const read = file.read(new Uint8Array(128 * 2 ** 20));
  const queued = file.read(new Uint8Array(1));
  await Promise.resolve();
  file.close();
  assert(isOpen(fd));
  using other = openSync(fixture.at("file"));
  assert(other.fd !== fd);
  await assertRejects(() => file.read(new Uint8Array(1)), Deno.errors.BadResource);
  assertEquals(await read, 128 * 2 ** 20);
  await assertRejects(() => queued, Deno.errors.BadResource);
  await file[Symbol.asyncDispose]();
  assertFalse(isOpen(fd));
});

test("await using closes an FdFile after its calls, and rejects with the error of the close", async () => {
  using fixture = new Fixture({ file: "" });
  fixture.resize("file", 32 * 2 ** 20);
  let fd = 0, read: Promise<unknown>;
  {
    await using file = openSync(fixture.at("file"));
    fd = file.fd;
    read = file.readAll();
    await pause(0);
  }
  assertFalse(isOpen(fd));
  await read.catch((error) => assert(error instanceof Deno.errors.BadResource));
  if (needsStandin) return;
  const file = openSync(fixture.at("file"));
  const late = file.read(new Uint8Array(32 * 2 ** 20));
  ({ fd } = file);
  failNext("close", 5);
  file.close();
  assertEquals((await rejectionOf(file[Symbol.asyncDispose]())).code, "EIO");
  await late;
  libc.close(fd);
});

test("FdFile.take() throws Busy while a call moves bytes, and works after the call", async () => {
  using fixture = new Fixture({ file: "" });
  fixture.resize("file", 32 * 2 ** 20);
  const file = openSync(fixture.at("file"));
  const read = file.read(new Uint8Array(32 * 2 ** 20));
  await Promise.resolve();
  assertEquals(failureOf(() => file.take()).class, "Busy");
  assertEquals(await read, 32 * 2 ** 20);
  libc.close(file.take());
});

test("FdFile.lock() waits for the lock and holds no thread", async () => {
  using fixture = new Fixture({ file: "free" });
  await using holder = openSync(fixture.at("file"));
  await holder.lock(true);
  const files = Array.from({ length: 100 }, () => openSync(fixture.at("file")));
  let held = 0;
  const turns = files.map(async (file) => {
    await file.lock(true);
    assertEquals(++held, 1);
    held--;
    await file.unlock();
    file.close();
  });
  await pause(30);
  assertEquals(text.decode(await Deno.readFile(fixture.at("file"))), "free");
  assertEquals(await settledSoon(Promise.race(turns)), "waits");
  await holder.unlock();
  await Promise.all(turns);
});

test("FdFile.readIntoSync() and writeAllSync() continue after short transfers", async () => {
  using fixture = new Fixture({ file: "" });
  await using file = openSync(fixture.at("file"), both);
  const bytes = pattern(10_000);
  const { must } = await import("../../_libc.ts");
  must("standin_short", 333);
  try {
    file.writeAllSync(bytes);
    file.seekSync(0, Start);
    const memory = new Uint8Array(10_001);
    assertEquals(file.readIntoSync(memory), 10_000);
    assert(same(memory.subarray(0, 10_000), bytes));
    await file.seek(0, Start);
    await file.writeAll(bytes.fill(3));
    await file.seek(0, Start);
    assertEquals(await file.readInto(memory), 10_000);
    assert(same(memory.subarray(0, 10_000), bytes));
    await file.seek(0, Start);
    assert(same(await file.readAll(), bytes));
  } finally {
    must("standin_short", 0);
  }
}, { skip: needsStandin });

test("FdFile's asynchronous calls work on devices", async () => {
  await using zero = openSync("/dev/zero");
  const bytes = new Uint8Array(100_000).fill(1);
  assertEquals(await zero.readInto(bytes), 100_000);
  assert(bytes.every((byte) => byte === 0));
  await using nothing = openSync("/dev/null", both);
  await nothing.writeAll(bytes);
  assertEquals((await nothing.readAll()).length, 0);
});

/** In a child: terminates Workers whose reads wait, some without EVENT, lets the reads end, and returns the bytes of a file. */
async function terminateWorkers(
  { isSupported, libc, openDirSync }: typeof capsicum,
  { path, worker: url }: { path: string; worker: string },
) {
  const dir = openDirSync(path), access = { read: true, write: true };
  libc.mkfifoat(dir, "pipe", 0o600);
  for (let round = 0; round < 5; round++) {
    const files = Array.from({ length: 6 }, () => dir.openSync("pipe", access));
    const writer = dir.openSync("pipe", access);
    if (isSupported()) { for (const file of files.slice(3)) file.limit(["READ"]); }
    const worker = new Worker(url, { type: "module" });
    const said = () => new Promise((resolve) => worker.onmessage = resolve);
    await said();
    worker.postMessage(files.map(({ fd }) => fd));
    await said();
    worker.terminate();
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const _ of files) writer.writeSync(new Uint8Array(10_000).fill(0xff));
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const file of [...files, writer]) file.close();
  }
  return (await Deno.readFile(`${path}/file`)).length;
}

test("FdFile.read() may wait in a Worker that is terminated, with EVENT and without", async () => {
  using fixture = new Fixture({ file: "free" });
  const worker = workerURL(new URL("_waiting_worker.ts", import.meta.url)).href;
  assertEquals(await inChild(terminateWorkers, { path: fixture.path, worker }), 4);
});
