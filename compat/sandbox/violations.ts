import * as libc from "../../ffi/libc/mod.ts";
import { shown } from "../../ffi/message.ts";

// sys/wait.h and sys/procctl.h, FreeBSD 13 to 15.
const P_PID = 0;
const PROC_TRAPCAP_CTL = 9, PROC_TRAPCAP_STATUS = 10;
const PROC_TRAPCAP_CTL_ENABLE = 1, PROC_TRAPCAP_CTL_DISABLE = 2;

/**
 * Makes every violation in capability mode raise SIGTRAP in the thread that committed it.
 *
 * It finds forgotten resources: the process dies at the system call that fails with ENOTCAPABLE or ECAPMODE, and leaves a
 * core in which a debugger shows the caller. Use it only to find mistakes, not in production. Children inherit it. It must come before `enter()`. `ktrace -t p` finds violations without it.
 *
 * Deno commits some of its own: where the program ends by itself it looks for its caches by their paths, which
 * `Deno.exit()` does not; and after `limitOthers()` it reads them, for which a trial goes without that.
 *
 * Stands for procctl(2), PROC_TRAPCAP_CTL. Requires `--allow-ffi` permission.
 *
 * @param on False to stop it. Default: true.
 * @throws {TypeError} If the argument is no boolean.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, trapViolations, violationsAreTrapped } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   trapViolations();
 *   assert(violationsAreTrapped());
 *   trapViolations(false);
 * }
 * ```
 */
export function trapViolations(on = true): void {
  if (typeof on !== "boolean") {
    throw new TypeError(`trapViolations(): the argument must be a boolean, not ${shown(on)}.`);
  }
  const state = new Int32Array([on ? PROC_TRAPCAP_CTL_ENABLE : PROC_TRAPCAP_CTL_DISABLE]);
  libc.procctl(P_PID, Deno.pid, PROC_TRAPCAP_CTL, new Uint8Array(state.buffer));
}

/**
 * Checks if violations raise SIGTRAP in this process. The sysctl kern.trap_enotcap, which makes them do so in all, is not
 * looked at.
 *
 * Stands for procctl(2), PROC_TRAPCAP_STATUS. Requires `--allow-ffi` permission.
 *
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, violationsAreTrapped } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) assertEquals(violationsAreTrapped(), false);
 * ```
 */
export function violationsAreTrapped(): boolean {
  const state = new Int32Array(1);
  libc.procctl(P_PID, Deno.pid, PROC_TRAPCAP_STATUS, new Uint8Array(state.buffer));
  return state[0] === PROC_TRAPCAP_CTL_ENABLE;
}
