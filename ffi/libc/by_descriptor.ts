import { bind, bound, errno, errnoAt, memcpy } from "../_bind.ts";
import { int, long, memory, mode as modeOf, owner as ownerOf, timespecs } from "../_check.ts";
import { heldFcntls, syscallError } from "../_syscall_error.ts";
import { abi } from "../system.ts";
import * as constants from "../freebsd/constants.ts";
import { EBADF, EINTR, ENOTCAPABLE, F_GETFL, F_GETOWN, F_SETFL, F_SETOWN } from "../freebsd/constants.ts";
import { descriptor, type FdLike } from "../fd_like.ts";
import { listed } from "../message.ts";

/**
 * Fills a `struct stat` of 224 bytes and returns 0.
 *
 * Stands for fstat(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FSTAT, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const stat = new Uint8Array(224);
 *   libc.fstat(file, stat);
 *   const mode = new DataView(stat.buffer).getUint16(24, true);
 *   // S_IFCHR of sys/stat.h
 *   assertEquals(mode & 0o170000, 0o020000);
 * }
 * ```
 */
export function fstat(fd: FdLike, sb: Uint8Array): number {
  const number = descriptor(fd), stat = memory(sb, abi().statSize);
  const call = bound.fstat ?? bind("fstat");
  do {
    const result = call(number, stat);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fstat", { fd: number });
}

/**
 * Sets the size of a file in bytes and returns 0.
 *
 * Stands for ftruncate(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FTRUNCATE, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   libc.ftruncate(file, 100);
 *   assertEquals(file.statSync().size, 100);
 * }
 * ```
 */
export function ftruncate(fd: FdLike, length: number | bigint): number {
  const number = descriptor(fd), size = long(length, "length");
  const call = bound.ftruncate ?? bind("ftruncate");
  do {
    const result = call(number, size);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("ftruncate", { fd: number });
}

/**
 * Brings the data and metadata of a file to the disk and returns 0.
 *
 * Stands for fsync(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FSYNC, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   assertEquals(libc.fsync(file), 0);
 * }
 * ```
 */
export function fsync(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.fsync ?? bind("fsync");
  do {
    const result = call(number);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fsync", { fd: number });
}

/**
 * Brings the data of a file to the disk and returns 0.
 *
 * Stands for fdatasync(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FSYNC, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   assertEquals(libc.fdatasync(file), 0);
 * }
 * ```
 */
export function fdatasync(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.fdatasync ?? bind("fdatasync");
  do {
    const result = call(number);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fdatasync", { fd: number });
}

/**
 * Locks or unlocks a file, waiting unless LOCK_NB is given, and returns 0.
 *
 * Stands for flock(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.WouldBlock} When it would block and must not (EAGAIN).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FLOCK, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   assertEquals(libc.flock(file, libc.LOCK_EX | libc.LOCK_NB), 0);
 * }
 * ```
 */
export function flock(fd: FdLike, operation: number): number {
  const number = descriptor(fd), how = int(operation, "operation");
  const call = bound.flock ?? bind("flock");
  do {
    const result = call(number, how);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("flock", { fd: number });
}

/**
 * Sets the permission bits of a file and returns 0.
 *
 * Stands for fchmod(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FCHMOD, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   libc.fchmod(file, 0o400);
 *   assertEquals(file.statSync().mode! & 0o777, 0o400);
 * }
 * ```
 */
export function fchmod(fd: FdLike, mode: number): number {
  const number = descriptor(fd), bits = modeOf(mode);
  const call = bound.fchmod ?? bind("fchmod");
  do {
    const result = call(number, bits);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchmod", { fd: number });
}

/**
 * Sets owner and group of a file, where -1 leaves one as it is, and returns 0.
 *
 * Stands for fchown(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FCHOWN, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   assertEquals(libc.fchown(file, -1, -1), 0);
 * }
 * ```
 */
export function fchown(fd: FdLike, owner: number, group: number): number {
  const number = descriptor(fd), uid = ownerOf(owner, "owner"), gid = ownerOf(group, "group");
  const call = bound.fchown ?? bind("fchown");
  do {
    const result = call(number, uid, gid);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("fchown", { fd: number });
}

/**
 * Sets access and modification time from two `struct timespec` (32 bytes), null for now, and returns 0.
 *
 * Stands for futimens(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.PermissionDenied} When the mode or owner does not permit it (EACCES, EPERM).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FUTIMES, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   const times = new BigInt64Array([1n, 0n, 2n, 0n]);
 *   libc.futimens(file, new Uint8Array(times.buffer));
 *   assertEquals(file.statSync().mtime, new Date(2000));
 * }
 * ```
 */
export function futimens(fd: FdLike, times: Uint8Array | null): number {
  const number = descriptor(fd), both = timespecs(times);
  const call = bound.futimens ?? bind("futimens");
  do {
    const result = call(number, both);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("futimens", { fd: number });
}

/**
 * Acts on a descriptor by a command whose argument is an integer, and returns what the command does.
 *
 * Stands for fcntl(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {Deno.errors.WouldBlock} When it would block and must not (EAGAIN).
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks FCNTL or the fcntl itself, and any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(libc.fcntl(file, libc.F_GETFD), libc.FD_CLOEXEC);
 *   assertEquals(libc.fcntl(file, libc.F_GETFL) & libc.O_ACCMODE, libc.O_RDONLY);
 * }
 * ```
 */
export function fcntl(fd: FdLike, cmd: number, arg: number | bigint = 0): number {
  const number = descriptor(fd), command = integerCommand(cmd), value = long(arg, "arg");
  const call = bound.fcntl ?? bind("fcntl");
  do {
    const result = call(number, command, value);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
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

/** A command of fcntl(2) that takes no address: the kernel would read or write memory there. */
function integerCommand(cmd: number): number {
  const command = int(cmd, "cmd");
  if (integerCommands.includes(command) || (command & LOWER_HALF) === F_DUP3FD) return command;
  const name = addressCommands[command];
  throw new RangeError(
    `fcntl() takes the commands whose argument is an integer, and ${
      name ? `that of ${name} (${command}) is an address` : `${command} is none of them`
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

/** The 32 bits of a request that the kernel looks at; C programs give it with its sign extended, too. */
function ioctlRequest(request: number | bigint): bigint {
  const value = long(request, "request");
  if (value < -0x80000000n || value > 0xffffffffn) {
    throw new RangeError(`The request of an ioctl is an integer of 32 bits, not ${value}.`);
  }
  return BigInt.asUintN(32, value);
}

/**
 * Sends a device request and returns what the device does, mostly 0.
 *
 * Stands for ioctl(2). `data` is the memory that the request reads or fills, null for a request without any; a request
 * that takes an integer in its place (`_IOWINT`) gets 0. Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes, or `data` is smaller than the request says.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the request is not among those that the descriptor is limited to, ENOTTY when the device does not know it.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { Ioctl, isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using tmp = openDirSync("/tmp");
 *   const name = crypto.randomUUID();
 *   using file = tmp.openSync(name, { write: true, createNew: true });
 *   libc.unlinkat(tmp, name, 0);
 *   libc.ftruncate(file, 5);
 *   const count = new Int32Array(1);
 *   libc.ioctl(file, Ioctl.FIONREAD, new Uint8Array(count.buffer));
 *   assertEquals(count[0], 5);
 * }
 * ```
 */
export function ioctl(fd: FdLike, request: number | bigint, data: Uint8Array | null = null): number {
  const number = descriptor(fd), command = ioctlRequest(request);
  const size = command & (IOC_IN | IOC_OUT) ? Number(command >> 16n & 0x1fffn) : 0;
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
    memcpy(errno, errnoAt, 4n);
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
 * Tells whether a descriptor is a terminal: 1 or 0.
 *
 * Stands for isatty(3). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when the ioctl TIOCGETA is not permitted on the descriptor.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(libc.isatty(file), 0);
 * }
 * ```
 */
export function isatty(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.isatty ?? bind("isatty");
  const result = call(number);
  if (result !== 0) return result;
  memcpy(errno, errnoAt, 4n);
  if (errno[0] !== EBADF && errno[0] !== ENOTCAPABLE) return 0;
  throw syscallError("isatty", {
    fd: number,
    reason: (code) =>
      code === "ENOTCAPABLE" ? "the ioctl TIOCGETA, which tells a terminal, is not permitted" : undefined,
  });
}

/**
 * Duplicates a descriptor, with its rights and without close-on-exec, and returns the new one.
 *
 * Stands for dup(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the descriptor is not open (EBADF).
 * @throws {CapsicumError} On any errno that Deno has no class for.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using zero = openSync("/dev/zero");
 *   const copy = libc.dup(zero);
 *   assertEquals(libc.read(copy, new Uint8Array(4)), 4);
 *   libc.close(copy);
 * }
 * ```
 */
export function dup(fd: FdLike): number {
  const number = descriptor(fd);
  const call = bound.dup ?? bind("dup");
  do {
    const result = call(number);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("dup", { fd: number });
}
