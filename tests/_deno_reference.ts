/**
 * `Deno.*` and `@std/fs` below a directory, with paths relative to it: the reference for the library's `Dir`.
 *
 * @module
 */
import * as std from "@std/fs";

/** What a method is called with. */
export type Args = readonly unknown[];

const functions = { ...Deno, ...std } as unknown as Record<string, (...args: Args) => unknown>;

/** How many of the first arguments are paths; of `symlink` the second is, the first being a text. */
const paths: Readonly<Record<string, number>> = { rename: 2, link: 2, copyFile: 2, copy: 2 };

/** `Deno.copyFileSync` of 2.7 empties a file that is copied onto itself; 2.9 throws this. */
function refuseOntoItself(from: string, to: string): void {
  const [one, two] = [from, to].map((path) => {
    try {
      return Deno.statSync(path);
    } catch {
      return undefined;
    }
  });
  if (one?.isFile && one.dev === two?.dev && one.ino === two.ino) throw new TypeError("onto itself");
}

/** The functions that are in force now, if others stand for those of `Deno`. */
export const inForce: typeof functions = { ...functions };
for (const name of Object.keys(Deno)) {
  Object.defineProperty(inForce, name, { get: () => (Deno as unknown as typeof functions)[name] });
}

/** A directory, whose methods are called by their names. */
export class DenoReference {
  /** The absolute path, with no symlink in it. */
  readonly root: string;
  readonly #functions: typeof functions;

  constructor(root: string, using = functions) {
    this.root = root;
    this.#functions = using;
  }

  /** The absolute path. */
  at(path: string): string {
    return path === "." ? this.root : `${this.root}/${path}`;
  }

  /** Calls a function of `Deno` or `@std/fs` by its name. Paths in its result are relative to the directory. */
  call(method: string, ...args: Args): unknown {
    const name = method.replace(/Sync$/, ""), [first, ...rest] = args;
    if (name === "symlink") return this.#functions[method]!(first, this.at(rest[0] as string));
    if (name.startsWith("makeTemp")) {
      return this.#makeTemp(this.#functions[method]!, first as Deno.MakeTempOptions);
    }
    const absolute = args.map((arg, i) => i < (paths[name] ?? 1) ? this.at(arg as string) : arg);
    if (name === "copyFile") refuseOntoItself(...absolute as [string, string]);
    const result = this.#functions[method]!(...absolute);
    if (name === "realPath") return this.#relative(result);
    return name === "walk" ? this.#entries(result as Iterable<std.WalkEntry>) : result;
  }

  #makeTemp(make: (...args: Args) => unknown, options: Deno.MakeTempOptions): unknown {
    return this.#relative(make({ ...options, dir: this.at(options.dir ?? ".") }));
  }

  #relative(path: unknown): unknown {
    if (path instanceof Promise) return path.then((path) => this.#relative(path));
    return path === this.root ? "." : String(path).slice(this.root.length + 1);
  }

  async *#entries(entries: Iterable<std.WalkEntry> | AsyncIterable<std.WalkEntry>) {
    for await (const entry of entries) {
      const path = this.#relative(entry.path) as string;
      yield { ...entry, path, name: path === "." ? "." : entry.name };
    }
  }
}
