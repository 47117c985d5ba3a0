/**
 * Opens files without ever stopping the event loop.
 *
 * open(2) runs on this thread: what confines the process on Linux can't check the paths of calls on other threads. With
 * O_NONBLOCK it does not wait. Where it would have waited it is tried again, less and less often: for the reader of a FIFO
 * (ENXIO), for a lock or a lease (EAGAIN).
 */
import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { limit } from "../../ffi/capsicum/limits.ts";
import { Rights } from "../../rights/rights.ts";
import { stat } from "./metadata/attributes.ts";
import { FdFile } from "./file.ts";
import { rightsOf } from "./metadata/held.ts";
import { type Origin, setNonblocking, subjectOf } from "./io/async_calls.ts";
import { pauses, sleepUnlessAborted } from "./io/waiting.ts";
import { permissionBits } from "./metadata/mode.ts";
import { openBeneath } from "./open.ts";
import { openFlags, type OpenOptions, openOptions } from "./open_options.ts";
import { aSignal, checkOptions } from "./options.ts";
import { codeOf } from "./path/resolve.ts";

/** With one of these flags open(2) never waits for another process. */
const NEVER_WAITS = libc.O_NONBLOCK | libc.O_DIRECTORY | libc.O_PATH | libc.O_EXEC;

/** Opens a file with the flags that the options ask for. `call` is the caller, for messages. */
export async function open(
  call: string,
  dir: FdLike,
  path: string,
  options: OpenOptions & { signal?: AbortSignal },
): Promise<FdFile> {
  checkOptions(call, options, { ...openOptions, signal: aSignal });
  const rights = options.limit === undefined ? undefined : new Rights(options.limit);
  const flags = openFlags(options), mode = permissionBits(options.mode ?? 0o666);
  const fd = await opened(dir, path, flags, mode, options.signal);
  try {
    const file = new FdFile(fd, revealed(fd, flags));
    if (rights) limit(file, rights);
    return file;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Clears O_NONBLOCK, unless the caller asked for it, the file needs it, or the descriptor may not be changed. */
function revealed(fd: number, flags: number): Origin {
  if (flags & NEVER_WAITS) return flags & libc.O_NONBLOCK ? "nonblocking" : "own";
  const { kind } = subjectOf(fd);
  if (kind === "fifo" || kind === "unknown") return "hidden";
  return setNonblocking(fd, false) || kind === "file" ? "own" : "hidden";
}

/** Opens a file for the library's own use: it stays O_NONBLOCK. */
export async function openForUse(
  dir: FdLike,
  path: string,
  flags: number,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<FdFile> {
  return new FdFile(await opened(dir, path, flags, mode, signal), "hidden");
}

async function opened(
  dir: FdLike,
  path: string,
  flags: number,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (const pause = pauses();;) {
    signal?.throwIfAborted();
    try {
      return openBeneath(dir, path, flags & NEVER_WAITS ? flags : flags | libc.O_NONBLOCK, mode);
    } catch (error) {
      if (flags & NEVER_WAITS || !wouldHaveWaited(error, dir, path, flags)) throw error;
    }
    await sleepUnlessAborted(pause.next().value, signal);
  }
}

function wouldHaveWaited(error: unknown, dir: FdLike, path: string, flags: number): boolean {
  const code = codeOf(error);
  if (code === "EAGAIN") return true;
  if (code !== "ENXIO" || (flags & libc.O_ACCMODE) !== libc.O_WRONLY) return false;
  // A socket or a device without a driver is ENXIO too. Without FSTAT it counts as a FIFO.
  return !rightsOf(descriptor(dir)).has("FSTAT") || stat(dir, path).isFifo === true;
}
