/**
 * What paths lead to, from the tree as data alone, and what is done there.
 *
 * @module
 */
import {
  bytesIn,
  type Directory,
  type Existing,
  type Found,
  lookup,
  makeDirectory,
  makeFile,
  put,
} from "./_tree.ts";

/** What must come of a call. */
export type Expected =
  /** One of these errnos, or "TypeError". */
  | { errors: readonly string[] }
  /** It works; `value` is what `valueOf()` makes of its result, if that is known. */
  | { value?: unknown }
  /** Not known: the result may be anything that is safe. */
  | undefined;

export const text = [..."in"].map((sign) => sign.charCodeAt(0));
export const error = (...errors: string[]) => ({ errors });
export const done = {};

export type Use = (at: Paths, path: string, id: number) => Expected;

/** The paths of a tree. Each use changes the tree as the call must change the files. */
export class Paths {
  readonly top: Directory;
  constructor(top: Directory) {
    this.top = top;
  }

  /** What a path leads to, symlinks at the end included. */
  target(path: string): Found | string {
    return lookup(this.top, path, { follow: true, beneath: true });
  }

  /** The entry that a path names. A symlink at the end is not followed. */
  named(path: string): Found | string {
    const bare = path.replace(/(?<=[^/])\/+$/, "");
    const found = lookup(this.top, bare, { follow: false, beneath: true });
    return typeof found === "string" ? found : { ...found, hasSlash: bare !== path };
  }

  /** The name, which with a slash behind it must be that of a directory. */
  place(path: string): Found | string {
    const found = this.named(path);
    if (typeof found === "string" || !found.hasSlash) return found;
    if (found.node === undefined) return "ENOENT";
    return found.node.kind === "directory" ? found : "ENOTDIR";
  }

  /** The path of a directory without symlinks. */
  pathOf(directory: Directory): string[] {
    if (directory === this.top) return [];
    const above = directory.parent!;
    const [name] = [...above.entries].find(([, node]) => node === directory)!;
    return [...this.pathOf(above), name];
  }
}

export function existing(found: Found | string): Existing | string {
  return typeof found === "string" || found.node !== undefined ? found as Existing | string : "ENOENT";
}

/** A use of what a path leads to, which must exist. */
export function onTarget(use: (found: Existing) => Expected): Use {
  return (at, path) => {
    const found = existing(at.target(path));
    return typeof found === "string" ? error(found) : use(found);
  };
}

export const onDirectory = (value?: (directory: Directory) => unknown) =>
  onTarget(({ node }) =>
    node.kind !== "directory" ? error("ENOTDIR") : value ? { value: value(node) } : done
  );
export const onFile = (value: (data: number[]) => unknown) =>
  onTarget(({ node }) => node.kind === "file" ? { value: value(node.data) } : error("EISDIR"));

export const names = (directory: Directory) => [...directory.entries.keys()].sort();

/** A new file can't have a slash after its name, for which each kernel has an errno of its own. */
export const withSlash = ["EISDIR", "ENOENT", "ENOTDIR"];

/** A use that makes or opens a file to write. */
export function onWritten(change: (data: number[]) => number[], creates = true): Use {
  return (at, path) => {
    const found = at.target(path);
    if (creates && path.endsWith("/")) {
      return error(...typeof found === "string" ? [found] : [], ...withSlash);
    }
    // The slash can be that of a symlink's target.
    if (creates && found === "ENOTDIR") return error(found, "EISDIR");
    if (typeof found === "string") return error(found);
    if (found.node?.kind === "directory") return error("EISDIR");
    if (found.node?.kind === "file") {
      found.node.data = change(found.node.data);
      return done;
    }
    if (!creates) return error("ENOENT");
    if (found.hasSlash) return error(...withSlash);
    put(found.parent, found.name, makeFile(change([])));
    return done;
  };
}

/** A use that makes something of a new name. */
export function onNew(make: (found: Found) => Expected, find: "place" | "named" = "place"): Use {
  return (at, path) => {
    const found = at[find](path);
    if (typeof found === "string") return error(found);
    return found.node === undefined ? make(found) : error("EEXIST");
  };
}

/** Makes a directory and its missing parents; an errno if something is in the way. */
export function makePath(at: Paths, path: string): string | undefined {
  const found = at.named(path);
  if (typeof found !== "string") {
    if (found.node === undefined) put(found.parent, found.name, makeDirectory());
    else if (!isDirectory(at, `${path}/.`)) return "EEXIST";
    return undefined;
  }
  const above = path.slice(0, path.replace(/\/+$/, "").lastIndexOf("/") + 1).replace(/\/+$/, "");
  if (found !== "ENOENT" || above === "") return found;
  return makePath(at, above) ?? makePath(at, path);
}

function isDirectory(at: Paths, path: string): boolean {
  const found = at.target(path);
  return typeof found !== "string" && found.node?.kind === "directory";
}

export const onMadePath: Use = (at, path) => {
  const wrong = makePath(at, path);
  return wrong === undefined ? done : error(wrong);
};

export const removed = (recursive: boolean): Use => (at, path) => {
  const found = existing(at.place(path));
  if (typeof found === "string") return error(found);
  const { parent, name, node } = found;
  if (name === ".") return error("EINVAL", "EPERM", "EBUSY", "ENOTEMPTY", "EISDIR");
  if (node.kind === "directory") {
    if (node.entries.size > 0 && !recursive) return error("ENOTEMPTY");
    node.isRemoved = true;
  }
  parent.entries.delete(name);
  return done;
};

/** Whether a directory is another one, or above it. */
function contains(directory: unknown, below: Directory | undefined): boolean {
  return below !== undefined && (below === directory || contains(directory, below.parent));
}

/** What one call does with two names, of which it may look for the second one first. */
function ofTwo(
  source: Found | string,
  target: Found | string,
): Existing | Expected & { errors: readonly string[] } {
  if (typeof source === "string") return error(source);
  if (source.node !== undefined) return source as Existing;
  return error("ENOENT", ...typeof target === "string" ? [target] : []);
}

export function renamed(at: Paths, from: string, to: string): Expected {
  const source = ofTwo(at.place(from), at.named(to));
  if ("errors" in source) return source;
  // Only a directory can get a name with a slash after it.
  if (to.endsWith("/") && source.node.kind !== "directory") return error("ENOTDIR");
  const target = at.named(to);
  if (typeof target === "string") return error(target);
  const { node, parent, name } = source, old = target.node;
  if (name === "." || target.name === ".") return error("EINVAL", "EBUSY", "ENOTEMPTY", "EISDIR", "EEXIST");
  const isDirectory = node.kind === "directory";
  if (old === node) return done;
  if (isDirectory && contains(node, target.parent)) return error("EINVAL", "ENOTDIR");
  if (old?.kind === "directory") {
    if (contains(old, parent)) return error("ENOTEMPTY", "EISDIR");
    if (!isDirectory) return error("EISDIR");
    if (old.entries.size > 0) return error("ENOTEMPTY");
    old.isRemoved = true;
  } else if (isDirectory && old !== undefined) return error("ENOTDIR");
  parent.entries.delete(name);
  put(target.parent, target.name, node!);
  return done;
}

export const newDirectory = (): Directory => makeDirectory();

export function linked(at: Paths, from: string, to: string): Expected {
  const target = at.place(to), source = ofTwo(at.place(from), target);
  if ("errors" in source) return source;
  if (source.node.kind === "directory") {
    return error("EPERM", "EEXIST", "ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "ENOTCAPABLE");
  }
  if (typeof target === "string") return error(target);
  if (target.node !== undefined) return error("EEXIST");
  put(target.parent, target.name, source.node!);
  return done;
}

export function copied(at: Paths, from: string, to: string): Expected {
  const source = existing(at.target(from));
  if (typeof source === "string") return error(source);
  const target = at.target(to);
  if (source.node.kind !== "file") {
    return error("TypeError", "EISDIR", ...typeof target === "string" ? [target] : []);
  }
  if (to.endsWith("/")) return error(...typeof target === "string" ? [target] : [], ...withSlash);
  if (target === "ENOTDIR") return error(target, "EISDIR");
  if (typeof target === "string") return error(target);
  if (target.node === source.node) return error("TypeError");
  if (target.node?.kind === "directory") return error("EISDIR");
  if (target.hasSlash) return error(...withSlash);
  // The copy is a new file under the name.
  put(target.parent, target.name, makeFile(source.node.data));
  return done;
}

/** Whether a name is longer than a kernel takes, which it says before or after it looks for the others. */
export function isLong(path: string): boolean {
  return bytesIn(path) > 1000;
}
