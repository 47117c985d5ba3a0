/** Makes the errors of calls on open files name the paths that the caller gave. */
import { retell } from "../../../ffi/failure.ts";
import { descriptor, type FdLike } from "../../../ffi/values.ts";

/** A path, and the descriptor of the directory that it is relative to, as the caller knows them. */
export interface Named {
  readonly fd: number;
  readonly path: string;
}

/** A path in a directory, as errors name it. */
export function named(dir: FdLike, path: string): Named {
  return { fd: descriptor(dir), path };
}

/** Adds the path that was opened to the error of a call on the descriptor `file`. Other errors stay unchanged. */
export function told(error: unknown, file: number, { fd, path }: Named): unknown {
  retell(error, (call) => call.fd === file && call.path === undefined ? { fd, path } : {});
  return error;
}
