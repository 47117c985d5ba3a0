import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as p from "../../../compat/python/pycapsicum.ts";
import { CapsicumError, libc, openDirSync, openSync } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";
import { assertErrno, EBADF } from "./_errno.ts";

type Module = typeof import("../../../compat/python/pycapsicum.ts");

const module = new URL("../../../compat/python/pycapsicum.ts", import.meta.url).href;
const ENOTCAPABLE = 93;
const neverOpen = 0x7fffffff;

// Each name before a colon is that of the ancestor's test, with its class where two have the same.

test.capsicum("test_esg: after enter(), sandboxed() is true and getmode() is 1", async () => {
  const answers = await inChild(async (_, module) => {
    const p: Module = await import(module);
    const before = [p.sandboxed(), p.getmode()];
    p.enter();
    return [before, [p.sandboxed(), p.getmode()]];
  }, module);
  assertEquals(answers, [[false, 0], [true, 1]]);
});

test.capsicum("TestFCNTLS.test_limget: fcntls_get() returns what fcntls_limit() set, and 0", () => {
  using fixture = new Fixture({ file: "foo" });
  using file = openSync(fixture.at("file"));
  for (const mask of [p.CAP_FCNTL_ALL, p.CAP_FCNTL_GETFL | p.CAP_FCNTL_GETOWN, 0]) {
    p.fcntls_limit(file, mask);
    assertEquals(p.fcntls_get(file), [mask, 0]);
  }
  assertErrno(() => p.fcntls_limit(file, p.CAP_FCNTL_GETFL), ENOTCAPABLE);
});

test.capsicum("TestIOCTLS.test_limget: ioctls_get() returns what ioctls_limit() set, and the number of requests", () => {
  using fixture = new Fixture({ file: "foo" });
  using file = openSync(fixture.at("file"));
  assertEquals(p.ioctls_get(file), [libc.CAP_IOCTLS_ALL, []]);
  for (const list of [[1, 2, 3, 4, 5], [1, 2, 5], []]) {
    p.ioctls_limit(file, list);
    assertEquals(p.ioctls_get(file), [list.length, list]);
  }
  assertErrno(() => p.ioctls_limit(file, [1]), ENOTCAPABLE);
});

test.capsicum("ioctls_limit() accepts 256 requests, and ioctls_get() returns those above 0x7fffffff unchanged", () => {
  using file = openSync("/dev/null");
  const list = Array.from({ length: 256 }, (_, i) => 0x80000000 + i);
  assertThrows(() => p.ioctls_limit(file, [...list, 1]), RangeError, "256");
  p.ioctls_limit(file, list);
  assertEquals(p.ioctls_get(file), [256, list]);
});

test("TestOpen.test_limget: opendir() returns a number, and openat() opens a file in that directory", () => {
  using fixture = new Fixture({ testOpen: "foo" });
  const dir = p.opendir(fixture.path, "r");
  assert(dir > -1);
  using file = p.openat(dir, "testOpen", "r");
  assert(file.fileno() > -1);
  assertEquals(file.read(), "foo");
  libc.close(dir);
});

test("opendir() opens only directories, with any flags, and closed on exec", () => {
  using fixture = new Fixture({ file: "foo" });
  for (const flags of ["r", "w", "rw", libc.O_RDONLY, libc.O_RDWR] as const) {
    const dir = p.opendir(fixture.path, flags);
    assertEquals(libc.fcntl(dir, libc.F_GETFD), libc.FD_CLOEXEC);
    using file = p.openat(dir, "file", "rw");
    assertEquals(file.readlines(), ["foo"]);
    libc.close(dir);
    assertThrows(() => p.opendir(fixture.at("file"), flags), Deno.errors.NotADirectory);
    assertThrows(() => p.opendir(fixture.at("missing"), flags), Deno.errors.NotFound);
  }
});

test("openat() opens text for reading, for writing and for both, with flags as letters or numbers", () => {
  using fixture = new Fixture({ file: "foo" });
  using dir = openDirSync(fixture.path);
  const modes = [["r", "r"], ["w", "w"], ["rw", "r+"], [libc.O_RDONLY, "r"], [libc.O_WRONLY, "w"], [
    libc.O_RDWR,
    "r+",
  ]];
  for (const [flags, mode] of modes as [p.Flags, string][]) {
    using file = p.openat(dir, "file", flags);
    assertEquals(file.mode, mode);
    if (mode !== "w") assertEquals(file.read(), "foo");
    else assertThrows(() => file.read(), Deno.errors.BadResource);
    if (mode !== "r") assertEquals([file.seek(0), file.write("foo")], [0, 3]);
    else assertThrows(() => file.write("foo"), Deno.errors.BadResource);
  }
  assertEquals(fixture.read("file"), "foo");
});

test("openat() creates a file with the given permission bits, or 0o666 without the umask", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  p.openat(dir, "a", libc.O_WRONLY | libc.O_CREAT, 0o600).close();
  p.openat(dir, "b", libc.O_WRONLY | libc.O_CREAT).close();
  const modes = ["a", "b"].map((name) => fixture.stat(name).mode! & 0o777);
  assertEquals([modes[0], modes[1]! & 0o711], [0o600, 0o600]);
});

test("openat() and opendir() refuse invalid flags, and openat() an invalid directory", () => {
  using dev = openDirSync("/dev");
  const wrong = (value: unknown) => value as p.Flags;
  for (const flags of ["wr", "r+", "", "toString", NaN, 0.5]) {
    assertThrows(() => p.openat(dev, "null", wrong(flags)), RangeError);
    assertThrows(() => p.opendir("/dev", wrong(flags)), RangeError);
  }
  for (const flags of [undefined, null, 1n, {}]) {
    assertThrows(() => p.openat(dev, "null", wrong(flags)), TypeError);
    assertThrows(() => p.opendir("/dev", wrong(flags)), TypeError);
  }
  for (const fd of [-1, neverOpen]) assertErrno(() => p.openat(fd, "null", "r"), EBADF);
});

test.capsicum("after enter(), opendir() throws ECAPMODE, and openat() works only inside the directory", async () => {
  using fixture = new Fixture({ dir: { foo: "foo" }, outside: "secret" });
  const answers = await inChild(async ({ caught }, { module, path }) => {
    const p: Module = await import(module);
    const dir = p.opendir(`${path}/dir`, "rw");
    p.enter();
    using file = p.openat(dir, "foo", "rw");
    return [
      file.readlines(),
      caught(() => p.opendir(path, "r"))?.code,
      caught(() => p.openat(dir, "../outside", "r"))?.code,
    ];
  }, { module, path: fixture.path });
  assertEquals(answers, [["foo"], "ECAPMODE", "ENOTCAPABLE"]);
});

/** Every function that takes a descriptor. */
const takers: [name: string, take: (fd: p.Fileno) => unknown][] = [
  ["ioctls_limit", (fd) => p.ioctls_limit(fd, [])],
  ["ioctls_get", (fd) => p.ioctls_get(fd)],
  ["fcntls_limit", (fd) => p.fcntls_limit(fd, 0)],
  ["fcntls_get", (fd) => p.fcntls_get(fd)],
  ["CapRights.limit", (fd) => p.CapRights().limit(fd)],
  ["CapRights.get", (fd) => p.CapRights().get(fd)],
];

test.capsicum("every function accepts a number, an object with fileno() and an object with fd", () => {
  for (const [name, take] of takers) {
    using file = openSync("/dev/null");
    for (const fd of [file, { fileno: () => file.fd }, { fd: file.fd }, file.fd]) {
      assertEquals(typeof take(fd), name.endsWith("_get") ? "object" : "undefined", name);
    }
  }
});

test.capsicum("negative and closed descriptors are EBADF", () => {
  const closed = libc.open("/dev/null", libc.O_RDONLY);
  libc.close(closed);
  for (const [name, take] of takers) {
    for (const fd of [-1, closed, neverOpen, { fileno: () => -1 }]) assertErrno(() => take(fd), EBADF, name);
  }
});

test("a value that is not a descriptor, or not a list, is refused before any call", () => {
  const wrong = (value: unknown) => value as never;
  for (const [name, take] of takers) {
    for (const fd of ["1", null, undefined, {}, 1n]) {
      assertThrows(() => take(wrong(fd)), TypeError, undefined, name);
    }
    for (const fd of [0.5, NaN]) assertThrows(() => take(fd), RangeError, undefined, name);
  }
  using file = openSync("/dev/null");
  for (const list of [undefined, null, "12", 1]) {
    assertThrows(() => p.ioctls_limit(file, wrong(list)), TypeError);
    if (list !== 1) assertThrows(() => p.fcntls_limit(file, wrong(list)), TypeError);
  }
  assertThrows(() => p.fcntls_limit(file, 1), RangeError);
});

test("CapsicumError is the main module's", () => assertStrictEquals(p.CapsicumError, CapsicumError));
