/**
 * Takes root's privileges from a process that attacks: where the code under test is broken, the attack must not reach
 * the machine that the tests run on.
 *
 * @module
 */
import { join } from "@std/path";
import { bindAll } from "../ffi/symbols.ts";
import { places } from "../ffi/linux/glibc.ts";
import { kernel } from "./_kernel.ts";

/** `nobody`, on FreeBSD and on Linux. */
const nobody = 65534;
const isRoot = Deno.uid() === 0;

/** libc itself, since the stand-in has no users. */
function open() {
  const isLinux = kernel.simulated || !kernel.hasCapsicum;
  const path = isLinux ? places[Deno.build.arch]![0]! : "/lib/libc.so.7";
  return Deno.dlopen(path, {
    lchown: { parameters: ["buffer", "u32", "u32"], result: "i32" },
    setgroups: { parameters: ["usize", "buffer"], result: "i32" },
    setgid: { parameters: ["u32"], result: "i32" },
    setuid: { parameters: ["u32"], result: "i32" },
  });
}

function must(what: string, result: number): void {
  if (result !== 0) throw new Error(`${what} failed`);
}

/** Gives a directory and everything below it to the user `nobody`, if this process is root. Follows no symlink. */
export function giveAway(path: string): void {
  if (!isRoot) return;
  const libc = open();
  const visit = (path: string) => {
    must(`lchown ${path}`, libc.symbols.lchown(new TextEncoder().encode(`${path}\0`), nobody, nobody));
    if (!Deno.lstatSync(path).isDirectory) return;
    for (const { name } of Deno.readDirSync(path)) visit(join(path, name));
  };
  visit(path);
  libc.close();
}

/** Makes this process run as `nobody` instead of root, permanently. Load all imports before. */
export function dropRoot(): void {
  if (!isRoot) return;
  // Nobody may lack the permission to find the stand-in by its path.
  if (kernel.hasCapsicum) bindAll();
  const libc = open();
  must("setgroups", libc.symbols.setgroups(1n, new Uint32Array([nobody])));
  must("setgid", libc.symbols.setgid(nobody));
  must("setuid", libc.symbols.setuid(nobody));
  if (Deno.uid() !== nobody || Deno.gid() !== nobody) {
    throw new Error("root's privileges could not be dropped");
  }
}
