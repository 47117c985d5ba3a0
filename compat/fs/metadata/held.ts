/** What a descriptor holds. It is asked, not tried: in capability mode a refusal may raise SIGTRAP. */
import { abi } from "../../../ffi/system.ts";
import { isWithoutCapsicum } from "../../../ffi/capsicum/capability_mode.ts";
import { failure } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { getFcntls } from "../../../ffi/capsicum/limits.ts";
import { type GivenCall, listed } from "../../../ffi/message.ts";
import { type FcntlName, type RightName, Rights } from "../../../rights/mod.ts";

const everyKernelHas = Rights.all(13);
const bytes = new Uint8Array(16);
let all: Uint32Array | undefined;

/** Whether this system has rights of descriptors, by which a directory can be limited. */
export function hasRights(): boolean {
  return abi().hasCapsicum;
}

/**
 * Whether the descriptor was limited, so that each lookup through it stays beneath it whatever the call.
 *
 * A limit that takes away only what came with FreeBSD 15 goes unnoticed, which costs a call and no confinement.
 */
export function isLimited(fd: number): boolean {
  return answer(() => {
    all ??= new Uint32Array(everyKernelHas.toBytes().slice().buffer);
    libc.cap_rights_get(fd, bytes);
    const held = new Uint32Array(bytes.buffer);
    return all.some((bits, i) => (held[i]! & bits) !== (bits | 0));
  }, false);
}

/** The rights that a descriptor holds; all where there are none. */
export function rightsOf(fd: number): Rights {
  return answer(() => {
    libc.cap_rights_get(fd, bytes);
    return Rights.fromBytes(bytes);
  }, everyKernelHas);
}

/**
 * Checks that a directory holds all the rights that several calls need together, before the first of them.
 *
 * @throws {CapsicumError} ENOTCAPABLE, as the first of the calls without its right would throw it.
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

/** Whether fcntl(2) may be asked for the flags that a file was opened with. */
export function mayGetFlags(fd: number): boolean {
  return mayControl(fd, "GETFL");
}

/** Whether fcntl(2) may change the flags that a file was opened with. */
export function maySetFlags(fd: number): boolean {
  return mayControl(fd, "SETFL");
}

function mayControl(fd: number, command: FcntlName): boolean {
  return answer(() => rightsOf(fd).has("FCNTL") && getFcntls(fd).has(command), true);
}

/** What the kernel answers, `otherwise` where it has no rights of descriptors. */
function answer<T>(question: () => T, otherwise: T): T {
  if (!hasRights()) return otherwise;
  try {
    return question();
  } catch (error) {
    if (isWithoutCapsicum(error)) return otherwise;
    throw error;
  }
}
