/**
 * Every function that the module exports, with valid arguments.
 *
 * @module
 */
import * as library from "../../mod.ts";
import { Dir, FdFile, Ioctl, Ioctls, libc } from "../../mod.ts";
import { since } from "../../ffi/symbols.ts";
import type { Place } from "./_place.ts";

/** The kind of an argument, which determines the values that must be refused. */
export type Kind =
  | "descriptor"
  | "directory"
  | "path"
  | "descriptor or path"
  | "rights"
  | "rights option"
  | "ioctls"
  | "fcntls"
  | "fcntls mask"
  | "ncmds"
  | "maxcmds"
  | "int"
  | "long"
  | "mode"
  | "owner"
  | "count"
  | "times"
  | "unsigned"
  | "boolean"
  | "stream use"
  | "plan"
  | `buffer of ${number}`;

export interface Argument {
  kind: Kind;
  /** A valid value. */
  good(place: Place): unknown;
}

const argument = (kind: Kind, good: (place: Place) => unknown): Argument => ({ kind, good });
const file = argument("descriptor", (place) => place.file());
const anyDir = argument("descriptor", (place) => place.dir());
const dir = argument("directory", (place) => place.dir());
const listed = argument("descriptor or path", (place) => place.dir());
const path = (name: string) => argument("path", () => name);
const ambientPath = (name: string) => argument("path", (place) => place.at(name));
const newPath = argument("path", (place) => place.unused());
const victim = argument("path", (place) => place.another());
const rights = argument("rights", () => ["READ", "LOOKUP", "IOCTL", "FCNTL"]);
const int = (value: number) => argument("int", () => value);
const zero = int(0);
const long = argument("long", () => 0);
const mode = argument("mode", () => 0o700);
const owner = argument("owner", () => -1);
const times = argument("times", () => new Uint8Array(32));
const count = argument("count", () => 8);
const buffer = (least: number) => argument(`buffer of ${least}`, () => new Uint8Array(Math.max(least, 8)));

/** By the names under which the module exports them. */
export const calls: Readonly<Record<string, readonly Argument[]>> = {
  "enter": [],
  "getMode": [],
  "isSupported": [],
  "sandboxed": [],
  "limit": [file, rights],
  "getRights": [file],
  "limitIoctls": [file, argument("ioctls", () => new Ioctls([Ioctl.FIONREAD]))],
  "getIoctls": [file],
  "limitFcntls": [file, argument("fcntls", () => ["GETFL"])],
  "getFcntls": [file],
  "limitStream": [file, argument("stream use", () => "read")],
  "openDescriptors": [],
  // It enters by default.
  "sandbox": [argument("plan", () => ({ stdio: true, dryRun: true }))],
  "trapViolations": [argument("boolean", () => false)],
  "violationsAreTrapped": [],
  "openAtSync": [anyDir, path("file")],
  "openSync": [ambientPath("file")],
  "openDirSync": [ambientPath("."), argument("rights option", () => ({ limit: ["READ"] }))],
  "listDirSync": [listed],
  "readDirSync": [listed],
  "Dir.fromFd": [anyDir],
  "FdFile.fromFd": [file],

  "libc.cap_enter": [],
  "libc.cap_getmode": [buffer(4)],
  "libc.cap_sandboxed": [],
  "libc.cap_rights_limit": [file, rights],
  "libc.cap_rights_get": [file, buffer(16)],
  "libc.__cap_rights_get": [zero, file, buffer(16)],
  "libc.cap_ioctls_limit": [file, buffer(8), argument("ncmds", () => 1)],
  "libc.cap_ioctls_get": [file, buffer(8), argument("maxcmds", () => 1)],
  "libc.cap_fcntls_limit": [file, argument("fcntls mask", () => 8)],
  "libc.cap_fcntls_get": [file, buffer(4)],

  "libc.open": [ambientPath("file"), zero, mode],
  "libc.close": [argument("descriptor", (place) => libc.dup(place.file()))],
  "libc.read": [file, buffer(0), count],
  "libc.write": [file, buffer(0), count],
  "libc.pread": [file, buffer(0), count, long],
  "libc.pwrite": [file, buffer(0), count, long],
  "libc.lseek": [file, long, zero],
  "libc.getdirentries": [
    anyDir,
    argument("buffer of 0", () => new Uint8Array(4096)),
    argument("count", () => 4096),
    buffer(8),
  ],
  "libc.fstat": [file, buffer(224)],
  "libc.ftruncate": [file, long],
  "libc.fsync": [file],
  "libc.fdatasync": [file],
  "libc.flock": [file, int(libc.LOCK_SH | libc.LOCK_NB)],
  "libc.fchmod": [file, mode],
  "libc.fchown": [file, owner, owner],
  "libc.futimens": [file, times],
  "libc.fcntl": [file, int(libc.F_GETFL), long],
  "libc.ioctl": [file, argument("long", () => Ioctl.FIONREAD), buffer(4)],
  "libc.isatty": [file],
  "libc.getdtablesize": [],
  "libc.procctl": [argument("unsigned", () => 0), argument("long", () => Deno.pid), int(10), buffer(4)],
  "libc.dup": [file],

  "libc.openat": [dir, path("file"), zero, mode],
  "libc.fstatat": [dir, path("file"), buffer(224), zero],
  "libc.faccessat": [dir, path("file"), int(libc.R_OK), zero],
  "libc.fchmodat": [dir, path("file"), mode, zero],
  "libc.fchownat": [dir, path("file"), owner, owner, zero],
  "libc.utimensat": [dir, path("file"), times, zero],
  "libc.unlinkat": [dir, victim, zero],
  "libc.mkdirat": [dir, newPath, mode],
  "libc.mkfifoat": [dir, newPath, mode],
  "libc.symlinkat": [path("file"), dir, newPath],
  "libc.readlinkat": [dir, path("link"), buffer(0), count],
  "libc.linkat": [dir, path("file"), dir, newPath, zero],
  "libc.renameat": [dir, victim, dir, newPath],
  "libc.renameat2": [dir, victim, dir, newPath, argument("unsigned", () => 0)],
};

/** Whether a function came after a release of FreeBSD, given as its `__FreeBSD_version`; false for Linux's 0. */
export function isLater(name: string, osreldate: number): boolean {
  const [major = 0, minor = 0] = (since[name.replace(/^libc\./, "")] ?? "").split(".").map(Number);
  return osreldate > 0 && osreldate < major * 100_000 + minor * 1000;
}

/** Exports that make or read plain values and reach no kernel. */
const pure = [
  "CapsicumError",
  "Descriptor",
  "Dir",
  "FdFile",
  "Fcntls",
  "Ioctls",
  "Rights",
  "SandboxError",
  "cacheTimezone",
  "decodeName",
  "encodeName",
  "ioctl",
  "isCapModeViolation",
  "isNotCapable",
  "rightsFor",
  "warmUp",
];

/** Exports that limit what the tests themselves have open, or run a function: their own tests call them. */
const limiting = ["fdOf", "limitOthers", "limitStdio"];

/** Asynchronous exports, which make the calls of their twins in Sync. */
const asynchronous = ["listDir", "open", "openAt", "openDir", "readDir"];

/** The functions that the module exports and that may reach the kernel. */
export function exportedFunctions(): string[] {
  const functions = (object: object, prefix = "") =>
    Object.entries(object).filter(([, value]) => typeof value === "function").map(([name]) => prefix + name);
  const statics = [Dir, FdFile].flatMap((owner) =>
    Object.getOwnPropertyNames(owner).filter((name) => !["length", "name", "prototype"].includes(name))
      .map((name) => `${owner.name}.${name}`)
  );
  return [...functions(library), ...statics, ...functions(libc, "libc.")]
    .filter((name) => ![...pure, ...limiting, ...asynchronous].includes(name)).sort();
}

/** Calls an exported function by its name. What it opens is closed again. */
export function callExport(name: string, args: readonly unknown[]): unknown {
  const [object, method] = name.includes(".") ? name.split(".") : [undefined, name];
  const members = library as unknown as Record<string, Record<string, unknown>>;
  const owner = (object === undefined ? members : members[object]) as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  const result = owner[method!]!(...args);
  if (["libc.open", "libc.openat", "libc.dup"].includes(name)) libc.close(result as number);
  // fromFd() takes over a descriptor that its place closes.
  else if (result instanceof FdFile || result instanceof Dir) {
    if (name.endsWith(".fromFd")) result.take();
    else result.close();
  }
  return result;
}
