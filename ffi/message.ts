/**
 * The form of the messages of failed calls: the call, its paths and descriptors, the reason with its code, the way out.
 *
 * A message has at most 300 characters: a long path is cut in the middle, and stands whole in the `path` of the error.
 *
 * @module
 */
import { quoted, shortened, visible } from "../rights/text.ts";
import { AT_FDCWD } from "./freebsd/constants.ts";

export { listed, quoted, shortened, visible } from "../rights/text.ts";

/** The most characters of a message. */
export const MOST = 300;
/** The least that are left for a path. */
const LEAST = 24;

/** What a failed call was given, as its caller knows it. */
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
  // The shorter of two leaves the other its room.
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

/** Any value, as an error message shows it: of at most 60 characters, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  try {
    const text = Deno.inspect(value, { depth: 0, strAbbreviateSize: 40, breakLength: Infinity });
    return shortened(visible(text), 60);
  } catch {
    // What shows itself may throw, and a revoked proxy does.
    return typeof value === "function" ? "a function" : "an object";
  }
}
