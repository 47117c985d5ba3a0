import { bound, errno, errnoAt, hasCapsicum, memcpy } from "../symbols.ts";
import { bind } from "../system.ts";
import { decodeName } from "../names.ts";
import { abi } from "../system.ts";
import { F_GETFD, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../freebsd/constants.ts";
import { close, getdirentries, open } from "./bytes.ts";
import { getdtablesize } from "./process.ts";

/** An open descriptor, as listed by the kernel. */
export interface OpenFile {
  readonly fd: number;
  /** The kind of object: `KF_TYPE_*` of sys/user.h; undefined without the list of FreeBSD. */
  readonly type?: number;
  /** The current path, if the object has one that the kernel remembers; undefined without the list of FreeBSD. */
  readonly path?: string;
}

/** One more than the largest descriptor of any list so far. It may be above the limit, if that was lowered. */
let end = 0;

/**
 * Returns every open descriptor: from the list of the kernel, or else by trying each number below the limit.
 *
 * In capability mode FreeBSD provides no list. dup2(2) can still make a descriptor with any number below the limit, so
 * a shorter search would miss some. On FreeBSD, getdtablesize(2) never exceeds the sysctl kern.maxfilesperproc.
 */
export function openFiles(): OpenFile[] {
  const listed = listedFiles();
  if (listed !== undefined) return listed;
  const found: OpenFile[] = [];
  const limit = Math.max(end, getdtablesize());
  for (let fd = 0; fd < limit; fd++) if (descriptorFlags(fd) !== undefined) found.push({ fd });
  return found;
}

/** The list of the kernel; undefined in capability mode, and on Linux if /proc is not mounted or can't be read. */
export function listedFiles(): OpenFile[] | undefined {
  const listed = hasCapsicum() ? unlessMissing(freebsdList) : linuxList();
  for (const { fd } of listed ?? []) end = Math.max(end, fd + 1);
  return listed;
}

/** Undefined if this libc lacks a function: entering must not fail because there is no list. */
function unlessMissing<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof Deno.errors.NotSupported) return undefined;
    throw error;
  }
}

/**
 * `FD_CLOEXEC` and the like, by F_GETFD of fcntl(2); undefined if the number is not open.
 *
 * It does not throw, because most of the numbers that are tried are not open.
 */
export function descriptorFlags(fd: number): number | undefined {
  const flags = (bound.fcntl ?? bind("fcntl"))(fd, F_GETFD, 0n);
  return flags === -1 ? undefined : flags;
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

/** kern.proc.filedesc of sysctl(3) for this process. */
function freebsdList(): OpenFile[] | undefined {
  const sysctl = bound.sysctl ?? bind("sysctl");
  const mib = new Int32Array([CTL_KERN, KERN_PROC, KERN_PROC_FILEDESC, (bound.getpid ?? bind("getpid"))()]);
  for (let size = Math.max(room.length, 2 ** 16); size <= 2 ** 30; size *= 2) {
    if (size > room.length) room = new Uint8Array(size);
    const length = new BigUint64Array([BigInt(size)]);
    if (sysctl(mib, mib.length, room, length, null, 0n) === -1) {
      memcpy(errno, errnoAt, 4n);
      if (errno[0] === ENOMEM) continue;
      return undefined;
    }
    const used = Number(length[0]);
    // If the buffer is too small, the kernel leaves out records and reports success.
    if (size - used >= LARGEST) return decodeRecords(room.subarray(0, used));
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
    // KF_FD_TYPE_*, all negative, are the working directory, the root, the program and the like.
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

/** The names in /proc/self/fd, without the descriptor that lists them. */
function linuxList(): OpenFile[] | undefined {
  const buffer = new Uint8Array(2 ** 15), base = new Uint8Array(8), files: OpenFile[] = [];
  try {
    const directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    try {
      for (let length; (length = getdirentries(directory, buffer, buffer.length, base)) > 0;) {
        const { names } = abi().decodeDirectory(buffer, length);
        files.push(...names.map((name) => ({ fd: Number(name) })).filter(({ fd }) => fd !== directory));
      }
    } finally {
      close(directory);
    }
  } catch (error) {
    // Errors other than those of system calls, such as a missing permission, go to the caller.
    if (!Object.hasOwn(error as object, "errno")) throw error;
    return undefined;
  }
  return files;
}
