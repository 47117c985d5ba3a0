import { aBoolean, type Check } from "../../fs/options.ts";

/** The parts of Deno that `warmUp()` prepares. */
export interface WarmUpOptions {
  /**
   * The local time zone, for `Date`, `Intl` and `Temporal`. Deno reads /etc/localtime and, if that is not a symlink,
   * the files of /usr/share/zoneinfo. Without it, local time is UTC after entering. Default: true.
   */
  timezone?: boolean;
  /**
   * The source maps for the lines in `error.stack`, which are files in Deno's cache. It reads those of the modules on
   * the call stack and of the modules of this library that throw. For any other module, the first stack trace that
   * contains it opens the file. Default: true.
   */
  stackTraces?: boolean;
  /**
   * The root certificates. The first `fetch()` loads them, even for a `data:` URL. After entering there is no network.
   * Default: false.
   */
  certificates?: boolean;
}

/** A check for each option. */
export const warmUpOptions: Readonly<Record<keyof WarmUpOptions, Check>> = {
  timezone: aBoolean,
  stackTraces: aBoolean,
  certificates: aBoolean,
};
