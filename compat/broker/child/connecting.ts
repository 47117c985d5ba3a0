/**
 * Connects and listens, in the second process. Nothing here waits in the kernel, so requests go on beside each other.
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
 * The descriptor of a new connection. An aborted signal ends the attempt.
 *
 * @param name What errors call the address.
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
        // Linux: too many connections of this socket wait to be accepted.
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

/** The descriptor of a new socket that listens, with O_NONBLOCK: accept4(2) must never stop the event loop. */
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
  return failure({ syscall, path }, "ETIMEDOUT", `not done within ${milliseconds} ms (ETIMEDOUT).`);
}
