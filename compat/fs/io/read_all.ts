import * as libc from "../../../ffi/libc/mod.ts";
import type { Bound } from "../whole/bound.ts";
import { rightsOf } from "../metadata/held.ts";
import { statOf } from "../metadata/stat.ts";

/** Bytes that are read before anybody asks how many there are. */
const first = 16 * 1024;

/**
 * Reads everything, whoever makes the calls: it yields memory to read into, takes how many bytes were, 0 at the end, and
 * returns all of them. `rest` tells how many more to expect; it is asked for once there are more than a few. If there are
 * more than `most`, it throws before it takes memory for them.
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
    // All that was expected is there: the end is found without memory for what does not come.
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

/** Bytes from the offset of a file to its end, 0 where that is not known. */
export function restOf(fd: number): number {
  const rights = rightsOf(fd);
  if (!rights.has("FSTAT") || !rights.has("SEEK")) return 0;
  const { isFile, size } = statOf(fd);
  return isFile ? Math.max(0, size - libc.lseek(fd, 0, libc.SEEK_CUR)) : 0;
}
