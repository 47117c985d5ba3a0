/** Paths as names: which directory of a sandbox a path is in, and what of the path remains there. */
import { sandboxed } from "../../ffi/capsicum/capability.ts";
import { listed, quoted } from "../../ffi/errors.ts";
import { type Asked, asked, failure } from "../../ffi/failure.ts";
import { Dir } from "../fs/dir.ts";
import { checkOptions } from "../../ffi/values.ts";
import { ambientPath, pathOf } from "../fs/path/components.ts";

/** The options of `ambient()` and `ambientNode()`. */
export interface AmbientOptions {
  /** The first working directory, as a path or `file:` URL. Default: that of the process. */
  cwd?: string | URL;
  /** The directory of `Deno.makeTempDir()` and `Deno.makeTempFile()` without `dir`. Default: `"/tmp"`. */
  tempDir?: string | URL;
}

const aPath = (value: unknown) =>
  typeof value === "string" && value !== "" || value instanceof URL
    ? undefined
    : { expected: "a path or a file: URL", error: TypeError };

/** A path in a directory of the sandbox. */
export interface Mounted {
  /** The directory; its errors name paths as the caller gives them. */
  readonly dir: Dir;
  /** The path relative to the directory. */
  readonly rest: string;
  /** The path of the directory, without a last "/". */
  readonly mount: string;
  /** The path as the caller gave it. */
  readonly given: string;
}

/** ECAPMODE of FreeBSD, also where the kernel has no such errno. */
const ECAPMODE = ["ECAPMODE", 94] as const;

/** The directories of a sandbox by their absolute paths, and a working directory, which is a path only. */
export class Mounts {
  /** The longest path first. A path ends in "/". */
  readonly #mounts: readonly (readonly [prefix: string, dir: Dir])[];
  readonly tempDir: string;
  #cwd: string | undefined;

  /** @param call The caller, for messages. */
  constructor(call: string, mounts: Readonly<Record<string, Dir>>, options: AmbientOptions) {
    checkOptions(call, options, { cwd: aPath, tempDir: aPath });
    checkOptions(
      `${call}: mounts`,
      mounts,
      Object.fromEntries(Object.keys(mounts ?? {}).map((path) => [path, aDir])),
    );
    this.#cwd = workingDirectory();
    if (options.cwd !== undefined) {
      this.#cwd = resolved(this.absolute(options.cwd, call)).replace(/(?<=.)\/$/, "");
    }
    this.tempDir = pathOf(options.tempDir ?? "/tmp", call);
    const all = Object.entries(mounts).map(([path, dir]) =>
      [`${resolved(this.absolute(path, call))}/`.replace(/\/+$/, "/"), dir] as const
    );
    this.#mounts = all.toSorted(([one], [other]) => other.length - one.length);
    const twice = all.find(([path], i) => all.findIndex(([other]) => other === path) < i);
    if (twice) throw new TypeError(`${call}: two mounts have the path ${quoted(nameOf(twice[0]))}.`);
  }

  get cwd(): string {
    if (this.#cwd === undefined) {
      throw new Deno.errors.NotSupported(
        "The working directory is not known in the sandbox. Pass the option cwd to ambient().",
      );
    }
    return this.#cwd;
  }

  set cwd(path: string) {
    this.#cwd = path;
  }

  /**
   * Makes a path absolute; "." and ".." stay.
   *
   * @param call The function, for messages.
   */
  absolute(path: string | URL, call?: string): string {
    const text = ambientPath(path, call);
    return text.startsWith("/") ? text : `${this.cwd === "/" ? "" : this.cwd}/${text}`;
  }

  /**
   * The directory with the longest path that a path is at or below. Returns undefined if there is none and the process is
   * not sandboxed: then Deno's own function can act on the path.
   *
   * @param call The function, for messages.
   */
  find(call: string, path: string | URL): Mounted | undefined {
    const given = pathOf(path, call);
    if (given === "") throw failure({ syscall: call, path: "" }, "ENOENT", "the path is empty (ENOENT).");
    const whole = resolved(this.absolute(given, call));
    for (const [prefix, dir] of this.#mounts) {
      const isBelow = whole.startsWith(prefix);
      if (!isBelow && (whole.length + 1 !== prefix.length || !prefix.startsWith(whole))) continue;
      const rest = whole.slice(prefix.length) || ".", mount = nameOf(prefix);
      return { dir: new MountedDir(dir, { rest, mount, given }), rest, mount, given };
    }
    if (!sandboxed()) return undefined;
    throw this.#outside(call, given);
  }

  #outside(call: string, path: string): Error {
    const paths = this.#mounts.map(([prefix]) => nameOf(prefix)).sort();
    return failure(
      { syscall: call, path },
      ECAPMODE,
      "the path is in no directory of the sandbox (ECAPMODE). " +
        `${
          paths.length === 0 ? "It has none" : `Its directories are ${listed(paths, 100)}`
        }: add one to dirs of the plan.`,
      {},
      Deno.errors.NotCapable,
    );
  }
}

/** An open directory for one call; another `Dir` owns the descriptor. */
class MountedDir extends Dir {
  readonly #dir: Dir;
  readonly #at: Omit<Mounted, "dir">;

  constructor(dir: Dir, at: Omit<Mounted, "dir">) {
    super(-1);
    this.#dir = dir;
    this.#at = at;
  }

  override get fd(): number {
    return this.#dir.fd;
  }

  override get confined(): boolean {
    return this.#dir.confined;
  }

  /** Errors have the path that the caller gave, and no descriptor, which the caller does not know. */
  [asked](path = "."): Asked {
    return { path: path === this.#at.rest ? this.#at.given : pathIn(this.#at, path) };
  }
}

const aDir = (value: unknown) =>
  value instanceof Dir ? undefined : { expected: "an open Dir", error: TypeError };

function workingDirectory(): string | undefined {
  try {
    return Deno.cwd();
  } catch {
    // Once the process is sandboxed, or where the directory was removed.
    return undefined;
  }
}

function nameOf(prefix: string): string {
  return prefix === "/" ? prefix : prefix.slice(0, -1);
}

/** Resolves ".", ".." and repeated slashes of an absolute path by name. A "/" at the end stays. */
function resolved(path: string): string {
  if (!/\/\.{0,2}(?:\/|$)/.test(path)) return path;
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  const last = names.length > 0 && /\/\.{0,2}$/.test(path) ? "/" : "";
  return `/${names.join("/")}${last}`;
}

/** The absolute path of a path in a directory of the sandbox. */
export function pathIn({ mount }: Pick<Mounted, "mount">, path: string): string {
  return path === "." ? mount : `${mount === "/" ? "" : mount}/${path}`;
}
