import { bindAll, hasCapsicum } from "../symbols.ts";
import { type Mechanism, mechanism as confinement } from "../linux/confine/mechanism.ts";
import type { SyscallError } from "../errors.ts";
import {
  cap_enter,
  cap_fcntls_get,
  cap_fcntls_limit,
  cap_getmode,
  cap_ioctls_get,
  cap_ioctls_limit,
  cap_rights_get,
  cap_rights_limit,
  cap_sandboxed,
} from "../libc/cap_calls.ts";
import { freebsdFiles } from "../freebsd/structs.ts";
import { Ioctls, type IoctlsLike, requestsOf } from "../../rights/ioctls.ts";
import { Fcntls, type FcntlsLike } from "../../rights/fcntls.ts";
import { Rights, type RightsLike } from "../../rights/rights.ts";
import { descriptor, type FdLike, given } from "../check.ts";
import { CAP_IOCTLS_ALL, IOCTLS_MAX_COUNT } from "../freebsd/constants.ts";

/**
 * Enters capability mode: the process, with all its threads and future children, permanently loses all global names.
 *
 * From then on no path, address or process ID works; open descriptors stay usable within their rights. Before it
 * enters, it binds every libc function that the library may need later. Entering twice does no harm.
 *
 * Stands for cap_enter(2). Requires `--allow-ffi` permission.
 *
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD, or its kernel has no Capsicum. It never returns
 * without being in capability mode.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
  bindAll();
  // Remembers the open descriptors: after entering, the kernel provides no list.
  freebsdFiles();
  cap_enter();
  if (!getMode()) throw new Error("cap_enter() succeeded, but the process is not in capability mode.");
}

/**
 * Returns whether the process is sandboxed: on FreeBSD in capability mode, on Linux confined by `sandbox()`. It asks the
 * kernel, so that it is true in a Worker too, and for another copy of this library.
 *
 * Stands for cap_sandboxed(3), and on Linux for a call that only the filter of `sandbox()` answers. Requires
 * `--allow-ffi` permission on FreeBSD and Linux; any other system has no sandbox.
 *
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing on FreeBSD or Linux.
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

/** What confines the process. */
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
 * Returns whether the process is in capability mode, and throws if that can't be known.
 *
 * Stands for cap_getmode(2). Requires `--allow-ffi` permission.
 *
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD, or its kernel has no Capsicum.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Returns whether this system has Capsicum: FreeBSD, with a kernel that was built with it, such as GENERIC.
 *
 * Requires `--allow-ffi` permission on FreeBSD: without this permission the answer can't be known, and it throws.
 *
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing on FreeBSD.
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
 * Limits a descriptor to a set of rights, permanently: rights never grow again.
 *
 * Without `"IOCTL"` in the set, every ioctl is refused; without `"FCNTL"`, the four fcntls of {@link limitFcntls}.
 *
 * Files that are opened through a directory have at most the rights of the directory. A directory that lacks any right
 * keeps lookups of relative paths beneath itself, even before `enter()`; absolute paths are not affected until then. To
 * limit often, make one `Rights` and reuse it.
 *
 * Stands for cap_rights_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type, as a bare string in place of a list.
 * @throws {RangeError} If a right is unknown, or the number is not a descriptor.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {CapsicumError} ENOTCAPABLE if the descriptor does not hold all of the rights, with `held` and `missing`;
 * EINVAL if this kernel does not know one of the rights.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Returns the rights that a descriptor holds; for a fresh descriptor, every right that this kernel knows.
 *
 * Stands for cap_rights_get(3). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the argument has the wrong type.
 * @throws {RangeError} If the number is not a descriptor.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Limits a descriptor to a list of at most 256 ioctl requests, permanently.
 *
 * Limiting to `Ioctls.ALL` changes nothing, and succeeds only if every ioctl is still permitted: the kernel has no call
 * for it.
 *
 * Stands for cap_ioctls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If there are more than 256, or one is not of 32 bits, or the number is not a descriptor; also for
 * `Ioctls.ALL` on a descriptor that is limited already.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {CapsicumError} ENOTCAPABLE if one was not permitted before.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
      `fd ${number} is limited to ${getIoctls(number)} already: Ioctls.ALL can't be given back.`,
    );
  }
}

/**
 * Returns the ioctl requests that a descriptor is limited to; `Ioctls.ALL` for a fresh descriptor.
 *
 * Stands for cap_ioctls_get(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the argument has the wrong type.
 * @throws {RangeError} If the number is not a descriptor.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Limits a descriptor to some of the fcntls GETFL, SETFL, GETOWN and SETOWN, permanently.
 *
 * These fcntls also need the right FCNTL. Other commands of fcntl(2) can't be limited in this way.
 *
 * Stands for cap_fcntls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If an argument has the wrong type, as a bare string in place of a list.
 * @throws {RangeError} If an fcntl is unknown, or the number is not a descriptor.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {CapsicumError} ENOTCAPABLE if one was not permitted before.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Returns the fcntls that a descriptor is limited to: all four for a fresh one, none without the right FCNTL.
 *
 * Stands for cap_fcntls_get(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the argument has the wrong type.
 * @throws {RangeError} If the number is not a descriptor.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
