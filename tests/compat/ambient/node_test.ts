import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fs, { promises as named, readFileSync } from "node:fs";
import fsPromises from "node:fs/promises";
import { createRequire } from "node:module";
import process from "node:process";
import { Buffer } from "node:buffer";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { ambientNode } from "../../../compat/ambient/mod.ts";
import { openDirSync } from "../../../mod.ts";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

type Calls = Record<string, (...args: unknown[]) => unknown>;
const forms = ["Sync", "callback", "promise"] as const;

/** Calls a function of node:fs in one of its forms. */
function call(form: typeof forms[number], name: string, args: unknown[]): unknown {
  if (form === "Sync") return (fs as unknown as Calls)[`${name}Sync`]!(...args);
  if (form === "promise") return (fs.promises as unknown as Calls)[name]!(...args);
  return new Promise((resolve, reject) => {
    (fs as unknown as Calls)[name]!(
      ...args,
      (error: Error | null, value: unknown) => error ? reject(error) : resolve(value),
    );
  });
}

/** The calls that are compared, with paths below a directory; their order matters. */
const calls = (at: (path: string) => string): [name: string, ...args: unknown[]][] => [
  ["writeFile", at("new"), "text"],
  ["writeFile", at("new"), new Uint8Array([0, 1, 255]), { mode: 0o600 }],
  ["writeFile", at("new"), "6869", { encoding: "hex", flag: "a" }],
  ["writeFile", at("new"), "x", { flag: "wx" }],
  ["writeFile", at("missing/new"), "x"],
  ["appendFile", at("new"), "more", "utf8"],
  ["readFile", at("new")],
  ["readFile", at("new"), "latin1"],
  ["readFile", Buffer.from(at("new")), { encoding: "base64" }],
  ["readFile", at("missing")],
  ["readFile", at("sub")],
  // Deno's own writeFile() ignores the umask in two of its forms.
  ["chmod", at("new"), 0o640],
  ["stat", at("new")],
  ["stat", at("link"), { bigint: true }],
  ["lstat", at("link")],
  ["lstat", at("missing")],
  ["access", at("f"), fs.constants.R_OK],
  ["access", at("missing")],
  ["readdir", at(".")],
  ["readdir", at("sub"), { withFileTypes: true }],
  ["readdir", at("."), { recursive: true }],
  ["readdir", at("f")],
  ["mkdir", at("a/b/c"), { recursive: true }],
  ["mkdir", at("a/b/c"), { recursive: true }],
  ["mkdir", at("a"), 0o700],
  ["rmdir", at("a")],
  ["rmdir", at("f")],
  ["rm", at("a"), { recursive: true }],
  ["rm", at("a")],
  ["rm", at("a"), { force: true }],
  ["rm", at("new")],
  ["rename", at("f"), at("sub/moved")],
  ["rename", at("missing"), at("x")],
  ["copyFile", at("sub/moved"), at("f")],
  ["copyFile", at("sub/moved"), at("made")],
  ["link", at("f"), at("hard")],
  ["symlink", "sub", at("soft")],
  ["symlink", "sub", at("soft")],
  ["readlink", at("soft")],
  ["readlink", at("f")],
  ["realpath", at("soft/../soft/g")],
  ["truncate", at("made"), 2],
  ["chmod", at("made"), 0o640],
  ["utimes", at("made"), 1000, new Date(2_000_000)],
  ["stat", at("made")],
  ["utimes", at("made"), "1000", "2000.5"],
  ["stat", at("made")],
  ["truncate", at("made"), -5],
  ["readFile", at("made"), { flag: "a+" }],
  ["readFile", at("created"), { flag: "w+", encoding: "utf8" }],
  ["readFile", at("made"), "bogus"],
  ["writeFile", at("made"), "x", { flag: "xw" }],
  ["writeFile", at("made"), "x", { flag: "zz" }],
  ["writeFile", at("made"), 5],
  ["writeFile", at("made"), new Uint16Array([0x4141, 0x4242])],
  ["mkdir", at("x/y"), { recursive: "yes" }],
  ["rm", at("sub"), { recursive: 1 }],
  ["chmod", at("made"), "0o600"],
  ["chmod", at("made"), "789"],
  ["chmod", at("made"), NaN],
  ["access", at("made"), 99],
  ["copyFile", at("made"), at("copied"), 99],
  ["symlink", new URL("file:///x/y"), at("soft2")],
  ["symlink", undefined, at("soft3")],
  ["readlink", at("soft2")],
  ["unlink", at("made")],
  ["unlink", at("hard")],
  ["unlink", at("soft")],
  ["unlink", at("sub/moved")],
  ["unlink", at("made")],
];

/** What a call gave, as data that is equal in two trees. */
function dataOf(value: unknown, base: string): unknown {
  if (typeof value === "string") return value.replaceAll(base, "BASE");
  if (value instanceof Uint8Array) return { isBuffer: Buffer.isBuffer(value), bytes: [...value] };
  if (Array.isArray(value)) {
    return value.map((one) => dataOf(one, base)).sort((a, b) =>
      JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
    );
  }
  if (value instanceof fs.Dirent) {
    return [value.name, value.isFile(), value.isDirectory(), dataOf(value.parentPath, base)];
  }
  if (typeof value !== "object" || value === null) return value;
  const stats = value as fs.Stats;
  const size = stats.isDirectory() ? 0 : stats.size, year = stats.mtime.getFullYear();
  return [
    typeof stats.size,
    String(size),
    String(stats.mode),
    stats.isFile(),
    stats.isSymbolicLink(),
    typeof stats.mtimeMs,
    year,
  ];
}

async function outcomesOf(form: typeof forms[number], root: string, base: string): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  for (const [name, ...args] of calls((path) => `${root}/${path}`)) {
    try {
      outcomes.push([name, dataOf(await call(form, name, args), base)]);
    } catch (error) {
      outcomes.push([
        name,
        (error as { code?: string }).code ?? (error as Error).message.replaceAll(base, "BASE"),
      ]);
    }
  }
  return outcomes;
}

const start = { f: "text", sub: { g: "more" }, link: { link: "f" } };

for (const form of forms) {
  test(`ambientNode() gives what node:fs gives, in the form ${form}`, async () => {
    using one = new Fixture(start);
    using other = new Fixture(start);
    const expected = await outcomesOf(form, one.path, one.path);
    using dir = openDirSync(other.path);
    using _originals = ambientNode({ "/mounted/here": dir }, { cwd: "/mounted" });
    assertEquals(await outcomesOf(form, "/mounted/here", "/mounted/here"), expected);
    assertEquals(other.list(), one.list());
  });
}

test("ambientNode() replaces exists, mkdtemp, and the numbers of open files", async () => {
  using fixture = new Fixture({ f: "0123456789" });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir }, { cwd: "/m" });
  assertEquals([fs.existsSync("f"), fs.existsSync("/m/no"), process.cwd()], [true, false, "/m"]);
  assertEquals(await new Promise((resolve) => fs.exists("f", resolve)), true);
  const made = [fs.mkdtempSync("/m/pre-"), await fs.promises.mkdtemp("pre-"), fs.mkdtempSync("/m/")];
  assert(made.every((path) => fs.statSync(path).isDirectory()), String(made));
  assert(
    made[0]!.startsWith("/m/pre-") && made[1]!.startsWith("pre-") && /^\/m\/\w+$/.test(made[2]!),
    String(made),
  );

  assertEquals(fs.realpathSync("f", "buffer"), Buffer.from("/m/f"));
  assertEquals(fs.mkdtempSync("/m/pre-", "hex").slice(0, 14), Buffer.from("/m/pre-").toString("hex"));
  assertEquals(fs.readdirSync("/m", "hex").includes(Buffer.from("f").toString("hex")), true);
  assertEquals(fs.readdirSync(made[0]!, "buffer"), []);
  assertEquals(codeOf(() => fs.utimesSync("f", "yesterday", 0)), "ERR_INVALID_ARG_TYPE");
  assertEquals(codeOf(() => fs.truncateSync("f", "2" as never)), "ERR_INVALID_ARG_TYPE");

  const fd = fs.openSync("f", "r+"), bytes = Buffer.alloc(4);
  assertEquals([fs.readSync(fd, bytes, 1, 2, 3), String(bytes)], [2, "\0" + "34" + "\0"]);
  assertEquals([fs.readSync(fd, bytes), String(bytes)], [4, "0123"]);
  assertEquals([fs.writeSync(fd, "ab", 8), fs.writeSync(fd, Buffer.from("xyz"), 1, 1)], [2, 1]);
  const [count, buffer] = await new Promise<[number, Uint8Array]>((resolve) =>
    fs.read(fd, bytes, 0, 4, null, (_error, ...results) => resolve(results))
  );
  assertEquals([count, buffer === bytes, String(bytes)], [4, true, "567" + "a"]);
  fs.ftruncateSync(fd, 9);
  assertEquals(fs.fstatSync(fd).size, 9);
  fs.closeSync(fd);
  assertThrows(() => fs.fstatSync(fd));
  assertEquals(fixture.read("f"), "0123y567a");

  {
    await using handle = await fs.promises.open("f", "a+");
    await handle.write("!");
    await handle.appendFile(Buffer.from("?"));
    const { bytesRead } = await handle.read(bytes, 0, 4, 8);
    assertEquals([bytesRead, String(bytes.subarray(0, 3)), (await handle.stat()).size], [3, "a!?", 11]);
  }
  assertEquals(await fs.promises.readFile("f", "utf8"), "0123y567a!?");
});

/** The code of the error that a call throws, or "none". */
function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return "none";
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

test("ambientNode() refuses offsets and lengths that are not in the buffer, and positions of the wrong type", () => {
  using fixture = new Fixture({ f: "0123456789" });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  const fd = fs.openSync("/m/f", "r+"), bytes = Buffer.alloc(4);
  const parts: [offset: number, length: number][] = [[-1, 1], [0, 5], [0, -1], [5, 0], [1.5, 1], [2, 3]];
  for (const [offset, length] of parts) {
    assertEquals(codeOf(() => fs.readSync(fd, bytes, offset, length, 0)), "ERR_OUT_OF_RANGE");
    assertEquals(codeOf(() => fs.writeSync(fd, bytes, offset, length, 0)), "ERR_OUT_OF_RANGE");
  }
  assertEquals(codeOf(() => fs.readSync(fd, bytes, 0, 4, "3" as never)), "ERR_INVALID_ARG_TYPE");
  assertEquals(codeOf(() => fs.readSync(fd, "text" as never)), "ERR_INVALID_ARG_TYPE");
  assertEquals([fs.readSync(fd, bytes, 2, 2, 6), String(bytes)], [2, "\0\0" + "67"]);
  assertEquals([fs.writeSync(fd, bytes, 4, 0), fs.writeSync(fd, bytes, 3, 1, 0)], [0, 1]);
  fs.closeSync(fd);
  assertEquals(fixture.read("f"), "7123456789");
});

test("ambientNode() replaces readv, writev, fchmod and fchown, and the results of promisify() for the functions on descriptors", async () => {
  using fixture = new Fixture({ f: "0123456789" });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  const fd = fs.openSync("/m/f", "r+"), buffers = [Buffer.alloc(2), Buffer.alloc(3)];
  assertEquals([fs.readvSync(fd, buffers, 6), buffers.map(String)], [4, ["67", "89" + "\0"]]);
  assertEquals(fs.writevSync(fd, [Buffer.from("a"), Buffer.from("bc")]), 3);
  const [count, same] = await new Promise<[number, unknown]>((resolve) =>
    fs.readv(fd, buffers, 0, (_error, ...results) => resolve(results))
  );
  assertEquals([count, same === buffers, buffers.map(String)], [5, true, ["ab", "c34"]]);
  fs.fchmodSync(fd, 0o640);
  fs.fchownSync(fd, -1 as never, -1 as never);
  assertEquals(fs.fstatSync(fd).mode & 0o777, 0o640);
  const [read, write] = [promisify(fs.read), promisify(fs.write)] as unknown as Calls[string][];
  assertEquals(await read!(fd, Buffer.alloc(2), 0, 2, 0), { bytesRead: 2, buffer: Buffer.from("ab") });
  assertEquals(await write!(fd, "XY", 8), { bytesWritten: 2, buffer: "XY" });
  fs.closeSync(fd);
  assertEquals(fixture.read("f"), "abc34567XY");

  const outside = fs.openSync(fixture.at("f"), "r");
  assertEquals((await read!(outside, Buffer.alloc(2), 0, 2, 0) as { bytesRead: number }).bytesRead, 2);
  fs.closeSync(outside);
});

test("a FileHandle of ambientNode() fails once its file is closed, even if another file has its number", async () => {
  using fixture = new Fixture({ f: "first", secret: "second" });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  const handle = await fs.promises.open("/m/f", "r+"), { fd } = handle;
  await handle.close();
  await using other = await fs.promises.open("/m/secret", "r+");
  assertEquals([handle.fd, other.fd], [-1, fd]);
  const uses: (() => unknown)[] = [
    () => handle.readFile(),
    () => handle.read(Buffer.alloc(1), 0, 1, 0),
    () => handle.write("x"),
    () => handle.writeFile("x"),
    () => handle.truncate(),
    () => handle.stat(),
    () => handle.chmod(0o600),
    async () => await Array.fromAsync(handle.createReadStream()),
  ];
  for (const use of uses) {
    const error = await assertRejects(async () => await use(), Deno.errors.BadResource);
    assertEquals((error as { code?: string }).code, "EBADF");
  }
  await handle.close();
  assertEquals([await other.readFile("utf8"), fixture.read("secret")], ["second", "second"]);
});

test("a FileHandle of ambientNode() has the methods of Node that read lines and make streams", async () => {
  using fixture = new Fixture({ f: "one\ntwo\n" });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  assertEquals(await Array.fromAsync((await fs.promises.open("/m/f")).readLines()), ["one", "two"]);
  {
    await using handle = await fs.promises.open("/m/f");
    assertEquals(await new Response(handle.readableWebStream() as ReadableStream).text(), "one\ntwo\n");
    assert(handle.fd >= 0);
    const part = await Array.fromAsync(handle.createReadStream({ start: 1, end: 4, encoding: "utf8" }));
    assertEquals([part.join(""), handle.fd], ["ne\nt", -1]);
  }
  {
    await using handle = await fs.promises.open("/m/f", "w");
    await handle.writeFile("616263", "hex");
    await handle.appendFile("!");
    await handle.writeFile(["x", Buffer.from("y")] as never);
    await handle.writev([Buffer.from("v")]);
  }
  assertEquals(fixture.read("f"), "abc!xyv");
  const stream = fs.createWriteStream("/m/f", { flush: true });
  await new Promise<void>((resolve) => stream.on("close", resolve).end("flushed"));
  assertEquals(fixture.read("f"), "flushed");
});

test("opendir() of ambientNode(), in each form, returns a directory that is read entry by entry until it is closed", async () => {
  using fixture = new Fixture({ sub: { f: "", g: "", deep: { h: "" } } });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  const names: string[] = [], open = fs.opendirSync("/m/sub");
  for (let entry; (entry = open.readSync());) {
    names.push(`${entry.name} ${entry.isDirectory()} ${entry.parentPath}`);
  }
  assertEquals(names.sort(), ["deep true /m/sub", "f false /m/sub", "g false /m/sub"]);
  open.closeSync();
  assertEquals(codeOf(() => open.readSync()), "ERR_DIR_CLOSED");
  assertEquals(codeOf(() => open.closeSync()), "ERR_DIR_CLOSED");
  const called = await new Promise<fs.Dir>((resolve, reject) =>
    fs.opendir("/m/sub", (error, dir) => error ? reject(error) : resolve(dir))
  );
  assert(
    await new Promise((resolve) => called.read((error, entry) => resolve(error === null && entry !== null))),
  );
  assertEquals([(await Array.fromAsync(called)).length, called.path], [2, "/m/sub"]);
  await assertRejects(() => called.close(), Error, "ERR_DIR_CLOSED");
  const deep = await fs.promises.opendir("/m/sub", { recursive: true });
  assertEquals((await Array.fromAsync(deep)).map(({ name }) => name).sort(), ["deep", "f", "g", "h"]);
  for (const [path, code] of [["/m/none", "ENOENT"], ["/m/sub/f", "ENOTDIR"]] as const) {
    assertEquals(codeOf(() => fs.opendirSync(path)), code);
  }
});

test("ambientNode() stops a write at its signal, before it changes the file", async () => {
  using fixture = new Fixture({ f: "old" });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  const reason = new Error("stop"), signal = AbortSignal.abort(reason);
  for (const name of ["writeFile", "appendFile"] as const) {
    assertEquals(await fs.promises[name]("/m/f", "new", { signal } as never).catch((error) => error), reason);
  }
  await assertRejects(() => fs.promises.writeFile("/m/f", "new", { signal: {} } as never), TypeError);
  assertEquals(fixture.read("f"), "old");
  const controller = new AbortController();
  const parts = async function* () {
    yield "one";
    controller.abort(reason);
    yield "two";
  };
  const write = fs.promises.writeFile("/m/f", parts(), { signal: controller.signal });
  assertEquals([await write.catch((error) => error), fixture.read("f")], [reason, "one"]);
});

test("ambientNode() refuses to copy a directory by copyFile with COPYFILE_EXCL, and copies a file", () => {
  using fixture = new Fixture({ f: "text", sub: { g: "more" } });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  const { COPYFILE_EXCL } = fs.constants;
  assertThrows(() => fs.copyFileSync("/m/sub", "/m/new", COPYFILE_EXCL), TypeError);
  fs.copyFileSync("/m/f", "/m/copy", COPYFILE_EXCL);
  assertEquals([fixture.list(), codeOf(() => fs.copyFileSync("/m/f", "/m/copy", COPYFILE_EXCL))], [
    ["copy", "f", "sub"],
    "EEXIST",
  ]);
});

test("ambientNode() replaces createReadStream and createWriteStream", async () => {
  using fixture = new Fixture({ f: "x".repeat(200_000) });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  await pipeline(fs.createReadStream("/m/f"), fs.createWriteStream("/m/copy"));
  assertEquals(fixture.read("copy"), fixture.read("f"));
  const part = await Array.fromAsync(fs.createReadStream("/m/f", { start: 10, end: 14, encoding: "utf8" }));
  assertEquals(part.join(""), "xxxxx");
  const error = await new Promise<Error & { code?: string }>((resolve) =>
    fs.createReadStream("/m/no").on("error", resolve)
  );
  assertEquals(error.code, "ENOENT");
});

test("ambientNode() streams ignore the path if they get a descriptor", async () => {
  using fixture = new Fixture({ f: "text" });
  using dir = openDirSync(fixture.path);
  const outside = fs.openSync(fixture.at("f"), "r");
  using _originals = ambientNode({ "/m": dir });
  const textOf = async (path: string, fd: number) =>
    (await Array.fromAsync(fs.createReadStream(path, { fd, encoding: "utf8" }))).join("");
  assertEquals(await textOf("", outside), "text");
  assertEquals(await textOf("", fs.openSync("/m/f", "r")), "text");
  assertEquals(await textOf("/nonexistent", fs.openSync("/m/f", "r")), "text");
  const stream = fs.createWriteStream("", { fd: fs.openSync("/m/new", "w") });
  await new Promise<void>((resolve) => stream.on("close", resolve).end("new"));
  assertEquals(fixture.read("new"), "new");
});

test("ambientNode() gives errors for wrong paths the code of Node", async () => {
  using fixture = new Fixture({ f: "text" });
  using dir = openDirSync(fixture.path);
  using _originals = ambientNode({ "/m": dir });
  const code = (call: () => unknown) => (assertThrows(call, TypeError) as { code?: string }).code;
  for (const path of ["/m/a\0b", Buffer.from("/m/a\0b"), "a\0"]) {
    assertEquals(code(() => fs.readFileSync(path)), "ERR_INVALID_ARG_VALUE");
    const error = await assertRejects(() => fs.promises.stat(path), TypeError) as { code?: string };
    assertEquals([error.code, fs.existsSync(path)], ["ERR_INVALID_ARG_VALUE", false]);
  }
  assertEquals(code(() => fs.statSync(5n as never)), "ERR_INVALID_ARG_TYPE");
});

test("ambientNode() replaces what the default import and require() give, not named imports, and puts all back", async () => {
  const require = createRequire(import.meta.url), before = { ...fs }, promises = { ...fs.promises };
  using fixture = new Fixture({ f: "text" });
  using dir = openDirSync(fixture.path);
  {
    using _originals = ambientNode({ "/m": dir });
    assertEquals(fs.readFileSync("/m/f", "utf8"), "text");
    assertEquals(require("fs").readFileSync("/m/f", "utf8"), "text");
    assertEquals(await require("node:fs/promises").readFile("/m/f", "utf8"), "text");
    assertEquals(await named.readFile("/m/f", "utf8"), "text");
    assertEquals(await fsPromises.readFile("/m/f", "utf8"), "text");
    assertEquals(fs.readFileSync(fixture.at("f"), "utf8"), "text");
    const error = assertThrows(() => readFileSync("/m/f")) as { code?: string };
    assertEquals(error.code, "ENOENT");
  }
  assertEquals({ ...fs }, before);
  assertEquals({ ...fs.promises }, promises);
});

test("ambientNode() works in a sandbox, with streams, node:path, node:zlib and node:readline", async () => {
  using fixture = new Fixture({ f: "line\n".repeat(20_000) });
  const module = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
  const source = `
    import { sandbox } from ${module("mod.ts")};
    import { ambientNode } from ${module("compat/ambient/mod.ts")};
    import fs from "node:fs";
    import path from "node:path";
    import { createInterface } from "node:readline";
    import { pipeline } from "node:stream/promises";
    import { promisify } from "node:util";
    import { createGzip, gunzipSync } from "node:zlib";
    sandbox({ dirs: { here: { path: ".", rights: "readWrite" } }, ambient: ambientNode });
    await pipeline(fs.createReadStream("f"), createGzip(), fs.createWriteStream(path.resolve("f.gz")));
    let lines = 0;
    for await (const _ of createInterface({ input: fs.createReadStream("f") })) lines++;
    const read = await promisify(fs.readFile)("f.gz");
    fs.mkdirSync("a/b", { recursive: true });
    fs.rmSync("f");
    const refused = await fs.promises.stat("/").catch(({ code }) => code);
    console.log(JSON.stringify([gunzipSync(read).length, lines, fs.readdirSync(".").sort(), refused]));
    Deno.exit();`;
  const { code, stdout, stderr } = await runModule(`data:text/javascript,${encodeURIComponent(source)}`, {
    cwd: fixture.path,
  });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(JSON.parse(stdout), [100_000, 20_000, ["a", "f.gz"], "ECAPMODE"]);
});

test("ambientNode() makes the functions of node:fs on paths that it does not replace fail in a sandbox", async () => {
  using fixture = new Fixture({ f: "text" });
  const module = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
  const source = `
    import { sandbox } from ${module("mod.ts")};
    import { ambientNode } from ${module("compat/ambient/mod.ts")};
    import fs from "node:fs";
    const before = fs.globSync("*");
    sandbox({ dirs: { here: { path: ".", rights: "readWrite" } }, ambient: ambientNode });
    const found = {};
    const names = ["cp", "glob", "lchown", "lutimes", "statfs"];
    const args = { cp: ["f", "g"], lchown: ["f", 0, 0], lutimes: ["f", 0, 0] };
    const note = async (name, call) => {
      try { found[name] = ["returned", String(await call())]; } catch ({ name: of, code }) { found[name] = [of, code]; }
    };
    for (const name of names) {
      const given = args[name] ?? ["*"];
      if (fs[name + "Sync"]) await note(name + "Sync", () => fs[name + "Sync"](...given));
      if (fs.promises[name]) await note("promises." + name, () => fs.promises[name](...given));
      if (fs[name]) await note(name, () => new Promise((resolve, reject) => fs[name](...given, (error) => error ? reject(error) : resolve())));
    }
    await note("watch", () => fs.watch("f", () => {}));
    await note("watchFile", () => fs.watchFile("f", () => {}));
    await note("openAsBlob", () => fs.openAsBlob("f"));
    await note("promises.watch", () => fs.promises.watch("f"));
    await note("promises.for await of glob", async () => { for await (const _ of fs.promises.glob("*")); });
    console.log(JSON.stringify([before, fs.readdirSync("."), found]));
    Deno.exit();`;
  const { code, stdout, stderr } = await runModule(`data:text/javascript,${encodeURIComponent(source)}`, {
    cwd: fixture.path,
  });
  assertEquals([code, stderr], [0, ""]);
  const [before, now, found] = JSON.parse(stdout);
  assertEquals([before, now], [["f"], ["f"]]);
  assert(Object.keys(found).length > 15, stdout);
  for (const [name, result] of Object.entries(found)) {
    assertEquals([name, result], [name, ["NotSupported", "ENOSYS"]]);
  }
});
