import { Fcntls } from "../rights/fcntls.ts";
import { type RightName, Rights } from "../rights/rights.ts";
import { errnoTable } from "./errno.ts";
import { isConfined } from "./linux/glibc.ts";
import { bindFreebsd, bound, errno, hasCapsicum } from "./symbols.ts";
import { AT_FDCWD, O_NOFOLLOW } from "./freebsd/constants.ts";
import { CapsicumError, type SyscallError } from "./errors.ts";
import { asAsked, type Errno, ESCAPE, failure } from "./failure.ts";
import type { FdLike } from "./values.ts";
import { type GivenCall, listed, messageOf } from "./message.ts";
import { type Operation, rightsNeeded, rightsToOpen } from "./capsicum/needs.ts";

/** The arguments of a failed call. */
export interface Call {
  fd?: number;
  path?: string;
  /** The second descriptor and path of linkat and renameat. */
  toFd?: number;
  toPath?: string;
  /** The flags of open and openat. */
  flags?: number;
  /** The row of the table of needs, if the table has several for this call. */
  operation?: Operation | undefined;
  /** The reason for ENOTCAPABLE or EINVAL, if it is not the rights of a descriptor. */
  reason?: (code: string) => string | undefined;
  /** The rights that cap_rights_limit was asked for. */
  wanted?: Rights;
}

/**
 * The error for the number in `errno`.
 *
 * @param on The descriptor as it was given: it may serve a caller in whose words the error is made.
 * @param to The second descriptor of linkat and renameat, as it was given.
 */
export function syscallError(syscall: string, call: Call, on?: FdLike, to?: FdLike): SyscallError {
  const number = errno[0]!;
  const [found, text] = errnoTable()[number] ?? [`errno ${number}`, "Unknown error"];
  const code = found === "EPERM" && isOutside(call) ? "ECAPMODE" : found;
  const given = asAsked({ ...call, syscall }, on, to, code === "ENOTCAPABLE");
  const error: Errno = [code, Math.abs(number)];
  if (code === "ENOTCAPABLE") return notCapable(given, error, { ...call, syscall });
  if (code === "ECAPMODE") return failure(given, error, capModeAdvice(given));

  const reason = call.reason?.(code);
  const message = `${text} (${code}).${reason ? ` ${reason}` : ""}`;
  if (code === "ENOSYS") {
    const why = `the kernel of this system has no ${syscall}(2) (ENOSYS).`;
    return failure(given, error, why, {
      cause: new CapsicumError(messageOf(given, message), { ...given, code, errno: error[1] }),
    });
  }
  // EMLINK means a symlink only for a lookup with O_NOFOLLOW.
  const isSymlink = code === "EMLINK" && ((call.flags ?? 0) & O_NOFOLLOW) !== 0;
  return failure(given, error, message, {}, isSymlink ? Deno.errors.FilesystemLoop : undefined);
}

/** Whether the filter of a sandbox on Linux refused a path that is not below a descriptor. */
function isOutside({ fd, path }: Call): boolean {
  return !hasCapsicum() && path !== undefined && (fd === undefined || fd === AT_FDCWD) && isConfined();
}

/** @param given The call in the words of the caller; `call` has the descriptors that the kernel was given. */
function notCapable(given: GivenCall, error: Errno, call: Call & { syscall: string }): SyscallError {
  const { syscall } = call;
  const ends: { fd: number; named: number | undefined; needs: readonly RightName[] }[] = [];
  if (call.fd !== undefined && call.fd !== AT_FDCWD) {
    const needs = syscall === "openat"
      ? rightsToOpen(call.flags ?? 0, osreldate)
      : rightsNeeded(call.operation ?? syscall);
    ends.push({ fd: call.fd, named: given.fd, needs: call.wanted?.names() ?? needs });
  }
  if (call.toFd !== undefined && call.toFd !== AT_FDCWD) {
    ends.push({ fd: call.toFd, named: given.toFd, needs: rightsNeeded(`${call.operation ?? syscall} to`) });
    // If no other right is missing, the target exists, unless one of the paths leaves its directory.
    if (syscall === "renameat" && !leaves(call.path) && !leaves(call.toPath)) {
      ends.push({ fd: call.toFd, named: given.toFd, needs: rightsNeeded("renameat over") });
    }
  }
  let held: Rights | undefined;
  for (const { fd, named, needs } of ends) {
    const holds = heldRights(fd);
    if (holds === undefined) continue;
    held ??= holds;
    const lacks = needs.filter((right) => !holds.has(right));
    if (lacks.length === 0) continue;
    const advice = call.wanted
      ? "Rights can only shrink: limit it to a subset of what it holds."
      : "Rights never grow again: open it anew, or keep these.";
    const why = `missing ${listed(lacks)} (held: ${listed(holds.names())}) (ENOTCAPABLE). ${advice}`;
    const missing = new Rights(lacks);
    return failure(given, error, why, { fd: named, held: holds, missing, reason: "rights" });
  }
  const limits = call.reason?.("ENOTCAPABLE") ??
    (call.path === undefined ? "the kernel refuses this for the descriptor" : undefined);
  return limits === undefined
    ? failure(given, error, ESCAPE, { held, reason: "escape" })
    : failure(given, error, `${limits} (ENOTCAPABLE).`, { held, reason: "rights" });
}

/** Whether a path may leave its directory, judged by its text alone. */
function leaves(path: string | undefined): boolean {
  return path !== undefined && (path.startsWith("/") || path.split("/").includes(".."));
}

function osreldate(): number {
  return (bound.getosreldate ?? bindFreebsd("getosreldate"))();
}

/** The rights of a descriptor; undefined if it was closed meanwhile, or on a system without Capsicum. */
function heldRights(fd: number): Rights | undefined {
  if (!hasCapsicum()) return undefined;
  const rights = new Uint8Array(16);
  const get = bound.__cap_rights_get ?? bindFreebsd("__cap_rights_get");
  return get(0, fd, rights) === -1 ? undefined : Rights.fromBytes(rights);
}

/** The fcntls that a descriptor is limited to; undefined if it was closed meanwhile. */
export function heldFcntls(fd: number): Fcntls | undefined {
  const mask = new Uint32Array(1);
  const get = bound.cap_fcntls_get ?? bindFreebsd("cap_fcntls_get");
  return get(fd, mask) === -1 ? undefined : Fcntls.fromMask(mask[0]!);
}

function capModeAdvice({ syscall, path, fd }: GivenCall): string {
  const text = "not permitted in a sandbox, where no global name works (ECAPMODE). ";
  if (fd === AT_FDCWD) {
    return `${text}Pass the descriptor of a directory that was opened before enter() in place of AT_FDCWD.`;
  }
  if (path !== undefined) {
    return `${text}Open the directory before enter(), by openDirSync(), and then the path within it, ` +
      `by dir.openSync() or openAtSync().`;
  }
  return `${text}Call ${syscall} before enter().`;
}
