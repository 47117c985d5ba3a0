import { libc } from "../../mod.ts";

/** Where the calls of `_calls.ts` find what they are given: files and descriptors. */
export interface Place {
  /** An ambient path. */
  at(name: string): string;
  /** A new descriptor, for reading and writing, of a file of 8 bytes or more. */
  file(): number;
  /** A new descriptor of a directory with a "file" and a "link" to it. */
  dir(): number;
  /** The name of a new file in that directory. */
  another(): string;
  /** A name that is not in that directory. */
  unused(): string;
}

/** A directory that is filled through the library alone, so that `--allow-ffi` is enough, also in capability mode. */
export class LibcPlace implements Place, Disposable {
  readonly #path: string;
  readonly #base: number;
  readonly #open: number[] = [];
  #names = 0;

  /** Takes a directory that exists and is empty, or was a place before. */
  constructor(path: string) {
    this.#path = path;
    this.#base = libc.open(path, libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC);
    this.#create("file");
    try {
      libc.symlinkat("file", this.#base, "link");
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }

  at(name: string): string {
    return `${this.#path}/${name}`;
  }

  file(): number {
    return this.#keep(libc.openat(this.#base, "file", libc.O_RDWR | libc.O_CLOEXEC));
  }

  dir(): number {
    return this.#keep(libc.openat(this.#base, ".", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC));
  }

  another(): string {
    const name = this.unused();
    this.#create(name);
    return name;
  }

  unused(): string {
    return `${Date.now()}-${this.#names++}`;
  }

  /** Closes the descriptors that it has given. */
  closeAll(): void {
    for (const fd of this.#open.splice(0)) libc.close(fd);
  }

  [Symbol.dispose](): void {
    this.closeAll();
    libc.close(this.#base);
  }

  #create(name: string): void {
    const fd = libc.openat(this.#base, name, libc.O_WRONLY | libc.O_CREAT | libc.O_CLOEXEC, 0o600);
    libc.write(fd, new TextEncoder().encode("some text"));
    libc.close(fd);
  }

  #keep(fd: number): number {
    this.#open.push(fd);
    return fd;
  }
}

/** A number that no descriptor has: a call that should not have come to a kernel does no harm there. */
const closed = 1_000_000;

/** Good arguments for where no kernel answers. */
export const nowhere: Place = {
  at: (name) => `/nowhere/${name}`,
  file: () => closed,
  dir: () => closed,
  another: () => "another",
  unused: () => "unused",
};
