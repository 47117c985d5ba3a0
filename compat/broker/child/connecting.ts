/**
 * Connects and listens, in the second process. No call blocks, so that other requests continue.
 *
 * @module
 */
import { failure, serving } from "../../../ffi/failure.ts";
import { POLLOUT } from "../../../ffi/libc/bytes.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { connected, connectNow, listenAt, socketFor } from "../../../ffi/libc/socket_calls.ts";
import type { SocketAddress } from "../../../ffi/libc/by_descriptor.ts";
import { closePassed } from "../../fs/descriptor.ts";
import { pauses, readiness, sleepUnlessAborted, unlessAborted } from "../../fs/io/waiting.ts";

/**
 * Returns the descriptor of a new connection. Aborting the signal ends the attempt.
 *
 * @param name The address, for error messages.
 * @param check Throws if the connection is not permitted, also if only since the attempt began.
 */
export async function connectTo(
  address: SocketAddress,
  name: string,
  signal: AbortSignal,
  check: () => void,
): Promise<number> {
  signal.throwIfAborted();
  const fd = socketFor(address), on = serving(fd, { path: name });
  try {
    for (const pause = pauses();;) {
      check();
      try {
        if (!connectNow(on, address, name)) {
          await unlessAborted(readiness(fd, POLLOUT), signal);
          connected(on, name);
        }
        check();
        makeBlocking(fd);
        return fd;
      } catch (error) {
        // On Linux, the queue of the listening Unix socket is full.
        if (!("path" in address && error instanceof Deno.errors.WouldBlock)) throw error;
      }
      await sleepUnlessAborted(pause.next().value, signal);
    }
  } catch (error) {
    closePassed([fd]);
    throw error;
  }
}

/** Clears O_NONBLOCK of a new descriptor. Unlike `setNonblocking()`, it throws if that fails. */
export function makeBlocking(fd: number): void {
  libc.fcntl(fd, libc.F_SETFL, libc.fcntl(fd, libc.F_GETFL) & ~libc.O_NONBLOCK);
}

/** Returns the descriptor of a new listening socket, with O_NONBLOCK: accept4(2) must never block the event loop. */
export function listening(address: SocketAddress, name: string): number {
  const fd = socketFor(address);
  try {
    listenAt(serving(fd, { path: name }), address, name);
    return fd;
  } catch (error) {
    closePassed([fd]);
    throw error;
  }
}

/** The error of a request that took longer than its timeout. */
export function timedOut(syscall: string, path: string, milliseconds: number): Error {
  return failure({ syscall, path }, "ETIMEDOUT", `not finished within ${milliseconds} ms (ETIMEDOUT).`);
}
