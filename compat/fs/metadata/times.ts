import { shown } from "../../../ffi/message.ts";

/**
 * Access and modification time as two `struct timespec`, with a precision of milliseconds as in `Deno.utime`.
 *
 * @throws {TypeError} If a time is neither a number of seconds nor a Date.
 * @throws {RangeError} If a time is not finite or not a valid Date, or lies in the last second before 1970.
 */
export function timespecs(atime: number | Date, mtime: number | Date): Uint8Array {
  const times = new BigInt64Array(4);
  [atime, mtime].forEach((time, i) => {
    const milliseconds = time instanceof Date ? time.getTime() : time;
    if (typeof milliseconds !== "number") {
      throw new TypeError(`A time is a number of seconds or a Date, not ${shown(time)}.`);
    }
    // Rounded, because 1.001 * 1000 is a little less than 1001.
    const whole = time instanceof Date ? milliseconds : Math.round(milliseconds * 1000);
    if (!Number.isSafeInteger(whole)) {
      throw new RangeError(`A time must be a valid Date or a finite number of seconds, not ${shown(time)}.`);
    }
    const seconds = Math.floor(whole / 1000);
    if (seconds === -1) {
      // VNOVAL of sys/vnode.h: the kernel would leave the time as it is and report success.
      throw new RangeError(
        "FreeBSD can't set a time in the last second before 1970: it stands for 'unchanged'.",
      );
    }
    times[i * 2] = BigInt(seconds);
    times[i * 2 + 1] = BigInt(whole - seconds * 1000) * 1_000_000n;
  });
  return new Uint8Array(times.buffer);
}
