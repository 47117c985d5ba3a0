/**
 * The constants of Linux under their C names, from asm-generic/fcntl.h, linux/fcntl.h, linux/openat2.h, linux/stat.h,
 * linux/socket.h and asm/unistd.h. x86_64 and arm64 differ in a few.
 *
 * @module
 */
import { errno } from "../symbols.ts";
import * as freebsd from "../freebsd/constants.ts";
import * as symbols from "../symbols.ts";
import { failure, rawGlibc } from "./glibc.ts";

const { thread, glibc } = rawGlibc();

const isArm = Deno.build.arch === "aarch64";

export const O_WRONLY = 0x1;
export const O_CREAT = 0x40;
export const O_EXCL = 0x80;
export const O_NOCTTY = 0x100;
export const O_TRUNC = 0x200;
export const O_APPEND = 0x400;
export const O_NONBLOCK = 0x800;
export const O_DSYNC = 0x1000;
export const O_ASYNC = 0x2000;
export const O_DIRECT: number = isArm ? 0x10000 : 0x4000;
export const O_DIRECTORY: number = isArm ? 0x4000 : 0x10000;
export const O_NOFOLLOW: number = isArm ? 0x8000 : 0x20000;
export const O_CLOEXEC = 0x80000;
export const O_SYNC = 0x101000;
export const O_PATH = 0x200000;

export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_BENEATH = 0x08;

export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EACCESS = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;
export const RENAME_NOREPLACE = 1;

export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;

export const F_SETOWN = 8;
export const F_GETOWN = 9;
export const F_DUPFD_CLOEXEC = 1030;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;

export const UTIME_NOW = 0x3fffffffn;
export const UTIME_OMIT = 0x3ffffffen;

export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;
export const SOCK_CLOEXEC = 0x80000;
export const SOCK_NONBLOCK = 0x800;
export const AF_INET6 = 10;

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EAGAIN = 11;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EXDEV = 18;
export const EINVAL = 22;
export const ENOSYS = 38;
export const ELOOP = 40;
export const ENODATA = 61;
export const EOPNOTSUPP = 95;

// BigInt: an i64 that is passed as a number takes the slow path of FFI.
export const SYS_openat2 = 437n;
export const SYS_renameat2: bigint = isArm ? 276n : 316n;
export const SYS_getdents64: bigint = isArm ? 61n : 217n;
export const SYS_fstat: bigint = isArm ? 80n : 5n;
export const SYS_seccomp: bigint = isArm ? 277n : 317n;
export const SYS_futex: bigint = isArm ? 98n : 202n;
export const SYS_gettid: bigint = isArm ? 178n : 186n;
export const SYS_landlock_create_ruleset = 444n;
export const SYS_landlock_add_rule = 445n;
export const SYS_landlock_restrict_self = 446n;

let pairs: readonly (readonly [from: number, to: number])[] | undefined;

/** The open flags of both systems with the same meaning. */
const flagPairs = () =>
  pairs ??= [
    [freebsd.O_CREAT, O_CREAT],
    [freebsd.O_EXCL, O_EXCL],
    [freebsd.O_NOCTTY, O_NOCTTY],
    [freebsd.O_TRUNC, O_TRUNC],
    [freebsd.O_APPEND, O_APPEND],
    [freebsd.O_NONBLOCK, O_NONBLOCK],
    [freebsd.O_DSYNC, O_DSYNC],
    [freebsd.O_SYNC, O_SYNC],
    [freebsd.O_DIRECT, O_DIRECT],
    [freebsd.O_DIRECTORY, O_DIRECTORY],
    [freebsd.O_NOFOLLOW, O_NOFOLLOW],
    [freebsd.O_CLOEXEC, O_CLOEXEC],
    [freebsd.O_PATH, O_PATH],
    // A descriptor with O_EXEC works for lookups and fexecve(2), and so does one with O_PATH.
    [freebsd.O_EXEC, O_PATH],
  ];

/** Flags that the open functions implement themselves, and O_EMPTY_PATH, because no path is empty. */
const otherwise = freebsd.O_RESOLVE_BENEATH | freebsd.O_SHLOCK | freebsd.O_EXLOCK | freebsd.O_EMPTY_PATH;
const withPath = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

const translated: Record<number, number> = Object.create(null);

/**
 * Converts `O_*` flags of FreeBSD to those of Linux.
 *
 * @throws {Deno.errors.NotSupported} If Linux has no equivalent of a flag.
 */
export function openFlags(flags: number): number {
  return translated[flags] ?? translate(flags);
}

function translate(flags: number): number {
  // Without methods and iterators, which other code can replace.
  const pairs = flagPairs();
  let unknown = flags & ~(freebsd.O_ACCMODE | otherwise);
  for (let i = 0; i < pairs.length; i++) unknown &= ~pairs[i]![0];
  if (unknown) {
    throw new Deno.errors.NotSupported(
      `Linux has no equivalent of the flags 0x${(unknown >>> 0).toString(16)} of open(2).`,
    );
  }
  if (flags & freebsd.O_EXEC && flags & freebsd.O_NOFOLLOW && !(flags & freebsd.O_DIRECTORY)) {
    throw new Deno.errors.NotSupported(
      "Linux can't open a file by O_EXEC and refuse a symlink (O_NOFOLLOW): add O_DIRECTORY for a directory.",
    );
  }
  let bits = flags & freebsd.O_ACCMODE;
  for (let i = 0; i < pairs.length; i++) if (flags & pairs[i]![0]) bits |= pairs[i]![1];
  if (bits & O_PATH) bits &= withPath;
  return translated[flags] = bits;
}

/** Converts the result of F_GETFL on Linux to the flags of FreeBSD. */
export function statusFlags(bits: number): number {
  let flags = bits & freebsd.O_ACCMODE;
  for (const [from, to] of flagPairs()) if ((bits & to) === to) flags |= from;
  // O_SYNC contains O_DSYNC. O_EXEC becomes O_PATH, but O_PATH does not become O_EXEC.
  if (flags & freebsd.O_SYNC) flags &= ~freebsd.O_DSYNC;
  return flags & ~freebsd.O_EXEC;
}

/**
 * Converts the `AT_*` flags of FreeBSD that a call accepts to those of Linux. Returns -1, which means EINVAL, if there
 * are other flags. AT_RESOLVE_BENEATH is accepted and removed, and so is AT_EMPTY_PATH: no path is empty.
 */
export function atFlags(flags: number, accepted: number): number {
  if (flags & ~(accepted | freebsd.AT_RESOLVE_BENEATH)) return -1;
  return (flags & freebsd.AT_SYMLINK_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) |
    (flags & freebsd.AT_SYMLINK_FOLLOW ? AT_SYMLINK_FOLLOW : 0) |
    (flags & freebsd.AT_REMOVEDIR ? AT_REMOVEDIR : 0) |
    (flags & freebsd.AT_EACCESS ? AT_EACCESS : 0);
}

/** Converts `MSG_*` flags of FreeBSD to those of Linux; -1 if there are flags that the library does not use. */
export function messageFlags(flags: number): number {
  const { MSG_CMSG_CLOEXEC: closesOnExec } = symbols;
  if (flags & ~(symbols.MSG_EOR | symbols.MSG_DONTWAIT | symbols.MSG_NOSIGNAL | closesOnExec)) return -1;
  return (flags & symbols.MSG_EOR ? MSG_EOR : 0) |
    (flags & closesOnExec ? MSG_CMSG_CLOEXEC : 0) |
    (flags & symbols.MSG_DONTWAIT ? MSG_DONTWAIT : 0) |
    (flags & symbols.MSG_NOSIGNAL ? MSG_NOSIGNAL : 0);
}

/** Converts the type of a socket, with the flags of FreeBSD in it, to that of Linux. */
export function socketType(type: number): number {
  const { SOCK_CLOEXEC: closesOnExec, SOCK_NONBLOCK: neverWaits } = symbols;
  return type & ~(closesOnExec | neverWaits) | (type & closesOnExec ? SOCK_CLOEXEC : 0) |
    (type & neverWaits ? SOCK_NONBLOCK : 0);
}

/** The Linux number of each command with the same meaning. Without a prototype, no other code can add to it. */
const commands: Readonly<Record<number, number>> = Object.assign(Object.create(null), {
  [freebsd.F_DUPFD]: freebsd.F_DUPFD,
  [freebsd.F_GETFD]: freebsd.F_GETFD,
  [freebsd.F_SETFD]: freebsd.F_SETFD,
  [freebsd.F_GETFL]: freebsd.F_GETFL,
  [freebsd.F_SETFL]: freebsd.F_SETFL,
  [freebsd.F_GETOWN]: F_GETOWN,
  [freebsd.F_SETOWN]: F_SETOWN,
  [freebsd.F_DUPFD_CLOEXEC]: F_DUPFD_CLOEXEC,
  [freebsd.F_ADD_SEALS]: F_ADD_SEALS,
  [freebsd.F_GET_SEALS]: F_GET_SEALS,
});

let fcntl: ReturnType<typeof glibc<"fcntl">> | undefined;

/** fcntl(2) of FreeBSD for the commands that Linux has too; any other command is EINVAL. */
export function control(fd: number, command: number, argument: bigint): number {
  const number = commands[command];
  if (number === undefined) return failure(EINVAL);
  let value = argument;
  if (command === freebsd.F_SETFL) value = BigInt(openFlags(Number(argument)));
  // Linux would ignore FD_RESOLVE_BENEATH and report success.
  if (command === freebsd.F_SETFD && value & ~BigInt(freebsd.FD_CLOEXEC)) {
    return failure(EINVAL);
  }
  const result = (fcntl ??= glibc("fcntl"))(fd, number, value);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  else if (command === freebsd.F_GETFL) return statusFlags(result);
  return result;
}
