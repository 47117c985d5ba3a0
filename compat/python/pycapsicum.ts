/**
 * The API of pycapsicum, for programs that are ported line by line.
 *
 * The functions of the main module accept the files and descriptors that it opens. `import pycapsicum as p` becomes
 * `import * as p`, and `with` becomes `using`. A `CapRights` is made with or without `new`.
 *
 * ## Names
 *
 * | Python                          | here                              | main module                                       |
 * | ------------------------------- | --------------------------------- | ------------------------------------------------- |
 * | `p.enter()`                     | `p.enter()`                       | `enter()`                                         |
 * | `p.sandboxed()`                 | `p.sandboxed()`                   | `sandboxed()`                                     |
 * | `p.getmode()`                   | `p.getmode()`                     | `getMode()`                                       |
 * | `p.ioctls_limit(fd, cmdlist)`   | `p.ioctls_limit(fd, cmdlist)`     | `limitIoctls(fd, ioctls)`                         |
 * | `p.ioctls_get(fd)`              | `p.ioctls_get(fd)`                | `getIoctls(fd)`                                   |
 * | `p.fcntls_limit(fd, rights)`    | `p.fcntls_limit(fd, rights)`      | `limitFcntls(fd, fcntls)`                         |
 * | `p.fcntls_get(fd)`              | `p.fcntls_get(fd)`                | `getFcntls(fd)`                                   |
 * | `p.CAP_FCNTL_GETFL`, `CAP_FCNTL_SETFL`, `CAP_FCNTL_GETOWN`, `CAP_FCNTL_SETOWN`, `CAP_FCNTL_ALL` | the same                          | `Fcntl.GETFL`, ..., `Fcntls.ALL`                  |
 * | `p.openat(fd, path, flags)`     | `p.openat(fd, path, flags, mode)` | `dir.openSync(path, options)`, `openAtSync()`     |
 * | `p.opendir(path, flags)`        | `p.opendir(path, flags)`          | `openDirSync(path)`                               |
 * | `p.CapsicumError`               | `p.CapsicumError`                 | `CapsicumError`                                   |
 * | `p.Caps.CAP_READ`               | `p.Caps.CAP_READ`                 | `Right.READ`                                      |
 * | `p.CapsName.CAP_READ`           | `p.CapsName.CAP_READ`             | the name `"READ"`                                 |
 * | `p.CapRights(caps)`             | `p.CapRights(caps)`               | `new Rights(names)`, which does not change        |
 * | `CapRights.caps`                | `CapRights.caps`                  | `rights.names()`                                  |
 * | `CapRights.cr`                  | `CapRights.cr`                    | the `Rights` itself                               |
 * | `CapRights.set(caplist)`        | `CapRights.set(caplist)`          | `rights.union(names)`                             |
 * | `CapRights.clear(caplist)`      | `CapRights.clear(caplist)`        | `rights.difference(names)`                        |
 * | `CapRights.is_set(caplist)`     | `CapRights.is_set(caplist)`       | `rights.has(name)`, `rights.isSupersetOf(names)`  |
 * | `CapRights.is_valid()`          | `CapRights.is_valid(release)`     | `rights.isValid(release)`                         |
 * | `CapRights.merge(other)`        | `CapRights.merge(other)`          | `rights.union(other)`                             |
 * | `CapRights.remove(other)`       | `CapRights.remove(other)`         | `rights.difference(other)`                        |
 * | `CapRights.contains(other)`     | `CapRights.contains(other)`       | `rights.isSupersetOf(other)`                      |
 * | `CapRights.limit(fd)`           | `CapRights.limit(fd)`             | `limit(fd, rights)`, `file.limit(rights)`         |
 * | `CapRights.get(fd)`             | `CapRights.get(fd)`               | `getRights(fd)`                                   |
 *
 * ## What differs, and why
 *
 * - Every failure throws an error with its errno. In pycapsicum a `CapsicumError` has no errno, `ioctls_limit()` hides
 *   failures, `ioctls_get()` and `fcntls_get()` return the errno among the results, `opendir()` returns -1, and `openat()`
 *   always reports EBADF. A `CapsicumError` is thrown only if Deno has no class for the errno, such as for ENOTCAPABLE: catch
 *   every error where Python catches `CapsicumError`.
 * - `is_set()` checks all of the names, as documented; pycapsicum checks one of them. Without names it is true, as in C.
 * - `set()`, `clear()` and the constructor accept every name; pycapsicum ignores `CAP_SEEK` in a list with `CAP_SEEK_TELL`.
 *   They also accept values of `Caps`. An unknown name is a `RangeError`, in Python a KeyError.
 * - `caps` has the order of the header and leaves out rights that another name contains. In pycapsicum it has no order,
 *   `CAP_SEEK_TELL` is listed with `CAP_PREAD`, and `CAP_SEEK` alone is listed as `CAP_SEEK_TELL`.
 * - `CAP_LINKAT` and `CAP_RENAMEAT` are unknown. Since FreeBSD 11 the source and the target of link(2) and rename(2) have a
 *   right each, such as `CAP_LINKAT_SOURCE` and `CAP_LINKAT_TARGET`: choose between them.
 * - `merge()` and `remove()` accept a right that the system does not know, where C aborts; `is_valid()` then returns false.
 * - `is_valid()` checks against the running kernel, not against the header at build time. It also accepts a release.
 * - `openat()` returns a file that can do what the flags say; in pycapsicum it can only be read. It is closed on exec. Text
 *   is UTF-8. `./pycapsicumcffi` lists further differences of files and paths: paths stay beneath the directory, writes are
 *   not delayed, and a closed file throws `Deno.errors.BadResource`.
 * - `openat()` has a `mode` for a file that it creates, which pycapsicum leaves undefined. It accepts any descriptor, not
 *   only a number.
 * - `opendir()` opens only directories, and only for reading, whatever the flags: the kernel opens no directory for writing
 *   (EISDIR), so in pycapsicum "w" and "rw" return -1. Files in the directory can still be written.
 * - `ioctls_get()` returns each request as it was set; pycapsicum returns a negative number for one above 0x7fffffff. For a
 *   descriptor without a limit it returns no list, where pycapsicum returns 256 zeros. A list may have 256 requests, not only
 *   255. An element that is not a number throws, where pycapsicum leaves it out.
 *
 * @example The demo of its README, over /dev, which exists on every system
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   // The descriptor of the directory that the file is opened in.
 *   const t = p.opendir("/dev", "rw");
 *
 *   p.enter();
 *   assert(p.sandboxed());
 *
 *   // A set of rights.
 *   const a = p.CapRights();
 *   assertEquals(a.caps, []);
 *
 *   // A file in the directory, with the methods of Python's file objects.
 *   using x = p.openat(t, "null", "rw");
 *   assertEquals(x.readlines(), []);
 *
 *   // The rights of the file.
 *   a.get(x);
 *   assert(a.is_set(["CAP_READ", "CAP_WRITE"]));
 *
 *   // A set of one right, to which the file is limited.
 *   const b = p.CapRights(["CAP_READ"]);
 *   b.limit(x);
 *   a.get(x);
 *   assertEquals(a.caps, ["CAP_READ"]);
 *   libc.close(t);
 * }
 * ```
 *
 * @module
 */
import { shown } from "../../ffi/errors.ts";
import { getMode } from "../../ffi/capsicum/capability.ts";
import * as libc from "../../ffi/libc/mod.ts";
import * as limits from "../../ffi/capsicum/capability.ts";
import { checkedFlags, type Fileno, fileno, openIn } from "./_python_fd.ts";
import { fdopen, type PythonFile } from "./python_file.ts";

export { enter, sandboxed } from "../../ffi/capsicum/capability.ts";
export { CapsicumError } from "../../ffi/errors.ts";
export {
  CAP_FCNTL_ALL,
  CAP_FCNTL_GETFL,
  CAP_FCNTL_GETOWN,
  CAP_FCNTL_SETFL,
  CAP_FCNTL_SETOWN,
} from "../../ffi/libc/mod.ts";
export type { Callable } from "./_callable.ts";
export type { Fileno } from "./_python_fd.ts";
export { type CapList, type CapName, CapRights, Caps, CapsName } from "./cap_rights.ts";
export type { PythonFile } from "./python_file.ts";

/** How `openat` and `opendir` open: for reading, for writing, for both, or with `O_*` of the main module's `libc`. */
export type Flags = "r" | "w" | "rw" | number;

const access = { r: libc.O_RDONLY, w: libc.O_WRONLY, rw: libc.O_RDWR };

/**
 * Returns 1 in capability mode and 0 outside of it. Unlike `sandboxed()` it throws on a system without Capsicum.
 *
 * Stands for cap_getmode(2). Requires `--allow-ffi` permission.
 *
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD, or its kernel has no Capsicum.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Limits a descriptor to a list of at most 256 ioctl(2) requests, permanently. These requests also need the right IOCTL.
 *
 * Stands for cap_ioctls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If there are more than 256 requests, or one does not fit in 32 bits.
 * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE if one of them was not permitted before.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Returns the number and the list of the ioctl(2) requests that a descriptor is limited to, or
 * `[libc.CAP_IOCTLS_ALL, []]` for a descriptor without a limit.
 *
 * Stands for cap_ioctls_get(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the argument has the wrong type.
 * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Limits a descriptor to a mask of `CAP_FCNTL_*`, permanently. These fcntls also need the right FCNTL.
 *
 * Stands for cap_fcntls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If the mask has other bits.
 * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE if one of them was not permitted before.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Returns the mask of `CAP_FCNTL_*` that a descriptor is limited to, and 0. In pycapsicum the second number is the errno
 * of a failure, which is thrown here.
 *
 * Stands for cap_fcntls_get(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the argument has the wrong type.
 * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Opens a path beneath a directory and returns a file object in text mode: "r", "w" or "r+", depending on the flags. The
 * file has the rights of the directory. A new file gets the permission bits of `mode`.
 *
 * Stands for openat(2). Needs LOOKUP and, depending on the flags, READ, WRITE, SEEK, CREATE and FTRUNCATE.
 * Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type, or the path is empty or has a NUL.
 * @throws {RangeError} If the flags are another string, or a number is out of range for its C type.
 * @throws {Deno.errors.BadResource} If the descriptor of the directory is negative or not open (EBADF).
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {CapsicumError} ENOTCAPABLE if a right is missing or the path leaves the directory.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD or Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Opens a directory by an ambient path, before `enter()`, and returns the number of the descriptor. It is closed on
 * exec, and the caller closes it by `libc.close()`.
 *
 * The directory is opened for reading with any flags, because a directory can't be opened for writing. Files in it can
 * be written if the descriptor has the rights, as it does until it is limited.
 *
 * Stands for open(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type, or the path is empty or has a NUL.
 * @throws {RangeError} If the flags are another string, or a number is out of range for its C type.
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {Deno.errors.NotADirectory} If it is not a directory.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD or Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
  throw new RangeError(`The flags are "r", "w", "rw" or a number, not ${shown(flags)}.`);
}
