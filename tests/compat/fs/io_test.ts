/** The asynchronous calls on each kind of descriptor: with data, without data, and with the other end closed. */
import { assert, assertEquals, assertFalse, assertRejects, assertThrows } from "@std/assert";
import type * as capsicum from "../../../mod.ts";
import { FdFile, libc, openDirSync, openSync } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { isOpen, kernel } from "../../_kernel.ts";
import { needsTerminal, pipe, shrink, socketPair, terminal } from "../../_pairs.ts";
import { callsOf, failFrom, failNext, needsStandin, workerURL } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { progress } from "../../../compat/fs/io/transfer.ts";
import { endOfPolls, pause, settledSoon } from "./_pipe.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Two ends: one reads the bytes that the other writes. */
interface Kind {
  name: string;
  make(fixture: Fixture): Promise<[reader: FdFile, writer: FdFile]> | [reader: FdFile, writer: FdFile];
  /** Whether each read returns exactly one write. */
  messages?: boolean;
  /** The result of a read after the writer has closed; left out if the reader does not notice. */
  end?: "end" | "end or error";
  /** The error classes of a write without a reader; empty if the kernel keeps the data. */
  broken: string[];
  skip?: string | false;
}

function openFrom(path: string, flags: number): FdFile {
  return FdFile.fromFd(libc.open(path, flags | libc.O_CLOEXEC));
}

const kinds: Kind[] = [
  {
    name: "a FIFO",
    make: async (fixture) => {
      using dir = openDirSync(fixture.path);
      dir.mkfifoSync("fifo");
      return [await dir.open("fifo"), await dir.open("fifo", { write: true })];
    },
    end: "end",
    broken: ["BrokenPipe"],
  },
  {
    name: "a FIFO from elsewhere",
    make: (fixture) => {
      const path = fixture.at("fifo");
      libc.mkfifoat(libc.AT_FDCWD, path, 0o600);
      // Opening only one end waits for the other.
      using _both = openFrom(path, libc.O_RDWR);
      return [openFrom(path, libc.O_RDONLY), openFrom(path, libc.O_WRONLY)];
    },
    end: "end",
    broken: ["BrokenPipe"],
  },
  { name: "a pipe", make: () => pipe(), end: "end", broken: ["BrokenPipe"] },
  { name: "a stream socket", make: () => socketPair("stream"), end: "end", broken: ["BrokenPipe"] },
  {
    name: "a datagram socket",
    make: () => socketPair("datagram"),
    messages: true,
    broken: ["ConnectionRefused", "ConnectionReset", "NotConnected"],
  },
  {
    name: "a SEQPACKET socket",
    make: () => socketPair("seqpacket"),
    messages: true,
    end: "end",
    broken: ["BrokenPipe"],
  },
  {
    name: "a terminal",
    make: () => terminal(),
    end: "end or error",
    broken: [],
    skip: needsTerminal,
  },
];

/** The bytes of a message: FreeBSD 13 takes at most 2,048 in a datagram. */
const message = 2_000;

/** Waits for two timers, so that the event loop runs. */
async function ticks(): Promise<void> {
  for (let i = 0; i < 2; i++) await pause(1);
}

/** Writes until a write waits; returns that write and the number of bytes written. */
async function fill(
  { writer, messages }: { writer: FdFile; messages: boolean | undefined },
): Promise<{ waiting: Promise<number>; written: number }> {
  const bytes = new Uint8Array(messages ? message : 100_000).fill(7);
  for (let written = 0;;) {
    const waiting = writer.write(bytes);
    const count = await settledSoon(waiting);
    if (count === "waits") return { waiting, written };
    if (messages) assertEquals(count, bytes.length);
    written += count;
  }
}

for (const { name, make, messages, end, broken, skip = false } of kinds) {
  test(`FdFile.read() of ${name} returns available bytes, waits for more, and detects the end`, async () => {
    using fixture = new Fixture();
    const [reader, writer] = await make(fixture);
    using _reader = reader;
    const bytes = new Uint8Array(100);
    assertEquals(await writer.write(encode("abc\n")), 4);
    assertEquals([await reader.read(bytes), bytes.subarray(0, 4)], [4, encode("abc\n")]);
    assertEquals(await reader.read(new Uint8Array()), 0);

    const waiting = reader.read(bytes);
    assertEquals(await settledSoon(waiting), "waits");
    await ticks();
    await writer.write(encode("de\n"));
    if (messages) await writer.write(encode("next"));
    assertEquals(await waiting, 3);
    if (messages) assertEquals(await reader.read(bytes), 4);

    if (end === undefined) return writer.close();
    const last = reader.read(bytes).catch((error) => error);
    writer.close();
    const result = await last;
    if (end === "end or error" && result !== null) assert(result instanceof Error);
    else assertEquals(result, null);
    await endOfPolls();
  }, { skip });

  test(`FdFile.write() of ${name} waits for space, and writes one message or continues`, async () => {
    using fixture = new Fixture();
    const [reader, writer] = await make(fixture);
    using _reader = reader;
    await using _writer = writer;
    // A terminal buffers its input by lines: an unfinished line can't be read.
    if (name === "a terminal") return assertEquals(await writer.write(encode("line\n")), 5);
    const { waiting, written } = await fill({ writer, messages });
    await ticks();
    const bytes = new Uint8Array(1_000_000);
    let read = 0, count: number;
    if (messages) {
      for (; read < written; read += count) {
        assertEquals(count = (await reader.read(bytes))!, message);
      }
      assertEquals([await waiting, await reader.read(bytes)], [message, message]);
      return;
    }
    const all = waiting.then((count) => written + count);
    all.then(() => writer.close());
    while ((count = await reader.read(bytes) ?? 0) > 0) read += count;
    assertEquals(read, await all);
    await endOfPolls();
  }, { skip });

  test(`FdFile.write() of ${name} rejects without a reader, unless the kernel keeps the data`, async () => {
    using fixture = new Fixture();
    const [reader, writer] = await make(fixture);
    using _writer = writer;
    reader.close();
    const error = await writer.write(encode("text")).then(() => undefined, (error) => error);
    if (broken.length === 0) return assertEquals(error, undefined);
    assert(broken.includes(error?.constructor.name), `${error}`);
  }, { skip });

  test(`FdFile.close() of ${name} rejects a waiting read and a waiting write at once`, async () => {
    using fixture = new Fixture();
    const [reader, writer] = await make(fixture);
    const { fd } = reader;
    const read = reader.read(new Uint8Array(10));
    assertEquals(await settledSoon(read), "waits");
    reader.close();
    await assertRejects(() => read, Deno.errors.BadResource, "This FdFile is closed");
    assertFalse(isOpen(fd));
    writer.close();
    await endOfPolls();

    if (name === "a terminal") return;
    if (fixture.exists("fifo")) fixture.remove("fifo");
    const [other, full] = await make(fixture);
    const { waiting } = await fill({ writer: full, messages });
    const number = full.fd;
    full.close();
    await assertRejects(() => waiting, Deno.errors.BadResource, "This FdFile is closed");
    other.close();
    // A long write to a pipe by another process stays in the kernel until the reader has closed.
    for (let tries = 0; isOpen(number) && tries < 100; tries++) await pause(10);
    assertFalse(isOpen(number));
    await endOfPolls();
  }, { skip });

  test(`a stream of ${name} closes it when it is canceled or aborted, also while it waits`, async () => {
    using fixture = new Fixture();
    const [reader, writer] = await make(fixture);
    const { fd } = reader;
    const source = reader.readable.getReader(), read = source.read();
    assertEquals(await settledSoon(read), "waits");
    await source.cancel("enough");
    assert((await read).done);
    assertFalse(isOpen(fd));
    writer.close();
    await endOfPolls();
    if (name === "a terminal" || messages) return;

    if (fixture.exists("fifo")) fixture.remove("fifo");
    const [other, full] = await make(fixture);
    const sink = full.writable.getWriter();
    const write = sink.write(new Uint8Array(2_000_000)).catch((error) => error);
    assertEquals(await settledSoon(write), "waits");
    await sink.abort("enough");
    assert(await write instanceof Deno.errors.BadResource);
    other.close();
    await endOfPolls();
  }, { skip });

  test(`forty reads and writes of ${name} that wait block no thread of Deno and no other pipe`, async () => {
    using fixture = new Fixture({ file: "free" });
    const ends: FdFile[] = [], waiting: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      const [reader, writer] = await make(fixture);
      const [other, full] = await (fixture.exists("fifo") && fixture.remove("fifo"), make(fixture));
      if (fixture.exists("fifo")) fixture.remove("fifo");
      ends.push(reader, writer, other, full);
      waiting.push(reader.read(new Uint8Array(10)).catch(() => {}));
      if (name !== "a terminal") {
        const piece = new Uint8Array(messages ? message : 1_000_000);
        waiting.push(
          (async () => {
            while (await full.write(piece));
          })().catch(() => {}),
        );
      }
    }
    await pause(200);
    assertEquals((await Deno.readFile(fixture.at("file"))).length, 4);
    const [reader, writer] = pipe();
    const written = writer.writeAll(new Uint8Array(300_000)).then(() => writer.close());
    assertEquals((await reader.readAll()).length, 300_000);
    await written;
    reader.close();
    for (const end of ends) end.close();
    await Promise.all(waiting);
    await endOfPolls();
  }, { skip });
}

test("FdFile.read() of a FIFO that is open for writing too returns only what was written", async () => {
  using fixture = new Fixture();
  const path = fixture.at("fifo");
  libc.mkfifoat(libc.AT_FDCWD, path, 0o600);
  using both = openFrom(path, libc.O_RDWR);
  const waiting = both.read(new Uint8Array(100_000));
  assertEquals(await settledSoon(waiting), "waits");
  await both.write(encode("abc"));
  assertEquals(await waiting, 3);
  const next = both.read(new Uint8Array(100_000)).catch(() => "closed");
  assertEquals(await settledSoon(next), "waits");
  both.close();
  assertEquals(await next, "closed");
  await endOfPolls();
});

test("FdFile.read() of a FIFO from elsewhere that had no writer yet waits for one", async () => {
  using fixture = new Fixture();
  const path = fixture.at("fifo");
  libc.mkfifoat(libc.AT_FDCWD, path, 0o600);
  using reader = openFrom(path, libc.O_RDONLY | libc.O_NONBLOCK);
  libc.fcntl(reader, libc.F_SETFL, libc.fcntl(reader, libc.F_GETFL) & ~libc.O_NONBLOCK);
  const bytes = new Uint8Array(10), waiting = reader.read(bytes);
  assertEquals(await settledSoon(waiting), "waits");
  const writer = openFrom(path, libc.O_WRONLY);
  await writer.write(encode("abc"));
  assertEquals([await waiting, bytes.subarray(0, 3)], [3, encode("abc")]);
  writer.close();
  assertEquals(await reader.read(bytes), null);
  await endOfPolls();
});

test("FdFile.read() of many descriptors of one pipe holds one thread, and returns each byte once", async () => {
  const [reader, writer] = pipe();
  using _reader = reader;
  const copies = Array.from(
    { length: 30 },
    () => FdFile.fromFd(libc.fcntl(reader, libc.F_DUPFD_CLOEXEC, 0)),
  );
  const reads = copies.map((copy) => copy.read(new Uint8Array(10)).catch(() => "closed"));
  assertEquals(await settledSoon(Promise.race(reads)), "waits");
  await writer.write(new Uint8Array([1]));
  assertEquals(await Promise.race(reads), 1);
  const [other, source] = pipe();
  await source.write(new Uint8Array(3));
  assertEquals(await other.read(new Uint8Array(10)), 3);
  for (const file of [...copies, writer, other, source]) file.close();
  assertEquals((await Promise.all(reads)).filter((result) => result === 1).length, 1);
  await endOfPolls();
});

/** The bytes of two messages that a SEQPACKET socket holds: net.local.seqpacket.recvspace of FreeBSD is 8 KiB, and 64 KiB since 15. */
const longest = kernel.simulated || !kernel.hasCapsicum
  ? [30_000, 100_000]
  : kernel.major < 15
  ? [8_000, 8_000]
  : [30_000, 30_000];

for (
  const [name, read] of Object.entries({
    "readAll()": (file: FdFile) => file.readAll(),
    "readAllSync()": (file: FdFile) => file.readAllSync(),
    "lines()": async (file: FdFile) => encode((await Array.fromAsync(file.lines())).join("\n")),
    "linesSync()": (file: FdFile) => encode([...file.linesSync()].join("\n")),
    readable: async (file: FdFile) => new Uint8Array(await new Response(file.readable).arrayBuffer()),
  })
) {
  test(`FdFile.${name} returns long messages of a SEQPACKET socket whole`, async () => {
    using ends = new DisposableStack();
    const [reader, writer] = socketPair("seqpacket");
    ends.defer(() => reader[Symbol.dispose]());
    // Longer than the first buffer of readAll() and, if the system permits it, than the buffer of a stream.
    const messages = longest.map((size, i) => new Uint8Array(size).fill(97 + i));
    const sent: number[] = [];
    for (const message of messages) {
      const count = await writer.write(message).catch((error) => error.code === "EMSGSIZE" ? 0 : error);
      if (count > 0) sent.push(...message.subarray(0, count));
    }
    writer.close();
    assertEquals(await read(reader), new Uint8Array(sent));
    await endOfPolls();
  });
}

test("FdFile.readAll() and lines() throw RangeError for a message that their buffer can't hold", async () => {
  const [reader, writer] = socketPair("datagram");
  using _reader = reader;
  using _writer = writer;
  shrink(reader);
  const long = new Uint8Array(90_000);
  const calls = [
    () => reader.readAll(),
    () => reader.lines().next(),
    () => reader.readable.getReader().read(),
  ];
  for (const call of calls) {
    await writer.write(long);
    await assertRejects(call, RangeError, "A message of the socket has");
  }
}, { skip: needsTerminal && "needs Linux, which accepts messages that are longer than the receive buffer" });

test("FdFile.readSync() and its kin name the method and the argument that is wrong", () => {
  using file = openSync("/dev/null", { read: true, write: true });
  const wrong = "wrong" as never;
  const calls: Record<string, () => unknown> = {
    readSync: () => file.readSync(wrong),
    writeSync: () => file.writeSync(wrong),
    readIntoSync: () => file.readIntoSync(wrong),
    writeAllSync: () => file.writeAllSync(wrong),
    seekSync: () => file.seekSync(wrong, Deno.SeekMode.Start),
    truncateSync: () => file.truncateSync(wrong),
  };
  for (const [name, call] of Object.entries(calls)) assertThrows(call, TypeError, `FdFile.${name}()`);
});

test("FdFile's asynchronous calls on a device and a regular file never wait", async () => {
  using fixture = new Fixture({ file: "text" });
  await using file = openSync(fixture.at("file"), { read: true, write: true });
  const bytes = new Uint8Array(10);
  assertEquals([await file.read(bytes), await file.read(bytes), await file.write(bytes)], [4, null, 10]);
  using dev = openDirSync("/dev");
  await using zero = await dev.open("zero");
  await using nothing = await dev.open("null", { read: true, write: true });
  assertEquals([await zero.read(bytes), await nothing.write(bytes), await nothing.read(bytes)], [
    10,
    10,
    null,
  ]);
});

/** In a child: ends a Worker whose reads wait for pipes and sockets, lets the reads end, and returns the bytes of a file. */
async function endWorker(
  { libc }: typeof capsicum,
  { pairs: url, worker: at, file }: Record<string, string>,
) {
  const { pipe, socketPair } = await import(url!);
  for (let round = 0; round < 3; round++) {
    const pairs = [pipe(), pipe(), ...["stream", "datagram", "seqpacket"].map(socketPair)];
    const worker = new Worker(at!, { type: "module" });
    const said = () => new Promise((resolve) => worker.onmessage = resolve);
    await said();
    worker.postMessage(pairs.map(([reader]) => reader.fd));
    await said();
    worker.terminate();
    for (const [, writer] of pairs) libc.write(writer, new Uint8Array(2_000).fill(0xff));
    await new Promise((resolve) => setTimeout(resolve, 150));
    for (const pair of pairs) for (const end of pair) end.close();
  }
  return (await Deno.readFile(file!)).length;
}

test("FdFile.read() of pipes and sockets may wait in a Worker that is ended", async () => {
  using fixture = new Fixture({ file: "free" });
  const pairs = new URL("../../_pairs.ts", import.meta.url).href;
  const worker = workerURL(new URL("_waiting_worker.ts", import.meta.url)).href;
  assertEquals(await inChild(endWorker, { pairs, worker, file: fixture.at("file") }), 4);
});

test(
  "FdFile.write() to a datagram socket tries again while the receiver is full (ENOBUFS of FreeBSD)",
  async () => {
    const [reader, writer] = socketPair("datagram"), ENOBUFS = 55;
    failFrom("send", ENOBUFS);
    const waiting = writer.write(encode("abc"));
    assertEquals(await settledSoon(waiting), "waits");
    const before = callsOf("send"), start = performance.now();
    assertEquals(await settledSoon(waiting), "waits");
    const tries = callsOf("send") - before, elapsed = performance.now() - start;
    // Without a pause there are several in a millisecond.
    assert(tries < 20 + elapsed / 10, `${tries} calls in ${elapsed} ms`);
    failNext("send", 0, 0);
    assertEquals([await waiting, await reader.read(new Uint8Array(9))], [3, 3]);
    failFrom("send", ENOBUFS);
    const closed = writer.write(encode("abc"));
    assertEquals(await settledSoon(closed), "waits");
    writer.close();
    failNext("send", 0, 0);
    await assertRejects(() => closed, Deno.errors.BadResource, "This FdFile is closed");
    reader.close();
    await endOfPolls();
  },
  { skip: needsStandin },
);

for (const size of [10, 100_000]) {
  test(`FdFile's asynchronous calls accept buffers of every kind, of ${size} bytes`, async () => {
    using fixture = new Fixture({ file: "" });
    const buffers: Record<string, () => Uint8Array> = {
      resizable: () => new Uint8Array(new ArrayBuffer(size, { maxByteLength: 2 * size })),
      shared: () => new Uint8Array(new SharedArrayBuffer(size)),
      growable: () => new Uint8Array(new SharedArrayBuffer(size, { maxByteLength: 2 * size } as never)),
      subarray: () => new Uint8Array(3 * size).subarray(size, 2 * size),
    };
    await using file = openSync(fixture.at("file"), { read: true, write: true });
    for (const [name, make] of Object.entries(buffers)) {
      const from = make().fill(size), to = make();
      for (const bytes of [from, new Uint8Array(from)]) {
        await file.truncate(0);
        assertEquals(await file.pwrite(bytes, 0), size, name);
        await file.seek(0, Deno.SeekMode.Start);
        assertEquals(await file.read(to.fill(0)), size, name);
        assert(to.every((byte) => byte === (size & 0xff)), name);
        await file.writeAll(bytes);
        assertEquals(await file.pread(to.fill(0), size), size, name);
        assert(to.every((byte) => byte === (size & 0xff)), name);
      }
      const [reader, writer] = pipe();
      await Promise.all([writer.writeAll(from), reader.readInto(to.fill(0))]);
      assert(to.every((byte) => byte === (size & 0xff)), name);
      reader.close();
      writer.close();
    }
  });
}

test("FdFile.read() and pread() of fewer bytes than a buffer has leave the rest of it, also if it is resizable", async () => {
  using fixture = new Fixture({ file: "ab" });
  // A larger buffer is filled on another thread.
  for (const length of [5, 70_000]) {
    for (const options of [{}, { maxByteLength: 2 * length }]) {
      await using file = openSync(fixture.at("file"));
      for (const read of [(to: Uint8Array) => file.read(to), (to: Uint8Array) => file.pread(to, 0)]) {
        const to = new Uint8Array(new ArrayBuffer(length, options)).fill(7);
        assertEquals([await read(to), ...to.subarray(0, 2)], [2, 97, 98]);
        assert(to.subarray(2).every((byte) => byte === 7));
      }
    }
  }
});

test("a write that writes nothing is an error, and is not repeated for ever", () => {
  assertEquals([1, 70_000].map(progress), [1, 70_000]);
  assertThrows(() => progress(0), Deno.errors.WriteZero, "takes no more bytes");
});

test("a detached buffer throws TypeError, and its target is unchanged", async () => {
  using fixture = new Fixture({ file: "kept" });
  using dir = openDirSync(fixture.path);
  await using file = dir.openSync("file", { read: true, write: true });
  const transferred = new Uint8Array(10), memory = new ArrayBuffer(100, { maxByteLength: 200 });
  structuredClone(transferred, { transfer: [transferred.buffer] });
  const spanning = new Uint8Array(memory, 50, 50);
  memory.resize(60);
  const [reader, writer] = socketPair("stream");
  for (const gone of [transferred, spanning]) {
    const calls = [
      () => file.read(gone),
      () => file.write(gone),
      () => file.pread(gone, 0),
      () => reader.read(gone),
      () => writer.writeAll(gone),
      () => dir.writeFile("file", gone),
      async () => await dir.writeFileSync("file", gone),
      async () => await file.readSync(gone),
    ];
    for (const call of calls) await assertRejects(call, TypeError, "The buffer's memory is gone");
  }
  assertEquals(fixture.read("file"), "kept");
  reader.close();
  writer.close();
});
