/** Bytes that are read before anybody asks how many there are. */
const first = 16 * 1024;

/**
 * Reads everything, whoever makes the calls: it yields memory to read into, takes how many bytes were, 0 at the end, and
 * returns all of them. `rest` tells how many more to expect; it is asked for once there are more than a few.
 */
export function* readingAll(
  rest: () => number,
): Generator<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, number> {
  const more = new Uint8Array(first);
  let all = new Uint8Array(), used = 0, asked = false;
  for (;;) {
    if (used < all.length) {
      const count = yield all.subarray(used);
      if (count === 0) return all.slice(0, used);
      used += count;
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
    const grown = new Uint8Array(used + count + (expected || used));
    grown.set(all);
    grown.set(more.subarray(0, count), used);
    all = grown;
    used += count;
  }
}
