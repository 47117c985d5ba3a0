import { assert } from "@std/assert";
import { polling } from "../../../compat/fs/io/waiting.ts";
import { type FdFile, libc, openDirSync } from "../../../mod.ts";
import type { Fixture } from "../../_fixture.ts";

/** Opens one named pipe, in blocking mode: `readers` readers and one writer. */
export function openWaitingPipe(fixture: Fixture, readers = 1): { readers: FdFile[]; writer: FdFile } {
  using dir = openDirSync(fixture.path);
  if (!fixture.exists("pipe")) libc.mkfifoat(dir, "pipe", 0o600);
  // Opening only one end waits for the other.
  using _both = dir.openSync("pipe", { read: true, write: true });
  return {
    readers: Array.from({ length: readers }, () => dir.openSync("pipe")),
    writer: dir.openSync("pipe", { write: true }),
  };
}

/** A pause, in milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits for the end of every poll(2) that is no longer needed, so that Deno does not count it as a leaked operation. */
export async function endOfPolls(): Promise<void> {
  const end = performance.now() + 30_000;
  do {
    await pause(5);
    if (performance.now() > end) throw new Error(`${polling} poll(2) calls are still needed after 30 s.`);
  } while (polling > 0);
}

/** Returns "waits" if the promise is still pending after a while, otherwise its value. */
export async function settledSoon<T>(promise: Promise<T>, milliseconds = 150): Promise<T | "waits"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"waits">((resolve) => timer = setTimeout(resolve, milliseconds, "waits"));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Repeats a call until a timer has run three times meanwhile. A busy machine may delay the timer. */
export async function ticking(call: () => Promise<void>): Promise<void> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1), end = performance.now() + 60_000;
  while (ticks < 3 && performance.now() < end) await call();
  clearInterval(timer);
  assert(ticks >= 3, `${ticks} ticks`);
}
