import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as cap from "../../../compat/python/pycapsicumcffi.ts";
import * as mod from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { assertErrno, EBADF } from "./_errno.ts";

const { CapsicumError, Fcntls, getRights, Ioctl, Ioctls, libc, openDirSync, openSync, Right, Rights } = mod;

type Module = typeof import("../../../compat/python/pycapsicumcffi.ts");

const module = new URL("../../../compat/python/pycapsicumcffi.ts", import.meta.url).href;
const standin = new URL("../../_standin.ts", import.meta.url).href;
const ENOENT = 2;
const neverOpen = 0x7fffffff;

// Each name before a colon is that of the ancestor's test.

test("test_compat33_names: open and listdir", () => {
  assertEquals(Object.keys(cap.compat33), ["open", "listdir"]);
});

test("test_demo_names, test_more_names: every name that the README and the tests of pycapsicumcffi use", () => {
  const names =
    `AT_FDCWD ECAPMODE ENOTCAPABLE Fcntls Ioctls O_CLOEXEC Rights compat33 enter fcntl fcntls_limit
    ioctls_limit limit openat right sandboxed READ WRITE LOOKUP FSTAT FCNTL ACCEPT`.split(/\s+/);
  assertEquals(names.filter((name) => !(name in cap)), []);
  assertEquals([cap.ENOTCAPABLE, cap.ECAPMODE, cap.AT_FDCWD], [93, 94, -100]);
});

test("the module has every right by its name, with the header's value", () => {
  const members: Record<string, unknown> = { ...cap };
  const rights = Object.keys(members).filter((name) => typeof members[name] === "bigint");
  assertEquals(rights.sort(), Object.keys(Right).sort());
  for (const [name, value] of Object.entries(Right)) assertEquals(members[name], value, name);
});

test.capsicum("test_sandbox_trivial: enter() makes sandboxed() true", async () => {
  const answers = await inChild(async (_, module) => {
    const cap: Module = await import(module);
    return [cap.sandboxed(), cap.enter() === undefined, cap.sandboxed()];
  }, module);
  assertEquals(answers, [false, true, true]);
});

test(
  "enter() does nothing on a system without Capsicum, as documented, and sandboxed() returns false",
  () => {
    assertEquals([cap.enter(), cap.sandboxed()], [undefined, false]);
    assertThrows(() => mod.enter(), Deno.errors.NotSupported);
  },
  { skip: kernel.hasCapsicum && "needs Linux itself, natively, or another system without Capsicum" },
);

test("enter() ignores only the error of a kernel without Capsicum (ENOSYS)", async () => {
  const [first, denied, entered] = await inChild(
    async ({ caught }, { module, standin }) => {
      const cap: Module = await import(module);
      const { failNext } = await import(standin);
      failNext("cap_enter", 78);
      cap.enter();
      const first = cap.sandboxed();
      failNext("cap_enter", 1);
      const denied = caught(() => cap.enter())?.code;
      cap.enter();
      return [first, denied, cap.sandboxed()];
    },
    { module, standin },
  );
  assertEquals([first, denied, entered], [false, "EPERM", true]);
}, { skip: needsStandin });

test("test_rights_obj: no right, one right, two rights; all forms of the empty set are equal", () => {
  for (
    const none of [cap.Rights(), cap.Rights(null), cap.Rights([]), cap.Rights(new Set())]
  ) {
    assert(none.isEmpty);
    assert(none.equals(cap.right.NONE));
  }
  assertEquals(cap.Rights([cap.READ]).names(), ["READ"]);
  assertEquals(cap.Rights(new Set([cap.READ, cap.WRITE])).names(), ["READ", "WRITE"]);
  assertEquals(cap.Rights([cap.READ | cap.LOOKUP]).names(), ["READ", "LOOKUP"]);
});

test("the sets are those of the main module, whose functions accept them", () => {
  assert(cap.Rights([cap.READ]) instanceof Rights);
  assert(new Rights(["READ"]).equals(cap.Rights([cap.READ])));
  const sets: [object, new () => object, object][] = [
    [cap.Rights([cap.READ, cap.SEEK]), Rights, cap.Rights],
    [cap.Fcntls([cap.fcntl.GETFL]), Fcntls, cap.Fcntls],
    [cap.Ioctls([Ioctl.FIONREAD]), Ioctls, cap.Ioctls],
  ];
  for (const [set, own, theirs] of sets) {
    assertEquals(Object.getPrototypeOf(set), own.prototype);
    assert(set instanceof (theirs as typeof own));
  }
});

test("Rights, Fcntls and Ioctls return equal sets with and without new", () => {
  assert(new cap.Rights([cap.READ, cap.WRITE]).equals(cap.Rights([cap.READ, cap.WRITE])));
  assert(new cap.Fcntls([cap.fcntl.GETFL]).equals(cap.Fcntls([cap.fcntl.GETFL])));
  assert(new cap.Ioctls([Ioctl.FIONREAD]).equals(cap.Ioctls([Ioctl.FIONREAD])));
  assertEquals([cap.Rights.name, cap.Fcntls.name, cap.Ioctls.name], ["Rights", "Fcntls", "Ioctls"]);
});

test("test_right_cache: right has a set for each right, the same each time", () => {
  for (const [name, value] of Object.entries(Right)) {
    const set = cap.right[name as keyof typeof Right];
    assert(set.equals([value]), name);
    assert(set === cap.right[name as keyof typeof Right], name);
    assert(name in cap.right, name);
  }
  assertEquals("DoesNotExist" in cap.right, false);
  assertStrictEquals(cap.Rights([cap.READ]), cap.right.READ);
  assertStrictEquals(cap.Rights(new Set([cap.FSTAT])), cap.right.FSTAT);
  assert(cap.Rights([cap.READ, cap.FSTAT]) !== cap.Rights([cap.READ, cap.FSTAT]));
});

test("test_right_cache_negative: right refuses an unknown name", () => {
  const right = cap.right as unknown as Record<string, unknown>;
  for (const name of ["DoesNotExist", "read", "toString", "__proto__", ""]) {
    assertThrows(() => right[name], RangeError, "is not the name of a right");
  }
});

test("right.ALL has the rights that the running kernel knows", () => {
  const all = kernel.hasCapsicum ? Rights.all(kernel.major) : Rights.all();
  assert(cap.right.ALL.equals(all));
});

test.capsicum("test_limit_trivial: without rights, read() throws ENOTCAPABLE in capability mode", async () => {
  const { count, error, codes } = await inChild(async ({ caught, libc }, module) => {
    const cap: Module = await import(module);
    const fd = cap.compat33.open("/dev/zero", libc.O_RDONLY);
    cap.enter();
    const count = libc.read(fd, new Uint8Array(1));
    cap.limit(fd, cap.right.NONE);
    const error = caught(() => libc.read(fd, new Uint8Array(1)));
    return { count, error, codes: [cap.ENOTCAPABLE, cap.Rights(fd).size] };
  }, module);
  assertEquals(count, 1);
  assertEquals([error?.errno, 0], codes as [number, number]);
});

/** Every function that takes a descriptor. */
const takers: [name: string, take: (fd: number) => unknown][] = [
  ["limit", (fd) => cap.limit(fd, cap.right.NONE)],
  ["fcntls_limit", (fd) => cap.fcntls_limit(fd, cap.Fcntls([]))],
  ["ioctls_limit", (fd) => cap.ioctls_limit(fd, cap.Ioctls([]))],
  ["Rights", (fd) => cap.Rights(fd)],
  ["Fcntls", (fd) => cap.Fcntls(fd)],
  ["Ioctls", (fd) => cap.Ioctls(fd)],
];

test.capsicum("test_limits_ebadf, test_fromfile_ebadf: negative, closed and never opened descriptors are EBADF", () => {
  const closed = libc.open("/dev/null", libc.O_RDONLY);
  libc.close(closed);
  for (const [name, take] of takers) {
    for (const fd of [-1, -100, -0x80000000, closed, neverOpen]) {
      assertErrno(() => take(fd), EBADF, `${name}(${fd})`);
      assertThrows(() => take(fd), Deno.errors.BadResource);
    }
  }
});

test("a number that is out of range, and a value that is not a descriptor, are refused before any call", () => {
  for (const [name, take] of takers) {
    for (const fd of [1.5, NaN, Infinity, 2 ** 31]) assertThrows(() => take(fd), RangeError, undefined, name);
    for (const fd of ["1", true, 1n, Symbol(), {}, () => 1]) {
      assertThrows(() => take(fd as unknown as number), TypeError, undefined, name);
    }
  }
  for (const [name, take] of takers.slice(0, 3)) {
    for (const fd of [null, undefined]) {
      assertThrows(() => take(fd as unknown as number), TypeError, undefined, name);
    }
  }
});

test("a value that is neither a set nor a list is refused, and so is a list with a wrong element", () => {
  using file = openSync("/dev/null");
  const wrong = (value: unknown) => value as never;
  for (const value of [undefined, null, "READ", 1n, {}]) {
    assertThrows(() => cap.limit(file, wrong(value)), TypeError);
    assertThrows(() => cap.fcntls_limit(file, wrong(value)), TypeError);
    assertThrows(() => cap.ioctls_limit(file, wrong(value)), TypeError);
  }
  for (const value of ["READ", true, {}]) {
    assertThrows(() => cap.Rights(wrong(value)), TypeError);
    assertThrows(() => cap.Fcntls(wrong(value)), TypeError);
    assertThrows(() => cap.Ioctls(wrong(value)), TypeError);
  }
  assertThrows(() => cap.Rights([wrong(1)]), TypeError);
  for (const value of [0n, 1n, -1n, Right.READ | Right.IOCTL, 1n << 64n]) {
    assertThrows(() => cap.Rights([value]), RangeError);
  }
  assertThrows(() => cap.Rights([wrong("DoesNotExist")]), RangeError);
  for (const value of [-1, 2 ** 32, 0.5]) assertThrows(() => cap.Ioctls([value]), RangeError);
});

test("test_fcntl_names: GETFL, SETFL, GETOWN, SETOWN, ALL", () => {
  assertEquals(cap.fcntl, { GETFL: 8, SETFL: 16, GETOWN: 32, SETOWN: 64, ALL: 120 });
});

test("test_fcntls_obj: none, one, the same again, two, all", () => {
  assert(cap.Fcntls().isEmpty && cap.Fcntls(null).isEmpty && cap.Fcntls([]).isEmpty);
  const one = () => cap.Fcntls(new Set([cap.fcntl.GETFL]));
  assertEquals([...one()], ["GETFL"]);
  assert(one().equals(one()));
  assertEquals([...cap.Fcntls([cap.fcntl.SETFL, cap.fcntl.SETOWN])], ["SETFL", "SETOWN"]);
  assertEquals(cap.Fcntls([cap.fcntl.ALL]).toMask(), cap.fcntl.ALL);
});

test("test_fcntls_negative: 0, other bits, and undefined for an unknown name, are refused", () => {
  for (const value of [0, 1, 128, -1]) assertThrows(() => cap.Fcntls([value]), RangeError);
  const { DoesNotExist } = cap.fcntl as unknown as Record<string, number>;
  assertThrows(() => cap.Fcntls([DoesNotExist!]), TypeError);
});

test.capsicum("test_fcntls_limit_trivial: the full set changes nothing, the empty set removes F_GETFL and F_SETFL", async () => {
  const { flags, refused, left, errno } = await inChild(async ({ caught, libc }, module) => {
    const cap: Module = await import(module);
    const fd = cap.compat33.open("/dev/null", libc.O_RDONLY);
    cap.fcntls_limit(fd, cap.Fcntls([cap.fcntl.ALL]));
    cap.enter();
    const flags = libc.fcntl(fd, libc.F_GETFL);
    libc.fcntl(fd, libc.F_SETFL, flags);
    cap.fcntls_limit(fd, cap.Fcntls());
    const refused = [libc.F_GETFL, libc.F_SETFL].map((command) =>
      caught(() => libc.fcntl(fd, command, 0))?.errno
    );
    return { flags, refused, left: cap.Fcntls(fd).size, errno: cap.ENOTCAPABLE };
  }, module);
  assertEquals([flags, left, refused], [libc.O_RDONLY, 0, [errno, errno]]);
});

test("test_ioctls_obj: no request, one request", () => {
  assert(cap.Ioctls().isEmpty && cap.Ioctls(null).isEmpty && cap.Ioctls([]).isEmpty);
  assertEquals([...cap.Ioctls(new Set([Ioctl.TIOCGETD]))], [Ioctl.TIOCGETD]);
  assertEquals([...cap.Ioctls([Number(Ioctl.FIONREAD)])], [Ioctl.FIONREAD]);
});

test.capsicum("test_ioctls_limit: requests in the set are permitted, others throw ENOTCAPABLE, and the set can't grow", async () => {
  const { permitted, refused, grown, left } = await inChild(async ({ caught, Ioctl, libc }, module) => {
    const cap: Module = await import(module);
    const fd = cap.compat33.open("/dev/null", libc.O_RDONLY);
    cap.enter();
    cap.ioctls_limit(fd, cap.Ioctls([Ioctl.FIONREAD]));
    return {
      permitted: caught(() => libc.ioctl(fd, Ioctl.FIONREAD, new Uint8Array(4)))?.code ?? "ENOTTY",
      refused: caught(() => libc.ioctl(fd, Ioctl.TIOCGETD, new Uint8Array(4)))?.errno,
      grown: caught(() => cap.ioctls_limit(fd, cap.Ioctls([Ioctl.FIONREAD, Ioctl.TIOCGETD])))?.errno,
      left: [...cap.Ioctls(fd)].map(Number),
    };
  }, module);
  // Whether /dev/null knows the request is not what is asked here.
  assertEquals(permitted, "ENOTTY");
  assertEquals([refused, grown, left], [93, 93, [Number(Ioctl.FIONREAD)]]);
});

test.capsicum("test_ioctls_unlimited: the set of a fresh descriptor is unlimited, so is its copy, and it limits nothing", () => {
  using file = openSync("/dev/null");
  const ioctls = cap.Ioctls(file);
  assert(ioctls.isUnlimited);
  assert(cap.Ioctls(ioctls).isUnlimited);
  cap.ioctls_limit(file, ioctls);
  assert(cap.Ioctls(file).isUnlimited);
});

test.capsicum("ioctls_limit() refuses the unlimited set for a descriptor that is limited", () => {
  using file = openSync("/dev/null");
  const unlimited = cap.Ioctls(file);
  cap.ioctls_limit(file, cap.Ioctls([Ioctl.FIONREAD]));
  assertThrows(() => cap.ioctls_limit(file, unlimited), RangeError, "limited");
});

test.capsicum("test_openat: in capability mode an ambient path throws ECAPMODE, and openat() opens a file that can be read", async () => {
  const { error, errno, lines, rights, fcntls } = await inChild(
    async ({ caught, libc, openSync }, module) => {
      const cap: Module = await import(module);
      const fd = cap.compat33.open("/dev", libc.O_RDONLY);
      cap.enter();
      cap.limit(fd, cap.Rights([cap.READ, cap.LOOKUP, cap.FSTAT, cap.FCNTL]));
      cap.fcntls_limit(fd, cap.Fcntls([cap.fcntl.GETFL]));
      const error = caught(() => openSync("/dev/null"));
      using file = cap.openat(fd, "null", libc.O_RDONLY);
      return {
        error,
        errno: cap.ECAPMODE,
        lines: file.readlines(),
        rights: cap.Rights(file).names(),
        fcntls: [...cap.Fcntls(file)],
      };
    },
    module,
  );
  assertEquals([error?.errno, lines], [errno, []]);
  // READ and LOOKUP let it open; a file needs neither FSTAT nor FCNTL, which Python's fdopen() asks for.
  assertEquals([rights, fcntls], [["READ", "FCNTL", "FSTATAT"], ["GETFL"]]);
});

test.capsicum("openat() needs LOOKUP and the rights for its flags, and no others", () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path, { limit: ["LOOKUP", "READ"] });
  using file = cap.openat(dir, "file", libc.O_RDONLY);
  assertEquals(file.read(), new TextEncoder().encode("text"));
  assertErrno(() => cap.openat(dir, "file", libc.O_WRONLY), cap.ENOTCAPABLE);
  assertErrno(() => cap.openat(dir, "new", libc.O_RDONLY | libc.O_CREAT), cap.ENOTCAPABLE);
});

test("test_openat_write_modes: O_WRONLY is wb, O_RDWR is r+b, O_RDONLY is rb", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const text = new TextEncoder().encode("test"), make = libc.O_EXCL | libc.O_CREAT;
  {
    using file = cap.openat(dir, "test1", libc.O_WRONLY | make, 0o600);
    assertEquals([file.mode, file.write(text)], ["wb", 4]);
    assertThrows(() => file.read(), Deno.errors.BadResource, '"wb"');
  }
  {
    using file = cap.openat(dir, "test2", libc.O_RDWR | make, 0o600);
    assertEquals([file.mode, file.write(text), file.seek(0)], ["r+b", 4, 0]);
    assertEquals(file.read(), text);
  }
  {
    using file = cap.openat(dir, "test1", libc.O_RDONLY);
    assertEquals(file.mode, "rb");
    assertThrows(() => file.write(text), Deno.errors.BadResource, '"rb"');
  }
  assertEquals([fixture.read("test1"), fixture.read("test2")], ["test", "test"]);
});

test("openat() creates a file with the given permission bits, by default none", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  cap.openat(dir, "none", libc.O_WRONLY | libc.O_CREAT).close();
  cap.openat(dir, "some", libc.O_WRONLY | libc.O_CREAT, 0o640).close();
  assertEquals(["none", "some"].map((name) => fixture.stat(name).mode! & 0o777), [0, 0o640]);
});

test("openat() accepts a number, an object with fileno() or with fd, and refuses paths that leave the directory", () => {
  using fixture = new Fixture({ dir: { file: "text", out: { link: "../outside" } }, outside: "secret" });
  using dir = openDirSync(fixture.at("dir"));
  const text = new TextEncoder().encode("text");
  for (const fd of [dir, dir.fd, { fileno: () => dir.fd }, { fd: dir.fd }]) {
    using file = cap.openat(fd, "file", libc.O_RDONLY);
    assertEquals(file.read(), text);
    for (const path of ["../outside", "out", fixture.at("outside")]) {
      const error = assertThrows(() => cap.openat(fd, path, libc.O_RDONLY), CapsicumError, path);
      assertEquals(error.code, "ENOTCAPABLE", path);
    }
  }
});

test("openat() with AT_FDCWD opens an ambient path", () => {
  using fixture = new Fixture({ file: "text" });
  using file = cap.openat(cap.AT_FDCWD, fixture.at("file"), libc.O_RDONLY);
  assertEquals(file.read(), new TextEncoder().encode("text"));
});

test("openat() and open() refuse a negative directory, invalid flags and invalid paths", () => {
  const { open } = cap.compat33, wrong = (value: unknown) => value as never;
  for (const fd of [-1, neverOpen]) {
    assertErrno(() => cap.openat(fd, "null", 0), EBADF);
    assertErrno(() => open("null", 0, { dir_fd: fd }), EBADF);
  }
  using dev = openDirSync("/dev");
  for (const flags of ["r", undefined, null, 1n]) {
    assertThrows(() => cap.openat(dev, "null", wrong(flags)), TypeError, "flags");
    assertThrows(() => open("/dev/null", wrong(flags)), TypeError, "flags");
  }
  for (const flags of [NaN, 0.5, 2 ** 40]) assertThrows(() => cap.openat(dev, "null", flags), RangeError);
  for (const path of ["", "a\0b", wrong(1)]) assertThrows(() => cap.openat(dev, path, 0), TypeError);
  assertThrows(() => cap.openat(dev, "null", 0, -1), RangeError);
});

test.capsicum("test_fromfile: a fresh descriptor, as a number or an object, has all rights, all fcntls and every ioctl", () => {
  using dev = openDirSync("/dev");
  using file = cap.openat(dev, "null", libc.O_RDONLY);
  for (const fd of [file, file.fd, { fileno: () => file.fd }, { fd: file.fd }]) {
    assertEquals(cap.Rights(fd).toBytes(), cap.right.ALL.toBytes());
    assertEquals(cap.Fcntls(fd).toMask(), cap.fcntl.ALL);
    assert(cap.Ioctls(fd).isUnlimited);
  }
});

test.capsicum("the functions that limit accept an object with fileno(), and the limits can be read", () => {
  using dev = openDirSync("/dev");
  using file = cap.openat(dev, "null", libc.O_RDONLY);
  const object = { fileno: () => file.fd };
  cap.ioctls_limit(object, cap.Ioctls([Ioctl.FIONREAD]));
  cap.fcntls_limit(object, cap.Fcntls([cap.fcntl.GETFL, cap.fcntl.SETFL]));
  cap.limit(object, cap.Rights([cap.READ, cap.FCNTL, cap.IOCTL]));
  assertEquals([...cap.Ioctls(object)], [Ioctl.FIONREAD]);
  assertEquals([...cap.Fcntls(object)], ["GETFL", "SETFL"]);
  assertEquals(cap.Rights(object).names(), ["READ", "FCNTL", "IOCTL"]);
  // The main module sees the same, and takes the file.
  assert(getRights(file).equals(cap.Rights(file)));
});

test.capsicum("limits of a closed file throw Deno.errors.BadResource", () => {
  using dev = openDirSync("/dev");
  const file = cap.openat(dev, "null", libc.O_RDONLY);
  file.close();
  for (const [name, take] of takers) {
    assertThrows(() => take(file as unknown as number), Deno.errors.BadResource, undefined, name);
  }
});

test("test_copy_ctors: a copy of a set is equal", () => {
  assert(cap.Rights(cap.Rights([cap.READ])).equals([cap.READ]));
  assert(cap.Fcntls(cap.Fcntls([cap.fcntl.GETFL])).equals(["GETFL"]));
  assert(cap.Ioctls(cap.Ioctls([1, 2])).equals([1, 2]));
});

test("test_compat33_open: beneath a directory and by an ambient path, closed on exec", () => {
  using fixture = new Fixture({ file: "text" });
  const { open } = cap.compat33;
  const dir = open(fixture.path, libc.O_RDONLY);
  const fds = [
    dir,
    open("file", libc.O_RDONLY, { dir_fd: dir }),
    open("file", libc.O_RDONLY, 0o777, dir),
    open(fixture.at("file"), libc.O_RDONLY),
    open(fixture.at("file"), libc.O_RDONLY, { dir_fd: null }),
  ];
  assertEquals(fds.map((fd) => libc.fcntl(fd, libc.F_GETFD)), fds.map(() => libc.FD_CLOEXEC));
  for (const fd of fds) libc.close(fd);
});

test("compat33.open() creates a file with the given permission bits, also by keyword, or 0o777 without the umask", () => {
  using fixture = new Fixture();
  const { open } = cap.compat33, flags = libc.O_WRONLY | libc.O_CREAT;
  using dir = openDirSync(fixture.path);
  libc.close(open("a", flags, { mode: 0o600, dir_fd: dir }));
  libc.close(open("b", flags, 0o640, dir));
  libc.close(open("c", flags, { dir_fd: dir }));
  const modes = ["a", "b", "c"].map((name) => fixture.stat(name).mode! & 0o777);
  assertEquals(modes.slice(0, 2), [0o600, 0o640]);
  assertEquals(modes[2]! & 0o700, 0o700);
});

test("test_compat33_open_enoent: a path that does not exist throws ENOENT", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const action = () => cap.compat33.open("__does_not_exist__", libc.O_RDONLY, { dir_fd: dir });
  assertErrno(action, ENOENT);
  assertThrows(action, Deno.errors.NotFound);
});

test("test_compat33_listdir: by descriptor and by path, with the same result twice; by default of the working directory", () => {
  using fixture = new Fixture({ one: "", two: {}, ".three": "" });
  const { open, listdir } = cap.compat33;
  const dir = open(fixture.path, libc.O_RDONLY);
  for (const place of [dir, dir, fixture.path, { fileno: () => dir }]) {
    assertEquals(listdir(place).sort(), [".three", "one", "two"]);
  }
  libc.close(dir);
  assertErrno(() => listdir(-1), EBADF);
  assertEquals(listdir().sort(), [...Deno.readDirSync(".")].map(({ name }) => name).sort());
});

test.capsicum("limits can be read in capability mode as before", async () => {
  const [before, after] = await inChild(async ({ Ioctl, libc }, module) => {
    const cap: Module = await import(module);
    const fd = cap.compat33.open("/dev/null", libc.O_RDONLY);
    cap.limit(fd, cap.Rights([cap.READ, cap.FCNTL, cap.IOCTL]));
    cap.fcntls_limit(fd, cap.Fcntls([cap.fcntl.GETOWN]));
    cap.ioctls_limit(fd, cap.Ioctls([Ioctl.FIONBIO]));
    const read = () => [String(cap.Rights(fd)), String(cap.Fcntls(fd)), String(cap.Ioctls(fd))];
    const before = read();
    cap.enter();
    return [before, read()];
  }, module);
  assertEquals(before, ["READ, FCNTL, IOCTL", "GETOWN", "FIONBIO"]);
  assertEquals(after, before);
});

test.capsicum("right.ALL is the same if it is first used in capability mode", async () => {
  const all = await inChild(async ({ enter }, module) => {
    const cap: Module = await import(module);
    enter();
    return cap.right.ALL.toJSON();
  }, module);
  assertEquals(all, cap.right.ALL.toJSON());
});
