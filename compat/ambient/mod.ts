/**
 * Deno's own file functions over the directories of a sandbox, so that code that does not use `Dir` works in it.
 *
 * {@link ambient} replaces the functions of `Deno` that have a twin in `Dir` (see the table of `./fs`), in both forms, and
 * `Deno.cwd` and `Deno.chdir`. A path at or below one of the directories then goes to that `Dir`. So `@std/fs` works, and
 * any other code that calls `Deno.*`.
 *
 * {@link ambientNode} also replaces functions of `node:fs`, for packages that were written for Node.
 * `sandbox({ dirs, ambient })` takes either of them.
 *
 * ## Paths
 *
 * A path is a string or a `file:` URL. Relative paths start at a working directory that is only a path: `Deno.chdir()`
 * resolves its symlinks, and changes no state of the process. ".", ".." and repeated slashes are resolved by name, before
 * symlinks are followed.
 *
 * A mount is a directory of the sandbox with its path. If a path is below several mounts, the one with the longest path is
 * used. Its `Dir` resolves the rest of the path, and keeps it beneath the directory. A symlink that leads out of the directory
 * is refused with ENOTCAPABLE. So is an absolute symlink, even if it leads into a mount: make symlinks relative.
 * `Deno.realPath` returns a path that starts with the path of the mount.
 *
 * `Deno.rename`, `Deno.link` and `Deno.copyFile` work from one mount to another. Between two file systems, the first two fail
 * with EXDEV. `Deno.makeTempDir` and `Deno.makeTempFile` without `dir` use /tmp, or the option `tempDir`, which must be in a
 * mount. They do not read the variable TMPDIR.
 *
 * Before the process is sandboxed, a path in no mount goes to Deno's own function. In a sandbox it throws
 * `Deno.errors.NotCapable` with the `code` ECAPMODE. Deno throws the same class for a path without permission.
 *
 * ## Differences from Deno's own functions
 *
 * Results and errors are those of `Dir`: the classes are Deno's, and the messages have the form of this library. Options that
 * Deno does not know are ignored. Open files are `FdFile`s, which have all methods of `Deno.FsFile`, and `instanceof
 * Deno.FsFile` is true for them. Each Worker has its own `Deno` object, and must call `ambient()` itself.
 *
 * ## Sandbox a program that you did not write
 *
 * One line sandboxes a program, as its first import: `import "./sandbox.ts";`. ES modules load their whole static graph before
 * any of it runs. So when that import runs, all code is in memory, and no other module of the program has run. `sandbox.ts`
 * names what the program may use:
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
 * A launcher does not change the program. It loads the program without running it, enters, and then imports it. In the
 * program, `import.meta.main` is false. A launcher may use `await`:
 *
 * ```js
 * await warmUp({ modules: ["./main.ts"] });
 * sandbox({ dirs: { data: { path: Deno.args[0], rights: "readWrite" } }, ambient, warmUp: true });
 * await import("./main.ts");
 * ```
 *
 * A program that only uses files needs no permission except `--allow-ffi`. Use `ambientNode` if the program or one of its
 * packages uses `node:fs`. These need care:
 *
 * - Modules that the program imports by `import()` are not in its static graph. `await warmUp({ modules: ["./late.ts"] })`
 *   loads them without running them. Call it in the launcher, or in a module that runs first, as in
 *   `deno run --preload=./warm_up.ts main.ts`.
 * - CommonJS packages are read when they run, which is after the first import, so `sandbox.ts` must import them itself. They
 *   then run unconfined: trust them, or use a package of ES modules.
 * - Named imports of `node:fs` in ES modules cannot be replaced, and their calls fail in the sandbox: see {@link ambientNode}.
 * - Listeners and connections must be open before entering: see `./sandbox` for what works afterwards.
 *
 * In the repository, examples/file_types.ts is such a program.
 *
 * Requires `--allow-ffi` permission.
 *
 * @example Deno's own functions on a directory of a plan
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
