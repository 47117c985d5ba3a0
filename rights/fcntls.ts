import { elements, entries, forEach, inspected, show } from "./text.ts";

/**
 * The fcntl(2) commands that cap_fcntls_limit(2) can permit, named as `CAP_FCNTL_*` without the prefix.
 *
 * The values are the bits `CAP_FCNTL_*`, not the numbers of the commands (`F_GETFL` is 3).
 *
 * @example A command's bit
 * ```ts
 * import { Fcntl, Fcntls } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * assert(new Fcntls([Fcntl.GETFL]).equals(["GETFL"]));
 * ```
 */
export const Fcntl = {
  /** Permits `fcntl(fd, F_GETFL)`: the status flags. */
  GETFL: 8,
  /** Permits `fcntl(fd, F_SETFL, flags)`: changing status flags such as `O_NONBLOCK` and `O_APPEND`. */
  SETFL: 16,
  /** Permits `fcntl(fd, F_GETOWN)`: the process that gets SIGIO and SIGURG. */
  GETOWN: 32,
  /** Permits `fcntl(fd, F_SETOWN, pid)`. */
  SETOWN: 64,
} as const;
Object.freeze(Fcntl);

/** The name of an fcntl(2) command: a key of {@linkcode Fcntl}. */
export type FcntlName = keyof typeof Fcntl;

/** A set of commands, as arguments accept it: a {@linkcode Fcntls}, or a list of names and `CAP_FCNTL_*` values. */
export type FcntlsLike = Fcntls | Iterable<FcntlName | number>;

const names = Object.keys(Fcntl) as FcntlName[];
const allMask = 0x78;
const form = '["GETFL"]';
const nothing: readonly [] = [];

/**
 * An immutable set of fcntl(2) commands, as the mask of cap_fcntls_limit(2).
 *
 * Methods that take commands accept another `Fcntls`, or a list of names and `CAP_FCNTL_*` values. They throw a
 * `TypeError` if the argument is not a list (such as a bare string), or if an element is neither a name nor a number.
 * They throw a `RangeError` for an unknown name and for a number that is not a `CAP_FCNTL_*` value, such as 0.
 *
 * @example Build and compare
 * ```ts
 * import { Fcntls } from "jsr:@capsicum/capsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * const flags = new Fcntls(["GETFL", "SETFL"]);
 * assertEquals(flags.toMask(), 0x18);
 * assert(flags.isSubsetOf(Fcntls.ALL));
 * assertEquals([...Fcntls.ALL.difference(flags)], ["GETOWN", "SETOWN"]);
 * ```
 */
export class Fcntls implements ReadonlySetLike<FcntlName>, Iterable<FcntlName> {
  #mask = 0;

  /** The empty set. */
  static readonly NONE: Fcntls = new Fcntls();

  /** `CAP_FCNTL_ALL`: the commands that a fresh descriptor permits. */
  static readonly ALL: Fcntls = Fcntls.#of(allMask);

  static {
    Object.freeze(Fcntls);
  }

  /**
   * Makes a set of the given commands.
   *
   * @param fcntls Names and `CAP_FCNTL_*` values, or another set. Default: the empty set.
   */
  constructor(fcntls: FcntlsLike = nothing) {
    if (fcntls instanceof Fcntls) this.#mask = fcntls.#mask;
    else if (fcntls !== nothing) {
      for (const element of elements(fcntls, form)) this.#mask |= bits(element);
    }
    Object.freeze(this);
  }

  static #of(mask: number): Fcntls {
    const fcntls = new Fcntls();
    fcntls.#mask = mask;
    return fcntls;
  }

  /** Converts an argument; `undefined` is an error, not the empty list. */
  static #from(fcntls: FcntlsLike): Fcntls {
    return fcntls instanceof Fcntls ? fcntls : new Fcntls(elements(fcntls, form) as FcntlsLike);
  }

  /**
   * Makes a set from a mask of `CAP_FCNTL_*` bits; 0 is the empty set.
   *
   * @throws {TypeError} If `mask` is not a number.
   * @throws {RangeError} If `mask` is not an integer or has other bits.
   */
  static fromMask(mask: number): Fcntls {
    return mask === 0 ? Fcntls.NONE : Fcntls.#of(maskOf(mask));
  }

  /**
   * Makes a set from the names that {@linkcode toJSON} returned.
   *
   * @throws {TypeError} If `names` is not a list of names.
   * @throws {RangeError} If a name is unknown.
   */
  static fromJSON(names: readonly string[]): Fcntls {
    return new Fcntls(names as readonly FcntlName[]);
  }

  /** The number of commands, 0 to 4. */
  get size(): number {
    return this.#present().length;
  }

  /** True if no command is permitted. */
  get isEmpty(): boolean {
    return this.#mask === 0;
  }

  /** Returns whether a command is in the set. */
  has(fcntl: FcntlName | number): boolean {
    return (bits(fcntl) & ~this.#mask) === 0;
  }

  /** Iterates over the names, in the order of {@linkcode Fcntl}. */
  keys(): SetIterator<FcntlName> {
    return this.#present().values();
  }

  /** The same as {@linkcode keys}. */
  values(): SetIterator<FcntlName> {
    return this.keys();
  }

  /** Iterates over pairs `[name, name]`, like `Set.prototype.entries`. */
  entries(): SetIterator<[FcntlName, FcntlName]> {
    return entries(this.#present());
  }

  /** Calls `callback` for every name, like `Set.prototype.forEach`. */
  forEach(callback: (fcntl: FcntlName, key: FcntlName, fcntls: Fcntls) => void, thisArg?: unknown): void {
    forEach(this, callback, thisArg);
  }

  /** The same as {@linkcode keys}. */
  [Symbol.iterator](): SetIterator<FcntlName> {
    return this.keys();
  }

  /** Returns the commands that are in either set. */
  union(other: FcntlsLike): Fcntls {
    return Fcntls.#of(this.#mask | Fcntls.#from(other).#mask);
  }

  /** Returns the commands that are in both sets. */
  intersection(other: FcntlsLike): Fcntls {
    return Fcntls.#of(this.#mask & Fcntls.#from(other).#mask);
  }

  /** Returns the commands that are not in `other`. */
  difference(other: FcntlsLike): Fcntls {
    return Fcntls.#of(this.#mask & ~Fcntls.#from(other).#mask);
  }

  /** Returns the commands that are in exactly one of the sets. */
  symmetricDifference(other: FcntlsLike): Fcntls {
    return Fcntls.#of(this.#mask ^ Fcntls.#from(other).#mask);
  }

  /** Returns whether `other` has every command of this set. */
  isSubsetOf(other: FcntlsLike): boolean {
    return (this.#mask & ~Fcntls.#from(other).#mask) === 0;
  }

  /** Returns whether this set has every command of `other`. */
  isSupersetOf(other: FcntlsLike): boolean {
    return Fcntls.#from(other).isSubsetOf(this);
  }

  /** Returns whether no command is in both sets. */
  isDisjointFrom(other: FcntlsLike): boolean {
    return (this.#mask & Fcntls.#from(other).#mask) === 0;
  }

  /** Returns whether both sets have the same commands. */
  equals(other: FcntlsLike): boolean {
    return this.#mask === Fcntls.#from(other).#mask;
  }

  /** Returns the mask of `CAP_FCNTL_*` bits that cap_fcntls_limit(2) takes. */
  toMask(): number {
    return this.#mask;
  }

  /** Returns the names, separated by commas; "NONE" for the empty set. */
  toString(): string {
    return this.#present().join(", ") || "NONE";
  }

  /** Returns the names, in the order of {@linkcode Fcntl}. */
  toJSON(): FcntlName[] {
    return this.#present();
  }

  /** Returns what `console.log` prints. */
  [Symbol.for("Deno.customInspect")](): string {
    return inspected("Fcntls", this.#present());
  }

  /** "Fcntls". */
  get [Symbol.toStringTag](): string {
    return "Fcntls";
  }

  #present(): FcntlName[] {
    return names.filter((name) => (this.#mask & Fcntl[name]) !== 0);
  }
}

/** The bits of an element, of which at least one must be set. */
function bits(element: unknown): number {
  if (typeof element === "number") return maskOf(element);
  if (typeof element !== "string") {
    throw new TypeError(
      `${show(element)} is not an fcntl: expected a name such as "GETFL", or a number such as Fcntl.GETFL.`,
    );
  }
  if (names.includes(element as FcntlName)) return Fcntl[element as FcntlName];
  const close = element.toUpperCase().replace(/^(CAP_FCNTL_|F_)/, "");
  const hint = names.includes(close as FcntlName) ? ` Did you mean ${show(close)}?` : "";
  throw new RangeError(`${show(element)} is not the name of an fcntl: these are ${names.join(", ")}.${hint}`);
}

function maskOf(mask: number): number {
  if (typeof mask !== "number") {
    throw new TypeError(`${show(mask)} is not a mask of fcntls: expected a number such as Fcntl.GETFL.`);
  }
  if ((mask & allMask) === mask && mask !== 0) return mask;
  throw new RangeError(
    `${mask} is not made of CAP_FCNTL_* values: these are ${
      names.map((name) => `${Fcntl[name]} (${name})`).join(", ")
    }.`,
  );
}
