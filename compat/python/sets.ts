/** The arguments of pycapsicumcffi's functions: sets of rights, fcntls and ioctls, and the values of fcntls. */
import * as libc from "../../ffi/libc/mod.ts";
import { getFcntls, getIoctls, getRights } from "../../ffi/capsicum/capability.ts";
import { Fcntls as FcntlSet, type FcntlsLike } from "../../rights/fcntls.ts";
import { Ioctls as IoctlSet, type IoctlsLike } from "../../rights/ioctls.ts";
import { Right, type RightName, Rights as RightSet, type RightsLike } from "../../rights/rights.ts";
import { allRights } from "./_all_rights.ts";
import { type Fileno, fileno, isFileno } from "./_python_fd.ts";
import { type Callable, callable } from "./_callable.ts";

/** A set of rights, which is one of the main module's. */
export type Rights = RightSet;
/** A set of fcntl(2) commands, which is one of the main module's. */
export type Fcntls = FcntlSet;
/** A set of ioctl(2) requests, which is one of the main module's. */
export type Ioctls = IoctlSet;

/**
 * A set of the rights listed, of another set, of those that a descriptor holds, or of none. With one right it is the
 * ready-made set of {@linkcode right}.
 *
 * For a descriptor it stands for cap_rights_get(3), and requires `--allow-ffi` permission.
 *
 * It throws a `TypeError` if the argument is not one of these, or an element of the list is neither a `CAP_*` value nor a
 * name; a `RangeError` if an element is not a right; `Deno.errors.BadResource` if the descriptor is not open; and for a
 * descriptor `Deno.errors.NotSupported` if the system is not FreeBSD.
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
 * A set of the fcntl(2) commands listed, of another set, of those that a descriptor is limited to, or of none.
 *
 * For a descriptor it stands for cap_fcntls_get(2), and requires `--allow-ffi` permission.
 *
 * It throws a `TypeError` when it is given none of these, or an element of the list is neither a `CAP_FCNTL_*` value nor
 * a name; a `RangeError` when an element is not an fcntl, such as 0; `Deno.errors.BadResource` when the descriptor is not
 * open; and for a descriptor `Deno.errors.NotSupported` when the system is not FreeBSD.
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
 * A set of the ioctl(2) requests listed, of another set, of those that a descriptor is limited to, or of none.
 *
 * What Python has in `termios` is in the main module's `Ioctl`. For a descriptor it stands for cap_ioctls_get(2), and
 * requires `--allow-ffi` permission.
 *
 * It throws a `TypeError` when it is given none of these, or an element of the list is neither number nor bigint; a
 * `RangeError` when an element is not of 32 bits, or there are more than 256; `Deno.errors.BadResource` when the
 * descriptor is not open; and for a descriptor `Deno.errors.NotSupported` when the system is not FreeBSD.
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
 * A set for each right that has only that right, made on first use. `NONE` is empty; `ALL` has all rights that the
 * kernel knows, and asks the kernel for them. An unknown name throws a `RangeError`.
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
