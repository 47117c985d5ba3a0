/**
 * Predicts the results of path operations from the tree as data.
 *
 * @module
 */
import { hasRenameat2 } from "../_kernel.ts";
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

/** The expected result of a call. */
export type Expected =
  /** One of these errnos, or "TypeError". */
  | { errors: readonly string[] }
  /** The call succeeds; `value` is its result as `valueOf()` converts it, if that can be predicted. */
  | { value?: unknown }
  /** Not predicted: any safe result is correct. */
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

  /** The entry that a path names. A symlink at the end is followed. */
  target(path: string): Found | string {
    return lookup(this.top, path, { follow: true, beneath: true });
  }

  /** The entry that a path names. A symlink at the end is not followed. */
  named(path: string): Found | string {
    const bare = path.replace(/(?<=[^/])\/+$/, "");
    const found = lookup(this.top, bare, { follow: false, beneath: true });
    return typeof found === "string" ? found : { ...found, hasSlash: bare !== path };
  }

  /** The name. If a slash follows, it must name a directory. */
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

/** A use of an existing entry. */
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

/** A new file cannot have a slash after its name. The errno depends on the kernel. */
export const withSlash = ["EISDIR", "ENOENT", "ENOTDIR"];

/** A use that creates a file, or opens one for writing. */
export function onWritten(
  change: (data: number[]) => number[],
  { creates = true, mode }: { creates?: boolean; mode?: number } = {},
): Use {
  return (at, path) => {
    const found = at.target(path);
    if (creates && path.endsWith("/")) {
      return error(...typeof found === "string" ? [found] : [], ...withSlash);
    }
    // The slash can be in the target of a symlink.
    if (creates && found === "ENOTDIR") return error(found, "EISDIR");
    if (typeof found === "string") return error(found);
    if (found.node?.kind === "directory") return error("EISDIR");
    if (found.node?.kind === "file") {
      found.node.data = change(found.node.data);
      found.node.mode = mode ?? found.node.mode;
      return done;
    }
    if (!creates) return error("ENOENT");
    if (found.hasSlash) return error(...withSlash);
    put(found.parent, found.name, makeFile(change([]), mode));
    return done;
  };
}

/** A use that creates an entry with a new name. */
export function onNew(make: (found: Found) => Expected, find: "place" | "named" = "place"): Use {
  return (at, path) => {
    const found = at[find](path);
    if (typeof found === "string") return error(found);
    return found.node === undefined ? make(found) : error("EEXIST");
  };
}

/** Creates a directory and its missing parents. Returns an errno if another entry has one of these names. */
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

/** Whether a directory is the same as another one, or an ancestor of it. */
function contains(directory: unknown, below: Directory | undefined): boolean {
  return below !== undefined && (below === directory || contains(directory, below.parent));
}

/** A call with two names. The kernel may look up the second one first. */
function ofTwo(
  source: Found | string,
  target: Found | string,
): Existing | Expected & { errors: readonly string[] } {
  if (typeof source === "string") return error(source);
  if (source.node !== undefined) return source as Existing;
  return error("ENOENT", ...typeof target === "string" ? [target] : []);
}

export function renamed(at: Paths, from: string, to: string, replaces = true): Expected {
  const source = ofTwo(at.place(from), at.named(to));
  if ("errors" in source) return source;
  // Only a directory can get a name with a slash after it.
  if (to.endsWith("/") && source.node.kind !== "directory") return error("ENOTDIR");
  const target = at.named(to);
  if (typeof target === "string") return error(target);
  const { node, parent, name } = source, old = target.node;
  if (!replaces && old !== undefined) return error("EEXIST", "ENOTDIR", "EISDIR");
  // Before renameat2(2) a link is made, which a directory can't have.
  if (!replaces && !hasRenameat2 && node.kind === "directory") return error("EOPNOTSUPP", "EINVAL");
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
  put(target.parent, target.name, makeFile(source.node.data, source.node.mode));
  return done;
}

/** Whether a path is refused before any call: it is empty, or names no bytes. */
export function isRefused(path: string): boolean {
  return path === "" || path.includes("\0") || !path.isWellFormed();
}

/** Whether a name is too long. A kernel may report this before or after it looks up the other names. */
export function isLong(path: string): boolean {
  return bytesIn(path) > 1000;
}
