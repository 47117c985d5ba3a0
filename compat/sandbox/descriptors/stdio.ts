import type { FdLike } from "../../../ffi/fd_like.ts";
import { shown } from "../../../ffi/message.ts";
import { Ioctl } from "../../../rights/mod.ts";
import { aBoolean, type Check, checkOptions } from "../../fs/options.ts";
import { applyLimits, type Limits, limitsOf } from "./narrow.ts";
import { unlessClosed } from "./open_descriptors.ts";
import { presets } from "../presets.ts";

/** Options for terminals. */
export interface StreamOptions {
  /**
   * Whether setting the attributes of a terminal stays permitted, for `prompt()`, `Deno.stdin.setRaw()` and the like.
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

/** A check for each option of terminals. */
export const streamOptions: Readonly<Record<keyof StreamOptions, Check>> = { raw: aBoolean };
const limitStreamOptions = { ...streamOptions, lookup: aBoolean, ignoreClosed: aBoolean };

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
    throw new Class(`A stream is used to "read", "write" or "readWrite", not ${shown(use)}.`);
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

/** The names of the descriptors, by number. */
export const stdio = ["stdin", "stdout", "stderr"] as const;

// capsicum_helpers.h of FreeBSD 13.2 and 15.1, caph_limit_stream().
const asking = [Ioctl.TIOCGETA, Ioctl.TIOCGWINSZ, Ioctl.FIODTYPE];
/** The requests of tcsetattr(3), one for each of its actions. */
const setting = [Ioctl.TIOCSETA, Ioctl.TIOCSETAW, Ioctl.TIOCSETAF];

/** The limits of a stream. */
export function streamLimits(name: keyof typeof presets.stream, { raw = false }: StreamOptions = {}): Limits {
  return limitsOf(presets.stream[name], raw ? [...asking, ...setting] : asking, ["GETFL"]);
}
