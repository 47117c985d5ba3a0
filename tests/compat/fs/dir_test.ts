import { assert, assertEquals, assertFalse, assertRejects, assertThrows } from "@std/assert";
import type * as capsicum from "../../../mod.ts";
import { CapsicumError, Dir, getRights, openDirSync, openSync, type RightName } from "../../../mod.ts";
import { inChild, type Tools } from "../../_child.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { allCalls, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

/** In a child: makes each call with exactly the rights that it needs, and with all rights except each one of these. */
function tryUses(
  { caught, enter, getRights, libc, openAtSync, openDirSync, listDirSync, readDirSync }:
    & typeof capsicum
    & Tools,
  { path, inside }: { path: string; inside: boolean },
) {
  let count = 0;
  const fresh = () => `new${count++}`;
  const both = { read: true, write: true }, write = true;
  const reading: RightName[] = ["LOOKUP", "READ"], writing: RightName[] = ["LOOKUP", "WRITE"];
  const uses: [use: string, needs: RightName[], call: (dir: Dir) => unknown][] = [
    ["openSync", reading, (dir) => dir.openSync("file")],
    ["openSync, write", [...writing, "SEEK"], (dir) => dir.openSync("file", { write })],
    ["openSync, both", [...reading, "WRITE", "SEEK"], (dir) => dir.openSync("file", both)],
    ["openSync, append", writing, (dir) => dir.openSync("file", { append: true })],
    [
      "openSync, truncate",
      [...writing, "FTRUNCATE"],
      (dir) => dir.openSync("file", { write, truncate: true }),
    ],
    [
      "openSync, create",
      [...writing, "SEEK", "CREATE"],
      (dir) => dir.openSync(fresh(), { write, create: true }),
    ],
    ["openSync, createNew", [...writing, "CREATE"], (dir) => {
      return dir.openSync(fresh(), { append: true, createNew: true });
    }],
    ["openSync, sync", [...writing, "SEEK", "FSYNC"], (dir) => dir.openSync("file", { write, sync: true })],
    [
      "openSync, EXLOCK",
      [...reading, "FLOCK"],
      (dir) => dir.openSync("file", { customFlags: libc.O_EXLOCK }).close(),
    ],
    ["openAtSync", reading, (dir) => openAtSync(dir.fd, "file")],
    ["openDirSync", reading, (dir) => dir.openDirSync("sub")],
    ["readDirSync", ["READ"], (dir) => [...dir.readDirSync()]],
    ["readDirSync below", reading, (dir) => [...dir.readDirSync("sub")]],
    ["readDirSync of fd", ["READ"], (dir) => [...readDirSync(dir.fd)]],
    ["listSync", ["READ"], (dir) => dir.listSync()],
    ["listSync below", reading, (dir) => dir.listSync("sub")],
    ["listDirSync of fd", ["READ"], (dir) => listDirSync(dir.fd)],
    ["statSync", ["LOOKUP", "FSTAT"], (dir) => dir.statSync("file")],
    ["statSync of itself", ["LOOKUP", "FSTAT"], (dir) => dir.statSync()],
  ];
  const open = () => openDirSync(path);
  const all = getRights(open());
  const limited = uses.map(([use, needs, call]) => {
    const exact = open();
    exact.limit(needs);
    const lacking = needs.map((right) => {
      const dir = open();
      dir.limit(all.difference([right]));
      return { right, dir };
    });
    return { use, call, exact, lacking };
  });
  if (inside) enter();
  return limited.map(({ use, call, exact, lacking }) => ({
    use,
    works: caught(() => call(exact)) ?? null,
    refused: lacking.map(({ right, dir }) => {
      const before = count, failure = caught(() => call(dir)) ?? null;
      const fd = dir.fd;
      return { right, failure, fd, name: count > before ? `new${before}` : null };
    }),
  }));
}

for (const inside of [false, true]) {
  test.capsicum(`Dir works with exactly the rights that each use needs and reports a missing one, ${inside ? "inside" : "outside"} of capability mode`, async () => {
    using fixture = new Fixture({ file: "text", sub: { file: "" } });
    for (const { use, works, refused } of await inChild(tryUses, { path: fixture.path, inside })) {
      assertEquals(works, null, use);
      for (const { right, failure, fd, name } of refused) {
        assert(failure !== null, `${use} without ${right}`);
        assertEquals([failure.class, failure.code, failure.errno], ["CapsicumError", "ENOTCAPABLE", 93], use);
        assertEquals([failure.missing, failure.fd], [[right], fd], use);
        assertFalse(failure.held!.includes(right));
        assertFalse(name !== null && fixture.exists(name), `${use} made ${name}`);
      }
    }
  });
}

/** Files below "inside", and paths that leave it. */
function confinementTree(fixture: Fixture): void {
  const tree: Tree = {
    inside: {
      file: "file",
      sub: {
        file: "sub/file",
        up: { link: ".." },
        "up-file": { link: "../file" },
        out: { link: "../../outside" },
      },
      absolute: { link: fixture.at("inside", "file") },
      "absolute-dir": { link: fixture.at("inside") },
      relative: { link: "../outside" },
      "leaves-and-returns": { link: "../inside/file" },
      parent: { link: ".." },
      within: { link: "sub/file" },
      "within-dotted": { link: "./sub/../file" },
      "sub-link": { link: "sub" },
      chain: { link: "chain2" },
      chain2: { link: "within" },
      "chain-out": { link: "chain-out2" },
      "chain-out2": { link: "relative" },
      loop: { link: "loop2" },
      loop2: { link: "loop" },
      dangling: { link: "missing" },
      "dangling-out": { link: "../missing" },
    },
    outside: "secret",
  };
  fixture.add(tree);
}

/** The contents of the file at each path, or the code of the error. */
const files: Record<string, string> = {
  "file": "file",
  "./file": "file",
  "sub/file": "sub/file",
  "sub//file": "sub/file",
  "sub/../file": "file",
  "sub/../sub/../file": "file",
  "sub/./../file": "file",
  "within": "sub/file",
  "within-dotted": "file",
  "sub-link/file": "sub/file",
  "sub-link/../file": "file",
  "sub/up-file": "file",
  "sub/up/file": "file",
  "sub/up/sub/up/file": "file",
  "chain": "sub/file",

  "../outside": "ENOTCAPABLE",
  "../inside/file": "ENOTCAPABLE",
  "./../outside": "ENOTCAPABLE",
  "sub/../../outside": "ENOTCAPABLE",
  "sub/../../inside/file": "ENOTCAPABLE",
  "/etc/passwd": "ENOTCAPABLE",
  "//etc/passwd": "ENOTCAPABLE",
  "absolute": "ENOTCAPABLE",
  "absolute-dir/file": "ENOTCAPABLE",
  "relative": "ENOTCAPABLE",
  "leaves-and-returns": "ENOTCAPABLE",
  "parent/outside": "ENOTCAPABLE",
  "parent/inside/file": "ENOTCAPABLE",
  "sub/out": "ENOTCAPABLE",
  "sub/up/../outside": "ENOTCAPABLE",
  "chain-out": "ENOTCAPABLE",
  "dangling-out": "ENOTCAPABLE",

  "missing": "ENOENT",
  "missing/../file": "ENOENT",
  "dangling": "ENOENT",
  "file/../file": "ENOTDIR",
  "file/": "ENOTDIR",
  "loop": "ELOOP",
  "loop/file": "ELOOP",
};

/** The same for directories, with their names instead of the contents. */
const directories: Record<string, string> = {
  ".": "inside",
  "./": "inside",
  "sub": "sub",
  "sub/": "sub",
  "sub/.": "sub",
  "sub/..": "inside",
  "sub/up": "inside",
  "sub-link": "sub",
  "sub-link/": "sub",

  "..": "ENOTCAPABLE",
  "../inside": "ENOTCAPABLE",
  "sub/../..": "ENOTCAPABLE",
  "sub/up/..": "ENOTCAPABLE",
  "/": "ENOTCAPABLE",
  "absolute-dir": "ENOTCAPABLE",
  "parent": "ENOTCAPABLE",
  "parent/inside": "ENOTCAPABLE",

  "missing": "ENOENT",
  "file": "ENOTDIR",
  "within": "ENOTDIR",
  "loop": "ELOOP",
};

/** In a child: returns the result of each method for each path. */
function tryPaths(
  { enter, openAtSync, openDirSync }: typeof capsicum & Tools,
  { path, inside, files, directories }: {
    path: string;
    inside: boolean;
    files: string[];
    directories: string[];
  },
) {
  const dir = openDirSync(path);
  if (inside) enter();
  const outcome = (use: () => string) => {
    try {
      return use();
    } catch (error) {
      return String((error as { code?: unknown }).code);
    }
  };
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const place = (names: string[]) => names.includes("sub") ? "inside" : "sub";
  const name = (ino: number | null) => {
    return ["file", "sub/file", "sub", "."].find((name) => dir.statSync(name).ino === ino)!.replace(
      /^\.$/,
      "inside",
    );
  };
  const ways = {
    openSync: (path: string) => text(dir.openSync(path).readAllSync()),
    openAtSync: (path: string) => text(openAtSync(dir.fd, path).readAllSync()),
    statSync: (path: string) => name(dir.statSync(path).ino),
  };
  const dirWays = {
    openDirSync: (path: string) => place(dir.openDirSync(path).listSync()),
    listSync: (path: string) => place(dir.listSync(path)),
    readDirSync: (path: string) => place([...dir.readDirSync(path)].map((entry) => entry.name)),
  };
  const all = (ways: Record<string, (path: string) => string>, paths: string[]) => {
    return Object.entries(ways).map(([way, use]) => {
      return { way, outcomes: Object.fromEntries(paths.map((path) => [path, outcome(() => use(path))])) };
    });
  };
  return { files: all(ways, files), directories: all(dirWays, directories) };
}

for (const inside of [false, true]) {
  const it = inside ? test.capsicum : test;
  it(`Dir and openAtSync() follow paths that stay beneath the directory and no other, ${inside ? "inside" : "outside"} of capability mode`, async () => {
    using fixture = new Fixture();
    confinementTree(fixture);
    const outcomes = await inChild(tryPaths, {
      path: fixture.at("inside"),
      inside,
      files: Object.keys(files),
      directories: Object.keys(directories),
    });
    for (const { way, outcomes: actual } of outcomes.files) {
      assertEquals({ way, actual }, { way, actual: files });
    }
    for (const { way, outcomes: actual } of outcomes.directories) {
      assertEquals({ way, actual }, { way, actual: directories });
    }
  });

  it(`Dir creates files beneath the directory and nowhere else, ${inside ? "inside" : "outside"} of capability mode`, async () => {
    using fixture = new Fixture();
    confinementTree(fixture);
    const paths = [
      "../new",
      "parent/new",
      fixture.at("new"),
      "dangling-out",
      "new",
      "sub/../new2",
      "dangling",
    ];
    const failures = await inChild(({ caught, enter, openDirSync }, { path, paths, inside }) => {
      const dir = openDirSync(path);
      if (inside) enter();
      return paths.map((path) =>
        caught(() => dir.openSync(path, { write: true, create: true }))?.code ?? "made"
      );
    }, { path: fixture.at("inside"), paths, inside });
    const refused = "ENOTCAPABLE";
    assertEquals(failures, [refused, refused, refused, refused, "made", "made", "made"]);
    assertEquals(fixture.list(), ["inside", "outside"]);
    assertEquals(["new", "new2", "missing"].map((name) => fixture.exists(`inside/${name}`)), [
      true,
      true,
      true,
    ]);
  });
}

test("Dir reports that a path leaves the directory if no right is missing", () => {
  using fixture = new Fixture({ inside: {} });
  using dir = openDirSync(fixture.at("inside"));
  for (const use of [() => dir.openSync(".."), () => dir.statSync(".."), () => dir.listSync("..")]) {
    const { class: name, code, path, fd, missing } = failureOf(use);
    assertEquals([name, code, path, fd, missing], ["CapsicumError", "ENOTCAPABLE", "..", dir.fd, undefined]);
    assertThrows(use, CapsicumError, "the path leaves the directory");
  }
  assertEquals(dir.listSync(), []);
});

test.capsicum("Dir.openSync() and openDirSync() give the opened file the rights of the directory", () => {
  using fixture = new Fixture({ file: "text", sub: { file: "deep" } });
  using dir = openDirSync(fixture.path, { limit: ["LOOKUP", "READ", "FSTAT"] });
  using file = dir.openSync("file");
  using sub = dir.openDirSync("sub");
  using deep = sub.openSync("file");
  for (const { fd } of [dir, file, sub, deep]) assert(getRights(fd).equals(["LOOKUP", "READ", "FSTAT"]));
  assertEquals(new TextDecoder().decode(deep.readAllSync()), "deep");
});

test.capsicum("openDirSync() and Dir.openDirSync() limit the directory before they return it", () => {
  using fixture = new Fixture({ sub: { file: "" } });
  using dir = openDirSync(fixture.path, { limit: ["LOOKUP", "READ", "FSTAT"] });
  assert(getRights(dir).equals(["LOOKUP", "READ", "FSTAT"]));
  using sub = dir.openDirSync("sub", { limit: ["READ", "LOOKUP"] });
  assert(getRights(sub).equals(["LOOKUP", "READ"]));
  assertEquals(sub.listSync(), ["file"]);
  using none = dir.openDirSync("sub", { limit: [] });
  assert(getRights(none).isEmpty);
  using fresh = openDirSync(fixture.path);
  assert(getRights(fresh).has("WRITE"));
});

test.capsicum("Dir.openDirSync() throws ENOTCAPABLE for a limit beyond the directory's rights, and leaves nothing open", () => {
  using fixture = new Fixture({ sub: {} });
  using dir = openDirSync(fixture.path, { limit: ["LOOKUP", "READ"] });
  const failure = failureOf(() => dir.openDirSync("sub", { limit: ["LOOKUP", "READ", "WRITE"] }));
  const { class: name, code, syscall, missing } = failure;
  assertEquals([name, code, syscall], ["CapsicumError", "ENOTCAPABLE", "cap_rights_limit"]);
  assertEquals(missing, ["WRITE"]);
});

test("openDirSync() and Dir.openDirSync() throw for an invalid limit and make no system call", () => {
  using fixture = new Fixture({ sub: {} });
  using dir = openDirSync(fixture.path);
  dir.openDirSync("sub").close();
  const calls = () => needsStandin ? 0 : allCalls();
  const before = calls();
  for (
    const [limit, Class, shown] of [[["RAED"], RangeError, "RAED"], ["READ", TypeError, "READ"]] as const
  ) {
    const options = { limit: limit as never };
    assertThrows(() => openDirSync(fixture.path, options), Class, shown);
    assertThrows(() => dir.openDirSync("sub", options), Class, shown);
  }
  assertEquals(calls(), before);
});

test("every method of Dir with a path throws TypeError that names it for a value that is not a path, before any system call", async () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  const path = Symbol("path"), data = new Uint8Array(1);
  /** The arguments of methods that take more than one path; each path is replaced in turn. */
  const others: Record<string, unknown[]> = {
    ...{ writeFile: [path, data], writeTextFile: [path, ""], writeFileAtomic: [path, ""], chmod: [path, 0] },
    ...{ chown: [path, 1, 1], utime: [path, 1, 1], symlink: [path, path], rename: [path, path] },
    ...{ link: [path, path], copy: [path, dir, path], copyFile: [path, path] },
    ...{ makeTempFile: [{ dir: path }], makeTempDir: [{ dir: path }] },
  };
  const withoutPath = /^(constructor|fromFd|close|take|limit.*|confined|fd|toString)$/;
  const names = Object.entries(Object.getOwnPropertyDescriptors(Dir.prototype)).flatMap(([name, { value }]) =>
    typeof value === "function" && !withoutPath.test(name) ? [name] : []
  );
  assert(names.length > 60, `${names.length} methods`);
  const bad: [value: unknown, message: string][] = [
    ["", 'the path "" is empty'],
    ["a\0b", 'the path "a\\u0000b" has a NUL'],
    ["a/\ud800", "the path "],
    [5, "a path must be a string, not 5."],
    [null, "a path must be a string, not null."],
  ];
  const calls = () => needsStandin ? 0 : allCalls(), before = calls();
  for (const name of names) {
    const args = others[name.replace(/Sync$/, "")] ?? [path];
    const isOption = typeof args[0] === "object";
    const places = isOption ? 1 : args.filter((arg) => arg === path).length;
    for (const [value, message] of bad) {
      if (isOption && typeof value !== "string") continue;
      for (let place = 0; place < places; place++) {
        let at = 0;
        const replaced = (arg: unknown) => arg !== path ? arg : at++ === place ? value : "file";
        const given = args.map((arg) => isOption ? { dir: value } : replaced(arg));
        const error = await assertRejects(
          async () => {
            const result = await (dir[name as keyof Dir] as (...args: unknown[]) => unknown)(...given);
            for await (const _ of result as AsyncIterable<unknown>);
          },
          TypeError,
        );
        assert(error.message.startsWith(`Dir.${name}(): ${message}`), error.message);
      }
    }
  }
  assertEquals(calls(), before);
  assertEquals(dir.statSync("file").size, 0);
});

test("the stack trace of a failed system call has the caller's line, and Error.stackTraceLimit stays as it is", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const path = "none/none";
  const calls: (() => unknown)[] = [
    () => openDirSync(fixture.at(path)),
    () => openSync(fixture.at(path)),
    () => dir.createSync(path),
    () => dir.listSync(path),
    () => dir.renameSync(path, "other"),
    () => dir.copySync(path, "other"),
    () => [...dir.walkSync(path)],
    async () => await dir.openDir(path),
    async () => await dir.readTextFile(path),
    async () => await dir.stat(path),
    async () => await dir.link(path, "other"),
    async () => await Array.fromAsync(dir.walk(path)),
  ];
  const { stackTraceLimit } = Error, frames = (error: Error) => error.stack!.match(/^ +at .*$/gm) ?? [];
  try {
    Error.stackTraceLimit = 10;
    for (const call of calls) {
      const error = await assertRejects(async () => await call(), Deno.errors.NotFound);
      const line = frames(error).findIndex((frame) => frame.includes("dir_test.ts"));
      assert(line > 0, `${call}: ${error.stack}`);
      assertEquals(Error.stackTraceLimit, 10);
    }
    Error.stackTraceLimit = 0;
    assertEquals(frames(assertThrows(() => dir.lstatSync(path), Deno.errors.NotFound)), []);
    assertEquals(Error.stackTraceLimit, 0);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
});

test("Dir's methods throw Deno's class for the errno, with code, errno, syscall, path and fd", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  const { fd } = dir;
  const missing = { class: "NotFound", code: "ENOENT", errno: 2, path: "missing", fd };
  const noDirectory = { class: "NotADirectory", code: "ENOTDIR", errno: 20, path: "file", fd };
  assertEquals(failureOf(() => dir.openSync("missing")), { ...missing, syscall: "openat" });
  assertEquals(failureOf(() => dir.openDirSync("missing")), { ...missing, syscall: "openat" });
  assertEquals(failureOf(() => dir.readDirSync("missing")), { ...missing, syscall: "openat" });
  assertEquals(failureOf(() => dir.listSync("missing")), { ...missing, syscall: "openat" });
  assertEquals(failureOf(() => dir.statSync("missing")), { ...missing, syscall: "fstatat" });
  assertEquals(failureOf(() => dir.openDirSync("file")), { ...noDirectory, syscall: "openat" });
  assertEquals(failureOf(() => dir.readDirSync("file")), { ...noDirectory, syscall: "openat" });
  assertEquals(failureOf(() => dir.listSync("file")), { ...noDirectory, syscall: "openat" });
  assertEquals(dir.listSync(), ["file"]);
});

test("Dir.fromFd() throws NotADirectory for a file, and takes a directory", () => {
  using fixture = new Fixture({ file: "", sub: {} });
  using file = openSync(fixture.at("file"));
  const failure = {
    class: "NotADirectory",
    code: "ENOTDIR",
    errno: 20,
    syscall: "Dir.fromFd()",
    fd: file.fd,
  };
  assertEquals(failureOf(() => Dir.fromFd(file.fd)), failure);
  assertEquals(file.statSync().size, 0);
  using dir = Dir.fromFd(openDirSync(fixture.at("sub")).take());
  assertEquals(dir.listSync(), []);
});

test("Dir.statSync() describes the directory itself, files below it, and the target of a symlink", () => {
  using fixture = new Fixture({ sub: { file: "abc" }, link: { link: "sub/file" } });
  using dir = openDirSync(fixture.path);
  const kind = ({ isFile, isDirectory, isSymlink, ino }: Deno.FileInfo) => ({
    isFile,
    isDirectory,
    isSymlink,
    ino,
  });
  assertEquals(kind(dir.statSync()), kind(fixture.stat("")));
  assertEquals(kind(dir.statSync("sub")), kind(fixture.stat("sub")));
  assertEquals(kind(dir.statSync("sub/file")), kind(fixture.stat("sub/file")));
  assertEquals(kind(dir.statSync("link")), kind(fixture.stat("sub/file")));
  assertEquals(dir.statSync("link").size, 3);
});
