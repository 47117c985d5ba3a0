import { decodeNames } from "../names.ts";
import { DT_WHT } from "./constants.ts";

/** The entries of one read of a directory, without "." and "..". */
export interface DirectoryChunk {
  /** Names; a name that is not UTF-8 has each of its bytes 0x80 to 0xff as U+DC80 to U+DCFF. */
  readonly names: string[];
  /** The `d_type` of each name. */
  readonly types: Uint8Array;
}

/** Bytes of a `struct stat`. */
export const statSize = 224;

// Offsets in struct stat of sys/stat.h, FreeBSD 12.1 to 15.1.
const ST_DEV = 0, ST_INO = 8, ST_NLINK = 16, ST_MODE = 24, ST_UID = 28, ST_GID = 32, ST_RDEV = 40;
const ST_ATIM = 48, ST_MTIM = 64, ST_CTIM = 80, ST_BIRTHTIM = 96;
const ST_SIZE = 112, ST_BLOCKS = 120, ST_BLKSIZE = 128;

// File types in st_mode, from sys/stat.h.
const S_IFMT = 0o170000, S_IFIFO = 0o010000, S_IFCHR = 0o020000, S_IFDIR = 0o040000, S_IFBLK = 0o060000;
const S_IFREG = 0o100000, S_IFLNK = 0o120000, S_IFSOCK = 0o140000;

/** Reads the file type and the mode from a `struct stat`. */
export function decodeMode(stat: Uint8Array): number {
  return stat[ST_MODE]! | stat[ST_MODE + 1]! << 8;
}

/** Reads a `struct stat`. */
export function decodeStat(stat: Uint8Array): Deno.FileInfo {
  const word = new Uint32Array(stat.buffer, stat.byteOffset, 36);
  const u32 = (offset: number) => word[offset >> 2]!;
  const u64 = (offset: number) => u32(offset) + u32(offset + 4) * 2 ** 32;
  const time = (offset: number) => {
    const seconds = u32(offset) + (u32(offset + 4) | 0) * 2 ** 32;
    return new Date(seconds * 1000 + Math.floor(u32(offset + 8) / 1e6));
  };
  const mode = u32(ST_MODE) & 0xffff;
  const type = mode & S_IFMT;
  // A file system without birth times reports -1 (sys/vnode.h, VNOVAL).
  const hasBirthTime = u32(ST_BIRTHTIM) !== 0xffffffff || u32(ST_BIRTHTIM + 4) !== 0xffffffff;
  return {
    isFile: type === S_IFREG,
    isDirectory: type === S_IFDIR,
    isSymlink: type === S_IFLNK,
    size: u64(ST_SIZE),
    mtime: time(ST_MTIM),
    atime: time(ST_ATIM),
    birthtime: hasBirthTime ? time(ST_BIRTHTIM) : null,
    ctime: time(ST_CTIM),
    dev: u64(ST_DEV),
    ino: safeInteger(u64(ST_INO)),
    mode,
    nlink: u64(ST_NLINK),
    uid: u32(ST_UID),
    gid: u32(ST_GID),
    rdev: u64(ST_RDEV),
    blksize: u32(ST_BLKSIZE),
    blocks: u64(ST_BLOCKS),
    isBlockDevice: type === S_IFBLK,
    isCharDevice: type === S_IFCHR,
    isFifo: type === S_IFIFO,
    isSocket: type === S_IFSOCK,
  };
}

/** Device and inode number of a `struct stat`. */
export function decodeIdentity(stat: Uint8Array): string {
  const view = new DataView(stat.buffer, stat.byteOffset);
  return `${view.getBigUint64(ST_DEV, true)}:${view.getBigUint64(ST_INO, true)}`;
}

/** The number, or null if a number can't hold it exactly. */
export function safeInteger(number: number): number | null {
  return Number.isSafeInteger(number) ? number : null;
}

// Offsets in struct dirent of sys/dirent.h, FreeBSD 12 to 15.1.
const D_FILENO = 0, D_RECLEN = 16, D_TYPE = 18, D_NAMLEN = 20, D_NAME = 24;
const DOT = 0x2e, SLASH = 0x2f;

/** Decodes the first `length` bytes of a buffer that getdirentries(2) filled, and overwrites the buffer. */
export function decodeDirectory(buffer: Uint8Array, length: number): DirectoryChunk {
  const types = new Uint8Array(Math.floor(length / D_NAME));
  let count = 0, end = 0;
  for (let at = 0; at < length;) {
    const recordLength = buffer[at + D_RECLEN]! | buffer[at + D_RECLEN + 1]! << 8;
    const nameLength = buffer[at + D_NAMLEN]! | buffer[at + D_NAMLEN + 1]! << 8;
    const next = at + recordLength;
    if (nameLength + D_NAME >= recordLength || next > length) {
      throw new Error(
        `getdirentries() returned a record of ${recordLength} bytes at byte ${at} of ${length}.`,
      );
    }
    const name = at + D_NAME, type = buffer[at + D_TYPE]!;
    const isDots = buffer[name] === DOT &&
      (nameLength === 1 || nameLength === 2 && buffer[name + 1] === DOT);
    if (!isDots && type !== DT_WHT && isUsed(buffer, at + D_FILENO)) {
      types[count++] = type;
      // The names move to the front of the buffer, with "/" between them, so they are decoded in one call.
      for (let from = name; from < name + nameLength;) buffer[end++] = buffer[from++]!;
      buffer[end++] = SLASH;
    }
    at = next;
  }
  return { names: decodeNames(buffer.subarray(0, end)), types: types.subarray(0, count) };
}

/** A file number of 0 marks an entry that was removed. */
function isUsed(buffer: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 8; i++) if (buffer[i] !== 0) return true;
  return false;
}
