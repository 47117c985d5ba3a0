import { bind, bound, errno, errnoAt, memcpy } from "../_bind.ts";
import {
  directory,
  int,
  length,
  memory,
  mode as modeOf,
  owner as ownerOf,
  timespecs,
  unsigned,
} from "../_check.ts";
import { cString } from "../names.ts";
import { syscallError } from "../_syscall_error.ts";
import { abi } from "../system.ts";
import { EINTR } from "../freebsd/constants.ts";
import type { FdLike } from "../fd_like.ts";

/**
 * Opens a path relative to a directory and returns the descriptor, which has the rights of the directory.
 *
 * Stands for openat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.AlreadyExists} When the name exists (EEXIST).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.IsADirectory} When it is a directory (EISDIR).
 * @throws {Deno.errors.FilesystemLoop} When there are too many symlinks, or with O_NOFOLLOW one (ELOOP, EMLINK).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks a right that the flags need or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   const fd = libc.openat(dev, "null", libc.O_WRONLY | libc.O_CLOEXEC);
 *   assertEquals(libc.write(fd, new Uint8Array(3)), 3);
 *   libc.close(fd);
 * }
 * ```
 */
export function openat(fd: FdLike, path: string, flags: number, mode = 0): number {
  const at = directory(fd), name = cString(path), bits = int(flags, "flags"), create = modeOf(mode);
  const call = bound.openat ?? bind("openat");
  do {
    const result = call(at, name, bits, create);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("openat", { fd: at, path, flags });
}

/**
 * Fills a `struct stat` of 224 bytes and returns 0.
 *
 * Stands for fstatat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks LOOKUP or FSTAT or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   const stat = new Uint8Array(224);
 *   libc.fstatat(dev, "null", stat, 0);
 *   const mode = new DataView(stat.buffer).getUint16(24, true);
 *   // S_IFCHR of sys/stat.h
 *   assertEquals(mode & 0o170000, 0o020000);
 * }
 * ```
 */
export function fstatat(fd: FdLike, path: string, sb: Uint8Array, flag: number): number {
  const at = directory(fd),
    name = cString(path),
    stat = memory(sb, abi().statSize),
    flags = int(flag, "flag");
  const call = bound.fstatat ?? bind("fstatat");
  do {
    const result = call(at, name, stat, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fstatat", { fd: at, path });
}

/**
 * Tells by returning 0 that the process may access a path so.
 *
 * Stands for faccessat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks LOOKUP or FSTAT or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   assertEquals(libc.faccessat(dev, "null", libc.R_OK | libc.W_OK, 0), 0);
 * }
 * ```
 */
export function faccessat(fd: FdLike, path: string, mode: number, flag: number): number {
  const at = directory(fd), name = cString(path), how = int(mode, "mode"), flags = int(flag, "flag");
  const call = bound.faccessat ?? bind("faccessat");
  do {
    const result = call(at, name, how, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("faccessat", { fd: at, path });
}

/**
 * Sets the permission bits of a path and returns 0.
 *
 * Stands for fchmodat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks LOOKUP or FCHMOD or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
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
 *   libc.mkdirat(tmp, name, 0o700);
 *   libc.fchmodat(tmp, name, 0o500, 0);
 *   assertEquals(tmp.statSync(name).mode! & 0o777, 0o500);
 *   libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
 * }
 * ```
 */
export function fchmodat(fd: FdLike, path: string, mode: number, flag: number): number {
  const at = directory(fd), name = cString(path), bits = modeOf(mode), flags = int(flag, "flag");
  const call = bound.fchmodat ?? bind("fchmodat");
  do {
    const result = call(at, name, bits, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchmodat", { fd: at, path });
}

/**
 * Sets owner and group of a path, where -1 leaves one as it is, and returns 0.
 *
 * Stands for fchownat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks LOOKUP or FCHOWN or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
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
 *   libc.mkdirat(tmp, name, 0o700);
 *   assertEquals(libc.fchownat(tmp, name, -1, -1, 0), 0);
 *   libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
 * }
 * ```
 */
export function fchownat(fd: FdLike, path: string, owner: number, group: number, flag: number): number {
  const at = directory(fd), name = cString(path), flags = int(flag, "flag");
  const uid = ownerOf(owner, "owner"), gid = ownerOf(group, "group");
  const call = bound.fchownat ?? bind("fchownat");
  do {
    const result = call(at, name, uid, gid, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchownat", { fd: at, path });
}

/**
 * Sets access and modification time from two `struct timespec` (32 bytes), null for now, and returns 0.
 *
 * Stands for utimensat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks LOOKUP or FUTIMES or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
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
 *   libc.mkdirat(tmp, name, 0o700);
 *   const times = new BigInt64Array([1n, 0n, 2n, 0n]);
 *   libc.utimensat(tmp, name, new Uint8Array(times.buffer), 0);
 *   assertEquals(tmp.statSync(name).mtime, new Date(2000));
 *   libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
 * }
 * ```
 */
export function utimensat(fd: FdLike, path: string, times: Uint8Array | null, flag: number): number {
  const at = directory(fd),
    name = cString(path),
    both = timespecs(times),
    flags = int(flag, "flag");
  const call = bound.utimensat ?? bind("utimensat");
  do {
    const result = call(at, name, both, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("utimensat", { fd: at, path });
}

/**
 * Removes a name, with AT_REMOVEDIR an empty directory, and returns 0.
 *
 * Before 14.3p16, 14.4p7, 15.0p11 and 15.1p1 FreeBSD accepts AT_RESOLVE_BENEATH here and ignores it (SA-26:42,
 * CVE-2026-49421).
 *
 * Stands for unlinkat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks UNLINKAT or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   tmp.openSync(name, { write: true, createNew: true }).close();
 *   libc.unlinkat(tmp, name, 0);
 *   assert(!tmp.listSync().includes(name));
 * }
 * ```
 */
export function unlinkat(fd: FdLike, path: string, flag: number): number {
  const at = directory(fd), name = cString(path), flags = int(flag, "flag");
  const call = bound.unlinkat ?? bind("unlinkat");
  do {
    const result = call(at, name, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("unlinkat", { fd: at, path });
}

/**
 * Makes a directory and returns 0.
 *
 * Stands for mkdirat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.AlreadyExists} When the name exists (EEXIST).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks MKDIRAT or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   libc.mkdirat(tmp, name, 0o700);
 *   assert(tmp.statSync(name).isDirectory);
 *   libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
 * }
 * ```
 */
export function mkdirat(fd: FdLike, path: string, mode: number): number {
  const at = directory(fd), name = cString(path), bits = modeOf(mode);
  const call = bound.mkdirat ?? bind("mkdirat");
  do {
    const result = call(at, name, bits);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("mkdirat", { fd: at, path });
}

/**
 * Makes a named pipe and returns 0.
 *
 * Stands for mkfifoat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.AlreadyExists} When the name exists (EEXIST).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks MKFIFOAT or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   libc.mkfifoat(tmp, name, 0o600);
 *   assert(tmp.statSync(name).isFifo);
 *   libc.unlinkat(tmp, name, 0);
 * }
 * ```
 */
export function mkfifoat(fd: FdLike, path: string, mode: number): number {
  const at = directory(fd), name = cString(path), bits = modeOf(mode);
  const call = bound.mkfifoat ?? bind("mkfifoat");
  do {
    const result = call(at, name, bits);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("mkfifoat", { fd: at, path });
}

/**
 * Makes a symlink to `target`, which is not looked at, and returns 0.
 *
 * Stands for symlinkat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.AlreadyExists} When the name exists (EEXIST).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks SYMLINKAT or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
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
 *   libc.symlinkat("target", tmp, name);
 *   assertEquals(libc.readlinkat(tmp, name, new Uint8Array(1024)), 6);
 *   libc.unlinkat(tmp, name, 0);
 * }
 * ```
 */
export function symlinkat(target: string, fd: FdLike, path: string): number {
  const at = directory(fd), name = cString(path), text = cString(target, 1);
  const call = bound.symlinkat ?? bind("symlinkat");
  do {
    const result = call(text, at, name);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("symlinkat", { fd: at, path });
}

/**
 * Reads the target of a symlink, without a NUL, and returns how many bytes.
 *
 * Stands for readlinkat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks LOOKUP or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
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
 *   const buffer = new Uint8Array(1024);
 *   libc.symlinkat("target", tmp, name);
 *   const length = libc.readlinkat(tmp, name, buffer);
 *   assertEquals(new TextDecoder().decode(buffer.subarray(0, length)), "target");
 *   libc.unlinkat(tmp, name, 0);
 * }
 * ```
 */
export function readlinkat(fd: FdLike, path: string, buffer: Uint8Array, bufsize?: number): number {
  const at = directory(fd), name = cString(path);
  const count = length(buffer, bufsize), bytes = memory(buffer, 0);
  const call = bound.readlinkat ?? bind("readlinkat");
  do {
    const result = call(at, name, bytes, count);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("readlinkat", { fd: at, path });
}

/**
 * Makes a second name for a file and returns 0.
 *
 * Stands for linkat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.AlreadyExists} When the name exists (EEXIST).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks LINKAT_SOURCE or LINKAT_TARGET or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
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
 *   tmp.openSync(name, { write: true, createNew: true }).close();
 *   libc.linkat(tmp, name, tmp, `${name}.2`, 0);
 *   assertEquals(tmp.statSync(name).nlink, 2);
 *   libc.unlinkat(tmp, name, 0);
 *   libc.unlinkat(tmp, `${name}.2`, 0);
 * }
 * ```
 */
export function linkat(fd1: FdLike, path1: string, fd2: FdLike, path2: string, flag: number): number {
  const at = directory(fd1), name = cString(path1);
  const to = directory(fd2), toName = cString(path2, 1), flags = int(flag, "flag");
  const call = bound.linkat ?? bind("linkat");
  do {
    const result = call(at, name, to, toName, flags);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("linkat", { fd: at, path: path1, toFd: to, toPath: path2 });
}

/**
 * Renames a file or directory, in place of what has the new name, and returns 0.
 *
 * Stands for renameat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} When a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks RENAMEAT_SOURCE or RENAMEAT_TARGET, or UNLINKAT where the new name exists, or the path leaves it, ECAPMODE with AT_FDCWD in capability mode, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   libc.mkdirat(tmp, name, 0o700);
 *   libc.renameat(tmp, name, tmp, `${name}.2`);
 *   assert(tmp.statSync(`${name}.2`).isDirectory);
 *   libc.unlinkat(tmp, `${name}.2`, libc.AT_REMOVEDIR);
 * }
 * ```
 */
export function renameat(fromfd: FdLike, from: string, tofd: FdLike, to: string): number {
  const at = directory(fromfd), name = cString(from);
  const toAt = directory(tofd), toName = cString(to, 1);
  const call = bound.renameat ?? bind("renameat");
  do {
    const result = call(at, name, toAt, toName);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("renameat", { fd: at, path: from, toFd: toAt, toPath: to });
}

/**
 * Renames a file or directory as renameat(2) does and returns 0; with `AT_RENAME_NOREPLACE`, the only flag, a new name
 * that exists is EEXIST.
 *
 * Stands for renameat2(2), which came with FreeBSD 15, and for Linux's. Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type, or a path is empty or has a NUL.
 * @throws {RangeError} If a number is out of range for its C type.
 * @throws {Deno.errors.BadResource} If a descriptor is not open (EBADF).
 * @throws {Deno.errors.AlreadyExists} With `AT_RENAME_NOREPLACE`, if the new name exists (EEXIST).
 * @throws {Deno.errors.NotFound} If the path does not exist (ENOENT).
 * @throws {Deno.errors.NotADirectory} If a directory is needed (ENOTDIR).
 * @throws {Deno.errors.PermissionDenied} If the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE if a directory lacks RENAMEAT_SOURCE or RENAMEAT_TARGET or the path leaves it,
 * EINVAL for an unknown flag and on Linux for a file system that does not know it, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} If libc, the kernel or the file system (EOPNOTSUPP) has no such call.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertThrows } from "jsr:@std/assert";
 *
 * using tmp = openDirSync("/tmp");
 * const path = tmp.makeTempFileSync();
 * assertThrows(() => libc.renameat2(tmp, path, tmp, path, libc.AT_RENAME_NOREPLACE));
 * tmp.removeSync(path);
 * ```
 */
export function renameat2(fromfd: FdLike, from: string, tofd: FdLike, to: string, flags: number): number {
  const at = directory(fromfd), name = cString(from);
  const toAt = directory(tofd), toName = cString(to, 1), bits = unsigned(flags, "flags");
  const call = bound.renameat2 ?? bind("renameat2");
  do {
    const result = call(at, name, toAt, toName, bits);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  const given = { fd: at, path: from, toFd: toAt, toPath: to };
  throw syscallError("renameat2", { ...given, operation: "renameat" });
}
