/**
 * The first import of file_types.ts. When it runs, all modules of the program are in memory, and none has run.
 *
 * @module
 */
import { ambient } from "../compat/ambient/mod.ts";
import { sandbox } from "../mod.ts";

try {
  sandbox({ dirs: { tree: { path: Deno.args[0] ?? ".", rights: "read" } }, ambient, warmUp: true });
} catch (error) {
  console.error(`file_types: ${(error as Error).message}`);
  Deno.exit(1);
}
