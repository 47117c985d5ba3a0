import { shown } from "../../../ffi/message.ts";
import { anything, checkOptions } from "../../fs/options.ts";
import { descriptor, type FdLike } from "../../../ffi/fd_like.ts";
import { Fcntls, Ioctls, Rights } from "../../../rights/mod.ts";
import { type Limits, narrow } from "./narrow.ts";
import { identityOf, type OpenDescriptor, openDescriptors, unlessClosed } from "./open_descriptors.ts";

/** Options of `limitOthers()`. */
export interface LimitOthersOptions {
  /** What keeps its rights, beside standard input, output and error. */
  keep?: Iterable<FdLike>;
}

/**
 * Takes all rights but FLOCK, for good, from every open file and directory that is not kept, and gives their descriptors.
 *
 * Deno holds some open: its caches and their locks. What a runtime lives on keeps its rights: kqueues, pipes, sockets,
 * terminals and other devices, processes, timers, inotify and the like, and standard input, output and error whatever they
 * are. A descriptor without FSTAT, whose kind can't be asked for, loses its rights if it could be a directory (it holds
 * LOOKUP), and is left alone otherwise.
 *
 * What else is open of a terminal, pipe or file that is a standard stream, as Deno's own copies, is limited to what that
 * stream may: `limitStdio()` first, or `stdio: true` in a plan, so that this is little.
 *
 * A file keeps FLOCK, if it has it: Deno's caches are databases of SQLite, which takes a lock that is refused for one that
 * somebody else holds, and waits for it, ten seconds at a time, while the program stands still. Nothing is closed either:
 * Deno would go on to use the numbers.
 *
 * Whatever Deno would read or write there fails from then on, so it comes last before `enter()`; `sandbox()` does it with
 * `limitOthers: true`. Deno goes on without its caches. What is opened later is not limited.
 *
 * Stands for cap_rights_limit(2), cap_ioctls_limit(2) and cap_fcntls_limit(2), and for what {@link openDescriptors} stands
 * for. Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If what is kept is no list of descriptors.
 * @throws {RangeError} If a number in it is no descriptor.
 * @throws {Deno.errors.NotSupported} If there is no Capsicum.
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
  // Without FSTAT nothing was asked; what was asked and is unknown still is no file of a file system.
  const isDirectory = kind === "directory" || kind === "symlink" ||
    kind === "unknown" && rights?.has("LOOKUP") && !rights.has("FSTAT");
  return isDirectory ? { rights: Rights.NONE } : undefined;
}

/** Whether two descriptors are of the same terminal, pipe or file. Of other kinds fstat(2) does not tell, or it is harmless. */
function isSame(one: OpenDescriptor, other: OpenDescriptor): boolean {
  if (one.kind !== other.kind || !["terminal", "pipe", "file"].includes(one.kind)) return false;
  const [mine, theirs] = [one, other].map((descriptor) => unlessClosed(() => identityOf(descriptor)));
  return mine !== undefined && mine === theirs;
}

/** What at least one of them may. */
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
