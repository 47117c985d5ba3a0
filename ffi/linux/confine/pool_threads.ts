/**
 * Restricts the threads of Deno's thread pool by Landlock, on kernels before Linux 7.0, which cannot restrict all threads at once.
 *
 * Each thread must make the call itself; only threads that it starts later inherit the restriction. The pool's threads already
 * exist and take calls from one queue. So each thread is first held in a blocking call. While all are held, the restriction and
 * another blocking call are queued. Then one held thread is released, and makes both calls. This repeats for each thread.
 *
 * @module
 */
import { internal } from "../../symbols.ts";
import { numbersIn } from "../../libc/process.ts";
import * as linux from "../constants.ts";
import { rawGlibc } from "../glibc.ts";

const { glibc } = rawGlibc();

/** The restrictions of the pool's threads. A rejection that nothing handles ends the program. */
const restrictions: Promise<void>[] = [];

/** For `confine.ts`. */
export const rawPoolThreads = internal({ restrictPoolThreads, restrictions });

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
 * @throws {Error} If a thread does not continue.
 */
function restrictPoolThreads(ruleset: number, restrictThis: () => number): number {
  const holds: Hold[] = [];
  const hold = () => holds[holds.push(new Hold()) - 1]!;
  try {
    let last: Hold, isExpected: boolean;
    do {
      const before = holds.length < POOL_SIZE ? 0 : threadCount();
      last = hold();
      isExpected = holds.length <= POOL_SIZE || threadCount() > before;
    } while (last.isEntered(isExpected ? PATIENCE : 0));
    const result = restrictThis();
    if (result === -1 || holds.length === 1) return result;
    // The last hold is still queued: the thread of the first hold takes it, and is restricted last.
    const [first, ...others] = holds;
    first!.release();
    last.mustBeEntered();
    for (const held of others) {
      restrictions.push(restrictNext(ruleset));
      const next = hold();
      held.release();
      next.mustBeEntered();
    }
    return result;
  } finally {
    for (const hold of holds) hold.release();
  }
}

/** The number of threads of this process; 0 without /proc. */
function threadCount(): number {
  return numbersIn("/proc/self/task")?.length ?? 0;
}

/** Restricts the next free thread of the pool. */
async function restrictNext(ruleset: number): Promise<void> {
  const result = await glibc("landlock_restrict_self_async")(linux.SYS_landlock_restrict_self, ruleset, 0);
  if (result !== 0) {
    throw new Error("Landlock does not confine all threads of Deno's pool: the program must end.");
  }
}

// linux/futex.h, with FUTEX_PRIVATE_FLAG
const FUTEX_WAIT = 0 | 128, FUTEX_WAKE = 1 | 128, FUTEX_CMP_REQUEUE = 4 | 128;

/**
 * A call that keeps a thread of the pool waiting, in futex(2). A signal does not end it: Deno's handlers have SA_RESTART.
 *
 * To see whether a thread waits at the first word, this one moves it to the second. A signal moves it back to the first.
 */
class Hold {
  // Not on the heap of V8, which moves what is there.
  readonly #first = new Int32Array(new ArrayBuffer(8), 0, 1);
  readonly #second = new Int32Array(this.#first.buffer, 4, 1);

  constructor() {
    glibc("futex_async")(linux.SYS_futex, this.#first, FUTEX_WAIT, 0, 0n, null, 0);
  }

  /** Whether a thread is in the call, or enters it within this time (in milliseconds). */
  isEntered(patience: number): boolean {
    const futex = glibc("futex"), poll = glibc("poll"), start = performance.now();
    for (;;) {
      const moved = futex(linux.SYS_futex, this.#first, FUTEX_CMP_REQUEUE, 0, 1n, this.#second, 0);
      if (moved === 1) return true;
      const passed = performance.now() - start;
      if (passed >= patience) return false;
      // A thread usually comes at once.
      if (passed > 1) poll(null, 0n, 1);
    }
  }

  mustBeEntered(): void {
    if (!this.isEntered(5 * PATIENCE)) throw new Error("A thread of Deno's pool does not continue.");
  }

  /** Lets the thread go. If it comes only later, or again after a signal, it does not wait. */
  release(): void {
    const futex = glibc("futex");
    this.#first[0] = 1;
    for (const word of [this.#first, this.#second]) {
      futex(linux.SYS_futex, word, FUTEX_WAKE, 1, 0n, null, 0);
    }
  }
}
