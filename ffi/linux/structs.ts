import { decodeNames } from "../names.ts";
import { type DirectoryChunk, safeInteger } from "../freebsd/structs.ts";

// Offsets in struct statx of linux/stat.h.
const STX_MASK = 0, STX_BLKSIZE = 4, STX_NLINK = 16, STX_UID = 20, STX_GID = 24, STX_MODE = 28, STX_INO = 32;
const STX_SIZE = 40, STX_BLOCKS = 48, STX_ATIME = 64, STX_BTIME = 80, STX_CTIME = 96, STX_MTIME = 112;
const STX_RDEV = 128, STX_DEV = 136;
/** Bytes of a `struct statx`. */
export const STATX_SIZE = 256;
const STATX_BTIME = 0x800;

// File types in stx_mode, from linux/stat.h.
const S_IFMT = 0o170000, S_IFIFO = 0o010000, S_IFCHR = 0o020000, S_IFDIR = 0o040000, S_IFBLK = 0o060000;
const S_IFREG = 0o100000, S_IFLNK = 0o120000, S_IFSOCK = 0o140000;

let lastStat: Uint8Array | undefined;
let word: Uint32Array = new Uint32Array();

/** Reads the file type and the mode from a `struct statx`. */
export function decodeMode(stat: Uint8Array): number {
  return stat[STX_MODE]! | stat[STX_MODE + 1]! << 8;
}

/** Reads a `struct statx`. */
export function decodeStatx(stat: Uint8Array): Deno.FileInfo {
  // For a caller that reuses its buffer, one view of it is enough.
  if (stat !== lastStat) {
    word = new Uint32Array(stat.buffer, stat.byteOffset, STATX_SIZE / 4);
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
    birthtime: u32(STX_MASK) & STATX_BTIME ? time(STX_BTIME) : null,
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
export function decodeDirents(buffer: Uint8Array, length: number): DirectoryChunk {
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
