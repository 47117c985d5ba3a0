import { eventsOf, pollAsync, pollfds } from "../../../ffi/libc/threads.ts";
import type { Wait } from "./wait.ts";

interface Waiting {
  fd: number;
  events: number;
  resolve(events: number): void;
  reject(error: unknown): void;
  dropped: boolean;
}

/** Threads that wait at once, each for many descriptors. */
const threads = 4;
/** Descriptors of one poll(2), fewer than any system's limit. */
const atOnce = 1024;
/**
 * Milliseconds of one poll(2). What comes while it runs starts another one or, if all threads are taken, joins the next:
 * so the last one is short.
 */
const slice = 100, lastSlice = 10;

const waiting = new Set<Waiting>();
let polling = 0, scheduled = false;

/** Waits for events of a descriptor, by poll(2) on a few threads for all that wait, and gives them. */
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

/** Lets everything else that the event loop has to do happen: sooner than a timer does. */
export async function breath(): Promise<void> {
  await pollAsync(pollfds([]), 0);
}

/** Those that come together are waited for together. */
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
      // A dropped one's number may be another file's by now.
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
