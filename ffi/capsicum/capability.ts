/**
 * Capability mode and limits on descriptors: first C's functions of capsicum(4), checked, under their names, then the
 * functions for programs. mod.ts documents what all of them throw.
 *
 * @module
 */
import { descriptor, type FdLike, given, int, isUint8Array, memory, toBigInt, unsigned } from "../values.ts";
import { bindAll, errno, hasCapsicum, rawFreebsd, seal } from "../symbols.ts";
import { type Mechanism, mechanism as confinement } from "../linux/glibc.ts";
import { listed, type SyscallError } from "../errors.ts";
import { freebsdFiles } from "../freebsd/structs.ts";
import { Ioctls, type IoctlsLike, requestsOf } from "../../rights/ioctls.ts";
import { Fcntls, type FcntlsLike } from "../../rights/fcntls.ts";
import { bytesOf, Rights, type RightsLike } from "../../rights/rights.ts";
import { CAP_IOCTLS_ALL, IOCTLS_MAX_COUNT } from "../freebsd/constants.ts";
import { heldFcntls, syscallError } from "../failure.ts";

const { bindFreebsd, bound, thread } = rawFreebsd();

/**
 * Puts the process, with all its threads, permanently into capability mode. Stands for cap_enter(2): `int
 * cap_enter(void)`.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const mode = new Uint8Array(4);
 *   libc.cap_enter();
 *   libc.cap_getmode(mode);
 *   assertEquals([mode[0], libc.cap_sandboxed()], [1, true]);
 * }
 * ```
 */
export function cap_enter(): number {
  bindAll();
  const result = bound.cap_enter!();
  if (result !== -1) {
    seal();
    return result;
  }
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("cap_enter", {});
}

/**
 * Reads whether the process is in capability mode. Stands for cap_getmode(2): `int cap_getmode(u_int *modep)`.
 * @param modep A buffer of 4 bytes, which gets 1 or 0.
 */
export function cap_getmode(modep: Uint8Array): number {
  const call = bound.cap_getmode ?? bindFreebsd("cap_getmode");
  const result = call(memory(modep, 4));
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("cap_getmode", {});
}

/**
 * Returns whether the process is in capability mode; false also for a kernel without Capsicum. Stands for
 * cap_sandboxed(3): `bool cap_sandboxed(void)`.
 */
export function cap_sandboxed(): boolean {
  return (bound.cap_sandboxed ?? bindFreebsd("cap_sandboxed"))();
}

/**
 * Limits a descriptor to a set of rights. Stands for cap_rights_limit(2): `int cap_rights_limit(int fd, const
 * cap_rights_t *rights)`.
 * @param fd The descriptor; ENOTCAPABLE if it does not hold all of the rights.
 * @param rights The rights, or the 16 bytes of a `cap_rights_t`, which are passed unchanged. EINVAL if the kernel does not
 * know one of them.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync, Rights } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const rights = new Uint8Array(16);
 *   libc.cap_rights_limit(file, ["READ"]);
 *   libc.cap_rights_get(file, rights);
 *   assertEquals(Rights.fromBytes(rights).names(), ["READ"]);
 * }
 * ```
 */
export function cap_rights_limit(fd: FdLike, rights: RightsLike | Uint8Array): number {
  const number = descriptor(fd);
  const bytes = memory(
    isUint8Array(rights)
      ? rights
      : bytesOf(rights instanceof Rights ? rights : new Rights(given(rights, "rights"))),
    16,
  );
  const call = bound.cap_rights_limit ?? bindFreebsd("cap_rights_limit");
  const result = call(number, bytes);
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("cap_rights_limit", {
    fd: number,
    ...(rights instanceof Uint8Array ? {} : { wanted: new Rights(rights) }),
    reason: (code) => code === "EINVAL" ? unknownRights(rights) : undefined,
  });
}

function unknownRights(rights: RightsLike | Uint8Array): string {
  if (rights instanceof Uint8Array) return "The bytes are not a cap_rights_t that this kernel knows.";
  const newer = new Rights(rights).difference(Rights.all(14));
  return `This kernel does not know all of the rights: ${
    listed(newer.names())
  } came with FreeBSD 15 or later. ` +
    `Intersect the set with Rights.all(14), or with getRights() of a fresh descriptor.`;
}

/**
 * Reads the rights of a descriptor. Stands for cap_rights_get(3), a macro for `__cap_rights_get(CAP_RIGHTS_VERSION, fd,
 * rights)`.
 * @param fd The descriptor.
 * @param rights A buffer of 16 bytes, which gets the `cap_rights_t`.
 */
export function cap_rights_get(fd: FdLike, rights: Uint8Array): number {
  return __cap_rights_get(0, fd, rights);
}

/**
 * Reads the rights of a descriptor. Stands for the function behind cap_rights_get(3): `int __cap_rights_get(int version,
 * int fd, cap_rights_t *rights)`.
 * @param version 0 in every release; any other version is EINVAL.
 * @param fd The descriptor.
 * @param rights As for {@link cap_rights_get}.
 */
export function __cap_rights_get(version: number, fd: FdLike, rights: Uint8Array): number {
  const number = descriptor(fd);
  const call = bound.__cap_rights_get ?? bindFreebsd("__cap_rights_get");
  const result = call(int(version, "version"), number, memory(rights, 16));
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("cap_rights_get", { fd: number });
}

/**
 * Limits a descriptor to a list of ioctl requests. Stands for cap_ioctls_limit(2): `int cap_ioctls_limit(int fd, const
 * cap_ioctl_t *cmds, size_t ncmds)`.
 * @param fd The descriptor; ENOTCAPABLE if a request was not permitted before.
 * @param cmds The requests, 8 bytes each. Null is an empty list, which permits no ioctl.
 * @param ncmds The number of requests, at most 256.
 *
 * @example
 * ```ts
 * import { Ioctl, isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(libc.cap_ioctls_get(file, null, 0), libc.CAP_IOCTLS_ALL);
 *   const cmds = new BigUint64Array([Ioctl.FIONREAD]);
 *   libc.cap_ioctls_limit(file, new Uint8Array(cmds.buffer), 1);
 *   assertEquals(libc.cap_ioctls_get(file, null, 0), 1);
 * }
 * ```
 */
export function cap_ioctls_limit(fd: FdLike, cmds: Uint8Array | null, ncmds: number): number {
  const number = descriptor(fd), count = unsigned(ncmds, "ncmds");
  if (count > IOCTLS_MAX_COUNT) {
    throw new RangeError(
      `A descriptor can be limited to at most ${IOCTLS_MAX_COUNT} ioctls, not to ${count}.`,
    );
  }
  const call = bound.cap_ioctls_limit ?? bindFreebsd("cap_ioctls_limit");
  const result = call(
    number,
    cmds === null && count === 0 ? null : memory(cmds!, count * 8),
    toBigInt(count),
  );
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("cap_ioctls_limit", {
    fd: number,
    reason: (code) =>
      code === "ENOTCAPABLE"
        ? "the list of ioctls can only shrink, and this list is longer than the present one or has other ioctls"
        : undefined,
  });
}

/**
 * Reads the ioctl requests of a descriptor. Stands for cap_ioctls_get(2): `ssize_t cap_ioctls_get(int fd, cap_ioctl_t
 * *cmds, size_t maxcmds)`.
 * @param fd The descriptor.
 * @param cmds A buffer, which gets the requests, 8 bytes each; or null to only count them.
 * @param maxcmds The most requests to read.
 * @returns The number of requests, or `CAP_IOCTLS_ALL` if every ioctl is permitted.
 */
export function cap_ioctls_get(fd: FdLike, cmds: Uint8Array | null, maxcmds: number): number {
  const number = descriptor(fd), count = unsigned(maxcmds, "maxcmds");
  const buffer = cmds === null ? null : memory(cmds, count * 8), most = toBigInt(count);
  const call = bound.cap_ioctls_get ?? bindFreebsd("cap_ioctls_get");
  let result = call(number, buffer, most);
  if (result === -1n) {
    (bound.cap_ioctls_get_errno ?? bindFreebsd("cap_ioctls_get_errno"))(number, buffer, most);
    thread.memcpy(errno, thread.errnoAt, 4n);
    // In the 32 bits of that call "no limit" is -1 too, so the 64-bit call decides.
    result = call(number, buffer, most);
    if (result === -1n) throw syscallError("cap_ioctls_get", { fd: number });
  }
  return result === 0x7fffffffffffffffn ? CAP_IOCTLS_ALL : Number(result);
}

/**
 * Limits a descriptor to a set of fcntls. Stands for cap_fcntls_limit(2): `int cap_fcntls_limit(int fd, uint32_t
 * fcntlrights)`.
 * @param fd The descriptor; ENOTCAPABLE if an fcntl was not permitted before.
 * @param fcntlrights A mask of `CAP_FCNTL_*`.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const mask = new Uint32Array(1);
 *   libc.cap_fcntls_limit(file, libc.CAP_FCNTL_GETFL);
 *   libc.cap_fcntls_get(file, new Uint8Array(mask.buffer));
 *   assertEquals(mask[0], libc.CAP_FCNTL_GETFL);
 * }
 * ```
 */
export function cap_fcntls_limit(fd: FdLike, fcntlrights: number): number {
  const number = descriptor(fd), mask = Fcntls.fromMask(fcntlrights).toMask();
  const call = bound.cap_fcntls_limit ?? bindFreebsd("cap_fcntls_limit");
  const result = call(number, mask);
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("cap_fcntls_limit", {
    fd: number,
    reason: (code) => {
      const held = code === "ENOTCAPABLE" ? heldFcntls(number) : undefined;
      return held &&
        `the fcntls can only shrink, and ${
          listed(Fcntls.fromMask(mask).difference(held))
        } is not among the present ones (${listed(held)})`;
    },
  });
}

/**
 * Reads the fcntls of a descriptor. Stands for cap_fcntls_get(2): `int cap_fcntls_get(int fd, uint32_t *fcntlrightsp)`.
 * @param fd The descriptor.
 * @param fcntlrightsp A buffer of 4 bytes, which gets the mask of `CAP_FCNTL_*`.
 */
export function cap_fcntls_get(fd: FdLike, fcntlrightsp: Uint8Array): number {
  const number = descriptor(fd);
  const call = bound.cap_fcntls_get ?? bindFreebsd("cap_fcntls_get");
  const result = call(number, memory(fcntlrightsp, 4));
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  throw syscallError("cap_fcntls_get", { fd: number });
}

/**
 * Enters capability mode: the process, with all its threads and future children, permanently loses all global names.
 *
 * Afterwards no path, address or process ID works; open descriptors stay usable within their rights. `enter()` first binds
 * every libc function that the library may need later. Afterwards `Function.prototype.call` cannot be replaced, because Deno
 * passes functions of C to it. A second call does nothing.
 *
 * Stands for cap_enter(2).
 *
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD, or its kernel has no Capsicum: `enter()` never returns
 * outside of capability mode.
 *
 * @example
 * ```ts
 * import { enter, isSupported, sandboxed } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   enter();
 *   assert(sandboxed());
 * }
 * ```
 */
export function enter(): void {
  // Remembers the open descriptors: after entering, the kernel provides no list.
  freebsdFiles();
  cap_enter();
  if (!getMode()) throw new Error("cap_enter() succeeded, but the process is not in capability mode.");
}

/**
 * Returns whether the process is sandboxed: on FreeBSD in capability mode, on Linux confined by `sandbox()`. The kernel
 * answers, so the result is also true in a Worker, and in another copy of this library. On any other system it is false.
 *
 * Stands for cap_sandboxed(3), and on Linux for a call that only the filter of `sandbox()` answers.
 *
 * @example
 * ```ts
 * import { sandboxed } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(sandboxed(), false);
 * ```
 */
export function sandboxed(): boolean {
  return mechanism() !== "none";
}

/** Returns what confines the process. */
export function mechanism(): "capsicum" | Mechanism {
  let found: Mechanism = "none";
  const isInCapabilityMode = falseWithoutCapsicum(() => {
    if (hasCapsicum()) return cap_sandboxed();
    found = confinement();
    return false;
  });
  return isInCapabilityMode ? "capsicum" : found;
}

/**
 * Returns whether the process is in capability mode, and throws on a system without Capsicum. Stands for cap_getmode(2).
 *
 * @example
 * ```ts
 * import { getMode, isSupported } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) assertEquals(getMode(), false);
 * ```
 */
export function getMode(): boolean {
  const mode = new Uint8Array(4);
  cap_getmode(mode);
  return mode[0] === 1;
}

/**
 * Returns whether this system has Capsicum: FreeBSD, with a kernel that was built with it, such as GENERIC. It needs
 * permission only on FreeBSD.
 *
 * @example Sandboxed where possible
 * ```ts
 * import { enter, isSupported, sandboxed } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) enter();
 * assertEquals(sandboxed(), isSupported());
 * ```
 */
export function isSupported(): boolean {
  return falseWithoutCapsicum(() => {
    getMode();
    return true;
  });
}

function falseWithoutCapsicum(question: () => boolean): boolean {
  try {
    return question();
  } catch (error) {
    if (isWithoutCapsicum(error)) return false;
    throw error;
  }
}

/**
 * Whether an error means that the system has no Capsicum: another system, a libc without the symbol, or ENOSYS.
 *
 * Any other failure must not count as an answer.
 */
export function isWithoutCapsicum(error: unknown): boolean {
  const { code = "ENOSYS" } = error as Partial<SyscallError>;
  return error instanceof Deno.errors.NotSupported && code === "ENOSYS";
}

// The kernel fills these buffers, and they are read before the next call.
const rightsBytes = new Uint8Array(16);
const fcntlsMask = new Uint32Array(1);
const fcntlsBytes = new Uint8Array(fcntlsMask.buffer);

/**
 * Limits a descriptor to a set of rights, permanently: rights never grow again. Stands for cap_rights_limit(2).
 *
 * Without `"IOCTL"` in the set, every ioctl is refused; without `"FCNTL"`, the four fcntls of {@link limitFcntls}.
 *
 * Files that are opened through a directory have at most the rights of the directory. A directory that lacks any right
 * keeps lookups of relative paths beneath itself, even before `enter()`. To limit many descriptors, reuse one `Rights`.
 *
 * @param fd The descriptor.
 * @param rights The rights that it keeps.
 * @throws {CapsicumError} ENOTCAPABLE if the descriptor does not hold all of the rights, with `held` and `missing`;
 * EINVAL if this kernel does not know one of the rights.
 *
 * @example
 * ```ts
 * import { getRights, isSupported, limit, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   limit(file, ["READ", "FSTAT"]);
 *   assertEquals(getRights(file).names(), ["READ", "FSTAT"]);
 * }
 * ```
 */
export function limit(fd: FdLike, rights: RightsLike): void {
  cap_rights_limit(fd, rights instanceof Rights ? rights : new Rights(given(rights, "rights")));
}

/**
 * Returns the rights that a descriptor holds; for a fresh descriptor, every right that this kernel knows. Stands for
 * cap_rights_get(3).
 *
 * @param fd The descriptor.
 *
 * @example
 * ```ts
 * import { getRights, isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assert(getRights(file).has("WRITE"));
 * }
 * ```
 */
export function getRights(fd: FdLike): Rights {
  cap_rights_get(fd, rightsBytes);
  return Rights.fromBytes(rightsBytes);
}

/**
 * Limits a descriptor to a list of at most 256 ioctl requests, permanently. Stands for cap_ioctls_limit(2).
 *
 * @param fd The descriptor.
 * @param ioctls The requests that it keeps.
 * @throws {RangeError} If there are more than 256 requests, one does not fit in 32 bits, or the set is `Ioctls.ALL` and the
 * descriptor is already limited. (`Ioctls.ALL` changes nothing.)
 * @throws {CapsicumError} ENOTCAPABLE if one of the requests was not permitted before.
 *
 * @example
 * ```ts
 * import { getIoctls, Ioctl, isSupported, limitIoctls, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   limitIoctls(file, [Ioctl.FIONREAD]);
 *   assertEquals([...getIoctls(file)], [Ioctl.FIONREAD]);
 * }
 * ```
 */
export function limitIoctls(fd: FdLike, ioctls: IoctlsLike): void {
  const number = descriptor(fd),
    set = ioctls instanceof Ioctls ? ioctls : new Ioctls(given(ioctls, "ioctls"));
  if (!set.isUnlimited) cap_ioctls_limit(number, new Uint8Array(requestsOf(set).buffer), set.size);
  else if (!getIoctls(number).isUnlimited) {
    throw new RangeError(
      `fd ${number} is already limited to ${getIoctls(number)}: it can't get Ioctls.ALL back.`,
    );
  }
}

/**
 * Returns the ioctl requests that a descriptor is limited to; `Ioctls.ALL` for a fresh descriptor. Stands for
 * cap_ioctls_get(2).
 *
 * @param fd The descriptor.
 *
 * @example
 * ```ts
 * import { getIoctls, isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assert(getIoctls(file).isUnlimited);
 * }
 * ```
 */
export function getIoctls(fd: FdLike): Ioctls {
  const number = descriptor(fd);
  for (let most = IOCTLS_MAX_COUNT;;) {
    const requests = new BigUint64Array(most);
    const count = cap_ioctls_get(number, new Uint8Array(requests.buffer), most);
    if (count === CAP_IOCTLS_ALL) return Ioctls.ALL;
    // The kernel keeps 64 bits of a request and compares 32.
    if (count <= most) {
      return new Ioctls(requests.subarray(0, count).map((request) => BigInt.asUintN(32, request)));
    }
    most = count;
  }
}

/**
 * Limits a descriptor to some of the fcntls GETFL, SETFL, GETOWN and SETOWN, permanently. Stands for
 * cap_fcntls_limit(2).
 *
 * These fcntls also need the right FCNTL. Other commands of fcntl(2) can't be limited in this way.
 *
 * @param fd The descriptor.
 * @param fcntls The commands that it keeps.
 * @throws {CapsicumError} ENOTCAPABLE if one of the fcntls was not permitted before.
 *
 * @example
 * ```ts
 * import { getFcntls, isSupported, limitFcntls, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   limitFcntls(file, ["GETFL"]);
 *   assertEquals([...getFcntls(file)], ["GETFL"]);
 * }
 * ```
 */
export function limitFcntls(fd: FdLike, fcntls: FcntlsLike): void {
  cap_fcntls_limit(fd, new Fcntls(given(fcntls, "fcntls")).toMask());
}

/**
 * Returns the fcntls that a descriptor is limited to: all four for a fresh one, none without the right FCNTL. Stands for
 * cap_fcntls_get(2).
 *
 * @param fd The descriptor.
 *
 * @example
 * ```ts
 * import { getFcntls, isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(getFcntls(file).size, 4);
 * }
 * ```
 */
export function getFcntls(fd: FdLike): Fcntls {
  cap_fcntls_get(fd, fcntlsBytes);
  return Fcntls.fromMask(fcntlsMask[0]!);
}
