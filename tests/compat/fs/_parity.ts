/**
 * Random operations on a directory as data: each is a method of `Dir` with its arguments.
 *
 * @module
 */
import type { Args } from "../../_deno_reference.ts";
import type { Tree } from "../../_fixture.ts";
import { Random } from "../../_random.ts";

export interface Operation {
  /** The name of the method without `Sync`; "file" opens a file and uses it. */
  method: string;
  isSync: boolean;
  args: Args;
}

/** The contents of the directory at the start of every round. */
export const start: Tree = {
  f: "one\ntwo\r\n\nthree",
  "g.txt": "",
  a: {
    f: "a/f",
    b: { f: { text: "a/b/f", mode: 0o755 }, up: { link: "../.." }, lf: { link: "../f" } },
    "g.txt": "ä€😀",
  },
  sub: { b: { f: new Uint8Array([0, 255, 10, 128]) } },
  empty: {},
  lf: { link: "f" },
  la: { link: "a" },
  chain: { link: "la/b/lf" },
  dang: { link: "sub/missing" },
  loop: { link: "loop" },
};

const names = ["f", "g.txt", "a", "b", "sub", "empty", "x", "y", "lf", "la", "up", "chain", "dang", "loop"];
const texts = ["", "text", "line\nline\r\n\nlast", "ü".repeat(40), "x".repeat(40_000)];
const flags = ["read", "write", "append", "truncate", "create", "createNew"];
const modes = [0o700, 0o750, 0o755, 0o777, 0o1777, 0o2711];
const times = [1, new Date(1234), 86_400 * 365 * 20 + 0.5, new Date("1999-12-31T23:59:59.987Z"), 0];

/** Random paths of a tree. */
export class RandomPaths extends Random {
  /** The paths that exist. */
  known: readonly string[] = [];
  directories: readonly string[] = [];

  /** Returns a path that exists, a path below one, or any path. */
  path(): string {
    if (this.known.length > 0 && this.chance(40)) return this.pick(this.known);
    if (this.known.length > 0 && this.chance(25)) return `${this.pick(this.known)}/${this.pick(names)}`;
    const components = Array.from({ length: 1 + this.below(3) }, () => this.pick(names));
    if (this.chance(8)) components.splice(this.below(components.length), 0, this.pick(names), "..");
    if (this.chance(4)) components.splice(this.below(components.length), 0, ".");
    if (this.chance(2)) components.splice(this.below(components.length), 0, "..");
    return components.join(this.chance(4) ? "//" : "/") + (this.chance(12) ? "/" : "");
  }

  /** Returns a path where something could be created. */
  newPath(): string {
    const directory = this.chance(60) ? this.pick(["", ...this.directories]) : "";
    return this.chance(30) ? this.path() : `${directory && `${directory}/`}${this.pick(names)}`;
  }

  /** Returns a path, or the directory itself. */
  pathOrRoot(): string {
    return this.chance(10) ? "." : this.path();
  }
}

type Make = (random: RandomPaths) => Args;

/** Generates the arguments of each method. A method that is listed twice is called twice as often. */
const kinds: readonly (readonly [method: string, make: Make])[] = [
  ["file", (r) => [r.path(), fileOptions(r), r.pick(texts.slice(0, 4)), r.below(6)]],
  ["file", (r) => [r.path(), fileOptions(r), r.pick(texts.slice(0, 4)), r.below(6)]],
  ["create", (r) => [r.path()]],
  ["readFile", (r) => [r.path()]],
  ["readTextFile", (r) => [r.path()]],
  ["writeFile", (r) => [r.path(), new TextEncoder().encode(r.pick(texts)), writeOptions(r)]],
  ["writeFile", (r) => [r.path(), new TextEncoder().encode(r.pick(texts)), writeOptions(r)]],
  ["writeTextFile", (r) => [r.path(), r.pick(texts), writeOptions(r)]],
  ["writeTextFile", (r) => [r.path(), r.pick(texts), writeOptions(r)]],
  ["stat", (r) => [r.pathOrRoot()]],
  ["lstat", (r) => [r.pathOrRoot()]],
  ["exists", (r) => [r.pathOrRoot(), r.options({ isFile: [true], isReadable: [true] })]],
  ["exists", (r) => [r.pathOrRoot(), r.options({ isDirectory: [true], isReadable: [true] })]],
  ["realPath", (r) => [r.pathOrRoot()]],
  ["readDir", (r) => [r.pathOrRoot()]],
  ["walk", (r) => [r.pathOrRoot(), walkOptions(r)]],
  ["mkdir", (r) => [r.newPath(), r.options({ recursive: [true, false], mode: modes })]],
  ["mkdir", (r) => [r.newPath(), r.options({ recursive: [true, false], mode: modes })]],
  ["ensureDir", (r) => [r.pathOrRoot()]],
  ["ensureFile", (r) => [r.path()]],
  ["emptyDir", (r) => [r.path()]],
  ["remove", (r) => [r.path(), r.options({ recursive: [true, false] })]],
  ["remove", (r) => [r.path(), r.options({ recursive: [true, false] })]],
  ["rename", (r) => [r.path(), r.newPath()]],
  ["rename", (r) => [r.path(), r.newPath()]],
  ["link", (r) => [r.path(), r.newPath()]],
  ["symlink", (r) => ["../".repeat(r.below(3)) + r.path(), r.newPath()]],
  ["symlink", (r) => [r.pick(names), r.newPath()]],
  ["readLink", (r) => [r.path()]],
  ["copyFile", (r) => [r.path(), r.newPath()]],
  ["copyFile", (r) => [r.path(), r.newPath()]],
  ["copy", (r) => [r.path(), r.newPath(), copyOptions(r)]],
  ["copy", (r) => [r.path(), r.newPath(), copyOptions(r)]],
  ["chmod", (r) => [r.path(), r.pick(modes)]],
  ["utime", (r) => [r.path(), r.pick(times), r.pick(times)]],
  ["truncate", (r) => [r.path(), r.pick([0, 1, 5, 100])]],
  ["makeTempFile", (r) => [tempOptions(r)]],
  ["makeTempDir", (r) => [tempOptions(r)]],
];

export const methods: readonly string[] = [...new Set(kinds.map(([method]) => method))];

export function operation(random: RandomPaths): Operation {
  const [method, make] = random.pick(kinds);
  return { method, isSync: random.chance(50), args: make(random) };
}

/** The arguments that are paths. */
export function pathsOf({ method, args }: Operation): string[] {
  const count = ["rename", "link", "copyFile", "copy"].includes(method) ? 2 : 1;
  if (method === "symlink") return [args[1] as string];
  if (method.startsWith("makeTemp")) return [(args[0] as Deno.MakeTempOptions).dir ?? "."];
  return args.slice(0, count) as string[];
}

function fileOptions(random: Random): Deno.OpenOptions {
  const options: Record<string, boolean> = {};
  for (const flag of flags) if (random.chance(30)) options[flag] = random.chance(85);
  return random.chance(25) ? { ...options, mode: random.pick(modes) } : options;
}

function writeOptions(random: Random): Record<string, unknown> {
  return random.options({
    append: [true, false],
    create: [true, false],
    createNew: [false, true],
    mode: modes,
  });
}

function copyOptions(random: Random): Record<string, unknown> {
  return random.options({ overwrite: [true, true, false], preserveTimestamps: [true, false] });
}

function tempOptions(random: RandomPaths): Record<string, unknown> {
  return { dir: random.pathOrRoot(), ...random.options({ prefix: ["p", "ü"], suffix: [".s"] }) };
}

function walkOptions(random: Random): Record<string, unknown> {
  return random.options({
    maxDepth: [0, 1, 2],
    includeFiles: [false, true],
    includeDirs: [false, true],
    includeSymlinks: [false, true],
    followSymlinks: [true, false],
    exts: [["txt"], [".txt", "f"]],
    match: [[/(^|\/)f$/], [/txt$/, /(^|\/)a\//]],
    skip: [[/(^|\/)sub$/], [/(^|\/)x\//]],
  });
}
