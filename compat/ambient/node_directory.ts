/** The `fs.Dir` that `fs.opendir()` returns. */
import type { Call } from "./deno.ts";
import { later, withCode } from "./node_values.ts";

/**
 * An open directory of node:fs. All its entries are read when it is opened.
 *
 * @param path The path that the caller passed.
 * @param entries Its `fs.Dirent`s.
 */
export function directoryOf(path: string, entries: readonly unknown[]): object {
  const rest = [...entries];
  let isOpen = true;
  const check = () => {
    if (!isOpen) throw withCode(new Error("fs.Dir: the directory is closed"), "ERR_DIR_CLOSED");
  };
  const readSync = () => {
    check();
    return rest.shift() ?? null;
  };
  const closeSync = () => {
    check();
    isOpen = false;
  };
  /** A method that calls back, or returns a promise if it has no callback. */
  const twin = (sync: () => unknown) => (callback?: Call) => {
    const result = (async () => await sync())();
    if (callback !== undefined) {
      result.then((value) => later(callback, null, value), (error) => later(callback, error));
    }
    return callback === undefined ? result : undefined;
  };
  const dispose = () => {
    isOpen = false;
  };
  async function* each() {
    try {
      for (let entry; (entry = await readSync()) !== null;) yield entry;
    } finally {
      dispose();
    }
  }
  return {
    path,
    read: twin(readSync),
    readSync,
    close: twin(closeSync),
    closeSync,
    entries: each,
    [Symbol.asyncIterator]: each,
    [Symbol.asyncDispose]: async () => await dispose(),
    [Symbol.dispose]: dispose,
  };
}
