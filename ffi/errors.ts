import type { Rights } from "../rights/mod.ts";

/** What every error of a system call carries, whatever its class. */
export interface SyscallError extends Error {
  /** The name of the errno, as `"ENOENT"`. */
  code: string;
  /** The number of the errno on this system. */
  errno: number;
  /** The C function that failed. */
  syscall: string;
  /** The path that it was given. */
  path?: string;
  /** The descriptor that it was given. */
  fd?: number;
}

/** What is known of a failed call. */
export interface SyscallErrorInit extends ErrorOptions, Pick<SyscallError, "code" | "errno" | "syscall"> {
  /** The path that it was given. */
  path?: string | undefined;
  /** The descriptor that it was given. */
  fd?: number | undefined;
  /** The rights that the descriptor holds. */
  held?: Rights | undefined;
  /** The rights that the call needs and the descriptor lacks. */
  missing?: Rights | undefined;
  /** On ENOTCAPABLE, what was refused. */
  reason?: "rights" | "escape" | undefined;
}

/**
 * A system call failed with ENOTCAPABLE, ECAPMODE, or another errno that Deno has no class for.
 *
 * Failures that Deno has a class for, as `Deno.errors.NotFound`, are thrown as that class, with the same fields.
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
  /** The name of the errno, as `"ENOTCAPABLE"`. */
  readonly code: string;
  /** The number of the errno: 93 is ENOTCAPABLE, 94 is ECAPMODE. */
  readonly errno: number;
  /** The C function that failed. */
  readonly syscall: string;
  /** The path that it was given. */
  declare readonly path?: string;
  /** The descriptor that it was given, of two the one that lacked a right. */
  declare readonly fd?: number;
  /** On ENOTCAPABLE, the rights that the descriptor holds. */
  declare readonly held?: Rights;
  /** On ENOTCAPABLE, the rights that the call needs and the descriptor lacks; undefined where no right is missing. */
  declare readonly missing?: Rights;
  /**
   * On ENOTCAPABLE, what was refused: `"rights"` if the descriptor's limits do not permit the call, `"escape"` if the
   * path leaves the directory.
   */
  declare readonly reason?: "rights" | "escape";

  /** Makes an error as the library throws it. */
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

const notCapable = denoError("Capabilities insufficient (os error 93)");
const capModeViolation = denoError("Not permitted in capability mode (os error 94)");

/**
 * The messages of Deno's own API for an errno that it has no code for. A name, which may hold any text, follows in quotes:
 * `stat 'x'`. Only to start a program and to fetch are told before the errno.
 */
function denoError(text: string): RegExp {
  const errno = text.replace(/[()]/g, "\\$&");
  return new RegExp(
    `^${errno}(: |$)|^(Failed to spawn '|error sending request for url \\().*: ${errno}$`,
    "s",
  );
}

/**
 * Tells whether an error is FreeBSD's ENOTCAPABLE (93): the descriptor lacks a right, or the path leaves the directory.
 *
 * It knows this library's errors and those that Deno's own API throws. `Deno.errors.NotCapable` is something else: a
 * permission of Deno's that the program was not given.
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
  return hasCode(error, "ENOTCAPABLE", notCapable);
}

/**
 * Tells whether an error is FreeBSD's ECAPMODE (94): the call is not permitted in capability mode.
 *
 * It knows this library's errors and those that Deno's own API throws.
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
  return hasCode(error, "ECAPMODE", capModeViolation);
}

function hasCode(error: unknown, name: string, message: RegExp): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Partial<SyscallError>;
  return typeof code === "string" ? code === name : message.test(String(error.message));
}
