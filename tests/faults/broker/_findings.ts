/**
 * What a program finds while it makes calls fail.
 *
 * @module
 */

export const findings = {
  wrong: [] as string[],
  /** The number of faults in this process, and in the second one. */
  here: 0,
  there: 0,
  /** The fault at present. */
  what: "",
};

/** Notes what is wrong after the fault at present. */
export function say(why: string): void {
  findings.wrong.push(`${why} | ${findings.what}`);
}

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  say(`unhandled: ${event.reason?.stack ?? event.reason}`);
});

/** Awaits something that must not take long. */
export async function within<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("hangs")), 60_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface Outcome {
  result?: unknown;
  error?: unknown;
}

export async function outcome(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { result: await within(call()) };
  } catch (error) {
    if (String(error).includes("hangs")) throw error;
    return { error };
  }
}

/** Whether the broker has ended because of a call, and not because of a wrong message. */
export function hasEnded({ error }: Outcome): boolean {
  return error instanceof Deno.errors.BrokenPipe &&
    /has ended, or its connection is broken/.test(error.message) && !(error.cause instanceof TypeError);
}

/** The increase of a number, once closing has ended. */
export async function growth(count: () => number, before: number): Promise<number> {
  for (let tries = 0;; tries++) {
    const more = count() - before;
    if (more <= 0 || tries === 100) return more;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
