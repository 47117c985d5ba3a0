/**
 * Checks, at the boundary of FFI, every name that `compat/` gives to Linux: preloaded by the runner with `CAPSICUM_CHECK=1`,
 * natively. The library has no hook for it.
 *
 * A call with the descriptor of a directory gets one component, which it does not follow, unless the kernel keeps it beneath the
 * directory (RESOLVE_BENEATH). And what such a call opens is, by /proc, in the directory that the program has opened, wherever
 * that is now; but not where another process moves directories out of it meanwhile. A violation prints its stack and ends the process. Code that calls `libc` by itself is not checked.
 *
 * @module
 */
import * as linux from "../ffi/linux/constants.ts";

type Call = (...args: unknown[]) => unknown;
type Bytes = Uint8Array<ArrayBuffer>;

const { dlopen, readLinkSync } = Deno;
// A byte is a character: no mark at the start of a name is lost.
const decoder = new TextDecoder("latin1");

/** The descriptor that the program opened, for each one that was opened below it; and its path at that time. */
const roots = new Map<number, { fd: number; path: string | undefined }>();

/** The arguments of a call that are a descriptor and a name, and the flags of what it follows. */
interface Shape {
  names: readonly (readonly [fd: number, name: number])[];
  /** Whether the kernel follows a symlink at the end of the first name. */
  follows?(args: unknown[]): boolean;
  /** Whether the kernel keeps the lookup beneath the directory. */
  isBeneath?(args: unknown[]): boolean;
  /** Whether the result is a descriptor. */
  opens?: boolean;
}

const unless = (at: number, flag: number) => (args: unknown[]) => ((args[at] as number) & flag) === 0;
const one: Shape["names"] = [[0, 1]], never = () => false;
const shapes: Readonly<Record<string, Shape>> = {
  openat: { names: one, follows: unless(2, linux.O_NOFOLLOW), opens: true },
  openat2: {
    names: [[1, 2]],
    follows: never,
    isBeneath: (args) => ((args[3] as Int32Array | null)?.[4]! & linux.RESOLVE_BENEATH) !== 0,
    opens: true,
  },
  statx: { names: one, follows: unless(2, linux.AT_SYMLINK_NOFOLLOW) },
  faccessat: { names: one, follows: unless(3, linux.AT_SYMLINK_NOFOLLOW) },
  fchmodat: { names: one, follows: unless(3, linux.AT_SYMLINK_NOFOLLOW) },
  fchownat: { names: one, follows: unless(4, linux.AT_SYMLINK_NOFOLLOW) },
  utimensat: { names: one, follows: unless(3, linux.AT_SYMLINK_NOFOLLOW) },
  unlinkat: { names: one },
  mkdirat: { names: one },
  mkfifoat: { names: one },
  symlinkat: { names: [[1, 2]] },
  readlinkat: { names: one },
  linkat: {
    names: [[0, 1], [2, 3]],
    follows: (args) => ((args[4] as number) & linux.AT_SYMLINK_FOLLOW) !== 0,
  },
  renameat: { names: [[0, 1], [2, 3]] },
  renameat2: { names: [[1, 2], [3, 4]] },
};

/** Where a descriptor leads to; undefined if that can't be asked, as in a sandbox. */
function placeOf(fd: number): string | undefined {
  try {
    return readLinkSync(`/proc/self/fd/${fd}`).replace(/ \(deleted\)$/, "");
  } catch {
    return undefined;
  }
}

/** Whether another process moves directories, so that the place of one proves nothing. */
const areMoved = Deno.mainModule.endsWith("/_attack_child.ts");

function textOf(path: unknown): string {
  if (path === null) return "";
  const bytes = path as Bytes;
  return decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
}

function rootOf(fd: number): { fd: number; path: string | undefined } {
  let root = roots.get(fd);
  if (root === undefined) roots.set(fd, root = { fd, path: placeOf(fd) });
  return root;
}

const [library, ffi] = ["../compat/", "../ffi/"].map((path) => new URL(path, import.meta.url).href);

/** Whether it is code of `compat/` that calls `libc`, and not a test. */
function isByLibrary(stack: string): boolean {
  const caller = stack.split("\n").slice(1).find((line) =>
    !line.includes(import.meta.url) && !line.includes(ffi!)
  );
  // It asks what is above a directory of the plan, and opens nothing.
  return caller?.includes(library!) === true && !stack.includes("identitiesAround");
}

function violation(what: string, stack: string): never {
  console.error(`CAPSICUM_CHECK: ${what}\n${stack}`);
  Deno.exit(86);
}

function checked(name: string, shape: Shape, call: Call): Call {
  return (...args) => {
    const [fdAt, nameAt] = shape.names[0]!, fd = args[fdAt] as number;
    const stack = shape.names.some(([at]) => (args[at] as number) >= 0) ? new Error().stack ?? "" : "";
    const isOurs = isByLibrary(stack);
    if (isOurs && !shape.isBeneath?.(args)) {
      for (const [i, [at, name_]] of shape.names.entries()) {
        const path = textOf(args[name_]);
        // Without a path the descriptor itself is meant.
        if ((args[at] as number) < 0 || path === "" || path === ".") continue;
        if (path === ".." || path.includes("/")) violation(`${name} gets the path "${path}"`, stack);
        if (i === 0 && shape.follows?.(args)) violation(`${name} may follow "${path}"`, stack);
      }
    }
    const result = call(...args);
    if (!shape.opens || (result as number) < 0) return result;
    const opened = result as number;
    roots.delete(opened);
    if (!isOurs || fd < 0 || areMoved) return result;
    const root = rootOf(fd), place = placeOf(opened), now = placeOf(root.fd);
    roots.set(opened, root);
    const isIn = [root.path, now].some((path) =>
      path === undefined || place === undefined || path === "/" || place === path ||
      place.startsWith(`${path}/`)
    );
    if (!isIn) violation(`${name} of "${textOf(args[nameAt])}" leads from ${now} to ${place}`, stack);
    return result;
  };
}

/** A duplicate has the root of its original. */
function duplicating(call: Call): Call {
  return (...args) => {
    const result = call(...args) as number, [fd, command] = args as number[];
    const duplicates = args.length === 1 || command === 0 || command === linux.F_DUPFD_CLOEXEC;
    if (result >= 0 && duplicates) {
      const root = roots.get(fd!);
      if (root === undefined) roots.delete(result);
      else roots.set(result, root);
    }
    return result;
  };
}

function closing(call: Call): Call {
  return (...args) => {
    const result = call(...args);
    roots.delete(args[0] as number);
    return result;
  };
}

Object.defineProperty(Deno, "dlopen", {
  value: (path: string | URL, wanted: Deno.ForeignLibraryInterface) => {
    const library = dlopen(path, wanted);
    if (!String(path).includes("libc.so.6")) return library;
    const symbols = Object.fromEntries(
      Object.entries(library.symbols as Record<string, Call | null>).map(([name, call]) => {
        if (call === null) return [name, call];
        if (Object.hasOwn(shapes, name)) return [name, checked(name, shapes[name]!, call)];
        if (name === "fcntl" || name === "dup") return [name, duplicating(call)];
        return [name, name === "close" ? closing(call) : call];
      }),
    );
    return { symbols, close: () => library.close() };
  },
  configurable: true,
  enumerable: true,
  writable: true,
});
