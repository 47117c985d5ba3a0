/**
 * The calls on open files, and on their rights.
 *
 * @module
 */
import { Ioctl, libc, type RightName, Rights } from "../../mod.ts";
import {
  either,
  type Expected,
  fails,
  type Open,
  type Slot,
  State,
  statOf,
  type Stream,
  UNKNOWN,
  works,
} from "./_calls_state.ts";
import type { File } from "./_tree.ts";

/** The rights that a call needs on its descriptor. */
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
  fchown: "FCHOWN",
  futimens: "FUTIMES",
};

/** Requests of ioctl(2), and the operations of flock(2). */
const FIONREAD = Number(Ioctl.FIONREAD), TIOCGETA = Number(Ioctl.TIOCGETA);
const LOCK_SH = 1, LOCK_EX = 2, LOCK_UN = 8;

/** The expected effects of the calls on descriptors. */
export abstract class Files extends State {
  /** The open files that lock a file or directory, and whether exclusively. */
  readonly #locks = new Map<Open["at"], Map<Open, boolean>>();

  protected file(
    name: string,
    fd: number,
    isAllowed: (open: Open) => boolean,
    ofPath: string[] = ["EBADF"],
  ): Open | Expected {
    const slot = this.slot(fd, needs[name]!);
    if ("errors" in slot) return slot;
    if (slot.open.isPath) return fails(...ofPath);
    return isAllowed(slot.open) ? slot.open : fails("EBADF");
  }

  $read(fd: number, length: number): Expected {
    const open = this.file("read", fd, ({ reads }) => reads);
    if ("errors" in open) return open;
    const { at } = open;
    // On Linux the end of a directory can be the largest offset, which no read may pass.
    if (at.kind === "directory") return fails("EISDIR", ...Number.isNaN(open.offset) ? ["EINVAL"] : []);
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
    const open = this.file("write", fd, ({ writes }) => writes);
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

  /** The kernel may refuse a negative offset before or after it checks the descriptor. */
  protected place(
    name: string,
    fd: number,
    offset: number,
    isAllowed: (open: Open) => boolean,
  ): Open | Expected {
    const slot = this.slot(fd, needs[name]!);
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
    const open = this.place("pread", fd, offset, ({ reads }) => reads);
    if ("errors" in open) return open;
    return works((open.at as File).data.slice(offset, offset + length));
  }

  $pwrite(fd: number, bytes: number[], offset: number): Expected {
    const open = this.place("pwrite", fd, offset, ({ writes }) => writes);
    if ("errors" in open) return open;
    const file = open.at as File;
    splice(file, open.appends ? file.data.length : offset, bytes);
    return works(bytes.length);
  }

  $lseek(fd: number, offset: number, whence: number): Expected {
    const open = this.file("lseek", fd, () => true, ["EBADF", "ESPIPE"]);
    if ("errors" in open) return open;
    if ("inbox" in open.at) return fails("ESPIPE", ...whence < 0 || whence > 2 ? ["EINVAL"] : []);
    if (whence < 0 || whence > 2) return fails("EINVAL");
    if (open.at.kind === "directory") {
      open.offset = NaN;
      return either("EINVAL");
    }
    const to = offset + (whence === 0 ? 0 : whence === 1 ? open.offset : (open.at as File).data.length);
    if (to < 0) return fails("EINVAL");
    open.offset = to;
    return works(to);
  }

  $ftruncate(fd: number, length: number): Expected {
    if (length < 0) return fails("EINVAL");
    const open = this.file("ftruncate", fd, () => true, ["EBADF", "EINVAL"]);
    if ("errors" in open) return open;
    if (!open.writes || open.at.kind !== "file") return fails("EINVAL");
    const { data } = open.at;
    open.at.data = Array.from({ length }, (_, i) => data[i] ?? 0);
    open.at.mtime = undefined;
    return works(0);
  }

  $fsync(fd: number): Expected {
    const open = this.file("fsync", fd, () => true);
    if ("errors" in open) return open;
    return "inbox" in open.at ? fails("EINVAL", "EOPNOTSUPP") : works(0);
  }

  $fdatasync(fd: number): Expected {
    return this.$fsync(fd);
  }

  $fstat(fd: number): Expected {
    const slot = this.slot(fd, "FSTAT");
    return "errors" in slot ? slot : works(statOf(slot.open.at));
  }

  $fchmod(fd: number, mode: number): Expected {
    const open = this.file("fchmod", fd, () => true);
    if ("errors" in open) return open;
    if ("inbox" in open.at) return either("EINVAL", "EPERM");
    if (open.at.kind === "file") open.at.mode = mode;
    return works(0);
  }

  /** A call without an effect that is compared. */
  $fchown(fd: number): Expected {
    return this.changed("fchown", fd);
  }

  $futimens(fd: number, time: number | string): Expected {
    const expected = this.changed("futimens", fd), slot = this.slots.get(fd);
    if (expected.works) setTime(slot!.open.at, time);
    return expected;
  }

  $mtime(fd: number): Expected {
    const slot = this.slot(fd, "FSTAT");
    return "errors" in slot ? slot : works(slot.open.at.kind === "file" ? slot.open.at.mtime : undefined);
  }

  /** Calls that are told how many bytes of a buffer they use. */
  $read_n(fd: number, count: number): Expected {
    return this.$read(fd, count);
  }
  $write_n(fd: number, count: number): Expected {
    return this.$write(fd, Array(count).fill(65));
  }
  $fstat_n(fd: number): Expected {
    return this.$fstat(fd);
  }

  protected changed(name: string, fd: number): Expected {
    const open = this.file(name, fd, () => true);
    if ("errors" in open) return open;
    return "inbox" in open.at ? either("EINVAL") : works(0);
  }

  $flock(fd: number, operation: number): Expected {
    const slot = this.slot(fd, "FLOCK"), how = operation & ~libc.LOCK_NB;
    const wrong = "errors" in slot ? slot.errors : slot.open.isPath ? ["EBADF", "EOPNOTSUPP"] : [];
    if (![LOCK_SH, LOCK_EX, LOCK_UN].includes(how)) return fails("EINVAL", "EBADF", ...wrong);
    if ("errors" in slot || wrong.length > 0) return fails(...wrong);
    const { open } = slot;
    const locks = this.#locks.get(open.at), earlier = locks?.get(open);
    locks?.delete(open);
    if (how === LOCK_UN) return works(0);
    if (this.isLocked(open.at, how === LOCK_EX)) {
      if (earlier !== undefined && this.kernel.keepsLocks) locks!.set(open, earlier);
      return fails("EAGAIN");
    }
    this.lock(open, how === LOCK_EX);
    return works(0);
  }

  /** Whether others hold a lock that excludes a new one. */
  protected isLocked(at: Open["at"], alone: boolean): boolean {
    const locks = [...this.#locks.get(at)?.values() ?? []];
    return alone ? locks.length > 0 : locks.includes(true);
  }

  protected lock(open: Open, alone: boolean): void {
    if (!this.#locks.has(open.at)) this.#locks.set(open.at, new Map());
    this.#locks.get(open.at)!.set(open, alone);
  }

  protected request(fd: number, request: number): Slot | Expected {
    const slot = this.slot(fd, "IOCTL");
    if ("errors" in slot) return slot;
    if (slot.ioctls !== undefined && !slot.ioctls.includes(request)) return fails("ENOTCAPABLE");
    return slot.open.isPath ? fails("EBADF") : slot;
  }

  $isatty(fd: number): Expected {
    const slot = this.request(fd, TIOCGETA);
    return "errors" in slot ? slot : works(0);
  }

  $FIONREAD(fd: number): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported");
    const slot = this.request(fd, FIONREAD);
    if ("errors" in slot) return slot;
    const { at, offset, reads } = slot.open;
    if (at.kind === "file") return works(at.data.length - offset);
    if (!("inbox" in at)) return either("ENOTTY");
    return reads ? works(at.inbox.length) : works();
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

  $F_SETFD(fd: number, flags: number): Expected {
    const slot = this.slots.get(fd);
    const isUnknown = (flags & ~libc.FD_CLOEXEC) !== 0;
    if (isUnknown && !this.kernel.hasCapsicum) return fails("EINVAL", ...slot === undefined ? ["EBADF"] : []);
    if (slot === undefined) return fails("EBADF");
    // FD_RESOLVE_BENEATH, since FreeBSD 15.
    if (isUnknown && this.kernel.major >= 15) return fails(UNKNOWN);
    slot.isClosedOnExec = flags === libc.FD_CLOEXEC;
    return works(0);
  }

  $F_GETOWN(fd: number): Expected {
    const slot = this.status(fd, "GETOWN");
    if ("errors" in slot) return slot;
    if (slot.open.isPath) return fails("EBADF", "ENOTTY");
    // FreeBSD has owners of pipes, sockets and devices only.
    return this.kernel.hasCapsicum && !("inbox" in slot.open.at) ? fails("ENOTTY") : works(0);
  }

  protected status(fd: number, name: string): Slot | Expected {
    const slot = this.slot(fd, "FCNTL");
    if ("errors" in slot) return slot;
    return slot.fcntls.includes(name) ? slot : fails("ENOTCAPABLE");
  }

  /** Its value is the access mode and O_APPEND. */
  $F_GETFL(fd: number): Expected {
    const slot = this.status(fd, "GETFL");
    if ("errors" in slot) return slot;
    const { reads, writes, appends, isPath } = slot.open;
    return isPath ? works() : works((reads ? writes ? 2 : 0 : 1) | (appends ? libc.O_APPEND : 0));
  }

  $F_SETFL(fd: number, flags: number): Expected {
    const slot = this.status(fd, "SETFL");
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
    if (--slot.open.descriptors > 0) return works(0);
    this.#locks.get(at)?.delete(slot.open);
    if ("inbox" in at && at.peer !== undefined) {
      at.peer.peer = undefined;
      at.peer = undefined;
    }
    return works(0);
  }

  $fromFd(fd: number): Expected {
    return this.slots.has(fd) ? works(true) : fails("EBADF");
  }

  /** A method of `FdFile` on a copy of the descriptor. */
  $file_read(fd: number, length: number): Expected {
    const expected = this.$read(fd, length);
    return Array.isArray(expected.value) && expected.value.length === 0 ? works(null) : expected;
  }
  $file_write(fd: number, bytes: number[]): Expected {
    return this.$write(fd, bytes);
  }
  $file_pread(fd: number, length: number, offset: number): Expected {
    const expected = this.$pread(fd, length, offset);
    return Array.isArray(expected.value) && expected.value.length === 0 ? works(null) : expected;
  }
  $file_pwrite(fd: number, bytes: number[], offset: number): Expected {
    return this.$pwrite(fd, bytes, offset);
  }
  $file_seek(fd: number, offset: number, whence: number): Expected {
    return this.$lseek(fd, offset, whence);
  }
  $file_stat(fd: number): Expected {
    return this.$fstat(fd);
  }
  $file_truncate(fd: number, length: number): Expected {
    const { errors, works: does } = this.$ftruncate(fd, length);
    return does ? works() : fails(...errors);
  }
  $file_sync(fd: number): Expected {
    const { errors, works: does } = this.$fsync(fd);
    return does ? works() : fails(...errors);
  }
  $file_readAll(fd: number): Expected {
    return this.$read(fd, Infinity);
  }
  $file_writeAll(fd: number, bytes: number[]): Expected {
    const { errors, works: does } = this.$write(fd, bytes);
    return does ? works() : fails(...errors);
  }
  $file_readable(fd: number): Expected {
    return this.$read(fd, Infinity);
  }
  $file_writable(fd: number, bytes: number[]): Expected {
    return this.$file_writeAll(fd, bytes);
  }
  $file_closed(fd: number): Expected {
    return fails(this.slots.has(fd) ? "BadResource" : "EBADF");
  }

  $limit(fd: number, rights: readonly RightName[]): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported", "ENOSYS");
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    if (!this.holds(slot, rights)) return fails("ENOTCAPABLE");
    slot.rights = new Rights(rights);
    if (!slot.rights.has("FCNTL")) slot.fcntls = [];
    if (!slot.rights.has("IOCTL")) slot.ioctls = [];
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

  $getFcntls(fd: number): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported", "ENOSYS");
    const slot = this.slots.get(fd);
    return slot === undefined ? fails("EBADF") : works([...slot.fcntls]);
  }

  $limitIoctls(fd: number, ioctls: readonly number[]): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported", "ENOSYS");
    const slot = this.slots.get(fd);
    if (slot === undefined) return fails("EBADF");
    if (ioctls.some((request) => slot.ioctls?.includes(request) === false)) return fails("ENOTCAPABLE");
    slot.ioctls = [...ioctls];
    return works();
  }

  $getIoctls(fd: number): Expected {
    if (!this.kernel.hasCapsicum) return fails("NotSupported", "ENOSYS");
    const slot = this.slots.get(fd);
    return slot === undefined ? fails("EBADF") : works(slot.ioctls?.toSorted() ?? "all");
  }
}

export function setTime(at: Open["at"], time: number | string): void {
  if (at.kind === "file" && time !== "omit") at.mtime = typeof time === "number" ? time : undefined;
}

function splice(file: File, at: number, bytes: readonly number[]): void {
  file.mtime = undefined;
  while (file.data.length < at) file.data.push(0);
  file.data.splice(at, bytes.length, ...bytes);
}
