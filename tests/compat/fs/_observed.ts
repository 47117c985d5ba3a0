/**
 * Observes what other processes can see between any two system calls of the library.
 *
 * @module
 */
import { rawCalls } from "../../../ffi/system.ts";
import type { Name } from "../../../ffi/symbols.ts";

const { bound, bind } = rawCalls();

const changing = [
  ...["openat", "close", "write", "ftruncate", "fchmod", "fchown", "mkdirat", "fchmodat"] as const,
  ...["renameat", "renameat2", "linkat", "unlinkat", "symlinkat", "fsync"] as const,
] satisfies Name[];

/** Runs `use`, and `observe` after each successful system call that may have changed something; returns their number. */
export async function observed(observe: (call: string) => void, use: () => unknown): Promise<number> {
  const functions = bound as Record<string, ((...args: unknown[]) => unknown) | undefined>;
  const before = changing.map((name) => functions[name] ?? bind(name) as (...args: unknown[]) => unknown);
  let count = 0;
  for (const [i, name] of changing.entries()) {
    functions[name] = (...args) => {
      const result = before[i]!(...args);
      // After a failed call, errno must be read first.
      if (result !== -1) {
        count++;
        observe(name);
      }
      return result;
    };
  }
  try {
    await use();
  } finally {
    for (const [i, name] of changing.entries()) functions[name] = before[i];
  }
  return count;
}
