import { errno } from "../_errno.ts";
import * as freebsd from "../freebsd/constants.ts";
import * as socket from "../freebsd/socket.ts";
import * as linux from "./constants.ts";
import { errnoAt, failure, glibc, memcpy } from "./glibc.ts";

const pairs: (readonly [from: number, to: number])[] = (
  ["CREAT", "EXCL", "NOCTTY", "TRUNC", "APPEND", "NONBLOCK", "DSYNC", "SYNC", "DIRECT", "DIRECTORY"] as const
).map((name) => [freebsd[`O_${name}`], linux[`O_${name}`]] as const);
pairs.push([freebsd.O_NOFOLLOW, linux.O_NOFOLLOW], [freebsd.O_CLOEXEC, linux.O_CLOEXEC]);
// A descriptor with O_EXEC works for lookups and fexecve(2), and so does one with O_PATH.
pairs.push([freebsd.O_PATH, linux.O_PATH], [freebsd.O_EXEC, linux.O_PATH]);

/** Flags that the open functions implement themselves, and O_EMPTY_PATH, because no path is empty. */
const otherwise = freebsd.O_RESOLVE_BENEATH | freebsd.O_SHLOCK | freebsd.O_EXLOCK | freebsd.O_EMPTY_PATH;
const known = pairs.reduce((bits, [flag]) => bits | flag, freebsd.O_ACCMODE | otherwise);
const withPath = linux.O_PATH | linux.O_DIRECTORY | linux.O_NOFOLLOW | linux.O_CLOEXEC;

const translated = new Map<number, number>();

/**
 * Converts `O_*` flags of FreeBSD to those of Linux.
 *
 * @throws {Deno.errors.NotSupported} If Linux has no equivalent of a flag.
 */
export function openFlags(flags: number): number {
  return translated.get(flags) ?? translate(flags);
}

function translate(flags: number): number {
  if (flags & ~known) {
    throw new Deno.errors.NotSupported(
      `Linux has nothing for the flags 0x${(flags & ~known).toString(16)} of open(2).`,
    );
  }
  if (flags & freebsd.O_EXEC && flags & freebsd.O_NOFOLLOW && !(flags & freebsd.O_DIRECTORY)) {
    throw new Deno.errors.NotSupported(
      "Linux can't open a file by O_EXEC and refuse a symlink (O_NOFOLLOW): add O_DIRECTORY for a directory.",
    );
  }
  let bits = flags & freebsd.O_ACCMODE;
  for (const [from, to] of pairs) if (flags & from) bits |= to;
  if (bits & linux.O_PATH) bits &= withPath;
  translated.set(flags, bits);
  return bits;
}

/** Converts the result of F_GETFL on Linux to the flags of FreeBSD. */
export function statusFlags(bits: number): number {
  let flags = bits & freebsd.O_ACCMODE;
  for (const [from, to] of pairs) if ((bits & to) === to) flags |= from;
  // O_SYNC contains O_DSYNC. O_EXEC becomes O_PATH, but O_PATH does not become O_EXEC.
  if (flags & freebsd.O_SYNC) flags &= ~freebsd.O_DSYNC;
  return flags & ~freebsd.O_EXEC;
}

/**
 * Converts the `AT_*` flags of FreeBSD that a call accepts to those of Linux. Returns -1, which means EINVAL, if there
 * are other flags. AT_RESOLVE_BENEATH is accepted and removed.
 */
export function atFlags(flags: number, accepted: number): number {
  if (flags & ~(accepted | freebsd.AT_RESOLVE_BENEATH)) return -1;
  return (flags & freebsd.AT_SYMLINK_NOFOLLOW ? linux.AT_SYMLINK_NOFOLLOW : 0) |
    (flags & freebsd.AT_SYMLINK_FOLLOW ? linux.AT_SYMLINK_FOLLOW : 0) |
    (flags & freebsd.AT_REMOVEDIR ? linux.AT_REMOVEDIR : 0) |
    (flags & freebsd.AT_EACCESS ? linux.AT_EACCESS : 0) |
    (flags & freebsd.AT_EMPTY_PATH ? linux.AT_EMPTY_PATH : 0);
}

/** Converts `MSG_*` flags of FreeBSD to those of Linux; -1 if there are flags that the library does not use. */
export function messageFlags(flags: number): number {
  if (flags & ~(socket.MSG_EOR | socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)) return -1;
  return (flags & socket.MSG_EOR ? linux.MSG_EOR : 0) |
    (flags & socket.MSG_DONTWAIT ? linux.MSG_DONTWAIT : 0) |
    (flags & socket.MSG_NOSIGNAL ? linux.MSG_NOSIGNAL : 0);
}

/** The Linux number of each command with the same meaning. */
const commands: Readonly<Record<number, number>> = {
  [freebsd.F_DUPFD]: freebsd.F_DUPFD,
  [freebsd.F_GETFD]: freebsd.F_GETFD,
  [freebsd.F_SETFD]: freebsd.F_SETFD,
  [freebsd.F_GETFL]: freebsd.F_GETFL,
  [freebsd.F_SETFL]: freebsd.F_SETFL,
  [freebsd.F_GETOWN]: linux.F_GETOWN,
  [freebsd.F_SETOWN]: linux.F_SETOWN,
  [freebsd.F_DUPFD_CLOEXEC]: linux.F_DUPFD_CLOEXEC,
  [freebsd.F_ADD_SEALS]: linux.F_ADD_SEALS,
  [freebsd.F_GET_SEALS]: linux.F_GET_SEALS,
};

let fcntl: ReturnType<typeof glibc<"fcntl">> | undefined;

/** fcntl(2) of FreeBSD for the commands that Linux has too; any other command is EINVAL. */
export function control(fd: number, command: number, argument: bigint): number {
  const number = commands[command];
  if (number === undefined) return failure(linux.EINVAL);
  let value = argument;
  if (command === freebsd.F_SETFL) value = BigInt(openFlags(Number(argument)));
  // Linux would ignore FD_RESOLVE_BENEATH and report success.
  if (command === freebsd.F_SETFD && value & ~BigInt(freebsd.FD_CLOEXEC)) {
    return failure(linux.EINVAL);
  }
  const result = (fcntl ??= glibc("fcntl"))(fd, number, value);
  if (result === -1) memcpy(errno, errnoAt, 4n);
  else if (command === freebsd.F_GETFL) return statusFlags(result);
  return result;
}
