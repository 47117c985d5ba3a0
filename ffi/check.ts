/**
 * Arguments as C takes them. FFI converts loosely (-1.9 becomes -1 or 1, NaN becomes 0), so each is checked first.
 *
 * @module
 */
import { AT_FDCWD } from "./freebsd/constants.ts";
import { shown } from "./message.ts";

/**
 * A file descriptor: its number, or an object with a number, such as `FdFile`, `Dir` and, in Deno 2.9, the handles of
 * `node:fs`.
 *
 * In Deno 2.7, `fd` of `node:fs` is not a descriptor but an internal number of Deno.
 */
export type FdLike = number | { readonly fd: number };

/**
 * The number of a descriptor.
 *
 * @throws {TypeError} If the value is neither a number nor an object with `fd`.
 * @throws {RangeError} If no descriptor can have the number.
 * @throws {Deno.errors.BadResource} If the `FdFile` or `Dir` is closed.
 */
export function descriptor(fd: FdLike): number {
  const number = typeof fd === "object" && fd !== null ? fd.fd : fd;
  if (typeof number !== "number") {
    throw new TypeError(`A file descriptor is a number or an object with "fd", not ${shown(fd)}.`);
  }
  if (!(number >= 0 && number <= 0x7fffffff && Number.isInteger(number))) {
    throw new RangeError(`A file descriptor is an integer from 0 to 2147483647, not ${number}.`);
  }
  return number;
}

/** A descriptor, or `AT_FDCWD`. */
export function directory(fd: FdLike): number {
  return fd === AT_FDCWD ? AT_FDCWD : descriptor(fd);
}

/** A C `int`; `what` names it in the message. */
export function int(value: number, what: string): number {
  return integer(value, what, -0x80000000, 0x7fffffff);
}

/** A C `u_int`. */
export function unsigned(value: number, what: string): number {
  return integer(value, what, 0, 0xffffffff);
}

/** A `mode_t`. */
export function mode(value: number): number {
  return integer(value, "mode", 0, 0o177777);
}

/** An owner or group; -1 leaves it unchanged. */
export function owner(value: number, what: string): number {
  return value === -1 ? 0xffffffff : unsigned(value, what);
}

function integer(value: number, what: string, least: number, most: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`The ${what} is a number, not ${shown(value)}.`);
  }
  if (!(value >= least && value <= most && Number.isInteger(value))) {
    throw new RangeError(`The ${what} is an integer from ${least} to ${most}, not ${value}.`);
  }
  return value;
}

/** A C `off_t` or `long`. */
export function long(value: number | bigint, what: string): bigint {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`The ${what} is a number or a bigint, not ${shown(value)}.`);
  }
  if (typeof value === "number" ? !Number.isSafeInteger(value) : BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`The ${what} is an integer of 64 bits, as a number a safe one, not ${value}.`);
  }
  return BigInt(value);
}

/** The number of bytes of a buffer that a call may use: `count`, bounded by the buffer and by an `i32` result. */
export function length(buffer: Uint8Array, count: number | undefined): bigint {
  memory(buffer, 0);
  if (count === undefined) return BigInt(Math.min(buffer.length, 0x7fffffff));
  return BigInt(Math.min(integer(count, "count of the buffer's bytes", 0, buffer.length), 0x7fffffff));
}

/** A buffer of at least `least` bytes that the call reads or fills. */
export function memory(buffer: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  if (!(buffer instanceof Uint8Array)) {
    throw new TypeError(`A buffer is a Uint8Array, not ${shown(buffer)}.`);
  }
  if (buffer.length < least) {
    throw new RangeError(`The call needs a buffer of ${least} bytes, not of ${buffer.length}.`);
  }
  if (buffer.length === 0 && isGone(buffer)) {
    throw new TypeError(
      "The buffer's memory is gone: it was transferred, or shrank to less than the Uint8Array spans.",
    );
  }
  return buffer as Uint8Array<ArrayBuffer>;
}

/** FFI would treat such a buffer as empty. */
function isGone(buffer: Uint8Array): boolean {
  try {
    buffer.keys();
    return false;
  } catch {
    return true;
  }
}

/** Two `struct timespec`, or null for the current time. */
export function timespecs(times: Uint8Array | null): Uint8Array<ArrayBuffer> | null {
  return times === null ? null : memory(times, 32);
}

/** A set that must be passed: a missing one would count as the empty set, which removes everything permanently. */
export function given<T>(set: T, what: string): T {
  if (set === undefined) throw new TypeError(`The ${what} are undefined: to permit none, pass [].`);
  return set;
}
