/** Lets the errors of calls on open files speak of the paths that the caller gave. */
import { retell } from "../../../ffi/failure.ts";
import { descriptor, type FdLike } from "../../../ffi/fd_like.ts";

/** A path, and the descriptor of the directory that it is relative to, as the caller knows them. */
export interface Named {
  readonly fd: number;
  readonly path: string;
}

/** What a path in a directory is called in errors. */
export function named(dir: FdLike, path: string): Named {
  return { fd: descriptor(dir), path };
}

/** Returns the error of a call on a descriptor, which then speaks of the path that was opened; other errors as they are. */
export function told(error: unknown, file: number, { fd, path }: Named): unknown {
  retell(error, (call) => call.fd === file && call.path === undefined ? { fd, path } : {});
  return error;
}
