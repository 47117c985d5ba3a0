/**
 * Calls on a thread of Deno's pool, so that one that lasts does not stop the event loop, and poll(2).
 *
 * The errno of such a call is on that thread, where nobody can read it: a transfer that failed gives -1, and the caller
 * repeats it on this thread to learn why, once it can't wait there. The descriptor must stay open until the call has
 * ended: its number could become another file's.
 *
 * Memory is a buffer of JavaScript's, which lives until the call has ended, unless the Worker that made the call is
 * terminated. A call that may wait for somebody else gets memory of libc's own, which is never freed.
 *
 * @module
 */
import { bind, bound, errno } from "./_bind.ts";
import { long, memory } from "./_check.ts";
import { syscallError } from "./_syscall_error.ts";
import { fdatasync, fsync, ftruncate } from "./libc/file.ts";

/** Bytes that one call moves at most: as many as Linux lets it, which an `i32` result can tell. */
const most = 0x7ffff000;

function transfer(bytes: Uint8Array): [Uint8Array<ArrayBuffer>, bigint] {
  return [memory(bytes, 0), BigInt(Math.min(bytes.length, most))];
}

/** read(2): how many bytes, or -1. */
export function readAsync(fd: number, bytes: Uint8Array): Promise<number> {
  return (bound.read_async ?? bind("read_async"))(fd, ...transfer(bytes));
}

/** write(2): how many bytes, or -1. */
export function writeAsync(fd: number, bytes: Uint8Array): Promise<number> {
  return (bound.write_async ?? bind("write_async"))(fd, ...transfer(bytes));
}

/** pread(2): how many bytes, or -1. */
export function preadAsync(fd: number, bytes: Uint8Array, offset: number | bigint): Promise<number> {
  return (bound.pread_async ?? bind("pread_async"))(fd, ...transfer(bytes), long(offset, "offset"));
}

/** pwrite(2): how many bytes, or -1. */
export function pwriteAsync(fd: number, bytes: Uint8Array, offset: number | bigint): Promise<number> {
  return (bound.pwrite_async ?? bind("pwrite_async"))(fd, ...transfer(bytes), long(offset, "offset"));
}

/** Memory of libc's own. */
export interface Block {
  readonly at: Deno.PointerObject;
  readonly size: number;
}

/** Takes memory for good: whoever needs some again and again keeps it. */
export function allocate(size: number): Block {
  const at = (bound.malloc ?? bind("malloc"))(BigInt(size));
  if (at === null) throw new RangeError(`There is no memory for ${size} bytes.`);
  return { at, size };
}

/** Copies as many bytes to the block as both have room for, and gives how many. */
export function copyIn(block: Block, bytes: Uint8Array): number {
  const count = Math.min(bytes.length, block.size);
  (bound.memcpy_in ?? bind("memcpy_in"))(block.at, memory(bytes, 0), BigInt(count));
  return count;
}

/** Copies the first `count` bytes of the block. */
export function copyOut(bytes: Uint8Array, block: Block, count: number): void {
  (bound.memcpy_out ?? bind("memcpy_out"))(memory(bytes, count), block.at, BigInt(count));
}

/** read(2) to the block: how many bytes, or -1. */
export function readOutside(fd: number, { at }: Block, count: number): Promise<number> {
  return (bound.read_outside ?? bind("read_outside"))(fd, at, BigInt(count));
}

/** write(2) from the block: how many bytes, or -1. */
export function writeOutside(fd: number, { at }: Block, count: number): Promise<number> {
  return (bound.write_outside ?? bind("write_outside"))(fd, at, BigInt(count));
}

/** pread(2) to the block: how many bytes, or -1. */
export function preadOutside(
  fd: number,
  { at }: Block,
  count: number,
  offset: number | bigint,
): Promise<number> {
  return (bound.pread_outside ?? bind("pread_outside"))(fd, at, BigInt(count), long(offset, "offset"));
}

/** pwrite(2) from the block: how many bytes, or -1. */
export function pwriteOutside(
  fd: number,
  { at }: Block,
  count: number,
  offset: number | bigint,
): Promise<number> {
  return (bound.pwrite_outside ?? bind("pwrite_outside"))(fd, at, BigInt(count), long(offset, "offset"));
}

/** ftruncate(2), with the errors of `libc.ftruncate`. */
export async function ftruncateAsync(fd: number, length: number | bigint): Promise<void> {
  const call = bound.ftruncate_async ?? bind("ftruncate_async");
  if (await call(fd, long(length, "length")) === -1) ftruncate(fd, length);
}

/** fsync(2), with the errors of `libc.fsync`. */
export async function fsyncAsync(fd: number): Promise<void> {
  const call = bound.fsync_async ?? bind("fsync_async");
  if (await call(fd) === -1) explain("fsync", fd, fsync);
}

/** fdatasync(2), with the errors of `libc.fdatasync`. */
export async function fdatasyncAsync(fd: number): Promise<void> {
  const call = bound.fdatasync_async ?? bind("fdatasync_async");
  if (await call(fd) === -1) explain("fdatasync", fd, fdatasync);
}

// The same in FreeBSD and Linux.
const EIO = 5;

/** Throws why a sync failed. Linux reports a lost write once: where the repetition succeeds, it has failed all the same. */
function explain(syscall: string, fd: number, again: (fd: number) => number): never {
  again(fd);
  errno[0] = EIO;
  throw syscallError(syscall, {
    fd,
    reason: () => "It failed once; what was written may not be on the disk.",
  });
}

// poll.h, the same in FreeBSD and Linux.
export const POLLIN = 0x1, POLLOUT = 0x4, POLLERR = 0x8, POLLHUP = 0x10, POLLNVAL = 0x20;

/** Bytes of a `struct pollfd`. */
export const pollfdSize = 8;

/** The `struct pollfd` of each descriptor with the events to wait for. */
export function pollfds(wanted: readonly { fd: number; events: number }[]): Uint8Array<ArrayBuffer> {
  const fds = new Int32Array(wanted.length * 2);
  for (const [i, { fd, events }] of wanted.entries()) {
    fds[i * 2] = fd;
    fds[i * 2 + 1] = events;
  }
  return new Uint8Array(fds.buffer);
}

/** The events that poll(2) has put in the place `i`. */
export function eventsOf(fds: Uint8Array, i: number): number {
  return fds[i * pollfdSize + 6]! | fds[i * pollfdSize + 7]! << 8;
}

/** The events of one descriptor at this moment, without waiting; 0 where there are none. */
export function eventsNow(fd: number, events: number): number {
  const fds = pollfds([{ fd, events }]);
  return (bound.poll ?? bind("poll"))(fds, 1n, 0) > 0 ? eventsOf(fds, 0) : 0;
}

/** poll(2) of the first descriptors in the block: how many of them have events, or -1. */
export function pollOutside({ at }: Block, count: number, milliseconds: number): Promise<number> {
  return (bound.poll_outside ?? bind("poll_outside"))(at, BigInt(count), milliseconds);
}
