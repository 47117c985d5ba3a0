/**
 * The descriptors of a process as plain data.
 *
 * @module
 */
import type { RightName, Rights } from "../../mod.ts";
import { type Directory, type Existing, type Found, lookup, type Node } from "./_tree.ts";

/** The expected result of a call: a value, one of several errors (names of errnos or classes), or either. */
export interface Expected {
  errors: readonly string[];
  works: boolean;
  /** Left out if it is not known. */
  value?: unknown;
}

/** One end of a pipe or a socket: the bytes to read there, and the end where they are written. */
export interface Stream {
  readonly kind: "pipe" | "socket";
  readonly inbox: number[];
  peer: Stream | undefined;
}

/** An open file, which several descriptors can share. */
export interface Open {
  readonly at: Node | Stream;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly isPath: boolean;
  appends: boolean;
  offset: number;
  descriptors: number;
}

export interface Slot {
  readonly open: Open;
  /** Undefined if nothing is limited. */
  rights: Rights | undefined;
  fcntls: readonly string[];
  /** Undefined if they are not limited. */
  ioctls: readonly number[] | undefined;
  isClosedOnExec: boolean;
}

export const fails = (...errors: string[]): Expected => ({ errors, works: false });
export const works = (value?: unknown): Expected =>
  value === undefined ? { errors: [], works: true } : { errors: [], works: true, value };
export const either = (...errors: string[]): Expected => ({ errors, works: true });
export const allFcntls = ["GETFL", "SETFL", "GETOWN", "SETOWN"];

export interface Kernel {
  readonly hasCapsicum: boolean;
  readonly major: number;
  /** Whether the process is in capability mode. */
  readonly isSandboxed: boolean;
  readonly hasRenameat2: boolean;
  /** Whether unlinkat(2) honours AT_RESOLVE_BENEATH, which depends on the patch level of FreeBSD. */
  readonly unlinksBeneath: boolean;
  /** Whether a shared lock stays if flock(2) can't change it to an exclusive one without waiting. */
  readonly keepsLocks: boolean;
}

/** In place of an errno: the result is not predicted, and a program must not make the call. */
export const UNKNOWN = "unknown";

/** The open descriptors, and the lookup of paths from a descriptor. */
export abstract class State {
  readonly slots = new Map<number, Slot>();
  readonly root: { directory: Directory; path: string };
  readonly kernel: Kernel;

  constructor(root: { directory: Directory; path: string }, kernel: Kernel) {
    this.root = root;
    this.kernel = kernel;
  }

  /** A new descriptor with all rights. */
  add(fd: number, at: Node | Stream, { reads = true, writes = true, isPath = false } = {}): void {
    const open = { at, reads, writes, isPath, appends: false, offset: 0, descriptors: 1 };
    this.slots.set(fd, {
      open,
      rights: undefined,
      fcntls: allFcntls,
      ioctls: undefined,
      isClosedOnExec: true,
    });
  }

  /** The object that a descriptor refers to. */
  kindOf(fd: number): Node["kind"] | Stream["kind"] | undefined {
    return this.slots.get(fd)?.open.at.kind;
  }

  /** Assigns the expected object to the next descriptor that a call returns. */
  opened: ((fd: number) => void) | undefined;

  call(name: string, args: readonly unknown[]): Expected {
    this.opened = undefined;
    // The descriptor is copied first.
    if (name.startsWith("file_") && !this.slots.has(args[0] as number)) return fails("EBADF");
    const model = this as unknown as Record<string, (...args: readonly unknown[]) => Expected>;
    // The asynchronous twin of a method.
    return model[`$${name.replace(/_async$/, "")}`]!(
      ...args,
    );
  }

  /** The slot of an open descriptor, or the error of a call that needs rights on it. */
  protected slot(fd: number, ...rights: RightName[]): Slot | Expected {
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    return this.holds(slot, rights) ? slot : fails("ENOTCAPABLE");
  }

  protected holds({ rights }: Slot, needed: readonly RightName[]): boolean {
    return rights === undefined || rights.isSupersetOf(needed);
  }

  /** Looks up a path from a descriptor. */
  protected find(
    fd: number,
    path: string,
    rights: readonly RightName[],
    { follow = true, beneath = false } = {},
  ): Found | Expected {
    const rules = { follow, root: this.root, links: this.kernel.hasCapsicum ? 32 : 40 };
    // The kernel may check the length of a name first.
    const orLong = /[^/]{256}/.test(path) ? ["ENAMETOOLONG"] : [];
    if (path.startsWith("/")) {
      if (beneath || this.kernel.isSandboxed) {
        return this.slots.has(fd) ? fails("ENOTCAPABLE") : fails("ENOTCAPABLE", "EBADF");
      }
      const place = found(lookup(this.root.directory, path, { ...rules, beneath: false }));
      return "errors" in place ? fails(...place.errors, ...orLong) : place;
    }
    const slot = this.slot(fd, "LOOKUP", ...rights);
    if ("errors" in slot) return fails(...slot.errors, ...orLong);
    const { at } = slot.open;
    if (at.kind !== "directory") return fails("ENOTDIR", ...orLong);
    const isConfined = beneath || this.kernel.isSandboxed || this.isLimited(slot);
    const place = found(lookup(at, path, { ...rules, beneath: isConfined }));
    return "errors" in place ? fails(...place.errors, ...orLong) : place;
  }

  protected isLimited({ rights, fcntls, ioctls }: Slot): boolean {
    return rights !== undefined || fcntls.length < allFcntls.length || ioctls !== undefined;
  }
}

export function found(found: Found | string): Found | Expected {
  return typeof found === "string" ? fails(found) : found;
}

export function existing(found: Found | Expected): Existing | Expected {
  return "errors" in found || found.node !== undefined ? found as Existing | Expected : fails("ENOENT");
}

/** The parts of a status that are compared: the kind and, for a file, the size. */
export function statOf(at: Node | Stream): unknown {
  return at.kind === "file" ? at.data.length : at.kind;
}
