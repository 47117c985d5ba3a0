/**
 * What each use of a `Dir` does with a path.
 *
 * @module
 */
import {
  copied,
  done,
  error,
  existing,
  linked,
  makePath,
  names,
  newDirectory,
  onDirectory,
  onFile,
  onMadePath,
  onNew,
  onTarget,
  onWritten,
  removed,
  renamed,
  text,
  type Use,
  withSlash,
} from "./_paths_names.ts";
import { type Directory, makeDirectory, makeFile, type Node, put } from "./_tree.ts";

const changedTo = (mode: number) =>
  onTarget(({ node }) => {
    if ("mode" in node) node.mode = mode;
    return done;
  });

const createNew: Use = (at, path) => {
  const found = at.named(path);
  if (typeof found === "string") return error(found);
  if (found.hasSlash) return error("EISDIR", "ENOENT", "ENOTDIR", "EEXIST", "ELOOP", "ENOTCAPABLE");
  if (found.name === ".") return error("EEXIST", "EISDIR");
  if (found.node !== undefined) return error("EEXIST");
  put(found.parent, found.name, makeFile(text));
  return done;
};

const writtenWhole = (mode?: number): Use => (at, path) => {
  const found = at.place(path);
  if (typeof found === "string") return error(found);
  const { parent, name, node } = found;
  if (name === ".") return error("EISDIR", "EINVAL", "EBUSY", "ENOTDIR");
  if (node?.kind === "directory") return error("EISDIR");
  put(parent, name, makeFile(text, mode ?? (node?.kind === "file" ? node.mode : undefined)));
  return done;
};

const walked = (most: number): Use => (at, path) =>
  onDirectory((top) => {
    const prefix = path.split("/").filter((name) => name !== "" && name !== ".").join("/") || ".";
    const below = (directory: Directory, above: string, depth: number): string[] =>
      [...directory.entries].flatMap(([name, node]) => [
        `${above}${name} ${node.kind}`,
        ...node.kind === "directory" && depth < most ? below(node, `${above}${name}/`, depth + 1) : [],
      ]);
    const root = `${prefix}${path.endsWith("/") ? "/" : ""} directory`;
    return [root, ...below(top, prefix === "." ? "" : `${prefix}/`, 1)].sort();
  })(at, path, 0);

/** By the names of the uses; a use that is missing has no oracle. */
export const uses: Readonly<Record<string, Use>> = {
  stat: onTarget(({ node }) => ({ value: node.kind === "file" ? node.data.length : node.kind })),
  lstat: (at, path) => {
    const found = existing(path.endsWith("/") ? at.target(path) : at.named(path));
    if (typeof found === "string") return error(found);
    const { node } = found;
    return { value: node.kind === "file" ? node.data.length : node.kind };
  },
  exists: (at, path) => {
    const found = existing(at.target(path));
    return typeof found !== "string" ? { value: true } : found === "ENOENT" ? { value: false } : error(found);
  },
  "exists, isReadable": (at, path) => {
    const found = existing(at.target(path));
    if (typeof found === "string") return found === "ENOENT" ? { value: false } : error(found);
    return { value: found.node.kind === "file" };
  },
  realPath: (at, path) => {
    const found = existing(at.target(path));
    if (typeof found === "string") return error(found);
    const { parent, name } = found;
    const all = name === "." ? at.pathOf(parent) : [...at.pathOf(parent), name];
    return { value: all.join("/") || "." };
  },
  readLink: (at, path) => {
    const found = existing(path.endsWith("/") ? at.target(path) : at.named(path));
    if (typeof found === "string") return error(found);
    const { node } = found;
    return node.kind === "symlink" ? { value: node.target.length } : error("EINVAL");
  },
  open: onTarget(({ node }) => ({ value: node.kind === "file" ? node.data.length : node.kind })),
  openDir: onDirectory(names),
  readFile: onFile((data) => data.length),
  readTextFile: onFile((data) => String.fromCharCode(...data)),
  readTextFileLines: onFile((data) => String.fromCharCode(...data)),
  readDir: onDirectory(names),
  list: onDirectory(names),

  "open, write": onWritten((data) => [...text, ...data.slice(2)], { creates: false }),
  "open, append": onWritten((data) => [...data, ...text]),
  "open, createNew": createNew,
  "writeFile, createNew": createNew,
  create: onWritten(() => []),
  writeFile: onWritten(() => text),
  "writeFile, mode": onWritten(() => text, { mode: 0o601 }),
  writeTextFile: onWritten((data) => [...data, ...text]),
  writeFileAtomic: writtenWhole(),
  "writeFileAtomic, mode": writtenWhole(0o640),
  chmod: changedTo(0o777),
  chown: onTarget(() => done),
  utime: onTarget(() => done),
  truncate: onWritten((data) => [...data, 0].slice(0, 1), { creates: false }),
  mkdir: onNew(({ parent, name }) => (put(parent, name, newDirectory()), done), "named"),
  "mkdir, recursive": onMadePath,
  ensureDir: onMadePath,
  ensureFile: (at, path) => {
    const found = at.named(path);
    if (typeof found !== "string" && found.hasSlash) {
      return error(...withSlash, "EEXIST", "ELOOP", "ENOTCAPABLE");
    }
    if (typeof found !== "string" && found.node !== undefined) {
      return found.node.kind === "file" ? done : error("EEXIST", "EISDIR");
    }
    const above = path.slice(0, Math.max(path.lastIndexOf("/"), 0)).replace(/\/+$/, "");
    if (found === "ENOENT" && above !== "" && !path.endsWith("/")) {
      const wrong = makePath(at, above);
      if (wrong !== undefined) return error(wrong);
      const again = at.named(path);
      if (typeof again === "string") return error(again);
      if (again.node !== undefined) return again.node.kind === "file" ? done : error("EEXIST", "EISDIR");
      put(again.parent, again.name, makeFile());
      return done;
    }
    if (typeof found === "string") return found === "ENOENT" ? undefined : error(found);
    put(found.parent, found.name, makeFile());
    return done;
  },
  mkfifo: onNew(() => done),
  makeTempFile: onDirectory(),
  makeTempDir: onDirectory(),
  symlink: onNew((
    { parent, name },
  ) => (put(parent, name, { kind: "symlink", target: "../outside/target" }), done)),
  link: (at, path, id) => linked(at, path, `linked${id}`),
  "link, to": (at, path) => linked(at, "file", path),
  "link, toDir": (at, path) => linked(at, "file", path),
  copyFile: (at, path, id) => copied(at, path, `copied${id}`),
  "copyFile, to": (at, path) => copied(at, "file", path),
  "copyFile, toDir": (at, path) => copied(at, "file", path),
  emptyDir: (at, path) => {
    const found = existing(at.target(path));
    if (found === "ENOENT") return onMadePath(at, path, 0);
    if (typeof found === "string") return error(found);
    if (found.node.kind !== "directory") return error("ENOTDIR");
    const remove = (directory: Directory) => {
      for (const node of directory.entries.values()) {
        if (node.kind === "directory") remove(node), node.isRemoved = true;
      }
      directory.entries.clear();
    };
    remove(found.node);
    return done;
  },
  remove: removed(false),
  "remove, recursive": removed(true),
  rename: (at, path, id) => renamed(at, path, `renamed${id}`),
  "rename, to": (at, path, id) => {
    put(at.top, `new${id}`, makeFile([..."inside"].map((sign) => sign.charCodeAt(0))));
    return renamed(at, `new${id}`, path);
  },
  "rename, toDir": (at, path, id) => {
    put(at.top, `new${id}`, makeDirectory());
    return renamed(at, `new${id}`, path);
  },

  "exists, isDirectory": (at, path) => {
    const found = existing(at.target(path));
    if (typeof found === "string") return found === "ENOENT" ? { value: false } : error(found);
    return { value: found.node.kind === "directory" };
  },
  "open, noFollow": (at, path) => {
    const found = existing(path.endsWith("/") ? at.target(path) : at.named(path));
    if (typeof found === "string") return error(found);
    const { node } = found;
    if (node.kind === "symlink") return error("ELOOP", "EMLINK");
    return { value: node.kind === "file" ? node.data.length : node.kind };
  },
  "open, truncate": onWritten(() => [], { creates: false }),
  "writeFile, existing": onWritten(() => text, { creates: false }),
  "truncate, 20": onWritten((data) => Array.from({ length: 20 }, (_, i) => data[i] ?? 0), { creates: false }),
  "chmod, 0o750": changedTo(0o750),
  "mkdir, unknown": () => error("TypeError"),
  "mkdir, mode": onNew(
    ({ parent, name }) => (put(parent, name, makeDirectory(0o700)), done),
    "named",
  ),
  "rename, new": (at, path, id) => renamed(at, path, `renamed${id}`, false),
  "rename, below": (at, path, id) => renamed(at, path, `${path}/below${id}`, false),
  "rename, to, new": (at, path, id) => {
    put(at.top, `new${id}`, makeFile([..."inside"].map((sign) => sign.charCodeAt(0))));
    return renamed(at, `new${id}`, path, false);
  },
  walk: walked(3),
  "walk, maxDepth": walked(1),
  // A symlink that can't be followed is left out. The use skips paths with "nest", and does not look them up.
  "walk, followSymlinks": (at, path, id) => /nest/.test(path) ? undefined : onDirectory()(at, path, id),
  copy: (at, path, id) => {
    const source = existing(at.place(path));
    if (typeof source === "string") return error(source);
    if (source.node === at.top) return error("TypeError");
    put(at.top, `copied${id}`, cloned(source.node));
    return done;
  },
};

/** What a copy is made of: links of one file become several files. */
function cloned(node: Node): Node {
  if (node.kind === "file") return makeFile(node.data, node.mode);
  if (node.kind !== "directory") return { ...node };
  // The umask applies.
  const copy = makeDirectory(node.mode & 0o755);
  for (const [name, below] of node.entries) if (below.kind !== "pipe") put(copy, name, cloned(below));
  return copy;
}
