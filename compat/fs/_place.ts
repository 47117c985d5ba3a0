import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { openBeneath } from "./open.ts";
import { checkedPath, lastComponent } from "./_path.ts";
import { checkDirectory, renaming } from "./_resolve.ts";

/**
 * What a path names, as a name in a directory of which it holds a descriptor of its own.
 *
 * The path is resolved once, here, and whoever closes the `Dir` meanwhile leads nothing away.
 */
export class Place implements Disposable {
  /** The directory. */
  readonly fd: number;
  /** The name in it: one component, "." where the path ends in "." or "..". */
  readonly name: string;

  /** Resolves a path, where a trailing slash asks for a directory and no symlink, unless the name `isNew`. */
  constructor(dir: FdLike, path: string, syscall: string, isNew = false) {
    const fd = descriptor(dir), [start, end] = lastComponent(checkedPath(path));
    const name = path.slice(start, end), isDots = name === "." || name === ".." || name === "/";
    const parent = isDots ? path : path.slice(0, start);
    this.name = isDots ? "." : name;
    this.fd = parent === "" ? libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0) : renaming(
      { fd, path, syscall },
      fd,
      parent,
      () => openBeneath(dir, parent, libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC),
    );
    try {
      if (end < path.length && !isDots && !isNew) {
        renaming({ fd, path, syscall }, this.fd, name, () => checkDirectory(this.fd, name));
      }
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    libc.close(this.fd);
  }
}
