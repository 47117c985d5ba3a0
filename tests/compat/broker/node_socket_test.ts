import { assert, assertEquals, assertThrows } from "@std/assert";
import { once } from "node:events";
import { Socket } from "node:net";
import { nodeSocket } from "../../../compat/broker/node_socket.ts";
import { streamOver } from "../../../compat/broker/node_stream.ts";
import { connectNow, socketFor } from "../../../ffi/libc/socket_calls.ts";
import { FdFile, openSync } from "../../../mod.ts";
import { scaled } from "../../_fixture.ts";
import { needsCapsicum } from "../../_kernel.ts";
import { pipe, socketPair } from "../../_pairs.ts";
import { test } from "../../_test.ts";

/** What nodeSocket() makes in this version of Deno, and what it makes where Deno can't make a socket of a descriptor. */
const makers: Record<string, (file: FdFile, options?: { allowHalfOpen?: boolean }) => Socket> = {
  nodeSocket: (file, options) => watched(nodeSocket(file, options)),
  streamOver: (file, { allowHalfOpen = false } = {}) =>
    watched(streamOver(new FdFile(file.take()), allowHalfOpen)),
};
const ends = new WeakMap<Socket, Promise<void>>();

function watched(socket: Socket): Socket {
  ends.set(socket, new Promise((resolve) => socket.once("close", () => resolve())));
  return socket;
}

/** Waits for the end of a socket, with or without an error, and for that of its poll(2), which takes at most 100 ms. */
async function closed(socket: Socket): Promise<void> {
  await ends.get(socket)!;
  await new Promise((resolve) => setTimeout(resolve, 110));
}
const encode = (text: string) => new TextEncoder().encode(text);

/** Collects what a socket emits, in order. */
function eventsOf(socket: Socket): string[] {
  const events: string[] = [];
  socket.on("data", (bytes) => events.push(`data ${bytes}`));
  for (const name of ["end", "finish", "timeout", "connect", "close"]) {
    socket.on(name, () => events.push(name));
  }
  socket.on("error", (error: Error & { code?: string }) => events.push(`error ${error.code}`));
  return events;
}

for (const [name, make] of Object.entries(makers)) {
  test(`${name}() sends and receives all bytes, and waits for a slow reader`, async () => {
    const [own, peer] = socketPair("stream");
    using other = peer;
    const socket = make(own), sent = crypto.getRandomValues(new Uint8Array(60_000));
    const count = scaled(60), all = new Uint8Array(sent.length * count).map((_, i) => sent[i % sent.length]!);
    let wasFull = false;
    const writing = (async () => {
      for (let i = 0; i < count; i++) {
        if (socket.write(sent)) continue;
        wasFull = true;
        assert(socket.writableLength <= 2 * sent.length, `${socket.writableLength} bytes are queued`);
        await once(socket, "drain");
      }
      socket.end();
    })();
    assertEquals(await other.readAll(), all);
    await writing;
    assert(wasFull);
    const reading = (async () => {
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      for await (const bytes of socket) chunks.push(bytes);
      return new Uint8Array(await new Blob(chunks).arrayBuffer());
    })();
    await other.writeAll(all);
    other.close();
    assertEquals(await reading, all);
    assertEquals([socket.bytesRead, socket.bytesWritten], [all.length, all.length]);
    await closed(socket);
  });

  test(`${name}() ends one direction at a time, and closes the descriptor after both`, async () => {
    const [own, peer] = socketPair("stream");
    using other = peer;
    const socket = make(own), events = eventsOf(socket);
    assertThrows(() => own.fd, Deno.errors.BadResource);
    socket.end("last");
    assertEquals(await other.readAll(), encode("last"));
    assertEquals(socket.readyState, "readOnly");
    await other.writeAll(encode("late"));
    other.close();
    await closed(socket);
    assertEquals(events, ["finish", "data late", "end", "close"]);
  });

  test(`${name}() ends when its peer ends, unless allowHalfOpen is true`, async () => {
    for (const allowHalfOpen of [false, true]) {
      const [own, peer] = socketPair("stream"), socket = make(own, { allowHalfOpen });
      const other = make(peer);
      const answer = once(other, "data");
      other.end();
      socket.resume();
      await once(socket, "end");
      if (allowHalfOpen) socket.end("answer");
      const [bytes] = allowHalfOpen ? await answer : [undefined];
      assertEquals(bytes?.toString(), allowHalfOpen ? "answer" : undefined);
      await closed(socket);
      other.resume();
      await closed(other);
    }
  });

  test(`${name}() that is destroyed during reads and writes ends the connection, and emits only "close"`, async () => {
    const [own, peer] = socketPair("stream");
    using other = peer;
    const socket = make(own), events = eventsOf(socket);
    let outcome: unknown;
    socket.write(new Uint8Array(scaled(4_000_000)), (error) => outcome = error);
    await other.read(new Uint8Array(1));
    socket.destroy();
    await closed(socket);
    await other.readAll();
    assert(outcome instanceof Error, String(outcome));
    assertEquals([events, socket.readyState], [["close"], "closed"]);
  });

  test(`${name}() reports errors of the kernel with their codes`, async () => {
    const [own, peer] = socketPair("stream");
    const socket = make(own), events = eventsOf(socket);
    peer.close();
    socket.write("to nobody", () => {});
    await closed(socket);
    assert(/^(end,)?error (EPIPE|ECONNRESET),close$/.test(events.join()), events.join());
  });

  test(`${name}() emits "timeout" after it was idle, and "connect" if connect() is called`, async () => {
    const [own, peer] = socketPair("stream");
    using other = peer;
    const socket = make(own), events = eventsOf(socket);
    socket.setNoDelay(true).setKeepAlive(true).unref().ref();
    socket.setTimeout(20, () => events.push("listener"));
    await once(socket, "timeout");
    socket.setTimeout(0);
    await other.writeAll(encode("x"));
    await once(socket, "data");
    assertEquals(events.filter((event) => event !== "timeout"), ["listener", "data x"]);
    socket.destroy();
    await closed(socket);
  });

  test(`${name}() has the addresses of a TCP connection`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr, address = { bytes: Uint8Array.of(127, 0, 0, 1), port };
    using own = new FdFile(socketFor(address));
    connectNow(own, address, "the listener");
    using connection = await listener.accept();
    const socket = make(own), { hostname, port: local } = connection.remoteAddr as Deno.NetAddr;
    assertEquals([socket.remoteAddress, socket.remotePort, socket.remoteFamily], ["127.0.0.1", port, "IPv4"]);
    assertEquals([socket.localAddress, socket.localPort], [hostname, local]);
    socket.destroy();
    await closed(socket);
  });
}

test('connect() of nodeSocket() emits "connect" and calls its listener', async () => {
  const [own, peer] = socketPair("stream");
  const socket = makers.nodeSocket!(own), events = eventsOf(socket);
  assertEquals(socket.connecting, false);
  const listener = Promise.withResolvers<void>();
  assertEquals(socket.connect(5432, "db.example", listener.resolve), socket);
  assertEquals(events, []);
  await listener.promise;
  assertEquals(events, ["connect"]);
  // With its end a pending poll(2) of the other end ends too.
  peer.close();
  await closed(socket);
});

test(
  "nodeSocket() works on a descriptor without the rights that Deno's own socket needs",
  async () => {
    for (
      const rights of [["READ", "WRITE", "SHUTDOWN"], [
        "READ",
        "WRITE",
        "SHUTDOWN",
        "GETSOCKOPT",
        "FSTAT",
      ]] as const
    ) {
      const [own, peer] = socketPair("stream");
      using other = peer;
      own.limit(rights);
      const socket = makers.nodeSocket!(own), events = eventsOf(socket);
      assertEquals([socket instanceof Socket, socket.remoteAddress], [false, undefined]);
      socket.end("last");
      assertEquals(await other.readAll(), encode("last"));
      await other.writeAll(encode("answer"));
      other.close();
      await closed(socket);
      assertEquals(events, ["finish", "data answer", "end", "close"]);
    }
  },
  { skip: needsCapsicum },
);

test("nodeSocket() throws unless its argument is a connected stream socket, and leaves the descriptor open", () => {
  const [reader, writer] = pipe(), [one, two] = socketPair("datagram");
  using file = openSync("/dev/null");
  const shut = openSync("/dev/null");
  shut.close();
  for (const other of [reader, writer, one, two, file]) {
    using wrong = other;
    assertThrows(() => nodeSocket(wrong), TypeError, "must be a connected stream socket");
    assert(wrong.fd > 2);
  }
  assertThrows(() => nodeSocket(shut), Deno.errors.BadResource);
  assertThrows(() => nodeSocket(3 as never), TypeError, "must be an FdFile, not 3");
  const [own, peer] = socketPair("stream");
  using _own = own, _peer = peer;
  assertThrows(() => nodeSocket(own, { halfOpen: true } as never), TypeError, "halfOpen");
  assertThrows(() => nodeSocket(own, { allowHalfOpen: 1 } as never), TypeError, "allowHalfOpen");
  assert(own.fd > 2);
});
