/**
 * A descriptor: {@link Descriptor} owns one; the functions find out what the kernel reports of one (its attributes, the
 * identity of its file, the rights that it holds), and what a copy of its file may have as its mode and times.
 *
 * @module
 */
import { getFcntls, isWithoutCapsicum, limit } from "../../ffi/capsicum/capability.ts";
import { failure } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { type GivenCall, listed, shown } from "../../ffi/errors.ts";
import { hasCapsicum } from "../../ffi/symbols.ts";
import { abi } from "../../ffi/system.ts";
import { descriptor, type FdLike } from "../../ffi/values.ts";
import type { FcntlName } from "../../rights/fcntls.ts";
import { type RightName, Rights, type RightsLike } from "../../rights/rights.ts";

/**
 * An open file descriptor and its owner, which closes it: what `FdFile` and `Dir` have in common.
 *
 * `using` closes it at the end of the scope.
 *
 * @example
 * ```ts
 * import { type Descriptor, isSupported, openDirSync, openSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   using dev = openDirSync("/dev");
 *   const owners: Descriptor[] = [file, dev];
 *   assert(owners.every(({ fd }) => fd > 2));
 * }
 * ```
 */
export abstract class Descriptor implements Disposable, AsyncDisposable {
  #fd: number;

  /** Takes over a descriptor; `fromFd()` checks it first. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * The number of the descriptor.
   *
   * @throws {Deno.errors.BadResource} If it is closed or was taken.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = openSync("/dev/null");
   *   assertEquals(libc.read(file.fd, new Uint8Array(1)), 0);
   * }
   * ```
   */
  get fd(): number {
    if (this.#fd < 0) {
      throw new Deno.errors.BadResource(
        `This ${this.constructor.name} is closed, or its descriptor was taken: open it again.`,
      );
    }
    return this.#fd;
  }

  /**
   * Limits the descriptor to a set of rights, permanently.
   *
   * Stands for cap_rights_limit(2). Requires `--allow-ffi` permission.
   *
   * @param rights The rights that it keeps.
   * @throws {TypeError} If the argument has the wrong type.
   * @throws {RangeError} If a right is unknown.
   * @throws {Deno.errors.BadResource} If it is closed.
   * @throws {CapsicumError} ENOTCAPABLE if it does not hold all of the rights.
   * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
   *
   * @example
   * ```ts
   * import { getRights, isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = openSync("/dev/null");
   *   file.limit(["READ"]);
   *   assertEquals(getRights(file).names(), ["READ"]);
   * }
   * ```
   */
  limit(rights: RightsLike): void {
    limit(this, rights);
  }

  /**
   * Gives up the descriptor without closing it.
   *
   * @returns The number of the descriptor, which the caller closes from now on.
   * @throws {Deno.errors.BadResource} If it is closed or was taken.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   const fd = openSync("/dev/null").take();
   *   assertEquals(libc.close(fd), 0);
   * }
   * ```
   */
  take(): number {
    const fd = this.fd;
    this.#fd = -1;
    granted.delete(fd);
    return fd;
  }

  /**
   * Closes the descriptor.
   *
   * Stands for close(2). Requires `--allow-ffi` permission.
   *
   * @throws {Deno.errors.BadResource} If it is closed.
   * @throws {CapsicumError} If the system reports a late write error, such as EIO. The descriptor is closed anyway.
   *
   * @example
   * ```ts
   * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assertThrows } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   const file = openSync("/dev/null");
   *   file.close();
   *   assertThrows(() => file.readAllSync(), Deno.errors.BadResource);
   * }
   * ```
   */
  close(): void {
    libc.close(this.take());
  }

  /** Closes the descriptor if it is open. */
  [Symbol.dispose](): void {
    if (this.#fd >= 0) this.close();
  }

  /** Closes the descriptor if it is open. */
  [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Formats the class and the number, such as `FdFile { fd: 5 }`. */
  [Symbol.for("Deno.customInspect")](): string {
    return `${this.constructor.name} { ${this.#fd < 0 ? "closed" : `fd: ${this.#fd}`} }`;
  }
}

/**
 * Checks the number of an open descriptor, for an object that takes it over.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {Deno.errors.BadResource} If it is not open.
 */
export function openDescriptor(fd: number): number {
  const number = descriptor(fd);
  if (typeof fd !== "number") {
    throw new TypeError(`A descriptor to take over is a number, not ${shown(fd)}, which keeps it.`);
  }
  libc.fcntl(number, libc.F_GETFD);
  return number;
}

/** The result of fstat(2) for a descriptor. */
export function statOf(fd: FdLike): Deno.FileInfo {
  const stat = statBuffer();
  libc.fstat(fd, stat);
  return abi().decodeStat(stat);
}

/** The device and inode number of a file as one string. Descriptors of the same file have equal strings. */
export function identityOf(fd: FdLike): string {
  const stat = statBuffer();
  libc.fstat(fd, stat);
  return abi().decodeIdentity(stat);
}

/** The part of an identity that is the same for all files of a file system. */
export function deviceOf(identity: string): string {
  return identity.slice(0, identity.lastIndexOf(":"));
}

/** The result of one fstat(2) for a descriptor, with the identity of the file. */
export function identifiedOf(fd: FdLike): Identified {
  const info = statOf(fd);
  return { info, identity: abi().decodeIdentity(statBuffer()) };
}

/** The result of one fstatat(2) for a name, with the identity of the file. A symlink is not followed. */
export function identifiedAt(fd: FdLike, name: string): Identified {
  const info = statAt(fd, name);
  return { info, identity: abi().decodeIdentity(statBuffer()) };
}

/** The attributes of a file, and its identity: `FileInfo.ino` is null if a number can't hold it. */
export interface Identified {
  readonly info: Deno.FileInfo;
  readonly identity: string;
}

/** The result of fstatat(2) for a name; by default a symlink is not followed. */
export function statAt(fd: FdLike, name: string, flags: number = libc.AT_SYMLINK_NOFOLLOW): Deno.FileInfo {
  const stat = statBuffer();
  libc.fstatat(fd, name, stat, flags);
  return abi().decodeStat(stat);
}

/** The result of fstatat(2) for a name; undefined if it does not exist. A symlink is not followed. */
export function statIfThere(fd: FdLike, name: string): Deno.FileInfo | undefined {
  return identifiedIfThere(fd, name)?.info;
}

/** The same with the identity of the file; undefined if the name does not exist. A symlink is not followed. */
export function identifiedIfThere(fd: FdLike, name: string): Identified | undefined {
  try {
    return identifiedAt(fd, name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

let statBytes: Uint8Array<ArrayBuffer> | undefined;

/** A `struct stat` that the next call overwrites. */
function statBuffer(): Uint8Array<ArrayBuffer> {
  return statBytes ??= new Uint8Array(abi().statSize);
}

/** Whether descriptors have rights on this system. */
export function hasRights(): boolean {
  return hasCapsicum();
}

/**
 * Whether the descriptor was limited: then every lookup through it stays beneath it, in every call.
 *
 * A limit that removes only rights that are new in FreeBSD 15 goes unnoticed. This costs one call, but no confinement.
 */
export function isLimited(fd: number): boolean {
  return answer(() => {
    all ??= new Uint32Array(everyKernelHas().toBytes().slice().buffer);
    const held = new Uint32Array(heldBytes(fd).buffer);
    return all.some((bits, i) => (held[i]! & bits) !== (bits | 0));
  }) ?? false;
}

/** The rights that a plan grants to open directories on Linux, which has no call to ask for them. */
const granted = new Map<number, Rights>();

/** Remembers the rights of a directory in a sandbox on Linux, until the object that owns it is closed. */
export function grant(fd: number, rights: Rights): void {
  granted.set(fd, rights);
}

/** Remembers that a directory was opened below another one, and so has its rights. */
export function grantAs(above: number, fd: number): void {
  const rights = granted.get(above);
  if (rights !== undefined) granted.set(fd, rights);
}

/**
 * The rights that a descriptor holds; all rights on a system without Capsicum, unless a sandbox grants fewer. Callers ask
 * before a call that may be refused, because a refused call may raise SIGTRAP in capability mode.
 */
export function rightsOf(fd: number): Rights {
  return answer(() => Rights.fromBytes(heldBytes(fd))) ?? granted.get(fd) ?? everyKernelHas();
}

/**
 * Checks that a directory holds all rights that a sequence of calls needs, before the first call.
 *
 * @throws {CapsicumError} ENOTCAPABLE, the same error as that of the first call without its right.
 * @throws {Deno.errors.PermissionDenied} In a sandbox on Linux.
 */
export function checkHolds(fd: number, call: GivenCall, needs: readonly RightName[]): void {
  const held = rightsOf(fd), found = held.union(["LOOKUP"]);
  const lacks = needs.filter((right) => !found.has(right));
  if (!held.has("LOOKUP")) lacks.unshift("LOOKUP");
  if (lacks.length === 0) return;
  if (granted.has(fd)) {
    throw failure(call, "EACCES", `the plan must also grant ${listed(lacks)} (EACCES).`);
  }
  const why = `missing ${listed(lacks)} (held: ${listed(held.names())}) (ENOTCAPABLE). ` +
    "Rights never grow again: open it again, or keep these.";
  throw failure(call, "ENOTCAPABLE", why, { held, missing: new Rights(lacks), reason: "rights" });
}

/** Whether the descriptor permits F_GETFL of fcntl(2). */
export function mayGetFlags(fd: number): boolean {
  return mayControl(fd, "GETFL");
}

/** Whether the descriptor permits F_SETFL of fcntl(2). */
export function maySetFlags(fd: number): boolean {
  return mayControl(fd, "SETFL");
}

function mayControl(fd: number, command: FcntlName): boolean {
  return answer(() => rightsOf(fd).has("FCNTL") && getFcntls(fd).has(command)) ?? true;
}

/** The answer of the kernel; undefined on a system without Capsicum. */
function answer<T>(question: () => T): T | undefined {
  if (!hasRights()) return undefined;
  try {
    return question();
  } catch (error) {
    if (isWithoutCapsicum(error)) return undefined;
    throw error;
  }
}

let rightsBytes: Uint8Array<ArrayBuffer> | undefined;

/** A `cap_rights_t` that the next call overwrites. */
function heldBytes(fd: number): Uint8Array<ArrayBuffer> {
  libc.cap_rights_get(fd, rightsBytes ??= new Uint8Array(16));
  return rightsBytes;
}

let all: Uint32Array | undefined, every: Rights | undefined;

function everyKernelHas(): Rights {
  return every ??= Rights.all(13);
}

/**
 * The permission bits of a mode for a new file, without setuid, setgid and sticky bit, as in Deno.
 *
 * @throws {RangeError} If `mode` is not a valid file mode.
 */
export function permissionBits(mode: number): number {
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o177777) return mode & 0o777;
  throw new RangeError(`A mode is an integer from 0 to 65535 (0o177777), not ${shown(mode)}.`);
}

/** Whether a file has an access control list beyond its mode; false if the system does not report it. */
export function hasAcl(fd: number): boolean {
  return abi().hasAcl?.(fd) ?? false;
}

/** Whether the file that a name stands for may have an access control list. */
export function mayHaveAcl(fd: FdLike, name: string): boolean {
  if (abi().hasAcl === undefined) return false;
  for (const access of [libc.O_RDONLY, libc.O_WRONLY]) {
    try {
      const file = libc.openat(fd, name, access | libc.O_NONBLOCK | libc.O_NOFOLLOW | libc.O_CLOEXEC);
      try {
        return hasAcl(file);
      } finally {
        libc.close(file);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
  return true;
}

/**
 * The mode for a copy of a file. No user gets more permissions on the copy than on the original.
 *
 * If both files have the same group, all permission bits are kept. If the groups differ, or if the copy has an access
 * control list, group and others get the bits that both have in the original. The reason is that the group bits bound
 * the entries of such a list. If the original has a list, only the owner gets bits. Setuid, setgid and sticky bit stay
 * on files of root, as in Deno.
 *
 * @param original The attributes of the original.
 * @param hasList Whether the original may have an access control list.
 * @param fd A descriptor of the copy.
 */
export function modeAfter(original: Deno.FileInfo, hasList: boolean, fd: number): number {
  const copy = statOf(fd), mode = original.mode!, isGroups = copy.gid === original.gid;
  const special = copy.uid === 0 && original.uid === 0 ? mode & (isGroups ? 0o7000 : 0o5000) : 0;
  return special | permissionsAfter(original, hasList, copy, hasAcl(fd));
}

function permissionsAfter(
  { mode, gid }: Deno.FileInfo,
  hasList: boolean,
  copy: Deno.FileInfo,
  copyHasList: boolean,
): number {
  if (hasList) return mode! & 0o700;
  if (copy.gid === gid && !copyHasList) return mode! & 0o777;
  const both = mode! >> 3 & mode! & 7;
  return mode! & 0o700 | both << 3 | both;
}

/** The mode of a copy of a directory. It never exceeds the mode of the original or the umask. */
export class DirectoryMode {
  readonly #made: number;
  readonly #last: number;

  /**
   * @param from A descriptor of the original, open for reading.
   * @param to A descriptor of the copy, which is empty and was made with the mode of the original.
   */
  constructor(from: number, to: number) {
    const original = statOf(from), made = statOf(to);
    const bits = permissionsAfter(original, hasAcl(from), made, mayHaveAcl(to, "."));
    this.#made = made.mode! & 0o7777;
    const granted = bits & this.#made, sticky = granted & 0o022 ? original.mode! & 0o1000 : 0;
    // A setgid bit of the copy was inherited from its parent directory.
    this.#last = granted | sticky | this.#made & 0o2000;
  }

  /** Sets the mode for the time in which the directory is filled. */
  begin(fd: number): void {
    if (this.#filling !== this.#made) libc.fchmodat(fd, ".", this.#filling, 0);
  }

  /** Sets the final mode. */
  end(fd: number): void {
    if (this.#last !== this.#filling) libc.fchmodat(fd, ".", this.#last, 0);
  }

  get #filling(): number {
    return this.#last | 0o700;
  }
}

/**
 * Access and modification time as two `struct timespec`, with a precision of milliseconds as in `Deno.utime`.
 *
 * @throws {TypeError} If a time is neither a number of seconds nor a Date.
 * @throws {RangeError} If a time is not finite or not a valid Date, or lies in the last second before 1970.
 */
export function timespecs(call: string, atime: number | Date, mtime: number | Date): Uint8Array {
  const times = new BigInt64Array(4);
  Object.entries({ atime, mtime }).forEach(([name, time], i) => {
    const milliseconds = time instanceof Date ? time.getTime() : time;
    if (typeof milliseconds !== "number") {
      throw new TypeError(
        `${call}: the argument ${name} must be a number of seconds or a Date, not ${shown(time)}.`,
      );
    }
    // Rounded, because 1.001 * 1000 is a little less than 1001.
    const whole = time instanceof Date ? milliseconds : Math.round(milliseconds * 1000);
    if (!Number.isSafeInteger(whole)) {
      throw new RangeError(
        `${call}: the argument ${name} must be a valid Date or a finite number of seconds, not ${
          shown(time)
        }.`,
      );
    }
    const seconds = Math.floor(whole / 1000);
    if (seconds === -1) {
      // VNOVAL of sys/vnode.h: the kernel would leave the time as it is and report success.
      throw new RangeError(
        `${call}: FreeBSD can't set ${name} to the last second before 1970: it stands for 'unchanged'.`,
      );
    }
    times[i * 2] = BigInt(seconds);
    times[i * 2 + 1] = BigInt(whole - seconds * 1000) * 1_000_000n;
  });
  return new Uint8Array(times.buffer);
}

/**
 * Closes descriptors that were only passed on the way to something, or to another process. Errors are ignored: an error would take
 * the place of the result, which may be an open descriptor, or of an earlier error.
 */
export function closePassed(fds: Iterable<number>): void {
  for (const fd of fds) {
    try {
      libc.close(fd);
    } catch {
      // FreeBSD closes the descriptor even if close(2) fails.
    }
  }
}
