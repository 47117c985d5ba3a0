import { bindAll } from "../_bind.ts";
import type { SyscallError } from "../errors.ts";
import { cap_enter, cap_getmode, cap_sandboxed } from "../libc/cap_calls.ts";
import { listedFiles } from "../libc/kinfo_file.ts";

/**
 * Enters capability mode: the process, with all its threads and future children, permanently loses all global names.
 *
 * From then on no path, address or process ID works; open descriptors stay usable within their rights. Before it
 * enters, it binds every libc function that the library may need later. Entering twice does no harm.
 *
 * Stands for cap_enter(2). Requires `--allow-ffi` permission.
 *
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD, or its kernel has no Capsicum. It never returns
 * without being in capability mode.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { enter, isSupported, sandboxed } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   enter();
 *   assert(sandboxed());
 * }
 * ```
 */
export function enter(): void {
  bindAll();
  // Remembers the open descriptors: after entering, the kernel provides no list.
  listedFiles();
  cap_enter();
  if (!getMode()) throw new Error("cap_enter() succeeded, but the process is not in capability mode.");
}

/**
 * Returns whether the process is in capability mode; false on a system without Capsicum.
 *
 * Stands for cap_sandboxed(3). Requires `--allow-ffi` permission on FreeBSD.
 *
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing on FreeBSD.
 *
 * @example
 * ```ts
 * import { sandboxed } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(sandboxed(), false);
 * ```
 */
export function sandboxed(): boolean {
  return falseWithoutCapsicum(cap_sandboxed);
}

/**
 * Returns whether the process is in capability mode, and throws if that can't be known.
 *
 * Stands for cap_getmode(2). Requires `--allow-ffi` permission.
 *
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD, or its kernel has no Capsicum.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { getMode, isSupported } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) assertEquals(getMode(), false);
 * ```
 */
export function getMode(): boolean {
  const mode = new Uint8Array(4);
  cap_getmode(mode);
  return mode[0] === 1;
}

/**
 * Returns whether this system has Capsicum: FreeBSD, with a kernel that was built with it, such as GENERIC.
 *
 * Requires `--allow-ffi` permission on FreeBSD: without this permission the answer can't be known, and it throws.
 *
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing on FreeBSD.
 *
 * @example Sandboxed where possible
 * ```ts
 * import { enter, isSupported, sandboxed } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) enter();
 * assertEquals(sandboxed(), isSupported());
 * ```
 */
export function isSupported(): boolean {
  return falseWithoutCapsicum(() => {
    getMode();
    return true;
  });
}

function falseWithoutCapsicum(question: () => boolean): boolean {
  try {
    return question();
  } catch (error) {
    if (isWithoutCapsicum(error)) return false;
    throw error;
  }
}

/**
 * Whether an error means that the system has no Capsicum: another system, a libc without the symbol, or ENOSYS.
 *
 * Any other failure must not count as an answer.
 */
export function isWithoutCapsicum(error: unknown): boolean {
  const { code = "ENOSYS" } = error as Partial<SyscallError>;
  return error instanceof Deno.errors.NotSupported && code === "ENOSYS";
}
