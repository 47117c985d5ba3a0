/** Errors in the form of a failed system call, for refusals by the kernel and by the library itself. */
import { errnoTable } from "./errno.ts";
import { CapsicumError, type SyscallError, type SyscallErrorInit } from "./errors.ts";
import { descriptor, type FdLike } from "./values.ts";
import { type GivenCall, messageOf } from "./message.ts";

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

/** What a caller of the library asked for: the words of its errors. */
export interface Asked {
  readonly fd?: number | undefined;
  readonly path: string;
  /** The call for which directories and files are opened: it is named unless opening them lacks a right. */
  readonly syscall?: string;
}

/** A descriptor that the library opened to serve a caller: errors of calls on it name what the caller asked for. */
export interface Serving {
  readonly fd: number;
  /** @param path The path of the call, if it has one. */
  [asked](path: string | undefined): Asked;
}

/** A descriptor that serves one request. */
export function serving(fd: number, request: Asked): Serving {
  return { fd, [asked]: () => request };
}

/** Has the owner of a descriptor serve one request. */
export function serve<T extends { readonly fd: number }>(owner: T, request: Asked): T & Serving {
  return Object.assign(owner, { [asked]: () => request });
}

/** A descriptor in the service of the request that `owner` serves, if it serves one. */
export function servingAs(owner: FdLike, fd: number): FdLike {
  const request = requestOf(owner, undefined);
  return request === undefined ? fd : serving(fd, request);
}

/** What is asked for with a path in a directory, which may serve a caller itself. */
export function request(dir: FdLike, path: string): Asked {
  return requestOf(dir, path) ?? { fd: descriptor(dir), path };
}

/** The same for paths that come later, when the directory may be closed. */
export function requests(dir: FdLike): (path: string) => Asked {
  const fd = descriptor(dir);
  return (path) => requestOf(dir, path) ?? { fd, path };
}

/** A failed call, as the caller of the library knows it. */
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

/** The reason in the error for a path that leaves its directory. */
export const ESCAPE = 'the path leaves the directory, by "..", a leading "/" or a symlink (ENOTCAPABLE). ' +
  "Use a path that stays in it, or a descriptor of the directory that it leads to.";

/** The details of a failure, in addition to its call. */
type Details = Pick<SyscallErrorInit, "fd" | "held" | "missing" | "reason" | "cause">;

const known = new WeakMap<SyscallError, { readonly call: GivenCall; readonly why: string }>();

/**
 * Makes the error of a failed call.
 *
 * @param call The call that failed.
 * @param code The errno, or its name.
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
  const OfErrno = Class ?? classes[name];
  const error = OfErrno ? withFields(new OfErrno(message, options), init) : new CapsicumError(message, init);
  known.set(error, { call, why });
  return error;
}

/**
 * Changes the call that an error names, in its message and its fields, to the call that the caller made.
 *
 * An error that is not of a failed call stays unchanged.
 *
 * @param change Returns the parts of the call that differ.
 */
export function retell(error: unknown, change: (call: GivenCall) => Partial<GivenCall>): void {
  const failed = known.get(error as SyscallError);
  if (failed === undefined) return;
  const told = error as SyscallError, before = failed.call, call = { ...before, ...change(before) };
  known.set(told, { call, why: failed.why });
  told.message = messageOf(call, failed.why);
  told.syscall = call.syscall;
  if (call.path !== undefined) told.path = call.path;
  const fd = told.fd === before.fd ? call.fd : told.fd === before.toFd ? call.toFd : told.fd;
  if (fd !== undefined) told.fd = fd;
}

function withFields(error: Error, { code, errno, syscall, path, fd }: SyscallErrorInit): SyscallError {
  const always = { code, errno, syscall };
  return Object.assign(error, always, path === undefined ? {} : { path }, fd === undefined ? {} : { fd });
}

/** The name of the errno of a failed call; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as Partial<SyscallError>).code : undefined;
}

/** The number of an errno on this system. */
function errnoOf(code: string): number {
  return Math.abs(Number(Object.entries(errnoTable()).find(([, [name]]) => name === code)![0]));
}
