/**
 * The errors of failed calls: their public class and fields, and the form of their messages.
 *
 * A message has the call, its paths and descriptors, the reason with its code, and the way out, in at most 300 characters.
 * A long path is cut in the middle; `path` of the error is complete.
 *
 * @module
 */
import { quoted, shortened, visible } from "../rights/text.ts";
import { AT_FDCWD } from "./freebsd/constants.ts";
import type { Rights } from "../rights/rights.ts";

export { listed, quoted, shortened, visible, wrapped } from "../rights/text.ts";

/** The fields of every error of a system call, of any class. */
export interface SyscallError extends Error {
  /** The name of the errno, such as `"ENOENT"`. */
  code: string;
  /** The number of the errno on this system. */
  errno: number;
  /** The C function that failed. */
  syscall: string;
  /** The path that the function was called with. */
  path?: string;
  /** The descriptor that the function was called with. */
  fd?: number;
}

/** The fields of a {@link CapsicumError}. */
export interface SyscallErrorInit extends ErrorOptions, Pick<SyscallError, "code" | "errno" | "syscall"> {
  /** The path that the function was called with. */
  path?: string | undefined;
  /** The descriptor that the function was called with. */
  fd?: number | undefined;
  /** The rights that the descriptor holds. */
  held?: Rights | undefined;
  /** The rights that the call needs and the descriptor lacks. */
  missing?: Rights | undefined;
  /** On ENOTCAPABLE, the kind of refusal. */
  reason?: "rights" | "escape" | undefined;
}

/**
 * The error of a system call that failed with ENOTCAPABLE, ECAPMODE, or another errno without a class in Deno.
 *
 * An errno with a class in Deno is thrown as that class, such as `Deno.errors.NotFound`, with the same fields.
 *
 * @example Which rights were missing
 * ```ts
 * import { CapsicumError, isSupported, limit, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { read: true, write: true });
 *   limit(file, ["READ"]);
 *   try {
 *     file.writeSync(new Uint8Array(1));
 *   } catch (error) {
 *     if (!(error instanceof CapsicumError)) throw error;
 *     assertEquals(error.code, "ENOTCAPABLE");
 *     assertEquals(error.missing?.names(), ["WRITE"]);
 *   }
 * }
 * ```
 */
export class CapsicumError extends Error implements SyscallError {
  /** The name of the class. */
  override readonly name = "CapsicumError";
  /** The name of the errno, such as `"ENOTCAPABLE"`. */
  readonly code: string;
  /** The number of the errno: 93 is ENOTCAPABLE, 94 is ECAPMODE. */
  readonly errno: number;
  /** The C function that failed. */
  readonly syscall: string;
  /** The path that the function was called with. */
  declare readonly path?: string;
  /** The descriptor that the function was called with; of two descriptors, the one that lacks a right. */
  declare readonly fd?: number;
  /** On ENOTCAPABLE, the rights that the descriptor holds. */
  declare readonly held?: Rights;
  /** On ENOTCAPABLE, the rights that the call needs and the descriptor lacks; undefined if no right is missing. */
  declare readonly missing?: Rights;
  /**
   * On ENOTCAPABLE, the kind of refusal: `"rights"` if the limits of the descriptor do not permit the call, `"escape"`
   * if the path leaves the directory.
   */
  declare readonly reason?: "rights" | "escape";

  /** Makes an error with the fields of `init`. */
  constructor(message: string, init: SyscallErrorInit) {
    super(message, init);
    this.code = init.code;
    this.errno = init.errno;
    this.syscall = init.syscall;
    if (init.path !== undefined) this.path = init.path;
    if (init.fd !== undefined) this.fd = init.fd;
    if (init.held !== undefined) this.held = init.held;
    if (init.missing !== undefined) this.missing = init.missing;
    if (init.reason !== undefined) this.reason = init.reason;
  }
}

/**
 * Returns whether an error is ENOTCAPABLE (93) of FreeBSD: the descriptor lacks a right, or the path leaves the
 * directory.
 *
 * It recognizes errors of this library and of Deno's own API. `Deno.errors.NotCapable` is a different error: the
 * program lacks a permission of Deno.
 *
 * @param error What was thrown.
 *
 * @example
 * ```ts
 * import { isNotCapable } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * assert(isNotCapable(new Error("Capabilities insufficient (os error 93)")));
 * assert(!isNotCapable(new Deno.errors.NotCapable("Requires read access")));
 * ```
 */
export function isNotCapable(error: unknown): boolean {
  return hasCode(error, "ENOTCAPABLE", "Capabilities insufficient (os error 93)");
}

/**
 * Returns whether an error is ECAPMODE (94) of FreeBSD: the call is not permitted in capability mode.
 *
 * It recognizes errors of this library and of Deno's own API.
 *
 * @param error What was thrown.
 *
 * @example
 * ```ts
 * import { isCapModeViolation } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * assert(isCapModeViolation(new Error("Not permitted in capability mode (os error 94)")));
 * assert(!isCapModeViolation(new Error("No such file or directory (os error 2)")));
 * ```
 */
export function isCapModeViolation(error: unknown): boolean {
  return hasCode(error, "ECAPMODE", "Not permitted in capability mode (os error 94)");
}

function hasCode(error: unknown, name: string, text: string): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Partial<SyscallError>;
  return typeof code === "string" ? code === name : denoError(text).test(String(error.message));
}

/**
 * Matches messages of Deno's own API for an errno that Deno gives no code. The text of the errno comes first, then names
 * in quotes, which may have any text: `stat 'x'`. Only errors of starting a program and of `fetch()` have text before it.
 */
function denoError(text: string): RegExp {
  const errno = text.replace(/[()]/g, "\\$&");
  return new RegExp(
    `^${errno}(: |$)|^(Failed to spawn '|error sending request for url \\().*: ${errno}$`,
    "s",
  );
}

/** The most characters of a message. */
export const MOST = 300;
/** The fewest characters that are left for a path. */
const LEAST = 24;

/** The arguments of a failed call, as its caller knows them. */
export interface GivenCall {
  /** The C function, or the method. */
  readonly syscall: string;
  readonly fd?: number | undefined;
  readonly path?: string | undefined;
  /** The second descriptor and path of linkat and renameat. */
  readonly toFd?: number | undefined;
  readonly toPath?: string | undefined;
}

/** The message of a failed call: `openat "a.txt" on fd 5: No such file or directory (ENOENT).` */
export function messageOf(call: GivenCall, reason: string): string {
  const { path, toPath } = call;
  const rest = inWords(call, path && "", toPath && "").length + 2;
  const paths = [path, toPath].filter((path) => path !== undefined);
  const why = shortened(reason, MOST - rest - paths.length * LEAST);
  let room = MOST - rest - why.length;
  // The shorter of two paths leaves its unused room to the other.
  const order = [...paths.keys()].sort((a, b) => paths[a]!.length - paths[b]!.length);
  const texts: string[] = [];
  for (const [i, at] of order.entries()) {
    const text = quoted(paths[at]!, Math.floor(room / (paths.length - i)));
    room -= text.length;
    texts[at] = text;
  }
  const first = path === undefined ? undefined : texts[0],
    second = toPath === undefined ? undefined : texts.at(-1);
  return `${inWords(call, first, second)}: ${why}`;
}

function inWords(
  { syscall, fd, toFd }: GivenCall,
  path: string | undefined,
  toPath: string | undefined,
): string {
  const place = (path: string | undefined, fd: number | undefined) =>
    (path === undefined ? "" : ` ${path}`) +
    (fd === undefined ? "" : fd === AT_FDCWD ? " on the working directory" : ` on fd ${fd}`);
  return syscall + place(path, fd) +
    (toFd === undefined && toPath === undefined ? "" : ` to${place(toPath, toFd)}`);
}

/** Any value as text for an error message, at most 60 characters long. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  try {
    const text = Deno.inspect(value, { depth: 0, strAbbreviateSize: 40, breakLength: Infinity });
    return shortened(visible(text), 60);
  } catch {
    // Custom inspect functions may throw, and a revoked proxy does.
    return typeof value === "function" ? "a function" : "an object";
  }
}
