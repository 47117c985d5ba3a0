import { bind, bound, errno, errnoAt, memcpy } from "../_bind.ts";
import { int, length, long, memory, mode as modeOf } from "../_check.ts";
import { cString } from "../names.ts";
import { syscallError } from "../_syscall_error.ts";
import { EINTR, SEEK_CUR } from "../freebsd/constants.ts";
import { descriptor, type FdLike } from "../fd_like.ts";
import { shown } from "../message.ts";

/**
 * Opens an ambient path and returns the descriptor.
 *
 * Stands for open(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.AlreadyExists} When the name exists (EEXIST).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.IsADirectory} When it is a directory (EISDIR).
 * @throws {Deno.errors.FilesystemLoop} When there are too many symlinks, or with O_NOFOLLOW one (ELOOP, EMLINK).
 * @throws {CapsicumError} ECAPMODE in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const fd = libc.open("/dev/null", libc.O_WRONLY | libc.O_CLOEXEC);
 *   assertEquals(libc.write(fd, new Uint8Array(3)), 3);
 *   libc.close(fd);
 * }
 * ```
 */
export function open(path: string, flags: number, mode = 0): number {
  const name = cString(path), bits = int(flags, "flags"), create = modeOf(mode);
  const call = bound.open ?? bind("open");
  do {
    const result = call(name, bits, create);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("open", { path, flags });
}

/**
 * Closes a descriptor and returns 0.
 *
 * It takes a number only: an object that owns its descriptor would close it again, when another file has the number.
 *
 * Stands for close(2). It is never repeated: FreeBSD has closed the descriptor also when it says EINTR.
 * Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} On any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals, assertThrows } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const fd = libc.open("/dev/null", libc.O_RDONLY | libc.O_CLOEXEC);
 *   assertEquals(libc.close(fd), 0);
 *   assertThrows(() => libc.close(fd), Deno.errors.BadResource);
 * }
 * ```
 */
export function close(fd: number): number {
  const number = descriptor(fd);
  if (typeof fd !== "number") {
    throw new TypeError(`close() takes the number of a descriptor, not ${shown(fd)}, which closes its own.`);
  }
  const call = bound.close ?? bind("close");
  const result = call(number);
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  if (errno[0] === EINTR) return 0;
  throw syscallError("close", { fd: number });
}

/**
 * Reads at the offset of the descriptor and returns how many bytes: 0 at the end of the file.
 *
 * Stands for read(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.IsADirectory} When it is a directory (EISDIR).
 * @throws {Deno.errors.WouldBlock} When it would block and must not (EAGAIN).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks READ, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using zero = openSync("/dev/zero");
 *   const buffer = new Uint8Array([1, 2, 3]);
 *   assertEquals(libc.read(zero, buffer, 2), 2);
 *   assertEquals(buffer, new Uint8Array([0, 0, 3]));
 * }
 * ```
 */
export function read(fd: FdLike, buffer: Uint8Array, nbytes?: number): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const call = bound.read ?? bind("read");
  do {
    const result = call(number, bytes, count);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("read", { fd: number });
}

/**
 * Writes at the offset of the descriptor and returns how many bytes, which may be fewer than given.
 *
 * Stands for write(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.WouldBlock} When it would block and must not (EAGAIN).
 * @throws {Deno.errors.BrokenPipe} When nobody reads the pipe or socket (EPIPE).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks WRITE, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { write: true });
 *   assertEquals(libc.write(file, new Uint8Array(3)), 3);
 * }
 * ```
 */
export function write(fd: FdLike, buffer: Uint8Array, nbytes?: number): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const call = bound.write ?? bind("write");
  do {
    const result = call(number, bytes, count);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("write", { fd: number });
}

/**
 * Reads at `offset`, leaves the offset of the descriptor alone, and returns how many bytes.
 *
 * Stands for pread(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.IsADirectory} When it is a directory (EISDIR).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks READ or SEEK, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { read: true, write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   libc.write(file, new Uint8Array([1, 2, 3]));
 *   const buffer = new Uint8Array(2);
 *   assertEquals(libc.pread(file, buffer, 2, 1), 2);
 *   assertEquals(buffer, new Uint8Array([2, 3]));
 * }
 * ```
 */
export function pread(fd: FdLike, buffer: Uint8Array, nbytes: number, offset: number | bigint): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const at = long(offset, "offset");
  const call = bound.pread ?? bind("pread");
  do {
    const result = call(number, bytes, count, at);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("pread", { fd: number });
}

/**
 * Writes at `offset`, leaves the offset of the descriptor alone, and returns how many bytes.
 *
 * Stands for pwrite(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks WRITE or SEEK, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { read: true, write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   assertEquals(libc.pwrite(file, new Uint8Array(3), 3, 100), 3);
 *   assertEquals(file.statSync().size, 103);
 * }
 * ```
 */
export function pwrite(fd: FdLike, buffer: Uint8Array, nbytes: number, offset: number | bigint): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const at = long(offset, "offset");
  const call = bound.pwrite ?? bind("pwrite");
  do {
    const result = call(number, bytes, count, at);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("pwrite", { fd: number });
}

/**
 * Moves the offset of a descriptor and returns the new one, in bytes from the start.
 *
 * Stands for lseek(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks SEEK, EINVAL when the offset would be negative, ESPIPE for a pipe or socket.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { read: true, write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   assertEquals(libc.lseek(file, 2 ** 33, libc.SEEK_SET), 2 ** 33);
 *   assertEquals(libc.lseek(file, 0, libc.SEEK_END), 0);
 * }
 * ```
 */
export function lseek(fd: FdLike, offset: number | bigint, whence: number): number {
  const number = descriptor(fd), by = long(offset, "offset"), from = int(whence, "whence");
  const call = bound.lseek ?? bind("lseek");
  const result = call(number, by, from);
  if (result !== -1n) return Number(result);
  const again = bound.lseek_errno ?? bind("lseek_errno");
  if (again(number, by, from) !== -1) return Number(call(number, 0n, SEEK_CUR));
  memcpy(errno, errnoAt, 4n);
  throw syscallError("lseek", { fd: number });
}

/**
 * Reads entries of a directory and returns how many bytes of `struct dirent`: 0 at its end. `basep` gets the offset, in 8 bytes.
 *
 * Stands for getdirentries(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks READ, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   const buffer = new Uint8Array(4096);
 *   const length = libc.getdirentries(dev, buffer, buffer.length, new Uint8Array(8));
 *   // d_reclen and d_namlen of the first struct dirent
 *   const entry = new DataView(buffer.buffer);
 *   assert(entry.getUint16(16, true) <= length);
 *   assert(entry.getUint16(20, true) < entry.getUint16(16, true));
 * }
 * ```
 */
export function getdirentries(fd: FdLike, buffer: Uint8Array, nbytes: number, basep: Uint8Array): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const base = memory(basep, 8);
  const call = bound.getdirentries ?? bind("getdirentries");
  do {
    const result = call(number, bytes, count, base);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("getdirentries", { fd: number });
}
