import { elements, entries, forEach, hex, inspected, show } from "./text.ts";

/**
 * Every right that capsicum(4) knows, by its `CAP_` name without the prefix, in the order of sys/capsicum.h.
 *
 * A value contains the index of its word (bits 57 to 61), as in C. Values of one word may be OR-ed; values of different
 * words must be listed: `[Right.READ, Right.IOCTL]`. See rights(4) for what each right permits. Unless noted otherwise,
 * every release since FreeBSD 11 has the right.
 *
 * @example A right's value
 * ```ts
 * import { Right } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(Right.PREAD, Right.READ | Right.SEEK);
 * ```
 */
export const Right = {
  /**
   * Permits `read`, `readv`, `recv`, `recvfrom`, `recvmsg`, `getdirentries`, `copy_file_range` as the source;
   * `openat` for reading.
   */
  READ: 0x0200000000000001n,
  /**
   * Permits `write`, `writev`, `send`, `sendto`, `sendmsg`, and `sendfile` and `copy_file_range` as the target;
   * `openat` for writing.
   */
  WRITE: 0x0200000000000002n,
  /** Permits nothing by itself: it is a part of `SEEK`, and even `lseek(fd, 0, SEEK_CUR)` needs all of `SEEK`. */
  SEEK_TELL: 0x0200000000000004n,
  /** Permits `lseek`; `openat` for writing without `O_APPEND` or `O_TRUNC`. */
  SEEK: 0x020000000000000cn,
  /** Permits `pread`, `preadv`, `aio_read`, `sendfile` as the source: `READ` with `SEEK`. */
  PREAD: 0x020000000000000dn,
  /** Permits `pwrite`, `pwritev`, `aio_write`, `posix_fallocate`, `fspacectl`: `WRITE` with `SEEK`. */
  PWRITE: 0x020000000000000en,
  /**
   * Permits `mmap`; `PROT_READ`, shared `PROT_WRITE` and `PROT_EXEC` need `MMAP_R`, `MMAP_W` and `MMAP_X`.
   */
  MMAP: 0x0200000000000010n,
  /** Permits `mmap` with `PROT_READ`. */
  MMAP_R: 0x020000000000001dn,
  /** Permits `mmap` with `PROT_WRITE` and `MAP_SHARED`. */
  MMAP_W: 0x020000000000001en,
  /** Permits `mmap` with `PROT_EXEC`. */
  MMAP_X: 0x020000000000003cn,
  /** Permits `mmap` with `PROT_READ` and `PROT_WRITE`. */
  MMAP_RW: 0x020000000000001fn,
  /** Permits `mmap` with `PROT_READ` and `PROT_EXEC`. */
  MMAP_RX: 0x020000000000003dn,
  /** Permits `mmap` with `PROT_WRITE` and `PROT_EXEC`. */
  MMAP_WX: 0x020000000000003en,
  /** Permits `mmap` with every protection. */
  MMAP_RWX: 0x020000000000003fn,
  /** Permits `openat` with `O_CREAT`. */
  CREATE: 0x0200000000000040n,
  /** Permits `fexecve`; `openat` with `O_EXEC` or `O_SEARCH`. */
  FEXECVE: 0x0200000000000080n,
  /**
   * Permits `fsync`, `fdatasync`, `aio_fsync`; `openat` with `O_SYNC`, in FreeBSD 15 also with `O_DSYNC`.
   */
  FSYNC: 0x0200000000000100n,
  /** Permits `ftruncate`; `openat` with `O_TRUNC`. */
  FTRUNCATE: 0x0200000000000200n,
  /**
   * Permits `openat`, `readlinkat` and every other call with a path relative to this directory, in addition to their
   * own rights.
   */
  LOOKUP: 0x0200000000000400n,
  /** Permits `fchdir`, outside of capability mode. */
  FCHDIR: 0x0200000000000800n,
  /** Permits `fchflags`. */
  FCHFLAGS: 0x0200000000001000n,
  /** Permits `chflagsat`: `FCHFLAGS` with `LOOKUP`. */
  CHFLAGSAT: 0x0200000000001400n,
  /** Permits `fchmod`. */
  FCHMOD: 0x0200000000002000n,
  /** Permits `fchmodat`: `FCHMOD` with `LOOKUP`. */
  FCHMODAT: 0x0200000000002400n,
  /** Permits `fchown`. */
  FCHOWN: 0x0200000000004000n,
  /** Permits `fchownat`: `FCHOWN` with `LOOKUP`. */
  FCHOWNAT: 0x0200000000004400n,
  /**
   * Permits `fcntl` with `F_GETFL`, `F_SETFL`, `F_GETOWN` and `F_SETOWN`, unless `cap_fcntls_limit` removed them.
   */
  FCNTL: 0x0200000000008000n,
  /**
   * Permits `flock`; `fcntl` with `F_GETLK`, `F_SETLK`, `F_SETLKW`; `openat` with `O_SHLOCK` or `O_EXLOCK`.
   */
  FLOCK: 0x0200000000010000n,
  /** Permits `fpathconf`. */
  FPATHCONF: 0x0200000000020000n,
  /** Permits the `sysctl` by which a background `fsck` repairs a mounted UFS. */
  FSCK: 0x0200000000040000n,
  /** Permits `fstat`. */
  FSTAT: 0x0200000000080000n,
  /** Permits `fstatat`, `faccessat`: `FSTAT` with `LOOKUP`. */
  FSTATAT: 0x0200000000080400n,
  /** Permits `fstatfs`. */
  FSTATFS: 0x0200000000100000n,
  /** Permits `futimes`, `futimens`. */
  FUTIMES: 0x0200000000200000n,
  /** Permits `utimensat`, `futimesat`: `FUTIMES` with `LOOKUP`. */
  FUTIMESAT: 0x0200000000200400n,
  /** Permits `linkat` to a new name in this directory. */
  LINKAT_TARGET: 0x0200000000400400n,
  /** Permits `mkdirat`. */
  MKDIRAT: 0x0200000000800400n,
  /** Permits `mkfifoat`. */
  MKFIFOAT: 0x0200000001000400n,
  /** Permits `mknodat`. */
  MKNODAT: 0x0200000002000400n,
  /** Permits `renameat` of a name in this directory. */
  RENAMEAT_SOURCE: 0x0200000004000400n,
  /** Permits `symlinkat`. */
  SYMLINKAT: 0x0200000008000400n,
  /** Permits `unlinkat`, `funlinkat`; `renameat` onto a name that exists in this directory. */
  UNLINKAT: 0x0200000010000400n,
  /** Permits `accept`, `accept4`. */
  ACCEPT: 0x0200000020000000n,
  /** Permits `bind`, outside of capability mode; `bindat`, if the directory has `BINDAT`. */
  BIND: 0x0200000040000000n,
  /**
   * Permits `connect` and, with `WRITE`, `sendto` an address, both outside of capability mode; `connectat`,
   * if the directory has `CONNECTAT`.
   */
  CONNECT: 0x0200000080000000n,
  /** Permits `getpeername`. */
  GETPEERNAME: 0x0200000100000000n,
  /** Permits `getsockname`. */
  GETSOCKNAME: 0x0200000200000000n,
  /** Permits `getsockopt`. */
  GETSOCKOPT: 0x0200000400000000n,
  /** Permits `listen`. */
  LISTEN: 0x0200000800000000n,
  /** Permits `sctp_peeloff`. */
  PEELOFF: 0x0200001000000000n,
  /** Permits `recv` and everything else that `READ` permits: the same value. */
  RECV: 0x0200000000000001n,
  /** Permits `send` and everything else that `WRITE` permits: the same value. */
  SEND: 0x0200000000000002n,
  /** Permits `setsockopt`. */
  SETSOCKOPT: 0x0200002000000000n,
  /** Permits `shutdown`. */
  SHUTDOWN: 0x0200004000000000n,
  /** Permits `bindat` to a name in this directory, if the socket has `BIND`. */
  BINDAT: 0x0200008000000400n,
  /** Permits `connectat` to a name in this directory, if the socket has `CONNECT`. */
  CONNECTAT: 0x0200010000000400n,
  /** Permits `linkat` of a name in this directory. */
  LINKAT_SOURCE: 0x0200020000000400n,
  /** Permits `renameat` to a name in this directory. */
  RENAMEAT_TARGET: 0x0200040000000400n,
  /** Permits `fchroot`, outside of capability mode. Since FreeBSD 15. */
  FCHROOT: 0x0200080000000000n,
  /**
   * Permits the calls of a client socket: `connect`, `read`, `write`, `getpeername`, `getsockname`, `getsockopt`,
   * `setsockopt`, `shutdown`, `sctp_peeloff`.
   */
  SOCK_CLIENT: 0x0200007780000003n,
  /**
   * Permits the calls of a listening socket and of accepted ones: `bind`, `listen`, `accept`, and all of
   * `SOCK_CLIENT` except `connect`.
   */
  SOCK_SERVER: 0x0200007f60000003n,
  /** Permits `mac_get_fd`. */
  MAC_GET: 0x0400000000000001n,
  /** Permits `mac_set_fd`. */
  MAC_SET: 0x0400000000000002n,
  /** Permits `ksem_getvalue`. */
  SEM_GETVALUE: 0x0400000000000004n,
  /** Permits `ksem_post`. */
  SEM_POST: 0x0400000000000008n,
  /** Permits `ksem_wait`, `ksem_trywait`, `ksem_timedwait`. */
  SEM_WAIT: 0x0400000000000010n,
  /** Permits `poll`, `ppoll`, `select`, `pselect`, and `kevent` that watches the descriptor. */
  EVENT: 0x0400000000000020n,
  /** Permits `kevent` to take events from this kqueue. */
  KQUEUE_EVENT: 0x0400000000000040n,
  /** Permits `ioctl`, with the requests that `cap_ioctls_limit` has not removed. */
  IOCTL: 0x0400000000000080n,
  /** Permits the kernel to hook into this terminal, as for `snp`. */
  TTYHOOK: 0x0400000000000100n,
  /** Permits `pdgetpid`. */
  PDGETPID: 0x0400000000000200n,
  /** Permits `pdwait`, a call of FreeBSD 15; the right is older. */
  PDWAIT: 0x0400000000000400n,
  /** Permits `pdkill`. */
  PDKILL: 0x0400000000000800n,
  /** Permits `extattr_delete_fd`. */
  EXTATTR_DELETE: 0x0400000000001000n,
  /** Permits `extattr_get_fd`. */
  EXTATTR_GET: 0x0400000000002000n,
  /** Permits `extattr_list_fd`. */
  EXTATTR_LIST: 0x0400000000004000n,
  /** Permits `extattr_set_fd`. */
  EXTATTR_SET: 0x0400000000008000n,
  /** Permits `acl_valid_fd_np`. */
  ACL_CHECK: 0x0400000000010000n,
  /** Permits `acl_delete_fd_np`. */
  ACL_DELETE: 0x0400000000020000n,
  /** Permits `acl_get_fd`, `acl_get_fd_np`. */
  ACL_GET: 0x0400000000040000n,
  /** Permits `acl_set_fd`, `acl_set_fd_np`. */
  ACL_SET: 0x0400000000080000n,
  /** Permits `kevent` to change what this kqueue watches. */
  KQUEUE_CHANGE: 0x0400000000100000n,
  /** Permits `kevent` on this kqueue with changes and events: `KQUEUE_CHANGE` with `KQUEUE_EVENT`. */
  KQUEUE: 0x0400000000100040n,
  /** Permits `inotify_add_watch`, `inotify_add_watch_at`. Since FreeBSD 15. */
  INOTIFY_ADD: 0x0400000000200000n,
  /** Permits `inotify_rm_watch`. Since FreeBSD 15. */
  INOTIFY_RM: 0x0400000000400000n,
  /** Permits `poll` and everything else that `EVENT` permits: the same value. */
  POLL_EVENT: 0x0400000000000020n,
} as const;
Object.freeze(Right);

/** The name of a right: a key of {@linkcode Right}. */
export type RightName = keyof typeof Right;

/** `CAP_ALL` of each major release. */
const allRights: { readonly [major: number]: readonly [bigint, bigint] } = {
  13: [0x020007ffffffffffn, 0x04000000001fffffn],
  14: [0x020007ffffffffffn, 0x04000000001fffffn],
  15: [0x02000fffffffffffn, 0x04000000007fffffn],
};

/** A set of rights, as arguments accept it: a {@linkcode Rights}, or a list of names and `CAP_*` values. */
export type RightsLike = Rights | Iterable<RightName | bigint>;

/** The newest major release whose `CAP_ALL` is known. */
const newest = 15;
const form = '["READ", "LOOKUP"]';
const nothing: readonly [] = [];

/**
 * The cached `cap_rights_t` of a set, for calls that read 16 bytes. It is the buffer of the set, not a copy: callers
 * must not write to it, and must not pass it to users of the library, who get `toBytes()`.
 */
export let bytesOf: (rights: Rights) => Uint8Array<ArrayBuffer>;

/**
 * An immutable set of rights, as the `cap_rights_t` of capsicum(4): a bit set that is seen through names.
 *
 * Set operations and comparisons work on bits, as in cap_rights_init(3). The elements are the names whose bits are all
 * present, aliases included, in the order of {@linkcode Right}. So `READ` and `SEEK` together have `PREAD`, and removing
 * `UNLINKAT`, which contains `LOOKUP`, removes `LOOKUP` too. Bits without a name are kept.
 *
 * Methods that take rights accept another `Rights`, which is read by its bits, or a list of names and `CAP_*` values.
 * They throw a `TypeError` if the argument is not a list (such as a bare string), or if an element is neither a name
 * nor a bigint. They throw a `RangeError` for an unknown name and for a bigint that is not a `CAP_*` value, such as
 * rights of different words OR-ed.
 *
 * @example Build and compare
 * ```ts
 * import { Right, Rights } from "jsr:@capsicum/capsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * const reading = new Rights(["READ", "SEEK", Right.FSTAT]);
 * assert(reading.has("PREAD"));
 * assert(reading.isSubsetOf(Rights.all(13)));
 * assertEquals(reading.union(["WRITE"]).names(), ["PREAD", "PWRITE", "FSTAT"]);
 * assert(reading.difference(["PREAD"]).equals(["FSTAT"]));
 * ```
 */
export class Rights implements ReadonlySetLike<RightName>, Iterable<RightName> {
  // The payload (57 bits) of each word, as the int32 of its low half and the 25 bits of its high half.
  #low0 = 0;
  #high0 = 0;
  #low1 = 0;
  #high1 = 0;
  #bytes: Uint8Array<ArrayBuffer> | undefined;

  static #byName: Map<string, Rights> | undefined;
  static readonly #all = new Map<number, Rights>();

  /** The empty set. A descriptor without rights can only be closed, duplicated and passed on. */
  static readonly NONE: Rights = new Rights();

  static {
    bytesOf = (rights) => rights.#bytes ??= rights.toBytes();
    Object.freeze(Rights);
  }

  /**
   * Makes a set of the given rights, like cap_rights_init(3).
   *
   * @param rights Names and `CAP_*` values, or another set. Default: the empty set.
   */
  constructor(rights: RightsLike = nothing) {
    if (rights instanceof Rights) {
      this.#low0 = rights.#low0;
      this.#high0 = rights.#high0;
      this.#low1 = rights.#low1;
      this.#high1 = rights.#high1;
    } else if (rights !== nothing) {
      for (const element of elements(rights, form)) {
        const right = Rights.#ofElement(element);
        this.#low0 |= right.#low0;
        this.#high0 |= right.#high0;
        this.#low1 |= right.#low1;
        this.#high1 |= right.#high1;
      }
    }
    Object.freeze(this);
  }

  static #of(low0: number, high0: number, low1: number, high1: number): Rights {
    const rights = new Rights();
    rights.#low0 = low0;
    rights.#high0 = high0;
    rights.#low1 = low1;
    rights.#high1 = high1;
    return rights;
  }

  /** Converts an argument; `undefined` is an error, not the empty list. */
  static #from(rights: RightsLike): Rights {
    return rights instanceof Rights ? rights : new Rights(elements(rights, form) as RightsLike);
  }

  static #table(): Map<string, Rights> {
    return Rights.#byName ??= new Map(
      Object.entries(Right).map(([name, value]) => [name, Rights.#ofValue(value)]),
    );
  }

  static #ofElement(element: unknown): Rights {
    if (typeof element === "string") return Rights.#table().get(element) ?? unknownName(element);
    if (typeof element === "bigint") return Rights.#ofValue(element);
    throw new TypeError(
      `${show(element)} is not a right: expected a name such as "READ", or a bigint such as Right.READ.`,
    );
  }

  static #ofValue(value: bigint): Rights {
    const [low, high] = halves(value);
    switch (high >>> 25) {
      case 1:
        return Rights.#of(low, high & 0x1ffffff, 0, 0);
      case 2:
        return Rights.#of(0, 0, low, high & 0x1ffffff);
      default:
        return badValue(value, high >>> 25);
    }
  }

  static #ofHalves(low0: number, high0: number, low1: number, high1: number): Rights {
    if (high0 >>> 25 !== 1) badWord(0, low0, high0);
    if (high1 >>> 25 !== 2) badWord(1, low1, high1);
    return Rights.#of(low0, high0 & 0x1ffffff, low1, high1 & 0x1ffffff);
  }

  /**
   * Returns `CAP_ALL` of a release: every right that its kernels know.
   *
   * `getRights()` of a fresh descriptor returns the set of the running kernel. A directory that is limited to the set of
   * an older release lacks newer rights, so it counts as limited: paths can no longer leave it.
   *
   * @param release A major release (13, 14 or 15) or an osreldate such as 1302001. Default: the newest known release.
   * @throws {TypeError} If `release` is not a number.
   * @throws {RangeError} If the release is unknown.
   *
   * @example The rights that came with FreeBSD 15
   * ```ts
   * import { Rights } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * const added = Rights.all(15).difference(Rights.all(14));
   * assertEquals(added.names(), ["FCHROOT", "INOTIFY_ADD", "INOTIFY_RM"]);
   * ```
   */
  static all(release: number = newest): Rights {
    if (typeof release !== "number") {
      throw new TypeError(`${show(release)} is not a release: expected a number such as 15.`);
    }
    const major = release >= 100_000 && Number.isInteger(release) ? Math.trunc(release / 100_000) : release;
    const known = Rights.#all.get(major);
    if (known) return known;
    const words = allRights[major];
    if (!words) {
      throw new RangeError(
        `The rights of FreeBSD ${release} are not known: expected 13, 14, 15 or an osreldate such as 1302001.`,
      );
    }
    const all = Rights.fromWords(words);
    Rights.#all.set(major, all);
    return all;
  }

  /**
   * Makes a set from the two words of a `cap_rights_t`, index bits included.
   *
   * @throws {TypeError} If `words` is not an array of two bigints.
   * @throws {RangeError} If a word has version bits, or any other index bit than that of its place.
   */
  static fromWords(words: readonly [bigint, bigint]): Rights {
    if (!Array.isArray(words) || words.length !== 2 || words.some((word) => typeof word !== "bigint")) {
      throw new TypeError(`${show(words)} is not two words of a cap_rights_t: expected two bigints.`);
    }
    return Rights.#ofHalves(...halves(words[0]), ...halves(words[1]));
  }

  /**
   * Makes a set from a `cap_rights_t`: 16 bytes, little endian.
   *
   * @throws {TypeError} If the argument is not a `Uint8Array`.
   * @throws {RangeError} If there are not 16 bytes, or a word is not valid for {@linkcode fromWords}.
   */
  static fromBytes(cap_rights_t: Uint8Array): Rights {
    if (!(cap_rights_t instanceof Uint8Array)) {
      throw new TypeError(`${show(cap_rights_t)} is not a cap_rights_t: expected a Uint8Array of 16 bytes.`);
    }
    const { buffer, byteOffset, byteLength } = cap_rights_t;
    if (byteLength !== 16) throw new RangeError(`A cap_rights_t has 16 bytes, not ${byteLength}.`);
    const view = new DataView(buffer, byteOffset, byteLength);
    const half = (index: number) => view.getInt32(4 * index, true);
    return Rights.#ofHalves(half(0), half(1), half(2), half(3));
  }

  /**
   * Makes a set from the names and `"0x..."` values that {@linkcode toJSON} returned.
   *
   * @throws {TypeError} If `names` is not a list of strings.
   * @throws {RangeError} If a string is neither the name of a right nor a `CAP_*` value.
   */
  static fromJSON(names: readonly string[]): Rights {
    return new Rights(Array.from(elements(names, form), (name) => {
      if (typeof name !== "string") {
        throw new TypeError(`${show(name)} is not a right's name in JSON: expected a string.`);
      }
      return /^0x[0-9a-f]{1,16}$/i.test(name) ? BigInt(name) : name as RightName;
    }));
  }

  /** The number of names whose bits are all present. */
  get size(): number {
    return this.#present().length;
  }

  /** True if no bit is set, like cap_rights_is_empty(3). */
  get isEmpty(): boolean {
    return (this.#low0 | this.#high0 | this.#low1 | this.#high1) === 0;
  }

  /** Returns whether every bit of a right is present, like cap_rights_is_set(3). */
  has(right: RightName | bigint): boolean {
    return Rights.#ofElement(right).#within(this);
  }

  /** Iterates over the names whose bits are all present, in the order of {@linkcode Right}. */
  keys(): SetIterator<RightName> {
    return this.#present().values();
  }

  /** The same as {@linkcode keys}. */
  values(): SetIterator<RightName> {
    return this.keys();
  }

  /** Iterates over pairs `[name, name]`, like `Set.prototype.entries`. */
  entries(): SetIterator<[RightName, RightName]> {
    return entries(this.#present());
  }

  /** Calls `callback` for every name, like `Set.prototype.forEach`. */
  forEach(callback: (right: RightName, key: RightName, rights: Rights) => void, thisArg?: unknown): void {
    forEach(this, callback, thisArg);
  }

  /** The same as {@linkcode keys}. */
  [Symbol.iterator](): SetIterator<RightName> {
    return this.keys();
  }

  /**
   * Returns the shortest list of names for the set: without aliases, and without names that another name contains.
   *
   * Bits without a name are in {@linkcode toJSON} and {@linkcode toWords}, but not here.
   *
   * @example READ and SEEK are PREAD
   * ```ts
   * import { Rights } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * const rights = new Rights(["SEEK", "READ", "FSYNC"]);
   * assertEquals(rights.names(), ["PREAD", "FSYNC"]);
   * assertEquals([...rights], ["READ", "SEEK_TELL", "SEEK", "PREAD", "FSYNC", "RECV"]);
   * ```
   */
  names(): RightName[] {
    const present = [...Rights.#table()].filter(([, right]) => right.#within(this));
    const maximal = present.filter(([, right], i) =>
      !present.some(([, other], j) => i !== j && right.#within(other) && (j < i || !other.#within(right)))
    );
    return maximal.map(([name]) => name as RightName);
  }

  /** Returns the rights that are in either set, like cap_rights_merge(3). */
  union(other: RightsLike): Rights {
    const o = Rights.#from(other);
    return Rights.#of(
      this.#low0 | o.#low0,
      this.#high0 | o.#high0,
      this.#low1 | o.#low1,
      this.#high1 | o.#high1,
    );
  }

  /** Returns the rights that are in both sets. */
  intersection(other: RightsLike): Rights {
    const o = Rights.#from(other);
    return Rights.#of(
      this.#low0 & o.#low0,
      this.#high0 & o.#high0,
      this.#low1 & o.#low1,
      this.#high1 & o.#high1,
    );
  }

  /** Returns this set without the bits of `other`, like cap_rights_remove(3): `PREAD` removes `READ` and `SEEK`. */
  difference(other: RightsLike): Rights {
    const o = Rights.#from(other);
    return Rights.#of(
      this.#low0 & ~o.#low0,
      this.#high0 & ~o.#high0,
      this.#low1 & ~o.#low1,
      this.#high1 & ~o.#high1,
    );
  }

  /** Returns the bits that are in exactly one of the sets. */
  symmetricDifference(other: RightsLike): Rights {
    const o = Rights.#from(other);
    return Rights.#of(
      this.#low0 ^ o.#low0,
      this.#high0 ^ o.#high0,
      this.#low1 ^ o.#low1,
      this.#high1 ^ o.#high1,
    );
  }

  /** Returns whether `other` has every bit of this set. */
  isSubsetOf(other: RightsLike): boolean {
    return this.#within(Rights.#from(other));
  }

  /** Returns whether this set has every bit of `other`, like cap_rights_contains(3). */
  isSupersetOf(other: RightsLike): boolean {
    return Rights.#from(other).#within(this);
  }

  /** Returns whether no bit is in both sets. `MKDIRAT` and `UNLINKAT` are not disjoint: both contain `LOOKUP`. */
  isDisjointFrom(other: RightsLike): boolean {
    return this.intersection(other).isEmpty;
  }

  /** Returns whether both sets have the same bits. */
  equals(other: RightsLike): boolean {
    const o = Rights.#from(other);
    return this.#within(o) && o.#within(this);
  }

  /**
   * Returns whether a release knows every bit, like cap_rights_is_valid(3). If not, its cap_rights_limit(2) fails with
   * EINVAL.
   *
   * @param release As for {@linkcode Rights.all}.
   * @throws {TypeError} If `release` is not a number.
   * @throws {RangeError} If the release is unknown.
   */
  isValid(release: number = newest): boolean {
    return this.#within(Rights.all(release));
  }

  /** Returns the two words of the `cap_rights_t`, index bits included. */
  toWords(): [bigint, bigint] {
    return [word(0n, this.#low0, this.#high0), word(1n, this.#low1, this.#high1)];
  }

  /** Returns the `cap_rights_t`: 16 new bytes, little endian. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(16));
    this.toWords().forEach((word, index) => view.setBigUint64(8 * index, word, true));
    return new Uint8Array(view.buffer);
  }

  /** Returns the strings of {@linkcode toJSON}, separated by commas; "NONE" for the empty set. */
  toString(): string {
    return this.toJSON().join(", ") || "NONE";
  }

  /**
   * Returns {@linkcode names}, and bits without a name as `"0x..."` values.
   *
   * @example There and back
   * ```ts
   * import { Rights } from "jsr:@capsicum/capsicum";
   * import { assert, assertEquals } from "jsr:@std/assert";
   *
   * const json = JSON.stringify(new Rights(["READ", "IOCTL"]));
   * assertEquals(json, '["READ","IOCTL"]');
   * assert(Rights.fromJSON(JSON.parse(json)).equals(["READ", "IOCTL"]));
   * ```
   */
  toJSON(): string[] {
    const names = this.names();
    const unnamed = this.difference(names).toWords().filter((value) =>
      value !== word(0n, 0, 0) && value !== word(1n, 0, 0)
    );
    return [...names, ...unnamed.map((value) => hex(value, 16))];
  }

  /** Returns what `console.log` prints. */
  [Symbol.for("Deno.customInspect")](): string {
    return inspected("Rights", this.toJSON());
  }

  /** "Rights". */
  get [Symbol.toStringTag](): string {
    return "Rights";
  }

  #within(other: Rights): boolean {
    return ((this.#low0 & ~other.#low0) | (this.#high0 & ~other.#high0) | (this.#low1 & ~other.#low1) |
      (this.#high1 & ~other.#high1)) === 0;
  }

  #present(): RightName[] {
    const names: RightName[] = [];
    for (const [name, right] of Rights.#table()) if (right.#within(this)) names.push(name as RightName);
    return names;
  }
}

/** The low and the high 32 bits of an unsigned 64-bit value, each as an int32. */
function halves(value: bigint): [number, number] {
  if (BigInt.asUintN(64, value) !== value) {
    throw new RangeError(`${value}n does not fit in the 64 unsigned bits of a right or a word of them.`);
  }
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}

function word(index: bigint, low: number, high: number): bigint {
  return 1n << 57n + index | BigInt(high) << 32n | BigInt(low >>> 0);
}

function unknownName(name: string): never {
  const close = name.toUpperCase().replace(/^CAP_/, "");
  const hints = Object.keys(Right).filter((right) => right === close || right.startsWith(`${close}_`));
  const hint = hints.length > 0 ? ` Did you mean ${hints.map(show).join(" or ")}?` : "";
  throw new RangeError(`${show(name)} is not the name of a right.${hint}`);
}

/** The reason why a bigint is not a `CAP_*` value, by its seven bits above the payload. */
function badValue(value: bigint, top: number): never {
  const reason = (top & 0x60) !== 0
    ? "its bits 62 and 63, the version, must be 0"
    : top === 0
    ? "it has none of the bits 57 to 61, which give the index of its word"
    : (top & top - 1) !== 0
    ? "it belongs to two words; rights of different words can't be OR-ed but must be listed, as in [Right.READ, Right.IOCTL]"
    : `it belongs to word ${Math.log2(top)}, and a cap_rights_t has the words 0 and 1`;
  throw new RangeError(`${hex(value, 16)} is not a right: ${reason}.`);
}

function badWord(index: number, low: number, high: number): never {
  const value = BigInt(high >>> 0) << 32n | BigInt(low >>> 0);
  throw new RangeError(
    `${hex(value, 16)} is not word ${index} of a cap_rights_t: its bits above 56 must be those of ${
      hex(word(BigInt(index), 0, 0), 16)
    }.`,
  );
}
