/** Synchronous calls on descriptors that the library made O_NONBLOCK. They wait as if the flag were not set. */
import { eventsWithin, POLLIN, POLLOUT, readNow, writeNow } from "../../../ffi/libc/threads.ts";
import { pauses } from "./wait.ts";

/** read(2) that waits. */
export function readHere(fd: number, bytes: Uint8Array): number {
  return waiting(fd, POLLIN, bytes, readNow);
}

/** write(2) that waits until at least a part is written. */
export function writeHere(fd: number, bytes: Uint8Array): number {
  return waiting(fd, POLLOUT, bytes, writeNow);
}

function waiting(
  fd: number,
  events: number,
  bytes: Uint8Array,
  call: (fd: number, bytes: Uint8Array) => number | undefined,
): number {
  if (bytes.length === 0) return call(fd, bytes) ?? 0;
  for (const pause = pauses();;) {
    const found = eventsWithin(0, fd, events);
    if (found === 0) {
      // A descriptor that is not open for this would never become ready.
      call(fd, new Uint8Array());
      eventsWithin(-1, fd, events);
      continue;
    }
    const moved = call(fd, bytes);
    if (moved !== undefined) return moved;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause.next().value);
  }
}
