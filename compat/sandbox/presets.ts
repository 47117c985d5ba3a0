import type { RightName } from "../../rights/mod.ts";

/**
 * Rights by need, for `limit()` and for the plan of `sandbox()`.
 *
 * Each is a list of names: `new Rights(presets.dir.read).union(["READ"])` makes another set of it. Those of a directory
 * apply to everything that is opened through it. READ covers listing and file contents alike.
 *
 * - `dir.list`: names and metadata and, because of READ, contents.
 * - `dir.read`: `list`, and seeking in files and waiting for them.
 * - `dir.create`: new files and directories, and writing; nothing can be read, renamed or removed.
 * - `dir.append`: files that are opened with `append`, created if missing; their content stays.
 * - `dir.readWrite`: `read` and `create`, and renaming, removing, truncating and locking; no new links, FIFOs or owners.
 * - `file.read`, `file.write`, `file.readWrite`, `file.append`: an open file.
 * - `stream.stdin`, `stream.stdout`, `stream.stderr`: the rights that caph_limit_stdio(3) leaves; `stream.terminal`: both directions.
 * - `socket.connection`: a connected socket; `socket.listener`: a socket that accepts, with the rights of the
 *   accepted sockets, which inherit them.
 *
 * @example
 * ```ts
 * import { getRights, isSupported, openSync, presets } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   file.limit(presets.file.read);
 *   assert(!getRights(file).has("WRITE"));
 * }
 * ```
 */
export const presets: Presets = (() => {
  const list = ["LOOKUP", "READ", "FSTAT"] as const;
  const read = [...list, "SEEK", "EVENT"] as const;
  const append = ["LOOKUP", "WRITE", "CREATE", "FSTAT", "FSYNC", "EVENT"] as const;
  const create = [...append, "SEEK", "FTRUNCATE", "MKDIRAT", "FCHMOD", "FUTIMES"] as const;
  const rename = ["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT", "FLOCK"] as const;
  const reading = ["READ", "SEEK", "FSTAT", "EVENT"] as const;
  const writing = ["WRITE", "SEEK", "FSTAT", "FTRUNCATE", "FSYNC", "EVENT"] as const;
  // capsicum_helpers.h of FreeBSD 13.2 and 15.1, caph_stream_rights().
  const stream = ["EVENT", "FCNTL", "FSTAT", "IOCTL", "SEEK"] as const;
  const connection = [
    ...["READ", "WRITE", "EVENT", "FSTAT", "SHUTDOWN"] as const,
    ...["GETPEERNAME", "GETSOCKNAME", "GETSOCKOPT", "SETSOCKOPT"] as const,
  ];
  return {
    dir: { list, read, create, append, readWrite: [...new Set([...read, ...create, ...rename])] },
    file: {
      read: reading,
      write: writing,
      readWrite: [...new Set([...reading, ...writing])],
      append: ["WRITE", "FSTAT", "FSYNC", "EVENT"],
    },
    stream: {
      stdin: ["READ", ...stream],
      stdout: ["WRITE", ...stream],
      stderr: ["WRITE", ...stream],
      terminal: ["READ", "WRITE", ...stream],
    },
    socket: { connection, listener: ["ACCEPT", "LISTEN", ...connection] },
  };
})();

/** The names of the presets and their rights. */
export interface Presets {
  /** Of directories. */
  readonly dir: Readonly<Record<"list" | "read" | "create" | "append" | "readWrite", readonly RightName[]>>;
  /** Of files. */
  readonly file: Readonly<Record<"read" | "write" | "readWrite" | "append", readonly RightName[]>>;
  /** Of terminals, pipes and whatever else standard input and output may be. */
  readonly stream: Readonly<Record<"stdin" | "stdout" | "stderr" | "terminal", readonly RightName[]>>;
  /** Of sockets. */
  readonly socket: Readonly<Record<"connection" | "listener", readonly RightName[]>>;
}
