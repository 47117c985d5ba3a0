/**
 * Calls that move bytes: C's functions under their names, then calls that do not block the event loop, on a thread of
 * Deno's pool or on this one if they can't wait. And poll(2).
 *
 * The errno of a call on another thread can't be read. A call that failed returns -1, and the caller repeats it on this
 * thread to get the errno, if it can't wait. The descriptor must stay open until the call has ended, because its number
 * could become that of another file. Deno keeps the buffer until the call has ended, even if its Worker ends.
 *
 * @module
 */
import { errno, MSG_DONTWAIT, MSG_EOR, MSG_NOSIGNAL } from "../symbols.ts";
import {
  byteLengthOf,
  Bytes,
  copyInto,
  descriptor,
  type FdLike,
  int,
  isResizable,
  length,
  lesser,
  long,
  memory,
  partOf,
  toBigInt,
} from "../values.ts";
import { abi, rawCalls } from "../system.ts";
import { syscallError } from "../failure.ts";
import { EINTR, SEEK_CUR } from "../freebsd/constants.ts";
import { errnoTable } from "../errno.ts";
import { fdatasync, fsync, ftruncate } from "./by_descriptor.ts";

const { bound, thread, bind } = rawCalls();

/**
 * Reads at the offset of a file. Stands for read(2): `ssize_t read(int fd, void *buf, size_t nbytes)`. Needs READ.
 * @param fd The file.
 * @param buffer The buffer to read into.
 * @param nbytes The most bytes to read. Default: the length of the buffer.
 * @returns How many bytes it read; 0 at the end of the file.
 *
 * @example
 * ```ts
 * import { libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using zero = openSync("/dev/zero", { read: true, write: true });
 * const buffer = new Uint8Array([1, 2, 3]);
 * assertEquals([libc.read(zero, buffer, 2), libc.write(zero, buffer)], [2, 3]);
 * assertEquals(buffer, new Uint8Array([0, 0, 3]));
 * ```
 */
export function read(fd: FdLike, buffer: Uint8Array, nbytes?: number): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = buffer as Bytes;
  const call = bound.read ?? bind("read");
  do {
    const result = call(number, bytes, count);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("read", { fd: number }, fd);
}

/**
 * Writes at the offset of a file. Stands for write(2): `ssize_t write(int fd, const void *buf, size_t nbytes)`. Needs
 * WRITE.
 * @param fd The file.
 * @param buffer The bytes.
 * @param nbytes How many of them to write. Default: all.
 * @returns How many bytes it wrote, which may be fewer.
 */
export function write(fd: FdLike, buffer: Uint8Array, nbytes?: number): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = buffer as Bytes;
  const call = bound.write ?? bind("write");
  do {
    const result = call(number, bytes, count);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("write", { fd: number }, fd);
}

/**
 * Reads at a given offset. Stands for pread(2): `ssize_t pread(int fd, void *buf, size_t nbytes, off_t offset)`. Needs
 * READ and SEEK.
 * @param fd The file, whose own offset does not change.
 * @param buffer The buffer to read into.
 * @param nbytes The most bytes to read.
 * @param offset Where to start.
 * @returns How many bytes it read; 0 at the end of the file.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using tmp = openDirSync("/tmp");
 * const path = tmp.makeTempFileSync(), buffer = new Uint8Array(2);
 * using file = tmp.openSync(path, { read: true, write: true });
 * libc.unlinkat(tmp, path, 0);
 * assertEquals(libc.pwrite(file, new Uint8Array([1, 2, 3]), 3, 100), 3);
 * assertEquals(libc.pread(file, buffer, 2, 101), 2);
 * assertEquals(buffer, new Uint8Array([2, 3]));
 * assertEquals(libc.lseek(file, 0, libc.SEEK_END), 103);
 * ```
 */
export function pread(fd: FdLike, buffer: Uint8Array, nbytes: number, offset: number | bigint): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = buffer as Bytes;
  const at = long(offset, "offset");
  const call = bound.pread ?? bind("pread");
  do {
    const result = call(number, bytes, count, at);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("pread", { fd: number }, fd);
}

/**
 * Writes at a given offset. Stands for pwrite(2): `ssize_t pwrite(int fd, const void *buf, size_t nbytes, off_t
 * offset)`. Needs WRITE and SEEK.
 * @param fd The file, whose own offset does not change.
 * @param buffer The bytes.
 * @param nbytes How many of them to write.
 * @param offset Where to start.
 * @returns How many bytes it wrote, which may be fewer.
 */
export function pwrite(fd: FdLike, buffer: Uint8Array, nbytes: number, offset: number | bigint): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = buffer as Bytes;
  const at = long(offset, "offset");
  const call = bound.pwrite ?? bind("pwrite");
  do {
    const result = call(number, bytes, count, at);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("pwrite", { fd: number }, fd);
}

/**
 * Moves the offset of a file. Stands for lseek(2): `off_t lseek(int fd, off_t offset, int whence)`. Needs SEEK.
 * @param fd The file; a pipe or socket is ESPIPE.
 * @param offset The distance from the place that `whence` names; a result below 0 is EINVAL.
 * @param whence `SEEK_SET`, `SEEK_CUR` or `SEEK_END`.
 * @returns The new offset.
 */
export function lseek(fd: FdLike, offset: number | bigint, whence: number): number {
  const number = descriptor(fd), by = long(offset, "offset"), from = int(whence, "whence");
  const call = bound.lseek ?? bind("lseek");
  const result = call(number, by, from);
  if (result !== -1n) return Number(result);
  const again = bound.lseek_errno ?? bind("lseek_errno");
  if (again(number, by, from) !== -1) return Number(call(number, 0n, SEEK_CUR));
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("lseek", { fd: number }, fd);
}

/**
 * Reads entries of a directory. Stands for getdirentries(2): `ssize_t getdirentries(int fd, char *buf, size_t nbytes,
 * off_t *basep)`. Needs READ.
 * @param fd The directory.
 * @param buffer A buffer, which gets the entries, each a `struct dirent`.
 * @param nbytes The length of the buffer.
 * @param basep A buffer of 8 bytes, which gets the offset of the entries.
 * @returns How many bytes it filled; 0 at the end of the directory.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   const buffer = new Uint8Array(4096), entry = new DataView(buffer.buffer);
 *   const length = libc.getdirentries(dev, buffer, buffer.length, new Uint8Array(8));
 *   const reclen = entry.getUint16(16, true), namlen = entry.getUint16(20, true);
 *   assert(namlen < reclen && reclen <= length);
 * }
 * ```
 */
export function getdirentries(fd: FdLike, buffer: Uint8Array, nbytes: number, basep: Uint8Array): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = buffer as Bytes;
  const base = memory(basep, 8);
  const call = bound.getdirentries ?? bind("getdirentries");
  do {
    const result = call(number, bytes, count, base);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("getdirentries", { fd: number }, fd);
}

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
  const buffer = memory(bytes, 0), count = lesser(byteLengthOf(buffer), most);
  if (!isResizable(buffer)) return call(buffer, toBigInt(count));
  return fillingCopy(buffer, new Bytes(lesser(count, mostCopied)), call);
}

async function fillingCopy(bytes: Uint8Array, copy: Uint8Array<ArrayBuffer>, call: Move): Promise<number> {
  const moved = await call(copy, toBigInt(byteLengthOf(copy)));
  if (moved <= 0) return moved;
  const length = byteLengthOf(bytes);
  if (moved > length) {
    throw new RangeError(`The buffer shrank to ${length} bytes while ${moved} were read into it.`);
  }
  copyInto(bytes, partOf(copy, 0, moved));
  return moved;
}

function emptying(bytes: Uint8Array, call: Move): Promise<number> {
  const buffer = memory(bytes, 0), length = byteLengthOf(buffer);
  if (!isResizable(buffer)) return call(buffer, toBigInt(lesser(length, most)));
  const count = lesser(length, mostCopied), copy = new Bytes(count);
  copyInto(copy, partOf(buffer, 0, count));
  return call(copy, toBigInt(count));
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
  const number = descriptor(fd), count = length(bytes, undefined), buffer = bytes as Bytes;
  const call = bound.read ?? bind("read");
  do {
    const result = call(number, buffer, count);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (failedWith("EAGAIN")) return undefined;
  throw syscallError("read", { fd: number }, fd);
}

/** write(2) on this thread, with O_NONBLOCK: the number of bytes, or undefined if it would have to wait. */
export function writeNow(fd: FdLike, bytes: Uint8Array): number | undefined {
  const number = descriptor(fd), count = length(bytes, undefined), buffer = bytes as Bytes;
  const call = bound.write ?? bind("write");
  do {
    const result = call(number, buffer, count);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
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
  const number = descriptor(fd), count = length(bytes, undefined), buffer = bytes as Bytes;
  const call = bound.recv ?? bind("recv");
  do {
    const result = call(number, buffer, count, MSG_DONTWAIT);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
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
  const number = descriptor(fd), count = length(bytes, undefined), buffer = bytes as Bytes;
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL | (isRecord ? MSG_EOR : 0);
  const call = bound.send ?? bind("send");
  do {
    const result = call(number, buffer, count, flags);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
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
  const call = bound.poll_async ?? bind("poll_async"), bytes = byteLengthOf(fds);
  if (isResizable(fds)) throw new TypeError("The buffer of a poll can't be resizable.");
  return call(fds, toBigInt(bytes >> 3), milliseconds);
}
