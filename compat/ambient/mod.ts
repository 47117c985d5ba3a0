/**
 * Deno's own file functions over the directories of a sandbox, so that code that does not know `Dir` works in it.
 *
 * {@link ambient} replaces the functions of `Deno` that have a twin in `Dir` (see the table of `./fs`), in both forms, and
 * `Deno.cwd` and `Deno.chdir`. A path at or below one of its directories goes to that `Dir`. So `@std/fs` works, and any
 * other code that calls `Deno.*`.
 *
 * {@link ambientNode} does the same for `node:fs`, for packages that were written for Node. `sandbox({ dirs, ambient })`
 * takes either of them.
 *
 * ## Paths
 *
 * Paths are strings and `file:` URLs. Relative ones start at a working directory that is only a path: `Deno.chdir()` resolves
 * its symlinks, and changes no state of the process. ".", ".." and repeated slashes are resolved by name, before symlinks are
 * looked up. Of the directories that the path is at or below, the one with the longest path is used. Its `Dir` resolves the
 * rest, and keeps it beneath the directory. A symlink that leads out of its directory is refused with ENOTCAPABLE, also one
 * that is absolute and leads into a mount: make symlinks relative. `Deno.realPath` returns paths through the mounts.
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
 * **`sandbox.ts` must not use top-level `await`**, nor import a module that does: while it waits, the other imports of the
 * program run, unconfined.
 *
 * A launcher needs no line in the program. It loads the program without running it, enters, and then imports it;
 * `import.meta.main` is false in the program. A launcher may use `await`:
 *
 * ```js
 * await warmUp({ modules: ["./main.ts"] });
 * sandbox({ dirs: { data: { path: Deno.args[0], rights: "readWrite" } }, ambient, warmUp: true });
 * await import("./main.ts");
 * ```
 *
 * A program that only uses files needs no permission but `--allow-ffi`. Use `ambientNode` if the program or one of its
 * packages uses `node:fs`. These need care:
 *
 * - Modules that the program imports by `import()` are not in its graph. `await warmUp({ modules: ["./late.ts"] })` loads
 *   them without running them: in the launcher, or in a module that runs first, `deno run --preload=./warm_up.ts main.ts`.
 * - CommonJS packages are read when they run, which is after the first import. `sandbox.ts` must import them itself. They
 *   then run unconfined: trust them, or use a package of ES modules.
 * - Named imports of `node:fs` in ES modules can't be replaced: see {@link ambientNode}. Their calls fail in the sandbox.
 * - Listeners and connections must be open before entering: see `./sandbox` for what works afterwards.
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
