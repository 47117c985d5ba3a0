import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import { limit } from "../../ffi/limits.ts";
import { Rights } from "../../rights/mod.ts";
import { type OpenDescriptor, openDescriptors, unlessClosed } from "./descriptors.ts";

/** Options of `limitOthers()`. */
export interface LimitOthersOptions {
  /** What keeps its rights, beside standard input, output and error. */
  keep?: Iterable<FdLike>;
}

/**
 * Takes all rights but FLOCK, for good, from every open file and directory that is not kept, and gives their descriptors.
 *
 * Deno holds some open: its caches and their locks. What a runtime lives on keeps its rights: kqueues, pipes, sockets,
 * terminals and other devices, and standard input, output and error whatever they are. Of one whose kind can't be asked for
 * it takes them if it could be a directory (it holds LOOKUP), and leaves it else.
 *
 * A file keeps FLOCK, if it has it: Deno's caches are databases of SQLite, which takes a lock that is refused for one that
 * somebody else holds, and waits for it, ten seconds at a time, while the program stands still. Nothing is closed either:
 * Deno would go on to use the numbers.
 *
 * Whatever Deno would read or write there fails from then on, so it comes last before `enter()`; `sandbox()` does it with
 * `limitOthers: true`. Deno goes on without its caches. What is opened later is not limited. If standard input is a file and
 * `Deno.stdin` was read before, read it by `FdFile.fromFd(0)` from then on: Deno reads through a copy of its own.
 *
 * Stands for cap_rights_limit(2), and for what {@link openDescriptors} stands for. Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When what is kept is no list of descriptors.
 * @throws {RangeError} When a number in it is no descriptor.
 * @throws {Deno.errors.NotSupported} When there is no Capsicum.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
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
export function limitOthers({ keep = [] }: LimitOthersOptions = {}): number[] {
  if (typeof keep !== "object" || keep === null || !(Symbol.iterator in keep)) {
    throw new TypeError(`What is kept is a list of descriptors, not ${Deno.inspect(keep)}.`);
  }
  const kept = new Set([0, 1, 2, ...Array.from(keep, descriptor)]);
  const others = openDescriptors().filter((other) => !kept.has(other.fd) && isToLimit(other));
  return others.filter((other) => unlessClosed(() => (limit(other.fd, rightsLeft(other)), true)))
    .map(({ fd }) => fd);
}

function isToLimit({ kind, rights }: OpenDescriptor): boolean {
  return kind === "file" || kind === "directory" || kind === "symlink" ||
    kind === "unknown" && (rights?.has("LOOKUP") ?? true);
}

function rightsLeft({ kind, rights = Rights.NONE }: OpenDescriptor): Rights {
  return kind === "file" ? rights.intersection(["FLOCK"]) : Rights.NONE;
}
