import { shown } from "../../../ffi/message.ts";
import { checkedPath } from "./components.ts";

/**
 * The path that a `file:` URL names, decoded as Deno decodes it, or the path itself.
 *
 * @throws {TypeError} If the URL is not a `file:` URL, names a host, or its escapes are not UTF-8.
 */
export function pathOf(path: string | URL): string {
  if (!(path instanceof URL)) return path;
  try {
    // A "%" that does not start an escape stands for itself.
    if (path.protocol === "file:" && path.hostname === "") {
      return decodeURIComponent(path.pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
    }
  } catch (cause) {
    throw new TypeError("A path must be a string or a file: URL, whose escapes are UTF-8.", { cause });
  }
  throw new TypeError(`A path must be a string or a file: URL of this machine, not ${shown(path.href)}.`);
}

/**
 * The path that {@link pathOf} gives, if a system call can take it.
 *
 * @throws {TypeError} If it is not a string, is empty or has a NUL.
 */
export function ambientPath(path: string | URL): string {
  return checkedPath(pathOf(path));
}
