/**
 * Makes errors in the form of a failed system call, for refusals by the kernel and by the library itself.
 *
 * @module
 */
import { Bytes, descriptor, type FdLike } from "./values.ts";
import { errnoTable } from "./errno.ts";
import {
  CapsicumError,
  type GivenCall,
  listed,
  messageOf,
  type SyscallError,
  type SyscallErrorInit,
} from "./errors.ts";
import { Fcntls } from "../rights/fcntls.ts";
import { type RightName, Rights } from "../rights/rights.ts";
import { isConfined } from "./linux/glibc.ts";
import { errno, hasCapsicum, rawFreebsd } from "./symbols.ts";
import { AT_FDCWD, O_NOFOLLOW, O_PATH } from "./freebsd/constants.ts";
import { type Operation, rightsNeeded, rightsToOpen } from "./capsicum/needs.ts";

const { bindFreebsd, bound } = rawFreebsd();

/** The name and the number of an errno. */
export type Errno = readonly [code: string, errno: number];

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

const { errors } = Deno;
const classes: Readonly<Record<string, ErrorClass>> = {
  EACCES: errors.PermissionDenied,
  EAGAIN: errors.WouldBlock,
  EBADF: errors.BadResource,
  EBUSY: errors.Busy,
  ECONNABORTED: errors.ConnectionAborted,
  ECONNREFUSED: errors.ConnectionRefused,
  ECONNRESET: errors.ConnectionReset,
  EEXIST: errors.AlreadyExists,
  EINTR: errors.Interrupted,
  EISDIR: errors.IsADirectory,
  ELOOP: errors.FilesystemLoop,
  ENOENT: errors.NotFound,
  ENOSYS: errors.NotSupported,
  ENOTCONN: errors.NotConnected,
  ENOTDIR: errors.NotADirectory,
  EOPNOTSUPP: errors.NotSupported,
  EPERM: errors.PermissionDenied,
  EPIPE: errors.BrokenPipe,
  ETIMEDOUT: errors.TimedOut,
};

/** The key of the method of {@link Serving}. */
export const asked: unique symbol = Symbol("asked");

/** The descriptor and path of a caller's request, which errors name. */
export interface Asked {
  readonly fd?: number | undefined;
  readonly path: string;
  /** The call that directories and files are opened for. Errors name it, except if opening them lacks a right. */
  readonly syscall?: string;
}

/** A descriptor that the library opened for a request: errors of calls on it name the request. */
export interface Serving {
  readonly fd: number;
  /** @param path The path of the call, if it has one. */
  [asked](path: string | undefined): Asked;
}

/** Returns a descriptor that serves one request. */
export function serving(fd: number, request: Asked): Serving {
  return { fd, [asked]: () => request };
}

/** Makes the owner of a descriptor serve one request. */
export function serve<T extends { readonly fd: number }>(owner: T, request: Asked): T & Serving {
  return Object.assign(owner, { [asked]: () => request });
}

/** Returns a descriptor that serves the same request as `owner`, if `owner` serves one. */
export function servingAs(owner: FdLike, fd: number): FdLike {
  const request = requestOf(owner, undefined);
  return request === undefined ? fd : serving(fd, request);
}

/** Returns the request for a path in a directory, which may serve a request itself. */
export function request(dir: FdLike, path: string): Asked {
  return requestOf(dir, path) ?? { fd: descriptor(dir), path };
}

/** The same for later paths, when the directory may be closed. */
export function requests(dir: FdLike): (path: string) => Asked {
  const fd = descriptor(dir);
  return (path) => requestOf(dir, path) ?? { fd, path };
}

/** Returns a failed call with the descriptors and paths of the caller's request. */
export function asAsked(call: GivenCall, on?: FdLike, to?: FdLike, isRefused = false): GivenCall {
  const first = requestOf(on, call.path), second = requestOf(to, call.toPath);
  return {
    ...call,
    ...first && { fd: first.fd, path: first.path },
    ...first?.syscall && call.syscall === "openat" && !isRefused && { syscall: first.syscall },
    ...second && { toFd: second.fd, toPath: second.path },
  };
}

function requestOf(on: FdLike | undefined, path: string | undefined): Asked | undefined {
  const request = typeof on === "object" ? (on as Partial<Serving>)[asked] : undefined;
  return typeof request === "function" ? request.call(on as Serving, path) : undefined;
}

/** The message for a path that leaves its directory. */
export const ESCAPE = 'the path leaves the directory, by "..", a leading "/" or a symlink (ENOTCAPABLE). ' +
  "Use a path that stays in it, or a descriptor of the other directory.";

/** The details of a failure, in addition to its call. */
type Details = Pick<SyscallErrorInit, "fd" | "held" | "missing" | "reason" | "cause">;

/**
 * Makes the error of a failed call.
 *
 * @param call The call that failed.
 * @param code The name of the errno, alone or with its number.
 * @param why The message after the call: the reason with the code in parentheses, then the way out.
 * @param details The fields of the error; `fd` only if it is not the first descriptor of the call.
 * @param Class The class, if it is not the class that belongs to the errno.
 */
export function failure(
  call: GivenCall,
  code: string | Errno,
  why: string,
  details: Details = {},
  Class?: ErrorClass,
): SyscallError {
  const [name, errno] = typeof code === "string" ? [code, errnoOf(code)] as const : code;
  const { syscall, path } = call, fd = details.fd ?? call.fd;
  const init = { ...details, code: name, errno, syscall, path, fd }, message = messageOf(call, why);
  const options = details.cause === undefined ? undefined : { cause: details.cause };
  const OfErrno = Class ?? classes[name], { stackTraceLimit } = Error;
  // Reflect.set() does not throw if the property is frozen. With a limit of 0 there is no stack trace.
  if (stackTraceLimit > 0) Reflect.set(Error, "stackTraceLimit", stackTraceLimit + OWN_FRAMES);
  try {
    return OfErrno ? withFields(new OfErrno(message, options), init) : new CapsicumError(message, init);
  } finally {
    if (stackTraceLimit > 0) Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  }
}

/** How many more calls than `Error.stackTraceLimit` a stack trace has: those of the library must not hide the caller. */
const OWN_FRAMES = 20;

function withFields(error: Error, { code, errno, syscall, path, fd }: SyscallErrorInit): SyscallError {
  const always = { code, errno, syscall };
  return Object.assign(error, always, path === undefined ? {} : { path }, fd === undefined ? {} : { fd });
}

/** Returns the name of the errno of a failed call; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as Partial<SyscallError>).code : undefined;
}

/** Returns the number of an errno on this system. */
function errnoOf(code: string): number {
  return Math.abs(Number(Object.entries(errnoTable()).find(([, [name]]) => name === code)![0]));
}

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
 * Makes the error for the number in `errno`.
 *
 * @param on The descriptor argument; if it serves a request, the error names the request.
 * @param to The second descriptor argument of linkat and renameat.
 */
export function syscallError(syscall: string, call: Call, on?: FdLike, to?: FdLike): SyscallError {
  const number = errno[0]!;
  const [found, text] = errnoTable()[number] ?? [`errno ${number}`, "Unknown error"];
  const code = found === "EPERM" && isOutside(call) ? "ECAPMODE" : found;
  const given = asAsked({ ...call, syscall }, on, to, code === "ENOTCAPABLE");
  const error: Errno = [code, Math.abs(number)];
  if (code === "ENOTCAPABLE") return notCapable(given, error, { ...call, syscall });
  if (code === "ECAPMODE") return failure(given, error, capModeAdvice(given));

  const reason = call.reason?.(code) ?? planAdvice(code, { ...call, syscall });
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
  return path !== undefined && (fd === undefined || fd === AT_FDCWD) && isInLinuxSandbox();
}

function isInLinuxSandbox(): boolean {
  if (hasCapsicum()) return false;
  try {
    return isConfined();
  } catch {
    // A process that can't ask is not in a sandbox: entering one binds all functions.
    return false;
  }
}

let hasPlan = true;

/** Makes errors not mention a plan: in the process of a broker, whose policy is checked before any call. */
export function withoutPlan(): void {
  hasPlan = false;
}

/** Rights whose lack is never the reason for EACCES in a sandbox on Linux. */
const neverDenied: readonly RightName[] = ["LOOKUP", "SEEK", "FSTAT"];

/**
 * The way out if a sandbox on Linux may have refused a call. The reason is not known, because modes, owners and file systems have
 * the same errnos.
 */
function planAdvice(code: string, call: Call & { syscall: string }): string | undefined {
  if (!["EACCES", "EPERM", "EXDEV"].includes(code) || !hasPlan || !isInLinuxSandbox()) return undefined;
  const { syscall, flags = 0, operation = syscall } = call, isDenied = code === "EACCES";
  const opened = flags & O_PATH ? [] : rightsToOpen(flags);
  const rights = syscall === "openat"
    ? opened
    : [...rightsNeeded(operation), ...rightsNeeded(`${operation} to`)];
  // These calls open the file first.
  const opening: RightName[] = isDenied && ["fchmodat", "fchownat", "utimensat"].includes(syscall)
    ? ["READ"]
    : [];
  const checked = [...opening, ...rights].filter((right) => !isDenied || !neverDenied.includes(right));
  if (checked.length > 0) return `If the sandbox is the reason, the plan must grant ${listed(checked)}.`;
  return code === "EPERM" ? "The sandbox may not permit this call." : undefined;
}

/** @param given The call as the caller made it; `call` has the descriptors that the kernel got. */
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
    // If no other right is missing and no path leaves its directory, the target exists.
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
      : "Rights never grow again: open it again, or keep these.";
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

/** Whether the text of a path permits it to leave its directory. */
function leaves(path: string | undefined): boolean {
  return path !== undefined && (path.startsWith("/") || path.split("/").includes(".."));
}

function osreldate(): number {
  return hasCapsicum() ? (bound.getosreldate ?? bindFreebsd("getosreldate"))() : 0;
}

/** The rights of a descriptor; undefined if it was closed meanwhile, or on a system without Capsicum. */
function heldRights(fd: number): Rights | undefined {
  if (!hasCapsicum()) return undefined;
  const rights = new Bytes(16);
  const get = bound.__cap_rights_get ?? bindFreebsd("__cap_rights_get");
  return get(0, fd, rights) === -1 ? undefined : Rights.fromBytes(rights);
}

const mask = new Uint32Array(1);

/** The fcntls that a descriptor is limited to; undefined if it was closed meanwhile. */
export function heldFcntls(fd: number): Fcntls | undefined {
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

/**
 * Makes Deno look up the source maps of all modules in the stack trace of a call that fails. Deno looks up the map of a module
 * when the first stack trace that contains the module is read.
 */
export function readStack(call: () => unknown): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  try {
    call();
  } catch (error) {
    void (error as Error).stack;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
