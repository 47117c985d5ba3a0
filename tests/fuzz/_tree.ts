/**
 * A directory tree as data, and the lookup of paths in it by names alone.
 *
 * @module
 */
import type { Node as Read } from "../compat/fs/_tree.ts";
import type { Tree } from "../_fixture.ts";

export interface File {
  readonly kind: "file";
  /** Its bytes. */
  data: number[];
  mode: number;
  /** When it was modified, in seconds; undefined if that is not known. */
  mtime?: number | undefined;
}
export interface Fifo {
  readonly kind: "pipe";
}
export interface Symlink {
  readonly kind: "symlink";
  readonly target: string;
}
export interface Directory {
  readonly kind: "directory";
  readonly entries: Map<string, Node>;
  /** Undefined for the top, and after the node was removed. */
  parent: Directory | undefined;
  isRemoved: boolean;
  mode: number;
}
export type Node = File | Fifo | Symlink | Directory;

export function makeFile(data: readonly number[] = [], mode = 0o644): File {
  return { kind: "file", data: [...data], mode };
}

export function makeDirectory(mode = 0o755): Directory {
  return { kind: "directory", entries: new Map(), parent: undefined, isRemoved: false, mode };
}

/** Puts a node into a directory. */
export function put(directory: Directory, name: string, node: Node): void {
  directory.entries.set(name, node);
  if (node.kind === "directory") node.parent = directory;
}

/** The tree that a fixture makes of entries. */
export function treeOfEntries(entries: Tree): Directory {
  const directory = makeDirectory();
  for (const [name, entry] of Object.entries(entries)) {
    const node: Node = typeof entry === "string"
      ? makeFile([...entry].map((sign) => sign.charCodeAt(0)))
      : "link" in entry && typeof entry.link === "string"
      ? { kind: "symlink", target: entry.link }
      : treeOfEntries(entry as Tree);
    put(directory, name, node);
  }
  return directory;
}

/** The tree that was read from a file system; the names of one file have one node. */
export function treeFrom(read: ReadonlyMap<string, Read>): Directory {
  const top = makeDirectory(), files = new Map<number, Node>();
  for (const [path, { type, text = "", mode, ino }] of read) {
    if (path === "") continue;
    const at = path.lastIndexOf("/"),
      found = lookup(top, path.slice(0, Math.max(at, 0)) || ".", NAMES) as Found;
    const node = files.get(ino) ??
      (type === "directory"
        ? makeDirectory(mode)
        : type === "symlink"
        ? { kind: "symlink", target: text }
        : type === "other"
        ? { kind: "pipe" }
        : makeFile(Array.from(text, (sign) => sign.charCodeAt(0)), mode));
    files.set(ino, node);
    put(found.node as Directory, path.slice(at + 1), node);
  }
  return top;
}

/** One line for each path, in the order of names. */
export function linesOf(directory: Directory, path = ""): string[] {
  return [...directory.entries].sort(([one], [other]) => one < other ? -1 : 1).flatMap(([name, node]) => {
    const here = path === "" ? name : `${path}/${name}`;
    if (node.kind === "symlink") return [`${here} -> ${node.target}`];
    if (node.kind === "pipe") return [`${here} |`];
    const mode = node.mode.toString(8);
    if (node.kind === "directory") return [`${here}/ ${mode}`, ...linesOf(node, here)];
    return [`${here} ${mode} ${JSON.stringify(node.data)}`];
  });
}

/** How a path is looked up. */
export interface Rules {
  /** Whether a symlink at the end is followed. */
  follow: boolean;
  /** Whether the path must not leave the directory. */
  beneath: boolean;
  /** The directory of absolute paths, and its path. */
  root?: { directory: Directory; path: string };
  /** How many symlinks are followed. */
  links?: number;
  /** The length in bytes from which a path is too long. */
  tooLong?: number;
}
const NAMES: Rules = { follow: false, beneath: true };

/** The result of a lookup. */
export interface Found {
  parent: Directory;
  /** The last component; "." if the path ends with "." or "..", or has no component. */
  name: string;
  /** Undefined if there is no entry, but one could be created. */
  node: Node | undefined;
  hasSlash: boolean;
}

/** The result of a lookup that found an entry. */
export type Existing = Found & { node: Node };

const encoder = new TextEncoder();
/** How many bytes a name has, with one for each lone surrogate. */
export function bytesIn(name: string): number {
  return /^[\0-\x7f]*$/.test(name)
    ? name.length
    : name.replace(/[\ud800-\udbff][\udc00-\udfff]|[\udc80-\udcff]/g, (part) =>
      part.length === 2 ? "1234" : "1")
      .split("").reduce((sum, sign) =>
        sum + (sign < "\x80" ? 1 : encoder.encode(sign).length), 0);
}

/** Returned in place of an errno for a path whose result is unknown, such as one above the top. A program must not use it. */
export const ABOVE = "above the tree";

/** Looks up a path. Returns the name of an errno if the lookup fails. */
export function lookup(start: Directory, path: string, rules: Rules): Found | string {
  const { follow, beneath, root, links = 32, tooLong = Infinity } = rules;
  if (bytesIn(path) >= tooLong) return "ENAMETOOLONG";
  let at: Directory = start, followed = 0;
  let rest: string[] = [];
  /** Inserts the components of a path before the remaining ones. Returns an errno if the path leaves the directory. */
  const enter = (path: string): string | undefined => {
    if (path.startsWith("/")) {
      if (beneath || root === undefined || !path.startsWith(root.path)) return "ENOTCAPABLE";
      at = root.directory;
      path = path.slice(root.path.length);
    }
    rest = [...path.split("/"), ...rest];
    return undefined;
  };
  const error = enter(path);
  if (error !== undefined) return error;
  for (;;) {
    const name = rest.shift();
    if (name === undefined) return { parent: at, name: ".", node: at, hasSlash: false };
    // File systems differ on these in a removed directory.
    if (at.isRemoved && (name === "." || name === "..")) return ABOVE;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (beneath && at === start) return "ENOTCAPABLE";
      if (at.parent === undefined) return ABOVE;
      at = at.parent;
      continue;
    }
    if (bytesIn(name) > 255) return at.isRemoved ? "ENOENT" : "ENAMETOOLONG";
    const node = at.isRemoved ? undefined : at.entries.get(name);
    const hasSlash = rest.length > 0, isLast = rest.every((name) => name === "");
    if (node?.kind === "symlink" && (hasSlash || follow)) {
      if (++followed > links) return "ELOOP";
      const error = enter(node.target);
      if (error !== undefined) return error;
    } else if (isLast && node?.kind !== "directory") {
      if (hasSlash && node !== undefined) return "ENOTDIR";
      return { parent: at, name, node, hasSlash };
    } else if (isLast) return { parent: at, name, node, hasSlash };
    else if (node === undefined) return "ENOENT";
    else if (node.kind !== "directory") return "ENOTDIR";
    else at = node;
  }
}
