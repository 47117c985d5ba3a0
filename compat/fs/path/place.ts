import { descriptor, type FdLike } from "../../../ffi/fd_like.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { openBeneath } from "../open.ts";
import { checkedPath, lastComponent } from "./components.ts";
import { checkDirectory, follow, renaming, type Told } from "./resolve.ts";

/** A name in an open directory, and the path that the caller knows it by. */
export interface Spot {
  /** The directory. */
  readonly fd: number;
  /** The name in it: one component, "." where the path ends in "." or "..". */
  readonly name: string;
  /** How errors name it. */
  readonly told: Told;
}

/** Makes a call on a spot, whose error then names the path that the caller knows. */
export function on<T>({ fd, name, told }: Spot, use: (fd: number, name: string) => T): T {
  return renaming(told, fd, name, () => use(fd, name));
}

/**
 * What a path names, as a name in a directory of which it holds a descriptor of its own.
 *
 * The path is resolved once, here: to close the `Dir` meanwhile changes nothing.
 */
export class Place implements Spot, Disposable {
  readonly fd: number;
  readonly name: string;
  readonly told: Told;

  /**
   * Where a path leads, a last symlink followed; undefined if the end is no name, as that of "sub/..".
   *
   * It goes step by step, and stays beneath the directory.
   */
  static followed(dir: FdLike, path: string, syscall: string): Place | undefined {
    const fd = descriptor(dir), told = { fd, path, syscall };
    return follow([{ fd, name: "" }], path, told, (steps, name) => {
      return name === "." ? undefined : new Place(steps.at(-1)!.fd, name, syscall, true, told);
    });
  }

  /** Resolves a path, where a trailing slash asks for a directory and no symlink, unless the name `isNew`. */
  constructor(dir: FdLike, path: string, syscall: string, isNew = false, told?: Told) {
    const fd = descriptor(dir), [start, end] = lastComponent(checkedPath(path));
    const name = path.slice(start, end), isDots = name === "." || name === ".." || name === "/";
    const parent = isDots ? path : path.slice(0, start);
    this.name = isDots ? "." : name;
    this.told = told ?? { fd, path, syscall };
    this.fd = parent === "" ? libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0) : renaming(
      this.told,
      fd,
      parent,
      () => openBeneath(dir, parent, libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC),
    );
    try {
      if (end < path.length && !isDots && !isNew) on(this, checkDirectory);
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    libc.close(this.fd);
  }
}
