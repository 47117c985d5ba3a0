import { elements, entries, forEach, hex, inspected, show } from "./_list.ts";
import { Ioctl } from "./ioctl.ts";

/** The accepted forms of a set of requests: an {@linkcode Ioctls}, or a list of request numbers. */
export type IoctlsLike = Ioctls | Iterable<number | bigint>;

const form = "[Ioctl.FIONREAD]";
const nothing: readonly [] = [];
const none: ReadonlySet<bigint> = new Set();

/** `IOCTLS_MAX_COUNT`. */
const largestCount = 256;

let nameOf: Map<bigint, string> | undefined;

/**
 * The cached array of `cap_ioctl_t` that cap_ioctls_limit(2) reads. It is the buffer of the set, not a copy: callers
 * must not write to it. The set must not be {@linkcode Ioctls.ALL}.
 */
export let requestsOf: (ioctls: Ioctls) => BigUint64Array<ArrayBuffer>;

/**
 * An immutable set of ioctl(2) requests, as the list of cap_ioctls_limit(2): at most 256, in the order given.
 *
 * Methods that take requests accept another `Ioctls`, or a list of numbers and bigints. They throw a `TypeError` if the
 * argument is not a list (such as a bare string), or if an element is neither a number nor a bigint. They throw a
 * `RangeError` for an element that is not an integer from 0 to 0xffffffff, and for a list of more than 256.
 *
 * {@linkcode Ioctls.ALL} stands for every request, which a fresh descriptor permits; it can't be listed.
 *
 * @example Build and compare
 * ```ts
 * import { Ioctl, Ioctls } from "jsr:@capsicum/capsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * const terminal = new Ioctls([Ioctl.TIOCGETA, Ioctl.TIOCGWINSZ]);
 * assert(terminal.has(Ioctl.TIOCGETA));
 * assert(terminal.isSubsetOf(Ioctls.ALL));
 * assertEquals(String(terminal), "TIOCGETA, TIOCGWINSZ");
 * ```
 */
export class Ioctls implements ReadonlySetLike<bigint>, Iterable<bigint> {
  /** Undefined for every request. */
  #requests: ReadonlySet<bigint> | undefined = none;
  #array: BigUint64Array<ArrayBuffer> | undefined;

  /** The empty set: no request is permitted. */
  static readonly NONE: Ioctls = new Ioctls();

  /** Every request, `CAP_IOCTLS_ALL`: of infinite size, has everything, throws a `TypeError` when iterated. */
  static readonly ALL: Ioctls = Ioctls.#of(undefined);

  static {
    requestsOf = (ioctls) => ioctls.#array ??= new BigUint64Array(ioctls.#listed());
    Object.freeze(Ioctls);
  }

  /**
   * Makes a set of the given requests.
   *
   * @param ioctls Request numbers, or another set; none by default.
   * @throws {TypeError} If `ioctls` is not a list (a bare string is none), or an element is neither number nor bigint.
   * @throws {RangeError} If an element is no integer from 0 to 0xffffffff, or there are more than 256.
   */
  constructor(ioctls: IoctlsLike = nothing) {
    if (ioctls instanceof Ioctls) this.#requests = ioctls.#requests;
    else if (ioctls !== nothing) {
      this.#requests = limited(new Set(Array.from(elements(ioctls, form), request)));
    }
    Object.freeze(this);
  }

  static #of(requests: ReadonlySet<bigint> | undefined): Ioctls {
    const ioctls = new Ioctls();
    ioctls.#requests = requests;
    return ioctls;
  }

  /** Converts an argument; `undefined` is an error, not the empty list. */
  static #from(ioctls: IoctlsLike): Ioctls {
    return ioctls instanceof Ioctls ? ioctls : new Ioctls(elements(ioctls, form) as IoctlsLike);
  }

  /**
   * Reads what {@linkcode toJSON} wrote: an array of names and of `"0x..."` numbers, or `"ALL"`.
   *
   * @throws {TypeError} If it is neither a list of strings nor `"ALL"`.
   * @throws {RangeError} If a string is neither the name of a request nor its number.
   */
  static fromJSON(names: readonly string[] | "ALL"): Ioctls {
    if (names === "ALL") return Ioctls.ALL;
    return new Ioctls(Array.from(elements(names, '["FIONREAD"]'), (name) => {
      if (typeof name !== "string") {
        throw new TypeError(`${show(name)} is not an ioctl in JSON: expected a string.`);
      }
      if (/^0x[0-9a-f]{1,8}$/i.test(name)) return BigInt(name);
      if (Object.hasOwn(Ioctl, name)) return Ioctl[name as keyof typeof Ioctl];
      throw new RangeError(`${show(name)} is neither the name nor the number of an ioctl.`);
    }));
  }

  /** The number of requests; `Infinity` for {@linkcode Ioctls.ALL}. */
  get size(): number {
    return this.#requests?.size ?? Infinity;
  }

  /** True if no request is permitted. */
  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** True for {@linkcode Ioctls.ALL}, which permits every request and can't be listed. */
  get isUnlimited(): boolean {
    return this.#requests === undefined;
  }

  /**
   * Returns whether a request is in the set; always true for {@linkcode Ioctls.ALL}.
   *
   * @throws {TypeError} If `ioctl` is neither number nor bigint.
   * @throws {RangeError} If it is no integer from 0 to 0xffffffff.
   */
  has(ioctl: number | bigint): boolean {
    const value = request(ioctl);
    return this.#requests?.has(value) ?? true;
  }

  /**
   * Iterates over the requests, in the order given.
   *
   * @throws {TypeError} If the set is {@linkcode Ioctls.ALL}.
   */
  keys(): SetIterator<bigint> {
    return this.#listed().values();
  }

  /** The same as {@linkcode keys}. */
  values(): SetIterator<bigint> {
    return this.keys();
  }

  /**
   * Iterates over pairs of twice the same request, like `Set.prototype.entries`.
   *
   * @throws {TypeError} If the set is {@linkcode Ioctls.ALL}.
   */
  entries(): SetIterator<[bigint, bigint]> {
    return entries(this.#listed());
  }

  /**
   * Calls `callback` for every request, like `Set.prototype.forEach`.
   *
   * @throws {TypeError} If the set is {@linkcode Ioctls.ALL}.
   */
  forEach(callback: (ioctl: bigint, key: bigint, ioctls: Ioctls) => void, thisArg?: unknown): void {
    forEach(this, callback, thisArg);
  }

  /** The same as {@linkcode keys}. */
  [Symbol.iterator](): SetIterator<bigint> {
    return this.keys();
  }

  /**
   * Returns the requests of both.
   *
   * @throws {RangeError} If these are more than 256.
   */
  union(other: IoctlsLike): Ioctls {
    const [a, b] = [this.#requests, Ioctls.#from(other).#requests];
    return a && b ? Ioctls.#of(limited(a.union(b))) : Ioctls.ALL;
  }

  /** Returns the requests that are in both. */
  intersection(other: IoctlsLike): Ioctls {
    const [a, b] = [this.#requests, Ioctls.#from(other).#requests];
    return Ioctls.#of(a && b ? a.intersection(b) : a ?? b);
  }

  /**
   * Removes every request of the other.
   *
   * @throws {RangeError} If this is {@linkcode Ioctls.ALL} and the other a list with something in it.
   */
  difference(other: IoctlsLike): Ioctls {
    const b = Ioctls.#from(other).#requests;
    if (!b) return Ioctls.NONE;
    if (b.size === 0) return this;
    if (this.#requests) return Ioctls.#of(this.#requests.difference(b));
    throw new RangeError(`All ioctls but ${Ioctls.#of(b)} can't be told: a list names what is permitted.`);
  }

  /**
   * Returns the requests that are in exactly one of both.
   *
   * @throws {RangeError} If one is {@linkcode Ioctls.ALL} and the other a list with something in it, or these are more than 256.
   */
  symmetricDifference(other: IoctlsLike): Ioctls {
    const o = Ioctls.#from(other);
    return this.union(o).difference(this.intersection(o));
  }

  /** Returns whether the other has every request of this one. */
  isSubsetOf(other: IoctlsLike): boolean {
    const [a, b] = [this.#requests, Ioctls.#from(other).#requests];
    return b === undefined || (a !== undefined && a.isSubsetOf(b));
  }

  /** Returns whether this one has every request of the other. */
  isSupersetOf(other: IoctlsLike): boolean {
    return Ioctls.#from(other).isSubsetOf(this);
  }

  /** Returns whether no request is in both. */
  isDisjointFrom(other: IoctlsLike): boolean {
    return this.intersection(other).isEmpty;
  }

  /** Returns whether both have the same requests, in whatever order. */
  equals(other: IoctlsLike): boolean {
    const o = Ioctls.#from(other);
    return this.size === o.size && this.isSubsetOf(o);
  }

  /** Returns the requests, by name where {@linkcode Ioctl} has one, separated by commas; "NONE" or "ALL". */
  toString(): string {
    return this.#requests ? this.#names().join(", ") || "NONE" : "ALL";
  }

  /** Returns the requests as names and, where {@linkcode Ioctl} has none, as `"0x..."` numbers; or `"ALL"`. */
  toJSON(): string[] | "ALL" {
    return this.#requests ? this.#names() : "ALL";
  }

  /** The output of `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return inspected("Ioctls", this.#requests ? this.#names() : ["ALL"]);
  }

  /** "Ioctls". */
  get [Symbol.toStringTag](): string {
    return "Ioctls";
  }

  #names(): string[] {
    nameOf ??= new Map(Object.entries(Ioctl).map(([name, value]) => [value, name]));
    return Array.from(this.#listed(), (value) => nameOf?.get(value) ?? hex(value, 8));
  }

  #listed(): bigint[] {
    if (this.#requests) return [...this.#requests];
    throw new TypeError("Ioctls.ALL can't be listed: it stands for every request. Ask isUnlimited first.");
  }
}

function request(element: unknown): bigint {
  if (typeof element !== "number" && typeof element !== "bigint") {
    throw new TypeError(
      `${show(element)} is not an ioctl: expected a number or bigint such as Ioctl.FIONREAD.`,
    );
  }
  if (element >= 0 && element <= 0xffffffff && (typeof element === "bigint" || Number.isInteger(element))) {
    return BigInt(element);
  }
  throw new RangeError(`${element} is not an ioctl: a request is an integer from 0 to 0xffffffff.`);
}

function limited(requests: ReadonlySet<bigint>): ReadonlySet<bigint> {
  if (requests.size <= largestCount) return requests;
  throw new RangeError(
    `${requests.size} ioctls are too many: a descriptor's list has at most ${largestCount}.`,
  );
}
