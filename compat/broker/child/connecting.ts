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
import { setNonblocking } from "../../fs/io/async_calls.ts";
import { pauses, readiness, sleepUnlessAborted } from "../../fs/io/waiting.ts";

/**
 * Returns the descriptor of a new connection. Aborting the signal ends the attempt.
 *
 * @param name The address, for error messages.
 */
export async function connectTo(address: SocketAddress, name: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const fd = socketFor(address), on = serving(fd, { path: name });
  try {
    for (const pause = pauses();;) {
      try {
        if (!connectNow(on, address, name)) {
          await writable(fd, signal);
          connected(on, name);
        }
        setNonblocking(fd, false);
        return fd;
      } catch (error) {
        // On Linux, the queue of the listening Unix socket is full.
        if (!("path" in address && error instanceof Deno.errors.WouldBlock)) throw error;
      }
      await sleepUnlessAborted(pause.next().value, signal);
    }
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

async function writable(fd: number, signal: AbortSignal): Promise<void> {
  const { promise, drop } = readiness(fd, POLLOUT);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    drop();
    signal.removeEventListener("abort", abort);
  }
}

/** Returns the descriptor of a new listening socket, with O_NONBLOCK: accept4(2) must never block the event loop. */
export function listening(address: SocketAddress, name: string): number {
  const fd = socketFor(address);
  try {
    listenAt(serving(fd, { path: name }), address, name);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** The error of a request that took longer than its timeout. */
export function timedOut(syscall: string, path: string, milliseconds: number): Error {
  return failure({ syscall, path }, "ETIMEDOUT", `not finished within ${milliseconds} ms (ETIMEDOUT).`);
}
