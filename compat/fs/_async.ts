import {
  allocate,
  type Block,
  copyIn,
  copyOut,
  eventsNow,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  preadAsync,
  preadOutside,
  pwriteAsync,
  pwriteOutside,
  readAsync,
  readOutside,
  writeAsync,
  writeOutside,
} from "../../ffi/async.ts";
import * as libc from "../../ffi/libc.ts";
import { mayGetFlags, rightsOf } from "./_held.ts";
import { readiness } from "./_readiness.ts";
import { statOf } from "./_stat.ts";
import { sleep, Slots, type Wait } from "./_wait.ts";

/** What moves bytes between a descriptor and memory. */
export interface Transfer {
  /** What poll(2) says when it need not wait. */
  readonly events: typeof POLLIN | typeof POLLOUT;
  /** On this thread; throws. */
  here(fd: number, bytes: Uint8Array): number;
  /** On another one; -1 for an error. */
  away(fd: number, bytes: Uint8Array): Promise<number>;
  /** The same between the descriptor and memory of libc's own. */
  outside(fd: number, block: Block, count: number): Promise<number>;
}

export const reading: Transfer = {
  events: POLLIN,
  here: libc.read,
  away: readAsync,
  outside: readOutside,
};
export const writing: Transfer = {
  events: POLLOUT,
  here: libc.write,
  away: writeAsync,
  outside: writeOutside,
};

export function readingAt(offset: number | bigint): Transfer {
  return {
    events: POLLIN,
    here: (fd, bytes) => libc.pread(fd, bytes, bytes.length, offset),
    away: (fd, bytes) => preadAsync(fd, bytes, offset),
    outside: (fd, block, count) => preadOutside(fd, block, count, offset),
  };
}

export function writingAt(offset: number | bigint): Transfer {
  return {
    events: POLLOUT,
    here: (fd, bytes) => libc.pwrite(fd, bytes, bytes.length, offset),
    away: (fd, bytes) => pwriteAsync(fd, bytes, offset),
    outside: (fd, block, count) => pwriteOutside(fd, block, count, offset),
  };
}

/** Bytes that a file gives or takes on this thread in a fraction of the 50 µs that another thread costs. */
const small = 64 * 1024;
/** PIPE_BUF of FreeBSD's limits.h: as many bytes a pipe or socket takes without waiting when poll(2) says POLLOUT. */
const pipeBuf = 512;
/** How long, in milliseconds, and how often calls happen on this thread before one on another lets the event loop run. */
const turn = 1, callsOfTurn = 32;
/** The longest pause, in milliseconds, between two attempts where nothing tells that one would succeed. */
const longestPause = 50;

let spent = 0, calls = 0;

/** Whether a quick call may happen on this thread. */
function isFree(): boolean {
  return spent < turn && calls < callsOfTurn;
}

function endTurn(): void {
  spent = 0;
  calls = 0;
}

function here({ here }: Transfer, fd: number, bytes: Uint8Array): number {
  const start = performance.now();
  calls++;
  try {
    return here(fd, bytes);
  } finally {
    spent += performance.now() - start;
  }
}

function away({ away }: Transfer, fd: number, bytes: Uint8Array): Promise<number> {
  endTurn();
  return away(fd, bytes);
}

/** Memory that no call uses at the moment. */
const blocks: Block[] = [];

/** On another thread, which may have to wait there for somebody else. */
async function outside(transfer: Transfer, fd: number, bytes: Uint8Array): Promise<number> {
  endTurn();
  const block = blocks.pop() ?? allocate(small);
  try {
    const isRead = transfer.events === POLLIN;
    const count = isRead ? Math.min(bytes.length, block.size) : copyIn(block, bytes);
    const moved = await transfer.outside(fd, block, count);
    if (isRead && moved > 0) copyOut(bytes, block, moved);
    return moved;
  } finally {
    blocks.push(block);
  }
}

// Of the 32 threads of Deno's pool these may be held by calls that wait: of descriptors that poll(2) called ready, where
// another process may have been faster, and of those that lack EVENT, for which poll(2) can't tell.
const readySlots = new Slots(4), blindSlots = new Slots(8);

/** What a descriptor is open for: a file never lets a call wait for somebody else. */
type Kind = "file" | "fifo" | "socket" | "device";

function kindOf(fd: number): Kind {
  if (!rightsOf(fd).has("FSTAT")) return isRegular(fd) ? "file" : "device";
  const { isFile, isDirectory, isBlockDevice, isFifo, isSocket } = statOf(fd);
  return isFile || isDirectory || isBlockDevice ? "file" : isFifo ? "fifo" : isSocket ? "socket" : "device";
}

/** Needs no right: only a regular file has a read-ahead, which is set to what it is by default. */
function isRegular(fd: number): boolean {
  try {
    libc.fcntl(fd, libc.F_READAHEAD, -1);
    return true;
  } catch {
    return false;
  }
}

/** Whether calls never wait; false where that may not be asked. */
function isNonblocking(fd: number): boolean {
  return mayGetFlags(fd) && (libc.fcntl(fd, libc.F_GETFL) & libc.O_NONBLOCK) !== 0;
}

/**
 * The asynchronous calls of one open file.
 *
 * Those of a file run in the order in which they were made, as they do for `Deno.FsFile`; where reading and writing are
 * independent of each other, as for a socket, each direction has an order of its own. The descriptor is closed once no
 * call uses it any more; calls that merely wait are rejected.
 */
export class Calls {
  readonly #file: { readonly fd: number };
  #kind: Kind | undefined;
  readonly #last = new Map<Transfer["events"], Promise<unknown>>();
  #underWay = 0;
  #idle: (() => void) | undefined;
  readonly #interrupts = new Set<() => void>();
  /** Settles when a close that had to wait has been done. */
  closing: Promise<void> | undefined;

  constructor(file: { readonly fd: number }) {
    this.#file = file;
  }

  /** Whether a call uses the descriptor at this moment. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  #kindNow(): Kind {
    return this.#kind ??= kindOf(this.#file.fd);
  }

  /** Does something once all that was asked for before it is done. */
  async inOrder<T>(events: Transfer["events"], work: () => T | Promise<T>): Promise<T> {
    const queue = this.#kindNow() === "file" ? POLLOUT : events;
    const before = this.#last.get(queue);
    const result = before === undefined ? work() : before.then(work);
    const done = Promise.resolve(result).then(() => {}, () => {});
    this.#last.set(queue, done);
    try {
      return await result;
    } finally {
      if (this.#last.get(queue) === done) this.#last.delete(queue);
    }
  }

  /** Moves bytes once: on this thread where that is quick, on another where it may last, waiting where it must. */
  async move(transfer: Transfer, bytes: Uint8Array): Promise<number> {
    const kind = this.#kindNow(), { fd } = this.#file;
    if (!(bytes instanceof Uint8Array) || bytes.length === 0) return transfer.here(fd, bytes);
    if (kind !== "file") return await this.#moveWhenReady(transfer, bytes, kind);
    if (bytes.length <= small && isFree()) return here(transfer, fd, bytes);
    return await this.using(async (fd) => {
      const moved = await away(transfer, fd, bytes);
      return moved === -1 ? here(transfer, fd, bytes.subarray(0, small)) : moved;
    });
  }

  /** Reads until the memory is full or the file ends. */
  async fill(bytes: Uint8Array): Promise<number> {
    let used = 0;
    for (let count; (count = await this.move(reading, bytes.subarray(used))) > 0;) used += count;
    return used;
  }

  /** Writes all of the memory. */
  async drain(bytes: Uint8Array): Promise<void> {
    let used = await this.move(writing, bytes);
    while (used < bytes.length) {
      used += progress(await this.move(writing, bytes.subarray(used)));
    }
  }

  async #moveWhenReady(transfer: Transfer, bytes: Uint8Array, kind: Kind): Promise<number> {
    for (let pause = 1;; pause = Math.min(pause * 2, longestPause)) {
      const { fd } = this.#file;
      let events = eventsNow(fd, transfer.events);
      if (events === 0) {
        if (isNonblocking(fd)) {
          // Also the end of a named pipe that nobody writes to yet.
          const moved = unlessBlocked(() => here(transfer, fd, bytes.subarray(0, small)));
          if (moved !== undefined) return moved;
        } else if (transfer.events === POLLIN || kind === "fifo") {
          // What is not open for this, or lacks the right, would never be ready. No bytes are something to a socket.
          transfer.here(fd, new Uint8Array());
        }
        events = await this.until(readiness(fd, transfer.events));
      }
      const moved = events & POLLNVAL
        ? await this.#moveBlindly(transfer, bytes)
        : await this.#moveReady(transfer, bytes, kind, events);
      if (moved !== undefined) return moved;
      await this.until(sleep(pause));
    }
  }

  /** Moves bytes of what poll(2) has called ready; undefined where it is not any more. */
  async #moveReady(
    transfer: Transfer,
    bytes: Uint8Array,
    kind: Kind,
    events: number,
  ): Promise<number | undefined> {
    const { fd } = this.#file;
    if (transfer.events === POLLOUT) {
      if (kind !== "device" && isFree()) return this.#writeReady(transfer, fd, bytes);
      bytes = bytes.subarray(0, pipeBuf);
    } else if (kind !== "fifo" && events & (POLLERR | POLLHUP)) {
      // A socket tells once why it failed, so on this thread. It does not wait after that.
      return unlessBlocked(() => here(transfer, fd, bytes.subarray(0, small)));
    }
    return await this.#inSlot(readySlots, async (fd) => {
      const moved = await outside(transfer, fd, bytes);
      if (moved !== -1) return moved;
      if (eventsNow(fd, transfer.events) === 0) return undefined;
      return unlessBlocked(() => here(transfer, fd, bytes.subarray(0, small)));
    });
  }

  /** Writes on this thread as long as poll(2) says that it need not wait. */
  #writeReady(transfer: Transfer, fd: number, bytes: Uint8Array): number | undefined {
    let written = 0;
    do {
      const piece = bytes.subarray(written, written + pipeBuf);
      try {
        written += here(transfer, fd, piece);
      } catch (error) {
        // What was written was; the next call meets the error again.
        if (written > 0) break;
        if (error instanceof Deno.errors.WouldBlock) return undefined;
        throw error;
      }
    } while (written < bytes.length && isFree() && eventsNow(fd, POLLOUT) === POLLOUT);
    return written;
  }

  /**
   * Moves bytes where poll(2) can't tell whether that has to wait, because the descriptor lacks EVENT: a few at once, the
   * others after them. Undefined where it is O_NONBLOCK and would have to wait.
   */
  #moveBlindly(transfer: Transfer, bytes: Uint8Array): Promise<number | undefined> {
    return this.#inSlot(blindSlots, async (fd) => {
      // What fails twice fails for a reason that lasts, and so at once on this thread too.
      for (let tries = 0; tries < 2; tries++) {
        const moved = await outside(transfer, fd, bytes);
        if (moved !== -1) return moved;
      }
      return unlessBlocked(() => here(transfer, fd, bytes.subarray(0, small)));
    });
  }

  async #inSlot<T>(slots: Slots, call: (fd: number) => Promise<T>): Promise<T> {
    await this.until(slots.acquire());
    try {
      return await this.using(call);
    } finally {
      slots.release();
    }
  }

  /** Makes a call that uses the descriptor, which stays open until the call has ended. */
  async using<T>(call: (fd: number) => Promise<T>): Promise<T> {
    const { fd } = this.#file;
    this.#underWay++;
    try {
      return await call(fd);
    } finally {
      if (--this.#underWay === 0) this.#idle?.();
    }
  }

  /** Waits, unless the file is closed meanwhile. */
  until<T>({ promise, drop }: Wait<T>): Promise<T> {
    const { promise: result, resolve, reject } = Promise.withResolvers<T>();
    const interrupt = () => {
      drop();
      try {
        // Throws BadResource.
        this.#file.fd;
      } catch (error) {
        reject(error);
      }
    };
    this.#interrupts.add(interrupt);
    promise.then((value) => {
      this.#interrupts.delete(interrupt);
      resolve(value);
    }, (error) => {
      this.#interrupts.delete(interrupt);
      reject(error);
    });
    return result;
  }

  /** Rejects the calls that wait; the file has given up its descriptor. */
  interrupt(): void {
    for (const interrupt of this.#interrupts) interrupt();
    this.#interrupts.clear();
  }

  /** Closes the descriptor that the file has given up, once no call uses it. */
  close(fd: number): void {
    this.interrupt();
    if (this.#underWay === 0) {
      libc.close(fd);
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    this.closing = promise.then(() => void libc.close(fd));
    this.closing.catch(() => {});
  }
}

/** How many bytes a call has written, of those that it was given. */
export function progress(written: number): number {
  if (written > 0) return written;
  throw new Deno.errors.WriteZero("The file takes no more bytes: a write of some has written none.");
}

/** The result of a call, or undefined where it would have to wait. */
function unlessBlocked(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Deno.errors.WouldBlock) return undefined;
    throw error;
  }
}
