/**
 * Restricts the threads of Deno's thread pool by Landlock, on kernels before Linux 7.0, which cannot restrict all threads at once.
 *
 * Each thread must make the call itself; only threads that it starts later inherit the restriction. The pool's threads already
 * exist and take calls from one queue. So each thread is first held in a blocking call. While all are held, the restriction and
 * another blocking call are queued. Then one held thread is released, and makes both calls. This repeats for each thread.
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

/** The size of the pool: `max_blocking_threads` in Deno's runtime. */
const POOL_SIZE = 32;
/** The time limit for a thread to start a call, in milliseconds. */
const PATIENCE = 1_000;

/**
 * Restricts this thread, and then those of the pool. A thread that is in another call, such as a pending read of a terminal, is
 * not reached. If such a call ends meanwhile, its thread may take a call that was meant for another thread.
 *
 * @param restrictThis Restricts this thread; returns -1 and sets errno if it fails.
 * @returns The result of `restrictThis`.
 * @throws {Error} If descriptors run out, or a thread does not continue.
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
    // The last hold is still queued: the thread of the first hold takes it, and is restricted last.
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

/** A call that holds a thread of the pool: it writes one byte more to a pipe than fits. */
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
    // The smallest pipe holds one page. F_SETPIPE_SZ returns the resulting size.
    this.#data = new Uint8Array(fcntl(this.#to, F_SETPIPE_SZ, 1n) + 1);
  }

  start(): void {
    this.#isEntered = false;
    this.#call = glibc("write_async")(this.#to, this.#data, BigInt(this.#data.length));
  }

  /** Whether a thread is in the call, or enters it within this time (in milliseconds). */
  isEntered(patience: number): boolean {
    // struct pollfd: fd, events and revents of 16 bits.
    return this.#isEntered = glibc("poll")(new Int32Array([this.#from, POLLIN]), 1n, patience) === 1;
  }

  mustBeEntered(): void {
    if (!this.isEntered(5 * PATIENCE)) throw new Error("A thread of Deno's pool does not continue.");
  }

  /** Releases the thread by reading what it writes. */
  release(): void {
    const read = glibc("read");
    for (let left = this.#data.length; left > 0;) left -= read(this.#from, this.#data, BigInt(left));
  }

  /** Releases the thread, if there is one, and closes the pipe. */
  close(): void {
    const close = glibc("close");
    close(this.#from);
    // A call in the queue still needs its descriptor.
    if (this.#isEntered) close(this.#to);
    else this.#call?.then(() => close(this.#to));
  }
}
