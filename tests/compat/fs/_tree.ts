import { join } from "@std/path";

/** What stands at a path. */
export interface Node {
  type: "file" | "directory" | "symlink" | "other";
  mode: number;
  /** How many names it has. */
  links: number;
  /** The text of a file, where a character is a byte, or of a symlink. */
  text?: string;
  mtime: number;
  atime: number;
}

/**
 * Everything below a directory by its relative path, read by Deno's own API; the directory itself is "".
 *
 * Names that are not UTF-8 are left out, since that API can't name them.
 */
export function treeOf(root: string): Map<string, Node> {
  const tree = new Map<string, Node>();
  const visit = (path: string) => {
    const place = join(root, path), info = Deno.lstatSync(place);
    const type = info.isFile ? "file" : info.isDirectory ? "directory" : info.isSymlink ? "symlink" : "other";
    const { mode, nlink, mtime, atime } = info;
    const node: Node = { type, mode: mode! & 0o7777, links: nlink!, mtime: +mtime!, atime: +atime! };
    if (type === "file") node.text = new TextDecoder("latin1").decode(Deno.readFileSync(place));
    if (type === "symlink") node.text = Deno.readLinkSync(place);
    tree.set(path, node);
    if (type !== "directory") return;
    for (const name of [...Deno.readDirSync(place)].map((entry) => entry.name).sort()) {
      if (!name.includes("\ufffd")) visit(path === "" ? name : `${path}/${name}`);
    }
  };
  visit("");
  return tree;
}

/** A line for each path of a tree with all that two trees must have in common, beside times that are not set. */
export function linesOf(tree: Map<string, Node>): string[] {
  return [...tree].map(([path, { type, mode, text, mtime }]) => {
    // Who sets a time sets one of long ago; a directory gets a new one whenever a name in it changes.
    const time = type === "file" && mtime < longAgo ? mtime : "";
    return `${path} ${type} ${type === "symlink" ? "" : mode.toString(8)} ${JSON.stringify(text)} ${time}`;
  });
}

export const longAgo: number = Date.UTC(2005);
