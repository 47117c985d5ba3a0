/** The path that a `file:` URL names, or the path itself. */
export function pathOf(path: string | URL): string {
  if (!(path instanceof URL)) return path;
  if (path.protocol !== "file:" || path.host !== "") {
    throw new TypeError(`A path is a string or a file: URL of this machine, not ${path.href}.`);
  }
  return decodeURIComponent(path.pathname);
}
