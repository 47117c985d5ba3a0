/**
 * Calls that do not block the event loop: on a thread of Deno's pool, or on this one if they can't wait. And poll(2).
 *
 * The errno of a call on another thread can't be read. A call that failed returns -1, and the caller repeats it on this
 * thread to get the errno, if it can't wait. The descriptor must stay open until the call has ended, because its number
 * could become that of another file. Deno keeps the buffer until the call has ended, even if its Worker ends.
 *
 * @module
 */
import { syscallError } from "../_syscall_error.ts";
import { errnoTable } from "../errno.ts";
import { EINTR } from "../freebsd/constants.ts";
import { bound, errno, errnoAt, memcpy, MSG_DONTWAIT, MSG_EOR, MSG_NOSIGNAL } from "../symbols.ts";
import { abi, bind } from "../system.ts";
import { descriptor, type FdLike, length, long, memory } from "../values.ts";
import { fdatasync, fsync, ftruncate } from "./by_descriptor.ts";

/**
 * Returns the buffer if a call can use it.
 *
 * @throws {TypeError} If it was transferred, or is not a Uint8Array.
 */
export function checkBuffer(bytes: Uint8Array): Uint8Array {
  return memory(bytes, 0);
}

/** The most bytes that one call moves: the limit of Linux, which fits an `i32` result. */
const most = 0x7ffff000;
/** The most bytes that one call moves through a copy. */
const mostCopied = 1024 * 1024;

/** read(2) on another thread: the number of bytes, or -1. */
export function readAsync(fd: number, bytes: Uint8Array): Promise<number> {
  const call = bound.read_async ?? bind("read_async");
  return filling(bytes, (to, count) => call(fd, to, count));
}

/** write(2) on another thread: the number of bytes, or -1. */
export function writeAsync(fd: number, bytes: Uint8Array): Promise<number> {
  const call = bound.write_async ?? bind("write_async");
  return emptying(bytes, (from, count) => call(fd, from, count));
}

/** pread(2) on another thread: the number of bytes, or -1. */
export function preadAsync(fd: number, bytes: Uint8Array, offset: number | bigint): Promise<number> {
  const call = bound.pread_async ?? bind("pread_async"), at = long(offset, "offset");
  return filling(bytes, (to, count) => call(fd, to, count, at));
}

/** pwrite(2) on another thread: the number of bytes, or -1. */
export function pwriteAsync(fd: number, bytes: Uint8Array, offset: number | bigint): Promise<number> {
  const call = bound.pwrite_async ?? bind("pwrite_async"), at = long(offset, "offset");
  return emptying(bytes, (from, count) => call(fd, from, count, at));
}

type Move = (bytes: Uint8Array<ArrayBuffer>, count: bigint) => Promise<number>;

/** Fills a buffer. A resizable one is filled through a copy: Deno refuses it in such calls since 2.9.5. */
function filling(bytes: Uint8Array, call: Move): Promise<number> {
  const buffer = memory(bytes, 0), count = Math.min(bytes.length, most);
  if (!isResizable(bytes)) return call(buffer, BigInt(count));
  return fillingCopy(bytes, new Uint8Array(Math.min(count, mostCopied)), call);
}

async function fillingCopy(bytes: Uint8Array, copy: Uint8Array<ArrayBuffer>, call: Move): Promise<number> {
  const moved = await call(copy, BigInt(copy.length));
  if (moved <= 0) return moved;
  if (moved > bytes.length) {
    throw new RangeError(`The buffer shrank to ${bytes.length} bytes while ${moved} were read into it.`);
  }
  bytes.set(copy.subarray(0, moved));
  return moved;
}

function emptying(bytes: Uint8Array, call: Move): Promise<number> {
  const buffer = memory(bytes, 0);
  if (!isResizable(bytes)) return call(buffer, BigInt(Math.min(bytes.length, most)));
  const copy = new Uint8Array(bytes.subarray(0, mostCopied));
  return call(copy, BigInt(copy.length));
}

function isResizable({ buffer }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer
    ? buffer.resizable
    : (buffer as unknown as { growable: boolean }).growable;
}

/** ftruncate(2), with the errors of `libc.ftruncate`. */
export async function ftruncateAsync(fd: FdLike, length: number | bigint): Promise<void> {
  const call = bound.ftruncate_async ?? bind("ftruncate_async");
  if (await call(descriptor(fd), long(length, "length")) === -1) ftruncate(fd, length);
}

/** fsync(2), with the errors of `libc.fsync`. */
export async function fsyncAsync(fd: FdLike): Promise<void> {
  const call = bound.fsync_async ?? bind("fsync_async");
  if (await call(descriptor(fd)) === -1) explain("fsync", fd, fsync);
}

/** fdatasync(2), with the errors of `libc.fdatasync`. */
export async function fdatasyncAsync(fd: FdLike): Promise<void> {
  const call = bound.fdatasync_async ?? bind("fdatasync_async");
  if (await call(descriptor(fd)) === -1) explain("fdatasync", fd, fdatasync);
}

// The same in FreeBSD and Linux.
const EIO = 5;

/** Throws the error of a failed sync. Linux reports a lost write only once: it throws even if the repeat succeeds. */
function explain(syscall: string, fd: FdLike, again: (fd: FdLike) => number): never {
  again(fd);
  errno[0] = EIO;
  const reason = () => "It failed once; what was written may not be on the disk.";
  throw syscallError(syscall, { fd: descriptor(fd), reason }, fd);
}

/** Whether the last errno has this name. */
function failedWith(code: string): boolean {
  return errnoTable()[errno[0]!]?.[0] === code;
}

/** read(2) on this thread, with O_NONBLOCK: the number of bytes, or undefined if it would have to wait. */
export function readNow(fd: FdLike, bytes: Uint8Array): number | undefined {
  const number = descriptor(fd), buffer = memory(bytes, 0), count = length(bytes, undefined);
  const call = bound.read ?? bind("read");
  do {
    const result = call(number, buffer, count);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (failedWith("EAGAIN")) return undefined;
  throw syscallError("read", { fd: number }, fd);
}

/** write(2) on this thread, with O_NONBLOCK: the number of bytes, or undefined if it would have to wait. */
export function writeNow(fd: FdLike, bytes: Uint8Array): number | undefined {
  const number = descriptor(fd), buffer = memory(bytes, 0), count = length(bytes, undefined);
  const call = bound.write ?? bind("write");
  do {
    const result = call(number, buffer, count);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (failedWith("EAGAIN")) return undefined;
  throw syscallError("write", { fd: number }, fd);
}

/** The result of {@link readPipeNow} and {@link writePipeNow} if the kernel can't do this here, or the call fails. */
export const NOT_HERE = -1;

/** read(2) that never waits, on a pipe without O_NONBLOCK: the number of bytes, undefined if it would wait, or NOT_HERE. */
export function readPipeNow(fd: number, bytes: Uint8Array): number | undefined {
  const { readPipe } = abi();
  return readPipe === undefined ? NOT_HERE : readPipe(fd, memory(bytes, 0));
}

/** The same for write(2). */
export function writePipeNow(fd: number, bytes: Uint8Array): number | undefined {
  const { writePipe } = abi();
  return writePipe === undefined ? NOT_HERE : writePipe(fd, memory(bytes, 0));
}

/** The result of {@link receiveNow} and {@link sendNow} if the descriptor is not a socket. */
export const NO_SOCKET = -1;

/** recv(2) that does not wait: the number of bytes, undefined if it would have to wait, or {@link NO_SOCKET}. */
export function receiveNow(fd: FdLike, bytes: Uint8Array): number | undefined {
  const number = descriptor(fd), buffer = memory(bytes, 0), count = length(bytes, undefined);
  const call = bound.recv ?? bind("recv");
  do {
    const result = call(number, buffer, count, MSG_DONTWAIT);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (failedWith("EAGAIN")) return undefined;
  if (failedWith("ENOTSOCK")) return NO_SOCKET;
  throw syscallError("recv", { fd: number }, fd);
}

/**
 * send(2) that does not wait: the number of bytes, undefined if it would have to wait, or {@link NO_SOCKET}.
 *
 * @param isRecord Whether the bytes end a record (MSG_EOR), which a socket of SOCK_SEQPACKET needs since FreeBSD 15.
 */
export function sendNow(fd: FdLike, bytes: Uint8Array, isRecord: boolean): number | undefined {
  const number = descriptor(fd), buffer = memory(bytes, 0), count = length(bytes, undefined);
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL | (isRecord ? MSG_EOR : 0);
  const call = bound.send ?? bind("send");
  do {
    const result = call(number, buffer, count, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (failedWith("EAGAIN")) return undefined;
  if (failedWith("ENOTSOCK")) return NO_SOCKET;
  throw syscallError("send", { fd: number }, fd);
}

// poll.h, the same in FreeBSD and Linux.
export const POLLIN = 0x1, POLLOUT = 0x4, POLLNVAL = 0x20;

/** A `struct pollfd` for each descriptor, with the events to wait for: 8 bytes, the last two for the result. */
export function pollfds(wanted: readonly { fd: number; events: number }[]): Int32Array<ArrayBuffer> {
  const fds = new Int32Array(wanted.length * 2);
  for (const [i, { fd, events }] of wanted.entries()) {
    fds[i * 2] = fd;
    fds[i * 2 + 1] = events;
  }
  return fds;
}

/** The events that poll(2) has reported for entry `i`. */
export function eventsOf(fds: Int32Array, i: number): number {
  return fds[i * 2 + 1]! >>> 16;
}

const one = new Int32Array(2);

/** The events of one descriptor, POLLNVAL if it lacks EVENT; 0 if there are none after that many milliseconds. */
export function eventsWithin(milliseconds: number, fd: number, events: number): number {
  one[0] = fd;
  one[1] = events;
  return (bound.poll ?? bind("poll"))(one, 1n, milliseconds) > 0 ? eventsOf(one, 0) : 0;
}

/** poll(2) on another thread: the number of descriptors with events, or -1. */
export function pollAsync(fds: Int32Array<ArrayBuffer>, milliseconds: number): Promise<number> {
  return (bound.poll_async ?? bind("poll_async"))(fds, BigInt(fds.length >> 1), milliseconds);
}
