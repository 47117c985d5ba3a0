/**
 * Pipes, terminals and devices whose calls wait in the kernel: they happen on threads of the pool, of which at most 22 are
 * held at a time, poll(2) included.
 *
 * A call is made once poll(2) has called the descriptor ready, and one at a time for all descriptors of one pipe: so it
 * waits only if another process was faster, and one thread at most for each pipe. A long write waits for the reader in any
 * case; it is made only if a thread is left for that, and else in pieces that fit when poll(2) says so. One that follows a
 * quick one does not ask poll(2) first, which would take as long as the write.
 *
 * @module
 */
import { eventsWithin, POLLOUT } from "../../../ffi/libc/threads.ts";
import { hasRights } from "../metadata/held.ts";
import type { Subject } from "./subject.ts";
import type { Transfer } from "./transfer.ts";
import { endTurn } from "./turn.ts";
import { Slots, Turns, type Wait } from "./wait.ts";

/** Who makes the calls. */
export interface Caller {
  readonly fd: number;
  /** Waits, unless the file is closed meanwhile. */
  until<T>(wait: Wait<T>): Promise<T>;
  /** Makes a call that uses the descriptor; it may wait, and is given up if the file is closed meanwhile. */
  usingAtLength<T>(call: (fd: number) => Promise<T>, done: () => void): Promise<T>;
}

/** Threads for calls after poll(2), and for calls of descriptors that poll(2) can't judge. */
const ready = new Slots(4), blind = new Slots(8);
/** Threads for long writes: those to pipes whose reader was slow the last time have their own, and leave the others free. */
const long = { quick: new Slots(4), slow: new Slots(2) };
const turns = new Turns();

/** Bytes of one long write. */
const piece = 256 * 1024;
/** Milliseconds after which a long write was slow. */
const limit = 20;
const slow = new WeakSet<Caller>();
/** When the last long write ended, if it was not slow, and how long the next one may follow it without poll(2). */
const lastQuick = new WeakMap<Caller, number>();
const pace = 5;

/** Whether a write follows a quick one so soon that its reader is at work: it may wait for that in the kernel. */
export function keepsPace(caller: Caller, { events }: Transfer, bytes: Uint8Array): boolean {
  return events === POLLOUT && bytes.length > pipeBuf() &&
    performance.now() - (lastQuick.get(caller) ?? -Infinity) < pace;
}

/** PIPE_BUF of limits.h: a pipe has room for as much when poll(2) says POLLOUT. */
function pipeBuf(): number {
  return hasRights() ? 512 : 4096;
}

/** Moves bytes of what poll(2) has called ready; undefined if it is not any more. */
export async function moveReady(
  caller: Caller,
  transfer: Transfer,
  bytes: Uint8Array,
  { identity }: Subject,
): Promise<number | undefined> {
  const name = `${transfer.events}:${identity}`;
  await caller.until(turns.acquire(name));
  let slots: Slots | undefined, isLong = transfer.events === POLLOUT && bytes.length > pipeBuf();
  const done = () => {
    slots?.release();
    turns.release(name);
  };
  try {
    const threads = slow.has(caller) ? long.slow : long.quick;
    isLong &&= threads.tryAcquire();
    if (!isLong) await caller.until(ready.acquire());
    slots = isLong ? threads : ready;
    // Another descriptor of the same pipe may have been first.
    const mayWait = isLong && keepsPace(caller, transfer, bytes);
    if (eventsWithin(0, caller.fd, transfer.events) === 0 && !mayWait) {
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
    if (isLong) setPace(caller, performance.now() - start);
    if (moved !== -1) return moved;
    // What fails while it is ready fails at once on this thread too, and there says why.
    return eventsWithin(0, fd, transfer.events) === 0 ? undefined : transfer.now(fd, bytes);
  }, done);
}

function setPace(caller: Caller, took: number): void {
  if (took > limit) {
    slow.add(caller);
    lastQuick.delete(caller);
  } else {
    slow.delete(caller);
    lastQuick.set(caller, performance.now());
  }
}

/** Moves bytes of what poll(2) can't judge, because it lacks EVENT: a few at once, the others after them. */
export async function moveBlindly(
  caller: Caller,
  transfer: Transfer,
  bytes: Uint8Array,
): Promise<number | undefined> {
  await caller.until(blind.acquire());
  return await caller.usingAtLength(async (fd) => {
    endTurn();
    // What fails twice fails for a reason that lasts, and so at once on this thread too.
    for (let tries = 0; tries < 2; tries++) {
      const moved = await transfer.away(fd, bytes);
      if (moved !== -1) return moved;
    }
    return transfer.now(fd, bytes);
  }, () => blind.release());
}
