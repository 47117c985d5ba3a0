/** Sets the times of what was unpacked, with nanoseconds. */
import { type Dir, type FdFile, libc } from "../mod.ts";
import type { Time } from "./_tar_fields.ts";

/** A time as the two `struct timespec` of futimens(2). */
function timespecs({ seconds, nanoseconds }: Time): Uint8Array {
  // -1 is VNOVAL of FreeBSD's sys/vnode.h: the kernel would not change the time, but report success.
  if (seconds === -1n && Deno.build.os === "freebsd") {
    throw new Error("FreeBSD can't set the second before 1970");
  }
  return new Uint8Array(new BigInt64Array([seconds, nanoseconds, seconds, nanoseconds]).buffer);
}

/** Sets the time of an open file, with nanoseconds. */
export function setTime(file: FdFile | Dir, time: Time): void {
  libc.futimens(file, timespecs(time));
}

/**
 * Sets the time of a symlink. It is a single name in its directory, so the kernel follows no other symlink. The sandbox on
 * Linux can't permit this call: there the symlink keeps the time at which it was made.
 */
export function setLinkTime(out: Dir, names: string[], time: Time): void {
  using above = out.openDirSync(names.slice(0, -1).join("/") || ".");
  try {
    libc.utimensat(above, names.at(-1)!, timespecs(time), libc.AT_SYMLINK_NOFOLLOW);
  } catch (error) {
    if (Deno.build.os !== "linux" || (error as { code?: string }).code !== "EPERM") throw error;
  }
}
