/** The rights of a descriptor. Callers ask first, because a refused call may raise SIGTRAP in capability mode. */
import { abi } from "../../../ffi/system.ts";
import { isWithoutCapsicum } from "../../../ffi/capsicum/capability_mode.ts";
import { failure } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { getFcntls } from "../../../ffi/capsicum/limits.ts";
import { type GivenCall, listed } from "../../../ffi/message.ts";
import type { FcntlName } from "../../../rights/fcntls.ts";
import type { RightName } from "../../../rights/right.ts";
import { Rights } from "../../../rights/rights.ts";

const everyKernelHas = Rights.all(13);
const bytes = new Uint8Array(16);
let all: Uint32Array | undefined;

/** Whether descriptors have rights on this system. */
export function hasRights(): boolean {
  return abi().hasCapsicum;
}

/**
 * Whether the descriptor was limited: then every lookup through it stays beneath it, in every call.
 *
 * A limit that removes only rights that are new in FreeBSD 15 goes unnoticed. This costs one call, but no confinement.
 */
export function isLimited(fd: number): boolean {
  return answer(() => {
    all ??= new Uint32Array(everyKernelHas.toBytes().slice().buffer);
    libc.cap_rights_get(fd, bytes);
    const held = new Uint32Array(bytes.buffer);
    return all.some((bits, i) => (held[i]! & bits) !== (bits | 0));
  }, false);
}

/** The rights that a descriptor holds; all rights on a system without Capsicum. */
export function rightsOf(fd: number): Rights {
  return answer(() => {
    libc.cap_rights_get(fd, bytes);
    return Rights.fromBytes(bytes);
  }, everyKernelHas);
}

/**
 * Checks that a directory holds all rights that a sequence of calls needs, before the first call.
 *
 * @throws {CapsicumError} ENOTCAPABLE, the same error as that of the first call without its right.
 */
export function checkHolds(call: GivenCall & { readonly fd: number }, needs: readonly RightName[]): void {
  const held = rightsOf(call.fd), found = held.union(["LOOKUP"]);
  const lacks = needs.filter((right) => !found.has(right));
  if (!held.has("LOOKUP")) lacks.unshift("LOOKUP");
  if (lacks.length === 0) return;
  const why = `missing ${listed(lacks)} (held: ${listed(held.names())}) (ENOTCAPABLE). ` +
    "Rights never grow again: open it anew, or keep these.";
  throw failure(call, "ENOTCAPABLE", why, { held, missing: new Rights(lacks), reason: "rights" });
}

/** Whether the descriptor permits F_GETFL of fcntl(2). */
export function mayGetFlags(fd: number): boolean {
  return mayControl(fd, "GETFL");
}

/** Whether the descriptor permits F_SETFL of fcntl(2). */
export function maySetFlags(fd: number): boolean {
  return mayControl(fd, "SETFL");
}

function mayControl(fd: number, command: FcntlName): boolean {
  return answer(() => rightsOf(fd).has("FCNTL") && getFcntls(fd).has(command), true);
}

/** The answer of the kernel, or `otherwise` on a system without Capsicum. */
function answer<T>(question: () => T, otherwise: T): T {
  if (!hasRights()) return otherwise;
  try {
    return question();
  } catch (error) {
    if (isWithoutCapsicum(error)) return otherwise;
    throw error;
  }
}
