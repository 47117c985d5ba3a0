import {
  decodeName,
  descriptor,
  encodeName,
  type FdLike,
  int,
  isAmong,
  long,
  memory,
  mode as modeOf,
  owner as ownerOf,
  timespecs,
  toNumber,
} from "../values.ts";
import { AF_INET6, errno, hasCapsicum } from "../symbols.ts";
import { abi, rawCalls } from "../system.ts";
import { heldFcntls, syscallError } from "../failure.ts";
import * as constants from "../freebsd/constants.ts";
import { EBADF, EINTR, ENOTCAPABLE, F_GETFL, F_GETOWN, F_SETFL, F_SETOWN } from "../freebsd/constants.ts";
import { listed, shown } from "../errors.ts";
import { AF_INET6 as LINUX_AF_INET6 } from "../linux/constants.ts";

const { bound, thread, bind } = rawCalls();

/**
 * Closes a descriptor. Stands for close(2): `int close(int fd)`.
 *
 * It takes only a number: an object that owns its descriptor would close it again later, when the number may belong to
 * another file. It is never repeated: FreeBSD closes the descriptor even on EINTR.
 * @param fd The number.
 *
 * @example
 * ```ts
 * import { libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals, assertThrows } from "jsr:@std/assert";
 * const fd = libc.open("/dev/zero", libc.O_RDONLY | libc.O_CLOEXEC), copy = libc.dup(fd);
 * assertEquals(libc.close(fd), 0);
 * assertThrows(() => libc.close(fd), Deno.errors.BadResource);
 * assertEquals(libc.read(copy, new Uint8Array(4)), 4);
 * libc.close(copy);
 * ```
 */
export function close(fd: number): number {
  const number = descriptor(fd);
  if (typeof fd !== "number") {
    throw new TypeError(`close() takes the number of a descriptor, not ${shown(fd)}, which closes its own.`);
  }
  return closeOf(fd, number);
}

/** Closes a descriptor that its owner has given up; an error names the request that the owner serves. */
export function closeOf(owner: FdLike, number: number): number {
  const call = bound.close ?? bind("close");
  const result = call(number);
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  if (errno[0] === EINTR) return 0;
  throw syscallError("close", { fd: number }, owner);
}

/**
 * Reports on an open file. Stands for fstat(2): `int fstat(int fd, struct stat *sb)`. Needs FSTAT.
 * @param fd The file.
 * @param sb A buffer, which gets the `struct stat`: 224 bytes on FreeBSD.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const stat = new Uint8Array(224);
 *   libc.fstat(file, stat);
 *   const mode = new DataView(stat.buffer).getUint16(24, true);
 *   assertEquals(mode & 0o170000, 0o020000); // S_IFCHR of sys/stat.h
 * }
 * ```
 */
export function fstat(fd: FdLike, sb: Uint8Array): number {
  const number = descriptor(fd), stat = memory(sb, abi().statSize);
  const call = bound.fstat ?? bind("fstat");
  do {
    const result = call(number, stat);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fstat", { fd: number }, fd);
}

/**
 * Cuts or extends a file. Stands for ftruncate(2): `int ftruncate(int fd, off_t length)`. Needs FTRUNCATE.
 * @param fd The file.
 * @param length Its new length in bytes.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using tmp = openDirSync("/tmp");
 * const path = tmp.makeTempFileSync(), times = new BigInt64Array([1n, 0n, 2n, 0n]);
 * using file = tmp.openSync(path, { read: true, write: true });
 * libc.unlinkat(tmp, path, 0);
 * libc.flock(file, libc.LOCK_EX | libc.LOCK_NB);
 * libc.ftruncate(file, 100);
 * libc.fchmod(file, 0o400);
 * libc.fchown(file, -1, -1);
 * libc.futimens(file, new Uint8Array(times.buffer));
 * libc.fdatasync(file);
 * libc.fsync(file);
 * const { size, mode, mtime } = file.statSync();
 * assertEquals([size, mode! & 0o777, mtime], [100, 0o400, new Date(2000)]);
 * ```
 */
export function ftruncate(fd: FdLike, length: number | bigint): number {
  const number = descriptor(fd), size = long(length, "length");
  const call = bound.ftruncate ?? bind("ftruncate");
  do {
    const result = call(number, size);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("ftruncate", { fd: number }, fd);
}

/**
 * Waits until data and metadata are on the disk. Stands for fsync(2): `int fsync(int fd)`. Needs FSYNC.
 * @param fd The file.
 */
export function fsync(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.fsync ?? bind("fsync");
  do {
    const result = call(number);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fsync", { fd: number }, fd);
}

/**
 * Waits until the data is on the disk. Stands for fdatasync(2): `int fdatasync(int fd)`. Needs FSYNC.
 * @param fd The file.
 */
export function fdatasync(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.fdatasync ?? bind("fdatasync");
  do {
    const result = call(number);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fdatasync", { fd: number }, fd);
}

/**
 * Locks or unlocks a file. Stands for flock(2): `int flock(int fd, int operation)`. Needs FLOCK.
 * @param fd The file.
 * @param operation `LOCK_SH`, `LOCK_EX` or `LOCK_UN`; with `LOCK_NB` it throws `WouldBlock` instead of waiting.
 */
export function flock(fd: FdLike, operation: number): number {
  const number = descriptor(fd), how = int(operation, "operation");
  const call = bound.flock ?? bind("flock");
  do {
    const result = call(number, how);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("flock", { fd: number });
}

/**
 * Sets the permission bits of a file. Stands for fchmod(2): `int fchmod(int fd, mode_t mode)`. Needs FCHMOD.
 * @param fd The file.
 * @param mode The bits.
 */
export function fchmod(fd: FdLike, mode: number): number {
  const number = descriptor(fd), bits = modeOf(mode);
  const call = bound.fchmod ?? bind("fchmod");
  do {
    const result = call(number, bits);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchmod", { fd: number }, fd);
}

/**
 * Sets the owner and group of a file. Stands for fchown(2): `int fchown(int fd, uid_t owner, gid_t group)`. Needs
 * FCHOWN.
 * @param fd The file.
 * @param owner The user id; -1 keeps the owner.
 * @param group The group id; -1 keeps the group.
 */
export function fchown(fd: FdLike, owner: number, group: number): number {
  const number = descriptor(fd), uid = ownerOf(owner, "owner"), gid = ownerOf(group, "group");
  const call = bound.fchown ?? bind("fchown");
  do {
    const result = call(number, uid, gid);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchown", { fd: number }, fd);
}

/**
 * Sets the times of a file. Stands for futimens(2): `int futimens(int fd, const struct timespec times[2])`. Needs
 * FUTIMES.
 * @param fd The file.
 * @param times The times of access and modification: two `struct timespec`, 32 bytes. Null is the current time.
 */
export function futimens(fd: FdLike, times: Uint8Array | null): number {
  const number = descriptor(fd), both = timespecs(times);
  const call = bound.futimens ?? bind("futimens");
  do {
    const result = call(number, both);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("futimens", { fd: number }, fd);
}

/**
 * Controls a descriptor. Stands for fcntl(2): `int fcntl(int fd, int cmd, ...)`. Needs FCNTL and the fcntl itself.
 * @param fd The descriptor.
 * @param cmd A command whose argument is an integer.
 * @param arg The argument.
 * @returns The result of the command.
 *
 * @example
 * ```ts
 * import { libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using file = openSync("/dev/null");
 * assertEquals(libc.fcntl(file, libc.F_GETFD), libc.FD_CLOEXEC);
 * assertEquals(libc.fcntl(file, libc.F_GETFL) & libc.O_ACCMODE, libc.O_RDONLY);
 * ```
 */
export function fcntl(fd: FdLike, cmd: number, arg: number | bigint = 0): number {
  const number = descriptor(fd), command = integerCommand(cmd), value = long(arg, "arg");
  const call = bound.fcntl ?? bind("fcntl");
  do {
    const result = call(number, command, value);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fcntl", {
    fd: number,
    reason: (code) => code === "ENOTCAPABLE" ? notPermitted(number, command) : undefined,
  });
}

const fcntlNames: Readonly<Record<number, "GETFL" | "SETFL" | "GETOWN" | "SETOWN">> = {
  [F_GETFL]: "GETFL",
  [F_SETFL]: "SETFL",
  [F_GETOWN]: "GETOWN",
  [F_SETOWN]: "SETOWN",
};

// sys/fcntl.h of FreeBSD 13.2 and 15.1. F_DUP3FD has flags in its upper half.
const F_DUPFD_CLOFORK = 23, F_DUP3FD = 24, LOWER_HALF = 0xffff;
const integerCommands: readonly number[] = [
  constants.F_DUPFD,
  constants.F_GETFD,
  constants.F_SETFD,
  F_GETFL,
  F_SETFL,
  F_GETOWN,
  F_SETOWN,
  constants.F_DUP2FD,
  constants.F_READAHEAD,
  constants.F_RDAHEAD,
  constants.F_DUPFD_CLOEXEC,
  constants.F_DUP2FD_CLOEXEC,
  constants.F_ADD_SEALS,
  constants.F_GET_SEALS,
  constants.F_ISUNIONSTACK,
  F_DUPFD_CLOFORK,
];
const addressCommands: Readonly<Record<number, string>> = {
  7: "F_OGETLK",
  8: "F_OSETLK",
  9: "F_OSETLKW",
  11: "F_GETLK",
  12: "F_SETLK",
  13: "F_SETLKW",
  14: "F_SETLK_REMOTE",
  22: "F_KINFO",
};

/** Checks that a command of fcntl(2) takes no address: the kernel would read or write memory there. */
function integerCommand(cmd: number): number {
  const command = int(cmd, "cmd");
  if (isAmong(integerCommands, command) || (command & LOWER_HALF) === F_DUP3FD) return command;
  const name = addressCommands[command];
  throw new RangeError(
    `fcntl() takes the commands whose argument is an integer, and ${
      name ? `that of ${name} (${command}) is an address` : `${command} is not one of them`
    }.`,
  );
}

function notPermitted(fd: number, command: number): string | undefined {
  const name = fcntlNames[command], held = heldFcntls(fd);
  return name && held && !held.has(name)
    ? `F_${name} is not among the fcntls that it is limited to (${listed(held)})`
    : undefined;
}

// Of an ioctl request (sys/ioccom.h): the direction, and the bytes that the kernel copies.
const IOC_OUT = 0x40000000n, IOC_IN = 0x80000000n;

/** The 32 bits of a request that the kernel looks at. C programs also give it with its sign extended. */
function ioctlRequest(request: number | bigint): bigint {
  const value = long(request, "request");
  if (value < -0x80000000n || value > 0xffffffffn) {
    throw new RangeError(`The request of an ioctl is an integer of 32 bits, not ${value}.`);
  }
  return value & 0xffffffffn;
}

/**
 * Sends a request to a device. Stands for ioctl(2): `int ioctl(int fd, unsigned long request, ...)`. Needs IOCTL and
 * the request.
 *
 * The kernel reads or writes at each address that the struct of a request holds. So limit the ioctls of a descriptor that
 * code which you do not trust can use.
 * @param fd The device or file.
 * @param request The request. ENOTTY if the device does not know it.
 * @param data The buffer that the request reads or fills. Null if the request has none; a request that takes an integer
 * (`_IOWINT`) gets 0.
 * @returns The result of the request, for most requests 0.
 *
 * @example
 * ```ts
 * import { Ioctl, isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const path = tmp.makeTempFileSync(), count = new Int32Array(1);
 *   tmp.writeTextFileSync(path, "hello");
 *   using file = tmp.openSync(path);
 *   tmp.removeSync(path);
 *   libc.ioctl(file, Ioctl.FIONREAD, new Uint8Array(count.buffer));
 *   assertEquals([count[0], libc.isatty(file)], [5, 0]);
 * }
 * ```
 */
export function ioctl(fd: FdLike, request: number | bigint, data: Uint8Array | null = null): number {
  const number = descriptor(fd), command = ioctlRequest(request);
  const size = command & (IOC_IN | IOC_OUT) ? toNumber(command >> 16n & 0x1fffn) : 0;
  if (size > 0 && data === null) {
    throw new TypeError(`The ioctl 0x${command.toString(16)} needs a buffer of ${size} bytes, not null.`);
  }
  if (size === 0 && data !== null) {
    throw new TypeError(
      `The ioctl 0x${command.toString(16)} takes no buffer: the kernel would take its address for a number.`,
    );
  }
  const argument = data === null ? null : memory(data, size);
  const call = bound.ioctl ?? bind("ioctl");
  do {
    const result = call(number, command, argument);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("ioctl", {
    fd: number,
    reason: (code) =>
      code === "ENOTCAPABLE"
        ? `the ioctl 0x${command.toString(16)} is not among those that it is limited to`
        : undefined,
  });
}

/**
 * Returns 1 if a descriptor is a terminal, or else 0. Stands for isatty(3): `int isatty(int fd)`. Needs IOCTL with
 * TIOCGETA.
 * @param fd The descriptor.
 */
export function isatty(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.isatty ?? bind("isatty");
  const result = call(number);
  if (result !== 0) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  if (errno[0] !== EBADF && errno[0] !== ENOTCAPABLE) return 0;
  throw syscallError("isatty", {
    fd: number,
    reason: (code) =>
      code === "ENOTCAPABLE"
        ? "the ioctl TIOCGETA, which identifies a terminal, is not permitted"
        : undefined,
  });
}

/**
 * Duplicates a descriptor, with its rights but without close-on-exec. Stands for dup(2): `int dup(int oldd)`.
 * @param fd The descriptor.
 * @returns The new descriptor.
 */
export function dup(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.dup ?? bind("dup");
  do {
    const result = call(number);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("dup", { fd: number });
}

/** The address of a socket or of its peer. */
export type SocketName =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "inet"; readonly hostname: string; readonly port: number };

/** An address to connect to, or to listen at: the 4 or 16 bytes of an Internet address, or a path. */
export type SocketAddress =
  | { readonly bytes: Uint8Array; readonly port: number }
  | { readonly path: string };

// sys/socket.h of FreeBSD 13.2 and 15.1, and asm-generic/socket.h. AF_UNIX and AF_INET have the same number in both.
const options = {
  freebsd: {
    SO_TYPE: [0xffff, 0x1008],
    SO_RCVBUF: [0xffff, 0x1002],
    SO_ERROR: [0xffff, 0x1007],
    SO_REUSEADDR: [0xffff, 0x4],
  },
  linux: {
    SO_TYPE: [1, 3],
    SO_RCVBUF: [1, 8],
    SO_ERROR: [1, 4],
    SO_REUSEADDR: [1, 2],
  },
} as const;

/** The level and the number of an option on this system. */
export function optionOf(name: keyof typeof options.linux): readonly [level: number, number: number] {
  return options[hasCapsicum() ? "freebsd" : "linux"][name];
}

/** `SOCK_STREAM` (1), `SOCK_DGRAM` (2) and the like; undefined if it is not a socket or lacks the right. */
export function typeOfSocket(fd: number): number | undefined {
  return socketOption(fd, "SO_TYPE");
}

/** The bytes of a socket's receive buffer (SO_RCVBUF); undefined if it is not a socket or lacks the right. */
export function receiveBufferOf(fd: number): number | undefined {
  return socketOption(fd, "SO_RCVBUF");
}

function socketOption(fd: number, name: "SO_TYPE" | "SO_RCVBUF"): number | undefined {
  const call = bound.getsockopt ?? bind("getsockopt"), [level, number] = optionOf(name);
  length[0] = 4;
  return call(fd, level, number, value, length) === -1 ? undefined : value[0];
}

/** Bytes of a `struct sockaddr_storage`. */
const SIZE = 128;

// The kernel fills these, and they are read before the next call.
const name = new Uint8Array(SIZE), value = new Int32Array(1), length = new Uint32Array(1);

/** The address of a socket; undefined if it is not a socket or lacks the right. */
export function nameOfSocket(fd: number): SocketName | undefined {
  length[0] = SIZE;
  const result = (bound.getsockname ?? bind("getsockname"))(fd, name, length);
  return result === -1 ? undefined : decode(name, length[0]!);
}

/** The address that a socket is connected to; undefined if it is not connected or lacks the right. */
export function nameOfPeer(fd: number): SocketName | undefined {
  length[0] = SIZE;
  const result = (bound.getpeername ?? bind("getpeername"))(fd, name, length);
  return result === -1 ? undefined : decode(name, length[0]!);
}

const AF_UNIX = 1, AF_INET = 2;
// Offsets in struct sockaddr_in, sockaddr_in6 and sockaddr_un, the same in both except for the family.
const PORT = 2, ADDRESS = 4, ADDRESS6 = 8, PATH = 2;
/** Bytes of struct sockaddr_in and sockaddr_in6. */
const INET_SIZE = 16, INET6_SIZE = 28;

function decode(name: Uint8Array, length: number): SocketName | undefined {
  const isFreebsd = hasCapsicum();
  // FreeBSD has sa_len in the first byte; Linux has a family of two bytes.
  const family = isFreebsd ? name[1]! : name[0]! | name[1]! << 8;
  const port = name[PORT]! << 8 | name[PORT + 1]!;
  if (family === AF_INET) {
    return { family: "inet", hostname: name.subarray(ADDRESS, ADDRESS + 4).join("."), port };
  }
  if (family === (isFreebsd ? AF_INET6 : LINUX_AF_INET6)) {
    const groups = Array.from(
      { length: 8 },
      (_, i) => (name[ADDRESS6 + 2 * i]! << 8 | name[ADDRESS6 + 2 * i + 1]!).toString(16),
    );
    return { family: "inet", hostname: groups.join(":"), port };
  }
  if (family !== AF_UNIX) return undefined;
  const path = name.subarray(PATH, Math.min(length, name.length)), end = path.indexOf(0);
  return { family: "unix", path: decodeName(end < 0 ? path : path.subarray(0, end)) };
}

/** The family of an address, by FreeBSD's number. */
export function familyOf(address: SocketAddress): number {
  return "path" in address ? AF_UNIX : address.bytes.length === 4 ? AF_INET : AF_INET6;
}

/** The longest path of a socket, in bytes: sun_path of FreeBSD has 104, with the NUL at the end. */
export const LONGEST_PATH = 103;

/**
 * The `struct sockaddr` of an address.
 *
 * @throws {RangeError} If a path is too long.
 */
export function encodeAddress(address: SocketAddress): Uint8Array<ArrayBuffer> {
  const isFreebsd = hasCapsicum(), family = familyOf(address);
  const path = "path" in address ? encodeName(address.path) : undefined;
  if (path !== undefined && path.length > LONGEST_PATH) {
    throw new RangeError(`The path of a socket has at most ${LONGEST_PATH} bytes, not ${path.length}.`);
  }
  const size = path ? PATH + path.length + 1 : family === AF_INET ? INET_SIZE : INET6_SIZE;
  const name = new Uint8Array(size);
  name.set(isFreebsd ? [size, family] : [family === AF_INET6 ? LINUX_AF_INET6 : family, 0]);
  if ("path" in address) name.set(path!, PATH);
  else {
    name.set([address.port >> 8, address.port & 0xff], PORT);
    name.set(address.bytes, family === AF_INET ? ADDRESS : ADDRESS6);
  }
  return name;
}
