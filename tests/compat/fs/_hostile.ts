/** A directory full of paths that leave it, next to files that must not change; and every method of `Dir` that takes a path. */
import type { Dir } from "../../../mod.ts";
import { Fixture, type Tree } from "../../_fixture.ts";

/**
 * Paths that leave "inside", directly or if a final symlink is followed.
 *
 * All lead to places in the fixture, so that a broken `Dir` does no harm.
 */
export function leadingOut(fixture: Fixture): string[] {
  return [
    "..",
    "../.",
    "../outside",
    "../outside/",
    "../outside/secret",
    "../inside/file",
    "./../outside/secret",
    "sub/../../outside/secret",
    "sub/../../inside/file",
    "sub/up/../outside/secret",
    "parent/outside/secret",
    "parent/inside/file",
    "parent/.",
    "sub/out/secret",
    "out-dir/secret",
    "out-dir/.",
    "out-dir/new",
    "absolute-dir/file",
    "absolute-above/outside/secret",
    "chain-dir/secret",
    fixture.path,
    fixture.at("outside", "secret"),
    fixture.at("inside", "file"),
    `/${fixture.path}//outside/secret`,
  ];
}

/** Paths to system files, and symlinks to the root: only for methods that change nothing, even if they are broken. */
export const leadingToRoot: readonly string[] = [
  "/",
  "//",
  "/etc/passwd",
  "//etc/passwd",
  "root/.",
  "root/etc/passwd",
];
export const treeToRoot: Tree = { root: { link: "/" } };

/** Symlinks that leave the directory and are the final component. */
export const followed: readonly string[] = [
  "out-file",
  "out-dir",
  "parent",
  "absolute",
  "absolute-dir",
  "absolute-out",
  "absolute-above",
  "chain-out",
  "chain-dir",
  "dangling-out",
  "sub/out",
  "sub/../out-file",
  "sub-link/out",
];

/** "inside", where `Dir` is opened, and "outside". */
export function hostileTree(): Fixture {
  const fixture = new Fixture();
  const tree: Tree = {
    inside: {
      file: "file",
      sub: { file: "sub/file", up: { link: ".." }, out: { link: "../../outside" } },
      "sub-link": { link: "sub" },
      within: { link: "sub/file" },
      "out-file": { link: "../outside/secret" },
      "out-dir": { link: "../outside" },
      parent: { link: ".." },
      absolute: { link: fixture.at("inside", "file") },
      "absolute-dir": { link: fixture.at("inside") },
      "absolute-above": { link: fixture.path },
      "absolute-out": { link: fixture.at("outside", "secret") },
      "chain-out": { link: "out-file" },
      "chain-dir": { link: "sub/out" },
      "dangling-out": { link: "../outside/new" },
      loop: { link: "loop" },
    },
    outside: { secret: "secret", sub: { deep: "deep" }, empty: {} },
  };
  fixture.add(tree);
  return fixture;
}

/** Returns everything below a directory as one string: names, modes, times, contents. */
export function snapshot(fixture: Fixture, name: string): string {
  const { isDirectory, isSymlink, mode, mtime, nlink } = fixture.stat(name);
  const own = `${name} ${mode} ${nlink} ${mtime?.getTime()}`;
  if (isDirectory) {
    return [own, ...fixture.list(name).map((below) => snapshot(fixture, `${name}/${below}`))].join("\n");
  }
  return `${own} ${isSymlink ? Deno.readLinkSync(fixture.at(name)) : fixture.read(name)}`;
}

type Use = (dir: Dir, path: string) => unknown;

/** Methods that follow a final symlink. */
export const following: Record<string, Use> = {
  openSync: (dir, path) => dir.openSync(path).close(),
  "openSync, write": (dir, path) => dir.openSync(path, { write: true }).close(),
  "openSync, create": (dir, path) => dir.openSync(path, { write: true, create: true }).close(),
  openDirSync: (dir, path) => dir.openDirSync(path).close(),
  createSync: (dir, path) => dir.createSync(path).close(),
  readFileSync: (dir, path) => dir.readFileSync(path),
  readTextFileSync: (dir, path) => dir.readTextFileSync(path),
  readTextFileLinesSync: (dir, path) => [...dir.readTextFileLinesSync(path)],
  writeFileSync: (dir, path) => dir.writeFileSync(path, new Uint8Array(1)),
  "writeTextFileSync, append": (dir, path) => dir.writeTextFileSync(path, "x", { append: true }),
  readDirSync: (dir, path) => [...dir.readDirSync(path)],
  listSync: (dir, path) => dir.listSync(path),
  walkSync: (dir, path) => [...dir.walkSync(path)],
  statSync: (dir, path) => dir.statSync(path),
  existsSync: (dir, path) => dir.existsSync(path),
  "existsSync, isReadable": (dir, path) => dir.existsSync(path, { isReadable: true }),
  chmodSync: (dir, path) => dir.chmodSync(path, 0o777),
  chownSync: (dir, path) => dir.chownSync(path, 1, 1),
  utimeSync: (dir, path) => dir.utimeSync(path, 1, 1),
  truncateSync: (dir, path) => dir.truncateSync(path),
  realPathSync: (dir, path) => dir.realPathSync(path),
  emptyDirSync: (dir, path) => dir.emptyDirSync(path),
  "copyFileSync, from": (dir, path) => dir.copyFileSync(path, "copy"),
  "copyFileSync, to": (dir, path) => dir.copyFileSync("file", path),
};

/** Methods that change nothing. */
export const reading: ReadonlySet<string> = new Set([
  "openSync",
  "openDirSync",
  "readFileSync",
  "readTextFileSync",
  "readTextFileLinesSync",
  "readDirSync",
  "listSync",
  "walkSync",
  "statSync",
  "lstatSync",
  "existsSync",
  "existsSync, isReadable",
  "realPathSync",
  "readLinkSync",
]);

/** Methods that act on a final symlink itself. */
export const naming: Record<string, Use> = {
  lstatSync: (dir, path) => dir.lstatSync(path),
  readLinkSync: (dir, path) => dir.readLinkSync(path),
  mkdirSync: (dir, path) => dir.mkdirSync(path),
  "mkdirSync, recursive": (dir, path) => dir.mkdirSync(path, { recursive: true }),
  ensureDirSync: (dir, path) => dir.ensureDirSync(path),
  ensureFileSync: (dir, path) => dir.ensureFileSync(path),
  removeSync: (dir, path) => dir.removeSync(path),
  "removeSync, recursive": (dir, path) => dir.removeSync(path, { recursive: true }),
  "renameSync, from": (dir, path) => dir.renameSync(path, "renamed"),
  "renameSync, to": (dir, path) => dir.renameSync(path.endsWith("/") ? "sub" : "file", path),
  "linkSync, from": (dir, path) => dir.linkSync(path, "linked"),
  "linkSync, to": (dir, path) => dir.linkSync("file", path),
  symlinkSync: (dir, path) => dir.symlinkSync("target", path),
  mkfifoSync: (dir, path) => dir.mkfifoSync(path),
  "copySync, from": (dir, path) => dir.copySync(path, "copy"),
  "copySync, to": (dir, path) => dir.copySync("file", path, { overwrite: true }),
  "copySync of a directory, to": (dir, path) => dir.copySync("sub", path, { overwrite: true }),
  writeFileAtomicSync: (dir, path) => dir.writeFileAtomicSync(path, "x"),
  makeTempFileSync: (dir, path) => dir.makeTempFileSync({ dir: path }),
  makeTempDirSync: (dir, path) => dir.makeTempDirSync({ dir: path }),
};
