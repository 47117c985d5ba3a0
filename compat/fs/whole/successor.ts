/** A new file that replaces another file in the same directory once it is complete. */
import * as libc from "../../../ffi/libc/mod.ts";
import type { RightName } from "../../../rights/right.ts";
import { FdFile } from "../file.ts";
import { renameUnlessThere } from "../path/links.ts";
import { on, type Spot } from "../path/place.ts";
import { told } from "../path/told.ts";
import { createNew, withFreshName } from "./temp.ts";

/** The rights that are needed to make such a file, to set its mode, and to rename it to its final name. */
export const SUCCEEDING = [
  ...["CREATE", "WRITE", "FSTAT", "FCHMOD"] as const,
  ...["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT"] as const,
] as const satisfies readonly RightName[];

/**
 * A file that will get the name of `place`. Until it is published, only its owner may open it.
 *
 * Until then the file has a hidden name in the same directory; a file that is never published is removed.
 */
export class Successor implements Disposable {
  readonly file: FdFile;
  readonly #place: Spot;
  readonly #name: string;
  #isThere = true;

  /** Makes the file with `mode` less the umask. */
  constructor(place: Spot, mode = 0o600) {
    this.#place = place;
    let fd: number;
    this.#name = withFreshName({ prefix: ".new-" }, (name) => {
      fd = on({ ...place, name }, () => createNew(place.fd, name, mode));
    });
    this.file = new FdFile(fd!);
  }

  /** Sets the mode of the file and renames it. With `replaces` false, it throws if the final name exists. */
  publish(mode: number, replaces = true): void {
    const { fd } = this.file;
    try {
      libc.fchmod(fd, mode);
      this.file.close();
    } catch (error) {
      throw told(error, fd, this.#place.told);
    }
    const rename = replaces ? libc.renameat : renameUnlessThere;
    this.#renaming((from) => on(this.#place, (fd, name) => rename(fd, from, fd, name)));
    this.#isThere = false;
  }

  /** Removes the file. */
  discard(): void {
    this.file.close();
    this.#isThere = false;
    this.#renaming((name) => libc.unlinkat(this.#place.fd, name, 0));
  }

  [Symbol.dispose](): void {
    try {
      using _file = this.file;
      if (this.#isThere) libc.unlinkat(this.#place.fd, this.#name, 0);
    } catch {
      // The error that came first is the one to throw.
    }
  }

  #renaming(use: (name: string) => void): void {
    const { fd, told } = this.#place;
    on({ fd, told, name: this.#name }, (_fd, name) => use(name));
  }
}
