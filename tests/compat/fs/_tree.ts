import { join } from "@std/path";

/** The file, directory or symlink at a path. */
export interface Node {
  type: "file" | "directory" | "symlink" | "other";
  mode: number;
  /** The number of its inode, and of its names. */
  ino: number;
  links: number;
  /** The contents of a file, with one character for each byte, or the target of a symlink. */
  text?: string;
  mtime: number;
  atime: number;
}

const latin1 = new TextDecoder("latin1");

/**
 * Returns everything below a directory by its relative path, read by Deno's own API. The directory itself is "".
 *
 * Names that are not UTF-8 are left out, since that API can't name them.
 */
export function treeOf(root: string): Map<string, Node> {
  const tree = new Map<string, Node>();
  const visit = (path: string) => {
    const place = join(root, path), info = Deno.lstatSync(place);
    const type = info.isFile ? "file" : info.isDirectory ? "directory" : info.isSymlink ? "symlink" : "other";
    const { mode, ino, nlink, mtime, atime } = info;
    const node: Node = {
      type,
      mode: mode! & 0o7777,
      ino: ino!,
      links: nlink!,
      mtime: +mtime!,
      atime: +atime!,
    };
    if (type === "file") node.text = latin1.decode(Deno.readFileSync(place));
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

/** Returns a line for each path of a tree, with everything that must be equal in two trees; times only if they were set. */
export function linesOf(tree: Map<string, Node>): string[] {
  return [...tree].map(([path, { type, mode, text, mtime }]) => {
    // The tests set only times long ago. The time of a directory changes with every name in it.
    const time = type === "file" && mtime < longAgo ? mtime : "";
    return `${path} ${type} ${type === "symlink" ? "" : mode.toString(8)} ${JSON.stringify(text)} ${time}`;
  });
}

export const longAgo: number = Date.UTC(2005);
