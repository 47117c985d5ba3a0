/**
 * The API of pycapsicumcffi, Python's module `cap`, for programs that are ported line by line.
 *
 * Its sets are the main module's `Rights`, `Fcntls` and `Ioctls`, whose functions accept the files and descriptors that it
 * opens. `import cap` becomes `import * as cap`. A set `{a, b}` becomes a list `[a, b]`, `with` becomes `using`, and
 * keyword arguments become an object at the end. Sets are made with or without `new`.
 *
 * **`enter()` fails open, as the Python library documents it**: on a system without Capsicum it returns, the process stays
 * unprotected, and only `sandboxed()` reports it. The main module's `enter()` throws.
 *
 * ## Names
 *
 * | Python                                       | here                                           | main module                                      |
 * | -------------------------------------------- | ---------------------------------------------- | ------------------------------------------------ |
 * | `cap.enter()`                                | `cap.enter()`                                  | `enter()`                                        |
 * | `cap.sandboxed()`                            | `cap.sandboxed()`                              | `sandboxed()`                                    |
 * | `cap.openat(fd, path, flags, mode)`          | `cap.openat(fd, path, flags, mode)`            | `dir.openSync(path, options)`, `openAtSync()`    |
 * | `cap.compat33.open(path, flags, mode)`       | `cap.compat33.open(path, flags, mode)`         | `openSync(path, options)`, `openDirSync(path)`   |
 * | `cap.compat33.open(path, flags, dir_fd=fd)`  | `cap.compat33.open(path, flags, {dir_fd: fd})` | `dir.openSync(path, options)`, `openAtSync()`    |
 * | `cap.compat33.listdir(path)`                 | `cap.compat33.listdir(path)`                   | `listDirSync(path)`, `dir.listSync()`            |
 * | `os.fdopen(fd, mode)`                        | `cap.fdopen(fd, mode)`                         | `FdFile.fromFd(fd)`                              |
 * | `os.O_RDWR` and others, `os.close(fd)`       | `libc.O_RDWR`, `libc.close(fd)`                | `libc.O_RDWR`, `libc.close(fd)`                  |
 * | `cap.AT_FDCWD`, `cap.O_CLOEXEC`              | `cap.AT_FDCWD`, `cap.O_CLOEXEC`                | `libc.AT_FDCWD`, `libc.O_CLOEXEC`                |
 * | `cap.ENOTCAPABLE`, `cap.ECAPMODE`            | `cap.ENOTCAPABLE`, `cap.ECAPMODE`              | `isNotCapable(error)`, `isCapModeViolation(error)` |
 * | `cap.READ`, `cap.WRITE`, ...                 | `cap.READ`, `cap.WRITE`, ...                   | `Right.READ`, or its name `"READ"`               |
 * | `cap.Rights({cap.READ})`                     | `cap.Rights([cap.READ])`                       | `new Rights(["READ"])`                           |
 * | `cap.Rights(fd)`                             | `cap.Rights(fd)`                               | `getRights(fd)`                                  |
 * | `cap.right.READ`                             | `cap.right.READ`                               | `new Rights(["READ"])`                           |
 * | `cap.right.NONE`, `cap.right.ALL`            | `cap.right.NONE`, `cap.right.ALL`              | `Rights.NONE`, `Rights.all(release)`             |
 * | `cap.limit(fd, rights)`                      | `cap.limit(fd, rights)`                        | `limit(fd, rights)`, `file.limit(rights)`        |
 * | `cap.fcntl.GETFL`, `SETFL`, `GETOWN`, `SETOWN`, `ALL` | `cap.fcntl.GETFL`, ...                         | `Fcntl.GETFL`, ..., `Fcntls.ALL`                 |
 * | `cap.Fcntls({cap.fcntl.GETFL})`              | `cap.Fcntls([cap.fcntl.GETFL])`                | `new Fcntls(["GETFL"])`                          |
 * | `cap.Fcntls(fd)`                             | `cap.Fcntls(fd)`                               | `getFcntls(fd)`                                  |
 * | `cap.fcntls_limit(fd, fcntls)`               | `cap.fcntls_limit(fd, fcntls)`                 | `limitFcntls(fd, fcntls)`                        |
 * | `cap.Ioctls({termios.FIONREAD})`             | `cap.Ioctls([Ioctl.FIONREAD])`                 | `new Ioctls([Ioctl.FIONREAD])`                   |
 * | `cap.Ioctls(fd)`                             | `cap.Ioctls(fd)`                               | `getIoctls(fd)`                                  |
 * | `cap.ioctls_limit(fd, ioctls)`               | `cap.ioctls_limit(fd, ioctls)`                 | `limitIoctls(fd, ioctls)`                        |
 * | `file.read()`, `readline()`, `readlines()`   | the same of `PythonFile`                       | `file.readAllSync()`, `file.linesSync()`         |
 * | `file.write()`, `seek()`, `tell()`           | the same of `PythonFile`                       | `file.writeAllSync()`, `file.seekSync()`         |
 * | `file.fileno()`, `close()`, `flush()`        | the same of `PythonFile`                       | `file.fd`, `file.close()`                        |
 *
 * ## What differs, and why
 *
 * - An OSError is Deno's class for the errno, such as `Deno.errors.BadResource` for EBADF, or a `CapsicumError`. It has
 *   `errno`, and the name of the errno in `code`.
 * - A value that is not a right throws a `TypeError` or a `RangeError`, where Python's C code aborts the process. So does
 *   `cap.right` with an unknown name, where Python throws AttributeError. Rights are bigints, because a number cannot hold
 *   64 bits.
 * - `cap.READ` and the other rights are those of FreeBSD 15 on every release. Python has the rights of the system that it
 *   was built on. A limit with a right that the kernel does not know is EINVAL. Macros of the header that are not rights
 *   are left out.
 * - A copy of a set is equal to it, but may be another object: compare with `equals()`. Python has no comparison.
 * - A sum of `cap.fcntl` values means the same as the list; in Python it is a ValueError.
 * - Every function accepts an object with `fileno()`, as documented; in Python the functions that limit accept only numbers.
 * - The functions that limit also accept a list instead of a set; in Python that is an AttributeError. `Rights(file)`,
 *   `Fcntls(file)` and `Ioctls(file)` do not read the file; Python first reads a text file to its end.
 * - `ioctls_limit()` with the unlimited set throws for a descriptor that is limited. In Python it silently does nothing. A
 *   set has at most 256 requests, the maximum of the kernel.
 * - With a directory, `openat()` and `open()` refuse a path that leaves it, also before `enter()`, so a port fails early.
 *   If the directory is given as a number, a path of several components needs READ, because it is not known whether the
 *   kernel confines the directory. A `Dir` does not need READ for this.
 * - A file needs neither FSTAT nor FCNTL, which Python's `os.fdopen()` needs. A directory is refused when it is read.
 * - A file writes at once and `flush()` does nothing, because JavaScript does not close files that the program forgets.
 *   `write()` throws the error of a write.
 * - A text file writes at the position of its reader; Python writes after the part that it has read ahead. `tell()` also
 *   works in a loop over lines. Bytes that are not UTF-8 throw when they are read; Python may throw earlier.
 * - A closed file, or one whose mode does not permit the call, throws `Deno.errors.BadResource`, as `Deno.FsFile` does.
 *   Python throws ValueError and UnsupportedOperation. Text is UTF-8; in Python it depends on the locale.
 * - `compat33` always exists; Python has it up to 3.2, and `os` from 3.3 on. `listdir()` of a descriptor needs READ, as in
 *   Python. With LOOKUP it opens the directory again, and with SEEK it rewinds it, so a second call returns the same; Python
 *   returns nothing. Without both rights a second call throws. Bytes of a name that are not UTF-8 become U+DC80 to U+DCFF,
 *   as in Python 3.
 *
 * @example The demo of its README, over /dev, which exists on every system
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assert, assertEquals, assertThrows } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   // open() and listdir() with descriptors of directories, which Deno does not have.
 *   const { open, listdir } = cap.compat33;
 *
 *   // The descriptor of the directory that the files are opened in.
 *   const t = open("/dev", libc.O_RDONLY);
 *
 *   cap.enter();
 *   assert(cap.sandboxed());
 *
 *   // A set of no rights.
 *   let a = cap.Rights();
 *   assert(a.isEmpty);
 *
 *   // openat(2), and a file object over its descriptor.
 *   const x = open("null", libc.O_RDWR, { dir_fd: t });
 *   using y = cap.fdopen(x, "r+");
 *   // The same in one call.
 *   using z = cap.openat(t, "null", libc.O_RDWR);
 *   assertEquals([y.readlines(), z.readlines()], [[], []]);
 *
 *   // The rights of a descriptor, and of a file.
 *   a = cap.Rights(x);
 *   const b = cap.Rights(y);
 *   assert(a.equals(b));
 *
 *   // A set of one right, in two ways.
 *   const c = cap.Rights([cap.READ]);
 *   const d = cap.right.READ;
 *   assert(c.equals(d));
 *
 *   // From now on x can only be read.
 *   cap.limit(x, c);
 *   assertThrows(() => y.write("text"), Error, "missing WRITE");
 *   assert(listdir(t).includes("null"));
 *   libc.close(t);
 * }
 * ```
 *
 * @module
 */
import { enter as enterOrThrow, isWithoutCapsicum } from "../../ffi/capsicum/capability.ts";
import * as libc from "../../ffi/libc/mod.ts";
import * as limits from "../../ffi/capsicum/capability.ts";
import type { FcntlsLike } from "../../rights/fcntls.ts";
import type { IoctlsLike } from "../../rights/ioctls.ts";
import type { RightsLike } from "../../rights/rights.ts";
import { type Fileno, fileno, openIn } from "./_python_fd.ts";
import { fdopen, type PythonFile } from "./python_file.ts";

export { sandboxed } from "../../ffi/capsicum/capability.ts";
export { AT_FDCWD, ECAPMODE, ENOTCAPABLE, O_CLOEXEC } from "../../ffi/libc/mod.ts";
export type { Callable } from "./_callable.ts";
export { compat33, type OpenKeywords } from "./compat33.ts";
export type { Fileno } from "./_python_fd.ts";
export { fdopen, PythonFile } from "./python_file.ts";
export * from "./right_constants.ts";
export * from "./sets.ts";

/**
 * Enters capability mode, or does nothing on another system or on a kernel without Capsicum (ENOSYS). Call `sandboxed()`
 * afterwards, or use the main module's `enter()`, which throws there.
 *
 * Stands for cap_enter(2). Requires `--allow-ffi` permission on FreeBSD.
 *
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing on FreeBSD.
 *
 * @example
 * ```ts
 * import { isSupported } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * cap.enter();
 * assertEquals(cap.sandboxed(), isSupported());
 * ```
 */
export function enter(): void {
  try {
    enterOrThrow();
  } catch (error) {
    if (!isWithoutCapsicum(error)) throw error;
  }
}

/**
 * Limits a descriptor to a set of rights, permanently.
 *
 * Stands for cap_rights_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If a right is unknown.
 * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE if it does not hold all of the rights.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   cap.limit(file, cap.right.READ);
 *   assertEquals(cap.Rights(file).names(), ["READ"]);
 * }
 * ```
 */
export function limit(fd: Fileno, rights: RightsLike): void {
  limits.limit(fileno(fd), rights);
}

/**
 * Limits a descriptor to a set of fcntl(2) commands, permanently. These commands also need the right FCNTL.
 *
 * Stands for cap_fcntls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If an fcntl is unknown.
 * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE if one of them was not permitted before.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   cap.fcntls_limit(file, cap.Fcntls());
 *   assert(cap.Fcntls(file).isEmpty);
 * }
 * ```
 */
export function fcntls_limit(fd: Fileno, fcntls: FcntlsLike): void {
  limits.limitFcntls(fileno(fd), fcntls);
}

/**
 * Limits a descriptor to a set of at most 256 ioctl(2) requests, permanently. These requests also need the right IOCTL.
 *
 * Stands for cap_ioctls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If there are more than 256 requests, or one does not fit in 32 bits, or if the set is unlimited and
 * the descriptor is already limited.
 * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE if one of them was not permitted before.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { Ioctl, isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   cap.ioctls_limit(file, cap.Ioctls([Ioctl.FIONREAD]));
 *   assertEquals([...cap.Ioctls(file)], [Ioctl.FIONREAD]);
 * }
 * ```
 */
export function ioctls_limit(fd: Fileno, ioctls: IoctlsLike): void {
  limits.limitIoctls(fileno(fd), ioctls);
}

/**
 * Opens a path beneath a directory and returns a file object in binary mode: "rb", "wb" or "r+b", depending on the flags.
 * The file has the rights of the directory. A new file gets the permission bits of `mode`.
 *
 * If the directory is `AT_FDCWD`, the path is ambient.
 *
 * Stands for openat(2). Needs LOOKUP and, depending on the flags, READ, WRITE, SEEK, CREATE and FTRUNCATE.
 * Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type, or the path is empty or has a NUL.
 * @throws {RangeError} If a number is out of range for its C type.
 * @throws {Deno.errors.BadResource} If the descriptor of the directory is negative or not open (EBADF).
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {Deno.errors.AlreadyExists} If the path exists, with O_EXCL.
 * @throws {CapsicumError} ENOTCAPABLE if a right is missing or the path leaves the directory; ECAPMODE for `AT_FDCWD`.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD or Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * using dev = openDirSync("/dev");
 * using zero = cap.openat(dev, "zero", libc.O_RDONLY);
 * assertEquals(zero.read(3), new Uint8Array(3));
 * ```
 */
export function openat(
  dir_fd: Fileno,
  path: string,
  flags: number,
  mode = 0,
): PythonFile<Uint8Array<ArrayBuffer>> {
  const fd = openIn(dir_fd, path, flags, mode), access = flags & libc.O_ACCMODE;
  return fdopen(fd, access === libc.O_RDWR ? "r+b" : access === libc.O_WRONLY ? "wb" : "rb");
}
