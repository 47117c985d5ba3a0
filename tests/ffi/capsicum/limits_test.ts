import { assert, assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  CapsicumError,
  type FdLike,
  getFcntls,
  getIoctls,
  getRights,
  Ioctl,
  ioctl,
  Ioctls,
  libc,
  limit,
  limitFcntls,
  limitIoctls,
  openDirSync,
  openSync,
  Rights,
} from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const all = Rights.all(kernel.osreldate);

test("getRights(), getIoctls() and getFcntls() return all for a new descriptor", () => {
  using file = openSync("/dev/null");
  assertEquals(getRights(file).toWords(), all.toWords());
  assertStrictEquals(getIoctls(file), Ioctls.ALL);
  assertEquals([...getFcntls(file)], ["GETFL", "SETFL", "GETOWN", "SETOWN"]);
});

test("limit(), limitIoctls() and limitFcntls() accept a number, an FdFile, a Dir, and any object with fd", () => {
  using fixture = new Fixture({ "a.txt": "" });
  const ways: ((fd: number) => FdLike)[] = [(fd) => fd, (fd) => ({ fd })];
  const limitAndRead = (like: FdLike) => {
    limitFcntls(like, ["GETFL"]);
    limitIoctls(like, [Ioctl.FIONREAD]);
    limit(like, ["READ", "FCNTL", "IOCTL"]);
    assertEquals(getRights(like).names(), ["READ", "FCNTL", "IOCTL"]);
    assertEquals([...getIoctls(like)], [Ioctl.FIONREAD]);
    assertEquals([...getFcntls(like)], ["GETFL"]);
  };
  for (const way of ways) {
    using file = openSync(fixture.at("a.txt"));
    limitAndRead(way(file.fd));
  }
  using file = openSync(fixture.at("a.txt"));
  limitAndRead(file);
  using dir = openDirSync(fixture.path);
  limitAndRead(dir);
});

test("limit() accepts names, values, both, a Rights, any iterable, and names of composite rights", () => {
  const sets = [
    ["PREAD", "FSTAT"] as const,
    [0x020000000000000dn, "FSTAT"] as const,
    new Rights(["READ", "SEEK", "FSTAT"]),
    new Set(["READ", "SEEK", "FSTAT"] as const),
  ];
  for (const set of sets) {
    using file = openSync("/dev/null");
    limit(file, set);
    assertEquals(getRights(file).names(), ["PREAD", "FSTAT"]);
  }
});

/** The same sequence in a process in capability mode and in one that is not. */
for (const capmode of [false, true]) {
  const where = capmode ? "in capability mode" : "outside of capability mode";

  test(`limit() only removes rights, ${where}`, async () => {
    using fixture = new Fixture({ "a.txt": "" });
    const steps = await inChild(
      ({ caught, enter, getRights, limit, openSync, Rights }, { capmode, path }) => {
        using file = openSync(path, { read: true, write: true });
        if (capmode) enter();
        const steps: unknown[] = [];
        const now = () => getRights(file).names();
        const take = (...rights: (keyof typeof import("../../../mod.ts").Right)[]) => {
          const error = caught(() => limit(file, rights));
          steps.push([error?.code ?? "ok", error?.missing ?? [], now()]);
        };
        take("READ", "WRITE", "SEEK", "FSTAT");
        take("READ", "WRITE", "SEEK", "FSTAT");
        take("READ", "WRITE", "FSTAT");
        take("READ", "SEEK");
        take("READ", "FTRUNCATE", "FCHMOD");
        take("READ");
        take();
        take("READ");
        steps.push(Rights.NONE.equals(getRights(file)));
        return steps;
      },
      { capmode, path: fixture.at("a.txt") },
    );
    assertEquals(steps, [
      ["ok", [], ["PREAD", "PWRITE", "FSTAT"]],
      ["ok", [], ["PREAD", "PWRITE", "FSTAT"]],
      ["ok", [], ["READ", "WRITE", "FSTAT"]],
      ["ENOTCAPABLE", ["PREAD"], ["READ", "WRITE", "FSTAT"]],
      ["ENOTCAPABLE", ["FTRUNCATE", "FCHMOD"], ["READ", "WRITE", "FSTAT"]],
      ["ok", [], ["READ"]],
      ["ok", [], []],
      ["ENOTCAPABLE", ["READ"], []],
      true,
    ]);
  });

  test(`limitIoctls() only removes ioctls, ${where}`, async () => {
    const steps = await inChild(
      ({ caught, enter, getIoctls, Ioctl, Ioctls, limitIoctls, openSync }, capmode) => {
        using file = openSync("/dev/null");
        if (capmode) enter();
        const steps: unknown[] = [];
        const take = (ioctls: Iterable<bigint> | typeof Ioctls.ALL) => {
          const error = caught(() => limitIoctls(file, ioctls));
          steps.push([error?.code ?? error?.class ?? "ok", getIoctls(file).toJSON()]);
        };
        const { FIONREAD, FIONBIO, FIODTYPE } = Ioctl;
        take(Ioctls.ALL);
        take([FIONREAD, FIONBIO, FIODTYPE]);
        take(Ioctls.ALL);
        take([FIODTYPE, FIONREAD]);
        take([FIONREAD, FIONBIO]);
        take([FIONREAD, FIONREAD]);
        take([]);
        take([FIONREAD]);
        take(Ioctls.NONE);
        return steps;
      },
      capmode,
    );
    assertEquals(steps, [
      ["ok", "ALL"],
      ["ok", ["FIONREAD", "FIONBIO", "FIODTYPE"]],
      ["RangeError", ["FIONREAD", "FIONBIO", "FIODTYPE"]],
      ["ok", ["FIODTYPE", "FIONREAD"]],
      ["ENOTCAPABLE", ["FIODTYPE", "FIONREAD"]],
      ["ok", ["FIONREAD"]],
      ["ok", []],
      ["ENOTCAPABLE", []],
      ["ok", []],
    ]);
  });

  test(`limitFcntls() only removes fcntls, ${where}`, async () => {
    const steps = await inChild(({ caught, enter, Fcntls, getFcntls, limitFcntls, openSync }, capmode) => {
      using file = openSync("/dev/null");
      if (capmode) enter();
      const steps: unknown[] = [];
      const take = (fcntls: Parameters<typeof limitFcntls>[1]) => {
        const error = caught(() => limitFcntls(file, fcntls));
        steps.push([error?.code ?? "ok", getFcntls(file).toJSON()]);
      };
      take(Fcntls.ALL);
      take(["GETFL", "SETFL", "GETOWN"]);
      take(["GETFL", "SETOWN"]);
      take(["GETFL", "GETFL"]);
      take(Fcntls.ALL);
      take([]);
      take(["GETFL"]);
      take(Fcntls.NONE);
      return steps;
    }, capmode);
    assertEquals(steps, [
      ["ok", ["GETFL", "SETFL", "GETOWN", "SETOWN"]],
      ["ok", ["GETFL", "SETFL", "GETOWN"]],
      ["ENOTCAPABLE", ["GETFL", "SETFL", "GETOWN"]],
      ["ok", ["GETFL"]],
      ["ENOTCAPABLE", ["GETFL"]],
      ["ok", []],
      ["ENOTCAPABLE", []],
      ["ok", []],
    ]);
  });

  test(`limit() without IOCTL and FCNTL empties both lists, and with them keeps them, ${where}`, async () => {
    const answers = await inChild(
      ({ enter, getFcntls, getIoctls, Ioctl, limit, limitFcntls, limitIoctls, openSync }, capmode) => {
        using kept = openSync("/dev/null");
        using dropped = openSync("/dev/null");
        if (capmode) enter();
        for (const file of [kept, dropped]) {
          limitIoctls(file, [Ioctl.FIONREAD]);
          limitFcntls(file, ["GETFL"]);
        }
        limit(kept, ["READ", "IOCTL", "FCNTL"]);
        limit(dropped, ["READ"]);
        return [kept, dropped].map((file) => [getIoctls(file).toJSON(), getFcntls(file).toJSON()]);
      },
      capmode,
    );
    assertEquals(answers, [[["FIONREAD"], ["GETFL"]], [[], []]]);
  });
}

test("limit() to [] leaves a descriptor that can only be closed and duplicated", () => {
  using fixture = new Fixture({ "a.txt": "hello" });
  using file = openSync(fixture.at("a.txt"));
  limit(file, []);
  assertThrows(() => file.readSync(new Uint8Array(1)), CapsicumError, "missing READ (held: none)");
  const copy = libc.dup(file);
  assert(getRights(copy).isEmpty);
  libc.close(copy);
});

test("limit() applies to one descriptor, not to its duplicates", () => {
  using fixture = new Fixture({ "a.txt": "hello" });
  using file = openSync(fixture.at("a.txt"));
  const copy = libc.dup(file);
  limit(file, ["FSTAT"]);
  assertThrows(() => libc.read(file, new Uint8Array(5)), CapsicumError, "missing READ");
  assertEquals(libc.read(copy, new Uint8Array(5)), 5);
  libc.close(copy);
});

test("openat gives a file the rights, ioctls and fcntls of its directory, limited or not", () => {
  using fixture = new Fixture({ "a.txt": "" });
  using dir = openDirSync(fixture.path);
  using before = dir.openSync("a.txt");
  assertEquals(getRights(before).toWords(), all.toWords());
  limitIoctls(dir, [Ioctl.FIONREAD]);
  limitFcntls(dir, ["GETFL"]);
  limit(dir, ["LOOKUP", "READ", "IOCTL", "FCNTL"]);
  using after = dir.openSync("a.txt");
  assertEquals(getRights(after).names(), ["READ", "LOOKUP", "FCNTL", "IOCTL"]);
  assertEquals([...getIoctls(after)], [Ioctl.FIONREAD]);
  assertEquals([...getFcntls(after)], ["GETFL"]);
});

test("limitIoctls() decides which ioctls work", () => {
  using fixture = new Fixture({ "a.txt": "hello" });
  using file = openSync(fixture.at("a.txt"));
  limitIoctls(file, [Ioctl.FIONREAD]);
  const count = new Uint8Array(4);
  assertEquals([libc.ioctl(file, Ioctl.FIONREAD, count), [...count]], [0, [5, 0, 0, 0]]);
  assertThrows(() => libc.ioctl(file, Ioctl.FIONCLEX), CapsicumError, "0x20006602");
});

test("limitFcntls() decides which fcntls work", () => {
  using file = openSync("/dev/null");
  limitFcntls(file, ["GETFL"]);
  assertEquals(libc.fcntl(file, libc.F_GETFL), libc.O_RDONLY);
  assertThrows(() => libc.fcntl(file, libc.F_SETFL, libc.O_APPEND), CapsicumError, "F_SETFL");
  assertEquals(libc.fcntl(file, libc.F_GETFD), libc.FD_CLOEXEC);
});

test("limitIoctls() accepts up to 256 ioctls, which getIoctls() returns in their order", () => {
  using file = openSync("/dev/null");
  const requests = Array.from({ length: 256 }, (_, i) => ioctl("r", "x", 255 - i, i + 1));
  assertThrows(() => limitIoctls(file, [...requests, 1n]), RangeError, "257");
  assertStrictEquals(getIoctls(file), Ioctls.ALL);
  limitIoctls(file, requests);
  assertEquals([...getIoctls(file)], requests);
});

test("limitIoctls() accepts requests with the highest bit set, as numbers and as bigints", () => {
  using file = openSync("/dev/null");
  const numbers = [0x8004667e, 0xffffffff, 0];
  limitIoctls(file, numbers);
  assertEquals([...getIoctls(file)], numbers.map(BigInt));
  limitIoctls(file, [0x8004667en, 0xffffffffn]);
  assertEquals([...getIoctls(file)], [0x8004667en, 0xffffffffn]);
});

test("limitIoctls() to Ioctls.ALL reports the ioctls to which the descriptor is already limited", () => {
  using file = openSync("/dev/null");
  limitIoctls(file, [Ioctl.FIONREAD]);
  const { message } = assertThrows(() => limitIoctls(file, Ioctls.ALL), RangeError);
  assertStringIncludes(message, `fd ${file.fd} is already limited to FIONREAD`);
});

test("limit() throws EINVAL and names the right that this kernel does not support", () => {
  using file = openSync("/dev/null");
  const error = assertThrows(() => limit(file, ["READ", "FCHROOT"]), CapsicumError);
  assertEquals([error.code, error.fd], ["EINVAL", file.fd]);
  assertStringIncludes(error.message, "FCHROOT came with FreeBSD 15 or later");
  assertStringIncludes(error.message, "Rights.all(14)");
  limit(file, new Rights(["READ", "FCHROOT"]).intersection(Rights.all(14)));
  assertEquals(getRights(file).names(), ["READ"]);
}, {
  skip: kernel.major < 15 ? false : "needs FreeBSD 14 or older, or the stand-in for 13.2, which lacks rights",
});

test("limit() to the rights of an older release removes those of later releases", () => {
  using file = openSync("/dev/null");
  limit(file, Rights.all(13));
  assertEquals(getRights(file).toWords(), Rights.all(13).toWords());
  assertEquals(all.difference(getRights(file)).names(), ["FCHROOT", "INOTIFY_ADD", "INOTIFY_RM"]);
}, { skip: kernel.major >= 15 ? false : "needs FreeBSD 15, or the stand-in for 15.1, which has all rights" });

test("limit() can leave any single right of this kernel", () => {
  for (const name of all) {
    using file = openSync("/dev/null");
    limit(file, [name]);
    assertEquals(getRights(file).toWords(), new Rights([name]).toWords(), name);
  }
});
