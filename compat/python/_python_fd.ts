import { shown } from "../../ffi/errors.ts";
import { descriptor, type FdLike } from "../../ffi/values.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { openBeneath } from "../fs/path/resolve.ts";

/** A descriptor as Python's functions take it: its number, or an object with `fileno()`; or one with `fd`. */
export type Fileno = FdLike | { fileno(): number };

/** Whether a value can only mean a descriptor; it may be a bad one. */
export function isFileno(value: unknown): value is Fileno {
  return typeof value === "number" ||
    typeof value === "object" && value !== null && ("fd" in value || hasFileno(value));
}

/**
 * The number of a descriptor.
 *
 * @throws {TypeError} If the value is not a descriptor.
 * @throws {RangeError} For a number that no descriptor has.
 * @throws {Deno.errors.BadResource} For a negative number, as the kernel says it, and for a closed file.
 */
export function fileno(fd: Fileno): number {
  const number = typeof fd === "object" && fd !== null && hasFileno(fd) ? fd.fileno() : fd;
  if (typeof number === "number" && number < 0 && Number.isInteger(number)) {
    const error = new Deno.errors.BadResource(
      `fd ${number} is negative, which no open descriptor is (EBADF).`,
    );
    throw Object.assign(error, { code: "EBADF", errno: libc.EBADF, fd: number });
  }
  return descriptor(number);
}

/** Opens a path beneath a directory, or with `AT_FDCWD` an ambient one; the descriptor is closed on exec. */
export function openIn(dir: Fileno, path: string, flags: number, mode: number): number {
  const bits = checkedFlags(flags) | libc.O_CLOEXEC;
  if (dir === libc.AT_FDCWD) return libc.openat(dir, path, bits, mode);
  // A Dir is passed on unchanged, because it knows whether the kernel confines it.
  const known = typeof dir === "object" && dir !== null && "fd" in dir;
  return openBeneath(known ? dir : fileno(dir), path, bits, mode);
}

/**
 * The flags of open(2), before anything is OR-ed to them: `|` takes anything that is not a number for 0.
 *
 * @throws {TypeError} If they are no number.
 * @throws {RangeError} If they are no C `int`.
 */
export function checkedFlags(flags: number): number {
  if (typeof flags !== "number") {
    throw new TypeError(`The flags are a number such as libc.O_RDONLY, not ${shown(flags)}.`);
  }
  if ((flags | 0) !== flags) throw new RangeError(`The flags are an integer of 32 bits, not ${flags}.`);
  return flags;
}

function hasFileno(value: object): value is { fileno(): number } {
  return "fileno" in value && typeof value.fileno === "function";
}
