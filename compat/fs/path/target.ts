/** The arguments of `Dir` methods with a second path: `(from, to)` or `(from, toDir, to)`. */
import type { FdLike } from "../../../ffi/values.ts";

/** An open directory, such as a `Dir`. */
export interface Directory {
  /** The number of its descriptor. */
  readonly fd: number;
  /** Whether the kernel keeps lookups beneath it. */
  readonly confined: boolean;
}

/** A path in the same directory, or another directory and a path in it. */
export type Target = [to: string] | [toDir: Directory, to: string];
/** A {@link Target}, followed by options. */
export type TargetWithOptions<Options> =
  | [to: string, options?: Options]
  | [toDir: Directory, to: string, options?: Options];

/** The options of `Dir.rename`. */
export interface RenameOptions {
  /** Whether an existing file is replaced; if false, one throws `Deno.errors.AlreadyExists`. Default: true. */
  replace?: boolean;
}

export function targetOf(dir: Directory, to: Target): [FdLike, string] {
  return to.length < 2 ? [dir, to[0] as string] : to as [Directory, string];
}

export function targetWithOptions<Options extends object>(
  dir: Directory,
  to: TargetWithOptions<Options>,
): [FdLike, string, Options | undefined] {
  const [toDir, path, options] = typeof to[0] === "string" ? [dir, ...to] as const : to;
  return [toDir as Directory, path as string, options as Options | undefined];
}
