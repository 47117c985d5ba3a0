import type { FdFile } from "../file.ts";

/** Uses a file. An aborted signal closes the file, and the call rejects at once with the signal's reason. */
export async function untilAborted<T>(
  file: FdFile,
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
