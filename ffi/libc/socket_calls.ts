/**
 * Makes, connects and accepts sockets: the checked calls for the broker. None of them waits, and each new descriptor is
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
import { encodeAddress, errorOfSocket, familyOf, optionOf, type SocketAddress } from "./by_descriptor.ts";

const { bound, thread, bind } = rawCalls();

// The same in FreeBSD's sys/socket.h and Linux.
const AF_UNIX = 1, SOCK_STREAM = 1;

const pair = new Int32Array(2), yes = new Int32Array([1]);

/** Two stream sockets of AF_UNIX that are connected to each other. Stands for socketpair(2). */
export function socketPair(): [one: number, other: number] {
  const call = bound.socketpair ?? bind("socketpair");
  if (call(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("socketpair", {});
  }
  return [pair[0]!, pair[1]!];
}

/** A new stream socket for an address, with O_NONBLOCK. Stands for socket(2). */
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
 * @returns Whether it is connected; if not, POLLOUT reports the end, and {@linkcode connected} its result.
 */
export function connectNow(fd: FdLike, address: SocketAddress, name: string): boolean {
  const number = descriptor(fd), to = encodeAddress(address);
  const call = bound.connect ?? bind("connect");
  if (call(number, to, byteLengthOf(to)) !== -1) return true;
  thread.memcpy(errno, thread.errnoAt, 4n);
  // A call that a signal interrupted goes on.
  if (errno[0] === EINTR || errnoTable()[errno[0]!]?.[0] === "EINPROGRESS") return false;
  throw syscallError("connect", { fd: number, path: name }, fd);
}

/** Throws the error of a connection that failed. Stands for SO_ERROR of getsockopt(2). Needs GETSOCKOPT. */
export function connected(fd: FdLike, name: string): void {
  const number = descriptor(fd), error = errorOfSocket(number);
  if (error === 0) return;
  if (error !== undefined) errno[0] = error;
  throw syscallError("connect", { fd: number, path: name }, fd);
}

/**
 * Has a socket listen at an address. Stands for SO_REUSEADDR of setsockopt(2), bind(2) and listen(2).
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
  // The kernel lowers it to what it permits (kern.ipc.soacceptqueue, net.core.somaxconn).
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
 * Accepts a connection of a listening socket with O_NONBLOCK. Stands for accept4(2). Needs ACCEPT.
 *
 * @returns The new descriptor, without O_NONBLOCK; undefined if there is none yet.
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
  // The peer ended a connection that was not accepted yet: the next one may be there.
  if (code === "EAGAIN" || code === "ECONNABORTED") return undefined;
  throw syscallError("accept4", { fd: number }, fd);
}

/** Which direction of a connection ends: SHUT_RD, SHUT_WR and SHUT_RDWR of sys/socket.h, the same in both. */
export const SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2;

/** Ends a direction of a connection. Stands for shutdown(2). Needs SHUTDOWN. */
export function shutDown(fd: FdLike, how: typeof SHUT_RD | typeof SHUT_WR | typeof SHUT_RDWR): void {
  const number = descriptor(fd);
  const call = bound.shutdown ?? bind("shutdown");
  if (call(number, how) !== -1) return;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("shutdown", { fd: number }, fd);
}
