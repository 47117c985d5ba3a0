/**
 * pycapsicum. TODO
 *
 * @module
 */
import { getMode } from "../../ffi/capability_mode.ts";
import * as libc from "../../ffi/libc.ts";
import * as limits from "../../ffi/limits.ts";
import { checkedFlags, type Fileno, fileno, openIn } from "./_descriptor.ts";
import { fdopen, type PythonFile } from "./python_file.ts";

export { enter, sandboxed } from "../../ffi/capability_mode.ts";
export { CapsicumError } from "../../ffi/errors.ts";
export {
  CAP_FCNTL_ALL,
  CAP_FCNTL_GETFL,
  CAP_FCNTL_GETOWN,
  CAP_FCNTL_SETFL,
  CAP_FCNTL_SETOWN,
} from "../../ffi/libc.ts";
export type { Fileno } from "./_descriptor.ts";
export { type CapList, type CapName, CapRights, Caps, CapsName } from "./cap_rights.ts";
export type { PythonFile } from "./python_file.ts";

/** How `openat` and `opendir` open: to read, to write, for both, or by `O_*` of the main module's `libc`. */
export type Flags = "r" | "w" | "rw" | number;

const access = { r: libc.O_RDONLY, w: libc.O_WRONLY, rw: libc.O_RDWR };

/**
 * 1 in capability mode and 0 outside of it. Unlike `sandboxed()` it throws where that can't be known.
 *
 * Stands for cap_getmode(2). Requires `--allow-ffi` permission.
 *
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD, or its kernel has no Capsicum.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported } from "jsr:@capsicum/capsicum";
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) assertEquals(p.getmode(), 0);
 * ```
 */
export function getmode(): number {
  return Number(getMode());
}

/**
 * Limits a descriptor to a list of at most 256 ioctl(2) requests, for good. They also need the right IOCTL.
 *
 * Stands for cap_ioctls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When there are more than 256, or one is not of 32 bits.
 * @throws {Deno.errors.BadResource} When the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when one was not permitted before.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { Ioctl, isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   p.ioctls_limit(file, [Ioctl.FIONREAD]);
 *   assertEquals(p.ioctls_get(file), [1, [Number(Ioctl.FIONREAD)]]);
 * }
 * ```
 */
export function ioctls_limit(fd: Fileno, cmdlist: Iterable<number | bigint>): void {
  limits.limitIoctls(fileno(fd), cmdlist);
}

/**
 * How many ioctl(2) requests a descriptor is limited to, and these; `[libc.CAP_IOCTLS_ALL, []]` where it is not.
 *
 * Stands for cap_ioctls_get(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When the argument has the wrong type.
 * @throws {Deno.errors.BadResource} When the descriptor is negative or not open (EBADF).
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(p.ioctls_get(file), [libc.CAP_IOCTLS_ALL, []]);
 * }
 * ```
 */
export function ioctls_get(fd: Fileno): [count: number, cmdlist: number[]] {
  const ioctls = limits.getIoctls(fileno(fd));
  return ioctls.isUnlimited ? [libc.CAP_IOCTLS_ALL, []] : [ioctls.size, Array.from(ioctls, Number)];
}

/**
 * Limits a descriptor to a mask of `CAP_FCNTL_*`, for good. They also need the right FCNTL.
 *
 * Stands for cap_fcntls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When the mask has a bit that is no `CAP_FCNTL_*`.
 * @throws {Deno.errors.BadResource} When the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when one was not permitted before.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   p.fcntls_limit(file, p.CAP_FCNTL_GETFL | p.CAP_FCNTL_GETOWN);
 *   assertEquals(p.fcntls_get(file), [0x28, 0]);
 * }
 * ```
 */
export function fcntls_limit(fd: Fileno, rights: number): void {
  libc.cap_fcntls_limit(fileno(fd), rights);
}

/**
 * The mask of `CAP_FCNTL_*` that a descriptor is limited to, and 0, where pycapsicum has the errno of a failure.
 *
 * Stands for cap_fcntls_get(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When the argument has the wrong type.
 * @throws {Deno.errors.BadResource} When the descriptor is negative or not open (EBADF).
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(p.fcntls_get(file), [p.CAP_FCNTL_ALL, 0]);
 * }
 * ```
 */
export function fcntls_get(fd: Fileno): [rights: number, errno: 0] {
  return [limits.getFcntls(fileno(fd)).toMask(), 0];
}

/**
 * Opens a path beneath a directory, as a file of Python's in text mode: "r", "w" or "r+" by the flags. It has the rights
 * of the directory. What it makes has the permission bits of `mode`, 0o666 by default.
 *
 * Stands for openat(2); needs LOOKUP, and by the flags READ, WRITE, SEEK, CREATE, FTRUNCATE. Requires `--allow-ffi`
 * permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or the path is empty or has a NUL.
 * @throws {RangeError} When the flags are another string, or a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the directory is negative or not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD or Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * const dev = p.opendir("/dev", "r");
 * using file = p.openat(dev, "null", "rw");
 * assertEquals(file.readlines(), []);
 * libc.close(dev);
 * ```
 */
export function openat(fd: Fileno, path: string, flags: Flags, mode = 0o666): PythonFile<string> {
  const bits = flagsOf(flags), how = bits & libc.O_ACCMODE;
  return fdopen(openIn(fd, path, bits, mode), how === libc.O_RDWR ? "r+" : how === libc.O_WRONLY ? "w" : "r");
}

/**
 * Opens a directory by an ambient path, before `enter()`, and gives the number of the descriptor, which is closed on
 * exec and which the caller closes by `libc.close()`.
 *
 * Whatever the flags, the directory itself is opened to read, which is how a directory is opened: that a file in it can
 * be written is up to the rights of the descriptor, which are all until it is limited.
 *
 * Stands for open(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or the path is empty or has a NUL.
 * @throws {RangeError} When the flags are another string, or a number is none that C's type takes.
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {Deno.errors.NotADirectory} When it is not a directory.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD or Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { libc } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * const dev = p.opendir("/dev", "rw");
 * assert(dev > 2);
 * libc.close(dev);
 * ```
 */
export function opendir(path: string, flags: Flags): number {
  return openIn(libc.AT_FDCWD, path, flagsOf(flags) & ~libc.O_ACCMODE | libc.O_DIRECTORY, 0);
}

function flagsOf(flags: Flags): number {
  if (typeof flags !== "string") return checkedFlags(flags);
  if (Object.hasOwn(access, flags)) return access[flags];
  throw new RangeError(`The flags are "r", "w", "rw" or a number, not ${JSON.stringify(flags)}.`);
}
