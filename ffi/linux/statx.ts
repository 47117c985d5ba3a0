import { errno } from "../_errno.ts";
import { AT_EMPTY_PATH, AT_RESOLVE_BENEATH, AT_SYMLINK_NOFOLLOW } from "../freebsd/constants.ts";
import * as linux from "./constants.ts";
import { isOneName } from "./beneath.ts";
import { atFlags } from "./flags.ts";
import { errnoAt, failure, glibc, memcpy, type Memory } from "./glibc.ts";
import { closeQuietly, openBeneath } from "./openat2.ts";

const FIELDS = linux.STATX_BASIC_STATS | linux.STATX_BTIME;
const empty = new Uint8Array(1);
const MODE = 28, S_IFMT = 0xf0, S_IFLNK = 0xa0;

let statx: ReturnType<typeof glibc<"statx">> | undefined;

/** fstat(2), into a `struct statx`. */
export function statOpen(fd: number, stat: Memory): number {
  return statAt(fd, empty, stat, linux.AT_EMPTY_PATH);
}

/** fstatat(2) with the semantics of FreeBSD, into a `struct statx`. */
export function statRelative(
  fd: number,
  path: Memory,
  stat: Memory,
  flags: number,
): number {
  const bits = atFlags(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
  if (bits === -1) return failure(linux.EINVAL);
  if ((flags & AT_RESOLVE_BENEATH) === 0) return statAt(fd, path, stat, bits);
  if (isOneName(path as Uint8Array)) {
    // Anything but a symlink needs no second call, and a single name can't leave the directory.
    const result = statAt(fd, path, stat, bits | linux.AT_SYMLINK_NOFOLLOW);
    const isLink = ((stat as Uint8Array)[MODE + 1]! & S_IFMT) === S_IFLNK;
    if (result === -1 || bits & linux.AT_SYMLINK_NOFOLLOW || !isLink) return result;
  }
  const noFollow = bits & linux.AT_SYMLINK_NOFOLLOW ? linux.O_NOFOLLOW : 0;
  const object = openBeneath(fd, path, linux.O_PATH | linux.O_CLOEXEC | noFollow);
  if (object === -1) return -1;
  const result = statAt(object, empty, stat, linux.AT_EMPTY_PATH);
  closeQuietly(object);
  return result;
}

function statAt(fd: number, path: Memory, stat: Memory, bits: number): number {
  const result = (statx ??= glibc("statx"))(fd, path, bits, FIELDS, stat);
  if (result === -1) memcpy(errno, errnoAt, 4n);
  return result;
}
