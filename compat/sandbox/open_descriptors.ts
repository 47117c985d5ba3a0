/**
 * What the process has open: {@link openDescriptors} lists it, {@link fdOf} finds the descriptor of an object of Deno's.
 * Both make only calls that the rights of each descriptor permit.
 *
 * @module
 */
import { getFcntls, getIoctls, getRights, isSupported } from "../../ffi/capsicum/capability.ts";
import { descriptorFlags, listedFiles, openFiles } from "../../ffi/libc/process.ts";
import { nameOfPeer, nameOfSocket, type SocketName, typeOfSocket } from "../../ffi/libc/by_descriptor.ts";
import type { OpenFile } from "../../ffi/freebsd/structs.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { shown } from "../../ffi/errors.ts";
import { hasCapsicum } from "../../ffi/symbols.ts";
import type { Fcntls } from "../../rights/fcntls.ts";
import { Ioctl, type Ioctls } from "../../rights/ioctls.ts";
import type { Rights } from "../../rights/rights.ts";
import { type Identified, identifiedOf, statOf } from "../fs/descriptor.ts";

/**
 * The kind of a descriptor; "unknown" if the kernel does not report it, or if the right to ask is missing.
 *
 * In capability mode a kqueue and an eventfd can't be distinguished and are "kqueue or eventfd". Processes, jails,
 * timers, inotify, semaphores and message queues are "unknown" there and on Linux. On Linux, shared memory is a "file".
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

/** An open descriptor, and the calls that it permits. */
export interface OpenDescriptor {
  /** The number of the descriptor. */
  readonly fd: number;
  /** The kind of the descriptor. */
  readonly kind: DescriptorKind;
  /**
   * The current path of a file, directory, FIFO or device, if the kernel remembers it; after a rename, the new path.
   * Undefined in capability mode and on Linux.
   */
  readonly path?: string;
  /** The rights; undefined without Capsicum. */
  readonly rights?: Rights;
  /** The permitted ioctls; undefined without Capsicum. */
  readonly ioctls?: Ioctls;
  /** The permitted fcntls; undefined without Capsicum. */
  readonly fcntls?: Fcntls;
  /** Whether exec closes the descriptor. If it does, no child inherits it. */
  readonly closeOnExec: boolean;
  /** The offset of a file in bytes, if the rights permit asking for it. */
  readonly offset?: number;
}

/**
 * Lists every descriptor that this process has open, in ascending order, including those of Deno itself.
 *
 * It makes only calls that the rights of each descriptor permit, so it violates nothing. Other threads of Deno may open
 * and close descriptors meanwhile.
 *
 * The kernel provides the list, so the cost depends on the number of open descriptors. In capability mode FreeBSD
 * provides no list, and Linux needs /proc for it. Without a list, each number below getdtablesize(2) is tried (on
 * FreeBSD at most kern.maxfilesperproc), and each number that was listed before. If the limit was lowered, a descriptor
 * above the limit that was never listed is not found.
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

/** The result of a call; undefined if the descriptor is not open, or not open any more. */
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

/** Kinds by `KF_TYPE_*` of sys/user.h, FreeBSD 13 to 15.1. The kinds of files come from fstat(2). */
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
  const { mode, blksize } = statOf(fd), format = mode! & S_IFMT;
  if (format === S_IFREG) {
    return type === VNODE || isVnode(fd) ? "file" : isMemory(fd) ? "shared memory" : "unknown";
  }
  // sys/kern/kern_event.c and sys_eventfd.c leave all but the type 0.
  if (format === S_IFIFO) return blksize === 0 ? "kqueue or eventfd" : "pipe";
  return fileKinds[format] ?? "unknown";
}

/** Whether it is in a file system: FreeBSD's fstat(2) reports processes, inotify and shared memory as regular files. */
function isVnode(fd: number): boolean {
  return !hasCapsicum() || unlessRefused(() => libc.fcntl(fd, libc.F_ISUNIONSTACK)) !== undefined;
}

/** Only shared memory has seals; on Linux, all files of a tmpfs have them. */
function isMemory(fd: number): boolean {
  return unlessRefused(() => libc.fcntl(fd, libc.F_GET_SEALS)) !== undefined;
}

/** The result of a call; undefined if it fails. */
function unlessRefused<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!Object.hasOwn(error as object, "errno")) throw error;
    return undefined;
  }
}

/** A descriptor that is open for neither reading nor writing, such as with O_PATH, fails with EBADF in ioctl(2). */
function isTerminal(fd: number): boolean {
  return unlessClosed(() => libc.isatty(fd)) === 1;
}

/** The offset; undefined for descriptors of files that have none, such as with O_PATH. */
function tell(fd: number): number | undefined {
  return unlessRefused(() => libc.lseek(fd, 0, libc.SEEK_CUR));
}

/**
 * Returns the descriptor of an object that Deno opens in `open`, so that it can be limited. The object is a listener, a
 * connection, a datagram socket, an HTTP server or a `Deno.FsFile`.
 *
 * `open` returns the object that it opened; the caller still has to close it. The kernel's list of descriptors is read
 * before and after the call. A descriptor fits if it has the same addresses as the socket (getsockname(2),
 * getpeername(2)) or is the same open file (fstat(2), and the offset, which is moved and restored).
 *
 * Exactly one descriptor must fit, or it throws. So it never returns a wrong number, even if other code opens the same
 * object meanwhile, such as a Worker or, during an asynchronous call, another function. It also throws for a second
 * descriptor of the same device or FIFO, and on FreeBSD for a second TCP or UDP socket of one address (`reusePort`).
 *
 * Stands for sysctl(3) kern.proc.filedesc, or listing /proc/self/fd on Linux. Does not work in capability mode, because
 * FreeBSD provides no list there. Requires `--allow-ffi` permission.
 *
 * @param open Opens one object and returns it, or a promise of it. Its errors are thrown unchanged.
 * @returns The descriptor; a promise of it if `open` returns a promise.
 * @throws {TypeError} If `open` is not a function, or does not return a listener, connection, server or file.
 * @throws {Error} If not exactly one descriptor fits, or the kernel provides no list, such as in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example A listener that can do nothing but accept
 * ```ts
 * import { fdOf, isSupported, limit } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * let listener!: Deno.Listener;
 * const fd = fdOf(() => listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }));
 * if (isSupported()) limit(fd, ["ACCEPT", "EVENT", "FCNTL", "READ", "WRITE"]);
 * assert(fd > 2);
 * listener.close();
 * ```
 */
export function fdOf(open: () => PromiseLike<unknown>): Promise<number>;
/** Returns the descriptor of the object that Deno opens in `open`. */
export function fdOf(open: () => unknown): number;
export function fdOf(open: () => unknown): number | Promise<number> {
  if (typeof open !== "function") {
    throw new TypeError(`fdOf(): open is a function, not ${shown(open)}.`);
  }
  const before = new Map(numbers().map((fd) => [fd, fileOf(fd)]));
  const opened = open();
  return isThenable(opened)
    ? Promise.resolve(opened).then((opened) => find(before, opened))
    : find(before, opened);
}

/** The result of fstat(2) for a descriptor; undefined if it is closed or lacks the right FSTAT. */
export function fileOf(fd: number): Identified | undefined {
  return unlessRefused(() => identifiedOf(fd));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

function numbers(): number[] {
  const listed = listedFiles();
  if (listed !== undefined) return listed.map(({ fd }) => fd);
  throw new Error(
    "fdOf(): the kernel gives no list of the open descriptors: FreeBSD has none in capability mode, Linux none " +
      "without /proc. Call fdOf() before enter().",
  );
}

type Before = ReadonlyMap<number, Identified | undefined>;

/** The only descriptor that fits the object and is new, or belonged to another object before. */
function find(before: Before, opened: unknown): number {
  const fits = fitting(opened);
  const candidates: number[] = [];
  let isNew = false;
  for (const fd of numbers()) {
    const file = fileOf(fd);
    if (file === undefined || !fits(fd, file)) continue;
    const isSame = before.get(fd)?.identity === file.identity;
    // The number may have been closed and reopened for an object of the same identity, unless the identity is unique.
    if (isSame && isUnique(file)) continue;
    candidates.push(fd);
    isNew = !isSame;
  }
  const [fd, ...others] = candidates;
  if (fd !== undefined && others.length === 0 && isNew) return fd;
  throw new Error(
    others.length === 0
      ? "fdOf(): no new descriptor is what the function returned: it was open before, or is closed again."
      : `fdOf(): descriptors ${
        candidates.join(", ")
      } all fit the result of the function, and can't be distinguished.`,
  );
}

/** A file is identified by its offset; a socket by its number, which FreeBSD has for local sockets. */
function isUnique({ info }: Identified): boolean {
  return info.isFile || info.isSocket === true && info.ino !== 0;
}

type Fits = (fd: number, file: Identified) => boolean;

/** A check whether a descriptor fits an object of Deno, by what the kernel reports. */
function fitting(opened: unknown): Fits {
  if (opened instanceof Deno.FsFile) return fittingFile(opened);
  const { addr, localAddr, remoteAddr } = (opened ?? {}) as Partial<Deno.Listener & Deno.Conn>;
  const local = addr ?? localAddr;
  if (typeof local === "object" && local !== null && "transport" in local) {
    return fittingSocket(local, remoteAddr);
  }
  throw new TypeError(
    "fdOf(): the function must return what it opened: a listener, connection, server or file of Deno's, not " +
      `${shown(opened)}.`,
  );
}

function fittingFile(file: Deno.FsFile): Fits {
  const { dev, ino } = stat(file);
  return (fd, { info }) =>
    info.dev === dev && (info.ino === null || info.ino === ino) && (!info.isFile || hasSameOffset(fd, file));
}

function stat(file: Deno.FsFile): Deno.FileInfo {
  try {
    return file.statSync();
  } catch (cause) {
    throw new Error("fdOf(): the file that the function returned is closed again.", { cause });
  }
}

/** Whether both share one open file description: only then a seek on one moves the other. */
function hasSameOffset(fd: number, file: Deno.FsFile): boolean {
  const offset = file.seekSync(0, Deno.SeekMode.Current);
  const unlikely = 2 ** 30 + crypto.getRandomValues(new Uint32Array(1))[0]!;
  try {
    return file.seekSync(unlikely, Deno.SeekMode.Start) === unlikely &&
      libc.lseek(fd, 0, libc.SEEK_CUR) === unlikely;
  } finally {
    file.seekSync(offset, Deno.SeekMode.Start);
  }
}

const types: Readonly<Record<string, number>> = { tcp: 1, unix: 1, udp: 2, unixpacket: 2 };

function fittingSocket(local: Deno.Addr, remote: Deno.Addr | undefined): Fits {
  const type = types[local.transport];
  if (type === undefined) throw new TypeError(`fdOf(): a socket of ${local.transport} can't be found.`);
  const name = textOf(local);
  const peer = remote && textOf(remote);
  return (fd, { info }) => {
    if (!info.isSocket || typeOfSocket(fd) !== type || textOf(nameOfSocket(fd)) !== name) return false;
    const other = nameOfPeer(fd);
    return peer === undefined ? other === undefined : textOf(other) === peer;
  };
}

/** An address as text; equal addresses have equal texts. */
function textOf(address: SocketName | Deno.Addr | undefined): string | undefined {
  if (address === undefined) return undefined;
  if ("path" in address) return `unix ${address.path ?? ""}`;
  if (!("hostname" in address)) return undefined;
  const { hostname, port } = address;
  return `${hostname.includes(":") ? new URL(`http://[${hostname}]`).hostname : hostname} ${port}`;
}
