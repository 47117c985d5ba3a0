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
 * ## Sandbox a program that you did not write
 *
 * A program is sandboxed by one line, as its first import: `import "./sandbox.ts";`. ES modules load their whole static graph
 * before any of it runs. So when that import runs, all code is in memory, and none of it has run. `sandbox.ts` says what the
 * program gets:
 *
 * ```js
 * import { sandbox } from "jsr:@capsicum/capsicum";
 * import { ambient } from "jsr:@capsicum/capsicum/ambient";
 *
 * sandbox({ dirs: { data: { path: Deno.args[0], rights: "readWrite" } }, ambient, warmUp: true });
 * ```
 *
 * The program runs with `--allow-ffi` alone as far as it uses files only. Write `ambientNode` for `ambient` if it, or a package
 * of it, uses `node:fs`. Some things must be done in `sandbox.ts`, before it calls `sandbox()`:
 *
 * - Modules that the program imports by `import()` are not in the graph. `await warmUp({ modules: ["./late.ts"] })` loads them
 *   without running them.
 * - CommonJS packages are read when they run, which is after the first import. `sandbox.ts` must import them itself. They run
 *   then, and unconfined: trust them, or take a package of ES modules.
 * - Named imports of `node:fs` in ES modules can't be replaced: see {@link ambientNode}. Such a module fails in the sandbox.
 * - Listeners and connections are opened before entering: see `./sandbox` for what works afterwards.
 *
 * examples/file_types.ts of the repository is such a program.
 *
 * Requires `--allow-ffi` permission.
 *
 * @example A plan whose directory Deno's own functions work on
 * ```ts
 * import { sandbox } from "jsr:@capsicum/capsicum";
 * import { ambient } from "jsr:@capsicum/capsicum/ambient";
 * import { assert } from "jsr:@std/assert";
 *
 * using box = sandbox({
 *   dirs: { etc: { path: "/etc", rights: "read" } },
 *   ambient,
 *   enforce: "if-supported",
 * });
 * assert(Deno.readTextFileSync("/etc/hosts") === box.dirs.etc.readTextFileSync("hosts"));
 * ```
 *
 * @module
 */
export { ambient } from "./deno.ts";
export { ambientNode } from "./node.ts";
export type { AmbientOptions } from "./mounts.ts";
