/**
 * Operations of the library on a small tree, synchronous and asynchronous, and their results.
 *
 * @module
 */
import { ambient } from "../../compat/ambient/mod.ts";
import { Dir, type FdFile, openDirSync } from "../../mod.ts";
import { Fixture, type Tree } from "../_fixture.ts";

const big = new Uint8Array(70_000).fill(0x61);
export const tree: Tree = {
  a: { f: "text\nline", big, sub: { deep: { f: "" }, link: { link: "../f" } } },
  b: { f: "old" },
};

/** A method that has a synchronous twin, and its arguments. */
export interface Operation {
  on: "dir" | "file" | "ambient";
  method: string;
  args: readonly unknown[];
  /** Whether it has one form only, which is asynchronous. */
  isAsync?: boolean;
}

const of = (on: Operation["on"]) => (method: string, ...args: unknown[]): Operation => ({ on, method, args });
const dir = of("dir"), file = of("file"), deno = of("ambient");

export const operations: Readonly<Record<string, Operation>> = {
  chmod: dir("chmod", "a/f", 0o600),
  chown: dir("chown", "a/f", null, null),
  "copy of a tree": dir("copy", "a", "c/d", { preserveTimestamps: true }),
  "copy over a tree": dir("copy", "a/sub", "b", { overwrite: true }),
  "copy of a symlink": dir("copy", "a/sub/link", "b/f", { overwrite: true }),
  copyFile: dir("copyFile", "a/big", "b/f"),
  create: dir("create", "b/f"),
  emptyDir: dir("emptyDir", "a"),
  "emptyDir of what is missing": dir("emptyDir", "c/d"),
  ensureDir: dir("ensureDir", "c/d/e"),
  ensureFile: dir("ensureFile", "c/d/e"),
  exists: dir("exists", "a/f", { isReadable: true }),
  expandGlob: dir("expandGlob", "a/**/f", { followSymlinks: true }),
  link: dir("link", "a/f", "b/g"),
  list: dir("list", "a/sub"),
  lstat: dir("lstat", "a/sub/link"),
  makeTempDir: dir("makeTempDir", { dir: "a/sub" }),
  makeTempFile: dir("makeTempFile", { dir: "a/sub" }),
  mkdir: dir("mkdir", "a/new"),
  mkfifo: dir("mkfifo", "a/new"),
  open: dir("open", "a/sub/link"),
  openDir: dir("openDir", "a/sub"),
  readDir: dir("readDir", "a/sub"),
  "readFile, long": dir("readFile", "a/big"),
  readLink: dir("readLink", "a/sub/link"),
  readTextFile: dir("readTextFile", "a/sub/link"),
  readTextFileLines: dir("readTextFileLines", "a/f"),
  realPath: dir("realPath", "a/sub/link"),
  remove: dir("remove", "a/f"),
  "remove of a tree": dir("remove", "a", { recursive: true }),
  rename: dir("rename", "a/f", "b/f"),
  "rename without replacing": dir("rename", "a/f", "b/g", { replace: false }),
  stat: dir("stat", "a/sub/link"),
  symlink: dir("symlink", "x", "a/new"),
  truncate: dir("truncate", "a/f", 1),
  utime: dir("utime", "a/f", 0, 0),
  walk: dir("walk", "a", { followSymlinks: true }),
  writeFile: dir("writeFile", "a/f", new Uint8Array(3), { mode: 0o600 }),
  "writeFile, long": dir("writeFile", "b/f", big),
  writeFileAtomic: dir("writeFileAtomic", "a/f", new Uint8Array(3), { mode: 0o600 }),
  "writeFileAtomic, keeping the mode": dir("writeFileAtomic", "a/f", big),
  writeTextFile: dir("writeTextFile", "a/f", "more", { append: true }),

  "FdFile.read": file("read", new Uint8Array(4)),
  "FdFile.write": file("write", new Uint8Array(4)),
  "FdFile.pread": file("pread", new Uint8Array(4), 1),
  "FdFile.pwrite": file("pwrite", new Uint8Array(4), 1),
  "FdFile.readAll": file("readAll"),
  "FdFile.readInto": file("readInto", new Uint8Array(9)),
  "FdFile.writeAll": file("writeAll", big),
  "FdFile.lines": file("lines"),
  "FdFile.seek": file("seek", 2, 0),
  "FdFile.stat": file("stat"),
  "FdFile.truncate": file("truncate", 2),
  "FdFile.sync": file("sync"),
  "FdFile.syncData": file("syncData"),
  "FdFile.tryLock": file("tryLock", true),
  "FdFile.lock": file("lock", true),
  "FdFile.unlock": file("unlock"),
  "FdFile.utime": file("utime", 1, 2),

  "Deno.readTextFile": deno("readTextFile", "a/sub/link"),
  "Deno.writeTextFile": deno("writeTextFile", "b/new", "text"),
  "Deno.mkdir": deno("mkdir", "c/d/e", { recursive: true }),
  "Deno.remove": deno("remove", "a", { recursive: true }),
  "Deno.rename": deno("rename", "a/f", "b/f"),
  "Deno.copyFile": deno("copyFile", "a/f", "b/f"),
  "Deno.stat": deno("stat", "a/f"),
  "Deno.realPath": deno("realPath", "a/sub/link"),
  "Deno.readDir": deno("readDir", "a/sub"),
};

/** A directory with the tree, which is made anew if an operation has changed it. */
export class Place implements Disposable {
  readonly fixture = new Fixture(tree);
  readonly dir: Dir;
  readonly #before: string;

  /** @param confined Whether the kernel confines the directory, or the library resolves paths step by step. */
  constructor(confined: boolean) {
    this.dir = new Dir(openDirSync(this.fixture.path).take(), confined);
    this.#before = this.picture();
  }

  /** Everything in the directory as text: names, kinds, modes, contents. Random names have no digits. */
  picture(): string {
    const lines: string[] = [];
    const visit = (path: string) => {
      for (const name of this.fixture.list(path)) {
        const at = path === "" ? name : `${path}/${name}`,
          { isDirectory, isSymlink, isFile, mode } = this.fixture.stat(at);
        const text = isSymlink
          ? Deno.readLinkSync(this.fixture.at(at))
          : isFile
          ? digest(this.fixture.bytes(at))
          : "";
        lines.push(`${at.replace(/[0-9a-f]{16}/, "RANDOM")} ${(mode! & 0o7777).toString(8)} ${text}`);
        if (isDirectory) visit(at);
      }
    };
    visit("");
    return lines.sort().join("\n");
  }

  /** Restores the initial tree. */
  restore(): void {
    if (this.picture() === this.#before) return;
    for (const name of this.fixture.list()) this.fixture.remove(name);
    this.fixture.add(tree);
  }

  /**
   * Runs an operation; `before` is called when everything that it needs is open.
   *
   * @param dir Another descriptor of the directory.
   */
  async run(
    { on, method, args }: Operation,
    isSync: boolean,
    before: () => void,
    after: () => void,
    dir: Dir = this.dir,
  ): Promise<unknown> {
    const name = isSync ? `${method}Sync` : method;
    const given = args.map((arg) => arg instanceof Uint8Array ? arg.slice() : arg);
    const subject = on === "file" ? dir.openSync("a/f", { read: true, write: true }) : dir;
    using _file = on === "file" ? subject as FdFile : undefined;
    using _deno = on === "ambient"
      ? ambient({ [this.fixture.path]: dir }, { cwd: this.fixture.path })
      : undefined;
    const owner = (on === "ambient" ? Deno : subject) as unknown as Record<
      string,
      (...args: unknown[]) => unknown
    >;
    before();
    try {
      const result = await owner[name]!(...given);
      if (
        typeof (result as Iterator<unknown> | undefined)?.next === "function" ||
        typeof result === "object" && result !== null && Symbol.asyncIterator in result
      ) {
        return plain(await Array.fromAsync(result as AsyncIterable<unknown>));
      }
      (result as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
      return plain(result);
    } finally {
      after();
    }
  }

  [Symbol.dispose](): void {
    this.dir[Symbol.dispose]();
    this.fixture[Symbol.dispose]();
  }
}

const latin1 = new TextDecoder("latin1");

/** Bytes as text that can be compared. */
function digest(bytes: Uint8Array): string {
  return latin1.decode(bytes);
}

/** The parts of a result that can be compared. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return digest(value);
  if (typeof value === "string") return value.replace(/[0-9a-f]{16}/, "RANDOM");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value ?? null;
  const { isFile, size, mode, name, path } = value as Record<string, unknown>;
  return isFile === undefined ? value.constructor.name : { isFile, size, mode, name, path };
}
