/**
 * Deno's own file functions over the directories of a sandbox, so that code that never heard of `Dir` works in it.
 *
 * {@link ambient} replaces the functions of `Deno` that take a path: those that the table of `./fs` has a twin in `Dir` for,
 * in both forms, and `Deno.cwd` and `Deno.chdir`. Paths at or below its directories go to their `Dir`s. So `@std/fs` works,
 * and any other code that calls `Deno.*`.
 *
 * {@link ambientNode} does the same for `node:fs`, for packages that were written for Node. `sandbox({ dirs, ambient })`
 * takes either of them.
 *
 * ## Paths
 *
 * Paths are strings and `file:` URLs. Relative ones start at a working directory that is a path only: `Deno.chdir()` changes
 * no state of the process, and finds a real path. "." and ".." and repeated slashes are resolved by name, before symlinks are
 * looked up. Then the mount with the longest path that fits has the file, and its `Dir` resolves the rest and keeps it beneath
 * the directory. A symlink that leads out of its directory is refused with ENOTCAPABLE, also one that is absolute and leads
 * into a mount: make symlinks relative. `Deno.realPath` returns paths through the mounts.
 *
 * `Deno.rename`, `Deno.link` and `Deno.copyFile` work from one mount to another; the first two are EXDEV on two file systems.
 * `Deno.makeTempDir` and `Deno.makeTempFile` without `dir` use the mount of /tmp, or of the option `tempDir`: the variable
 * TMPDIR is not read.
 *
 * A path of no mount goes to Deno's own function while the process is not sandboxed. In a sandbox it is
 * `Deno.errors.NotCapable`, which Deno throws for a path that the program has no permission for, with the code ECAPMODE.
 *
 * ## Differences from Deno's own functions
 *
 * Results and errors are those of `Dir`: the classes are Deno's, and messages have the form of this library. Options that
 * Deno does not know are ignored. Open files are `FdFile`s, which have all methods of `Deno.FsFile` and are instances of it
 * to `instanceof`. Each Worker has a `Deno` of its own, and calls `ambient()` for itself.
 *
 * Requires `--allow-ffi` permission.
 *
 * @module
 */
export { ambient } from "./deno.ts";
export { ambientNode } from "./node.ts";
export type { AmbientOptions } from "./mounts.ts";
