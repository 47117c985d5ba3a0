/**
 * The calls on descriptors and names as plain data: what each returns, or which errno it fails with.
 *
 * @module
 */
import { libc, type RightName, Rights } from "../../mod.ts";
import {
  type Directory,
  type Existing,
  type File,
  type Found,
  lookup,
  makeDirectory,
  makeFile,
  type Node,
  put,
} from "./_tree.ts";

/** What must come of a call: a value, or one of some errors by the names of errnos and classes, or either. */
export interface Expected {
  errors: readonly string[];
  works: boolean;
  /** Left out if it is not known. */
  value?: unknown;
}

/** The end of a pipe or a socket: what is to be read there, and the end where it is written. */
export interface Stream {
  readonly kind: "pipe" | "socket";
  readonly inbox: number[];
  peer: Stream | undefined;
}

/** An open file, which several descriptors can share. */
interface Open {
  readonly at: Node | Stream;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly isPath: boolean;
  appends: boolean;
  offset: number;
  descriptors: number;
}

interface Slot {
  readonly open: Open;
  /** Undefined if nothing is limited. */
  rights: Rights | undefined;
  fcntls: readonly string[];
  isClosedOnExec: boolean;
}

const fails = (...errors: string[]): Expected => ({ errors, works: false });
const works = (value?: unknown): Expected =>
  value === undefined ? { errors: [], works: true } : { errors: [], works: true, value };
const either = (...errors: string[]): Expected => ({ errors, works: true });
const allFcntls = ["GETFL", "SETFL", "GETOWN", "SETOWN"];

/** The rights that a call needs of its descriptor. */
const needs: Readonly<Record<string, RightName>> = {
  read: "READ",
  write: "WRITE",
  pread: "PREAD",
  pwrite: "PWRITE",
  lseek: "SEEK",
  ftruncate: "FTRUNCATE",
  fsync: "FSYNC",
  fdatasync: "FSYNC",
  fstat: "FSTAT",
  fchmod: "FCHMOD",
};

function rightsToOpen(flags: number): RightName[] {
  const access = flags & libc.O_ACCMODE, rights: RightName[] = ["LOOKUP"];
  if (access !== libc.O_WRONLY) rights.push("READ");
  if (access !== libc.O_RDONLY) rights.push("WRITE");
  if (access !== libc.O_RDONLY && !(flags & (libc.O_APPEND | libc.O_TRUNC))) rights.push("SEEK");
  if (flags & libc.O_CREAT) rights.push("CREATE");
  if (flags & libc.O_TRUNC) rights.push("FTRUNCATE");
  return rights;
}

export interface Kernel {
  readonly hasCapsicum: boolean;
  readonly major: number;
}

export class Model {
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
    this.slots.set(fd, { open, rights: undefined, fcntls: allFcntls, isClosedOnExec: true });
  }

  /** What a descriptor is of. */
  kindOf(fd: number): Node["kind"] | Stream["kind"] | undefined {
    return this.slots.get(fd)?.open.at.kind;
  }

  isOpen(fd: number): boolean {
    return this.slots.has(fd);
  }

  /** The next descriptor that a call returns gets what the call is expected to open. */
  opened: ((fd: number) => void) | undefined;

  call(name: string, args: readonly unknown[]): Expected {
    this.opened = undefined;
    return (this as unknown as Record<string, (...args: readonly unknown[]) => Expected>)[`$${name}`]!(
      ...args,
    );
  }

  /** The slot of an open descriptor, or the error of a call that needs rights on it. */
  #slot(fd: number, ...rights: RightName[]): Slot | Expected {
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    return this.#holds(slot, rights) ? slot : fails("ENOTCAPABLE");
  }

  #holds({ rights }: Slot, needed: readonly RightName[]): boolean {
    return rights === undefined || rights.isSupersetOf(needed);
  }

  /** Looks up a path from a descriptor. */
  #find(
    fd: number,
    path: string,
    rights: readonly RightName[],
    { follow = true, beneath = false } = {},
  ): Found | Expected {
    const rules = { follow, root: this.root, links: this.kernel.hasCapsicum ? 32 : 40 };
    if (path.startsWith("/")) {
      if (beneath) return this.slots.has(fd) ? fails("ENOTCAPABLE") : fails("ENOTCAPABLE", "EBADF");
      return found(lookup(this.root.directory, path, { ...rules, beneath: false }));
    }
    const slot = this.#slot(fd, "LOOKUP", ...rights);
    // The length of a name may be looked at first.
    const orLong = path.length > 255 ? ["ENAMETOOLONG"] : [];
    if ("errors" in slot) return fails(...slot.errors, ...orLong);
    const { at } = slot.open;
    if (at.kind !== "directory") return fails("ENOTDIR", ...orLong);
    return found(lookup(at, path, { ...rules, beneath: beneath || this.#isLimited(slot) }));
  }

  #isLimited({ rights, fcntls }: Slot): boolean {
    return rights !== undefined || fcntls.length < allFcntls.length;
  }

  $openat(fd: number, path: string, flags: number, mode: number): Expected {
    const { O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW, O_PATH } = libc;
    const writes = (flags & libc.O_ACCMODE) !== libc.O_RDONLY,
      reads = (flags & libc.O_ACCMODE) !== libc.O_WRONLY;
    // FreeBSD 13 ignores bits that it does not know.
    if (flags & 0x40000000 && !this.kernel.hasCapsicum) return fails("NotSupported");
    if (flags & 0x40000000 && this.kernel.major >= 15) return fails("EINVAL");
    const isNew = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL), isPath = (flags & O_PATH) !== 0;
    const beneath = (flags & libc.O_RESOLVE_BENEATH) !== 0;
    const place = this.#find(fd, path, rightsToOpen(flags), {
      follow: !(flags & O_NOFOLLOW) && !isNew,
      beneath,
    });
    if ("errors" in place) return place;
    let { node } = place;
    if (node === undefined) {
      if (!(flags & O_CREAT) || place.parent.isRemoved) return fails("ENOENT");
      put(place.parent, place.name, node = makeFile([], mode & 0o755));
    } else if (isNew) return fails("EEXIST");
    else if (node.kind === "symlink") {
      if (!isPath) return fails("EMLINK", "ELOOP", ...flags & O_DIRECTORY ? ["ENOTDIR"] : []);
      if (flags & O_DIRECTORY) return fails("ENOTDIR");
    } else if (node.kind === "directory" && !isPath && (writes || flags & (O_TRUNC | O_CREAT))) {
      return fails("EISDIR");
    } else if (flags & O_DIRECTORY && node.kind !== "directory") return fails("ENOTDIR");
    else if (node.kind === "file" && !isPath && !permits(node, reads, writes || (flags & O_TRUNC) !== 0)) {
      return fails("EACCES");
    }
    if (node.kind === "file" && flags & O_TRUNC) node.data = [];
    const slot = path.startsWith("/") ? undefined : this.slots.get(fd), at = node;
    this.opened = (fd) => {
      this.add(fd, at, { reads: reads && !isPath, writes: writes && !isPath, isPath });
      const opened = this.slots.get(fd)!;
      opened.open.appends = (flags & libc.O_APPEND) !== 0;
      opened.isClosedOnExec = (flags & libc.O_CLOEXEC) !== 0;
      if (slot && this.#isLimited(slot)) Object.assign(opened, { rights: slot.rights, fcntls: slot.fcntls });
    };
    return works();
  }

  #file(
    name: string,
    fd: number,
    isAllowed: (open: Open) => boolean,
    ofPath: string[] = ["EBADF"],
  ): Open | Expected {
    const slot = this.#slot(fd, needs[name]!);
    if ("errors" in slot) return slot;
    if (slot.open.isPath) return fails(...ofPath);
    return isAllowed(slot.open) ? slot.open : fails("EBADF");
  }

  $read(fd: number, length: number): Expected {
    const open = this.#file("read", fd, ({ reads }) => reads);
    if ("errors" in open) return open;
    const { at } = open;
    if (at.kind === "directory") return fails("EISDIR");
    if (at.kind === "file") {
      const bytes = at.data.slice(open.offset, open.offset + length);
      open.offset += bytes.length;
      return works(bytes);
    }
    const { inbox, peer } = at as Stream;
    if (inbox.length === 0 && peer !== undefined) return fails("EAGAIN");
    // Linux reports once that the other end of a socket was closed before all was read there.
    return inbox.length === 0 && at.kind === "socket"
      ? { ...either("ECONNRESET"), value: [] }
      : works(inbox.splice(0, length));
  }

  $write(fd: number, bytes: number[]): Expected {
    const open = this.#file("write", fd, ({ writes }) => writes);
    if ("errors" in open) return open;
    const { at } = open;
    if (at.kind === "file") {
      if (open.appends) open.offset = at.data.length;
      splice(at, open.offset, bytes);
      open.offset += bytes.length;
      return works(bytes.length);
    }
    const { peer } = at as Stream;
    if (peer === undefined) return fails("EPIPE");
    peer.inbox.push(...bytes);
    return works(bytes.length);
  }

  /** A negative offset is refused before the descriptor is looked at, or after it. */
  #place(name: string, fd: number, offset: number, isAllowed: (open: Open) => boolean): Open | Expected {
    const slot = this.#slot(fd, needs[name]!);
    if ("errors" in slot) return offset < 0 ? fails("EINVAL", ...slot.errors) : slot;
    const { open } = slot;
    const wrong = open.isPath
      ? ["EBADF"]
      : "inbox" in open.at
      ? ["ESPIPE"]
      : !isAllowed(open)
      ? ["EBADF"]
      : open.at.kind === "directory"
      ? ["EISDIR"]
      : [];
    if (offset < 0) return fails("EINVAL", ...wrong);
    return wrong.length > 0 ? fails(...wrong) : open;
  }

  $pread(fd: number, length: number, offset: number): Expected {
    const open = this.#place("pread", fd, offset, ({ reads }) => reads);
    if ("errors" in open) return open;
    return works((open.at as File).data.slice(offset, offset + length));
  }

  $pwrite(fd: number, bytes: number[], offset: number): Expected {
    const open = this.#place("pwrite", fd, offset, ({ writes }) => writes);
    if ("errors" in open) return open;
    const file = open.at as File;
    splice(file, open.appends ? file.data.length : offset, bytes);
    return works(bytes.length);
  }

  $lseek(fd: number, offset: number, whence: number): Expected {
    const open = this.#file("lseek", fd, () => true, ["EBADF", "ESPIPE"]);
    if ("errors" in open) return open;
    if ("inbox" in open.at) return fails("ESPIPE", ...whence < 0 || whence > 2 ? ["EINVAL"] : []);
    if (whence < 0 || whence > 2) return fails("EINVAL");
    if (open.at.kind === "directory") return either("EINVAL");
    const to = offset + (whence === 0 ? 0 : whence === 1 ? open.offset : (open.at as File).data.length);
    if (to < 0) return fails("EINVAL");
    open.offset = to;
    return works(to);
  }

  $ftruncate(fd: number, length: number): Expected {
    if (length < 0) return fails("EINVAL");
    const open = this.#file("ftruncate", fd, () => true, ["EBADF", "EINVAL"]);
    if ("errors" in open) return open;
    if (!open.writes || open.at.kind !== "file") return fails("EINVAL");
    const { data } = open.at;
    open.at.data = Array.from({ length }, (_, i) => data[i] ?? 0);
    return works(0);
  }

  $fsync(fd: number): Expected {
    const open = this.#file("fsync", fd, () => true);
    if ("errors" in open) return open;
    return "inbox" in open.at ? fails("EINVAL", "EOPNOTSUPP") : works(0);
  }

  $fdatasync(fd: number): Expected {
    return this.$fsync(fd);
  }

  $fstat(fd: number): Expected {
    const slot = this.#slot(fd, "FSTAT");
    return "errors" in slot ? slot : works(statOf(slot.open.at));
  }

  $fchmod(fd: number, mode: number): Expected {
    const open = this.#file("fchmod", fd, () => true);
    if ("errors" in open) return open;
    if ("inbox" in open.at) return either("EINVAL", "EPERM");
    if (open.at.kind === "file") open.at.mode = mode;
    return works(0);
  }

  $dup(fd: number): Expected {
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    this.opened = (fd) => {
      slot.open.descriptors++;
      this.slots.set(fd, { ...slot, isClosedOnExec: false });
    };
    return works();
  }

  $F_DUPFD_CLOEXEC(fd: number, least: number): Expected {
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF", ...least < 0 || least > 1000 ? ["EINVAL"] : []);
    if (least < 0 || least > 1000) return fails("EINVAL");
    this.opened = (fd) => {
      slot.open.descriptors++;
      this.slots.set(fd, { ...slot, isClosedOnExec: true });
    };
    return works();
  }

  $F_GETFD(fd: number): Expected {
    const slot = this.slots.get(fd);
    return slot === undefined ? fails("EBADF") : works(slot.isClosedOnExec ? 1 : 0);
  }

  #status(fd: number, name: string): Slot | Expected {
    const slot = this.#slot(fd, "FCNTL");
    if ("errors" in slot) return slot;
    return slot.fcntls.includes(name) ? slot : fails("ENOTCAPABLE");
  }

  /** Its value is the access mode and O_APPEND. */
  $F_GETFL(fd: number): Expected {
    const slot = this.#status(fd, "GETFL");
    if ("errors" in slot) return slot;
    const { reads, writes, appends, isPath } = slot.open;
    return isPath ? works() : works((reads ? writes ? 2 : 0 : 1) | (appends ? libc.O_APPEND : 0));
  }

  $F_SETFL(fd: number, flags: number): Expected {
    const slot = this.#status(fd, "SETFL");
    if ("errors" in slot) return slot;
    if (slot.open.isPath) return fails("EBADF");
    slot.open.appends = (flags & libc.O_APPEND) !== 0;
    return works(0);
  }

  $close(fd: number): Expected {
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    this.slots.delete(fd);
    const { at } = slot.open;
    if (--slot.open.descriptors === 0 && "inbox" in at && at.peer !== undefined) {
      at.peer.peer = undefined;
      at.peer = undefined;
    }
    return works(0);
  }

  /** A method of `FdFile` on a copy of the descriptor. */
  $file_read(fd: number, length: number): Expected {
    const expected = this.$read(fd, length);
    return Array.isArray(expected.value) && expected.value.length === 0 ? works(null) : expected;
  }
  $file_write(fd: number, bytes: number[]): Expected {
    return this.$write(fd, bytes);
  }
  $file_closed(fd: number): Expected {
    return this.slots.has(fd) ? fails("BadResource", "EBADF") : fails("EBADF");
  }

  $limit(fd: number, rights: readonly RightName[]): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported", "ENOSYS");
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    if (!this.#holds(slot, rights)) return fails("ENOTCAPABLE");
    slot.rights = new Rights(rights);
    if (!slot.rights.has("FCNTL")) slot.fcntls = [];
    return works();
  }

  $getRights(fd: number): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported", "ENOSYS");
    const slot = this.slots.get(fd);
    return slot === undefined
      ? fails("EBADF")
      : works((slot.rights ?? Rights.all(this.kernel.major)).toJSON());
  }

  $limitFcntls(fd: number, fcntls: readonly string[]): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported", "ENOSYS");
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    if (!fcntls.every((name) => slot.fcntls.includes(name))) return fails("ENOTCAPABLE");
    slot.fcntls = [...fcntls];
    return works();
  }

  /** The flags of the calls on names; undefined if the call refuses them. */
  #flags(flags: number, allowed: number): { follow: boolean; beneath: boolean } | undefined {
    if (flags & ~allowed) return undefined;
    return { follow: !(flags & libc.AT_SYMLINK_NOFOLLOW), beneath: (flags & libc.AT_RESOLVE_BENEATH) !== 0 };
  }

  $fstatat(fd: number, path: string, flags: number): Expected {
    const how = this.#flags(flags, libc.AT_SYMLINK_NOFOLLOW | libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const found = existing(this.#find(fd, path, ["FSTAT"], how));
    return "errors" in found ? found : works(statOf(found.node));
  }

  $faccessat(fd: number, path: string, mode: number, flags: number): Expected {
    const how = this.#flags(flags, libc.AT_RESOLVE_BENEATH);
    const found = existing(this.#find(fd, path, ["FSTAT"], how ?? {}));
    if (how === undefined) return fails("EINVAL");
    if (mode & ~7) return fails("EINVAL", ..."errors" in found ? found.errors : []);
    if ("errors" in found) return found;
    const { node } = found;
    if (node.kind !== "file") return works(0);
    return (node.mode >> 6 & mode) === mode ? works(0) : fails("EACCES");
  }

  $fchmodat(fd: number, path: string, mode: number, flags: number): Expected {
    const how = this.#flags(flags, libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const found = existing(this.#find(fd, path, ["FCHMOD"], how));
    if ("errors" in found) return found;
    if (found.node.kind === "file") found.node.mode = mode;
    return works(0);
  }

  #changes(fd: number, path: string, right: RightName, flags: number): Expected {
    const how = this.#flags(flags, libc.AT_SYMLINK_NOFOLLOW | libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const found = existing(this.#find(fd, path, [right], how));
    return "errors" in found ? found : works(0);
  }

  $fchownat(fd: number, path: string, flags: number): Expected {
    return this.#changes(fd, path, "FCHOWN", flags);
  }

  $utimensat(fd: number, path: string, flags: number): Expected {
    return this.#changes(fd, path, "FUTIMES", flags);
  }

  $readlinkat(fd: number, path: string): Expected {
    const found = existing(this.#find(fd, path, [], { follow: false }));
    if ("errors" in found) return found;
    return found.node.kind === "symlink" ? works(found.node.target) : fails("EINVAL");
  }

  #makes(fd: number, path: string, right: RightName, make: () => Node): Expected {
    const found = this.#find(fd, path, [right], { follow: false });
    if ("errors" in found) return found;
    if (found.node !== undefined) return fails("EEXIST");
    if (found.parent.isRemoved) return fails("ENOENT");
    put(found.parent, found.name, make());
    return works(0);
  }

  $mkdirat(fd: number, path: string): Expected {
    return this.#makes(fd, path, "MKDIRAT", () => makeDirectory());
  }

  $symlinkat(target: string, fd: number, path: string): Expected {
    return this.#makes(fd, path, "SYMLINKAT", () => ({ kind: "symlink", target }));
  }

  $unlinkat(fd: number, path: string, flags: number): Expected {
    if (flags & ~(libc.AT_REMOVEDIR | libc.AT_RESOLVE_BENEATH)) return fails("EINVAL");
    // FreeBSD 13 takes the second flag and ignores it.
    const beneath = (flags & libc.AT_RESOLVE_BENEATH) !== 0 &&
      (!this.kernel.hasCapsicum || this.kernel.major >= 15);
    const found = existing(this.#find(fd, path, ["UNLINKAT"], { follow: false, beneath }));
    if ("errors" in found) return found;
    const { parent, name, node } = found, isForDirectory = (flags & libc.AT_REMOVEDIR) !== 0;
    if (node.kind === "directory") {
      if (!isForDirectory) return fails("EPERM", "EISDIR");
      if (node.entries.size > 0) return fails("ENOTEMPTY");
      node.isRemoved = true;
    } else if (isForDirectory) return fails("ENOTDIR");
    parent.entries.delete(name);
    return works(0);
  }

  $linkat(fd: number, from: string, toFd: number, to: string, flags: number): Expected {
    const how = this.#flags(flags, libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const source = existing(this.#find(fd, from, ["LINKAT_SOURCE"], { ...how, follow: false }));
    const target = this.#find(toFd, to, ["LINKAT_TARGET"], { follow: false });
    // Linux looks up both directories before the names.
    const wrong = [source, target].flatMap((one) => "errors" in one ? one.errors : []);
    if ("errors" in source) return fails(...wrong);
    if (source.node.kind === "directory") return fails("EPERM", ...wrong, ...existsIn(target));
    if ("errors" in target) return target;
    if (target.node !== undefined) return fails("EEXIST");
    if (target.parent.isRemoved) return fails("ENOENT");
    put(target.parent, target.name, source.node);
    return works(0);
  }

  $renameat(fd: number, from: string, toFd: number, to: string): Expected {
    const source = existing(this.#find(fd, from, ["RENAMEAT_SOURCE"], { follow: false }));
    const target = this.#find(toFd, to, ["RENAMEAT_TARGET"], { follow: false });
    const wrong = [source, target].flatMap((one) => "errors" in one ? one.errors : []);
    if (wrong.length > 0) return fails(...wrong);
    const { node, parent, name } = source as Existing, place = target as Found, old = place.node;
    if (place.parent.isRemoved) return fails("ENOENT");
    const isDirectory = node.kind === "directory";
    const refused = [
      ...isDirectory && isAtOrAbove(node, place.parent) ? ["EINVAL"] : [],
      ...old?.kind === "directory" && isAtOrAbove(old, parent) ? ["ENOTEMPTY", "EINVAL"] : [],
      ...old !== undefined && old.kind === "directory" && !isDirectory ? ["EISDIR"] : [],
      ...old !== undefined && old.kind !== "directory" && isDirectory ? ["ENOTDIR"] : [],
      ...old?.kind === "directory" && old !== node && old.entries.size > 0 ? ["ENOTEMPTY"] : [],
    ];
    const slot = to.startsWith("/") ? undefined : this.slots.get(toFd);
    const mayReplace = old === undefined || slot === undefined || this.#holds(slot, ["UNLINKAT"]);
    if (refused.length > 0) return fails(...refused, ...mayReplace ? [] : ["ENOTCAPABLE"]);
    if (!mayReplace) return fails("ENOTCAPABLE");
    if (old === node) return works(0);
    if (old?.kind === "directory") old.isRemoved = true;
    parent.entries.delete(name);
    put(place.parent, place.name, node);
    return works(0);
  }
}

function existsIn(target: Found | Expected): string[] {
  return "node" in target && target.node !== undefined ? ["EEXIST"] : [];
}

function found(found: Found | string): Found | Expected {
  return typeof found === "string" ? fails(found) : found;
}

function existing(found: Found | Expected): Existing | Expected {
  return "errors" in found || found.node !== undefined ? found as Existing | Expected : fails("ENOENT");
}

function permits({ mode }: File, reads: boolean, writes: boolean): boolean {
  return (!reads || (mode & 0o400) !== 0) && (!writes || (mode & 0o200) !== 0);
}

function splice(file: File, at: number, bytes: readonly number[]): void {
  while (file.data.length < at) file.data.push(0);
  file.data.splice(at, bytes.length, ...bytes);
}

function isAtOrAbove(directory: Directory, below: Directory | undefined): boolean {
  return below !== undefined && (below === directory || isAtOrAbove(directory, below.parent));
}

/** What is compared of a file's status: its kind, and the size of a file. */
function statOf(at: Node | Stream): unknown {
  return at.kind === "file" ? at.data.length : at.kind;
}
