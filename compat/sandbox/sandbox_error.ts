import type { SyscallError } from "../../ffi/errors.ts";

/** What `sandbox()` was doing: see {@link SandboxError.step}. */
export type SandboxStep = "find Capsicum" | "warm up" | "open" | "confine" | "limit" | "enter";

/** What is known of a failed step. */
export interface SandboxErrorInit {
  /** What failed. */
  step: SandboxStep;
  /** The entry of the plan, as `"dirs.data"`. */
  entry?: string | undefined;
  /** Entries of descriptors that the program had before and that stay limited. */
  stillLimited?: readonly string[];
  /** What was thrown. */
  cause?: unknown;
}

/**
 * A step of `sandbox()` that failed. Nothing that it opened is open, and capability mode was not entered.
 *
 * `code` is that of the system call that failed, so that `isNotCapable(error)` holds here too; `cause` is its error.
 *
 * @example
 * ```ts
 * import { isSupported, sandbox, SandboxError } from "jsr:@capsicum/capsicum";
 * import { assert, assertThrows } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const error = assertThrows(() => sandbox({ files: { list: { path: "/nonexistent" } } }), SandboxError);
 *   assert(error.step === "open" && error.entry === "files.list" && error.code === "ENOENT");
 *   assert(error.cause instanceof Deno.errors.NotFound);
 * }
 * ```
 */
export class SandboxError extends Error {
  /** The name of the class. */
  override readonly name = "SandboxError";
  /** What failed: to find out whether there is Capsicum, to warm up, to open, to find a directory confined, to limit, or to enter. */
  readonly step: SandboxStep;
  /** The entry of the plan, as `"dirs.data"` or `"stdio.stdin"`; undefined of a step that is not for one. */
  declare readonly entry?: string;
  /** The name of the errno, as `"ENOENT"`, where a system call failed. */
  declare readonly code?: string;
  /**
   * Entries of descriptors that the program had before, and that are limited all the same: a limit can't be taken back.
   * Empty unless the kernel changed its mind between the trial, on duplicates, and the deed. `"limitOthers"` stands for
   * some or all of what the plan does not name.
   */
  readonly stillLimited: readonly string[];

  /** Makes an error as the library throws it. */
  constructor(message: string, { step, entry, stillLimited = [], cause }: SandboxErrorInit) {
    super(message, cause === undefined ? undefined : { cause });
    this.step = step;
    this.stillLimited = stillLimited;
    if (entry !== undefined) this.entry = entry;
    const { code } = (cause ?? {}) as Partial<SyscallError>;
    if (code !== undefined) this.code = code;
  }
}
