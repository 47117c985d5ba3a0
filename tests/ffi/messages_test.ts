import { assert, assertEquals, assertThrows } from "@std/assert";
import { CapsicumError, FdFile, getRights, isSupported, libc, limit } from "../../mod.ts";
import { MOST_BYTES, receiveMessage, sendMessage } from "../../ffi/libc/messages.ts";
import { acceptNow, connectNow, listenAt, socketFor, socketPair } from "../../ffi/libc/socket_calls.ts";
import { nameOfPeer, nameOfSocket } from "../../ffi/libc/by_descriptor.ts";
import { Fixture } from "../_fixture.ts";
import { openDescriptors } from "../_kernel.ts";
import { needsIPv6 } from "../_pairs.ts";
import { test } from "../_test.ts";

const text = new TextEncoder().encode("message");

/** Two sockets that are connected to each other. */
class Pair implements Disposable {
  readonly #files = socketPair().map((fd) => FdFile.fromFd(fd)) as [FdFile, FdFile];
  readonly one = this.#files[0];
  readonly other = this.#files[1];

  receive(most: number, room = 100) {
    return receiveMessage(this.other, new Uint8Array(room), most);
  }

  [Symbol.dispose]() {
    for (const file of this.#files) file[Symbol.dispose]();
  }
}

const zeros = () => FdFile.fromFd(libc.open("/dev/zero", libc.O_RDONLY | libc.O_CLOEXEC));

test("receiveMessage() returns the bytes and the descriptor that were sent, which is close-on-exec", () => {
  using pair = new Pair(), sent = zeros();
  assertEquals(pair.receive(1), undefined);
  assertEquals(sendMessage(pair.one, text, [sent.fd]), text.length);
  const buffer = new Uint8Array(100);
  const { count, fds } = receiveMessage(pair.other, buffer, 1)!;
  assertEquals(buffer.subarray(0, count), text);
  assertEquals(fds.length, 1);
  using got = FdFile.fromFd(fds[0]!);
  assert(got.fd !== sent.fd);
  assertEquals(libc.fcntl(got, libc.F_GETFD) & libc.FD_CLOEXEC, libc.FD_CLOEXEC);
  assertEquals(libc.read(got, buffer, 9), 9);
  assertEquals(pair.receive(1), undefined);
});

test("receiveMessage() returns a message without descriptors, and 0 bytes at the end", () => {
  using pair = new Pair();
  sendMessage(pair.one, text, []);
  assertEquals(pair.receive(1), { count: text.length, fds: [], isLost: false });
  pair.one.close();
  assertEquals(pair.receive(1), { count: 0, fds: [], isLost: false });
  assertThrows(() => sendMessage(pair.other, text, []), Deno.errors.BrokenPipe);
});

test("receiveMessage() keeps the messages of a stream apart if they have descriptors", () => {
  using pair = new Pair(), sent = zeros();
  for (let i = 0; i < 3; i++) sendMessage(pair.one, text, [sent.fd]);
  for (let i = 0; i < 3; i++) {
    const { count, fds } = pair.receive(1)!;
    assertEquals([count, fds.length], [text.length, 1]);
    libc.close(fds[0]!);
  }
});

test("receiveMessage() closes all descriptors if more came than were asked for", () => {
  using pair = new Pair(), sent = zeros();
  const before = openDescriptors().length;
  for (const [count, most] of [[1, 0], [2, 0], [2, 1], [3, 1], [16, 2], [16, 15]] as const) {
    sendMessage(pair.one, text, Array(count).fill(sent.fd));
    const error = assertThrows(() => pair.receive(most), CapsicumError, `more than ${most} descriptors`);
    assertEquals(error.code, "EMSGSIZE");
    assertEquals(openDescriptors().length, before, `${count} sent, ${most} wanted`);
  }
  sendMessage(pair.one, text, Array(16).fill(sent.fd));
  const { fds } = pair.receive(16)!;
  assertEquals(fds.length, 16);
  for (const fd of fds) libc.close(fd);
});

test("sendMessage() sends a part if the socket is full, and then nothing", () => {
  using pair = new Pair();
  const large = new Uint8Array(MOST_BYTES + 1);
  let sent = 0;
  for (let count; (count = sendMessage(pair.one, large, [])) !== undefined;) {
    assert(count <= MOST_BYTES);
    sent += count;
  }
  let received = 0;
  for (let got; (got = pair.receive(1, MOST_BYTES)) !== undefined;) received += got.count;
  assertEquals(received, sent);
});

test("sendMessage() refuses a descriptor that is not open, no bytes, and too many descriptors", () => {
  using pair = new Pair();
  assertThrows(() => sendMessage(pair.one, text, [0x7fffffff]), Deno.errors.BadResource);
  assertThrows(() => sendMessage(pair.one, text, [-1]), RangeError);
  assertThrows(() => sendMessage(pair.one, new Uint8Array(), []), RangeError);
  assertThrows(() => sendMessage(pair.one, text, Array(17).fill(0)), RangeError);
  assertEquals(pair.receive(1), undefined);
});

test.capsicum("a descriptor that was sent has the rights that it was limited to, and no others", () => {
  using pair = new Pair(), sent = zeros();
  limit(sent, ["READ", "FSTAT"]);
  sendMessage(pair.one, text, [sent.fd]);
  using got = FdFile.fromFd(pair.receive(1)!.fds[0]!);
  assertEquals(getRights(got).names(), ["READ", "FSTAT"]);
  assertThrows(() => libc.lseek(got, 0, libc.SEEK_CUR), CapsicumError, "missing SEEK");
});

test.capsicum("receiveMessage() needs READ, sendMessage() WRITE", () => {
  using pair = new Pair();
  limit(pair.one, ["WRITE"]);
  limit(pair.other, ["READ"]);
  sendMessage(pair.one, text, []);
  assertEquals(pair.receive(0), { count: text.length, fds: [], isLost: false });
  assertThrows(() => sendMessage(pair.other, text, []), CapsicumError, "missing WRITE");
  assertThrows(() => receiveMessage(pair.one, new Uint8Array(1), 0), CapsicumError, "missing READ");
});

/** Connects to a socket that listens at `address`, and returns the addresses of both ends. */
function meet(address: Parameters<typeof listenAt>[1], name: string) {
  using listener = FdFile.fromFd(socketFor(address));
  listenAt(listener, address, name);
  const at = nameOfSocket(listener.fd)!;
  assertEquals(acceptNow(listener), undefined);
  using client = FdFile.fromFd(socketFor(address));
  const to = at.family === "inet" && "bytes" in address ? { ...address, port: at.port } : address;
  connectNow(client, to, name);
  let accepted: number | undefined;
  while ((accepted = acceptNow(listener)) === undefined);
  using peer = FdFile.fromFd(accepted);
  libc.write(client, text);
  assertEquals(libc.read(peer, new Uint8Array(100)), text.length);
  if (isSupported()) assertThrows(() => (limit(listener, ["LISTEN"]), acceptNow(listener)), CapsicumError);
  return { at, peer: nameOfPeer(client.fd) };
}

test("connectNow() reaches what listenAt() listens at over IPv6", () => {
  const { at, peer } = meet({ bytes: new Uint8Array([...Array(15).fill(0), 1]), port: 0 }, "[::1]:0");
  assert(at.family === "inet" && at.hostname === "0:0:0:0:0:0:0:1");
  assertEquals(peer, at);
}, { skip: needsIPv6() });

test("connectNow() reaches what listenAt() listens at: IPv4 and a path", () => {
  const four = meet({ bytes: new Uint8Array([127, 0, 0, 1]), port: 0 }, "127.0.0.1:0");
  assertEquals(four.peer, four.at);
  assert(four.at.family === "inet" && four.at.hostname === "127.0.0.1" && four.at.port > 0);
  using fixture = new Fixture();
  const path = fixture.at("s");
  assertEquals(meet({ path }, path).at, { family: "unix", path });
  using client = FdFile.fromFd(socketFor({ path }));
  const error = assertThrows(
    () => connectNow(client, { path: `${path}2` }, path),
    Deno.errors.NotFound,
    "connect",
  );
  assertEquals((error as { path?: string }).path, path);
  assertThrows(() => connectNow(client, { path: "x".repeat(104) }, "long"), RangeError, "103 bytes");
});
