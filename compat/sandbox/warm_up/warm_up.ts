import { checkOptions } from "../../fs/options.ts";
import { readStackTraces } from "./_stack_traces.ts";
import { type WarmUpOptions, warmUpOptions } from "./warm_up_options.ts";

export type { WarmUpOptions };

/**
 * Makes parts of Deno that would open files later open them now, before `enter()`. Returns the names of these parts.
 *
 * The parts were found on Linux, by tracing the system calls of Deno 2.9.6. Console, timers, random numbers, hashes,
 * `Intl` except for the time zone, `TextDecoder`, signals and `performance` open nothing. Warming up does not help APIs
 * that open files each time, such as Web Storage, `caches`, `Deno.openKv()` and a new `Worker` from a file.
 *
 * Needs no permission. With `--allow-ffi`, it also calls libc functions on a descriptor that is not open, which fail.
 *
 * @throws {TypeError} If the options are not an object.
 *
 * @example
 * ```ts
 * import { warmUp } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(warmUp({ stackTraces: false }), ["timezone"]);
 * ```
 */
export function warmUp(options: WarmUpOptions = {}): string[] {
  checkOptions("warmUp()", options, warmUpOptions);
  const chosen = { timezone: true, stackTraces: true, certificates: false, ...options };
  const parts = (Object.keys(warming) as (keyof typeof warming)[]).filter((part) => chosen[part]);
  for (const part of parts) warming[part]();
  return parts;
}

/**
 * Makes Deno look up the local time zone now, and returns its name, such as `"Europe/Berlin"`. This is the equivalent
 * of caph_cache_tzdata() of capsicum_helpers.h for `Date`, `Intl` and `Temporal`.
 *
 * Without it, local time is UTC after `enter()`. If the variable `TZ` changes later, Deno looks it up again. There is
 * no equivalent of caph_cache_catpages(): Deno never sets the locale of libc, so libc opens no message catalogs.
 *
 * Calls no libc function and needs no permission.
 *
 * @throws {RangeError} If `Intl` refuses the time zone in the variable `TZ`.
 *
 * @example
 * ```ts
 * import { cacheTimezone } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(cacheTimezone(), new Intl.DateTimeFormat().resolvedOptions().timeZone);
 * ```
 */
export function cacheTimezone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const warming = {
  timezone: cacheTimezone,
  stackTraces: readStackTraces,
  certificates: () => Deno.createHttpClient({}).close(),
};
