/**
 * The one way from a path to a call: {@link resolve} turns `(dir, path, operation)` into the descriptor of a directory
 * and the name in it. Paths stay beneath their directory on every kernel, even if the tree changes during the call.
 *
 * There are two strategies. Where the kernel confines lookups, it resolves the path: in the call itself, if the call has
 * a flag for that, else in an openat(2) of the directory that the name is in. Where it does not, `follow()` resolves the
 * path. In both, a call that acts on a name gets that one component: such calls, as unlinkat(2), have no flag that keeps
 * a path beneath its directory, or ignore it.
 *
 * @module
 */
import { sandboxed } from "../../../ffi/capsicum/capability.ts";
import { isNotCapable } from "../../../ffi/errors.ts";
import { type Asked, asked, codeOf, request, type Serving, serving } from "../../../ffi/failure.ts";
import { descriptor, type FdLike } from "../../../ffi/values.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { abi } from "../../../ffi/system.ts";
import type { Rights } from "../../../rights/rights.ts";
import { closePassed, deviceOf, identityOf, isLimited, rightsOf } from "../descriptor.ts";
import {
  checkedPath,
  DIRECTORY,
  follow,
  isName,
  leaves,
  loop,
  mayBeSymlink,
  type Request,
  split,
  symlinkAt,
} from "./components.ts";

/** What a path is resolved for. */
export interface Operation {
  /** The C function, for errors. */
  readonly syscall: string;
  /**
   * What the call acts on. Default: the name itself, which with a slash after it must be a directory and not a symlink.
   *
   * - "new": a name that may not exist, such as that of a new directory. A slash after it has no meaning.
   * - "directory": the name of a directory.
   * - "target": what the name leads to; a symlink is followed.
   */
  readonly on?: "new" | "directory" | "target";
  /** Whether the call has a flag that keeps its path beneath the directory: {@link Place.isWhole} then asks for it. */
  readonly hasFlag?: boolean;
  /** Whether the place is kept: then it has a descriptor of its own, also if the `Dir` is closed. */
  readonly isKept?: boolean;
}

/** A name in an open directory. */
export class Spot implements Serving {
  /** The directory. */
  readonly fd: number;
  /** The name in it: one component, or "." if the path ends in "." or "..". */
  readonly name: string;
  /** What errors of calls on the spot name. */
  readonly request: Asked;

  constructor(fd: number, name: string, request: Asked) {
    this.fd = fd;
    this.name = name;
    this.request = request;
  }

  [asked](): Asked {
    return this.request;
  }
}

/** A resolved path. */
export class Place extends Spot implements Disposable {
  /** Whether `name` is the whole path, to be resolved by the kernel. If not, the call must not follow a symlink. */
  readonly isWhole: boolean;
  /** Whether the descriptor was opened for the place. */
  readonly #isOwn: boolean;

  constructor(fd: number, name: string, request: Asked, { isWhole = false, isOwn = false }) {
    super(fd, name, request);
    this.isWhole = isWhole;
    this.#isOwn = isOwn;
  }

  [Symbol.dispose](): void {
    if (this.#isOwn) closePassed([this.fd]);
  }
}

/** Resolves a path from a directory on. */
export function resolve(dir: FdLike, path: string, operation: Operation): Place {
  const fd = descriptor(dir), { syscall, on, hasFlag = false, isKept = false } = operation;
  checkedPath(path);
  const asks = { ...request(dir, path), syscall }, target = on === "target", confined = confines(dir);
  if (!isKept) {
    if (confined && hasFlag) return new Place(fd, path, asks, { isWhole: true });
    if (!target && on !== "directory" && isName(path)) return new Place(fd, path, asks, {});
  }
  if (path.startsWith("/")) throw leaves(asks);
  // Opening a directory needs more rights than the call. Every lookup through a limited descriptor stays beneath it.
  if (!isKept && !target && confined && isLimited(fd)) {
    return new Place(fd, on === "directory" ? `${path}/` : path, asks, {});
  }
  const { parent, name, hasSlash } = split(path);
  const [at, last] = target
    ? passed(fd, path, asks, "followed")
    : parent === ""
    ? [fd, name] as const
    : confined
    ? [libc.openat(serving(fd, asks), parent, DIRECTORY | libc.O_RESOLVE_BENEATH), name] as const
    // With "." after it, the parent is a directory on the path, which may be a symlink.
    : [passed(fd, `${parent}/.`, asks, "name")[0], name] as const;
  const isOwn = at !== fd || isKept;
  const place = new Place(at === fd && isKept ? libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0) : at, last, asks, {
    isOwn,
  });
  try {
    if (on === "directory" || hasSlash && on === undefined) checkDirectory(place);
    return place;
  } catch (error) {
    place[Symbol.dispose]();
    throw error;
  }
}

/** Acts on the file that a path names, or leads to. */
export function at<T>(
  dir: FdLike,
  path: string,
  operation: Operation,
  use: (place: Place, name: string) => T,
): T {
  const place = resolve(dir, path, operation);
  try {
    return use(place, place.name);
  } catch (error) {
    // The call was made not to follow a symlink, and can't act on one.
    const isBySymlink = operation.on === "target" && !place.isWhole && codeOf(error) === "EOPNOTSUPP" &&
      symlinkAt(place, place.name) !== undefined;
    if (!isBySymlink) throw error;
    const asks = { ...place.request, syscall: operation.syscall };
    throw loop(asks, "a symlink took its place during the call, and is not followed");
  } finally {
    place[Symbol.dispose]();
  }
}

const OPENING: Operation = { syscall: "openat" };
const OPENING_TARGET: Operation = { syscall: "openat", on: "target", hasFlag: true };

/** Opens a path below a directory. Follows a symlink as the last component, unless the flags say otherwise. */
export function openBeneath(dir: FdLike, path: string, flags: number, mode = 0): number {
  const open = (place: Place, name: string) =>
    libc.openat(place, name, flags | (place.isWhole ? libc.O_RESOLVE_BENEATH : libc.O_NOFOLLOW), mode);
  // A symlink with a slash after it is followed despite O_NOFOLLOW.
  const isName = flags & libc.O_EXCL || flags & libc.O_NOFOLLOW && !path.endsWith("/");
  // The name is tried before it is asked whether it is a symlink, which costs a call. O_PATH would open the symlink.
  if (!confines(dir) && (isName || !(flags & libc.O_PATH))) {
    try {
      return at(dir, path, OPENING, open);
    } catch (error) {
      if (isName || !mayBeSymlink(error)) throw error;
    }
  }
  return at(dir, path, OPENING_TARGET, open);
}

/** Throws unless the name is a directory; a symlink to a directory does not count. */
function checkDirectory(place: Spot): void {
  libc.close(libc.openat(place, place.name, DIRECTORY | libc.O_NOFOLLOW));
}

/** Follows a path without the kernel's help. Closes the directories on the way, except the last, and returns that. */
function passed(fd: number, path: string, asks: Request, end: "name" | "followed"): [number, string] {
  const held = new Set<number>();
  try {
    const { steps, name } = follow([{ fd, name: "" }], path, asks, end, {
      pass: (_, name, fd) => (held.add(fd), { fd, name }),
      leave: ({ fd }) => (held.delete(fd), closePassed([fd])),
    });
    const last = steps.at(-1)!.fd;
    held.delete(last);
    return [last, name];
  } finally {
    closePassed(held);
  }
}

/** Whether the kernel keeps a lookup with O_RESOLVE_BENEATH in the directory; for a bare number this is unknown. */
function confines(dir: FdLike): boolean {
  return abi().confinesLookups?.() ?? (dir as { readonly confined?: unknown } | null)?.confined === true;
}

/**
 * Whether the kernel honours O_RESOLVE_BENEATH for lookups in the directory.
 *
 * FreeBSD 15 does not if the directory is the root of a mounted file system. If the answer is unknown, it is false,
 * which only costs calls. In capability mode nothing is tried, because a refused call may raise SIGTRAP.
 *
 * @param above The directory through which `fd` was opened.
 */
export function isConfined(fd: number, above?: { readonly fd: number; readonly confined: boolean }): boolean {
  const always = abi().confinesLookups?.();
  if (always !== undefined) return always;
  const rights = rightsOf(fd);
  if (sandboxed()) return above !== undefined && rights.has("FSTAT") && isPartOf(above, fd);
  if (!rights.has("LOOKUP")) return false;
  return rights.has("READ") ? refusesParent(fd, rights) : refusesParentOfLimited(fd);
}

/** Of the directories on one file system at and beneath `above`, only `above` can be the root of the mount. */
function isPartOf(above: { readonly fd: number; readonly confined: boolean }, fd: number): boolean {
  if (!rightsOf(above.fd).has("FSTAT")) return false;
  const upper = identityOf(above.fd), lower = identityOf(fd);
  return deviceOf(upper) === deviceOf(lower) && (above.confined || upper !== lower);
}

function refusesParent(fd: number, rights: Rights): boolean {
  let parent: number;
  try {
    parent = libc.openat(fd, "..", DIRECTORY | libc.O_RESOLVE_BENEATH);
  } catch (error) {
    return isNotCapable(error);
  }
  try {
    // At "/" the parent is the directory itself on FreeBSD 13.
    if (!rights.has("FSTAT")) return false;
    return identityOf(parent) === identityOf(fd);
  } finally {
    libc.close(parent);
  }
}

/** readlinkat() needs only LOOKUP, and lookups through a limited descriptor stay beneath it without a flag. */
function refusesParentOfLimited(fd: number): boolean {
  try {
    libc.readlinkat(fd, "..", new Uint8Array(1));
  } catch (error) {
    return isNotCapable(error);
  }
  return false;
}
