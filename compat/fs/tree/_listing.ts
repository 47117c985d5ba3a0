import type { DirectoryChunk } from "../../../ffi/freebsd/structs.ts";

/** An entry of a directory: its name and its `d_type`. */
export interface Entry {
  readonly name: string;
  readonly type: number;
}

/** The entries of a directory, one by one. It buffers one read, and more only if the directory must be closed. */
export class Listing {
  readonly #read: () => DirectoryChunk | undefined;
  #chunks: DirectoryChunk[] = [];
  /** The next entry of the first chunk. */
  #next = 0;
  #isRead = false;
  /** The error that ended the reading; it is thrown after the entries that were read before. */
  #failure: { readonly error: unknown } | undefined;

  /** @param read Returns the next entries, and undefined at the end. */
  constructor(read: () => DirectoryChunk | undefined) {
    this.#read = read;
  }

  /** The next entry; undefined at the end, and after an error. */
  next(): Entry | undefined {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk !== undefined && this.#next < chunk.names.length) {
        const name = chunk.names[this.#next]!, type = chunk.types[this.#next++]!;
        return { name, type };
      }
      this.#chunks.shift();
      this.#next = 0;
      if (this.#chunks.length > 0) continue;
      if (!this.#isRead) this.#readMore();
      else if (this.#failure === undefined) return undefined;
      else {
        const { error } = this.#failure;
        this.#failure = undefined;
        throw error;
      }
    }
  }

  /** Reads the rest, before the directory is closed. */
  readRest(): void {
    while (!this.#isRead) this.#readMore();
  }

  #readMore(): void {
    try {
      const chunk = this.#read();
      if (chunk === undefined) this.#isRead = true;
      else this.#chunks.push(chunk);
    } catch (error) {
      this.#isRead = true;
      this.#failure = { error };
    }
  }
}
