/**
 * What calls wait for: events by poll(2), pauses, locks, and a turn of the event loop.
 *
 * @module
 */
import { eventsOf, pollAsync, pollfds } from "../../../ffi/libc/bytes.ts";

/** Something that a call waits for and may stop waiting for. */
export interface Wait<T> {
  readonly promise: Promise<T>;
  /** Stops waiting: the promise stays pending and holds no resources. */
  drop(): void;
}

/** The longest pause, in milliseconds, between two attempts if no event reports when to try again. */
const longestPause = 50;

/** Growing pauses between attempts, in milliseconds. */
export function* pauses(): Generator<number, never> {
  for (let pause = 1;; pause = Math.min(pause * 2, longestPause)) yield pause;
}

/** A pause. */
export function sleep(milliseconds: number): Wait<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  return { promise, drop: () => clearTimeout(timer) };
}

/** Waits. If the signal is aborted first, stops waiting and rejects with the signal's reason. */
export async function unlessAborted<T>(
  { promise, drop }: Wait<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } catch (error) {
    drop();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** A pause that rejects with the signal's reason if the signal is aborted. */
export async function sleepUnlessAborted(
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  await unlessAborted(sleep(milliseconds), signal);
}

/** A semaphore: slots are granted in the order of the requests. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot if one is free; the caller releases it. */
  tryAcquire(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** Waits for a slot; the caller releases it. */
  acquire(): Wait<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let acquired = false;
    const enter = () => {
      acquired = true;
      resolve();
    };
    if (this.tryAcquire()) enter();
    else this.#waiting.add(enter);
    return { promise, drop: () => acquired ? this.release() : this.#waiting.delete(enter) };
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}

/** Unused locks are kept up to this number, because the next call on the same pipe needs the same lock. */
const mostIdle = 64;

/** A lock for each name. */
export class Turns {
  readonly #of = new Map<string, { slots: Slots; users: number }>();

  /** Takes the lock of a name if it is free; the caller releases it. */
  tryAcquire(name: string): boolean {
    const entry = this.#entry(name);
    if (entry.users > 0) return false;
    entry.users++;
    return entry.slots.tryAcquire();
  }

  /** Waits for the lock of a name; the caller releases it. */
  acquire(name: string): Wait<void> {
    const entry = this.#entry(name);
    entry.users++;
    const { promise, drop } = entry.slots.acquire();
    return {
      promise,
      drop: () => {
        drop();
        this.#leave(name, entry);
      },
    };
  }

  release(name: string): void {
    const entry = this.#of.get(name)!;
    entry.slots.release();
    this.#leave(name, entry);
  }

  #entry(name: string): { slots: Slots; users: number } {
    let entry = this.#of.get(name);
    if (entry === undefined) this.#of.set(name, entry = { slots: new Slots(1), users: 0 });
    return entry;
  }

  #leave(name: string, entry: { users: number }): void {
    if (--entry.users === 0 && this.#of.size > mostIdle) this.#of.delete(name);
  }
}

interface Waiting {
  fd: number;
  events: number;
  resolve(events: number): void;
  reject(error: unknown): void;
  dropped: boolean;
}

/** The most threads that wait at a time, each for many descriptors. */
const threads = 4;
/** The most descriptors of one poll(2), below the limit of every system. */
const atOnce = 1024;
/**
 * Milliseconds of one poll(2). A descriptor that comes while it runs starts another poll(2). If all threads are taken,
 * it has to wait for the next one, so the last thread polls for a shorter time.
 */
const slice = 100, lastSlice = 10;

const waiting = new Set<Waiting>();
/** The number of poll(2) calls that run now, on other threads. */
export let polling = 0;
let scheduled = false;

/** Waits for events of a descriptor and resolves with them. All waiting descriptors share a few poll(2) threads. */
export function readiness(fd: number, events: number): Wait<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const entry: Waiting = { fd, events, resolve, reject, dropped: false };
  waiting.add(entry);
  schedule();
  const drop = () => {
    entry.dropped = true;
    waiting.delete(entry);
  };
  return { promise, drop };
}

/** Lets the event loop run its other work; resolves sooner than a timer. */
export async function breath(): Promise<void> {
  await pollAsync(pollfds([]), 0);
}

/** Descriptors that come together share one poll(2). */
function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    if (waiting.size > 0 && polling < threads) void pollSome();
  });
}

async function pollSome(): Promise<void> {
  polling++;
  const entries = [...waiting.values().take(atOnce)];
  for (const entry of entries) waiting.delete(entry);
  const fds = pollfds(entries);
  try {
    const count = await pollAsync(fds, polling === threads ? lastSlice : slice);
    for (const [i, entry] of entries.entries()) {
      const events = count > 0 ? eventsOf(fds, i) : 0;
      // The number of a dropped descriptor may belong to another file by now.
      if (entry.dropped) continue;
      if (events !== 0) entry.resolve(events);
      else waiting.add(entry);
    }
  } catch (error) {
    for (const { reject } of entries) reject(error);
  } finally {
    polling--;
    schedule();
  }
}

/** The most milliseconds, and the most calls, on this thread before the event loop runs again. */
const turn = 1, callsOfTurn = 256;

let spent = 0, calls = 0;

/** Whether a quick call may run on this thread now. */
export function isFree(): boolean {
  return spent < turn && calls < callsOfTurn;
}

/** Notes that the event loop runs before the next call. */
export function endTurn(): void {
  spent = 0;
  calls = 0;
}

/** Makes a call on this thread. */
export function inTurn<T>(call: () => T): T {
  const start = performance.now();
  calls++;
  try {
    return call();
  } finally {
    spent += performance.now() - start;
  }
}

/** Uses a file. An aborted signal closes the file, and the call rejects at once with the signal's reason. */
export async function untilAborted<T>(
  file: Disposable,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return await work();
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    reject(signal.reason);
    file[Symbol.dispose]();
  };
  signal.addEventListener("abort", abort);
  try {
    const working = work();
    working.catch(() => {});
    return await Promise.race([working, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Milliseconds for which a loop of short system calls may hold the event loop. */
const LOOP = 8;

/** Yields the items of a loop of short system calls, and lets the event loop run in between. */
export async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  let end = performance.now() + LOOP;
  for (const item of items) {
    yield item;
    if (performance.now() < end) continue;
    await new Promise((resolve) => setTimeout(resolve));
    end = performance.now() + LOOP;
  }
}

/** Runs a loop to its end without a pause. */
export function finish(steps: Iterable<unknown>): void {
  for (const _ of steps);
}

/** Runs a loop to its end, in turns with the event loop. */
export async function finishInTurns(steps: Iterable<unknown>): Promise<void> {
  for await (const _ of inTurns(steps));
}
