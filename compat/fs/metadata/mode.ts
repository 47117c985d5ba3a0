import { shown } from "../../../ffi/message.ts";
import { abi } from "../../../ffi/system.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { statOf } from "./stat.ts";

/**
 * The permission bits of a mode that something is made with, as Deno takes them: no setuid, setgid or sticky bit.
 *
 * @throws {RangeError} If it is no mode.
 */
export function permissionBits(mode: number): number {
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o177777) return mode & 0o777;
  throw new RangeError(`A mode is an integer from 0 to 65535 (0o177777), not ${shown(mode)}.`);
}

/** Whether a file has an access control list beyond its mode, where the system says so. */
export function hasAcl(fd: number): boolean {
  return abi().hasAcl?.(fd) ?? false;
}

/** Whether the file that a name stands for may have an access control list. */
export function mayHaveAcl(fd: number, name: string): boolean {
  if (abi().hasAcl === undefined) return false;
  for (const access of [libc.O_RDONLY, libc.O_WRONLY]) {
    try {
      const file = libc.openat(fd, name, access | libc.O_NONBLOCK | libc.O_NOFOLLOW | libc.O_CLOEXEC);
      try {
        return hasAcl(file);
      } finally {
        libc.close(file);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
  return true;
}

/**
 * The mode for a file that takes over what another one holds, so that nobody may do more with it than with that one.
 *
 * The group's bits are those of the original if both have the same group. Else, and if the new file has an access
 * control list, whose entries they bound, group and others get what both have in the original. An original that has such
 * a list gives bits to the owner alone. Setuid, setgid and the sticky bit stay on root's files, as when Deno copies them.
 *
 * @param original What is known of the original.
 * @param hasList Whether the original may have an access control list.
 * @param fd The new file, open.
 */
export function modeAfter(original: Deno.FileInfo, hasList: boolean, fd: number): number {
  const copy = statOf(fd), mode = original.mode!, isGroups = copy.gid === original.gid;
  const special = copy.uid === 0 && original.uid === 0 ? mode & (isGroups ? 0o7000 : 0o5000) : 0;
  return special | permissionsAfter(original, hasList, copy, hasAcl(fd));
}

function permissionsAfter(
  { mode, gid }: Deno.FileInfo,
  hasList: boolean,
  copy: Deno.FileInfo,
  copyHasList: boolean,
): number {
  if (hasList) return mode! & 0o700;
  if (copy.gid === gid && !copyHasList) return mode! & 0o777;
  const both = mode! >> 3 & mode! & 7;
  return mode! & 0o700 | both << 3 | both;
}

/** The mode of a new directory that takes over what another one holds: no more than of that one, nor than by the umask. */
export class DirectoryMode {
  readonly #made: number;
  readonly #last: number;

  /**
   * @param from The directory that is copied, open to read.
   * @param to The new one, empty, made with the mode of the other.
   */
  constructor(from: number, to: number) {
    const original = statOf(from), made = statOf(to);
    const bits = permissionsAfter(original, hasAcl(from), made, mayHaveAcl(to, "."));
    this.#made = made.mode! & 0o7777;
    const granted = bits & this.#made, sticky = granted & 0o022 ? original.mode! & 0o1000 : 0;
    // A setgid bit comes from the directory above.
    this.#last = granted | sticky | this.#made & 0o2000;
  }

  /** Sets what holds while the directory is filled. */
  begin(fd: number): void {
    if (this.#filling !== this.#made) libc.fchmodat(fd, ".", this.#filling, 0);
  }

  /** Sets what holds from then on. */
  end(fd: number): void {
    if (this.#last !== this.#filling) libc.fchmodat(fd, ".", this.#last, 0);
  }

  get #filling(): number {
    return this.#last | 0o700;
  }
}
