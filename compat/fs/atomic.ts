/** Replaces a file as a whole: who opens it finds the old content or the new, and nothing in between. */
import type { FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { bytesOf } from "./_contents.ts";
import { FdFile } from "./fd_file.ts";
import { Place } from "./_place.ts";
import { createNew, withFreshName } from "./temp.ts";

/** The options of `Dir.writeFileAtomic`. */
export interface AtomicWriteOptions {
  /** The permission bits of the file, whatever the umask; by default 0o666 without those of the umask. */
  mode?: number;
}

export function writeAtomicSync(
  dir: FdLike,
  path: string,
  data: Uint8Array | string,
  options: AtomicWriteOptions,
): void {
  const bytes = bytesOf(data);
  using place = new Place(dir, path, "renameat");
  using next = new Successor(place, options.mode);
  next.file.writeAllSync(bytes);
  next.file.syncSync();
  next.publish();
}

export async function writeAtomic(
  dir: FdLike,
  path: string,
  data: Uint8Array | string,
  options: AtomicWriteOptions,
): Promise<void> {
  const bytes = bytesOf(data);
  using place = new Place(dir, path, "renameat");
  using next = new Successor(place, options.mode);
  await next.file.writeAll(bytes);
  await next.file.sync();
  next.publish();
}

/** The file that shall take a place, under another name until it is published. It is removed where that fails. */
class Successor implements Disposable {
  readonly file: FdFile;
  readonly #place: Place;
  readonly #name: string;
  #published = false;

  constructor(place: Place, mode: number | undefined) {
    this.#place = place;
    let fd: number;
    this.#name = withFreshName({ prefix: ".new-" }, (name) => fd = createNew(place.fd, name, mode ?? 0o666));
    this.file = new FdFile(fd!);
    try {
      if (mode !== undefined) libc.fchmod(this.file, mode);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  publish(): void {
    libc.renameat(this.#place.fd, this.#name, this.#place.fd, this.#place.name);
    this.#published = true;
  }

  [Symbol.dispose](): void {
    this.file[Symbol.dispose]();
    if (this.#published) return;
    try {
      libc.unlinkat(this.#place.fd, this.#name, 0);
    } catch {
      // What has failed before tells why: without UNLINKAT it can neither be published nor removed.
    }
  }
}
