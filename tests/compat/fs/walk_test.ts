import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { walkSync } from "@std/fs";
import { type Dir, openDirSync, type SyscallError, type WalkOptions } from "../../../mod.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { openDescriptors } from "../../_kernel.ts";
import { callsOf, failNext, needsStandin } from "../../_standin.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const tree: Tree = {
  "a.ts": "",
  b: { "c.ts": "", "d.txt": "", e: { "f.ts": "" } },
  g: {},
  link: { link: "b" },
  "link.ts": { link: "a.ts" },
};

function paths(dir: Dir, path?: string, options?: WalkOptions): string[] {
  return [...dir.walkSync(path, options)].map((entry) => entry.path).sort();
}

test("Dir.walkSync() and walk() yield the directory and everything below it, with its type", async () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  const all = [".", "a.ts", "b", "b/c.ts", "b/d.txt", "b/e", "b/e/f.ts", "g", "link", "link.ts"];
  assertEquals(paths(dir), all);
  assertEquals((await Array.fromAsync(dir.walk())).map((entry) => entry.path).sort(), all);
  for (const { path, name, isFile, isDirectory, isSymlink } of dir.walkSync()) {
    const info = fixture.stat(path);
    assertEquals([path, isFile, isDirectory, isSymlink], [
      path,
      info.isFile,
      info.isDirectory,
      info.isSymlink,
    ]);
    assertEquals(name, path.slice(path.lastIndexOf("/") + 1));
  }
  assertEquals(paths(dir, "b"), ["b", "b/c.ts", "b/d.txt", "b/e", "b/e/f.ts"]);
  assertEquals(paths(dir, "./link//"), ["link/", "link/c.ts", "link/d.txt", "link/e", "link/e/f.ts"]);
});

test("Dir.walkSync() yields a directory before its contents", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  const seen = new Set<string>();
  for (const { path } of dir.walkSync()) {
    if (path !== ".") assert(seen.has(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "."), path);
    seen.add(path);
  }
});

test("Dir.walkSync() yields the same as @std/fs", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  // The paths of @std/fs start with the fixture's path, which must not match a pattern.
  for (
    const options of [{}, { includeDirs: false }, { exts: [".ts"], includeDirs: false }, { skip: [/\/e$/] }]
  ) {
    const expected = [...walkSync(fixture.path, options)].map(({ path }) =>
      path.slice(fixture.path.length + 1) || "."
    );
    assertEquals(paths(dir, ".", options), expected.sort());
  }
});

test("Dir.walkSync() honors maxDepth, includeFiles, includeDirs, includeSymlinks, exts, match and skip", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  assertEquals(paths(dir, ".", { maxDepth: 0 }), ["."]);
  assertEquals(paths(dir, ".", { maxDepth: 1 }), [".", "a.ts", "b", "g", "link", "link.ts"]);
  assertEquals(paths(dir, "b", { maxDepth: 1, includeDirs: false }), ["b/c.ts", "b/d.txt"]);
  assertEquals(paths(dir, ".", { maxDepth: -1 }), []);
  assertEquals(paths(dir, ".", { includeFiles: false, includeSymlinks: false }), [".", "b", "b/e", "g"]);
  assertEquals(paths(dir, ".", { exts: ["txt"] }), ["b/d.txt"]);
  assertEquals(paths(dir, ".", { match: [/c\.ts$/, /^g$/] }), ["b/c.ts", "g"]);
  assertEquals(paths(dir, ".", { skip: [/^b$/, /link/] }), [".", "a.ts", "g"]);
  assertEquals(paths(dir, "b", { skip: [/^b$/] }), []);
});

test("Dir.walkSync() reports the type of a root that it does not enter, and does not stat one that it enters", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  for (const path of ["a.ts", "b", "b/", "link.ts"]) {
    const [entry, ...rest] = dir.walkSync(path, { maxDepth: 0 });
    const { isFile, isDirectory, isSymlink } = Deno.statSync(fixture.at(path));
    const name = path.replace("/", "");
    assertEquals([entry, rest], [{ path, name, isFile, isDirectory, isSymlink }, []]);
  }
  assertThrows(() => paths(dir, "missing", { maxDepth: 0 }), Deno.errors.NotFound);
  assertEquals(paths(dir, "missing", { maxDepth: 0, includeDirs: false }), []);
});

test("Dir.walkSync() with followSymlinks follows symlinks, and ends for a circle", () => {
  using fixture = new Fixture({
    a: { file: "", up: { link: ".." }, self: { link: "." }, b: { back: { link: "../../c" } } },
    c: { deep: "", up: { link: "../a" } },
    "to-file": { link: "a/file" },
    "to-dir": { link: "a/b" },
  });
  using dir = openDirSync(fixture.path);
  const followSymlinks = true;
  for (const path of ["a/b", "c", "c/deep", "a/file"]) {
    assert(paths(dir, "a/b", { followSymlinks }).includes(path));
  }
  const names = new Set(paths(dir, ".", { followSymlinks }));
  for (const path of [".", "a", "a/file", "a/b", "c", "c/deep"]) assert(names.has(path), path);
  assert(![...names].some((path) => path.includes("up") || path.includes("self")));
  const plain = new Set(paths(dir, ".", { followSymlinks, canonicalize: false }));
  for (const path of ["to-file", "to-dir", "to-dir/back", "a/b/back/deep"]) assert(plain.has(path), path);
});

test("Dir.walkSync() skips a followed symlink that leaves the directory, dangles or is in a circle, without an error", () => {
  using fixture = new Fixture({
    inside: {
      sub: { out: { link: "../../outside" }, file: "", "to-out": { link: "out" } },
      absolute: { link: "/" },
      dangling: { link: "missing" },
      below: { link: "sub/file/x" },
      self: { link: "self" },
      ping: { link: "pong" },
      pong: { link: "ping" },
      chain: { link: "chain2" },
      chain2: { link: "sub/../sub/file" },
    },
    outside: { secret: "" },
  });
  using dir = openDirSync(fixture.at("inside"));
  const followSymlinks = true, onError = (error: Error) => assert(false, error.message);
  const expected = [".", "chain", "chain2", "sub", "sub/file"];
  for (const options of [{ followSymlinks }, { followSymlinks, onError }]) {
    assertEquals(paths(dir, ".", { ...options, canonicalize: false }), expected);
    assertEquals(paths(dir, ".", options), [".", "sub", "sub/file", "sub/file", "sub/file"]);
  }
  assert(paths(dir, ".", {}).includes("sub/out"));
});

test("Dir.walkSync() calls `onError` with the whole path that can't be opened, and continues; without it, throws the error", async () => {
  using fixture = new Fixture({
    tree: { a: { file: "" }, gone: { file: "" }, swapped: {}, z: { file: "" } },
    outside: { secret: "" },
  });
  using dir = openDirSync(fixture.path);
  const meanwhile = (path: string) => {
    if (path === "tree/gone") fixture.remove(path);
    if (path !== "tree/swapped") return;
    fixture.remove(path);
    fixture.add({ swapped: { link: "../outside" } }, "tree");
  };
  const reported: [code: string, path: string, message: string][] = [], found: string[] = [];
  const onError = (error: Error, path: string) => {
    const { code, path: whole } = error as SyscallError;
    assertEquals(whole, path);
    reported.push([code, path, error.message]);
  };
  for (const { path } of dir.walkSync("tree", { onError })) {
    found.push(path);
    meanwhile(path);
  }
  assertEquals(found.sort(), [
    "tree",
    "tree/a",
    "tree/a/file",
    "tree/gone",
    "tree/swapped",
    "tree/z",
    "tree/z/file",
  ]);
  assertEquals(reported.map(([, path]) => path).sort(), ["tree/gone", "tree/swapped"]);
  for (const [code, path, message] of reported) {
    assert(
      message.startsWith(`openat "${path}" on fd ${dir.fd}: `) && message.includes(`(${code}).`),
      message,
    );
  }
  // The directory where the walk starts is not an entry.
  assertThrows(() => paths(dir, "missing", { onError }), Deno.errors.NotFound);
  await assertRejects(() => Array.fromAsync(dir.walk("missing", { onError })), Deno.errors.NotFound);
  assertThrows(() => paths(dir, "missing", { onError, maxDepth: 0 }), Deno.errors.NotFound);
  const own = assertThrows(() => {
    fixture.add({ late: {} }, "tree");
    for (
      const { path } of dir.walkSync("tree", {
        onError: (error) => {
          throw new RangeError("own", { cause: error });
        },
      })
    ) {
      if (path === "tree/late") fixture.remove(path);
    }
  }, RangeError);
  assertEquals((own.cause as SyscallError).path, "tree/late");
});

test("Dir.walk() awaits the promise that `onError` returns before it goes on, and its rejection ends the walk", async () => {
  using fixture = new Fixture({ a: {}, b: {}, c: {} });
  using dir = openDirSync(fixture.path);
  const events: string[] = [];
  const onError = async (_: Error, path: string) => {
    events.push(`error of ${path}`);
    await new Promise((resolve) => setTimeout(resolve));
    events.push("handled");
  };
  for await (const { path } of dir.walk(".", { onError })) {
    events.push(path);
    if (path === "b") fixture.remove(path);
  }
  const at = events.indexOf("b");
  assertEquals(events.slice(at, at + 3), ["b", "error of b", "handled"]);
  assertEquals(events.toSorted(), [".", "a", "b", "c", "error of b", "handled"]);

  const own = new Error("own"), seen: string[] = [];
  const walked = async () => {
    for await (const { path } of dir.walk(".", { onError: () => Promise.reject(own), includeDirs: true })) {
      seen.push(path);
      if (path !== ".") fixture.remove(path);
    }
  };
  assertEquals(await walked().catch((error) => error), own);
  assertEquals(seen.length, 2);
});

test("Dir.walkSync() throws TypeError if `onError` returns a promise, and not for any other value", () => {
  using fixture = new Fixture({ a: {}, b: {} });
  using dir = openDirSync(fixture.path);
  const walk = (onError: () => unknown) => {
    fixture.add({ late: {} });
    for (const { path } of dir.walkSync(".", { onError })) if (path === "late") fixture.remove(path);
  };
  for (const value of [undefined, null, 1, {}, { then: 1 }]) walk(() => value);
  for (const value of [Promise.resolve(), { then() {} }]) {
    assertThrows(() => walk(() => value), TypeError, "Dir.walkSync(): onError returned a promise");
  }
});

test("Dir.walkSync() calls `onError` with an error of reading a directory and its path", () => {
  using fixture = new Fixture({ tree: { a: { file: "" }, b: { file: "" } } });
  using dir = openDirSync(fixture.path);
  const EIO = 5, reported: unknown[] = [];
  // The first read is of the root, the second detects its end or is of a directory in it.
  failNext("getdirentries", EIO, 2);
  const found = paths(dir, "tree", {
    onError: (error, path) => reported.push((error as SyscallError).code, path),
  });
  assertEquals([reported[0], /^tree\/[ab]$/.test(String(reported[1])), reported.length], ["EIO", true, 2]);
  assertEquals(found.length, 4);
  failNext("getdirentries", EIO);
  const { path, message } = assertThrows(() => paths(dir, "tree", { onError: () => {} })) as SyscallError;
  assertEquals(path, "tree");
  assert(message.startsWith(`getdirentries "tree" on fd ${dir.fd}: `), message);
}, { skip: needsStandin });

test("Dir.walkSync() and walk() accept only known options of the right type", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  const types = [{ maxdepth: 1 }, { maxDepth: "1" }, { exts: "ts" }, { exts: [1] }, { match: /a/ }, {
    skip: ["a"],
  }];
  const more = [
    { includeFiles: 0 },
    { followSymlinks: "no" },
    { canonicalize: null },
    { onError: {} },
    [],
    null,
    7,
  ];
  for (const options of [...types, ...more]) {
    assertThrows(() => dir.walkSync(".", options as WalkOptions), TypeError);
    assertThrows(() => dir.walk(".", options as WalkOptions), TypeError);
  }
  assertThrows(() => dir.walkSync(".", { maxDepth: NaN }), RangeError);
  assertEquals(paths(dir, "g", { maxDepth: Infinity, skip: undefined } as unknown as WalkOptions), ["g"]);
  assertEquals(paths(dir, "g", { maxDepth: -Infinity }), []);
});

test("Dir.walkSync() ignores the state of patterns with flags g and y", () => {
  using fixture = new Fixture(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`a${i}`, ""])));
  using dir = openDirSync(fixture.path);
  const all = Array.from({ length: 9 }, (_, i) => `a${i}`);
  for (const flags of ["", "g", "y", "gy"]) {
    assertEquals(paths(dir, ".", { match: [new RegExp("a.", flags)] }), all, flags);
    assertEquals(paths(dir, ".", { skip: [new RegExp("a.", flags)] }), ["."], flags);
  }
});

test("Dir.walkSync() and walk() close everything if a loop ends early or throws", async () => {
  using fixture = new Fixture({ a: { b: { c: { d: "" } } } });
  using dir = openDirSync(fixture.path);
  const open = openDescriptors().length;
  for (const { path } of dir.walkSync()) if (path === "a/b/c") break;
  assertEquals(openDescriptors().length, open);
  assertThrows(() => {
    for (const { path } of dir.walkSync()) if (path === "a/b/c/d") throw new RangeError("of the caller");
  }, RangeError);
  assertEquals(openDescriptors().length, open);
  for await (const { path } of dir.walk()) if (path === "a/b/c") break;
  assertEquals(openDescriptors().length, open);
  dir.walkSync();
  assertEquals(openDescriptors().length, open);
});

test("Dir.walkSync() throws the error of opening the directory, with its path", async () => {
  using fixture = new Fixture({ file: "", a: { b: {} } });
  using dir = openDirSync(fixture.path);
  assertThrows(() => paths(dir, "missing"), Deno.errors.NotFound);
  assertThrows(() => paths(dir, "file"), Deno.errors.NotADirectory);
  await assertRejects(() => Array.fromAsync(dir.walk("missing")), Deno.errors.NotFound);
  const error = assertThrows(() => {
    for (const { path } of dir.walkSync()) if (path === "a/b") fixture.remove("a/b");
  }, Deno.errors.NotFound) as { path?: string };
  assertEquals(error.path, "a/b");
});

test("Dir.walkSync() does not follow a symlink that replaces a directory", () => {
  using fixture = new Fixture({ inside: { a: { file: "" } }, outside: { secret: "" } });
  using dir = openDirSync(fixture.at("inside"));
  const error = assertThrows(() => {
    for (const { path } of dir.walkSync()) {
      if (path !== "a") continue;
      fixture.remove("inside/a");
      fixture.add({ a: { link: "../outside" } }, "inside");
    }
  }) as { code?: string; path?: string };
  assert(["EMLINK", "ELOOP", "ENOTDIR"].includes(error.code!), error.code);
  assertEquals(error.path, "a");
});

test("Dir.walkSync() opens each directory once, by a single name, and makes no call for a file", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  const before = ["openat", "fstatat", "fstat"].map(callsOf);
  paths(dir);
  assertEquals(["openat", "fstatat", "fstat"].map((name, i) => callsOf(name) - before[i]!), [4, 0, 0]);
}, { skip: kernel.simulated ? false : "needs the stand-in, which counts calls" });

test("Dir.walkSync() holds one buffer for each level, for any number of entries", () => {
  const many = (name: string): Tree =>
    Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`${name.repeat(200)}${i}`, ""]));
  using fixture = new Fixture({ ...many("a"), below: many("b") });
  using dir = openDirSync(fixture.path);
  const start = callsOf("getdirentries");
  const reads = () => callsOf("getdirentries") - start;
  let entries = 0, last = 0, longest = 0;
  for (const { isDirectory } of dir.walkSync()) {
    entries++;
    // Nothing is read ahead: each read happens after all earlier entries were yielded.
    assert(reads() - last <= (isDirectory ? 1 : 2), `${reads() - last} reads for one entry`);
    longest = Math.max(longest, reads());
    last = reads();
  }
  assertEquals(entries, 3002);
  // A read returns at most 128 KiB, and an entry has at least 200 bytes.
  assert(longest >= 4, `${longest} reads`);
}, { skip: needsStandin });

test("Dir.readDir() and list() yield the same as readDirSync() and listSync(), and a loop may end early", async () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.path);
  assertEquals(await Array.fromAsync(dir.readDir()), [...dir.readDirSync()]);
  assertEquals(await dir.list("b"), dir.listSync("b"));
  for await (const _ of dir.readDir()) break;
  await assertRejects(() => dir.list("missing"), Deno.errors.NotFound);
});
