import { abi } from "../../../ffi/system.ts";
import { isSupported } from "../../../ffi/capsicum/capability_mode.ts";
import { descriptorFlags, type OpenFile, openFiles } from "../../../ffi/libc/kinfo_file.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { getFcntls, getIoctls, getRights } from "../../../ffi/capsicum/limits.ts";
import { type Fcntls, Ioctl, type Ioctls, type Rights } from "../../../rights/mod.ts";

/**
 * What a descriptor stands for; "unknown" if the kernel may not be asked, or does not report it.
 *
 * In capability mode a kqueue and an eventfd look alike, and are "kqueue or eventfd"; processes, jails, timers, inotify,
 * semaphores and message queues are "unknown" there, and on Linux, where shared memory is a "file".
 */
export type DescriptorKind =
  | "file"
  | "directory"
  | "symlink"
  | "pipe"
  | "socket"
  | "terminal"
  | "character device"
  | "block device"
  | "kqueue"
  | "eventfd"
  | "kqueue or eventfd"
  | "shared memory"
  | "semaphore"
  | "message queue"
  | "process"
  | "jail"
  | "timer"
  | "inotify"
  | "unknown";

/** A descriptor that is open, and what it can be used for. */
export interface OpenDescriptor {
  /** Its number. */
  readonly fd: number;
  /** What it stands for. */
  readonly kind: DescriptorKind;
  /**
   * The present path of a file, directory, FIFO or device, as far as the kernel remembers it: after a rename the new one.
   * Undefined in capability mode and on Linux.
   */
  readonly path?: string;
  /** Its rights; undefined where there is no Capsicum. */
  readonly rights?: Rights;
  /** The ioctls that it permits; undefined where there is no Capsicum. */
  readonly ioctls?: Ioctls;
  /** The fcntls that it permits; undefined where there is no Capsicum. */
  readonly fcntls?: Fcntls;
  /** Whether exec closes it, so that no child inherits it. */
  readonly closeOnExec: boolean;
  /** Where it stands, in bytes from the start, of a file whose rights permit to ask. */
  readonly offset?: number;
}

/**
 * Lists every descriptor that this process has open, in ascending order, Deno's own included.
 *
 * It asks of each only what its rights permit, so it violates nothing. Deno's other threads open and close some meanwhile.
 *
 * The kernel lists them, so that the cost is bounded by what is open. In capability mode FreeBSD gives no list, and on
 * Linux there is none without /proc: then each number is tried that is below getdtablesize(2), on FreeBSD at most
 * kern.maxfilesperproc, or was listed before. After a lower limit was set, a descriptor above it that was never listed
 * is not found there.
 *
 * Stands for sysctl(3) kern.proc.filedesc, on Linux for listing /proc/self/fd, and for F_GETFD of fcntl(2), fstat(2),
 * lseek(2), isatty(3) and the `cap_*_get` calls. Requires `--allow-ffi` permission.
 *
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example Which descriptor does an object of Deno have?
 * ```ts
 * import { isSupported, openDescriptors, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const before = new Set(openDescriptors().map(({ fd }) => fd));
 *   using file = openSync("/etc/passwd");
 *   const added = openDescriptors().find(({ fd, kind }) => kind === "file" && !before.has(fd));
 *   assertEquals(added?.fd, file.fd);
 * }
 * ```
 */
export function openDescriptors(): OpenDescriptor[] {
  const withRights = isSupported();
  const found: OpenDescriptor[] = [];
  for (const file of openFiles()) {
    const flags = descriptorFlags(file.fd);
    if (flags === undefined) continue;
    const closeOnExec = (flags & libc.FD_CLOEXEC) !== 0;
    const descriptor = unlessClosed(() => describe(file, closeOnExec, withRights));
    if (descriptor !== undefined) found.push(descriptor);
  }
  return found;
}

/** What a call gives; undefined where the descriptor is not, or no longer, open. */
export function unlessClosed<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Deno.errors.BadResource) return undefined;
    throw error;
  }
}

function describe({ fd, type, path }: OpenFile, closeOnExec: boolean, withRights: boolean): OpenDescriptor {
  const limits = withRights
    ? { rights: getRights(fd), ioctls: getIoctls(fd), fcntls: getFcntls(fd) }
    : undefined;
  const may = (right: "FSTAT" | "IOCTL" | "SEEK") => limits === undefined || limits.rights.has(right);
  let kind = kinds[type ?? -1] ?? (may("FSTAT") ? kindOf(fd, type) : "unknown");
  const mayAsk = may("IOCTL") && (limits === undefined || limits.ioctls.has(Ioctl.TIOCGETA));
  if (kind === "character device" && mayAsk && isTerminal(fd)) kind = "terminal";
  const offset = (kind === "file" || kind === "directory") && may("SEEK") ? tell(fd) : undefined;
  return {
    fd,
    kind,
    ...(path !== undefined && { path }),
    ...limits,
    closeOnExec,
    ...(offset !== undefined && { offset }),
  };
}

/** By `KF_TYPE_*` of sys/user.h, FreeBSD 13 to 15.1; fstat(2) reports the kinds of files, which are not here. */
const VNODE = 1;
const kinds: Readonly<Record<number, DescriptorKind>> = {
  2: "socket",
  3: "pipe",
  4: "pipe",
  5: "kqueue",
  7: "message queue",
  8: "shared memory",
  9: "semaphore",
  10: "terminal",
  11: "process",
  13: "eventfd",
  14: "timer",
  15: "inotify",
  16: "jail",
};

/** What is the same of all descriptors of one file, terminal or pipe; undefined where fstat(2) may not be asked. */
export function identityOf({ fd, rights }: OpenDescriptor): string | undefined {
  if (rights !== undefined && !rights.has("FSTAT")) return undefined;
  return abi().decodeIdentity(fstat(fd));
}

/** An open file, and its device and inode number as one string. */
export interface OpenedFile {
  readonly info: Deno.FileInfo;
  readonly identity: string;
}

/** What fstat(2) tells of a descriptor; undefined where it is closed or may not be asked. */
export function fileOf(fd: number): OpenedFile | undefined {
  return unlessRefused(() => {
    const stat = fstat(fd), { decodeStat, decodeIdentity } = abi();
    return { info: decodeStat(stat), identity: decodeIdentity(stat) };
  });
}

let buffer: Uint8Array<ArrayBuffer> | undefined;

/** A `struct stat`, which the next call overwrites. */
function fstat(fd: number): Uint8Array<ArrayBuffer> {
  libc.fstat(fd, buffer ??= new Uint8Array(abi().statSize));
  return buffer;
}

// File types in st_mode, from sys/stat.h of FreeBSD and linux/stat.h.
const S_IFMT = 0o170000, S_IFIFO = 0o010000, S_IFREG = 0o100000;
const fileKinds: Readonly<Record<number, DescriptorKind>> = {
  0o020000: "character device",
  0o040000: "directory",
  0o060000: "block device",
  0o120000: "symlink",
  0o140000: "socket",
};

function kindOf(fd: number, type: number | undefined): DescriptorKind {
  const stat = fstat(fd), mode = abi().decodeMode(stat) & S_IFMT;
  if (mode === S_IFREG) {
    return type === VNODE || isVnode(fd) ? "file" : isMemory(fd) ? "shared memory" : "unknown";
  }
  // sys/kern/kern_event.c and sys_eventfd.c leave all but the type 0.
  if (mode === S_IFIFO) return abi().decodeStat(stat).blksize === 0 ? "kqueue or eventfd" : "pipe";
  return fileKinds[mode] ?? "unknown";
}

/** Whether it is in a file system: fstat(2) of FreeBSD calls processes, inotify and shared memory regular files too. */
function isVnode(fd: number): boolean {
  return !abi().hasCapsicum || unlessRefused(() => libc.fcntl(fd, libc.F_ISUNIONSTACK)) !== undefined;
}

/** Only shared memory has seals; on Linux all files of a tmpfs do. */
function isMemory(fd: number): boolean {
  return unlessRefused(() => libc.fcntl(fd, libc.F_GET_SEALS)) !== undefined;
}

/** What a call returns; undefined if it fails. */
function unlessRefused<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!Object.hasOwn(error as object, "errno")) throw error;
    return undefined;
  }
}

/** What was opened to be neither read nor written, as with O_PATH, takes no ioctl and counts as closed there. */
function isTerminal(fd: number): boolean {
  return unlessClosed(() => libc.isatty(fd)) === 1;
}

/** Not all that looks like a file has an offset, as what was opened with O_PATH. */
function tell(fd: number): number | undefined {
  return unlessRefused(() => libc.lseek(fd, 0, libc.SEEK_CUR));
}
