import { checkOptions } from "../../fs/options.ts";
import { readStackTraces } from "./_stack_traces.ts";
import { type WarmUpOptions, warmUpOptions } from "./warm_up_options.ts";

export type { WarmUpOptions };

/**
 * Makes the parts of Deno that would open files later do it now, before `enter()`, and gives their names.
 *
 * Which these are was seen on Linux, by a trace of Deno 2.9.6's system calls: console, timers, random numbers, hashes,
 * Intl but for the zone, `TextDecoder`, signals and `performance` open nothing. What opens files each time, as Web Storage,
 * `caches`, `Deno.openKv()` and a new `Worker` from a file, no warming up helps.
 *
 * Needs no permission. With `--allow-ffi`, functions of libc are called on a descriptor that is not open, so that they fail.
 *
 * @throws {TypeError} If the options are no object.
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
 * Makes Deno look for the local time zone now, and gives its name, as `"Europe/Berlin"`: caph_cache_tzdata() of
 * capsicum_helpers.h for the zone that `Date`, `Intl` and `Temporal` have.
 *
 * Without it, local time is UTC after `enter()`. A change of the variable `TZ` later makes Deno look again. Message
 * catalogs, for which the header has caph_cache_catpages(), are nothing to Deno: it never sets libc's locale, so libc
 * opens none.
 *
 * Calls no libc function and needs no permission.
 *
 * @throws {RangeError} Never, unless the zone of the variable `TZ` is one that Intl refuses.
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
