import { shown } from "../../../ffi/message.ts";
import { anything, checkOptions } from "../../fs/options.ts";
import { descriptor, type FdLike } from "../../../ffi/fd_like.ts";
import { Fcntls, Ioctls, Rights } from "../../../rights/mod.ts";
import { type Limits, narrow } from "./narrow.ts";
import { identityOf, type OpenDescriptor, openDescriptors, unlessClosed } from "./open_descriptors.ts";

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
    throw new TypeError(`What is kept is a list of descriptors, not ${shown(keep)}.`);
  }
  const kept = new Set([0, 1, 2, ...Array.from(keep, descriptor)]);
  const open = openDescriptors(), streams = open.filter(({ fd }) => fd <= 2);
  const limited: number[] = [];
  for (const other of open) {
    if (kept.has(other.fd)) continue;
    const same = streams.filter((stream) => isSame(stream, other));
    const limits = same.length > 0 ? common(same) : limitsOfOther(other);
    if (limits === undefined || same.length > 0 && isWithin(other, limits)) continue;
    if (unlessClosed(() => (narrow(other.fd, limits), true))) limited.push(other.fd);
  }
  return limited;
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
  const [mine, theirs] = [one, other].map((descriptor) => unlessClosed(() => identityOf(descriptor)));
  return mine !== undefined && mine === theirs;
}

/** The limits that permit everything that at least one of the streams permits. */
function common(streams: readonly OpenDescriptor[]): Limits {
  return {
    rights: streams.reduce((all, { rights }) => all.union(rights ?? []), Rights.NONE),
    ioctls: streams.reduce((all, { ioctls }) => all.union(ioctls ?? []), Ioctls.NONE),
    fcntls: streams.reduce((all, { fcntls }) => all.union(fcntls ?? []), Fcntls.NONE),
  };
}

function isWithin(other: OpenDescriptor, { rights, ioctls, fcntls }: Limits): boolean {
  return (other.rights?.isSubsetOf(rights) ?? false) && (other.ioctls?.isSubsetOf(ioctls ?? []) ?? false) &&
    (other.fcntls?.isSubsetOf(fcntls ?? []) ?? false);
}
