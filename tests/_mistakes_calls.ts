/**
 * Every public function that is not in `tests/ffi/_calls.ts`, with valid arguments.
 *
 * @module
 */
import * as audit from "../compat/sandbox/audit.ts";
import * as pycapsicum from "../compat/python/pycapsicum.ts";
import * as pycapsicumcffi from "../compat/python/pycapsicumcffi.ts";
import * as library from "../mod.ts";
import { type Dir, Fcntls, type FdFile, Ioctls, libc, openDirSync, Rights } from "../mod.ts";
import { callExport, calls as kernelCalls } from "./ffi/_calls.ts";
import { LibcPlace } from "./ffi/_place.ts";

/** The options of a function, each with a valid value. */
export class Options {
  readonly #members: Record<string, unknown>;
  constructor(members: Record<string, unknown>) {
    this.#members = members;
  }
  /** The valid options, and invalid values for them. */
  with(wrong: Record<string, unknown> = {}): Record<string, unknown> {
    return { ...this.#members, ...wrong };
  }
  /** As they are for the twin in Sync, which nothing ends before its time. */
  synchronous(): Options {
    const { signal: _signal, ...members } = this.#members;
    return new Options(members);
  }
  get names(): string[] {
    return Object.keys(this.#members);
  }
}

/** A function and valid arguments: values, and `Options`. */
export interface Call {
  readonly name: string;
  /** Whether it stands for a function of Python's, with Python's ideas of options. */
  readonly foreign: boolean;
  /** Its arguments, all of them, also those that may be left out. */
  args(): unknown[];
  /** What it is a method of, where it must be made for each call. */
  target?(): object;
  call(args: readonly unknown[], target?: object): unknown;
}

/** What the methods are called on. */
export class Scene implements Disposable {
  readonly path: string;
  readonly dir: Dir;
  readonly #files: FdFile[] = [];
  #count = 0;

  constructor(path: string) {
    this.path = path;
    this.dir = openDirSync(path);
    this.dir.writeTextFileSync("file", "text");
    this.dir.mkdirSync("sub/in", { recursive: true });
    this.dir.symlinkSync("file", "link");
  }

  /** A file that is there, and of which nothing else is known. */
  old(): string {
    const name = this.unused();
    this.dir.writeTextFileSync(name, "text");
    return name;
  }

  unused(): string {
    return `n${this.#count++}`;
  }

  file(): FdFile {
    const file = this.dir.openSync("file", { read: true, write: true });
    this.#files.push(file);
    return file;
  }

  /** Closes the files that it has given, whose locks others would wait for. */
  closeAll(): void {
    for (const file of this.#files.splice(0)) file[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.closeAll();
    this.dir[Symbol.dispose]();
  }
}

type Args = (scene: Scene) => unknown[];
const options = (members: Record<string, unknown>) => new Options(members);
const none: Args = () => [];
const { signal } = new AbortController();
const bytes = () => new Uint8Array(4);
const writing = { append: false, create: true, createNew: false, mode: 0o600 };
const opening = {
  ...{ read: true, write: true, append: false, truncate: false, create: true, createNew: false, mode: 0o600 },
  ...{ noFollow: false, exclusive: false, sync: false, directory: false, customFlags: 0 },
};
const walking = {
  ...{ maxDepth: 1, includeFiles: true, includeDirs: true, includeSymlinks: true, followSymlinks: false },
  ...{ canonicalize: false, exts: [".ts"], match: [/./], skip: [/^$/], onError: () => {} },
};
const globbing = {
  ...{
    root: ".",
    exclude: ["x"],
    includeDirs: true,
    followSymlinks: false,
    canonicalize: false,
    extended: true,
  },
  ...{ globstar: true, caseInsensitive: false },
};
const temp = options({ dir: ".", prefix: "p", suffix: "s" });

/** Methods of `Dir` by name; those with an asynchronous twin, by the name of the twin. */
const dirMethods: Record<string, Args> = {
  open: () => ["file", options({ ...opening, create: false })],
  openDir: () => ["sub", options({ limit: undefined })],
  create: (scene) => [scene.old()],
  readFile: () => ["file", options({ signal, maxLength: 100 })],
  readTextFile: () => ["file", options({ signal, maxLength: 100 })],
  readTextFileLines: () => ["file", options({ signal, maxLength: 100 })],
  writeFile: (scene) => [scene.unused(), bytes(), options({ ...writing, signal })],
  writeTextFile: (scene) => [scene.unused(), "text", options({ ...writing, signal })],
  writeFileAtomic: (scene) => [scene.unused(), "text", options({ mode: 0o600 })],
  readDir: () => ["."],
  list: () => ["."],
  walk: () => [".", options(walking)],
  expandGlob: () => ["*", options(globbing)],
  stat: () => ["file"],
  lstat: () => ["link"],
  exists: () => ["file", options({ isReadable: false, isFile: true, isDirectory: false })],
  chmod: () => ["file", 0o600],
  chown: () => ["file", null, null],
  utime: () => ["file", 1, new Date(1000)],
  truncate: (scene) => [scene.old(), 1],
  realPath: () => ["link"],
  mkdir: (scene) => [scene.unused(), options({ recursive: false, mode: 0o700 })],
  ensureDir: () => ["sub"],
  ensureFile: () => ["file"],
  remove: (scene) => [scene.old(), options({ recursive: false })],
  emptyDir: () => ["sub"],
  rename: (scene) => [scene.old(), scene.unused(), options({ replace: true })],
  link: (scene) => ["file", scene.unused()],
  symlink: (scene) => ["file", scene.unused()],
  readLink: () => ["link"],
  mkfifo: (scene) => [scene.unused(), 0o600],
  copyFile: (scene) => ["file", scene.unused()],
  copy: (scene) => ["file", scene.unused(), options({ overwrite: false, preserveTimestamps: false })],
  makeTempFile: () => [temp],
  makeTempDir: () => [temp],
};

const fileMethods: Record<string, Args> = {
  read: () => [bytes()],
  write: () => [bytes()],
  pread: () => [bytes(), 0],
  pwrite: () => [bytes(), 0],
  readAll: () => [options({ maxLength: 1000 })],
  readInto: () => [bytes()],
  writeAll: () => [bytes()],
  lines: () => [options({ maxLength: 1000 })],
  seek: () => [0, 0],
  stat: none,
  truncate: () => [1],
  sync: none,
  syncData: none,
  isTerminal: none,
  lock: () => [false],
  tryLock: () => [true],
  unlock: none,
  utime: () => [1, 1],
  limit: () => [["READ", "WRITE"]],
  take: none,
  close: none,
};

const algebra = ["union", "intersection", "difference", "symmetricDifference", "isSubsetOf", "isSupersetOf"];
const setMethods = (set: unknown, element: unknown): Record<string, Args> => ({
  has: () => [element],
  forEach: () => [() => {}, undefined],
  ...Object.fromEntries([...algebra, "isDisjointFrom", "equals"].map((name) => [name, () => [set]])),
});

/** Functions that make or ask for plain values, and those that `tests/ffi/_calls.ts` leaves out. */
const free: Record<string, Args> = {
  encodeName: () => ["name"],
  decodeName: () => [bytes()],
  fdOf: (scene) => {
    const path = `${scene.path}/${scene.old()}`;
    return [() => Deno.openSync(path)];
  },
  ioctl: () => ["r", "t", 104, 8],
  isCapModeViolation: () => [new Error()],
  isNotCapable: () => [new Error()],
  rightsFor: () => ["read"],
  open: (scene) => [`${scene.path}/file`, options({ ...opening, create: false, limit: ["READ"], signal })],
  openAt: (scene) => [scene.dir, "file", options({ ...opening, create: false, limit: ["READ"], signal })],
  openDir: (scene) => [scene.path, options({ limit: ["READ"] })],
  listDir: (scene) => [scene.dir],
  readDir: (scene) => [scene.path],
  warmUp: () => [options({ timezone: false, stackTraces: false, certificates: false, tls: false })],
};

/** Functions that limit the descriptors of this process, so they come last. */
const last: Record<string, Args> = {
  limitOthers: ({ dir }) => [options({ keep: [dir] })],
  limitStdio: () => [options({ raw: true })],
};

const optionsOfKernelCalls: Record<string, Record<string, unknown>> = {
  openSync: { ...opening, create: false, limit: ["READ"] },
  openAtSync: { ...opening, create: false, limit: ["READ"] },
  openDirSync: { limit: ["READ"] },
  limitStream: { raw: false, lookup: false, ignoreClosed: false },
};

type Members = Record<string, (...args: unknown[]) => unknown>;

/** Calls of an object's functions by the names of a table. */
function callsOn(
  prefix: string,
  make: () => object,
  table: Record<string, Args>,
  scene: Scene,
  foreign = false,
): Call[] {
  return Object.entries(table).map(([name, args]) => ({
    name: `${prefix}${name}`,
    foreign,
    args: () => args(scene),
    target: make,
    call: (args, target) => (target as unknown as Members)[name]!(...args),
  }));
}

/** The methods of a table, and their twins in Sync. */
function methods(prefix: string, make: () => object, table: Record<string, Args>, scene: Scene): Call[] {
  return callsOn(prefix, make, table, scene).flatMap((asynchronous) => {
    const name = `${asynchronous.name.slice(prefix.length)}Sync`;
    if (!(name in make())) return [asynchronous];
    const args = () => asynchronous.args().map((arg) => arg instanceof Options ? arg.synchronous() : arg);
    const call = (args: readonly unknown[], target?: object) =>
      (target as unknown as Members)[name]!(...args);
    return [asynchronous, { name: prefix + name, foreign: false, args, target: make, call }];
  });
}

/** Every public function that has parameters. */
export function everyCall(scene: Scene): Call[] {
  const place = new LibcPlace(scene.path);
  const kernel: Call[] = Object.entries(kernelCalls).filter(([, args]) => args.length > 0).map(
    ([name, args]) => {
      const known = optionsOfKernelCalls[name];
      const given = args.filter(({ kind }) => kind !== "rights option");
      return {
        name,
        foreign: false,
        args: () => [...given.map(({ good }) => good(place)), ...(known ? [options(known)] : [])],
        call: (args) => {
          const result = callExport(name, args);
          place.closeAll();
          return result;
        },
      };
    },
  );
  const sets = [
    ["Rights", () => new Rights(["READ"]), { ...setMethods(["READ"], "READ"), isValid: () => [13] }],
    ["Fcntls", () => new Fcntls(["GETFL"]), setMethods(["GETFL"], "GETFL")],
    ["Ioctls", () => new Ioctls([1]), setMethods([1], 1)],
  ] as const;
  const statics: [string, object, Record<string, Args>][] = [
    ["Rights.", Rights, {
      all: () => [13],
      fromWords: () => [[0x200000000000000n, 0x400000000000000n]],
      fromBytes: () => [Rights.NONE.toBytes()],
      fromJSON: () => [["READ"]],
    }],
    ["Fcntls.", Fcntls, { fromMask: () => [8], fromJSON: () => [["GETFL"]] }],
    ["Ioctls.", Ioctls, { fromJSON: () => [["0x1"]] }],
  ];
  const made: Call[] = [Rights, Fcntls, Ioctls].map((Set) => ({
    name: `new ${Set.name}`,
    foreign: false,
    args: () => [[]],
    call: ([list]) => new Set(list as []),
  }));
  return [
    ...kernel,
    ...callsOn("", () => library, free, scene),
    ...methods("Dir.prototype.", () => scene.dir, dirMethods, scene),
    ...methods("FdFile.prototype.", () => scene.file(), fileMethods, scene),
    ...sets.flatMap(([name, make, table]) => callsOn(`${name}.prototype.`, make, table, scene)),
    ...statics.flatMap(([name, of, table]) => callsOn(name, () => of, table, scene)),
    ...made,
    ...callsOn("audit.", () => audit, { auditTable: () => [[]] }, scene),
    ...callsOn("pycapsicum.", () => pycapsicum, pythonCalls, scene, true),
    ...callsOn(
      "CapRights.prototype.",
      () => pycapsicum.CapRights(["CAP_READ", "CAP_WRITE"]),
      capRightsMethods,
      scene,
      true,
    ),
    ...callsOn(
      "PythonFile.prototype.",
      () => pycapsicumcffi.fdopen(scene.file().take(), "r+"),
      pythonFileMethods,
      scene,
      true,
    ),
    ...callsOn("pycapsicumcffi.", () => pycapsicumcffi, cffiCalls, scene, true),
    ...callsOn("compat33.", () => pycapsicumcffi.compat33, compat33Calls, scene, true),
    ...callsOn("", () => library, last, scene),
  ].filter((call) => call.args().length > 0);
}

const pythonCalls: Record<string, Args> = {
  CapRights: () => [["CAP_READ"]],
  fcntls_get: (scene) => [scene.file().fd],
  fcntls_limit: (scene) => [scene.file().fd, 8],
  ioctls_get: (scene) => [scene.file().fd],
  ioctls_limit: (scene) => [scene.file().fd, [1]],
  openat: (scene) => [scene.dir.fd, "file", "r", 0o600],
  opendir: (scene) => [`${scene.path}/sub`, "r"],
};

const cffiCalls: Record<string, Args> = {
  Rights: () => [[]],
  Fcntls: () => [[]],
  Ioctls: () => [[]],
  limit: (scene) => [scene.file().fd, [library.Right.READ]],
  fcntls_limit: (scene) => [scene.file().fd, [8]],
  ioctls_limit: (scene) => [scene.file().fd, [1]],
  fdopen: (scene) => [scene.file().take(), "r"],
  openat: (scene) => [scene.dir.fd, "file", libc.O_RDONLY],
};

const compat33Calls: Record<string, Args> = {
  open: (scene) => [`${scene.path}/file`, libc.O_RDONLY, 0o600, null],
  listdir: (scene) => [scene.path],
};

const capRightsMethods: Record<string, Args> = {
  ...Object.fromEntries(["set", "clear", "is_set"].map((name) => [name, () => [["CAP_READ"]]])),
  ...Object.fromEntries(
    ["merge", "remove", "contains"].map((name) => [name, () => [pycapsicum.CapRights(["CAP_READ"])]]),
  ),
  is_valid: () => [13],
  limit: (scene) => [scene.file().fd],
  get: (scene) => [scene.file().fd],
};

const pythonFileMethods: Record<string, Args> = {
  read: () => [1],
  readline: () => [1],
  readlines: () => [1],
  write: () => ["text"],
  seek: () => [0, 0],
};
