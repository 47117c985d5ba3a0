// The part of @std/fs that the tests use, which has no npm copy, for machines without JSR.
import { basename, dirname, globToRegExp, join, relative, resolve } from "./path.ts";

export interface WalkEntry extends Deno.DirEntry {
  path: string;
}

export interface WalkOptions {
  maxDepth?: number;
  includeFiles?: boolean;
  includeDirs?: boolean;
  includeSymlinks?: boolean;
  followSymlinks?: boolean;
  canonicalize?: boolean;
  exts?: string[];
  match?: RegExp[];
  skip?: RegExp[];
}

export interface CopyOptions {
  overwrite?: boolean;
  preserveTimestamps?: boolean;
}

export interface ExistsOptions {
  isReadable?: boolean;
  isDirectory?: boolean;
  isFile?: boolean;
}

/** Every entry below `root`, depth first, `root` itself included. */
export function* walkSync(root: string, options: WalkOptions = {}): IterableIterator<WalkEntry> {
  const { maxDepth = Infinity, includeFiles = true, includeDirs = true, includeSymlinks = true } = options;
  const { followSymlinks = false, canonicalize = true, exts, match, skip = [] } = options;
  const isSkipped = (path: string) => skip.some((pattern) => path.match(pattern) !== null);
  const isWanted = (path: string) =>
    !isSkipped(path) && (!match || match.some((pattern) => path.match(pattern) !== null)) &&
    (!exts || exts.some((ext) => path.endsWith(ext.startsWith(".") ? ext : `.${ext}`)));
  if (maxDepth < 0) return;
  if (includeDirs && isWanted(root)) {
    const { isFile, isDirectory, isSymlink } = Deno.statSync(root);
    yield { path: join(root), name: basename(root), isFile, isDirectory, isSymlink };
  }
  if (maxDepth < 1 || isSkipped(root)) return;
  for (const entry of Deno.readDirSync(root)) {
    let path = join(root, entry.name), { isDirectory } = entry;
    if (entry.isSymlink && !followSymlinks) {
      if (includeSymlinks && isWanted(path)) yield { path, ...entry };
      continue;
    }
    if (entry.isSymlink) {
      const real = Deno.realPathSync(path);
      if (canonicalize) path = real;
      isDirectory = Deno.lstatSync(real).isDirectory;
    }
    if (isDirectory) yield* walkSync(path, { ...options, maxDepth: maxDepth - 1, canonicalize: true });
    else if (includeFiles && isWanted(path)) yield { path, ...entry };
  }
}

/** Whether something is there, and what is asked for. */
export function existsSync(path: string, options: ExistsOptions = {}): boolean {
  try {
    const { isFile, isDirectory, mode } = Deno.statSync(path);
    if (options.isDirectory && options.isFile) throw new TypeError("both isFile and isDirectory");
    return !(options.isDirectory && !isDirectory || options.isFile && !isFile) &&
      (!options.isReadable || (mode! & 0o400) !== 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes a directory with those on the way, unless it is there. */
export function ensureDirSync(path: string): void {
  if (existsSync(path)) return checkType(Deno.statSync(path).isDirectory, path);
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    checkType(Deno.statSync(path).isDirectory, path);
  }
}

/** Makes an empty file and the directories on the way, unless it is there. */
export function ensureFileSync(path: string): void {
  try {
    return checkType(Deno.lstatSync(path).isFile, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  ensureDirSync(dirname(path));
  Deno.writeFileSync(path, new Uint8Array());
}

/** Removes what is in a directory, which is made where it is missing. */
export function emptyDirSync(path: string): void {
  let names: string[];
  try {
    names = [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return Deno.mkdirSync(path, { recursive: true });
  }
  for (const name of names) Deno.removeSync(join(path, name), { recursive: true });
}

/** Copies a file, a symlink as such, or a directory with all that is in it. */
export function copySync(from: string, to: string, options: CopyOptions = {}): void {
  const source = resolve(from), target = resolve(to);
  if (source === target) throw new Error(`${from} is copied onto itself.`);
  if (Deno.lstatSync(source).isDirectory && !/^\.\.(\/|$)/.test(relative(source, target))) {
    throw new Error(`${from} is copied into itself.`);
  }
  copyEntry(source, target, options);
}

function copyEntry(from: string, to: string, { overwrite, preserveTimestamps }: CopyOptions): void {
  const info = Deno.lstatSync(from), old = lstatIfThere(to);
  if (info.isDirectory && old?.isDirectory === false) throw new Error(`${to} is no directory.`);
  if (old && !overwrite) throw new Deno.errors.AlreadyExists(`${to} is there.`);
  if (info.isSymlink) Deno.symlinkSync(Deno.readLinkSync(from), to);
  else if (info.isFile) Deno.copyFileSync(from, to);
  else if (info.isDirectory && !old) ensureDirSync(to);
  if (preserveTimestamps) Deno.utimeSync(to, info.atime!, info.mtime!);
  if (!info.isDirectory) return;
  for (const { name } of Deno.readDirSync(from)) {
    copyEntry(join(from, name), join(to, name), {
      overwrite: overwrite === true,
      preserveTimestamps: preserveTimestamps === true,
    });
  }
}

function lstatIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}

function checkType(isRight: boolean, path: string): void {
  if (!isRight) throw new Error(`${path} is there and something else.`);
}

/** Moves a file or directory. */
export function moveSync(from: string, to: string, { overwrite = false } = {}): void {
  const old = lstatIfThere(to);
  if (old && !overwrite) throw new Deno.errors.AlreadyExists(`${to} is there.`);
  if (old) Deno.removeSync(to, { recursive: true });
  Deno.renameSync(from, to);
}

/** The entries whose paths a pattern matches, in the order of their paths. */
export function* expandGlobSync(glob: string, { root = Deno.cwd() } = {}): IterableIterator<WalkEntry> {
  const pattern = globToRegExp(resolve(root, glob), { extended: true, globstar: true });
  const found = [...walkSync(resolve(root))].filter(({ path }) => pattern.test(path));
  yield* found.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** Gives a file a second name, in a directory that is made where it is missing. */
export function ensureLinkSync(path: string, name: string): void {
  ensureDirSync(dirname(name));
  Deno.linkSync(path, name);
}

/** Makes a symlink to what is there, in a directory that is made where it is missing. */
export function ensureSymlinkSync(target: string, name: string): void {
  Deno.lstatSync(join(dirname(resolve(name)), target));
  ensureDirSync(dirname(name));
  try {
    Deno.symlinkSync(target, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    checkType(Deno.readLinkSync(name) === target, name);
  }
}

/** The same for `await`, and `for await`; @std/fs does it off this thread. */
export async function* walk(root: string, options?: WalkOptions): AsyncIterableIterator<WalkEntry> {
  yield* walkSync(root, options);
}
export async function* expandGlob(
  glob: string,
  options: { root?: string } = {},
): AsyncIterableIterator<WalkEntry> {
  yield* expandGlobSync(glob, options);
}
const promised =
  <Args extends unknown[], Result>(call: (...args: Args) => Result) => (...args: Args): Promise<Result> =>
    new Promise((resolve) => resolve(call(...args)));
export const exists: (path: string, options?: ExistsOptions) => Promise<boolean> = promised(existsSync);
export const ensureDir: (path: string) => Promise<void> = promised(ensureDirSync);
export const ensureFile: (path: string) => Promise<void> = promised(ensureFileSync);
export const emptyDir: (path: string) => Promise<void> = promised(emptyDirSync);
export const copy: (from: string, to: string, options?: CopyOptions) => Promise<void> = promised(copySync);
export const move: (from: string, to: string, options?: { overwrite?: boolean }) => Promise<void> = promised(
  moveSync,
);
export const ensureLink: (path: string, name: string) => Promise<void> = promised(ensureLinkSync);
export const ensureSymlink: (target: string, name: string) => Promise<void> = promised(ensureSymlinkSync);
