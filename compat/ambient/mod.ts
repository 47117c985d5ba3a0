/**
 * Deno's own file functions over the directories of a sandbox, so that code that never heard of `Dir` works in it.
 *
 * @module
 */
export { ambient } from "./deno.ts";
export type { AmbientOptions } from "./mounts.ts";
