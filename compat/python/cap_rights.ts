import { shown } from "../../ffi/errors.ts";
import * as limits from "../../ffi/capsicum/capability.ts";
import { Right, type RightName, Rights } from "../../rights/rights.ts";
import { allRights } from "./_all_rights.ts";
import { type Callable, callable } from "./_callable.ts";
import { type Fileno, fileno } from "./_python_fd.ts";

/** The name of a right in C, such as `"CAP_READ"`. */
export type CapName = `CAP_${RightName}`;
/** The argument of `CapRights`: a list of names, or of values as in C. */
export type CapList = Iterable<CapName | bigint>;

const names = Object.keys(Right) as RightName[];

/** The values of the rights, `CAP_*` of sys/capsicum.h. */
export const Caps: { readonly [Name in RightName as `CAP_${Name}`]: typeof Right[Name] } = table((name) =>
  Right[name]
);

/** The names of the rights, each under itself. */
export const CapsName: { readonly [Name in CapName]: Name } = table(capName);

/**
 * pycapsicum's mutable set of rights, with the results of the cap_rights_* functions of C.
 *
 * It holds an immutable `Rights`, {@link CapRights.cr}. `limit()`, `get()`, and `is_valid()` without a release call the
 * kernel and require `--allow-ffi` permission.
 *
 * Methods with a list throw a `TypeError` if it is not a list, or an element is neither a name nor a bigint, and a
 * `RangeError` if an element is not a right. Methods with another set throw a `TypeError` if it is not a `CapRights`.
 * The set is then unchanged.
 */
export interface CapRights {
  /** The current set, as an immutable `Rights`. */
  readonly cr: Rights;

  /** The shortest list of names for the set, in the order of sys/capsicum.h, without aliases. */
  readonly caps: CapName[];

  /** Adds rights, like cap_rights_set(3). */
  set(caplist: CapList): void;

  /** Removes rights, like cap_rights_clear(3). `CAP_UNLINKAT` contains `CAP_LOOKUP` and removes it too. */
  clear(caplist: CapList): void;

  /** Returns whether all of the rights are in the set, like cap_rights_is_set(3). */
  is_set(caplist: CapList): boolean;

  /**
   * Returns whether the kernel knows every right of the set, like cap_rights_is_valid(3).
   *
   * @param release A major release (13, 14 or 15) or an osreldate such as 1302001. Default: the running kernel.
   * @throws {TypeError} If the release is not a number.
   * @throws {RangeError} If the release is unknown.
   * @throws {Deno.errors.NotCapable} If there is no release and `--allow-ffi` is missing on FreeBSD.
   */
  is_valid(release?: number): boolean;

  /** Adds the rights of another set, like cap_rights_merge(3). */
  merge(otherCR: CapRights): void;

  /** Removes the rights of another set, like cap_rights_remove(3). */
  remove(otherCR: CapRights): void;

  /** Returns whether this set has all rights of another one, like cap_rights_contains(3). */
  contains(otherCR: CapRights): boolean;

  /**
   * Limits a descriptor to the set, permanently.
   *
   * Stands for cap_rights_limit(2). Requires `--allow-ffi` permission.
   *
   * @throws {TypeError} If the argument has the wrong type.
   * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
   * @throws {CapsicumError} ENOTCAPABLE if it does not hold all of the rights.
   * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
   * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
   */
  limit(fd: Fileno): void;

  /**
   * Replaces the set by the rights that a descriptor holds.
   *
   * Stands for cap_rights_get(3). Requires `--allow-ffi` permission.
   *
   * @throws {TypeError} If the argument has the wrong type.
   * @throws {Deno.errors.BadResource} If the descriptor is negative or not open (EBADF).
   * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
   * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
   */
  get(fd: Fileno): void;
}

class MutableRights implements CapRights {
  #rights: Rights = Rights.NONE;

  constructor(caps: CapList | null = null) {
    this.set(caps ?? []);
  }

  get cr(): Rights {
    return this.#rights;
  }

  get caps(): CapName[] {
    return this.#rights.names().map(capName);
  }

  set(caplist: CapList): void {
    this.#rights = this.#rights.union(listed(caplist));
  }

  clear(caplist: CapList): void {
    this.#rights = this.#rights.difference(listed(caplist));
  }

  is_set(caplist: CapList): boolean {
    return this.#rights.isSupersetOf(listed(caplist));
  }

  is_valid(release?: number): boolean {
    return release === undefined ? this.#rights.isSubsetOf(allRights()) : this.#rights.isValid(release);
  }

  merge(otherCR: CapRights): void {
    this.#rights = this.#rights.union(rightsOf(otherCR));
  }

  remove(otherCR: CapRights): void {
    this.#rights = this.#rights.difference(rightsOf(otherCR));
  }

  contains(otherCR: CapRights): boolean {
    return this.#rights.isSupersetOf(rightsOf(otherCR));
  }

  limit(fd: Fileno): void {
    limits.limit(fileno(fd), this.#rights);
  }

  get(fd: Fileno): void {
    this.#rights = limits.getRights(fileno(fd));
  }

  [Symbol.for("Deno.customInspect")](): string {
    return this.caps.length === 0 ? "CapRights {}" : `CapRights { ${this.caps.join(", ")} }`;
  }
}

/**
 * Makes a set of the rights in a list, or an empty set without one. It throws as the methods of `CapRights` do.
 *
 * @example
 * ```ts
 * import * as p from "jsr:@capsicum/capsicum/pycapsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * const rights = p.CapRights(["CAP_READ"]);
 * rights.set(["CAP_SEEK", "CAP_FSTAT"]);
 * assertEquals(rights.caps, ["CAP_PREAD", "CAP_FSTAT"]);
 * assert(rights.is_set(["CAP_READ", "CAP_FSTAT"]));
 * ```
 */
export const CapRights: Callable<[caps?: CapList | null], CapRights> = callable(
  "CapRights",
  MutableRights.prototype,
  (caps) => new MutableRights(caps),
);

function capName<Name extends RightName>(name: Name): `CAP_${Name}` {
  return `CAP_${name}`;
}

function table<T>(value: (name: RightName) => unknown): T {
  return Object.freeze(Object.fromEntries(names.map((name) => [capName(name), value(name)]))) as T;
}

/** The rights of a list whose names have C's prefix; `Rights` checks the rest. */
function listed(caplist: CapList): Rights {
  if (typeof caplist === "string") return new Rights(caplist);
  if (typeof caplist !== "object" || caplist === null || !(Symbol.iterator in caplist)) {
    throw new TypeError(`${shown(caplist)} is not a list: expected one such as ["CAP_READ"].`);
  }
  return new Rights(Array.from(caplist, (cap) => typeof cap === "string" ? rightName(cap) : cap));
}

function rightName(cap: string): RightName {
  if (cap.startsWith("CAP_")) return cap.slice(4) as RightName;
  const meant = names.includes(cap as RightName) ? ` Did you mean "CAP_${cap}"?` : "";
  throw new RangeError(`${shown(cap)} is not the name of a right, which begins with CAP_.${meant}`);
}

function rightsOf(other: CapRights): Rights {
  if (other instanceof MutableRights) return other.cr;
  throw new TypeError(`Another CapRights is needed, not ${shown(other)}.`);
}
