// The part of @std/fs that the tests use, which has no npm copy, for machines without JSR.
import { basename, join } from "./path.ts";

export interface WalkEntry extends Deno.DirEntry {
  path: string;
}

export interface WalkOptions {
  includeDirs?: boolean;
  exts?: string[];
  skip?: RegExp[];
}

/** Every entry below `root`, depth first, `root` itself included. */
export function* walkSync(root: string, options: WalkOptions = {}): IterableIterator<WalkEntry> {
  const { includeDirs = true, exts, skip } = options;
  if (skip?.some((pattern) => pattern.test(root))) return;
  if (includeDirs) {
    yield { path: root, name: basename(root), isFile: false, isDirectory: true, isSymlink: false };
  }
  for (const entry of Deno.readDirSync(root)) {
    const path = join(root, entry.name);
    if (entry.isDirectory) yield* walkSync(path, options);
    else if (skip?.some((pattern) => pattern.test(path))) continue;
    else if (!exts || exts.some((ext) => path.endsWith(ext))) yield { path, ...entry };
  }
}
