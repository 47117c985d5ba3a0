/**
 * Operations that are not compared, and why.
 *
 * @module
 */
import { dirname, normalize } from "@std/path";
import { type Operation, pathsOf } from "./_parity.ts";
import type { Args } from "../../_deno_reference.ts";
import { kernel } from "../../_kernel.ts";
import type { Node } from "./_tree.ts";

export type Nodes = Map<string, Node>;

interface Skip {
  /** If left out: all. */
  methods?: readonly string[];
  why: string;
  /** Whether it applies only where Deno's own calls run on FreeBSD. */
  freebsd?: true;
  applies(args: Args, tree: Nodes, operation: Operation): boolean;
}

const all: readonly Skip[] = [
  {
    why: "the path leaves the directory, which a Dir refuses",
    applies: (_args, tree, operation) => pathsOf(operation).some((path) => resolve(tree, path) === "outside"),
  },
  {
    methods: ["file"],
    why: "Deno refuses options that do not say what to open for, by which a Dir reads",
    applies: ([, options]) => {
      const { read, write, append } = options as Deno.OpenOptions;
      return read === undefined && !write && !append;
    },
  },
  {
    methods: ["truncate"],
    why: "Deno 2.9 refuses a last symlink, which Deno 2.7 and a Dir follow",
    applies: ([path], tree) => resolve(tree, path as string) !== resolve(tree, path as string, false),
  },
  {
    methods: ["copy", "emptyDir", "walk"],
    why: "@std/fs takes '..' for text, which a Dir looks up: behind a symlink that is another place",
    applies: (_args, tree, operation) =>
      pathsOf(operation).some((path) => path.split("/").includes("..") && !isPlaceOfText(tree, path)),
  },
  {
    methods: ["copy"],
    why: "@std/fs drops the last '/' of what is copied, which asks for a directory here as everywhere",
    applies: ([from], tree) =>
      (from as string).endsWith("/") && !isDirectory(tree, withoutSlash(from as string)),
  },
  {
    methods: ["ensureFile"],
    why: "what a file with a last '/' is called depends on whether it is looked for or made first",
    applies: ([path]) => (path as string).endsWith("/"),
  },
  {
    methods: ["ensureFile"],
    why: "@std/fs fails at a '.' behind what is missing, and behind '..' empties the file that is there",
    applies: ([path], tree) =>
      /(^|\/)\.\.?(\/|$)/.test(path as string) && !isDirectory(tree, dirname(path as string), true),
  },
  {
    methods: ["remove"],
    why: "Deno empties what a symlink with a last '/' leads to, before it says that it is no directory",
    applies: ([path], tree) =>
      (path as string).endsWith("/") &&
      tree.get(resolve(tree, withoutSlash(path as string), false) ?? "missing")?.type === "symlink",
  },
  {
    methods: ["mkdir", "ensureDir", "emptyDir", "rename", "copy"],
    why: "FreeBSD's mkdir(2), rmdir(2) and rename(2) follow a symlink with a last '/', which a Dir refuses",
    freebsd: true,
    applies: (_args, tree, operation) =>
      pathsOf(operation).some((path) =>
        path.endsWith("/") &&
        tree.get(resolve(tree, withoutSlash(path), false) ?? "missing")?.type === "symlink"
      ),
  },
  {
    methods: ["walk"],
    why: "@std/fs has no end where a symlink leads to what is being walked, which a Dir leaves out",
    applies: ([path, options], tree) =>
      (options as { followSymlinks?: boolean }).followSymlinks === true && hasRound(tree, path as string),
  },
  {
    methods: ["walk"],
    why: "@std/fs throws for a symlink that leads to nothing, which a Dir leaves out",
    applies: ([path, options], tree) =>
      (options as { followSymlinks?: boolean }).followSymlinks === true && hasDangling(tree, path as string),
  },
  {
    methods: ["emptyDir", "remove"],
    why: "Deno and @std/fs remove the symlink by which they came to what they empty",
    applies: ([path], tree) => {
      const passed: string[] = [], target = resolve(tree, path as string, true, passed);
      return passed.some((link) => target === "" || link.startsWith(`${target}/`));
    },
  },
  {
    methods: ["copy"],
    why: "@std/fs does not see that a symlink leads a copy into itself",
    applies: ([from, to], tree) => {
      const source = resolve(tree, from as string, false), above = existing(tree, parentOf(to as string));
      return source !== undefined && above !== undefined && `${above}/`.startsWith(`${source}/`);
    },
  },
  {
    methods: ["copy"],
    why:
      "@std/fs copies through a symlink that is in the way, and gives the times of one to what it leads to",
    applies: (args, tree) => meetsSymlink(tree, args),
  },
  {
    methods: ["copyFile", "copy"],
    why:
      "Deno writes into the file that is there, whose other names show that; a Dir lets a new one take its place",
    applies: ([from, to], tree) => {
      const target = tree.get(resolve(tree, to as string) ?? "missing");
      const olds = meetings(tree, withoutSlash(from as string), withoutSlash(to as string)).map(({ old }) =>
        old
      );
      return [target, ...olds].some((node) => node?.type === "file" && node.links > 1);
    },
  },
  {
    methods: ["copy"],
    why: "@std/fs gives the copy of a directory no mode of its own, a Dir no more than that of the original",
    applies: ([from, to], tree) =>
      meetings(tree, withoutSlash(from as string), withoutSlash(to as string)).some(({ node, old }) =>
        node.type === "directory" && old === undefined && (node.mode & 0o755) !== 0o755
      ),
  },
  {
    methods: ["copy"],
    why: "what a copy has made before it fails depends on the order of names",
    applies: (args, tree) => failsInside(tree, args),
  },
];

const rows = all.filter(({ freebsd }) => !freebsd || kernel.hasCapsicum && !kernel.simulated);

/** Why each kind of operation is not compared. */
export const reasons: readonly string[] = rows.map(({ why }) => why);

/** Returns why an operation on a tree is not compared; undefined if it is compared. */
export function reasonToSkip(operation: Operation, tree: Nodes): string | undefined {
  const { method, args } = operation;
  return rows.find(({ methods, applies }) =>
    (!methods || methods.includes(method)) && applies(args, tree, operation)
  )?.why;
}

/** Whether ".." in each path leads to the same place as in the normalized path. */
export function isPlaceOfPath(operation: Operation, tree: Nodes): boolean {
  return pathsOf(operation).every((path) => !path.split("/").includes("..") || isPlaceOfText(tree, path));
}

/** Whether a symlink at a path leaves, or would leave, the tree. */
export function leadsOutside(tree: Nodes, path: string): boolean {
  return resolve(tree, path) === "outside";
}

/** Resolves the symlinks of a path; undefined if nothing exists there. The symlinks are added to `passed`. */
function resolve(
  tree: Nodes,
  path: string,
  follow = true,
  passed: string[] = [],
): string | "outside" | undefined {
  let at = "";
  const rest = path.split("/").reverse();
  while (rest.length > 0) {
    const name = rest.pop()!;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (at === "") return "outside";
      at = parentOf(at);
      continue;
    }
    const next = at === "" ? name : `${at}/${name}`, node = tree.get(next);
    if (node?.type === "symlink" && (follow || rest.length > 0)) {
      if (passed.push(next) > 40) return undefined;
      rest.push(...node.text!.split("/").reverse());
    } else if (node === undefined || node.type !== "directory" && rest.length > 0) {
      // A missing component could be created by the operation.
      return rest.filter((name) => name === "..").length > next.split("/").length ? "outside" : undefined;
    } else at = next;
  }
  return at;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Whether ".." leads to the same place as in the normalized path. */
function isPlaceOfText(tree: Nodes, path: string): boolean {
  const text = normalize(path), above = resolve(tree, dirname(path));
  return above !== undefined && above === resolve(tree, dirname(text)) &&
    resolve(tree, path, false) === resolve(tree, text, false);
}

/** Resolves a path up to its last component that exists. */
function existing(tree: Nodes, path: string): string | undefined {
  return resolve(tree, path) ?? (path === "" ? undefined : existing(tree, parentOf(path)));
}

function isDirectory(tree: Nodes, path: string, follow = false): boolean {
  return tree.get(resolve(tree, path, follow) ?? "missing")?.type === "directory";
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

function childrenOf(tree: Nodes, path: string): string[] {
  const prefix = path === "" ? "" : `${path}/`;
  return [...tree.keys()].filter((key) =>
    key !== "" && key.startsWith(prefix) && !key.slice(prefix.length).includes("/")
  );
}

function hasRound(tree: Nodes, path: string): boolean {
  const visit = (path: string, above: string[]): boolean => {
    const real = resolve(tree, path);
    if (real === undefined || tree.get(real)?.type !== "directory") return false;
    return above.includes(real) || childrenOf(tree, real).some((child) => visit(child, [...above, real]));
  };
  return visit(path, []);
}

/** Whether a walk that follows symlinks, and ends, finds a dangling symlink. */
function hasDangling(tree: Nodes, path: string): boolean {
  const real = resolve(tree, path), node = tree.get(real ?? "missing");
  if (node === undefined) return tree.get(path)?.type === "symlink";
  return node.type === "directory" && childrenOf(tree, real!).some((child) => hasDangling(tree, child));
}

/** Returns the pairs of nodes where a copy replaces one with the other, first the pair of the paths themselves. */
function meetings(tree: Nodes, from: string, to: string): { node: Node; old: Node | undefined }[] {
  const source = resolve(tree, from, false), target = resolve(tree, to, false);
  const node = source === undefined ? undefined : tree.get(source);
  if (node === undefined) return [];
  const meets = [{ node, old: target === undefined ? undefined : tree.get(target) }];
  if (node.type !== "directory") return meets;
  return [
    ...meets,
    ...childrenOf(tree, source!).flatMap((child) => {
      const name = child.slice(child.lastIndexOf("/") + 1);
      return meetings(tree, child, `${target ?? to}/${name}`);
    }),
  ];
}

function meetsSymlink(tree: Nodes, [from, to, options]: readonly unknown[]): boolean {
  const { preserveTimestamps, overwrite } = options as { preserveTimestamps?: boolean; overwrite?: boolean };
  const pairs = meetings(tree, withoutSlash(from as string), withoutSlash(to as string));
  return pairs.some(({ node, old }) =>
    preserveTimestamps && node.type === "symlink" ||
    overwrite && (old?.type === "symlink" || node.type === "symlink" && old !== undefined)
  );
}

function failsInside(tree: Nodes, [from, to]: readonly unknown[]): boolean {
  return meetings(tree, withoutSlash(from as string), withoutSlash(to as string)).slice(1).some((
    { node, old },
  ) => old !== undefined && (node.type === "directory") !== (old.type === "directory"));
}
