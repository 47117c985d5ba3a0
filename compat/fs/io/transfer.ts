import {
  POLLIN,
  POLLOUT,
  preadAsync,
  pwriteAsync,
  readAsync,
  readNow,
  receiveNow,
  sendNow,
  writeAsync,
  writeNow,
} from "../../../ffi/libc/threads.ts";
import * as libc from "../../../ffi/libc/mod.ts";

/** What moves bytes between a descriptor and a buffer, in each way that there is. */
export interface Transfer {
  /** What poll(2) reports when it need not wait. */
  readonly events: typeof POLLIN | typeof POLLOUT;
  /** On this thread, waiting if it must; throws. */
  here(fd: number, bytes: Uint8Array): number;
  /** On another thread, waiting if it must; -1 for an error. */
  away(fd: number, bytes: Uint8Array): Promise<number>;
  /** On this thread, with what is O_NONBLOCK; undefined if it would have to wait. */
  now(fd: number, bytes: Uint8Array): number | undefined;
  /** On this thread, with a socket; undefined if it would have to wait, NO_SOCKET if it is none. Not at an offset. */
  socket?(fd: number, bytes: Uint8Array, isRecord: boolean): number | undefined;
}

export const reading: Transfer = {
  events: POLLIN,
  here: libc.read,
  away: readAsync,
  now: readNow,
  // read(2) of no bytes takes no message, and recv(2) does.
  socket: (fd, bytes) => bytes.length === 0 ? libc.read(fd, bytes) : receiveNow(fd, bytes),
};

export const writing: Transfer = {
  events: POLLOUT,
  here: libc.write,
  away: writeAsync,
  now: writeNow,
  socket: sendNow,
};

export function readingAt(offset: number | bigint): Transfer {
  const here = (fd: number, bytes: Uint8Array) => libc.pread(fd, bytes, bytes.length, offset);
  return {
    events: POLLIN,
    here,
    away: (fd, bytes) => preadAsync(fd, bytes, offset),
    now: (fd, bytes) => unlessBlocked(() => here(fd, bytes)),
  };
}

export function writingAt(offset: number | bigint): Transfer {
  const here = (fd: number, bytes: Uint8Array) => libc.pwrite(fd, bytes, bytes.length, offset);
  return {
    events: POLLOUT,
    here,
    away: (fd, bytes) => pwriteAsync(fd, bytes, offset),
    now: (fd, bytes) => unlessBlocked(() => here(fd, bytes)),
  };
}

function unlessBlocked(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Deno.errors.WouldBlock) return undefined;
    throw error;
  }
}

/** How many bytes a call has written, of those that it was given. */
export function progress(written: number): number {
  if (written > 0) return written;
  throw new Deno.errors.WriteZero("The file takes no more bytes: a write of some has written none.");
}
