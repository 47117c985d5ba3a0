import { sandboxed } from "../../../ffi/capsicum/capability.ts";
import { isNotCapable } from "../../../ffi/errors.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { abi } from "../../../ffi/system.ts";
import type { Rights } from "../../../rights/rights.ts";
import { deviceOf, identityOf, rightsOf } from "../descriptor.ts";

/**
 * Whether the kernel honours O_RESOLVE_BENEATH for lookups in the directory.
 *
 * FreeBSD 15 does not if the directory is the root of a mounted file system. If the answer is unknown, it is false,
 * which only costs calls. In capability mode nothing is tried, because a refused call may raise SIGTRAP.
 *
 * @param above The directory through which `fd` was opened.
 */
export function isConfined(fd: number, above?: { readonly fd: number; readonly confined: boolean }): boolean {
  const always = abi().confinesLookups?.();
  if (always !== undefined) return always;
  const rights = rightsOf(fd);
  if (sandboxed()) return above !== undefined && rights.has("FSTAT") && isPartOf(above, fd);
  if (!rights.has("LOOKUP")) return false;
  return rights.has("READ") ? refusesParent(fd, rights) : refusesParentOfLimited(fd);
}

/** Of the directories on one file system at and beneath `above`, only `above` can be the root of the mount. */
function isPartOf(above: { readonly fd: number; readonly confined: boolean }, fd: number): boolean {
  if (!rightsOf(above.fd).has("FSTAT")) return false;
  const upper = identityOf(above.fd), lower = identityOf(fd);
  return deviceOf(upper) === deviceOf(lower) && (above.confined || upper !== lower);
}

function refusesParent(fd: number, rights: Rights): boolean {
  const flags = libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC | libc.O_RESOLVE_BENEATH;
  let parent: number;
  try {
    parent = libc.openat(fd, "..", flags);
  } catch (error) {
    return isNotCapable(error);
  }
  try {
    // At "/" the parent is the directory itself on FreeBSD 13.
    if (!rights.has("FSTAT")) return false;
    return identityOf(parent) === identityOf(fd);
  } finally {
    libc.close(parent);
  }
}

/** readlinkat() needs only LOOKUP, and lookups through a limited descriptor stay beneath it without a flag. */
function refusesParentOfLimited(fd: number): boolean {
  try {
    libc.readlinkat(fd, "..", new Uint8Array(1));
  } catch (error) {
    return isNotCapable(error);
  }
  return false;
}
