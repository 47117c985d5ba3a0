import { Bytes, decodeNames } from "../values.ts";
import { errno, internal } from "../symbols.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_RESOLVE_BENEATH, AT_SYMLINK_NOFOLLOW } from "../freebsd/constants.ts";
import { type DirectoryChunk, safeInteger } from "../freebsd/structs.ts";
import { closeQuietly, isOneName, rawLookups } from "./beneath.ts";
import { failure, isConfined, type Memory, rawGlibc } from "./glibc.ts";
import * as linux from "./constants.ts";
import { atFlags } from "./constants.ts";

const { openBeneath } = rawLookups();
const { thread, glibc } = rawGlibc();

/** The calls that fill a `struct statx`, for the modules of ffi/: the buffer must have its size. */
export const rawStat = internal({ statOpen, statPlain, statRelative });

// Offsets in struct statx of linux/stat.h.
const STX_MASK = 0, STX_BLKSIZE = 4, STX_NLINK = 16, STX_UID = 20, STX_GID = 24, STX_MODE = 28, STX_INO = 32;
const STX_SIZE = 40, STX_BLOCKS = 48, STX_ATIME = 64, STX_BTIME = 80, STX_CTIME = 96, STX_MTIME = 112;
const STX_RDEV = 128, STX_DEV = 136;
/** Bytes of a `struct statx`. */
export const statSize = 256;

// File types in stx_mode, from linux/stat.h.
const S_IFMT = 0o170000, S_IFIFO = 0o010000, S_IFCHR = 0o020000, S_IFDIR = 0o040000, S_IFBLK = 0o060000;
const S_IFREG = 0o100000, S_IFLNK = 0o120000, S_IFSOCK = 0o140000;

let lastStat: Uint8Array | undefined;
let word: Uint32Array = new Uint32Array();

/** Reads the file type and the mode from a `struct statx`. */
function decodeMode(stat: Uint8Array): number {
  return stat[STX_MODE]! | stat[STX_MODE + 1]! << 8;
}

/** Reads a `struct statx`. */
export function decodeStat(stat: Uint8Array): Deno.FileInfo {
  // For a caller that reuses its buffer, one view of it is enough.
  if (stat !== lastStat) {
    word = new Uint32Array(stat.buffer, stat.byteOffset, statSize / 4);
    lastStat = stat;
  }
  const mode = u32(STX_MODE) & 0xffff;
  const type = mode & S_IFMT;
  return {
    isFile: type === S_IFREG,
    isDirectory: type === S_IFDIR,
    isSymlink: type === S_IFLNK,
    size: u64(STX_SIZE),
    mtime: time(STX_MTIME),
    atime: time(STX_ATIME),
    birthtime: u32(STX_MASK) & linux.STATX_BTIME ? time(STX_BTIME) : null,
    ctime: time(STX_CTIME),
    dev: device(STX_DEV),
    ino: safeInteger(u64(STX_INO)),
    mode,
    nlink: u32(STX_NLINK),
    uid: u32(STX_UID),
    gid: u32(STX_GID),
    rdev: device(STX_RDEV),
    blksize: u32(STX_BLKSIZE),
    blocks: u64(STX_BLOCKS),
    isBlockDevice: type === S_IFBLK,
    isCharDevice: type === S_IFCHR,
    isFifo: type === S_IFIFO,
    isSocket: type === S_IFSOCK,
  };
}

/** Device and inode number of a `struct statx`. */
export function decodeIdentity(stat: Uint8Array): string {
  const view = new DataView(stat.buffer, stat.byteOffset);
  return `${view.getUint32(STX_DEV, true)}:${view.getUint32(STX_DEV + 4, true)}:${
    view.getBigUint64(STX_INO, true)
  }`;
}

/** Bytes of a `struct stat` of the kernel: asm/stat.h on x86_64, asm-generic/stat.h on arm64. */
const PLAIN_SIZE = 144;

/** Converts a `struct stat` of the kernel to a `struct statx` without a time of birth. */
function statxOf(plain: Uint8Array<ArrayBuffer>, statx: Uint8Array): void {
  const from = new DataView(plain.buffer), to = new DataView(statx.buffer, statx.byteOffset, statSize);
  const isArm = Deno.build.arch === "aarch64";
  const copy32 = (at: number, source: number) => to.setUint32(at, from.getUint32(source, true), true);
  const copy64 = (at: number, source: number) => to.setBigUint64(at, from.getBigUint64(source, true), true);
  // The kernel's huge_encode_dev(): 12 bits of the major number between 8 low and 12 high ones of the minor number.
  const device = (at: number, source: number) => {
    const value = from.getUint32(source, true);
    to.setUint32(at, value >>> 8 & 0xfff, true);
    to.setUint32(at + 4, value & 0xff | value >>> 12 & 0xfff00, true);
  };
  statx.fill(0, 0, statSize);
  const st = isArm
    ? { mode: 16, nlink: 20, uid: 24, gid: 28, rdev: 32 }
    : { nlink: 16, mode: 24, uid: 28, gid: 32, rdev: 40 };
  to.setUint32(STX_MASK, linux.STATX_BASIC_STATS, true);
  to.setUint16(STX_MODE, from.getUint32(st.mode, true), true);
  device(STX_DEV, 0);
  device(STX_RDEV, st.rdev);
  copy64(STX_INO, 8);
  for (
    const [at, source] of [[STX_NLINK, st.nlink], [STX_UID, st.uid], [STX_GID, st.gid], [STX_BLKSIZE, 56]]
  ) {
    copy32(at!, source!);
  }
  copy64(STX_SIZE, 48);
  copy64(STX_BLOCKS, 64);
  for (const [at, source] of [[STX_ATIME, 72], [STX_MTIME, 88], [STX_CTIME, 104]]) {
    copy64(at!, source!);
    copy32(at! + 8, source! + 8);
  }
}

function u32(offset: number): number {
  return word[offset >> 2]!;
}

function u64(offset: number): number {
  return u32(offset) + u32(offset + 4) * 2 ** 32;
}

function time(offset: number): Date {
  const seconds = u32(offset) + (u32(offset + 4) | 0) * 2 ** 32;
  return new Date(seconds * 1000 + Math.floor(u32(offset + 8) / 1e6));
}

/** Major and minor number combined as by makedev(3). */
function device(offset: number): number {
  const major = u32(offset), minor = u32(offset + 4);
  const low = ((major & 0xfff) << 8 | minor & 0xff) + (minor >>> 8) * 2 ** 20;
  return major < 0x1000 ? low : low + (major >>> 12) * 2 ** 44;
}

// Offsets in struct linux_dirent64 of linux/dirent.h.
const D_RECLEN = 16, D_TYPE = 18, D_NAME = 19;
const SMALLEST = 24;
const DOT = 0x2e, SLASH = 0x2f;

/** Decodes the first `length` bytes of a buffer that getdents64(2) filled, and overwrites the buffer. */
export function decodeDirectory(buffer: Uint8Array, length: number): DirectoryChunk {
  const types = new Uint8Array(Math.floor(length / SMALLEST));
  let count = 0, end = 0;
  for (let at = 0; at < length;) {
    const recordLength = buffer[at + D_RECLEN]! | buffer[at + D_RECLEN + 1]! << 8;
    const next = at + recordLength;
    if (recordLength < SMALLEST || next > length) {
      throw new Error(`getdents64() returned a record of ${recordLength} bytes at byte ${at} of ${length}.`);
    }
    let from = at + D_NAME;
    const type = buffer[at + D_TYPE]!;
    const isDots = buffer[from] === DOT &&
      (buffer[from + 1] === 0 || buffer[from + 1] === DOT && buffer[from + 2] === 0);
    if (!isDots) {
      types[count++] = type;
      // The names move to the front of the buffer, with "/" between them, so they are decoded in one call.
      for (let byte; from < next && (byte = buffer[from++]!) !== 0;) buffer[end++] = byte;
      buffer[end++] = SLASH;
    }
    at = next;
  }
  return { names: decodeNames(buffer.subarray(0, end)), types: types.subarray(0, count) };
}

const FIELDS = linux.STATX_BASIC_STATS | linux.STATX_BTIME;
const empty = new Uint8Array(1);

let statx: ReturnType<typeof glibc<"statx">> | undefined;

let fstat: ReturnType<typeof glibc<"fstat">> | undefined;
let takesNull = true;

/** fstat(2), into a `struct statx`. Without a path: in a sandbox without directories no call takes one. */
function statOpen(fd: number, stat: Memory): number {
  if (takesNull) {
    const result = statAt(fd, null, stat, linux.AT_EMPTY_PATH);
    if (result !== -1 || errno[0] !== linux.EFAULT) return result;
    // Before Linux 6.11 the path must be a string.
    takesNull = false;
  }
  const result = statAt(fd, empty, stat, linux.AT_EMPTY_PATH);
  return result === -1 && errno[0] === linux.EPERM ? statPlain(fd, stat as Uint8Array) : result;
}

/** fstat(2) itself, which has no time of birth. */
function statPlain(fd: number, stat: Uint8Array): number {
  const plain = new Bytes(PLAIN_SIZE);
  const result = (fstat ??= glibc("fstat"))(linux.SYS_fstat, fd, plain);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  else statxOf(plain, stat);
  return result;
}

/** fstatat(2) with the semantics of FreeBSD, into a `struct statx`. */
function statRelative(
  fd: number,
  path: Memory,
  stat: Memory,
  flags: number,
): number {
  const bits = atFlags(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
  if (bits === -1) return failure(linux.EINVAL);
  const isBeneath = (flags & AT_RESOLVE_BENEATH) !== 0 || mustStayBeneath(fd, path, bits);
  if (!isBeneath) return statAt(fd, path, stat, bits);
  if (isOneName(path as Uint8Array)) {
    // Anything but a symlink needs no second call, and a single name can't leave the directory.
    const result = statAt(fd, path, stat, bits | linux.AT_SYMLINK_NOFOLLOW);
    const isLink = (decodeMode(stat as Uint8Array) & S_IFMT) === S_IFLNK;
    if (result === -1 || bits & linux.AT_SYMLINK_NOFOLLOW || !isLink) return result;
  }
  const noFollow = bits & linux.AT_SYMLINK_NOFOLLOW ? linux.O_NOFOLLOW : 0;
  const object = openBeneath(fd, path, linux.O_PATH | linux.O_CLOEXEC | noFollow);
  if (object === -1) return -1;
  const result = statAt(object, empty, stat, linux.AT_EMPTY_PATH);
  closeQuietly(object);
  return result;
}

/** Whether a lookup is kept beneath its directory without the flag: in a sandbox, where Landlock does not see attributes. */
function mustStayBeneath(fd: number, path: Memory, bits: number): boolean {
  if (fd === AT_FDCWD) return false;
  return !(bits & linux.AT_SYMLINK_NOFOLLOW && isOneName(path as Uint8Array)) && isConfined();
}

function statAt(fd: number, path: Memory, stat: Memory, bits: number): number {
  const result = (statx ??= glibc("statx"))(fd, path, bits, FIELDS, stat);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  return result;
}

// linux/xattr.h: XATTR_NAME_POSIX_ACL_ACCESS
const ACCESS = new TextEncoder().encode("system.posix_acl_access\0");

let fgetxattr: ReturnType<typeof glibc<"fgetxattr">> | undefined;

/** Whether a file has a POSIX access control list, which can grant access beyond the mode. */
export function hasAcl(fd: number): boolean {
  const call = fgetxattr ??= glibc("fgetxattr");
  if (call(fd, ACCESS, empty, 0n) !== -1) return true;
  thread.memcpy(errno, thread.errnoAt, 4n);
  // If the answer is unknown, the file may have a list.
  return errno[0] !== linux.ENODATA && errno[0] !== linux.EOPNOTSUPP;
}
