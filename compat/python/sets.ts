/** The arguments of pycapsicumcffi's functions: sets of rights, fcntls and ioctls, and the values of fcntls. */
import * as libc from "../../ffi/libc/mod.ts";
import { getFcntls, getIoctls, getRights } from "../../ffi/capsicum/capability.ts";
import { Fcntls as FcntlSet, type FcntlsLike } from "../../rights/fcntls.ts";
import { Ioctls as IoctlSet, type IoctlsLike } from "../../rights/ioctls.ts";
import { Right, type RightName, Rights as RightSet, type RightsLike } from "../../rights/rights.ts";
import { allRights } from "./_all_rights.ts";
import { type Fileno, fileno, isFileno } from "./_python_fd.ts";
import { type Callable, callable } from "./_callable.ts";

/** A set of rights: the main module's `Rights`. */
export type Rights = RightSet;
/** A set of fcntl(2) commands: the main module's `Fcntls`. */
export type Fcntls = FcntlSet;
/** A set of ioctl(2) requests: the main module's `Ioctls`. */
export type Ioctls = IoctlSet;

/**
 * Makes a set of rights: of a list, of another set, of the rights of a descriptor, or an empty one. A set of one right is
 * the object in {@linkcode right}.
 *
 * For a descriptor it stands for cap_rights_get(3), requires `--allow-ffi` permission, and throws
 * `Deno.errors.BadResource` if the descriptor is not open, and `Deno.errors.NotSupported` if the system is not FreeBSD.
 * It throws a `TypeError` for any other argument, and for an element that is neither a `CAP_*` value nor a name, and a
 * `RangeError` for an element that is not a right.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(cap.Rights([cap.READ, cap.LOOKUP]).names(), ["READ", "LOOKUP"]);
 * assert(cap.Rights(null).isEmpty);
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assert(cap.Rights(file).equals(cap.right.ALL));
 * }
 * ```
 */
export const Rights: Callable<[rights?: RightsLike | Fileno | null], RightSet> = callable(
  "Rights",
  RightSet.prototype,
  (from = null) => {
    const set = isFileno(from) ? getRights(fileno(from)) : new RightSet(from ?? []);
    const [name] = set.names();
    return name !== undefined && set.equals([name]) ? right[name] : set;
  },
);

/**
 * Makes a set of fcntl(2) commands: of a list, of another set, of the limits of a descriptor, or an empty one.
 *
 * For a descriptor it stands for cap_fcntls_get(2), and requires permission and throws as {@linkcode Rights} does. It
 * throws a `TypeError` for any other argument, and for an element that is neither a `CAP_FCNTL_*` value nor a name, and a
 * `RangeError` for an element that is not an fcntl, such as 0.
 *
 * @example
 * ```ts
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals([...cap.Fcntls([cap.fcntl.GETFL])], ["GETFL"]);
 * ```
 */
export const Fcntls: Callable<[fcntls?: FcntlsLike | Fileno | null], FcntlSet> = callable(
  "Fcntls",
  FcntlSet.prototype,
  (from = null) => isFileno(from) ? getFcntls(fileno(from)) : new FcntlSet(from ?? []),
);

/**
 * Makes a set of ioctl(2) requests: of a list, of another set, of the limits of a descriptor, or an empty one. The
 * requests of Python's `termios` are in the main module's `Ioctl`.
 *
 * For a descriptor it stands for cap_ioctls_get(2), and requires permission and throws as {@linkcode Rights} does. It
 * throws a `TypeError` for any other argument, and for an element that is neither a number nor a bigint, and a
 * `RangeError` for an element that does not fit in 32 bits, and for more than 256.
 *
 * @example
 * ```ts
 * import { Ioctl } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(String(cap.Ioctls([Ioctl.FIONREAD])), "FIONREAD");
 * ```
 */
export const Ioctls: Callable<[ioctls?: IoctlsLike | Fileno | null], IoctlSet> = callable(
  "Ioctls",
  IoctlSet.prototype,
  (from = null) => isFileno(from) ? getIoctls(fileno(from)) : new IoctlSet(from ?? []),
);

/** The values that `Fcntls()` takes: `CAP_FCNTL_*`. */
export const fcntl: Readonly<Record<"GETFL" | "SETFL" | "GETOWN" | "SETOWN" | "ALL", number>> = Object.freeze(
  {
    GETFL: libc.CAP_FCNTL_GETFL,
    SETFL: libc.CAP_FCNTL_SETFL,
    GETOWN: libc.CAP_FCNTL_GETOWN,
    SETOWN: libc.CAP_FCNTL_SETOWN,
    ALL: libc.CAP_FCNTL_ALL,
  },
);

type SetName = RightName | "ALL" | "NONE";
const sets = Object.fromEntries([...Object.keys(Right), "ALL", "NONE"].map((name) => [name, undefined])) as {
  [Name in SetName]: RightSet | undefined;
};

/**
 * The set of each single right, made at its first use. `NONE` is empty. `ALL` has all rights that the running kernel
 * knows. An unknown name throws a `RangeError`.
 */
export const right: { readonly [Name in RightName | "ALL" | "NONE"]: RightSet } = new Proxy(sets, {
  get(sets, name) {
    if (typeof name === "symbol") return Reflect.get(sets, name);
    if (name === "ALL") return sets.ALL ??= allRights();
    if (name === "NONE") return RightSet.NONE;
    if (!Object.hasOwn(sets, name)) return new RightSet([name as RightName]);
    return sets[name as SetName] ??= new RightSet([name as RightName]);
  },
}) as { [Name in SetName]: RightSet };
