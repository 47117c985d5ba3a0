/**
 * One transfer of bytes between a descriptor and a buffer: the calls for each way, and the threads of the pool for what
 * may wait in the kernel: terminals and devices from elsewhere, and pipes if the system has no calls for them that never
 * wait. They hold at most 22 threads at a time, including those of poll(2).
 *
 * A call on another thread is made after poll(2) has reported the descriptor ready, and one at a time for all
 * descriptors of one pipe. So it waits only if another process was faster, and each pipe holds at most one thread.
 *
 * A long write waits for the reader in any case. It needs a free thread for long writes; without one, the data is
 * written in pieces that fit whenever poll(2) reports room. A write that closely follows a quick write does not ask
 * poll(2) first, because that would take as long as the write.
 *
 * @module
 */
import { asked, servingAs } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import {
  eventsWithin,
  POLLIN,
  POLLOUT,
  preadAsync,
  pwriteAsync,
  readAsync,
  readNow,
  readPipeNow,
  receiveNow,
  sendNow,
  writeAsync,
  writeNow,
  writePipeNow,
} from "../../../ffi/libc/bytes.ts";
import type { FdLike } from "../../../ffi/values.ts";
import { hasRights } from "../descriptor.ts";
import { endTurn, pauses, Slots, Turns, type Wait } from "./waiting.ts";

/** Reading or writing: one method for each way to move bytes between a descriptor and a buffer. */
export interface Transfer {
  /** The event of poll(2) that means that the call need not wait. */
  readonly events: typeof POLLIN | typeof POLLOUT;
  /** Calls on this thread, and waits if necessary; throws on failure. */
  here(fd: FdLike, bytes: Uint8Array): number;
  /** Calls on another thread, and waits if necessary; resolves with -1 on failure. */
  away(fd: number, bytes: Uint8Array): Promise<number>;
  /** Calls on this thread for a descriptor with O_NONBLOCK; undefined if it would have to wait. */
  now(fd: FdLike, bytes: Uint8Array): number | undefined;
  /** Calls on this thread for a pipe without O_NONBLOCK; undefined if it would have to wait, NOT_HERE if it can't. */
  pipe?(fd: number, bytes: Uint8Array): number | undefined;
  /** Calls on this thread for a socket; undefined if it would have to wait, NO_SOCKET if it is not a socket. */
  socket?(fd: FdLike, bytes: Uint8Array, isRecord: boolean): number | undefined;
}

export const reading: Transfer = {
  events: POLLIN,
  here: libc.read,
  away: readAsync,
  now: readNow,
  pipe: readPipeNow,
  // With 0 bytes, read(2) leaves a message in the socket and recv(2) removes it.
  socket: (fd, bytes) => bytes.length === 0 ? libc.read(fd, bytes) : receiveNow(fd, bytes),
};

export const writing: Transfer = {
  events: POLLOUT,
  here: libc.write,
  away: writeAsync,
  now: writeNow,
  pipe: writePipeNow,
  socket: sendNow,
};

export function readingAt(offset: number | bigint): Transfer {
  const here = (fd: FdLike, bytes: Uint8Array) => libc.pread(fd, bytes, bytes.length, offset);
  return {
    events: POLLIN,
    here,
    away: (fd, bytes) => preadAsync(fd, bytes, offset),
    now: (fd, bytes) => unlessBlocked(() => here(fd, bytes)),
  };
}

export function writingAt(offset: number | bigint): Transfer {
  const here = (fd: FdLike, bytes: Uint8Array) => libc.pwrite(fd, bytes, bytes.length, offset);
  return {
    events: POLLOUT,
    here,
    away: (fd, bytes) => pwriteAsync(fd, bytes, offset),
    now: (fd, bytes) => unlessBlocked(() => here(fd, bytes)),
  };
}

/** The same calls for a file that may serve a request: then their errors name what was asked for. */
export function serviceOf(file: FdLike, transfer: Transfer): Transfer {
  const { socket } = transfer;
  return !(asked in (file as object)) ? transfer : {
    ...transfer,
    here: (fd, bytes) => transfer.here(servingAs(file, fd as number), bytes),
    now: (fd, bytes) => transfer.now(servingAs(file, fd as number), bytes),
    ...socket && { socket: (fd, ...rest) => socket(servingAs(file, fd as number), ...rest) },
  };
}

function unlessBlocked(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Deno.errors.WouldBlock) return undefined;
    throw error;
  }
}

/** The number of bytes that a call has written; throws if there are none. */
export function progress(written: number): number {
  if (written > 0) return written;
  throw new Deno.errors.WriteZero("The file takes no more bytes: a write of some has written none.");
}

/** read(2) that waits, on a descriptor that the library made O_NONBLOCK. */
export function readHere(fd: number, bytes: Uint8Array): number {
  return waiting(fd, POLLIN, bytes, readNow);
}

/** write(2) that waits, on a descriptor that the library made O_NONBLOCK, until at least a part is written. */
export function writeHere(fd: number, bytes: Uint8Array): number {
  return waiting(fd, POLLOUT, bytes, writeNow);
}

function waiting(
  fd: number,
  events: number,
  bytes: Uint8Array,
  call: (fd: number, bytes: Uint8Array) => number | undefined,
): number {
  if (bytes.length === 0) return call(fd, bytes) ?? 0;
  for (const pause = pauses();;) {
    const found = eventsWithin(0, fd, events);
    if (found === 0) {
      // A descriptor that is not open for this would never become ready.
      call(fd, new Uint8Array());
      eventsWithin(-1, fd, events);
      continue;
    }
    const moved = call(fd, bytes);
    if (moved !== undefined) return moved;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause.next().value);
  }
}

/** The file that makes the calls. */
export interface Caller {
  readonly fd: number;
  /** Waits, unless the file is closed meanwhile. */
  until<T>(wait: Wait<T>): Promise<T>;
  /** Makes a call that uses the descriptor and may wait; closing the file abandons the call. */
  usingAtLength<T>(call: (fd: number) => Promise<T>, done: () => void): Promise<T>;
}

/** Threads for calls after poll(2), and for calls on descriptors that poll(2) can't check. */
const ready = new Slots(4), blind = new Slots(8);
/** Threads for long writes. Pipes whose reader was slow last time have their own, and can't block the others. */
const long = { quick: new Slots(4), slow: new Slots(2) };
const turns = new Turns();

/** Bytes of one long write. */
const piece = 256 * 1024;
/** Milliseconds after which a long write counts as slow. */
const limit = 20;
const slow = new WeakSet<Caller>();
/** When the last quick long write ended, and for how many milliseconds the next write may skip poll(2). */
const lastQuick = new WeakMap<Caller, number>();
const pace = 5;

/** Whether a write follows a quick one so closely that the reader is active: then it need not ask poll(2). */
export function keepsPace(caller: Caller, { events }: Transfer, bytes: Uint8Array): boolean {
  return events === POLLOUT && bytes.length > pipeBuf() &&
    performance.now() - (lastQuick.get(caller) ?? -Infinity) < pace;
}

/** PIPE_BUF of limits.h: if poll(2) reports POLLOUT, a pipe has room for this many bytes. */
function pipeBuf(): number {
  return hasRights() ? 512 : 4096;
}

/**
 * Reads or writes after poll(2) has reported the descriptor ready; undefined if it is not ready any more. `identity` is
 * equal for all descriptors of one pipe, `follows` is what {@link keepsPace} returned.
 */
export async function moveReady(
  caller: Caller,
  transfer: Transfer,
  bytes: Uint8Array,
  identity: string,
  follows: boolean,
): Promise<number | undefined> {
  const name = `${transfer.events}:${identity}`;
  if (!turns.tryAcquire(name)) await caller.until(turns.acquire(name));
  let slots: Slots | undefined, isLong = transfer.events === POLLOUT && bytes.length > pipeBuf();
  const done = () => {
    slots?.release();
    turns.release(name);
  };
  try {
    const threads = slow.has(caller) ? long.slow : long.quick;
    isLong &&= threads.tryAcquire();
    if (!isLong && !ready.tryAcquire()) await caller.until(ready.acquire());
    slots = isLong ? threads : ready;
    // A call on another descriptor of the same pipe may have come first.
    const mayWait = isLong && follows;
    if (!mayWait && eventsWithin(0, caller.fd, transfer.events) === 0) {
      done();
      return undefined;
    }
    if (transfer.events === POLLOUT) bytes = bytes.subarray(0, isLong ? piece : pipeBuf());
  } catch (error) {
    done();
    throw error;
  }
  const start = performance.now();
  return await caller.usingAtLength(async (fd) => {
    endTurn();
    const moved = await transfer.away(fd, bytes);
    if (isLong) setPace(caller, moved === -1 ? undefined : performance.now() - start);
    if (moved !== -1) return moved;
    // A call that fails while poll(2) reports ready fails at once on this thread too, with its errno.
    if (eventsWithin(0, fd, transfer.events) === 0) return undefined;
    return transfer.now(fd, isLong ? bytes.subarray(0, pipeBuf()) : bytes);
  }, done);
}

/** Notes how long a long write has taken; undefined if it failed. */
function setPace(caller: Caller, took: number | undefined): void {
  if (took === undefined || took > limit) lastQuick.delete(caller);
  else lastQuick.set(caller, performance.now());
  if (took !== undefined && took > limit) slow.add(caller);
  else slow.delete(caller);
}

/** Reads or writes without poll(2), because the descriptor lacks EVENT. Few calls run at once; others queue. */
export async function moveBlindly(
  caller: Caller,
  transfer: Transfer,
  bytes: Uint8Array,
): Promise<number | undefined> {
  await caller.until(blind.acquire());
  return await caller.usingAtLength(async (fd) => {
    endTurn();
    // A call that fails twice has a lasting reason, so it fails at once on this thread too, with its errno.
    for (let tries = 0; tries < 2; tries++) {
      const moved = await transfer.away(fd, bytes);
      if (moved !== -1) return moved;
    }
    return transfer.now(fd, bytes);
  }, () => blind.release());
}
