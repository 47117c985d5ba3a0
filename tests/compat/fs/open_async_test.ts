/** Asynchronous opening, and `signal` of the methods that open, read and write. */
import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { toFileUrl } from "@std/path";
import type * as capsicum from "../../../mod.ts";
import { Dir, getRights, isSupported, libc, open, openAt, openDir, openDirSync } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { needsCapsicum, openDescriptors } from "../../_kernel.ts";
import { test } from "../../_test.ts";
import { endOfPolls, pause, settledSoon } from "./_pipe.ts";

const flagsOf = (file: capsicum.FdLike) => libc.fcntl(file, libc.F_GETFL);
const isNonblocking = (file: capsicum.FdLike) => (flagsOf(file) & libc.O_NONBLOCK) !== 0;
const write = { write: true };

function withFifo(fixture: Fixture): Dir {
  const dir = openDirSync(fixture.path);
  dir.mkfifoSync("fifo");
  return dir;
}

test("Dir.open() of a FIFO for reading resolves at once, and for writing as soon as it has a reader", async () => {
  using fixture = new Fixture();
  using dir = withFifo(fixture);
  const opening = dir.open("fifo", write);
  assertEquals(await settledSoon(opening), "waits");
  await using reader = await dir.open("fifo");
  await using writer = await opening;
  assertEquals([await writer.write(new Uint8Array(3)), await reader.read(new Uint8Array(9))], [3, 3]);
  const { signal } = new AbortController();
  await using both = await dir.open("fifo", { read: true, write: true, signal });
  assertEquals(await both.write(new Uint8Array(2)), 2);
  assertEquals(reader.readSync(new Uint8Array(9)), 2);
});

test("open() and openAt() of a FIFO for writing wait for its reader, and their signal ends the wait", async () => {
  using fixture = new Fixture();
  using dir = withFifo(fixture);
  const reason = new Error("enough");
  type Opening = (options: capsicum.OpenOptions & { signal?: AbortSignal }) => Promise<capsicum.FdFile>;
  const ways: Opening[] = [
    (options) => open(fixture.at("fifo"), options),
    (options) => openAt(dir.fd, "fifo", options),
  ];
  for (const opened of ways) {
    const controller = new AbortController();
    const aborted = opened({ ...write, signal: controller.signal });
    const opening = opened(write);
    assertEquals(await settledSoon(Promise.race([aborted, opening])), "waits");
    controller.abort(reason);
    assertEquals(await aborted.catch((error) => error), reason);
    await using reader = await opened({ read: true });
    await using writer = await opening;
    assertEquals([await writer.write(new Uint8Array(3)), await reader.read(new Uint8Array(9))], [3, 3]);
  }
});

test("open(), openAt() and openDir() open a path, and reject with the errors of their twins", async () => {
  using fixture = new Fixture({ "a file %20": "text", sub: { file: "" } });
  const path = fixture.at("a file %20");
  using dir = await openDir(toFileUrl(fixture.path));
  assert(dir instanceof Dir);
  for (const opening of [open(path), open(toFileUrl(path)), openAt(dir, "a file %20")]) {
    await using file = await opening;
    assertEquals((await file.readAll()).length, 4);
    assertFalse(isNonblocking(file));
  }
  await assertRejects(() => open(fixture.at("none")), Deno.errors.NotFound);
  await assertRejects(() => open(fixture.at("sub"), write), Deno.errors.IsADirectory);
  await assertRejects(() => open(""), TypeError);
  await assertRejects(() => open(path, { raed: true } as never), TypeError, "open(): there is no option");
  await assertRejects(() => openAt(dir, "../x"), Error, "ENOTCAPABLE");
  await assertRejects(() => openAt(-1, "x"), RangeError);
  await assertRejects(() => openAt(dir, "x", { mode: NaN }), RangeError, "openAt(): the option mode");
  await assertRejects(() => openDir(path), Deno.errors.NotADirectory);
  await assertRejects(
    () => openDir(fixture.path, { limt: [] } as never),
    TypeError,
    "openDir(): there is no",
  );
  const listener = Deno.listen({ transport: "unix", path: fixture.at("socket") });
  await assertRejects(() => open(fixture.at("socket"), write));
  listener.close();
});

test("open(), openAt() and openDir() limit what they open before the caller has it", async () => {
  using fixture = new Fixture({ file: "text" });
  const limit = ["READ", "LOOKUP"] as const;
  using dir = await openDir(fixture.path, { limit });
  assertEquals(getRights(dir).names(), ["READ", "LOOKUP"]);
  using file = await open(fixture.at("file"), { limit });
  assertEquals(getRights(file).names(), ["READ", "LOOKUP"]);
  using below = await openAt(dir, "file", { limit: ["READ"] });
  assertEquals(getRights(below).names(), ["READ"]);
}, { skip: needsCapsicum });

test("Dir.open() sets O_NONBLOCK only if the caller asked for it, and take() restores it for a FIFO", async () => {
  using fixture = new Fixture({ file: "text" });
  using dir = withFifo(fixture);
  using dev = openDirSync("/dev");
  for (const [place, name] of [[dir, "file"], [dev, "null"], [dir, "."]] as const) {
    await using file = await place.open(name);
    assertFalse(isNonblocking(file), name);
    await using asked = await place.open(name, { customFlags: libc.O_NONBLOCK });
    assert(isNonblocking(asked), name);
  }
  await using appending = await dir.open("file", { append: true });
  assertEquals(flagsOf(appending) & (libc.O_APPEND | libc.O_ACCMODE), libc.O_APPEND | libc.O_WRONLY);
  const fifo = await dir.open("fifo");
  assert(isNonblocking(fifo));
  const fd = fifo.take();
  assertFalse(isNonblocking(fd));
  libc.close(fd);
});

test("Dir.open() rejects with the errors that openSync() throws, and does not wait forever", async () => {
  using fixture = new Fixture({ file: "", dir: {} });
  using dir = openDirSync(fixture.path);
  await assertRejects(() => dir.open("none"), Deno.errors.NotFound);
  await assertRejects(() => dir.open("dir", write), Deno.errors.IsADirectory);
  await assertRejects(() => dir.open("file", { create: true }), TypeError, "need write or append");
  await assertRejects(() => dir.open("file", { raed: true } as never), TypeError, "raed");
  await assertRejects(() => dir.open("file", { signal: {} as never }), TypeError, "signal");
  const reason = new Error("enough");
  await assertRejects(() => dir.open("file", { signal: AbortSignal.abort(reason) }), Error, "enough");
  const listener = Deno.listen({ transport: "unix", path: fixture.at("socket") });
  await assertRejects(() => dir.open("socket", write));
  listener.close();
});

test("Dir.open() with a lock waits for it, and can be aborted by its signal", async () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  const locked = { customFlags: libc.O_EXLOCK };
  const holder = await dir.open("file", locked);
  await assertRejects(
    () => dir.open("file", { ...locked, signal: AbortSignal.timeout(20) }),
    DOMException,
    "time",
  );
  const opening = dir.open("file", locked);
  assertEquals(await settledSoon(opening), "waits");
  holder.close();
  (await opening).close();
});

test("Dir.open() rejects while it waits with its signal's reason, or BadResource once the directory is closed", async () => {
  using fixture = new Fixture();
  const dir = withFifo(fixture);
  const controller = new AbortController(), reason = new Error("enough");
  const aborted = dir.open("fifo", { ...write, signal: controller.signal });
  const closed = dir.open("fifo", write);
  assertEquals(await settledSoon(Promise.race([aborted, closed])), "waits");
  controller.abort(reason);
  assertEquals(await aborted.catch((error) => error), reason);
  dir.close();
  await assertRejects(() => closed, Deno.errors.BadResource);
});

test("the synchronous methods of a FIFO that was opened asynchronously wait", async () => {
  using fixture = new Fixture();
  using dir = withFifo(fixture);
  await using reader = await dir.open("fifo");
  const child = inChild(async ({ openSync }, path) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    using file = openSync(path, { write: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
    file.writeAllSync(new Uint8Array(200_000));
    return 0;
  }, fixture.at("fifo"));
  assertEquals(reader.readAllSync().length, 200_000);
  assertEquals(await child, 0);
  assertEquals(reader.readSync(new Uint8Array(1)), null);

  await using other = await dir.open("fifo", { read: true, write: true });
  const reading = inChild(async ({ openSync }, path) => {
    using file = openSync(path);
    await new Promise((resolve) => setTimeout(resolve, 100));
    return file.readIntoSync(new Uint8Array(500_000));
  }, fixture.at("fifo"));
  await using writer = await dir.open("fifo", write);
  other.close();
  reader.close();
  // A running poll(2) keeps the closed readers open. Then the child may not have opened the FIFO yet.
  await endOfPolls();
  for (let tries = 0;; tries++) {
    try {
      writer.writeSync(new Uint8Array(1));
      break;
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe) || tries === 6000) throw error;
      await pause(10);
    }
  }
  writer.writeAllSync(new Uint8Array(499_999));
  assertEquals(await reading, 500_000);
});

/** Aborts a call that waits, and checks that it rejects with the reason and that nothing stays open. */
async function abortedWhile(call: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const before = openDescriptors().length;
  const controller = new AbortController(), reason = new Error("enough");
  const result = call(controller.signal).catch((error) => error);
  assertEquals(await settledSoon(result), "waits");
  controller.abort(reason);
  assertEquals(await settledSoon(result, 5_000), reason);
  assertEquals(openDescriptors().length, before);
}

test("signal ends the wait of each method of Dir that accepts one", async () => {
  using fixture = new Fixture();
  using dir = withFifo(fixture);
  await abortedWhile((signal) => dir.open("fifo", { ...write, signal }));
  await abortedWhile((signal) => dir.readFile("fifo", { signal }));
  await abortedWhile((signal) => dir.readTextFile("fifo", { signal }));
  await abortedWhile((signal) => Array.fromAsync(dir.readTextFileLines("fifo", { signal })));
  // A running poll(2) keeps the readers of the FIFO open.
  await endOfPolls();
  await abortedWhile((signal) => dir.writeFile("fifo", new Uint8Array(1), { signal }));
  await using _reader = await dir.open("fifo");
  await abortedWhile((signal) => dir.writeFile("fifo", new Uint8Array(1_000_000), { signal }));
  await abortedWhile((signal) => dir.writeTextFile("fifo", "a".repeat(1_000_000), { signal }));
  await endOfPolls();
});

test("Dir.readTextFileLines() yields no line after its signal", async () => {
  using fixture = new Fixture({ file: "one\ntwo\n" });
  using dir = openDirSync(fixture.path);
  const controller = new AbortController();
  const lines = dir.readTextFileLines("file", { signal: controller.signal });
  assertEquals((await lines.next()).value, "one");
  controller.abort(new Error("enough"));
  await assertRejects(() => lines.next(), Error, "enough");
});

/** Returns a stream that yields some chunks and then waits, and the reason with which it was canceled. */
function stalling(...chunks: Uint8Array[]) {
  const reasons: unknown[] = [];
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else await new Promise(() => {});
    },
    cancel: (reason) => void reasons.push(reason),
  }, { highWaterMark: 0 });
  return { stream, reasons };
}

test("Dir.writeFile() cancels its stream once, with the reason, if its signal or an error ends the write", async () => {
  using fixture = new Fixture({ file: "old", dir: {} });
  using dir = withFifo(fixture);
  for (const chunks of [[], [new Uint8Array(3)]]) {
    const { stream, reasons } = stalling(...chunks);
    await abortedWhile((signal) => dir.writeFile("file", stream, { signal }));
    assertEquals(reasons.map(String), ["Error: enough"]);
  }
  assertEquals(fixture.bytes("file"), new Uint8Array(3));
  {
    const { stream, reasons } = stalling();
    await abortedWhile((signal) => dir.writeFile("fifo", stream, { signal }));
    assertEquals(reasons.map(String), ["Error: enough"]);
  }
  {
    const { stream, reasons } = stalling();
    const signal = AbortSignal.abort(new Error("before"));
    await assertRejects(() => dir.writeFile("file", stream, { signal }), Error, "before");
    assertEquals(reasons.map(String), ["Error: before"]);
  }
  {
    const { stream, reasons } = stalling("text" as never, 5 as never);
    await assertRejects(() => dir.writeFile("file", stream), TypeError);
    assertEquals(reasons.length, 1);
  }
  {
    // A call that opened no file has read nothing of the stream, which can be used again.
    const { stream, reasons } = stalling(new Uint8Array(1));
    await assertRejects(() => dir.writeFile("none/file", stream), Deno.errors.NotFound);
    assertEquals([reasons.length, stream.locked], [0, false]);
    const reader = stream.getReader();
    assertEquals((await reader.read()).value, new Uint8Array(1));
  }
  {
    const reader = await dir.open("fifo");
    const { stream, reasons } = stalling(new Uint8Array(10), new Uint8Array(1_000_000), new Uint8Array(10));
    const written = dir.writeFile("fifo", stream);
    assertEquals(await reader.read(new Uint8Array(10)), 10);
    reader.close();
    await assertRejects(() => written, Deno.errors.BrokenPipe);
    assertEquals(reasons.map((reason) => (reason as Error).name), ["BrokenPipe"]);
  }
  await endOfPolls();
});

test("an aborted write of a stream does not wait until the stream is canceled", async () => {
  using fixture = new Fixture();
  using dir = withFifo(fixture);
  const stuck = () => new ReadableStream<Uint8Array>({ cancel: () => new Promise(() => {}) });
  const signal = AbortSignal.abort(new Error("before"));
  await assertRejects(() => dir.writeFile("file", stuck(), { signal }), Error, "before");
  await abortedWhile((signal) => dir.writeFile("fifo", stuck(), { signal }));
  await abortedWhile((signal) => dir.writeFile("file", stuck(), { signal }));
});

test("a stream that always has an empty chunk ready does not block the event loop", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const endless = <T>(chunk: T) =>
    new ReadableStream<T>({ pull: (controller) => controller.enqueue(chunk) }, { highWaterMark: 0 });
  await abortedWhile((signal) => dir.writeFile("file", endless(new Uint8Array()), { signal }));
  await abortedWhile((signal) => dir.writeTextFile("file", endless(""), { signal }));
  await abortedWhile((signal) => dir.writeFile("file", endless(new Uint8Array(3)), { signal }));
});

test("a write with an invalid argument does not change its target", async () => {
  using fixture = new Fixture({ file: "old" });
  using dir = openDirSync(fixture.path);
  const locked = new ReadableStream<Uint8Array>();
  locked.getReader();
  const data = new Uint8Array(1);
  const calls = [
    () => dir.writeFile("file", 5 as never),
    () => dir.writeFile("file", locked),
    () => dir.writeFile("file", data, { mode: 1.5 }),
    () => dir.writeFile("file", data, { creat: true } as never),
    () => dir.writeTextFile("file", "text", { append: 1 } as never),
    async () => await dir.writeFileSync("file", data, { mode: -1 }),
    async () => await dir.writeTextFileSync("file", {} as never),
  ];
  for (const call of calls) {
    const error = await call().then(() => undefined, (error) => error);
    assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
  }
  assertEquals(fixture.read("file"), "old");
});

test(
  "Dir.open() of a FIFO needs only the rights of openSync(), and works without EVENT, FCNTL and FSTAT",
  async () => {
    using fixture = new Fixture();
    using dir = withFifo(fixture);
    assert(isSupported());
    dir.limit(["LOOKUP", "READ", "WRITE", "SEEK"]);
    const opening = dir.open("fifo", write);
    await using reader = await dir.open("fifo");
    await using writer = await opening;
    const written = writer.writeAll(new Uint8Array(200_000).fill(5));
    const bytes = new Uint8Array(200_000);
    assertEquals(await reader.readInto(bytes), 200_000);
    await written;
    assert(bytes.every((byte) => byte === 5));
    assertEquals(writer.writeSync(new Uint8Array(3)), 3);
    assertEquals(reader.readSync(bytes), 3);
    assertEquals(await settledSoon(reader.read(bytes)), "waits");
    writer.close();
  },
  { skip: needsCapsicum },
);
