import { shown } from "../../../ffi/message.ts";
import { abi } from "../../../ffi/system.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { statOf } from "./stat.ts";

/**
 * The permission bits of a mode for a new file, without setuid, setgid and sticky bit, as in Deno.
 *
 * @throws {RangeError} If `mode` is not a valid file mode.
 */
export function permissionBits(mode: number): number {
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o177777) return mode & 0o777;
  throw new RangeError(`A mode is an integer from 0 to 65535 (0o177777), not ${shown(mode)}.`);
}

/** Whether a file has an access control list beyond its mode; false if the system does not report it. */
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
 * The mode for a copy of a file. No user gets more permissions on the copy than on the original.
 *
 * If both files have the same group, all permission bits are kept. If the groups differ, or if the copy has an access
 * control list, group and others get the bits that both have in the original. The reason is that the group bits bound
 * the entries of such a list. If the original has a list, only the owner gets bits. Setuid, setgid and sticky bit stay
 * on files of root, as in Deno.
 *
 * @param original The attributes of the original.
 * @param hasList Whether the original may have an access control list.
 * @param fd A descriptor of the copy.
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

/** The mode of a copy of a directory. It never exceeds the mode of the original or the umask. */
export class DirectoryMode {
  readonly #made: number;
  readonly #last: number;

  /**
   * @param from A descriptor of the original, open for reading.
   * @param to A descriptor of the copy, which is empty and was made with the mode of the original.
   */
  constructor(from: number, to: number) {
    const original = statOf(from), made = statOf(to);
    const bits = permissionsAfter(original, hasAcl(from), made, mayHaveAcl(to, "."));
    this.#made = made.mode! & 0o7777;
    const granted = bits & this.#made, sticky = granted & 0o022 ? original.mode! & 0o1000 : 0;
    // A setgid bit of the copy was inherited from its parent directory.
    this.#last = granted | sticky | this.#made & 0o2000;
  }

  /** Sets the mode for the time in which the directory is filled. */
  begin(fd: number): void {
    if (this.#filling !== this.#made) libc.fchmodat(fd, ".", this.#filling, 0);
  }

  /** Sets the final mode. */
  end(fd: number): void {
    if (this.#last !== this.#filling) libc.fchmodat(fd, ".", this.#last, 0);
  }

  get #filling(): number {
    return this.#last | 0o700;
  }
}
