import { shown } from "../../../ffi/message.ts";
import { listedFiles } from "../../../ffi/libc/kinfo_file.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { nameOfPeer, nameOfSocket, type SocketName, typeOfSocket } from "../../../ffi/libc/sockaddr.ts";
import { fileOf, type OpenedFile } from "./open_descriptors.ts";

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

type Before = ReadonlyMap<number, OpenedFile | undefined>;

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
      } all fit what the function returned, and can't be told apart.`,
  );
}

/** A file is identified by its offset; a socket by its number, which FreeBSD has for local sockets. */
function isUnique({ info }: OpenedFile): boolean {
  return info.isFile || info.isSocket === true && info.ino !== 0;
}

type Fits = (fd: number, file: OpenedFile) => boolean;

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
