/**
 * Restricts the threads of Deno's pool by Landlock, for a kernel that can't do that by itself (before Linux 7.0).
 *
 * A thread must make the call itself; only threads that it starts later inherit the restriction. The threads of the pool
 * exist already, and take their calls from one queue. So each one is first held in a call that waits. While all are held,
 * two more calls are queued: the restriction, and another one that waits. Then one thread is let go, and takes both.
 *
 * @module
 */
import { syscallError } from "../../failure.ts";
import { errno, internal } from "../../symbols.ts";
import { numbersIn } from "../../libc/process.ts";
import * as linux from "../constants.ts";
import { rawGlibc } from "../glibc.ts";

const { thread, glibc } = rawGlibc();

/** For `confine.ts`. */
export const rawPoolThreads = internal({ restrictPoolThreads });

/** The most threads that the pool has: `max_blocking_threads` in Deno's runtime. */
const POOL_SIZE = 32;
/** How long a thread may take until it makes a call, in milliseconds. */
const PATIENCE = 1_000;

/**
 * Restricts this thread, and then those of the pool. A thread that is in another call, such as the pending read of a
 * terminal, is not reached. If that call ends meanwhile, the thread may take what was meant for another one.
 *
 * @param restrictThis Restricts this thread; -1 and errno if it fails.
 * @returns What `restrictThis` returned.
 * @throws {Error} If descriptors run out, or a thread does not go on.
 */
function restrictPoolThreads(ruleset: number, restrictThis: () => number): number {
  const holds: Hold[] = [];
  try {
    for (let isFull = false; !isFull;) {
      const before = threadCount(), hold = new Hold();
      holds.push(hold);
      hold.start();
      const isExpected = holds.length <= POOL_SIZE || threadCount() > before;
      isFull = !hold.isEntered(isExpected ? PATIENCE : 0);
    }
    const result = restrictThis();
    if (result === -1 || holds.length === 1) return result;
    // The last hold is in the queue: the thread of the first one takes it, and comes last.
    let [free, ...others] = holds as [Hold, ...Hold[]];
    free.release();
    others.at(-1)!.mustBeEntered();
    for (const hold of others) {
      restrictNext(ruleset);
      free.start();
      hold.release();
      free.mustBeEntered();
      free = hold;
    }
    return result;
  } finally {
    for (const hold of holds) hold.close();
  }
}

/** The number of threads of this process; 0 without /proc. */
function threadCount(): number {
  return numbersIn("/proc/self/task")?.length ?? 0;
}

/** Restricts the next free thread of the pool. If that fails, the rejection ends the program. */
async function restrictNext(ruleset: number): Promise<void> {
  const result = await glibc("landlock_restrict_self_async")(linux.SYS_landlock_restrict_self, ruleset, 0);
  if (result !== 0) {
    throw new Error("Landlock does not confine all threads of Deno's pool: the program must end.");
  }
}

// linux/fcntl.h and asm-generic/poll.h
const F_SETPIPE_SZ = 1031, POLLIN = 1;

/** A call that keeps a thread of the pool waiting: it writes one byte more to a pipe than fits. */
class Hold {
  readonly #from: number;
  readonly #to: number;
  readonly #data: Uint8Array<ArrayBuffer>;
  #call: Promise<number> | undefined;
  #isEntered = false;

  constructor() {
    const ends = new Int32Array(2), pipe2 = glibc("pipe2"), fcntl = glibc("fcntl");
    const result = pipe2(ends, linux.O_CLOEXEC);
    if (result === -1) {
      thread.memcpy(errno, thread.errnoAt, 4n);
      throw syscallError("pipe2", {});
    }
    [this.#from, this.#to] = ends as unknown as [number, number];
    // As small as possible, which is a page; what it could not shrink still has the size that it reports.
    this.#data = new Uint8Array(fcntl(this.#to, F_SETPIPE_SZ, 1n) + 1);
  }

  start(): void {
    this.#isEntered = false;
    this.#call = glibc("write_async")(this.#to, this.#data, BigInt(this.#data.length));
  }

  /** Whether a thread is in the call, or comes to it in this time (in milliseconds). */
  isEntered(patience: number): boolean {
    // struct pollfd: fd, events and revents of 16 bits.
    return this.#isEntered = glibc("poll")(new Int32Array([this.#from, POLLIN]), 1n, patience) === 1;
  }

  mustBeEntered(): void {
    if (!this.isEntered(5 * PATIENCE)) throw new Error("A thread of Deno's pool does not go on.");
  }

  /** Lets the thread go, by reading what it writes. */
  release(): void {
    const read = glibc("read");
    for (let left = this.#data.length; left > 0;) left -= read(this.#from, this.#data, BigInt(left));
  }

  /** Lets the thread go, if there is one, and closes the pipe. */
  close(): void {
    const close = glibc("close");
    close(this.#from);
    // A call in the queue still needs its descriptor.
    if (this.#isEntered) close(this.#to);
    else this.#call?.then(() => close(this.#to));
  }
}
