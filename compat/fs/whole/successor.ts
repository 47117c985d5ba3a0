/** A new file beside another one, whose place it takes as a whole once it is complete. */
import * as libc from "../../../ffi/libc/mod.ts";
import type { RightName } from "../../../rights/mod.ts";
import { FdFile } from "../file.ts";
import { renameUnlessThere } from "../path/links.ts";
import { on, type Spot } from "../path/place.ts";
import { told } from "../path/told.ts";
import { createNew, withFreshName } from "./temp.ts";

/** The rights that it takes to make such a file, to give it its mode, and to let it take the place. */
export const SUCCEEDING = [
  ...["CREATE", "WRITE", "FSTAT", "FCHMOD"] as const,
  ...["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT"] as const,
] as const satisfies readonly RightName[];

/**
 * The file that is to take a place. Only its owner may open it until it is published.
 *
 * It has a hidden name in the same directory; if it is not published, that is removed.
 */
export class Successor implements Disposable {
  readonly file: FdFile;
  readonly #place: Spot;
  readonly #name: string;
  #isThere = true;

  /** Makes it, with a mode of which the umask is taken away. */
  constructor(place: Spot, mode = 0o600) {
    this.#place = place;
    let fd: number;
    this.#name = withFreshName({ prefix: ".new-" }, (name) => {
      fd = on({ ...place, name }, () => createNew(place.fd, name, mode));
    });
    this.file = new FdFile(fd!);
  }

  /** Gives it its mode and lets it take the place; with `replaces` false, only if nothing has that. */
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

  /** Removes it. */
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
      // What failed before is thrown.
    }
  }

  #renaming(use: (name: string) => void): void {
    const { fd, told } = this.#place;
    on({ fd, told, name: this.#name }, (_fd, name) => use(name));
  }
}
