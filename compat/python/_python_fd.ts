import { shown } from "../../ffi/errors.ts";
import { descriptor, type FdLike } from "../../ffi/values.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { openBeneath } from "../fs/path/resolve.ts";

/** A descriptor, as functions accept it: its number, an object with `fileno()`, as in Python, or one with `fd`. */
export type Fileno = FdLike | { fileno(): number };

/** Whether a value stands for a descriptor, open or not. */
export function isFileno(value: unknown): value is Fileno {
  return typeof value === "number" ||
    typeof value === "object" && value !== null && ("fd" in value || hasFileno(value));
}

/**
 * The number of a descriptor.
 *
 * @throws {TypeError} If the value is not a descriptor.
 * @throws {RangeError} If the number is too large for a descriptor.
 * @throws {Deno.errors.BadResource} If the number is negative (EBADF, as from the kernel), or the file is closed.
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

/** Opens a path beneath a directory, or an ambient path with `AT_FDCWD`. The descriptor is closed on exec. */
export function openIn(dir: Fileno, path: string, flags: number, mode: number): number {
  const bits = checkedFlags(flags) | libc.O_CLOEXEC;
  if (dir === libc.AT_FDCWD) return libc.openat(dir, path, bits, mode);
  // A Dir is passed on unchanged, because it knows whether the kernel confines it.
  const known = typeof dir === "object" && dir !== null && "fd" in dir;
  return openBeneath(known ? dir : fileno(dir), path, bits, mode);
}

/**
 * Checks the flags of open(2) before others are OR-ed to them, because `|` would read any other value as 0.
 *
 * @throws {TypeError} If they are not a number.
 * @throws {RangeError} If they are not an integer of 32 bits.
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
