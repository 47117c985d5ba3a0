/**
 * An attacker: swaps directories and files with symlinks that leave the directory, and moves a directory out and back. It
 * ends when a file "stop" exists next to the directory, and prints how often it swapped. After as many swaps as its second
 * argument says it creates a directory "enough" next to the directory.
 *
 * @module
 */
import { type Dir, libc, openDirSync } from "../../../mod.ts";
import { dropRoot } from "../../_unprivileged.ts";

dropRoot();
const above = openDirSync(Deno.args[0]!), root = above.openDirSync("root");
let count = 0;

/** Returns whether the call succeeded: another process also renames and removes here. */
function works(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

function rename(from: string, to: string, toDir: Dir = root, dir: Dir = root): boolean {
  return works(() => libc.renameat(dir, from, toDir, to));
}

/** Replaces a file or directory with a symlink for a moment. */
function swap(name: string): void {
  const link = `${name}-link`, hold = `${name}-hold`;
  if (rename(name, hold)) {
    if (rename(link, name)) count++;
    if (!rename(name, link)) works(() => libc.unlinkat(root, name, 0));
    if (!rename(hold, name)) rename(hold, `lost${count}`);
  }
}

function write(path: string): void {
  const flags = libc.O_WRONLY | libc.O_CREAT | libc.O_EXCL | libc.O_NOFOLLOW | libc.O_CLOEXEC;
  works(() => {
    const fd = libc.openat(root, path, flags, 0o644);
    libc.write(fd, new TextEncoder().encode("inside"));
    libc.close(fd);
  });
}

/** Restores what other processes removed or replaced. No swaps happen meanwhile. */
function repair(): void {
  for (const name of ["swap", "leaf"]) {
    // A symlink in the place of a directory or a file is left over from a failed swap.
    if (works(() => libc.readlinkat(root, name, new Uint8Array(9)))) libc.unlinkat(root, name, 0);
    if (!works(() => libc.readlinkat(root, `${name}-link`, new Uint8Array(9)))) {
      rename(`${name}-link`, `lost${count}-link`);
      works(() => libc.symlinkat(name === "swap" ? "../outside" : "../outside/target", root, `${name}-link`));
    }
  }
  for (const path of ["swap", "swap/sub", "deep", "deep/d", "deep/d/e"]) {
    works(() => libc.mkdirat(root, path, 0o755));
  }
  for (const path of ["leaf", "file", "nest/file", "swap/target", "swap/sub/target"]) write(path);
  for (const path of ["deep/target", "deep/d/target", "deep/d/e/target"]) write(path);
}

works(() => libc.mkdirat(root, "nest", 0o755));
repair();
while (!works(() => libc.faccessat(above, "stop", libc.F_OK, 0))) {
  for (let i = 0; i < 20; i++) {
    swap("swap");
    swap("leaf");
    if (rename("deep/d", "elsewhere/d", above)) {
      count++;
      if (!rename("elsewhere/d", "root/deep/d", above, above)) {
        rename("elsewhere/d", `root/lost${count}`, above, above);
      }
    }
  }
  works(repair);
  if (count >= Number(Deno.args[1])) works(() => libc.mkdirat(above, "enough", 0o755));
}
console.log(count);
