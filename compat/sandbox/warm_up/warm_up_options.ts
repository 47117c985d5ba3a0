import { aBoolean, type Check } from "../../fs/options.ts";

/** What `warmUp()` makes Deno open now; each by default as it says. */
export interface WarmUpOptions {
  /**
   * The local time zone, for `Date`, `Intl` and `Temporal`: /etc/localtime, and where that is no symlink the files of
   * /usr/share/zoneinfo. By default true. Without it, local time is UTC after entering.
   */
  timezone?: boolean;
  /**
   * The source maps of the modules on the call stack, and of this library's that throw, for the lines in `error.stack`:
   * files in Deno's cache. Other modules have theirs opened by the first stack trace with them in it. By default true.
   */
  stackTraces?: boolean;
  /**
   * The root certificates, which the first `fetch()` loads, be it of a `data:` URL; network there is none later. By
   * default false.
   */
  certificates?: boolean;
}

/** A check for each option. */
export const warmUpOptions: Readonly<Record<keyof WarmUpOptions, Check>> = {
  timezone: aBoolean,
  stackTraces: aBoolean,
  certificates: aBoolean,
};
