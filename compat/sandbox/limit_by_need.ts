/**
 * Limits by need. {@link presets} and {@link rightsFor} name rights. {@link limitStream}, {@link limitStdio} and
 * {@link limitOthers} limit what is already open; `limitsOf()` and `applyLimits()` limit descriptors for a plan.
 *
 * @module
 */
import {
  getFcntls,
  getIoctls,
  getRights,
  limit,
  limitFcntls,
  limitIoctls,
} from "../../ffi/capsicum/capability.ts";
import { needs, type Operation, rightsToOpen } from "../../ffi/capsicum/needs.ts";
import { aBoolean, anything, type Check, checkOptions, descriptor, type FdLike } from "../../ffi/values.ts";
import { listed, shown } from "../../ffi/errors.ts";
import { Fcntls, type FcntlsLike } from "../../rights/fcntls.ts";
import { Ioctl, Ioctls, type IoctlsLike } from "../../rights/ioctls.ts";
import { type RightName, Rights, type RightsLike } from "../../rights/rights.ts";
import { identityOf } from "../fs/descriptor.ts";
import { openFlags, type OpenOptions, openOptions } from "../fs/open.ts";
import { type OpenDescriptor, openDescriptors, unlessClosed } from "./open_descriptors.ts";

/**
 * Rights by need, for `limit()` and for the plan of `sandbox()`.
 *
 * Each is a list of names: `new Rights(presets.dir.read).union(["FLOCK"])` adds a right. The rights of a directory apply to
 * everything that is opened through it. READ covers listing and file contents alike.
 *
 * - `dir.list`: names, metadata and, because of READ, contents.
 * - `dir.read`: `list`, and seeking in files and waiting for them.
 * - `dir.create`: new files and directories, and writing; nothing can be read, renamed or removed.
 * - `dir.append`: files that are opened with `append`, created if missing; their content stays (on Linux
 * this right can also truncate: see "On Linux" of this module).
 * - `dir.readWrite`: `read` and `create`, and renaming, removing, truncating and locking; no new links, FIFOs or owners.
 * - `file.read`, `file.write`, `file.readWrite`, `file.append`: an open file.
 * - `stream.stdin`, `stream.stdout`, `stream.stderr`: the rights that caph_limit_stdio(3) leaves; `stream.terminal`: both directions.
 * - `socket.connection`: a connected socket; `socket.listener`: a socket that accepts, with the rights of the
 *   accepted sockets, which inherit them.
 *
 * @example
 * ```ts
 * import { getRights, isSupported, openSync, presets } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   file.limit(presets.file.read);
 *   assert(!getRights(file).has("WRITE"));
 * }
 * ```
 */
export const presets: Presets = (() => {
  const list = ["LOOKUP", "READ", "FSTAT"] as const;
  const read = [...list, "SEEK", "EVENT"] as const;
  const append = ["LOOKUP", "WRITE", "CREATE", "FSTAT", "FSYNC", "EVENT"] as const;
  const making = ["FTRUNCATE", "MKDIRAT", "FCHMOD", "FUTIMES"] as const;
  const create = [...append, "SEEK", ...making] as const;
  const rename = ["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT", "FLOCK"] as const;
  const reading = ["READ", "SEEK", "FSTAT", "EVENT"] as const;
  const writing = ["WRITE", "SEEK", "FSTAT", "FTRUNCATE", "FSYNC", "EVENT"] as const;
  // capsicum_helpers.h of FreeBSD 13.2 and 15.1, caph_stream_rights().
  const stream = ["EVENT", "FCNTL", "FSTAT", "IOCTL", "SEEK"] as const;
  const connection = [
    ...["READ", "WRITE", "EVENT", "FSTAT", "SHUTDOWN"] as const,
    ...["GETPEERNAME", "GETSOCKNAME", "GETSOCKOPT", "SETSOCKOPT"] as const,
  ];
  return {
    dir: {
      list,
      read,
      create,
      append,
      readWrite: [...read, "WRITE", "CREATE", "FSYNC", ...making, ...rename],
    },
    file: {
      read: reading,
      write: writing,
      readWrite: [...reading, "WRITE", "FTRUNCATE", "FSYNC"],
      append: ["WRITE", "FSTAT", "FSYNC", "EVENT"],
    },
    stream: {
      stdin: ["READ", ...stream],
      stdout: ["WRITE", ...stream],
      stderr: ["WRITE", ...stream],
      terminal: ["READ", "WRITE", ...stream],
    },
    socket: { connection, listener: ["ACCEPT", "LISTEN", ...connection] },
  };
})();
for (const kind of Object.values(Object.freeze(presets))) {
  Object.values(Object.freeze(kind)).forEach(Object.freeze);
}

/** The names of the presets and their rights. */
export interface Presets {
  /** Of directories. */
  readonly dir: Readonly<Record<"list" | "read" | "create" | "append" | "readWrite", readonly RightName[]>>;
  /** Of files. */
  readonly file: Readonly<Record<"read" | "write" | "readWrite" | "append", readonly RightName[]>>;
  /** Of standard input and output, such as terminals and pipes. */
  readonly stream: Readonly<Record<"stdin" | "stdout" | "stderr" | "terminal", readonly RightName[]>>;
  /** Of sockets. */
  readonly socket: Readonly<Record<"connection" | "listener", readonly RightName[]>>;
}

/**
 * The rights that a call needs on its descriptor, by its C name; or that opening a file needs on the directory, by the
 * options of `dir.openSync()`.
 *
 * Exactly these suffice, and without any one of them the call fails with ENOTCAPABLE. The calls are those of the table
 * {@link needs}, by which error messages name missing rights too. If a call has two descriptors, its name alone is for the
 * first. For the second there are `"linkat to"`, `"renameat to"` and, if the new name exists, `"renameat over"`. Some
 * calls have a row for each use, such as `"mmap PROT_READ"`, `"fcntl F_SETLK"`, `"sendto with an address"`. A file that was
 * opened through a directory has the directory's rights, so what it is used for later must be among them too.
 *
 * Calls nothing and needs no permission.
 *
 * @param operation The C name of the call, or the options that open the file.
 * @throws {TypeError} If the argument is neither name nor options, or the options contradict each other.
 * @throws {RangeError} If the name is not that of a call in the table.
 *
 * @example
 * ```ts
 * import { rightsFor } from "jsr:@capsicum/capsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(rightsFor("pread").names(), ["PREAD"]);
 * assert(rightsFor({ write: true, append: true }).equals(["LOOKUP", "WRITE"]));
 * const all = rightsFor({ read: true }).union(rightsFor("fstat"));
 * assertEquals(all.names(), ["READ", "FSTATAT"]);
 * ```
 */
export function rightsFor(operation: Operation | OpenOptions): Rights {
  if (typeof operation === "object" && operation !== null) {
    checkOptions("rightsFor()", operation, openOptions);
    return new Rights(rightsToOpen(openFlags(operation)));
  }
  if (typeof operation !== "string") {
    throw new TypeError(
      `rightsFor() takes the C name of a call, or the options of openSync(), not ${shown(operation)}.`,
    );
  }
  if (!Object.hasOwn(needs, operation)) {
    const [call] = operation.split(" ");
    const near = Object.keys(needs).filter((name) => name.split(" ")[0] === call).map((name) => `"${name}"`);
    throw new RangeError(
      `${shown(operation)} is not a call in the table \`needs\`. ` +
        (near.length > 0
          ? `For this call the table has ${listed(near, 100)}.`
          : "For the rights to open a file, pass options, such as rightsFor({ read: true })."),
    );
  }
  return new Rights(needs[operation]);
}

/** Options for terminals. */
export interface StreamOptions {
  /**
   * Whether setting the attributes of a terminal stays permitted, as `prompt()` and `Deno.stdin.setRaw()` need it.
   * It keeps TIOCSETA, TIOCSETAW and TIOCSETAF, which caph_limit_stream(3) removes. Default: false.
   */
  raw?: boolean;
}

/** Options of `limitStream()`. */
export interface LimitStreamOptions extends StreamOptions {
  /** Whether LOOKUP is kept, for a directory, as with CAPH_LOOKUP. Default: false. */
  lookup?: boolean;
  /** Whether a closed descriptor is ignored, as with CAPH_IGNORE_EBADF. Default: false, a closed descriptor throws. */
  ignoreClosed?: boolean;
}

/** The use of a stream: reading, writing, or both. */
export type StreamUse = "read" | "write" | "readWrite";

const uses = { read: "stdin", write: "stdout", readWrite: "terminal" } as const;

/**
 * Limits a terminal, pipe or file permanently to reading, writing or both, as caph_limit_stream() of
 * capsicum_helpers.h does.
 *
 * It keeps the rights READ, WRITE or both, and EVENT, FCNTL, FSTAT, IOCTL and SEEK; the ioctls TIOCGETA,
 * TIOCGWINSZ and FIODTYPE, and with `raw` those that set the attributes of a terminal; and the fcntl GETFL. The header
 * keeps the same in FreeBSD 13.2 and 15.1. Unlike the C function, this one throws on a system without Capsicum.
 *
 * Stands for cap_rights_limit(2), cap_ioctls_limit(2) and cap_fcntls_limit(2). Requires `--allow-ffi` permission.
 *
 * @param fd The descriptor.
 * @param use Whether it is read, written or both.
 * @param options Whether a terminal keeps what `prompt()` needs, and whether a closed descriptor is ignored.
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If the number is not a descriptor, or `use` is unknown.
 * @throws {Deno.errors.BadResource} If the descriptor is not open, unless `ignoreClosed` is true.
 * @throws {CapsicumError} ENOTCAPABLE if the descriptor does not hold all of these rights.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { getFcntls, getRights, isSupported, limitStream, openSync } from "jsr:@capsicum/capsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { read: true, write: true });
 *   limitStream(file, "read");
 *   assert(!getRights(file).has("WRITE"));
 *   assertEquals([...getFcntls(file)], ["GETFL"]);
 * }
 * ```
 */
export function limitStream(fd: FdLike, use: StreamUse, options: LimitStreamOptions = {}): void {
  if (typeof use !== "string" || !Object.hasOwn(uses, use)) {
    const Class = typeof use === "string" ? RangeError : TypeError;
    throw new Class(`limitStream(): use must be "read", "write" or "readWrite", not ${shown(use)}.`);
  }
  checkOptions("limitStream()", options, limitStreamOptions);
  const { lookup = false, ignoreClosed = false } = options;
  const limits = streamLimits(uses[use], options);
  const apply = () =>
    applyLimits(fd, lookup ? { ...limits, rights: limits.rights.union(["LOOKUP"]) } : limits);
  if (ignoreClosed) unlessClosed(apply);
  else apply();
}

/**
 * Limits standard input to reading, and standard output and error to writing, permanently. It keeps the same as
 * {@link limitStream} and caph_limit_stdio() of capsicum_helpers.h, and ignores closed descriptors. Deno holds copies
 * of these descriptors: {@link limitOthers} limits the copies in the same way.
 *
 * `console`, `alert()`, `confirm()`, `Deno.stdin`, `Deno.stdout`, `Deno.stderr` and `Deno.consoleSize()` keep working.
 * On a terminal, `prompt()` and `Deno.stdin.setRaw()` need `raw`. Permissions that Deno would ask for on the terminal
 * are denied.
 *
 * Stands for cap_rights_limit(2), cap_ioctls_limit(2) and cap_fcntls_limit(2). Requires `--allow-ffi` permission.
 *
 * @param options Whether a terminal keeps what `prompt()` needs.
 * @throws {CapsicumError} ENOTCAPABLE if a descriptor does not hold all of these rights. Earlier ones stay limited.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { enter, getRights, isSupported, limitStdio } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   limitStdio();
 *   enter();
 *   assert(!getRights(1).has("READ"));
 * }
 * ```
 */
export function limitStdio(options: StreamOptions = {}): void {
  checkOptions("limitStdio()", options, streamOptions);
  for (const [fd, name] of stdio.entries()) {
    unlessClosed(() => applyLimits(fd, streamLimits(name, options)));
  }
}

/** Options of `limitOthers()`. */
export interface LimitOthersOptions {
  /** The descriptors that keep their rights, in addition to standard input, output and error. */
  keep?: Iterable<FdLike>;
}

/**
 * Removes all rights except FLOCK, permanently, from every open file and directory that is not kept. Returns their
 * descriptors.
 *
 * Deno keeps some files open: its caches and their locks. Descriptors that the runtime needs keep their rights:
 * kqueues, pipes, sockets, terminals and other devices, processes, timers and inotify. So do standard input, output and
 * error of any kind. Without FSTAT the kind of a descriptor is unknown: it loses its rights if it holds LOOKUP, because
 * it could be a directory, and stays unchanged otherwise.
 *
 * Other descriptors of a terminal, pipe or file that is a standard stream, such as Deno's own copies, are limited to
 * the rights of that stream. To limit them further, first call `limitStdio()`, or use `stdio: true` in a plan.
 *
 * A file that has FLOCK keeps it, because Deno's caches are SQLite databases. SQLite takes a refused lock for one that
 * another process holds, and would block the program for ten seconds at a time. No descriptor is closed, because Deno
 * would go on using the numbers.
 *
 * Deno's reads and writes on these files fail from then on, and Deno continues without its caches. So call this last,
 * just before `enter()`; `sandbox()` does it with `limitOthers: true`. Descriptors opened later are not limited.
 *
 * Stands for cap_rights_limit(2), cap_ioctls_limit(2) and cap_fcntls_limit(2), and for what {@link openDescriptors} stands
 * for. Requires `--allow-ffi` permission.
 *
 * @param options The descriptors to keep.
 * @throws {TypeError} If `keep` is not a list of descriptors.
 * @throws {RangeError} If a number in `keep` is not a descriptor.
 * @throws {Deno.errors.NotSupported} If the system has no Capsicum.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { enter, getRights, isSupported, limitOthers, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using kept = openDirSync("/etc"), forgotten = openDirSync("/dev");
 *   assert(limitOthers({ keep: [kept] }).includes(forgotten.fd));
 *   enter();
 *   assert(getRights(forgotten).isEmpty && kept.listSync().length > 0);
 * }
 * ```
 */
export function limitOthers(options: LimitOthersOptions = {}): number[] {
  checkOptions("limitOthers()", options, { keep: anything });
  const { keep = [] } = options;
  if (typeof keep !== "object" || keep === null || !(Symbol.iterator in keep)) {
    throw new TypeError(`limitOthers(): keep must be a list of descriptors, not ${shown(keep)}.`);
  }
  const limited: number[] = [];
  for (const { other, limits, isStream } of limitsOfOthers(new Set(Array.from(keep, descriptor)))) {
    if (isStream && isWithin(other, limits)) continue;
    if (unlessClosed(() => (narrow(other.fd, limits), true))) limited.push(other.fd);
  }
  return limited;
}

/** A descriptor that is neither kept nor a standard stream, and what it is limited to. */
interface OtherLimits {
  readonly other: OpenDescriptor;
  readonly limits: Limits;
  /** Whether it is a copy of a standard stream. */
  readonly isStream: boolean;
}

/** What `limitOthers()` leaves to each open descriptor. `limitsOf` has the limits of a standard stream, if it has any. */
export function limitsOfOthers(
  kept: ReadonlySet<number>,
  limitsOf: (stream: OpenDescriptor) => Limits | undefined = heldBy,
): OtherLimits[] {
  const open = openDescriptors(), streams = open.filter(({ fd }) => fd <= 2);
  return open.filter(({ fd }) => fd > 2 && !kept.has(fd)).flatMap((other) => {
    const same = streams.filter((stream) => isSame(stream, other)), isStream = same.length > 0;
    const limits = isStream ? common(same.map(limitsOf)) : limitsOfOther(other);
    return limits === undefined ? [] : [{ other, limits, isStream }];
  });
}

function heldBy({ rights = Rights.NONE, ioctls, fcntls }: OpenDescriptor): Limits {
  return { rights, ioctls: ioctls ?? Ioctls.NONE, fcntls: fcntls ?? Fcntls.NONE };
}

function limitsOfOther({ kind, rights }: OpenDescriptor): Limits | undefined {
  if (kind === "file") return { rights: new Rights(["FLOCK"]) };
  // Without FSTAT, the kind could not be asked; with FSTAT, "unknown" is never a file or directory.
  const isDirectory = kind === "directory" || kind === "symlink" ||
    kind === "unknown" && rights?.has("LOOKUP") && !rights.has("FSTAT");
  return isDirectory ? { rights: Rights.NONE } : undefined;
}

/** Whether two descriptors are of the same terminal, pipe or file. Other kinds are harmless, or fstat(2) can't tell. */
function isSame(one: OpenDescriptor, other: OpenDescriptor): boolean {
  if (one.kind !== other.kind || !["terminal", "pipe", "file"].includes(one.kind)) return false;
  if (![one, other].every(({ rights }) => rights?.has("FSTAT") ?? true)) return false;
  const [mine, theirs] = [one, other].map(({ fd }) => unlessClosed(() => identityOf(fd)));
  return mine !== undefined && mine === theirs;
}

/** The limits that permit everything that at least one of the streams permits; undefined if one has no limits. */
function common(streams: readonly (Limits | undefined)[]): Limits | undefined {
  return streams.reduce((all, limits) =>
    all && limits && {
      rights: all.rights.union(limits.rights),
      ioctls: (all.ioctls ?? Ioctls.ALL).union(limits.ioctls ?? Ioctls.ALL),
      fcntls: (all.fcntls ?? Fcntls.ALL).union(limits.fcntls ?? Fcntls.ALL),
    }
  );
}

function isWithin(other: OpenDescriptor, { rights, ioctls, fcntls }: Limits): boolean {
  return (other.rights?.isSubsetOf(rights) ?? false) && (other.ioctls?.isSubsetOf(ioctls ?? []) ?? false) &&
    (other.fcntls?.isSubsetOf(fcntls ?? []) ?? false);
}

/** A check for each option of terminals. */
export const streamOptions: Readonly<Record<keyof StreamOptions, Check>> = { raw: aBoolean };
const limitStreamOptions = { ...streamOptions, lookup: aBoolean, ignoreClosed: aBoolean };
/** The names of the descriptors, by number. */
export const stdio = ["stdin", "stdout", "stderr"] as const;

/** The limits of a stream. */
export function streamLimits(name: keyof typeof presets.stream, { raw = false }: StreamOptions = {}): Limits {
  // capsicum_helpers.h of FreeBSD 13.2 and 15.1, caph_limit_stream().
  const asking = [Ioctl.TIOCGETA, Ioctl.TIOCGWINSZ, Ioctl.FIODTYPE];
  // The requests of tcsetattr(3), one for each of its actions.
  const setting = [Ioctl.TIOCSETA, Ioctl.TIOCSETAW, Ioctl.TIOCSETAF];
  return limitsOf(presets.stream[name], raw ? [...asking, ...setting] : asking, ["GETFL"]);
}

/** The limits that a descriptor can have. */
export interface Limits {
  readonly rights: Rights;
  readonly ioctls?: Ioctls;
  readonly fcntls?: Fcntls;
}

/**
 * Checks the limits for a descriptor.
 *
 * @throws {TypeError} If one has the wrong type, or ioctls or fcntls are given without their right.
 * @throws {RangeError} If one is unknown.
 */
export function limitsOf(rights: RightsLike, ioctls?: IoctlsLike, fcntls?: FcntlsLike): Limits {
  const set = new Rights(rights);
  const limits = {
    rights: set,
    ...(ioctls === undefined ? {} : { ioctls: ioctls instanceof Ioctls ? ioctls : new Ioctls(ioctls) }),
    ...(fcntls === undefined ? {} : { fcntls: new Fcntls(fcntls) }),
  };
  if (limits.ioctls && !limits.ioctls.isEmpty && !set.has("IOCTL")) {
    throw new TypeError("The ioctls need IOCTL among the rights.");
  }
  if (limits.fcntls && !limits.fcntls.isEmpty && !set.has("FCNTL")) {
    throw new TypeError("The fcntls need FCNTL among the rights.");
  }
  return limits;
}

/** Limits a descriptor permanently; `began` is called once the first limit is set. */
export function applyLimits(fd: FdLike, { rights, ioctls, fcntls }: Limits, began?: () => void): void {
  limit(fd, rights);
  began?.();
  if (ioctls) limitIoctls(fd, ioctls);
  if (fcntls) limitFcntls(fd, fcntls);
}

/** Removes everything beyond these limits from a descriptor; it may hold less. */
function narrow(fd: FdLike, { rights, ioctls, fcntls }: Limits): void {
  limit(fd, getRights(fd).intersection(rights));
  if (ioctls) limitIoctls(fd, getIoctls(fd).intersection(ioctls));
  if (fcntls) limitFcntls(fd, getFcntls(fd).intersection(fcntls));
}
