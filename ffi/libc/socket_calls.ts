/**
 * Creates, connects and accepts sockets, for the broker. Arguments are validated, no call blocks, and each new descriptor is
 * close-on-exec.
 *
 * @module
 */
import { byteLengthOf, descriptor, type FdLike } from "../values.ts";
import { errno, SOCK_CLOEXEC, SOCK_NONBLOCK } from "../symbols.ts";
import { rawCalls } from "../system.ts";
import { syscallError } from "../failure.ts";
import { EINTR } from "../freebsd/constants.ts";
import { errnoTable } from "../errno.ts";
import { encodeAddress, familyOf, optionOf, type SocketAddress } from "./by_descriptor.ts";

const { bound, thread, bind } = rawCalls();

// The same in FreeBSD's sys/socket.h and Linux.
const AF_UNIX = 1, SOCK_STREAM = 1;

const pair = new Int32Array(2), yes = new Int32Array([1]);
// The kernel fills these, and they are read before the next call.
const failed = new Int32Array(1), length = new Uint32Array(1);

/** Creates two connected AF_UNIX stream sockets. Stands for socketpair(2). */
export function socketPair(): [one: number, other: number] {
  const call = bound.socketpair ?? bind("socketpair");
  if (call(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("socketpair", {});
  }
  return [pair[0]!, pair[1]!];
}

/** Creates a stream socket for an address, with O_NONBLOCK. Stands for socket(2). */
export function socketFor(address: SocketAddress): number {
  const call = bound.socket ?? bind("socket");
  const fd = call(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd !== -1) return fd;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("socket", {});
}

/**
 * Begins to connect a socket with O_NONBLOCK. Stands for connect(2). Needs CONNECT.
 *
 * @param name What errors call the address.
 * @returns Whether the socket is connected. If not, wait for POLLOUT, then call {@linkcode connected}.
 */
export function connectNow(fd: FdLike, address: SocketAddress, name: string): boolean {
  const number = descriptor(fd), to = encodeAddress(address);
  const call = bound.connect ?? bind("connect");
  if (call(number, to, byteLengthOf(to)) !== -1) return true;
  thread.memcpy(errno, thread.errnoAt, 4n);
  // After EINTR the connection attempt continues.
  if (errno[0] === EINTR || errnoTable()[errno[0]!]?.[0] === "EINPROGRESS") return false;
  throw syscallError("connect", { fd: number, path: name }, fd);
}

/** Throws if the connection attempt failed. Stands for SO_ERROR of getsockopt(2). Needs GETSOCKOPT. */
export function connected(fd: FdLike, name: string): void {
  const number = descriptor(fd), [level, option] = optionOf("SO_ERROR");
  const call = bound.getsockopt ?? bind("getsockopt");
  length[0] = 4;
  if (call(number, level, option, failed, length) === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("getsockopt", { fd: number, path: name }, fd);
  }
  if (failed[0] === 0) return;
  errno[0] = failed[0]!;
  throw syscallError("connect", { fd: number, path: name }, fd);
}

/**
 * Makes a socket listen at an address. Stands for SO_REUSEADDR of setsockopt(2), bind(2) and listen(2).
 * Needs SETSOCKOPT, BIND and LISTEN.
 *
 * @param name What errors call the address.
 */
export function listenAt(fd: FdLike, address: SocketAddress, name: string): void {
  const number = descriptor(fd), at = encodeAddress(address);
  setOption(number, "SO_REUSEADDR");
  const binding = bound.bind ?? bind("bind"), listening = bound.listen ?? bind("listen");
  if (binding(number, at, byteLengthOf(at)) === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("bind", { fd: number, path: name }, fd);
  }
  // The kernel lowers the backlog to its limit (kern.ipc.soacceptqueue, net.core.somaxconn).
  const backlog = 511;
  if (listening(number, backlog) === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("listen", { fd: number, path: name }, fd);
  }
}

function setOption(fd: number, name: "SO_REUSEADDR"): void {
  const call = bound.setsockopt ?? bind("setsockopt");
  const [level, number] = optionOf(name);
  if (call(fd, level, number, yes, 4) !== -1) return;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("setsockopt", { fd });
}

/**
 * Accepts a connection on a listening socket with O_NONBLOCK. Stands for accept4(2). Needs ACCEPT.
 *
 * @returns The new descriptor, without O_NONBLOCK; undefined if no connection is pending.
 */
export function acceptNow(fd: FdLike): number | undefined {
  const number = descriptor(fd);
  const call = bound.accept4 ?? bind("accept4");
  do {
    const accepted = call(number, null, null, SOCK_CLOEXEC);
    if (accepted !== -1) return accepted;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  const code = errnoTable()[errno[0]!]?.[0];
  // The peer ended a connection before it was accepted: another one may be pending.
  if (code === "EAGAIN" || code === "ECONNABORTED") return undefined;
  throw syscallError("accept4", { fd: number }, fd);
}

/** The direction to end: SHUT_RD, SHUT_WR and SHUT_RDWR of sys/socket.h, the same on both systems. */
export const SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2;

/** Ends one direction of a connection. Stands for shutdown(2). Needs SHUTDOWN. */
export function shutDown(fd: FdLike, how: typeof SHUT_RD | typeof SHUT_WR | typeof SHUT_RDWR): void {
  const number = descriptor(fd);
  const call = bound.shutdown ?? bind("shutdown");
  if (call(number, how) !== -1) return;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("shutdown", { fd: number }, fd);
}
