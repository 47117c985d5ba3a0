import { byteLengthOf, Bytes, decodeName, decodeNames, partOf, toBigInt } from "../values.ts";
import { errno, rawFreebsd } from "../symbols.ts";
import { DT_WHT } from "./constants.ts";

const { bindFreebsd, bound, thread } = rawFreebsd();

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

/** An open descriptor, as listed by the kernel. */
export interface OpenFile {
  readonly fd: number;
  /** The kind of object: `KF_TYPE_*` of sys/user.h; undefined without the list of FreeBSD. */
  readonly type?: number;
  /** The current path, if the object has one that the kernel remembers; undefined without the list of FreeBSD. */
  readonly path?: string;
}

// sys/sysctl.h of FreeBSD 13.2 and 15.1.
const CTL_KERN = 1, KERN_PROC = 14, KERN_PROC_FILEDESC = 33;
// sys/errno.h
const ENOMEM = 12;
// struct kinfo_file of sys/user.h, FreeBSD 12 to 15, on amd64 and arm64; KINFO_FILE_SIZE.
const KF_STRUCTSIZE = 0, KF_TYPE = 4, KF_FD = 8, KF_PATH = 368, LARGEST = 1392;
const KF_TYPE_VNODE = 1, KF_TYPE_FIFO = 4;

/** The buffer for the records, kept for the next list. */
let room = new Uint8Array(0);
const mib = new Int32Array([CTL_KERN, KERN_PROC, KERN_PROC_FILEDESC, 0]), size = new BigUint64Array(1);

/** One more than the largest descriptor of any list so far. It may be above the limit, if that was lowered. */
export let listedEnd = 0;

/**
 * Every open descriptor, by kern.proc.filedesc of sysctl(3). Undefined in capability mode, and if this libc lacks a
 * function: entering must not fail because there is no list.
 */
export function freebsdFiles(): OpenFile[] | undefined {
  try {
    const listed = openFiles();
    for (const { fd } of listed ?? []) listedEnd = Math.max(listedEnd, fd + 1);
    return listed;
  } catch (error) {
    if (error instanceof Deno.errors.NotSupported) return undefined;
    throw error;
  }
}

function openFiles(): OpenFile[] | undefined {
  const sysctl = bound.sysctl ?? bindFreebsd("sysctl");
  mib[3] = (bound.getpid ?? bindFreebsd("getpid"))();
  for (let length = byteLengthOf(room) || 2 ** 16; length <= 2 ** 30; length *= 2) {
    if (length > byteLengthOf(room)) room = new Bytes(length);
    size[0] = toBigInt(length);
    if (sysctl(mib, 4, room, size, null, 0n) === -1) {
      thread.memcpy(errno, thread.errnoAt, 4n);
      if (errno[0] === ENOMEM) continue;
      return undefined;
    }
    const used = Number(size[0]);
    // If the buffer is too small, the kernel leaves out records and reports success.
    if (length - used >= LARGEST) return decodeRecords(partOf(room, 0, used));
  }
  return undefined;
}

function decodeRecords(records: Uint8Array): OpenFile[] {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const files: OpenFile[] = [];
  for (let at = 0, next; at < records.length; at = next) {
    next = at + view.getInt32(at + KF_STRUCTSIZE, true);
    if (next < at + KF_PATH || next > records.length) {
      throw new Error(`sysctl kern.proc.filedesc returned a record of ${next - at} bytes at byte ${at}.`);
    }
    const fd = view.getInt32(at + KF_FD, true), type = view.getInt32(at + KF_TYPE, true);
    // KF_FD_TYPE_*, all negative, are the working directory, the root, the program and others that have no number.
    if (fd < 0) continue;
    const path = type === KF_TYPE_VNODE || type === KF_TYPE_FIFO
      ? pathIn(records.subarray(at + KF_PATH, next))
      : "";
    files.push({ fd, type, ...(path !== "" && { path }) });
  }
  return files;
}

function pathIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeName(end < 0 ? bytes : bytes.subarray(0, end));
}
