import { shown } from "../../ffi/message.ts";

/**
 * The permission bits of a mode that something is made with, as Deno takes them: no setuid, setgid or sticky bit.
 *
 * @throws {RangeError} When it is no mode.
 */
export function permissionBits(mode: number): number {
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o177777) return mode & 0o777;
  throw new RangeError(`A mode is an integer from 0 to 65535 (0o177777), not ${shown(mode)}.`);
}
