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

/** Reading or writing: one method for each way to move bytes between a descriptor and a buffer. */
export interface Transfer {
  /** The event of poll(2) that means that the call need not wait. */
  readonly events: typeof POLLIN | typeof POLLOUT;
  /** Calls on this thread, and waits if necessary; throws on failure. */
  here(fd: number, bytes: Uint8Array): number;
  /** Calls on another thread, and waits if necessary; resolves with -1 on failure. */
  away(fd: number, bytes: Uint8Array): Promise<number>;
  /** Calls on this thread for a descriptor with O_NONBLOCK; undefined if it would have to wait. */
  now(fd: number, bytes: Uint8Array): number | undefined;
  /** Calls on this thread for a socket; undefined if it would have to wait, NO_SOCKET if it is not a socket. */
  socket?(fd: number, bytes: Uint8Array, isRecord: boolean): number | undefined;
}

export const reading: Transfer = {
  events: POLLIN,
  here: libc.read,
  away: readAsync,
  now: readNow,
  // With 0 bytes, read(2) leaves a message in the socket and recv(2) removes it.
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

/** The number of bytes that a call has written; throws if there are none. */
export function progress(written: number): number {
  if (written > 0) return written;
  throw new Deno.errors.WriteZero("The file takes no more bytes: a write of some has written none.");
}
