import { isWithoutCapsicum } from "../../ffi/capsicum/capability.ts";
import type { SyscallError } from "../../ffi/errors.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { Rights } from "../../rights/rights.ts";

/** A number that no descriptor can have. */
const neverOpen = 0x7fffffff;

/**
 * `CAP_ALL` of this system: the rights that its kernel knows, or the newest known set on a system without Capsicum.
 *
 * The kernel checks that it knows the rights before it looks up the descriptor, so no open descriptor is needed.
 */
export function allRights(): Rights {
  try {
    libc.cap_rights_limit(neverOpen, Rights.all());
  } catch (error) {
    if ((error as SyscallError).code === "EINVAL") return Rights.all(14);
    if (!(error instanceof Deno.errors.BadResource || isWithoutCapsicum(error))) throw error;
  }
  return Rights.all();
}
