import { Fcntls } from "../../rights/fcntls.ts";
import { bytesOf, Rights, type RightsLike } from "../../rights/rights.ts";
import { bindFreebsd, bound, errno, errnoAt, memcpy } from "../symbols.ts";
import { descriptor, type FdLike, given, int, memory, unsigned } from "../check.ts";
import { heldFcntls, syscallError } from "../_syscall_error.ts";
import { CAP_IOCTLS_ALL, IOCTLS_MAX_COUNT } from "../freebsd/constants.ts";
import { listed } from "../message.ts";

/**
 * Puts the process, with all its threads and for good, into capability mode. Stands for cap_enter(2): `int
 * cap_enter(void)`.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) assertEquals(libc.cap_enter(), 0);
 * ```
 */
export function cap_enter(): number {
  const call = bound.cap_enter ?? bindFreebsd("cap_enter");
  const result = call();
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  throw syscallError("cap_enter", {});
}

/**
 * Reports whether the process is in capability mode. Stands for cap_getmode(2): `int cap_getmode(u_int *modep)`.
 * @param modep Gets 1 or 0, in 4 bytes.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const mode = new Uint8Array(4);
 *   libc.cap_getmode(mode);
 *   assertEquals(mode, new Uint8Array([0, 0, 0, 0]));
 * }
 * ```
 */
export function cap_getmode(modep: Uint8Array): number {
  const call = bound.cap_getmode ?? bindFreebsd("cap_getmode");
  const result = call(memory(modep, 4));
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  throw syscallError("cap_getmode", {});
}

/**
 * Checks if the process is in capability mode. Stands for cap_sandboxed(3): `bool cap_sandboxed(void)`.
 * @returns Whether it is; false, too, if the kernel has no Capsicum.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) assertEquals(libc.cap_sandboxed(), false);
 * ```
 */
export function cap_sandboxed(): boolean {
  return (bound.cap_sandboxed ?? bindFreebsd("cap_sandboxed"))();
}

/**
 * Limits a descriptor to a set of rights. Stands for cap_rights_limit(2): `int cap_rights_limit(int fd, const
 * cap_rights_t *rights)`.
 * @param fd The descriptor; ENOTCAPABLE if it does not hold all of the rights.
 * @param rights The rights, or the 16 bytes of a `cap_rights_t`, which go to the kernel as they are. EINVAL if it does
 * not know one.
 *
 * @example
 * ```ts
 * import { getRights, isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(libc.cap_rights_limit(file, ["READ"]), 0);
 *   assertEquals(getRights(file).names(), ["READ"]);
 * }
 * ```
 */
export function cap_rights_limit(fd: FdLike, rights: RightsLike | Uint8Array): number {
  const number = descriptor(fd);
  const bytes = rights instanceof Uint8Array
    ? memory(rights, 16)
    : bytesOf(rights instanceof Rights ? rights : new Rights(given(rights, "rights")));
  const call = bound.cap_rights_limit ?? bindFreebsd("cap_rights_limit");
  const result = call(number, bytes);
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  throw syscallError("cap_rights_limit", {
    fd: number,
    ...(rights instanceof Uint8Array ? {} : { wanted: new Rights(rights) }),
    reason: (code) => code === "EINVAL" ? unknownRights(rights) : undefined,
  });
}

function unknownRights(rights: RightsLike | Uint8Array): string {
  if (rights instanceof Uint8Array) return "The bytes are no cap_rights_t that this kernel takes.";
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
 * @param rights Gets the `cap_rights_t`, 16 bytes.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync, Rights } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const rights = new Uint8Array(16);
 *   libc.cap_rights_get(file, rights);
 *   assert(Rights.fromBytes(rights).has("READ"));
 * }
 * ```
 */
export function cap_rights_get(fd: FdLike, rights: Uint8Array): number {
  return __cap_rights_get(0, fd, rights);
}

/**
 * Reads the rights of a descriptor. Stands for the function behind cap_rights_get(3): `int __cap_rights_get(int version,
 * int fd, cap_rights_t *rights)`.
 * @param version 0 in every release; another one is EINVAL.
 * @param fd The descriptor.
 * @param rights Gets the `cap_rights_t`, 16 bytes.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync, Rights } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const rights = new Uint8Array(16);
 *   libc.__cap_rights_get(0, file, rights);
 *   assert(Rights.fromBytes(rights).has("READ"));
 * }
 * ```
 */
export function __cap_rights_get(version: number, fd: FdLike, rights: Uint8Array): number {
  const number = descriptor(fd);
  const call = bound.__cap_rights_get ?? bindFreebsd("__cap_rights_get");
  const result = call(int(version, "version"), number, memory(rights, 16));
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  throw syscallError("cap_rights_get", { fd: number });
}

/**
 * Limits a descriptor to a list of ioctl requests. Stands for cap_ioctls_limit(2): `int cap_ioctls_limit(int fd, const
 * cap_ioctl_t *cmds, size_t ncmds)`.
 * @param fd The descriptor; ENOTCAPABLE if a request was not permitted before.
 * @param cmds The requests, 8 bytes each. Null is an empty list, which permits no ioctl.
 * @param ncmds How many they are, at most 256.
 *
 * @example
 * ```ts
 * import { getIoctls, Ioctl, isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const cmds = new BigUint64Array([Ioctl.FIONREAD]);
 *   libc.cap_ioctls_limit(file, new Uint8Array(cmds.buffer), 1);
 *   assertEquals([...getIoctls(file)], [Ioctl.FIONREAD]);
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
  const result = call(number, cmds === null && count === 0 ? null : memory(cmds!, count * 8), BigInt(count));
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  throw syscallError("cap_ioctls_limit", {
    fd: number,
    reason: (code) =>
      code === "ENOTCAPABLE"
        ? "the list of ioctls can only shrink, and this one is longer than the present one or has others in it"
        : undefined,
  });
}

/**
 * Reads the ioctl requests of a descriptor. Stands for cap_ioctls_get(2): `ssize_t cap_ioctls_get(int fd, cap_ioctl_t
 * *cmds, size_t maxcmds)`.
 * @param fd The descriptor.
 * @param cmds Gets the requests, 8 bytes each. With null it only counts them.
 * @param maxcmds The most requests to read.
 * @returns How many there are, or `CAP_IOCTLS_ALL` if every ioctl is permitted.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assertEquals(libc.cap_ioctls_get(file, null, 0), libc.CAP_IOCTLS_ALL);
 *   libc.cap_ioctls_limit(file, null, 0);
 *   assertEquals(libc.cap_ioctls_get(file, null, 0), 0);
 * }
 * ```
 */
export function cap_ioctls_get(fd: FdLike, cmds: Uint8Array | null, maxcmds: number): number {
  const number = descriptor(fd), count = unsigned(maxcmds, "maxcmds");
  const buffer = cmds === null ? null : memory(cmds, count * 8), most = BigInt(count);
  const call = bound.cap_ioctls_get ?? bindFreebsd("cap_ioctls_get");
  let result = call(number, buffer, most);
  if (result === -1n) {
    (bound.cap_ioctls_get_errno ?? bindFreebsd("cap_ioctls_get_errno"))(number, buffer, most);
    memcpy(errno, errnoAt, 4n);
    // That there is no limit is -1 too, of the 32 bits that the repetition gives: so it is asked what it was.
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
 * import { getFcntls, isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   libc.cap_fcntls_limit(file, libc.CAP_FCNTL_GETFL);
 *   assertEquals([...getFcntls(file)], ["GETFL"]);
 * }
 * ```
 */
export function cap_fcntls_limit(fd: FdLike, fcntlrights: number): number {
  const number = descriptor(fd), mask = Fcntls.fromMask(fcntlrights).toMask();
  const call = bound.cap_fcntls_limit ?? bindFreebsd("cap_fcntls_limit");
  const result = call(number, mask);
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
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
 * @param fcntlrightsp Gets the mask of `CAP_FCNTL_*`, 4 bytes.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   const mask = new Uint32Array(1);
 *   libc.cap_fcntls_get(file, new Uint8Array(mask.buffer));
 *   assertEquals(mask[0], libc.CAP_FCNTL_ALL);
 * }
 * ```
 */
export function cap_fcntls_get(fd: FdLike, fcntlrightsp: Uint8Array): number {
  const number = descriptor(fd);
  const call = bound.cap_fcntls_get ?? bindFreebsd("cap_fcntls_get");
  const result = call(number, memory(fcntlrightsp, 4));
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  throw syscallError("cap_fcntls_get", { fd: number });
}
