import { eventsOf, pollAsync, pollfds } from "../../../ffi/libc/threads.ts";
import type { Wait } from "./wait.ts";

interface Waiting {
  fd: number;
  events: number;
  resolve(events: number): void;
  reject(error: unknown): void;
  dropped: boolean;
}

/** The most threads that wait at a time, each for many descriptors. */
const threads = 4;
/** The most descriptors of one poll(2), below the limit of every system. */
const atOnce = 1024;
/**
 * Milliseconds of one poll(2). A descriptor that comes while it runs starts another poll(2). If all threads are taken,
 * it has to wait for the next one, so the last thread polls for a shorter time.
 */
const slice = 100, lastSlice = 10;

const waiting = new Set<Waiting>();
let polling = 0, scheduled = false;

/** Waits for events of a descriptor and resolves with them. All waiting descriptors share a few poll(2) threads. */
export function readiness(fd: number, events: number): Wait<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const entry: Waiting = { fd, events, resolve, reject, dropped: false };
  waiting.add(entry);
  schedule();
  const drop = () => {
    entry.dropped = true;
    waiting.delete(entry);
  };
  return { promise, drop };
}

/** Lets the event loop run its other work; resolves sooner than a timer. */
export async function breath(): Promise<void> {
  await pollAsync(pollfds([]), 0);
}

/** Descriptors that come together share one poll(2). */
function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    if (waiting.size > 0 && polling < threads) void pollSome();
  });
}

async function pollSome(): Promise<void> {
  polling++;
  const entries = [...waiting.values().take(atOnce)];
  for (const entry of entries) waiting.delete(entry);
  const fds = pollfds(entries);
  try {
    const count = await pollAsync(fds, polling === threads ? lastSlice : slice);
    for (const [i, entry] of entries.entries()) {
      const events = count > 0 ? eventsOf(fds, i) : 0;
      // The number of a dropped descriptor may belong to another file by now.
      if (entry.dropped) continue;
      if (events !== 0) entry.resolve(events);
      else waiting.add(entry);
    }
  } catch (error) {
    for (const { reject } of entries) reject(error);
  } finally {
    polling--;
    schedule();
  }
}
