import { descriptor, type FdLike } from "../../../ffi/values.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { openBeneath } from "../open.ts";
import { checkedPath, lastComponent } from "./components.ts";
import { checkDirectory, follow, renaming, type Told } from "./resolve.ts";

/** A name in an open directory, and the path that the caller gave for it. */
export interface Spot {
  /** The directory. */
  readonly fd: number;
  /** The name in it: one component, or "." if the path ends in "." or "..". */
  readonly name: string;
  /** The call and the path that errors name. */
  readonly told: Told;
}

/** Makes a call on a spot; its error names the path that the caller gave. */
export function on<T>({ fd, name, told }: Spot, use: (fd: number, name: string) => T): T {
  return renaming(told, fd, name, () => use(fd, name));
}

/**
 * A resolved path: a name, and a descriptor of its own for the directory that contains the name.
 *
 * The path is resolved once, by the constructor. Closing the `Dir` after that has no effect on the place.
 */
export class Place implements Spot, Disposable {
  readonly fd: number;
  readonly name: string;
  readonly told: Told;

  /**
   * Resolves a path and follows a symlink at its end. Returns undefined if the path does not end in a name, such as
   * "sub/..".
   *
   * The path is resolved component by component, and stays beneath the directory.
   */
  static followed(dir: FdLike, path: string, syscall: string): Place | undefined {
    const fd = descriptor(dir), told = { fd, path, syscall };
    return follow([{ fd, name: "" }], path, told, (steps, name) => {
      return name === "." ? undefined : new Place(steps.at(-1)!.fd, name, syscall, true, told);
    });
  }

  /** Resolves a path. With a trailing slash, it must be a directory and not a symlink, unless the name `isNew`. */
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
