/**
 * Registers the tests of all files in `CAPSICUM_TEST_FILES`, a JSON array of paths, as one module: at the start of each
 * module of tests, Deno fills an array of 80 MB, which takes longer than most files.
 *
 * @module
 */
import { root } from "./deno.ts";
import { registerFile } from "../_test.ts";

for (const file of JSON.parse(Deno.env.get("CAPSICUM_TEST_FILES") ?? "[]") as string[]) {
  await registerFile(new URL(file, root).href);
}
