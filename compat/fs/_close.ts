import * as libc from "../../ffi/libc/mod.ts";

/** Closes all of the descriptors, also where closing one of them fails, and throws the first failure. */
export function closeAll(fds: Iterable<number>): void {
  const failures: unknown[] = [];
  for (const fd of fds) {
    try {
      libc.close(fd);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Closes directories that were only passed on the way to something.
 *
 * What close(2) says of them concerns nobody, and thrown it would take the place of what was found, an open descriptor too.
 */
export function closePassed(fds: Iterable<number>): void {
  try {
    closeAll(fds);
  } catch {
    // As said.
  }
}
