/**
 * Makes and removes every file of the suite, through Deno's own API and not through the library under test.
 *
 * @module
 */
import { join } from "@std/path";
import { Mounts } from "./_mounts.ts";
import { giveAway } from "./_unprivileged.ts";

/** What stands at a name: text or bytes for a file, a nested tree for a directory, a link, a mode. */
export type Entry = string | Uint8Array | Tree | { link: string } | { text: string; mode: number };
export interface Tree {
  [name: string]: Entry;
}

/**
 * How many of `count` bytes, calls or requests a test that moves much moves: a slow machine, such as an emulated one, shrinks
 * it by `CAPSICUM_TEST_SCALE`, a number above 0 and up to 1, which is the default.
 */
export function scaled(count: number): number {
  const scale = Number(Deno.env.get("CAPSICUM_TEST_SCALE") ?? 1);
  if (!(scale > 0 && scale <= 1)) {
    throw new RangeError(`CAPSICUM_TEST_SCALE is not above 0 and up to 1: ${scale}`);
  }
  return Math.max(64, Math.round(count * scale));
}

/** Some levels, so that extra `..` of broken code under test stay within the directories that the fixture removes. */
const depth = ["in", "in", "in", "in", "in", "in"].join("/");

/**
 * A temporary directory with `tree` in it. It is removed at the end of the scope.
 *
 * If a test removes or changes files by a path that must be refused, the path must lead into the fixture: the code under
 * test may be broken. No such path or symlink may lead to "/" or another place outside, or have more than three `..`.
 */
export class Fixture implements Disposable {
  /** The absolute path, with no symlink in it. */
  readonly path: string;
  readonly #top: string;
  readonly #isOwn: boolean;
  #mounts: Mounts | undefined;

  /** @param path The directory of the fixture of another process, which removes it. */
  constructor(tree: Tree = {}, path?: string) {
    this.#isOwn = path === undefined;
    this.#top = path ?? Deno.realPathSync(Deno.makeTempDirSync({ prefix: "capsicum-" }));
    this.path = path ?? join(this.#top, depth);
    Deno.mkdirSync(this.path, { recursive: true });
    this.add(tree);
  }

  /** Makes an unprivileged user the owner of an entry or of everything, if the process is privileged. */
  giveAway(name?: string): void {
    giveAway(name === undefined ? this.#top : this.at(name));
  }

  /** Adds entries below `base`. */
  add(tree: Tree, base = ""): void {
    for (const [name, entry] of Object.entries(tree)) {
      const path = this.at(base, name);
      if (typeof entry === "string") Deno.writeTextFileSync(path, entry);
      else if (entry instanceof Uint8Array) Deno.writeFileSync(path, entry);
      else if (isLink(entry)) Deno.symlinkSync(entry.link, path);
      else if (isTextWithMode(entry)) {
        Deno.writeTextFileSync(path, entry.text);
        Deno.chmodSync(path, entry.mode);
      } else {
        Deno.mkdirSync(path);
        this.add(entry, join(base, name));
      }
    }
  }

  /** The absolute path of something in the fixture. */
  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  read(name: string): string {
    return Deno.readTextFileSync(this.at(name));
  }

  bytes(name: string): Uint8Array {
    return Deno.readFileSync(this.at(name));
  }

  write(name: string, data: string | Uint8Array): void {
    if (typeof data === "string") Deno.writeTextFileSync(this.at(name), data);
    else Deno.writeFileSync(this.at(name), data);
  }

  /** Makes the file `size` bytes long, without writing them. */
  resize(name: string, size: number): void {
    Deno.truncateSync(this.at(name), size);
  }

  /** Sets access and modification time. */
  utime(name: string, atime: Date, mtime: Date): void {
    Deno.utimeSync(this.at(name), atime, mtime);
  }

  /** Sets the mode, its special bits included. */
  chmod(name: string, mode: number): void {
    Deno.chmodSync(this.at(name), mode);
  }

  /** Sets owner and group, which removes setuid and setgid bits. */
  chown(name: string, uid: number, gid: number): void {
    Deno.chownSync(this.at(name), uid, gid);
  }

  /** Copies a file as Deno does. */
  copyFile(from: string, to: string): void {
    Deno.copyFileSync(this.at(from), this.at(to));
  }

  /** Gives a file a second name. */
  link(name: string, second: string): void {
    Deno.linkSync(this.at(name), this.at(second));
  }

  remove(name: string): void {
    Deno.removeSync(this.at(name), { recursive: true });
  }

  exists(name: string): boolean {
    try {
      Deno.lstatSync(this.at(name));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Makes directories the roots of mounted file systems until the end of the scope; see `needsMounts()`. */
  mount(...names: string[]): void {
    this.#mounts ??= new Mounts();
    for (const name of names) this.#mounts.add(this.at(name));
  }

  /** The names in a directory of the fixture, sorted. */
  list(name = ""): string[] {
    return [...Deno.readDirSync(this.at(name))].map((entry) => entry.name).sort();
  }

  stat(name: string): Deno.FileInfo {
    return Deno.lstatSync(this.at(name));
  }

  [Symbol.dispose](): void {
    this.#mounts?.[Symbol.dispose]();
    if (this.#isOwn) Deno.removeSync(this.#top, { recursive: true });
  }
}

function isLink(entry: object): entry is { link: string } {
  return typeof (entry as { link?: unknown }).link === "string";
}

function isTextWithMode(entry: object): entry is { text: string; mode: number } {
  return typeof (entry as { text?: unknown }).text === "string" &&
    typeof (entry as { mode?: unknown }).mode === "number";
}
