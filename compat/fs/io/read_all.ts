import * as libc from "../../../ffi/libc/mod.ts";
import type { Bound } from "../whole/bound.ts";
import { rightsOf } from "../metadata/held.ts";
import { statOf } from "../metadata/stat.ts";

/** Bytes that are read before the size of the file is requested. */
const first = 16 * 1024;

/**
 * Reads everything; the caller makes the calls, synchronously or not. The generator yields a buffer to read into, takes
 * the number of bytes that were read (0 at the end), and returns all bytes. `rest` returns how many more to expect; it
 * is called only if there are more than a few. If there are more than `most`, it throws before it allocates for them.
 */
export function* readingAll(
  rest: () => number,
  most: Bound,
): Generator<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, number> {
  const more = new Uint8Array(first);
  let all = new Uint8Array(), used = 0, asked = false;
  for (;;) {
    if (used < all.length) {
      const count = yield all.subarray(used);
      if (count === 0) return all.slice(0, used);
      used += count;
      most.check(used);
      continue;
    }
    // All expected bytes are there: a small buffer is enough to find the end.
    const count = yield more;
    if (count === 0) return all;
    let expected = 0;
    if (!asked && count === more.length) {
      asked = true;
      expected = rest();
    }
    most.check(used + count + expected);
    const wanted = used + count + (expected || used);
    const grown = new Uint8Array(Math.max(used + count, Math.min(wanted, most.most + 1)));
    grown.set(all);
    grown.set(more.subarray(0, count), used);
    all = grown;
    used += count;
  }
}

/** The number of bytes from the offset of a file to its end; 0 if unknown. */
export function restOf(fd: number): number {
  const rights = rightsOf(fd);
  if (!rights.has("FSTAT") || !rights.has("SEEK")) return 0;
  const { isFile, size } = statOf(fd);
  return isFile ? Math.max(0, size - libc.lseek(fd, 0, libc.SEEK_CUR)) : 0;
}
