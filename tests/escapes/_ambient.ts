/**
 * Every function that `ambient()` and `ambientNode()` replace, with a path.
 *
 * @module
 */
import fs from "node:fs";

export interface AmbientCall {
  /** The function by its name and form, such as "fs.promises.open". */
  name: string;
  /** Whether it follows a symlink at the end of the path. */
  follows: boolean;
  run(path: string): unknown;
}

type Functions = Record<string, (...args: unknown[]) => unknown>;
type Make = (path: string, inside: string, id: number) => unknown[];
type Row = [follows: boolean, make: Make];

const follows = true, names = false;
const data = new Uint8Array([105, 110]);

const deno: Readonly<Record<string, Row>> = {
  open: [follows, (path) => [path, { read: true }]],
  "open, write": [follows, (path) => [path, { write: true, create: true, truncate: true }]],
  create: [follows, (path) => [path]],
  readFile: [follows, (path) => [path]],
  readTextFile: [follows, (path) => [path]],
  writeFile: [follows, (path) => [path, data]],
  writeTextFile: [follows, (path) => [path, "in"]],
  stat: [follows, (path) => [path]],
  lstat: [names, (path) => [path]],
  realPath: [follows, (path) => [path]],
  readLink: [names, (path) => [path]],
  readDir: [follows, (path) => [path]],
  mkdir: [names, (path) => [path]],
  remove: [names, (path) => [path, { recursive: true }]],
  truncate: [follows, (path) => [path, 1]],
  chmod: [follows, (path) => [path, 0o777]],
  chown: [follows, (path) => [path, null, null]],
  utime: [follows, (path) => [path, 1, 1]],
  rename: [names, (path, inside, id) => [path, `${inside}/renamed${id}`]],
  "rename, to": [names, (path, inside) => [`${inside}/file`, path]],
  copyFile: [follows, (path, inside, id) => [path, `${inside}/copied${id}`]],
  "copyFile, to": [follows, (path, inside) => [`${inside}/file`, path]],
  link: [names, (path, inside, id) => [path, `${inside}/linked${id}`]],
  "link, to": [names, (path, inside) => [`${inside}/file`, path]],
  symlink: [names, (path) => ["target", path]],
  makeTempDir: [follows, (path) => [{ dir: path }]],
  makeTempFile: [follows, (path) => [{ dir: path }]],
  chdir: [follows, (path) => [path]],
};

const node: Readonly<Record<string, Row>> = {
  access: [follows, (path) => [path]],
  appendFile: [follows, (path) => [path, "in"]],
  chmod: [follows, (path) => [path, 0o777]],
  chown: [follows, (path) => [path, -1, -1]],
  copyFile: [follows, (path, inside, id) => [path, `${inside}/copied${id}`]],
  "copyFile, to": [follows, (path, inside) => [`${inside}/file`, path]],
  "copyFile, excl": [follows, (path, inside, id) => [path, `${inside}/copied${id}`, 1]],
  exists: [follows, (path) => [path]],
  link: [names, (path, inside, id) => [path, `${inside}/linked${id}`]],
  "link, to": [names, (path, inside) => [`${inside}/file`, path]],
  lstat: [names, (path) => [path]],
  mkdir: [names, (path) => [path]],
  mkdtemp: [follows, (path) => [`${path}/new`]],
  open: [follows, (path) => [path, "r"]],
  "open, w": [follows, (path) => [path, "w"]],
  opendir: [follows, (path) => [path]],
  readFile: [follows, (path) => [path]],
  "readFile, a+": [follows, (path) => [path, { flag: "a+" }]],
  readdir: [follows, (path) => [path]],
  readlink: [names, (path) => [path]],
  realpath: [follows, (path) => [path]],
  rename: [names, (path, inside, id) => [path, `${inside}/renamed${id}`]],
  "rename, to": [names, (path, inside) => [`${inside}/file`, path]],
  rm: [names, (path) => [path, { recursive: true }]],
  rmdir: [names, (path) => [path]],
  stat: [follows, (path) => [path]],
  symlink: [names, (path) => ["target", path]],
  truncate: [follows, (path) => [path, 1]],
  unlink: [names, (path) => [path]],
  utimes: [follows, (path) => [path, 1, 1]],
  writeFile: [follows, (path) => [path, "in"]],
};

/** Replaced functions that take no path, and those on numbers of open files. */
const pathless = [
  ...[
    "Deno.cwd",
    "Deno.execPath",
    "fs.close",
    "fs.fchmod",
    "fs.fchown",
    "fs.fdatasync",
    "fs.fstat",
    "fs.fsync",
    "fs.ftruncate",
    "fs.futimes",
  ],
  ...["fs.read", "fs.readv", "fs.write", "fs.writev"],
];
/** Functions without a twin, which only say so in a sandbox. */
const refusing = /^fs\.(cp|glob|lchown|lutimes|mkdtempDisposable|openAsBlob|statfs|watch|watchFile)$/;

/** The names of all functions now, to find those that are replaced. */
export function functionsNow(): Map<string, unknown> {
  const of = (prefix: string, object: object) =>
    Object.entries(object).filter(([, value]) => typeof value === "function")
      .map(([name, value]) => [prefix + name, value] as const);
  return new Map([...of("Deno.", Deno), ...of("fs.", fs), ...of("fs.promises.", fs.promises)]);
}

/** The replaced functions that are in no table. */
export function unknownOf(before: ReadonlyMap<string, unknown>): string[] {
  const known = [
    ...Object.keys(deno).map((name) => `Deno.${name.split(",")[0]}`),
    ...Object.keys(node).map((name) => `fs.${name.split(",")[0]}`),
    ...["fs.createReadStream", "fs.createWriteStream"],
    ...pathless,
  ];
  return [...functionsNow()].filter(([name, value]) => before.get(name) !== value).map(([name]) => name)
    .filter((name) => {
      const plain = name.replace(/Sync$/, "").replace("fs.promises.", "fs.");
      return !known.includes(plain) && !refusing.test(plain);
    });
}

const promised = (call: (callback: (error: unknown, value?: unknown) => void) => unknown) =>
  new Promise((resolve, reject) => call((error, value) => error ? reject(error) : resolve(value)));

/** Reads or ends a stream. */
function streamed(stream: NodeJS.EventEmitter & { resume?(): void; end?(): void }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    for (const event of ["end", "finish"]) stream.on(event, () => resolve(true));
    stream.on("error", reject);
    if (typeof stream.end === "function") stream.end();
    else stream.resume!();
  });
}

/** Every replaced function on a path, in all of its forms. `inside` is the directory by its path. */
export function ambientCalls(inside: string): AmbientCall[] {
  let id = 0;
  const calls: AmbientCall[] = [];
  const add = (name: string, follows: boolean, run: (path: string) => unknown) =>
    calls.push({ name, follows, run });
  for (const [name, [follows, make]] of Object.entries(deno)) {
    const method = name.split(",")[0]!, own = Deno as unknown as Functions;
    if (method !== "chdir") {
      add(`Deno.${name} (Sync)`, follows, (path) => used(own[`${method}Sync`]!(...make(path, inside, id++))));
    }
    add(`Deno.${name}`, follows, async (path) => used(await own[method]!(...make(path, inside, id++))));
  }
  for (const [name, [follows, make]] of Object.entries(node)) {
    const method = name.split(",")[0]!,
      own = fs as unknown as Functions,
      promises = fs.promises as unknown as Functions;
    const close = (value: unknown) => typeof value === "number" ? fs.closeSync(value) : value;
    add(`fs.${name} (Sync)`, follows, (path) => close(own[`${method}Sync`]!(...make(path, inside, id++))));
    add(`fs.${name}`, follows, async (path) => {
      const args = make(path, inside, id++);
      if (method === "exists") return await new Promise((resolve) => own.exists!(...args, resolve));
      return close(await promised((callback) => own[method]!(...args, callback)));
    });
    if (promises[method]) {
      add(`fs.promises.${name}`, follows, async (path) => {
        const value = await promises[method]!(...make(path, inside, id++)) as
          | { close?(): Promise<void> }
          | undefined;
        await value?.close?.();
        return value;
      });
    }
  }
  add("fs.createReadStream", true, (path) => streamed(fs.createReadStream(path)));
  add("fs.createWriteStream", true, (path) => streamed(fs.createWriteStream(path)));
  return calls;
}

/** What is open is closed, and what is listed is collected. */
async function used(result: unknown): Promise<unknown> {
  if (typeof result !== "object" || result === null || result instanceof Uint8Array) return result;
  if ("close" in result) {
    const { isFile, ino, dev } = (result as Deno.FsFile).statSync();
    (result as Deno.FsFile).close();
    return { isFile, ino, dev };
  }
  return Symbol.asyncIterator in result || Symbol.iterator in result
    ? await Array.fromAsync(result as AsyncIterable<unknown>)
    : result;
}
