import { abi } from "../../ffi/abi/abi.ts";
import { sandboxed } from "../../ffi/capability_mode.ts";
import { isNotCapable } from "../../ffi/errors.ts";
import * as libc from "../../ffi/libc.ts";
import { Rights } from "../../rights/mod.ts";
import { statOf } from "./_stat.ts";

const everyKernelHas = Rights.all(13);
const bytes = new Uint8Array(16);
let all: Uint32Array | undefined;

/** Whether this system has rights of descriptors, by which a directory can be limited. */
const hasRights = () => abi().hasCapsicum;

/**
 * Whether the descriptor was limited, so that each lookup through it stays beneath it whatever the call.
 *
 * A limit that takes away only what came with FreeBSD 15 goes unnoticed, which costs a call and no confinement.
 */
export function isLimited(fd: number): boolean {
  if (!hasRights()) return false;
  all ??= new Uint32Array(everyKernelHas.toBytes().slice().buffer);
  try {
    libc.cap_rights_get(fd, bytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotSupported) return false;
    throw error;
  }
  const held = new Uint32Array(bytes.buffer);
  return all.some((bits, i) => (held[i]! & bits) !== (bits | 0));
}

/** The rights that a descriptor holds; all where there are none. */
export function rightsOf(fd: number): Rights {
  if (!hasRights()) return everyKernelHas;
  try {
    libc.cap_rights_get(fd, bytes);
    return Rights.fromBytes(bytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotSupported) return everyKernelHas;
    throw error;
  }
}

/**
 * Whether the kernel keeps lookups in the directory beneath it, when asked to.
 *
 * FreeBSD 15 does not where the directory is the root of a mounted file system. Whatever can't be found out counts as
 * no, which only costs calls: in capability mode nothing is tried, since a refusal there may raise SIGTRAP.
 *
 * @param above The directory that it was opened through.
 */
export function isConfined(fd: number, above?: { readonly fd: number; readonly confined: boolean }): boolean {
  if (!hasRights()) return true;
  const rights = rightsOf(fd);
  if (sandboxed()) return above !== undefined && rights.has("FSTAT") && isPartOf(above, fd);
  if (!rights.has("LOOKUP")) return false;
  return rights.has("READ") ? refusesParent(fd, rights) : refusesParentOfLimited(fd);
}

/** Beneath a directory of the same file system, nothing but that directory can be the root of the mount. */
function isPartOf(above: { readonly fd: number; readonly confined: boolean }, fd: number): boolean {
  if (!rightsOf(above.fd).has("FSTAT")) return false;
  const upper = statOf(above.fd), lower = statOf(fd);
  return upper.dev === lower.dev && (above.confined || upper.ino !== lower.ino);
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
    const upper = statOf(parent), lower = statOf(fd);
    return upper.dev === lower.dev && upper.ino === lower.ino;
  } finally {
    libc.close(parent);
  }
}

/** readlinkat() needs LOOKUP alone, and a limited descriptor makes the lookup stay beneath it without a flag. */
function refusesParentOfLimited(fd: number): boolean {
  try {
    libc.readlinkat(fd, "..", bytes);
  } catch (error) {
    return isNotCapable(error);
  }
  return false;
}
