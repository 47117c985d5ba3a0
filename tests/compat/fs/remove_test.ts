import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CapsicumError, openDirSync, type SyscallError } from "../../../mod.ts";
import { removing } from "../../../compat/fs/tree/walk.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { callsOf, failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

const tree: Tree = {
  inside: {
    file: "",
    empty: {},
    full: { a: "", b: { c: { d: "" } }, out: { link: "../../outside" }, up: { link: ".." } },
    link: { link: "../outside" },
    dangling: { link: "nothing" },
  },
  outside: { secret: "secret" },
};

test("Dir.removeSync() removes files, symlinks and empty directories", async () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.at("inside"));
  for (const path of ["file", "link", "dangling", "full/a"]) dir.removeSync(path);
  dir.removeSync("empty/");
  await dir.remove("full/out");
  assertEquals([fixture.list("inside"), fixture.list("inside/full")], [["full"], ["b", "up"]]);
  assertEquals(fixture.read("outside/secret"), "secret");
});

test("Dir.removeSync() throws for a missing path, a directory that is not empty, and a file with a trailing slash", async () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.at("inside"));
  assertThrows(() => dir.removeSync("missing"), Deno.errors.NotFound);
  assertThrows(() => dir.removeSync("missing", { recursive: true }), Deno.errors.NotFound);
  assertThrows(() => dir.removeSync("file/"), Deno.errors.NotADirectory);
  assertThrows(() => dir.removeSync("link/", { recursive: true }), Deno.errors.NotADirectory);
  const { class: name, code, syscall, path, fd } = failureOf(() => dir.removeSync("full"));
  assertEquals([name, code, syscall, path, fd], ["CapsicumError", "ENOTEMPTY", "unlinkat", "full", dir.fd]);
  await assertRejects(() => dir.remove("full"), CapsicumError);
  await assertRejects(() => dir.remove("missing", { recursive: true }), Deno.errors.NotFound);
  assertEquals(fixture.list("inside/full"), ["a", "b", "out", "up"]);
});

test("Dir.removeSync() removes no part of a directory that can't be removed itself", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.at("inside"));
  for (const path of [".", "./", "full/..", "full/."]) {
    for (const recursive of [false, true]) {
      assertEquals(failureOf(() => dir.removeSync(path, { recursive })).code, "EINVAL", path);
    }
  }
  assertEquals(fixture.list("inside/full"), ["a", "b", "out", "up"]);
});

test("Dir.removeSync() and remove() remove a tree with recursive, and follow no symlink", async () => {
  for (const isAsync of [false, true]) {
    using fixture = new Fixture(tree);
    using dir = openDirSync(fixture.at("inside"));
    for (const path of ["full/b/../../full/", "link", "file"]) {
      if (isAsync) await dir.remove(path, { recursive: true });
      else dir.removeSync(path, { recursive: true });
    }
    assertEquals(fixture.list("inside"), ["dangling", "empty"]);
    assertEquals(fixture.read("outside/secret"), "secret");
  }
});

test("Dir.removeSync() removes a directory of 5,000 names, and one 100 levels deep", () => {
  using fixture = new Fixture({
    wide: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`f${i}`, ""])),
  });
  using dir = openDirSync(fixture.path);
  dir.mkdirSync(Array(100).fill("d").join("/"), { recursive: true });
  dir.removeSync("wide", { recursive: true });
  dir.removeSync("d", { recursive: true });
  assertEquals(fixture.list(), []);
});

test("Dir.removeSync() and remove() accept only the option `recursive`, as a boolean", async () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.at("inside"));
  for (const options of [{ recursiv: true }, { recursive: 1 }, { recursive: null }, null, true]) {
    assertThrows(() => dir.removeSync("full", options as Deno.RemoveOptions), TypeError);
    await assertRejects(() => dir.remove("full", options as Deno.RemoveOptions), TypeError);
  }
  assertEquals(fixture.list("inside/full"), ["a", "b", "out", "up"]);
});

test(
  "Dir.removeSync() and emptyDirSync() report the whole path that they can't remove, as do their twins",
  async () => {
    using fixture = new Fixture({ one: { two: { three: { file: "" } } } });
    using dir = openDirSync(fixture.path);
    const EACCES = 13;
    const calls = [
      () => dir.removeSync("one/two", { recursive: true }),
      () => dir.emptyDirSync("one/two"),
      () => dir.remove("one/two", { recursive: true }),
      () => dir.emptyDir("./one//two/"),
    ];
    for (const [i, call] of calls.entries()) {
      // removeSync() tries the directory itself first, by two calls.
      failNext("unlinkat", EACCES, i % 2 === 0 ? 3 : 1);
      const error = await assertRejects(
        async () => await call(),
        Deno.errors.PermissionDenied,
      ) as SyscallError;
      const { path, fd, message } = error;
      assertEquals([path, fd], ["one/two/three/file", dir.fd]);
      assert(message.startsWith(`unlinkat "${path}" on fd ${fd}: `) && message.includes("(EACCES)"), message);
    }
  },
  { skip: needsStandin },
);

test("Dir.emptyDirSync() and emptyDir() remove the contents of a directory, or create it", async () => {
  using fixture = new Fixture({ ...tree, alias: { link: "inside" } });
  using dir = openDirSync(fixture.path);
  dir.emptyDirSync("inside/full");
  await dir.emptyDir("alias");
  dir.emptyDirSync("new/er");
  assertEquals([fixture.list("inside"), fixture.list("new/er")], [[], []]);
  assertEquals(fixture.read("outside/secret"), "secret");
  assertThrows(() => dir.emptyDirSync("outside/secret"), Deno.errors.NotADirectory);
  await assertRejects(() => dir.emptyDir("outside/secret"), Deno.errors.NotADirectory);
});

test("Dir.removeSync() removes names that are created meanwhile, and ignores names that others remove", async () => {
  using fixture = new Fixture({ tree: { a: { file: "" }, b: { file: "" }, c: "" } });
  using dir = openDirSync(fixture.path);
  const removing = dir.remove("tree", { recursive: true });
  fixture.add({ late: "" }, "tree");
  await removing;
  assertEquals(fixture.list(), []);
});

test("Dir.remove() throws nothing if another process removes the whole tree meanwhile, but does if it was missing at first", () => {
  using fixture = new Fixture({ tree: { a: { file: "" }, b: { file: "" } } });
  using dir = openDirSync(fixture.path);
  const steps = removing(dir, "tree"), others = [removing(dir, "tree"), removing(dir, "tree")];
  for (const one of [steps, ...others]) one.next();
  for (const _ of steps);
  assertEquals(fixture.list(), []);
  for (const one of others) for (const _ of one);
  assertThrows(() => dir.removeSync("tree", { recursive: true }), Deno.errors.NotFound);
});

test("Dir.removeSync() throws the error of a part that it can't remove, and closes everything", () => {
  using fixture = new Fixture({ tree: { a: { file: "" } } });
  using dir = openDirSync(fixture.path);
  const EBUSY = 16, EIO = 5;
  failNext("getdirentries", EIO);
  assertThrows(() => dir.removeSync("tree", { recursive: true }), CapsicumError, "EIO");
  failNext("unlinkat", EBUSY, 3);
  assertThrows(() => dir.removeSync("tree", { recursive: true }), Deno.errors.Busy);
  assert(fixture.exists("tree"));
  dir.removeSync("tree", { recursive: true });
}, { skip: needsStandin });

test("Dir.removeSync() passes no path to unlinkat(), which ignores AT_RESOLVE_BENEATH on FreeBSD 13", () => {
  using fixture = new Fixture({ inside: { out: { link: "../outside" } }, outside: { secret: "secret" } });
  using dir = openDirSync(fixture.at("inside"));
  const before = callsOf("unlinkat");
  assertThrows(() => dir.removeSync("out/secret"), CapsicumError, "leaves the directory");
  assertEquals([callsOf("unlinkat") - before, fixture.read("outside/secret")], [0, "secret"]);
}, { skip: kernel.simulated ? false : "needs the stand-in, which counts calls" });
