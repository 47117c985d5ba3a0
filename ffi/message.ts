/**
 * The form of the messages of failed calls: the call, its paths and descriptors, the reason with its code, the way out.
 *
 * A message has at most 300 characters. A long path is cut in the middle; `path` of the error holds all of it.
 *
 * @module
 */
import { quoted, shortened, visible } from "../rights/text.ts";
import { AT_FDCWD } from "./freebsd/constants.ts";

export { listed, quoted, shortened, visible, wrapped } from "../rights/text.ts";

/** The most characters of a message. */
export const MOST = 300;
/** The fewest characters that are left for a path. */
const LEAST = 24;

/** The arguments of a failed call, as its caller knows them. */
export interface GivenCall {
  /** The C function, or the method. */
  readonly syscall: string;
  readonly fd?: number | undefined;
  readonly path?: string | undefined;
  /** The second descriptor and path of linkat and renameat. */
  readonly toFd?: number | undefined;
  readonly toPath?: string | undefined;
}

/** The message of a failed call: `openat "a.txt" on fd 5: No such file or directory (ENOENT).` */
export function messageOf(call: GivenCall, reason: string): string {
  const { path, toPath } = call;
  const rest = inWords(call, path && "", toPath && "").length + 2;
  const paths = [path, toPath].filter((path) => path !== undefined);
  const why = shortened(reason, MOST - rest - paths.length * LEAST);
  let room = MOST - rest - why.length;
  // The shorter of two paths leaves its unused room to the other.
  const shown = new Map<string, string>();
  for (const [i, path] of paths.toSorted((a, b) => a.length - b.length).entries()) {
    const text = quoted(path, Math.floor(room / (paths.length - i)));
    room -= text.length;
    shown.set(path, text);
  }
  const of = (path: string | undefined) => path === undefined ? undefined : shown.get(path);
  return `${inWords(call, of(path), of(toPath))}: ${why}`;
}

function inWords(
  { syscall, fd, toFd }: GivenCall,
  path: string | undefined,
  toPath: string | undefined,
): string {
  const place = (path: string | undefined, fd: number | undefined) =>
    (path === undefined ? "" : ` ${path}`) +
    (fd === undefined ? "" : fd === AT_FDCWD ? " on the working directory" : ` on fd ${fd}`);
  return syscall + place(path, fd) +
    (toFd === undefined && toPath === undefined ? "" : ` to${place(toPath, toFd)}`);
}

/** Any value as text for an error message, at most 60 characters long. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  try {
    const text = Deno.inspect(value, { depth: 0, strAbbreviateSize: 40, breakLength: Infinity });
    return shortened(visible(text), 60);
  } catch {
    // Custom inspect functions may throw, and a revoked proxy does.
    return typeof value === "function" ? "a function" : "an object";
  }
}
