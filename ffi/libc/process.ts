import { bound, errno, errnoAt, memcpy } from "../symbols.ts";
import { bind } from "../system.ts";
import { int, long, memory, unsigned } from "../check.ts";
import { syscallError } from "../_syscall_error.ts";
import { EINTR } from "../freebsd/constants.ts";

/**
 * Returns how many descriptors the process may have. Stands for getdtablesize(2): `int getdtablesize(void)`.
 * @returns One more than the largest descriptor that it can open.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) assert(libc.getdtablesize() > 2);
 * ```
 */
export function getdtablesize(): number {
  return (bound.getdtablesize ?? bind("getdtablesize"))();
}

/**
 * Controls a process; ECAPMODE in capability mode. Stands for procctl(2): `int procctl(idtype_t idtype, id_t id, int cmd,
 * void *data)`.
 * @param idtype What `id` is; 0 is P_PID.
 * @param id The process; ESRCH if there is none.
 * @param cmd A command whose data is an int, which the PROC_REAP_* commands do not have. EINVAL if this release has no
 * such command.
 * @param data The int that the command reads or fills, 4 bytes.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * // PROC_TRAPCAP_STATUS of this process: 2 is PROC_TRAPCAP_CTL_DISABLE.
 * if (isSupported()) {
 *   const state = new Uint8Array(4);
 *   assertEquals(libc.procctl(0, Deno.pid, 10, state), 0);
 *   assertEquals(state[0], 2);
 * }
 * ```
 */
export function procctl(idtype: number, id: number | bigint, cmd: number, data: Uint8Array): number {
  const type = unsigned(idtype, "idtype"), who = long(id, "id"), command = int(cmd, "cmd");
  if (!takesInt(command)) {
    throw new RangeError(
      `procctl() takes the commands whose data is an int, and ${command} is none of them.`,
    );
  }
  const bytes = memory(data, 4);
  const call = bound.procctl ?? bind("procctl");
  do {
    const result = call(type, who, command, bytes);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("procctl", {});
}

/**
 * Whether the data of a command is an int, as of those of sys/procctl.h up to FreeBSD 15.1.
 *
 * PROC_REAP_* (2 to 6) have none, more than an int, or an address in it.
 */
function takesInt(command: number): boolean {
  return command === 1 || command >= 7 && command <= 24;
}
