import {
  type Bytes,
  cString,
  directory,
  type FdLike,
  int,
  length,
  memory,
  mode as modeOf,
  owner as ownerOf,
  timespecs,
  unsigned,
} from "../values.ts";
import { errno } from "../symbols.ts";
import { abi, rawCalls } from "../system.ts";
import { syscallError } from "../failure.ts";
import { EINTR } from "../freebsd/constants.ts";

const { bound, thread, bind } = rawCalls();

/**
 * Opens an ambient path; ECAPMODE in capability mode. Stands for open(2): `int open(const char *path, int flags, ...)`.
 * @param path The path.
 * @param flags One of `O_RDONLY`, `O_WRONLY` and `O_RDWR`, with other `O_*` flags.
 * @param mode The permission bits of a new file, without those of the umask.
 * @returns The descriptor.
 */
export function open(path: string, flags: number, mode = 0): number {
  const name = cString(path), bits = int(flags, "flags"), create = modeOf(mode);
  const call = bound.open ?? bind("open");
  do {
    const result = call(name, bits, create);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("open", { path, flags });
}

/**
 * Opens a path relative to a directory. Stands for openat(2): `int openat(int fd, const char *path, int flags, ...)`.
 * The descriptor has the rights of the directory. Needs LOOKUP and, as the flags require, READ, WRITE, SEEK, CREATE and
 * FTRUNCATE.
 * @param fd The directory.
 * @param path The path.
 * @param flags As for {@link open}.
 * @param mode As for {@link open}.
 * @returns The descriptor.
 *
 * @example
 * ```ts
 * import { libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * const dev = libc.open("/dev", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC);
 * const zero = libc.openat(dev, "zero", libc.O_RDONLY | libc.O_CLOEXEC);
 * assertEquals(libc.read(zero, new Uint8Array(8)), 8);
 * assertEquals(libc.faccessat(dev, "zero", libc.R_OK, 0), 0);
 * libc.close(zero);
 * libc.close(dev);
 * ```
 */
export function openat(fd: FdLike, path: string, flags: number, mode = 0): number {
  const at = directory(fd), name = cString(path), bits = int(flags, "flags"), create = modeOf(mode);
  const call = bound.openat ?? bind("openat");
  do {
    const result = call(at, name, bits, create);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("openat", { fd: at, path, flags }, fd);
}

/**
 * Reports on a file. Stands for fstatat(2): `int fstatat(int fd, const char *path, struct stat *sb, int flag)`. Needs
 * FSTAT.
 * @param fd The directory.
 * @param path The file.
 * @param sb A buffer, which gets the `struct stat`: 224 bytes on FreeBSD.
 * @param flag `AT_*` flags.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   const stat = new Uint8Array(224);
 *   libc.fstatat(dev, "null", stat, 0);
 *   const mode = new DataView(stat.buffer).getUint16(24, true);
 *   assertEquals(mode & 0o170000, 0o020000); // S_IFCHR of sys/stat.h
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
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fstatat", { fd: at, path }, fd);
}

/**
 * Checks if the process may access a file. Stands for faccessat(2): `int faccessat(int fd, const char *path, int mode,
 * int flag)`. Needs FSTAT.
 * @param fd The directory.
 * @param path The file.
 * @param mode `F_OK`, or `R_OK`, `W_OK` and `X_OK`. It throws `PermissionDenied` if the process may not.
 * @param flag `AT_*` flags.
 */
export function faccessat(fd: FdLike, path: string, mode: number, flag: number): number {
  const at = directory(fd), name = cString(path), how = int(mode, "mode"), flags = int(flag, "flag");
  const call = bound.faccessat ?? bind("faccessat");
  do {
    const result = call(at, name, how, flags);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("faccessat", { fd: at, path }, fd);
}

/**
 * Sets the permission bits of a file. Stands for fchmodat(2): `int fchmodat(int fd, const char *path, mode_t mode, int
 * flag)`. Needs FCHMOD.
 * @param fd The directory.
 * @param path The file.
 * @param mode The bits.
 * @param flag `AT_*` flags.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using tmp = openDirSync("/tmp");
 * const name = crypto.randomUUID();
 * libc.mkdirat(tmp, name, 0o700);
 * libc.fchmodat(tmp, name, 0o500, 0);
 * libc.fchownat(tmp, name, -1, -1, 0);
 * libc.utimensat(tmp, name, new Uint8Array(new BigInt64Array([1n, 0n, 2n, 0n]).buffer), 0);
 * const { mode, mtime } = tmp.statSync(name);
 * assertEquals([mode! & 0o777, mtime], [0o500, new Date(2000)]);
 * libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
 * ```
 */
export function fchmodat(fd: FdLike, path: string, mode: number, flag: number): number {
  const at = directory(fd), name = cString(path), bits = modeOf(mode), flags = int(flag, "flag");
  const call = bound.fchmodat ?? bind("fchmodat");
  do {
    const result = call(at, name, bits, flags);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchmodat", { fd: at, path }, fd);
}

/**
 * Sets the owner and group of a file. Stands for fchownat(2): `int fchownat(int fd, const char *path, uid_t owner,
 * gid_t group, int flag)`. Needs FCHOWN.
 * @param fd The directory.
 * @param path The file.
 * @param owner The user id; -1 keeps the owner.
 * @param group The group id; -1 keeps the group.
 * @param flag `AT_*` flags.
 */
export function fchownat(fd: FdLike, path: string, owner: number, group: number, flag: number): number {
  const at = directory(fd), name = cString(path), flags = int(flag, "flag");
  const uid = ownerOf(owner, "owner"), gid = ownerOf(group, "group");
  const call = bound.fchownat ?? bind("fchownat");
  do {
    const result = call(at, name, uid, gid, flags);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchownat", { fd: at, path }, fd);
}

/**
 * Sets the times of a file. Stands for utimensat(2): `int utimensat(int fd, const char *path, const struct timespec
 * times[2], int flag)`. Needs FUTIMES.
 * @param fd The directory.
 * @param path The file.
 * @param times The times of access and modification: two `struct timespec`, 32 bytes. Null is the current time.
 * @param flag `AT_*` flags.
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
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("utimensat", { fd: at, path }, fd);
}

/**
 * Removes a name. Stands for unlinkat(2): `int unlinkat(int fd, const char *path, int flag)`. Needs UNLINKAT.
 *
 * Before 14.3p16, 14.4p7, 15.0p11 and 15.1p1 FreeBSD accepts AT_RESOLVE_BENEATH here and ignores it (SA-26:42,
 * CVE-2026-49421).
 * @param fd The directory.
 * @param path The file or, with `AT_REMOVEDIR`, the empty directory.
 * @param flag `AT_*` flags.
 */
export function unlinkat(fd: FdLike, path: string, flag: number): number {
  const at = directory(fd), name = cString(path), flags = int(flag, "flag");
  const call = bound.unlinkat ?? bind("unlinkat");
  do {
    const result = call(at, name, flags);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("unlinkat", { fd: at, path }, fd);
}

/**
 * Makes a directory. Stands for mkdirat(2): `int mkdirat(int fd, const char *path, mode_t mode)`. Needs MKDIRAT.
 * @param fd The parent directory.
 * @param path The new directory.
 * @param mode Its permission bits, without those of the umask.
 */
export function mkdirat(fd: FdLike, path: string, mode: number): number {
  const at = directory(fd), name = cString(path), bits = modeOf(mode);
  const call = bound.mkdirat ?? bind("mkdirat");
  do {
    const result = call(at, name, bits);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("mkdirat", { fd: at, path }, fd);
}

/**
 * Makes a named pipe. Stands for mkfifoat(2): `int mkfifoat(int fd, const char *path, mode_t mode)`. Needs MKFIFOAT.
 * @param fd The parent directory.
 * @param path The new pipe.
 * @param mode Its permission bits, without those of the umask.
 */
export function mkfifoat(fd: FdLike, path: string, mode: number): number {
  const at = directory(fd), name = cString(path), bits = modeOf(mode);
  const call = bound.mkfifoat ?? bind("mkfifoat");
  do {
    const result = call(at, name, bits);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("mkfifoat", { fd: at, path }, fd);
}

/**
 * Makes a symlink. Stands for symlinkat(2): `int symlinkat(const char *name1, int fd, const char *name2)`. Needs
 * SYMLINKAT.
 * @param target The text of the symlink, which the call does not check.
 * @param fd The parent directory.
 * @param path The new symlink.
 */
export function symlinkat(target: string, fd: FdLike, path: string): number {
  const at = directory(fd), name = cString(path), text = cString(target, 1);
  const call = bound.symlinkat ?? bind("symlinkat");
  do {
    const result = call(text, at, name);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("symlinkat", { fd: at, path }, fd);
}

/**
 * Reads a symlink. Stands for readlinkat(2): `ssize_t readlinkat(int fd, const char *path, char *buf, size_t bufsize)`.
 * Needs only LOOKUP.
 * @param fd The directory.
 * @param path The symlink.
 * @param buffer A buffer, which gets the text, without a NUL.
 * @param bufsize The most bytes to read. Default: the length of the buffer.
 * @returns How many bytes it read.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using tmp = openDirSync("/tmp");
 * const name = crypto.randomUUID(), buffer = new Uint8Array(1024);
 * libc.symlinkat("target", tmp, name);
 * const length = libc.readlinkat(tmp, name, buffer);
 * assertEquals(new TextDecoder().decode(buffer.subarray(0, length)), "target");
 * libc.unlinkat(tmp, name, 0);
 * ```
 */
export function readlinkat(fd: FdLike, path: string, buffer: Uint8Array, bufsize?: number): number {
  const at = directory(fd), name = cString(path);
  const count = length(buffer, bufsize), bytes = buffer as Bytes;
  const call = bound.readlinkat ?? bind("readlinkat");
  do {
    const result = call(at, name, bytes, count);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("readlinkat", { fd: at, path }, fd);
}

/**
 * Gives a file one more name. Stands for linkat(2): `int linkat(int fd1, const char *path1, int fd2, const char *path2,
 * int flag)`. Needs LINKAT_SOURCE on the first directory and LINKAT_TARGET on the second.
 * @param fd1 The directory of the file.
 * @param path1 The file.
 * @param fd2 The directory of the new name.
 * @param path2 The new name.
 * @param flag `AT_*` flags.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals, assertThrows } from "jsr:@std/assert";
 * using tmp = openDirSync("/tmp");
 * const [a, b, c] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
 * libc.mkfifoat(tmp, a, 0o600);
 * libc.linkat(tmp, a, tmp, b, 0);
 * libc.renameat(tmp, b, tmp, c);
 * assertEquals(tmp.statSync(c).nlink, 2);
 * assertThrows(() => libc.renameat2(tmp, a, tmp, c, libc.AT_RENAME_NOREPLACE));
 * libc.unlinkat(tmp, a, 0);
 * libc.unlinkat(tmp, c, 0);
 * ```
 */
export function linkat(fd1: FdLike, path1: string, fd2: FdLike, path2: string, flag: number): number {
  const at = directory(fd1), name = cString(path1);
  const to = directory(fd2), toName = cString(path2, 1), flags = int(flag, "flag");
  const call = bound.linkat ?? bind("linkat");
  do {
    const result = call(at, name, to, toName, flags);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("linkat", { fd: at, path: path1, toFd: to, toPath: path2 }, fd1, fd2);
}

/**
 * Renames a file or directory, and replaces an existing file. Stands for renameat(2): `int renameat(int fromfd, const
 * char *from, int tofd, const char *to)`. Needs RENAMEAT_SOURCE on the first directory and, on the second,
 * RENAMEAT_TARGET, and UNLINKAT if the new name exists.
 * @param fromfd The directory of the old name.
 * @param from The old name.
 * @param tofd The directory of the new name.
 * @param to The new name.
 */
export function renameat(fromfd: FdLike, from: string, tofd: FdLike, to: string): number {
  const at = directory(fromfd), name = cString(from);
  const toAt = directory(tofd), toName = cString(to, 1);
  const call = bound.renameat ?? bind("renameat");
  do {
    const result = call(at, name, toAt, toName);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("renameat", { fd: at, path: from, toFd: toAt, toPath: to }, fromfd, tofd);
}

/**
 * Renames a file or directory and, with `AT_RENAME_NOREPLACE`, replaces nothing. Stands for renameat2(2) of FreeBSD 15
 * and of Linux: `int renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned int flags)`.
 *
 * Needs RENAMEAT_SOURCE on the first directory and RENAMEAT_TARGET on the second. It throws `NotSupported` if libc, the
 * kernel or the file system does not have the call; on some file systems of Linux this is EINVAL.
 * @param fromfd The directory of the old name.
 * @param from The old name.
 * @param tofd The directory of the new name.
 * @param to The new name.
 * @param flags 0 or `AT_RENAME_NOREPLACE`; any other flag is EINVAL.
 */
export function renameat2(fromfd: FdLike, from: string, tofd: FdLike, to: string, flags: number): number {
  const at = directory(fromfd), name = cString(from);
  const toAt = directory(tofd), toName = cString(to, 1), bits = unsigned(flags, "flags");
  const call = bound.renameat2 ?? bind("renameat2");
  do {
    const result = call(at, name, toAt, toName, bits);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  const given = { fd: at, path: from, toFd: toAt, toPath: to };
  throw syscallError("renameat2", { ...given, operation: "renameat" }, fromfd, tofd);
}
