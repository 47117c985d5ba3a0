/**
 * Makes directories the roots of mounted file systems: with the stand-in by a variable of the environment, which children
 * inherit, and on FreeBSD by mount(8) and nullfs(5).
 *
 * @module
 */
import { abi } from "../ffi/system.ts";
import { libc } from "../mod.ts";
import { outputOf } from "./_child.ts";
import { kernel } from "./_kernel.ts";

const VARIABLE = "STANDIN_MOUNT_ROOTS";

/** Mounts that last until it is disposed of. The directories keep their contents, and must keep their names. */
export class Mounts implements Disposable {
  readonly #undo = new DisposableStack();

  add(path: string): void {
    if (kernel.simulated) this.#pretend(path);
    else this.#mount(path);
  }

  #pretend(path: string): void {
    const before = Deno.env.get(VARIABLE);
    Deno.env.set(VARIABLE, before === undefined ? path : `${before}:${path}`);
    this.#undo.defer(() => before === undefined ? Deno.env.delete(VARIABLE) : Deno.env.set(VARIABLE, before));
  }

  /** Moves the directory away, and mounts it at its old place. */
  #mount(path: string): void {
    using undo = new DisposableStack();
    const above = Deno.makeTempDirSync({ prefix: "capsicum-mounted-" }), moved = `${above}/directory`;
    undo.defer(() => Deno.removeSync(above));
    Deno.renameSync(path, moved);
    undo.defer(() => Deno.renameSync(moved, path));
    Deno.mkdirSync(path);
    undo.defer(() => Deno.removeSync(path));
    outputOf("/sbin/mount", "-t", "nullfs", moved, path);
    undo.defer(() => void outputOf("/sbin/umount", "-f", path));
    if (deviceOf(path) === deviceOf(`${path}/..`)) throw new Error("the kernel under test has no new mount");
    const mounted = undo.move();
    this.#undo.defer(() => mounted.dispose());
  }

  [Symbol.dispose](): void {
    this.#undo.dispose();
  }
}

/** The device of a directory, as the kernel under test reports it. */
function deviceOf(path: string): number {
  const stat = new Uint8Array(abi().statSize);
  libc.fstatat(libc.AT_FDCWD, path, stat, 0);
  return abi().decodeStat(stat).dev;
}

let reason: string | false | undefined;

/** The reason to skip a test that needs mounts; false if they work. */
export function needsMounts(): string | false {
  return reason ??= reasonNow();
}

function reasonNow(): string | false {
  if (kernel.simulated) return false;
  if (!kernel.hasCapsicum) {
    return "needs FreeBSD, or the stand-in, which makes any directory the root of a mount";
  }
  if (Deno.uid() !== 0) return "needs root, to mount a file system on FreeBSD";
  const path = Deno.makeTempDirSync({ prefix: "capsicum-" });
  try {
    using mounts = new Mounts();
    mounts.add(path);
    return false;
  } catch (error) {
    console.error(`no mount: ${(error as Error).message}`);
    return "needs mount(8) and nullfs(5) of FreeBSD, which failed: the output has the reason";
  } finally {
    Deno.removeSync(path);
  }
}
