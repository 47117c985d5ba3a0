/**
 * The calls on names as plain data, and with those on descriptors all calls: what each returns, or which errno it fails with.
 *
 * @module
 */
import { libc, type RightName } from "../../mod.ts";
import { Files, setTime } from "./_calls_files.ts";
import { either, existing, type Expected, fails, statOf, UNKNOWN, works } from "./_calls_state.ts";
import {
  type Directory,
  type Existing,
  type File,
  type Found,
  makeDirectory,
  makeFile,
  type Node,
  put,
} from "./_tree.ts";

/** A flag of open() that no release knows. */
const UNUSED = 0x40000000;
const LOCKS = libc.O_SHLOCK | libc.O_EXLOCK;

function rightsToOpen(flags: number): RightName[] {
  const access = flags & libc.O_ACCMODE, rights: RightName[] = ["LOOKUP"];
  if (access !== libc.O_WRONLY) rights.push("READ");
  if (access !== libc.O_RDONLY) rights.push("WRITE");
  if (access !== libc.O_RDONLY && !(flags & (libc.O_APPEND | libc.O_TRUNC))) rights.push("SEEK");
  if (flags & libc.O_CREAT) rights.push("CREATE");
  if (flags & libc.O_TRUNC) rights.push("FTRUNCATE");
  if (flags & LOCKS) rights.push("FLOCK");
  return rights;
}

/** What all calls do. */
export class Model extends Files {
  $openat(fd: number, path: string, flags: number, mode: number): Expected {
    const { O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW, O_PATH } = libc;
    const writes = (flags & libc.O_ACCMODE) !== libc.O_RDONLY,
      reads = (flags & libc.O_ACCMODE) !== libc.O_WRONLY;
    // FreeBSD 13 ignores bits that it does not know.
    if (flags & UNUSED && !this.kernel.hasCapsicum) return fails("NotSupported");
    if (flags & UNUSED && this.kernel.major >= 15) return fails("EINVAL");
    const isNew = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL), isPath = (flags & O_PATH) !== 0;
    const beneath = (flags & libc.O_RESOLVE_BENEATH) !== 0;
    const place = this.find(fd, path, rightsToOpen(flags), {
      follow: !(flags & O_NOFOLLOW) && !isNew,
      beneath,
    });
    if ("errors" in place) return place;
    let { node } = place;
    // It could wait for the other end.
    if (node?.kind === "pipe" && !isPath) return fails(UNKNOWN);
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
    const locks = !isPath && (flags & LOCKS) !== 0, isAlone = (flags & libc.O_EXLOCK) !== 0;
    if (locks && this.isLocked(node, isAlone)) return fails("EAGAIN");
    if (node.kind === "file" && flags & O_TRUNC) {
      node.data = [];
      node.mtime = undefined;
    }
    const slot = path.startsWith("/") ? undefined : this.slots.get(fd), at = node;
    this.opened = (fd) => {
      this.add(fd, at, { reads: reads && !isPath, writes: writes && !isPath, isPath });
      const opened = this.slots.get(fd)!;
      opened.open.appends = (flags & libc.O_APPEND) !== 0;
      opened.isClosedOnExec = (flags & libc.O_CLOEXEC) !== 0;
      if (locks) this.lock(opened.open, isAlone);
      if (!slot || !this.isLimited(slot)) return;
      const { rights, fcntls, ioctls } = slot;
      Object.assign(opened, { rights, fcntls, ioctls });
    };
    return works();
  }

  $open(path: string, flags: number, mode: number): Expected {
    if (this.kernel.isSandboxed) {
      return fails(flags & UNUSED && this.kernel.major >= 15 ? "EINVAL" : "ECAPMODE");
    }
    return path.startsWith("/") ? this.$openat(-1, path, flags, mode) : fails(UNKNOWN);
  }

  /** All names in a directory, which is opened again. */
  $list(fd: number): Expected {
    const slot = this.slot(fd, "LOOKUP", "READ");
    if ("errors" in slot) return slot;
    const { at } = slot.open;
    if (at.kind !== "directory") return fails("ENOTDIR");
    return at.isRemoved ? { ...either("ENOENT"), value: [] } : works([...at.entries.keys()].sort());
  }

  /** The flags of the calls on names; undefined if the call refuses them. */
  protected flags(flags: number, allowed: number): { follow: boolean; beneath: boolean } | undefined {
    if (flags & ~allowed) return undefined;
    return { follow: !(flags & libc.AT_SYMLINK_NOFOLLOW), beneath: (flags & libc.AT_RESOLVE_BENEATH) !== 0 };
  }

  $fstatat(fd: number, path: string, flags: number): Expected {
    const how = this.flags(flags, libc.AT_SYMLINK_NOFOLLOW | libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const found = existing(this.find(fd, path, ["FSTAT"], how));
    return "errors" in found ? found : works(statOf(found.node));
  }

  $faccessat(fd: number, path: string, mode: number, flags: number): Expected {
    const how = this.flags(flags, libc.AT_RESOLVE_BENEATH);
    const found = existing(this.find(fd, path, ["FSTAT"], how ?? {}));
    if (how === undefined) return fails("EINVAL");
    if (mode & ~7) return fails("EINVAL", ..."errors" in found ? found.errors : []);
    if ("errors" in found) return found;
    const { node } = found;
    if (node.kind !== "file") return works(0);
    return (node.mode >> 6 & mode) === mode ? works(0) : fails("EACCES");
  }

  $fchmodat(fd: number, path: string, mode: number, flags: number): Expected {
    const how = this.flags(flags, libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const found = existing(this.find(fd, path, ["FCHMOD"], how));
    if ("errors" in found) return found;
    if ("mode" in found.node) found.node.mode = mode;
    return works(0);
  }

  protected changes(
    fd: number,
    path: string,
    right: RightName,
    flags: number,
    change: (node: Node) => void = () => {},
  ): Expected {
    const how = this.flags(flags, libc.AT_SYMLINK_NOFOLLOW | libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const found = existing(this.find(fd, path, [right], how));
    if ("errors" in found) return found;
    change(found.node);
    return works(0);
  }

  $fchownat(fd: number, path: string, flags: number): Expected {
    return this.changes(fd, path, "FCHOWN", flags);
  }

  $utimensat(fd: number, path: string, time: number | string, flags: number): Expected {
    return this.changes(fd, path, "FUTIMES", flags, (node) => setTime(node, time));
  }

  $readlinkat(fd: number, path: string): Expected {
    const found = existing(this.find(fd, path, [], { follow: false }));
    if ("errors" in found) return found;
    return found.node.kind === "symlink" ? works(found.node.target) : fails("EINVAL");
  }

  protected makes(fd: number, path: string, right: RightName, make: () => Node): Expected {
    const found = this.find(fd, path, [right], { follow: false });
    if ("errors" in found) return found;
    if (found.node !== undefined) return fails("EEXIST");
    if (found.parent.isRemoved) return fails("ENOENT");
    put(found.parent, found.name, make());
    return works(0);
  }

  $mkdirat(fd: number, path: string): Expected {
    return this.makes(fd, path, "MKDIRAT", () => makeDirectory());
  }

  $mkfifoat(fd: number, path: string): Expected {
    return this.makes(fd, path, "MKFIFOAT", () => ({ kind: "pipe" }));
  }

  $symlinkat(target: string, fd: number, path: string): Expected {
    return this.makes(fd, path, "SYMLINKAT", () => ({ kind: "symlink", target }));
  }

  $unlinkat(fd: number, path: string, flags: number): Expected {
    if (flags & ~(libc.AT_REMOVEDIR | libc.AT_RESOLVE_BENEATH)) return fails("EINVAL");
    const beneath = (flags & libc.AT_RESOLVE_BENEATH) !== 0 && this.kernel.unlinksBeneath;
    const found = existing(this.find(fd, path, ["UNLINKAT"], { follow: false, beneath }));
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
    const how = this.flags(flags, libc.AT_RESOLVE_BENEATH);
    if (how === undefined) return fails("EINVAL");
    const source = existing(this.find(fd, from, ["LINKAT_SOURCE"], { ...how, follow: false }));
    const target = this.find(toFd, to, ["LINKAT_TARGET"], { follow: false });
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

  $renameat2(fd: number, from: string, toFd: number, to: string, flags: number): Expected {
    if (!this.kernel.hasRenameat2) return fails("ENOSYS");
    if (flags & ~libc.AT_RENAME_NOREPLACE) return fails("EINVAL");
    return this.$renameat(fd, from, toFd, to, flags === 0);
  }

  $renameat(fd: number, from: string, toFd: number, to: string, replaces = true): Expected {
    const source = existing(this.find(fd, from, ["RENAMEAT_SOURCE"], { follow: false }));
    const target = this.find(toFd, to, ["RENAMEAT_TARGET"], { follow: false });
    const wrong = [source, target].flatMap((one) => "errors" in one ? one.errors : []);
    if (wrong.length > 0) return fails(...wrong);
    const { node, parent, name } = source as Existing, place = target as Found, old = place.node;
    if (place.parent.isRemoved) return fails("ENOENT");
    const isDirectory = node.kind === "directory";
    const refused = [
      ...old !== undefined && !replaces ? ["EEXIST"] : [],
      ...isDirectory && isAtOrAbove(node, place.parent) ? ["EINVAL"] : [],
      ...old?.kind === "directory" && isAtOrAbove(old, parent) ? ["ENOTEMPTY", "EINVAL"] : [],
      ...old !== undefined && old.kind === "directory" && !isDirectory ? ["EISDIR"] : [],
      ...old !== undefined && old.kind !== "directory" && isDirectory ? ["ENOTDIR"] : [],
      ...old?.kind === "directory" && old !== node && old.entries.size > 0 ? ["ENOTEMPTY"] : [],
    ];
    const slot = to.startsWith("/") ? undefined : this.slots.get(toFd);
    const mayReplace = old === undefined || slot === undefined || this.holds(slot, ["UNLINKAT"]);
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

function permits({ mode }: File, reads: boolean, writes: boolean): boolean {
  return (!reads || (mode & 0o400) !== 0) && (!writes || (mode & 0o200) !== 0);
}

function isAtOrAbove(directory: Directory, below: Directory | undefined): boolean {
  return below !== undefined && (below === directory || isAtOrAbove(directory, below.parent));
}
