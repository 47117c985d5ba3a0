/** File names as strings, for the layers above: what `libc.readlinkat` filled a buffer with. */
export { decodeName } from "./_names.ts";
