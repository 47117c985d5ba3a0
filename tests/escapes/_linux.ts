/**
 * Prepares the process of the escapes on Linux, by calls that the library does not make.
 *
 * @module
 */
import { places } from "../../ffi/linux/glibc.ts";

const libc = () =>
  Deno.dlopen(places[Deno.build.arch]![0]!, {
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
    unshare: { parameters: ["i32"], result: "i32" },
    mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  }).symbols;
const text = (text: string) => new TextEncoder().encode(`${text}\0`);

/** Lets the process use its own entries in /proc, as those without privileges do that had none before. */
export function seesItself(): void {
  const PR_SET_DUMPABLE = 4;
  libc().prctl(PR_SET_DUMPABLE, 1n, 0n, 0n, 0n);
}

/** Mounts an empty file system on a directory, in a namespace of the thread; returns why that can't be done. */
export function mountOn(path: string): string | undefined {
  if (Deno.uid() !== 0) return "only root can mount a file system";
  const { mount, unshare } = libc(), CLONE_NEWNS = 0x20000, MS_REC = 0x4000n, MS_PRIVATE = 0x40000n;
  if (unshare(CLONE_NEWNS) === -1) return "this system gives no mount namespace";
  if (mount(text("none"), text("/"), text("none"), MS_REC | MS_PRIVATE, text("")) === -1) {
    return "the mounts can't be made private";
  }
  if (mount(text("none"), text(path), text("tmpfs"), 0n, text("mode=777")) === -1) return "mount(2) fails";
  return undefined;
}
