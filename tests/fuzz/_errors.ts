/**
 * Checks errors against those that the library may throw.
 *
 * @module
 */
import { CapsicumError } from "../../mod.ts";

const { errors } = Deno;

/** The class of each errno; any other is a `CapsicumError`. */
const classes: Readonly<Record<string, new (...args: never[]) => Error>> = {
  EACCES: errors.PermissionDenied,
  EAGAIN: errors.WouldBlock,
  EBADF: errors.BadResource,
  EBUSY: errors.Busy,
  ECONNRESET: errors.ConnectionReset,
  EEXIST: errors.AlreadyExists,
  EISDIR: errors.IsADirectory,
  ELOOP: errors.FilesystemLoop,
  EMLINK: errors.FilesystemLoop,
  ENOENT: errors.NotFound,
  ENOSYS: errors.NotSupported,
  ENOTDIR: errors.NotADirectory,
  EOPNOTSUPP: errors.NotSupported,
  EPERM: errors.PermissionDenied,
  EPIPE: errors.BrokenPipe,
};

/** Errors of arguments and of the object itself, which have no errno. */
const plain = [TypeError, RangeError, errors.NotSupported, errors.BadResource];

/** Words of the engine's own errors. */
const engines =
  /Cannot (read|convert|set|mix)|is not (a function|iterable|defined|an object)|undefined \(|expected [iu]\d|Expected |Invalid FFI/;

/** Returns the name of an error's errno or, without one, of its class. */
export function codeIn(error: unknown): string {
  const { code } = error as { code?: string };
  return code ?? (error as Error).constructor.name;
}

/** Checks an error of any call. Returns a description of the problem; undefined if there is none. */
export function wrongWith(error: unknown): string | undefined {
  const shown = `it throws ${Deno.inspect(error)}`;
  if (!(error instanceof Error)) return shown;
  const { code } = error as { code?: string };
  if (error.message.length > 300 || engines.test(error.message)) return shown;
  if (code === undefined) return plain.some((Class) => error.constructor === Class) ? undefined : shown;
  return error.constructor === (classes[code] ?? CapsicumError) ? undefined : `of the wrong class: ${shown}`;
}
