import { elements, entries, forEach, hex, inspected, show } from "./text.ts";

/**
 * Requests of ioctl(2), by their names in sys/filio.h, sys/ttycom.h, sys/disk.h, sys/sockio.h and net/bpf.h.
 *
 * The values are those of 64-bit FreeBSD 13, 14 and 15; other systems have other values. {@linkcode ioctl} computes the
 * value of any other request.
 *
 * @example A request's number
 * ```ts
 * import { Ioctl } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(Ioctl.FIONREAD, 0x4004667fn);
 * ```
 */
export const Ioctl = {
  /** Sets close-on-exec. */
  FIOCLEX: 0x20006601n,
  /** Clears close-on-exec. */
  FIONCLEX: 0x20006602n,
  /** Gets how many bytes can be read at once. */
  FIONREAD: 0x4004667fn,
  /** Sets or clears non-blocking mode. */
  FIONBIO: 0x8004667en,
  /** Sets or clears SIGIO on readiness. */
  FIOASYNC: 0x8004667dn,
  /** Sets the process that gets SIGIO. */
  FIOSETOWN: 0x8004667cn,
  /** Gets the process that gets SIGIO. */
  FIOGETOWN: 0x4004667bn,
  /** Gets a device's kind: disk, terminal, tape. */
  FIODTYPE: 0x4004667an,
  /** Gets the position of a tape or disk, as a block number. */
  FIOGETLBA: 0x40046679n,
  /** Gets a device's name. */
  FIODGNAME: 0x80106678n,
  /** Gets the number of bytes that wait to be sent. */
  FIONWRITE: 0x40046677n,
  /** Gets the free space of a send buffer, in bytes. */
  FIONSPACE: 0x40046676n,
  /** Finds the next data after an offset. */
  FIOSEEKDATA: 0xc0086661n,
  /** Finds the next hole after an offset. */
  FIOSEEKHOLE: 0xc0086662n,
  /** Gets the disk block of a file block. */
  FIOBMAP2: 0xc0106663n,
  /** Sets the page size of large-page shared memory. */
  FIOSSHMLPGCNF: 0x80306664n,
  /** Gets the page size of large-page shared memory. */
  FIOGSHMLPGCNF: 0x40306665n,
  /** Refuses further opens of a terminal. */
  TIOCEXCL: 0x2000740dn,
  /** Admits further opens of a terminal. */
  TIOCNXCL: 0x2000740en,
  /** Drops pending input and output. */
  TIOCFLUSH: 0x80047410n,
  /** Gets a terminal's attributes: tcgetattr(3), isatty(3). */
  TIOCGETA: 0x402c7413n,
  /** Sets attributes at once: tcsetattr(3). */
  TIOCSETA: 0x802c7414n,
  /** Sets attributes after output has drained. */
  TIOCSETAW: 0x802c7415n,
  /** Sets attributes after output has drained, and drops input. */
  TIOCSETAF: 0x802c7416n,
  /** Gets the line discipline. */
  TIOCGETD: 0x4004741an,
  /** Sets the line discipline. */
  TIOCSETD: 0x8004741bn,
  /** Begins a break. */
  TIOCSBRK: 0x2000747bn,
  /** Ends a break. */
  TIOCCBRK: 0x2000747an,
  /** Raises DTR. */
  TIOCSDTR: 0x20007479n,
  /** Lowers DTR. */
  TIOCCDTR: 0x20007478n,
  /** Gets the foreground process group: tcgetpgrp(3). */
  TIOCGPGRP: 0x40047477n,
  /** Sets the foreground process group: tcsetpgrp(3). */
  TIOCSPGRP: 0x80047476n,
  /** Gets how many bytes wait for output. */
  TIOCOUTQ: 0x40047473n,
  /** Types a character, as if at the keyboard. */
  TIOCSTI: 0x80017472n,
  /** Gives up the controlling terminal. */
  TIOCNOTTY: 0x20007471n,
  /** Sets packet mode of a pseudo-terminal. */
  TIOCPKT: 0x80047470n,
  /** Stops output. */
  TIOCSTOP: 0x2000746fn,
  /** Starts output again. */
  TIOCSTART: 0x2000746en,
  /** Sets all modem lines. */
  TIOCMSET: 0x8004746dn,
  /** Raises modem lines. */
  TIOCMBIS: 0x8004746cn,
  /** Lowers modem lines. */
  TIOCMBIC: 0x8004746bn,
  /** Gets the modem lines. */
  TIOCMGET: 0x4004746an,
  /** Gets rows and columns of a terminal. */
  TIOCGWINSZ: 0x40087468n,
  /** Sets rows and columns of a terminal. */
  TIOCSWINSZ: 0x80087467n,
  /** Gets the session of a terminal: tcgetsid(3). */
  TIOCGSID: 0x40047463n,
  /** Takes over console output. */
  TIOCCONS: 0x80047462n,
  /** Makes a terminal the controlling terminal of the process. */
  TIOCSCTTY: 0x20007461n,
  /** Leaves line editing to the other side of a pseudo-terminal. */
  TIOCEXT: 0x80047460n,
  /** Sends a signal through a pseudo-terminal. */
  TIOCSIG: 0x2004745fn,
  /** Waits until output has drained: tcdrain(3). */
  TIOCDRAIN: 0x2000745en,
  /** Succeeds only on the master side of a pseudo-terminal. */
  TIOCPTMASTER: 0x2000741cn,
  /** Gets the number of a pseudo-terminal. */
  TIOCGPTN: 0x4004740fn,
  /** Gets when the last character came in. */
  TIOCTIMESTAMP: 0x40107459n,
  /** Sets user control mode of a pseudo-terminal. */
  TIOCUCNTL: 0x80047466n,
  /** Prints a status line, as Ctrl-T does. */
  TIOCSTAT: 0x20007465n,
  /** Gets the sector size of a disk, in bytes. */
  DIOCGSECTORSIZE: 0x40046480n,
  /** Gets the size of a disk, in bytes. */
  DIOCGMEDIASIZE: 0x40086481n,
  /** Gets the sectors per track, as reported by the firmware. */
  DIOCGFWSECTORS: 0x40046482n,
  /** Gets the heads, as reported by the firmware. */
  DIOCGFWHEADS: 0x40046483n,
  /** Writes a disk's cache out. */
  DIOCGFLUSH: 0x20006487n,
  /** Marks a range of a disk as unused. */
  DIOCGDELETE: 0x80106488n,
  /** Gets a disk's serial number. */
  DIOCGIDENT: 0x41006489n,
  /** Gets a disk's GEOM name. */
  DIOCGPROVIDERNAME: 0x4400648an,
  /** Gets the stripe size of a disk, in bytes. */
  DIOCGSTRIPESIZE: 0x4008648bn,
  /** Gets the offset of the first stripe, in bytes. */
  DIOCGSTRIPEOFFSET: 0x4008648cn,
  /** Gets the physical path of a disk. */
  DIOCGPHYSPATH: 0x4400648dn,
  /** Gets a GEOM attribute. */
  DIOCGATTR: 0xc148648en,
  /** Commands a zoned disk. */
  DIOCZONECMD: 0xc080648fn,
  /** Sets where kernel dumps go. */
  DIOCSKERNELDUMP: 0x80986491n,
  /** Gets where kernel dumps go. */
  DIOCGKERNELDUMP: 0xc0986492n,
  /** Gets whether the next byte is the urgent one: sockatmark(3). */
  SIOCATMARK: 0x40047307n,
  /** Sets the process that gets SIGIO and SIGURG of a socket. */
  SIOCSPGRP: 0x80047308n,
  /** Gets the process that gets SIGIO and SIGURG of a socket. */
  SIOCGPGRP: 0x40047309n,
  /** Gets an interface's address. */
  SIOCGIFADDR: 0xc0206921n,
  /** Gets an interface's peer address. */
  SIOCGIFDSTADDR: 0xc0206922n,
  /** Gets an interface's flags. */
  SIOCGIFFLAGS: 0xc0206911n,
  /** Sets an interface's flags. */
  SIOCSIFFLAGS: 0x80206910n,
  /** Gets an interface's broadcast address. */
  SIOCGIFBRDADDR: 0xc0206923n,
  /** Lists interfaces with their addresses. */
  SIOCGIFCONF: 0xc0106924n,
  /** Gets an interface's netmask. */
  SIOCGIFNETMASK: 0xc0206925n,
  /** Gets an interface's metric. */
  SIOCGIFMETRIC: 0xc0206917n,
  /** Gets an interface's MTU, in bytes. */
  SIOCGIFMTU: 0xc0206933n,
  /** Sets an interface's MTU, in bytes. */
  SIOCSIFMTU: 0x80206934n,
  /** Gets the physical media of an interface. */
  SIOCGIFPHYS: 0xc0206935n,
  /** Gets an interface's media. */
  SIOCGIFMEDIA: 0xc0306938n,
  /** Gets an interface's media, the newer kinds too. */
  SIOCGIFXMEDIA: 0xc030698bn,
  /** Gets an interface's index. */
  SIOCGIFINDEX: 0xc0206920n,
  /** Gets the capabilities of an interface. */
  SIOCGIFCAP: 0xc020691fn,
  /** Gets an interface's routing table. */
  SIOCGIFFIB: 0xc020695cn,
  /** Gets an interface's description. */
  SIOCGIFDESCR: 0xc020692an,
  /** Gets an interface's MAC label. */
  SIOCGIFMAC: 0xc0206926n,
  /** Lists an interface's groups. */
  SIOCGIFGROUP: 0xc0286988n,
  /** Gets an interface's status, as text. */
  SIOCGIFSTATUS: 0xc331693bn,
  /** Gets an interface's hardware address. */
  SIOCGHWADDR: 0xc020693en,
  /** Gets an alias address of an interface. */
  SIOCGIFALIAS: 0xc044692dn,
  /** Lists the kinds of interfaces that can be cloned. */
  SIOCIFGCLONERS: 0xc0106978n,
  /** Gets the capabilities of an interface, as an nvlist. Not in FreeBSD 13. */
  SIOCGIFCAPNV: 0xc020699cn,
  /** Gets an interface's RSS key. */
  SIOCGIFRSSKEY: 0xc0946996n,
  /** Gets an interface's RSS hash. */
  SIOCGIFRSSHASH: 0xc0186997n,
  /** Gets the buffer length of a bpf(4) descriptor, in bytes. */
  BIOCGBLEN: 0x40044266n,
  /** Sets the buffer length, in bytes. */
  BIOCSBLEN: 0xc0044266n,
  /** Sets the read filter, and drops the buffered packets. */
  BIOCSETF: 0x80104267n,
  /** Drops the buffered packets. */
  BIOCFLUSH: 0x20004268n,
  /** Puts the interface in promiscuous mode. */
  BIOCPROMISC: 0x20004269n,
  /** Gets the link type. */
  BIOCGDLT: 0x4004426an,
  /** Gets the interface. */
  BIOCGETIF: 0x4020426bn,
  /** Sets the interface. */
  BIOCSETIF: 0x8020426cn,
  /** Sets the time limit of a read. */
  BIOCSRTIMEOUT: 0x8010426dn,
  /** Gets the time limit of a read. */
  BIOCGRTIMEOUT: 0x4010426en,
  /** Gets the numbers of packets received and dropped. */
  BIOCGSTATS: 0x4008426fn,
  /** Sets whether a read returns with the first packet. */
  BIOCIMMEDIATE: 0x80044270n,
  /** Gets the version of the filter language. */
  BIOCVERSION: 0x40044271n,
  /** Gets whether writers supply the link header. */
  BIOCGHDRCMPLT: 0x40044274n,
  /** Sets whether writers supply the link header. */
  BIOCSHDRCMPLT: 0x80044275n,
  /** Locks the descriptor's settings. */
  BIOCLOCK: 0x2000427an,
  /** Sets the write filter. */
  BIOCSETWF: 0x8010427bn,
  /** Lists the link types. */
  BIOCGDLTLIST: 0xc0104279n,
  /** Sets the link type. */
  BIOCSDLT: 0x80044278n,
  /** Sets the read filter, and keeps the buffered packets. */
  BIOCSETFNR: 0x80104282n,
} as const;
Object.freeze(Ioctl);

/** The name of a request: a key of {@linkcode Ioctl}. */
export type IoctlName = keyof typeof Ioctl;

/** The direction of the argument, as in the C macro that makes the request: `"r"` reads from the kernel. */
export type IoctlDirection = "none" | "r" | "w" | "rw" | "int";

const void_ = 0x20000000n, out = 0x40000000n, in_ = 0x80000000n;
const directions = { none: void_, r: out, w: in_, rw: in_ | out, int: void_ };
const largestSize = 0x1fff;

/**
 * Computes the number of an ioctl(2) request, like the macros of sys/ioccom.h.
 *
 * @param dir `"none"` for `_IO`, `"r"` for `_IOR`, `"w"` for `_IOW`, `"rw"` for `_IOWR`, `"int"` for `_IOWINT`.
 * @param group The group: one character.
 * @param num The number within the group, 0 to 255.
 * @param size The size of the argument in bytes, 1 to 8191. It may be left out for `"none"` (0) and `"int"` (4).
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If an argument is out of range.
 *
 * @example _IOR('t', 104, struct winsize)
 * ```ts
 * import { Ioctl, ioctl } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(ioctl("r", "t", 104, 8), Ioctl.TIOCGWINSZ);
 * assertEquals(ioctl("none", "f", 1), Ioctl.FIOCLEX);
 * ```
 */
export function ioctl(dir: "none" | "int", group: string, num: number, size?: number): bigint;
/** Computes the number of a request with an argument of `size` bytes. */
export function ioctl(dir: IoctlDirection, group: string, num: number, size: number): bigint;
export function ioctl(dir: IoctlDirection, group: string, num: number, size?: number): bigint {
  if (typeof dir !== "string" || typeof group !== "string") {
    const value = typeof dir !== "string" ? dir : group;
    throw new TypeError(`${show(value)} is not a string: ioctl() is called as in ioctl("r", "t", 104, 8).`);
  }
  if (!Object.hasOwn(directions, dir)) {
    throw new RangeError(`${show(dir)} is not a direction: expected "none", "r", "w", "rw" or "int".`);
  }
  const code = group.charCodeAt(0);
  if (group.length !== 1 || code > 0xff) {
    throw new RangeError(`${show(group)} is not an ioctl group: expected one character up to U+00FF.`);
  }
  const fixed = dir === "none" ? 0 : dir === "int" ? 4 : undefined;
  const bytes = integer(size ?? fixed, "size", fixed ?? 1, fixed ?? largestSize);
  return directions[dir] | BigInt(bytes << 16 | code << 8 | integer(num, "number", 0, 0xff));
}

function integer(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`${show(value)} is not the ${what} of an ioctl: expected a number.`);
  }
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const range = min === max ? `${min}` : `${min} to ${max}`;
  throw new RangeError(`${value} is not the ${what} of such an ioctl: expected ${range}.`);
}

/** A set of requests, as arguments accept it: an {@linkcode Ioctls}, or a list of request numbers. */
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

  /** Every request (`CAP_IOCTLS_ALL`). Its size is infinite, and to iterate over it is a `TypeError`. */
  static readonly ALL: Ioctls = Ioctls.#of(undefined);

  static {
    requestsOf = (ioctls) => ioctls.#array ??= new BigUint64Array(ioctls.#listed());
    Object.freeze(Ioctls);
  }

  /**
   * Makes a set of the given requests.
   *
   * @param ioctls Request numbers, or another set. Default: the empty set.
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
   * Makes a set from what {@linkcode toJSON} returned: names and `"0x..."` numbers, or `"ALL"`.
   *
   * @throws {TypeError} If `names` is neither a list of strings nor `"ALL"`.
   * @throws {RangeError} If a string is neither the name nor the number of a request.
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

  /** Returns whether a request is in the set; always true for {@linkcode Ioctls.ALL}. */
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
   * Iterates over pairs `[request, request]`, like `Set.prototype.entries`.
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
   * Returns the requests that are in either set.
   *
   * @throws {RangeError} If there are more than 256 of them.
   */
  union(other: IoctlsLike): Ioctls {
    const [a, b] = [this.#requests, Ioctls.#from(other).#requests];
    return a && b ? Ioctls.#of(limited(a.union(b))) : Ioctls.ALL;
  }

  /** Returns the requests that are in both sets. */
  intersection(other: IoctlsLike): Ioctls {
    const [a, b] = [this.#requests, Ioctls.#from(other).#requests];
    return Ioctls.#of(a && b ? a.intersection(b) : a ?? b);
  }

  /**
   * Returns the requests that are not in `other`.
   *
   * @throws {RangeError} If this is {@linkcode Ioctls.ALL} and `other` is a list that is not empty.
   */
  difference(other: IoctlsLike): Ioctls {
    const b = Ioctls.#from(other).#requests;
    if (!b) return Ioctls.NONE;
    if (b.size === 0) return this;
    if (this.#requests) return Ioctls.#of(this.#requests.difference(b));
    throw new RangeError(
      `All ioctls except ${Ioctls.#of(b)} can't be expressed: a list names what is permitted.`,
    );
  }

  /**
   * Returns the requests that are in exactly one of the sets.
   *
   * @throws {RangeError} If one set is {@linkcode Ioctls.ALL} and the other is a list that is not empty, or there are more
   * than 256 such requests.
   */
  symmetricDifference(other: IoctlsLike): Ioctls {
    const o = Ioctls.#from(other);
    return this.union(o).difference(this.intersection(o));
  }

  /** Returns whether `other` has every request of this set. */
  isSubsetOf(other: IoctlsLike): boolean {
    const [a, b] = [this.#requests, Ioctls.#from(other).#requests];
    return b === undefined || (a !== undefined && a.isSubsetOf(b));
  }

  /** Returns whether this set has every request of `other`. */
  isSupersetOf(other: IoctlsLike): boolean {
    return Ioctls.#from(other).isSubsetOf(this);
  }

  /** Returns whether no request is in both sets. */
  isDisjointFrom(other: IoctlsLike): boolean {
    return this.intersection(other).isEmpty;
  }

  /** Returns whether both sets have the same requests; their order does not matter. */
  equals(other: IoctlsLike): boolean {
    const o = Ioctls.#from(other);
    return this.size === o.size && this.isSubsetOf(o);
  }

  /** Returns the names or numbers of the requests, separated by commas; "NONE" for the empty set, or "ALL". */
  toString(): string {
    return this.#requests ? this.#names().join(", ") || "NONE" : "ALL";
  }

  /** Returns the name of each request, or its `"0x..."` number if {@linkcode Ioctl} has no name; or `"ALL"`. */
  toJSON(): string[] | "ALL" {
    return this.#requests ? this.#names() : "ALL";
  }

  /** Returns what `console.log` prints. */
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
    throw new TypeError("Ioctls.ALL can't be listed: it stands for every request. Check isUnlimited first.");
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
