import type { SyscallError } from "../../ffi/errors.ts";

/** The step at which `sandbox()` failed: see {@link SandboxError.step}. */
export type SandboxStep = "find Capsicum" | "warm up" | "open" | "confine" | "limit" | "enter";

/** The fields of a {@link SandboxError}. */
export interface SandboxErrorInit {
  /** The step that failed. */
  step: SandboxStep;
  /** The entry of the plan, such as `"dirs.data"`. */
  entry?: string | undefined;
  /** Entries of descriptors that were open before and that stay limited. */
  stillLimited?: readonly string[];
  /** The error of the step. */
  cause?: unknown;
}

/**
 * A step of `sandbox()` failed. Everything that it opened is closed again, and capability mode was not entered.
 *
 * `cause` is the error of the step. `code` is copied from the cause, so `isNotCapable(error)` works here too.
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
  /** The step that failed: check for Capsicum, warm up, open, check that a directory is confined, limit, or enter. */
  readonly step: SandboxStep;
  /** The entry of the plan, such as `"dirs.data"` or `"stdio.stdin"`; undefined if the step is not for one entry. */
  declare readonly entry?: string;
  /** The name of the errno, such as `"ENOENT"`, if a system call failed. */
  declare readonly code?: string;
  /**
   * Entries of descriptors that were open before and that stay limited, because a limit can't be undone. Usually empty:
   * limits are tried on duplicates first. `"limitOthers"` stands for descriptors that the plan does not name.
   */
  readonly stillLimited: readonly string[];

  /** Makes an error in the form that the library throws. */
  constructor(message: string, { step, entry, stillLimited = [], cause }: SandboxErrorInit) {
    super(message, cause === undefined ? undefined : { cause });
    this.step = step;
    this.stillLimited = stillLimited;
    if (entry !== undefined) this.entry = entry;
    const { code } = (cause ?? {}) as Partial<SyscallError>;
    if (code !== undefined) this.code = code;
  }
}
