/**
 * Does the same as each use of a `Dir`, with Deno's own functions on the joined path: without confinement, the escapes succeed.
 *
 * @module
 */
import { Dir } from "../../mod.ts";
import { inForce } from "../_deno_reference.ts";

/** The methods with two paths. */
const two = ["rename", "link", "copyFile"];

type Call = (method: string, ...args: readonly unknown[]) => unknown;

/** Calls the counterpart of a method of the `Dir` at `inside`. */
export function unconfined(inside: string): Call {
  const at = (path: unknown) => String(path).startsWith("/") ? String(path) : `${inside}/${path}`;
  const own: Record<string, (...args: never[]) => unknown> = {
    openDir: (path: string) => {
      const names = [...Deno.readDirSync(at(path))];
      return {
        statSync: () => names,
        listSync: () => names,
        readDirSync: () => names,
        [Symbol.dispose]() {},
      };
    },
    list: (path: string) => [...Deno.readDirSync(at(path))],
    readDir: (path: string) => [...Deno.readDirSync(at(path))],
    readTextFileLines: (path: string) => [Deno.readTextFileSync(at(path))],
    // Deno has no such functions; these also create a name or replace a file.
    mkfifo: (path: string) => inForce.symlinkSync!("target", at(path)),
    writeFileAtomic: (path: string, data: Uint8Array) => inForce.writeFileSync!(at(path), data),
    // That of Deno 2.9 does not follow a symlink.
    truncate(path: string, length: number) {
      using file = inForce.openSync!(at(path), { write: true }) as Deno.FsFile;
      file.truncateSync(length);
    },
    // @std/fs resolves ".." by name, so not all of these paths escape.
    expandGlob: (glob: string, { root }: { root?: string } = {}) =>
      root !== undefined || glob.endsWith("/*")
        ? [...Deno.readDirSync(at(root ?? glob.slice(0, -2)))]
        : [Deno.lstatSync(at(glob))],
    walk: (path: string) => [...Deno.readDirSync(at(path))],
    // What is copied is a file, or a directory without entries.
    copy: (from: string, to: string) =>
      Deno.lstatSync(at(from)).isDirectory
        ? inForce.mkdirSync!(at(to))
        : inForce.copyFileSync!(at(from), at(to)),
    symlink: (target: string, path: string) => inForce.symlinkSync!(target, at(path)),
    makeTempFile: ({ dir }: { dir: string }) => inForce.makeTempFileSync!({ dir: at(dir) }),
    makeTempDir: ({ dir }: { dir: string }) => inForce.makeTempDirSync!({ dir: at(dir) }),
  };
  return (method, ...given) => {
    const args = given.filter((arg) => !(arg instanceof Dir));
    if (own[method]) return own[method](...args as never[]);
    const paths = two.includes(method) ? 2 : 1;
    return inForce[`${method}Sync`]!(...args.map((arg, i) => i < paths ? at(arg) : arg));
  };
}
