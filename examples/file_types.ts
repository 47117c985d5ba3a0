/**
 * Adds up the sizes of files by their types. It knows nothing about sandboxes but its first import.
 *
 * FreeBSD: deno run --allow-ffi=/lib/libc.so.7 examples/file_types.ts DIRECTORY
 * Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 examples/file_types.ts DIRECTORY
 *
 * @module
 */
import "./_file_types_sandbox.ts";
import { walk } from "@std/fs";
import mime from "npm:mime@4.1.2";

const sizes = new Map<string, number>();
for await (const { path, isFile } of walk(Deno.args[0] ?? ".")) {
  if (!isFile) continue;
  const type = mime.getType(path) ?? "unknown", { size } = await Deno.stat(path);
  sizes.set(type, (sizes.get(type) ?? 0) + size);
}
for (const [type, size] of [...sizes].sort()) console.log(`${String(size).padStart(12)} ${type}`);
