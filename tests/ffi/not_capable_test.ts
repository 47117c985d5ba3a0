import { assert, assertEquals, assertFalse, assertInstanceOf, assertStringIncludes } from "@std/assert";
import {
  CapsicumError,
  isCapModeViolation,
  isNotCapable,
  libc,
  limit,
  limitFcntls,
  limitIoctls,
  openDirSync,
  openSync,
  type RightName,
  Rights,
} from "../../mod.ts";
import { inChild } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { failNext, needsStandin } from "../_standin.ts";
import { test } from "../_test.ts";
import { thrown } from "./_thrown.ts";

/** Runs `call` with a descriptor that is limited to `rights`, and gives the error. */
function withRights(on: "file" | "dir", rights: RightName[], call: (fd: number) => unknown) {
  using fixture = new Fixture({ "a.txt": "hello", dir: {} });
  using descriptor = on === "dir"
    ? openDirSync(fixture.path)
    : openSync(fixture.at("a.txt"), { read: true, write: true });
  limit(descriptor, rights);
  return { error: thrown(() => call(descriptor.fd)), fd: descriptor.fd };
}

const { O_APPEND, O_CREAT, O_DSYNC, O_EXLOCK, O_RDONLY, O_RDWR, O_SEARCH, O_SYNC, O_TRUNC, O_WRONLY } = libc;
const opening = (path: string, flags: number) => (fd: number) => libc.openat(fd, path, flags);
const byte = new Uint8Array(1), stat = new Uint8Array(224);

const lacking: [
  name: string,
  on: "file" | "dir",
  held: RightName[],
  missing: RightName[],
  call: (fd: number) => unknown,
][] = [
  ["read", "file", ["FSTAT"], ["READ"], (fd) => libc.read(fd, byte)],
  ["write", "file", ["READ", "FSTAT"], ["WRITE"], (fd) => libc.write(fd, byte)],
  ["pwrite", "file", ["READ"], ["WRITE", "SEEK"], (fd) => libc.pwrite(fd, byte, 1, 0)],
  ["lseek", "file", ["SEEK_TELL"], ["SEEK"], (fd) => libc.lseek(fd, 0, libc.SEEK_CUR)],
  ["fcntl", "file", ["READ"], ["FCNTL"], (fd) => libc.fcntl(fd, libc.F_GETFL)],
  ["isatty", "file", ["READ"], ["IOCTL"], (fd) => libc.isatty(fd)],
  ["openat", "dir", ["FSTAT"], ["READ", "LOOKUP"], opening("a.txt", O_RDONLY)],
  ["openat", "dir", ["LOOKUP", "READ", "FSTAT"], ["WRITE", "SEEK"], opening("a.txt", O_RDWR)],
  ["openat", "dir", ["LOOKUP", "WRITE"], ["CREATE"], opening("new", O_WRONLY | O_CREAT | O_APPEND)],
  ["openat", "dir", ["LOOKUP", "READ"], ["WRITE", "FTRUNCATE"], opening("a.txt", O_RDWR | O_TRUNC)],
  ["openat", "dir", ["LOOKUP", "READ"], ["FSYNC", "FLOCK"], opening("a.txt", O_SYNC | O_EXLOCK)],
  // FreeBSD 13 asks nothing for O_DSYNC.
  [
    "openat",
    "dir",
    ["LOOKUP", "READ"],
    kernel.major > 13 ? ["FSYNC", "FLOCK"] : ["FLOCK"],
    opening("a.txt", O_DSYNC | O_EXLOCK),
  ],
  ["openat", "dir", ["LOOKUP", "READ"], ["FEXECVE"], opening("dir", O_SEARCH)],
  ["unlinkat", "dir", ["LOOKUP"], ["UNLINKAT"], (fd) => libc.unlinkat(fd, "a.txt", 0)],
  ["fstatat", "dir", ["LOOKUP", "READ"], ["FSTAT"], (fd) => libc.fstatat(fd, "a.txt", stat, 0)],
];

for (const [name, on, held, missing, call] of lacking) {
  test(`ENOTCAPABLE of ${name} holding ${held} says that ${missing} is missing, and in which call`, () => {
    const { error, fd } = withRights(on, held, call);
    assertInstanceOf(error, CapsicumError);
    assertEquals([error.code, error.errno, error.syscall, error.fd], ["ENOTCAPABLE", 93, name, fd]);
    assertEquals(error.held?.toWords(), new Rights(held).toWords());
    assertEquals([...error.missing ?? []], [...new Rights(missing)]);
    const inOrder = [...missing].sort((a, b) => error.message.indexOf(a) - error.message.indexOf(b));
    assertStringIncludes(error.message, `on fd ${fd}: missing ${inOrder.join(", ")} (held: `);
    assert(isNotCapable(error));
    assertFalse(isCapModeViolation(error));
  });
}

test("ENOTCAPABLE of linkat and renameat names the descriptor that lacks a right", () => {
  using fixture = new Fixture({ "a.txt": "a", "b.txt": "b" });
  const calls: [
    name: string,
    source: RightName,
    target: RightName,
    call: (from: number, to: number) => unknown,
  ][] = [
    ["linkat", "LINKAT_SOURCE", "LINKAT_TARGET", (from, to) => libc.linkat(from, "a.txt", to, "c.txt", 0)],
    [
      "renameat",
      "RENAMEAT_SOURCE",
      "RENAMEAT_TARGET",
      (from, to) => libc.renameat(from, "c.txt", to, "d.txt"),
    ],
  ];
  for (const [name, source, target, call] of calls) {
    using full = openDirSync(fixture.path);
    using lookup = openDirSync(fixture.path, { limit: ["LOOKUP", "READ"] });
    const first = thrown(() => call(lookup.fd, full.fd));
    assertEquals([first.fd, first.missing?.names(), first.held?.names()], [lookup.fd, [source], [
      "READ",
      "LOOKUP",
    ]]);
    assertStringIncludes(first.message, `${name} `);
    const second = thrown(() => call(full.fd, lookup.fd));
    assertEquals([second.fd, second.missing?.names(), second.held?.names()], [
      lookup.fd,
      [target],
      ["READ", "LOOKUP"],
    ]);
    assertEquals(call(full.fd, full.fd), 0);
  }
});

test("ENOTCAPABLE of renameat onto an existing name reports that UNLINKAT is missing", () => {
  using fixture = new Fixture({ "a.txt": "a", "b.txt": "b" });
  using dir = openDirSync(fixture.path, { limit: ["RENAMEAT_SOURCE", "RENAMEAT_TARGET"] });
  const error = thrown(() => libc.renameat(dir, "a.txt", dir, "b.txt"));
  assertEquals([error.code, error.fd, error.missing?.names()], ["ENOTCAPABLE", dir.fd, ["UNLINKAT"]]);
  assertEquals(libc.renameat(dir, "a.txt", dir, "c.txt"), 0);
});

test("ENOTCAPABLE of fcntl names the commands that the descriptor is limited to", () => {
  using file = openSync("/dev/null");
  limitFcntls(file, ["GETFL", "GETOWN"]);
  const error = thrown(() => libc.fcntl(file, libc.F_SETFL, libc.O_NONBLOCK));
  assertEquals([error.code, error.missing, error.held?.has("FCNTL")], ["ENOTCAPABLE", undefined, true]);
  assertStringIncludes(
    error.message,
    "F_SETFL is not among the fcntls that it is limited to (GETFL, GETOWN)",
  );
});

test("ENOTCAPABLE of limitFcntls() names the fcntls that can't be added", () => {
  using file = openSync("/dev/null");
  limitFcntls(file, ["GETFL"]);
  const error = thrown(() => limitFcntls(file, ["GETFL", "SETFL", "SETOWN"]));
  assertEquals([error.code, error.syscall, error.missing], ["ENOTCAPABLE", "cap_fcntls_limit", undefined]);
  assertStringIncludes(error.message, "SETFL, SETOWN is not among the present ones (GETFL)");
});

test("ENOTCAPABLE of ioctl and limitIoctls() reports the list as the reason", () => {
  using file = openSync("/dev/null");
  limitIoctls(file, [0x4004667an]);
  const refused = thrown(() => libc.ioctl(file, 0x20006601n));
  assertEquals([refused.code, refused.missing], ["ENOTCAPABLE", undefined]);
  assertStringIncludes(refused.message, "0x20006601 is not among those that it is limited to");
  const grown = thrown(() => limitIoctls(file, [0x4004667an, 0x20006601n]));
  assertEquals([grown.code, grown.syscall, grown.missing], ["ENOTCAPABLE", "cap_ioctls_limit", undefined]);
  assertStringIncludes(grown.message, "can only shrink");
});

test("ENOTCAPABLE of limit() names the rights that the descriptor does not have", () => {
  using file = openSync("/dev/null");
  limit(file, ["READ", "LOOKUP"]);
  const error = thrown(() => limit(file, ["READ", "WRITE", "MKDIRAT"]));
  assertEquals([error.code, error.syscall, error.fd], ["ENOTCAPABLE", "cap_rights_limit", file.fd]);
  assertEquals([error.held?.names(), error.missing?.names()], [["READ", "LOOKUP"], ["WRITE", "MKDIRAT"]]);
  assertStringIncludes(
    error.message,
    `cap_rights_limit on fd ${file.fd}: missing WRITE, MKDIRAT (held: READ, LOOKUP)`,
  );
  assertStringIncludes(error.message, "Rights can only shrink");
});

/** Paths that leave "in", and one beside each that does not. */
const leaving = [
  ["../secret", "dir/../file"],
  ["dir/../../secret", "dir/../dir/../file"],
  ["up", "down"],
  ["absolute", "down"],
] as const;

test("ENOTCAPABLE of a path that leaves a limited directory has no missing rights and reports the reason", () => {
  using fixture = new Fixture({
    secret: "s",
    in: {
      file: "f",
      dir: {},
      up: { link: "../secret" },
      absolute: { link: "/etc/passwd" },
      down: { link: "dir/../file" },
    },
  });
  const rights: RightName[] = ["LOOKUP", "READ"];
  using dir = openDirSync(fixture.at("in"), { limit: rights });
  for (const [outside, inside] of leaving) {
    const error = thrown(() => libc.openat(dir, outside, 0));
    assertEquals([error.code, error.path, error.fd], ["ENOTCAPABLE", outside, dir.fd]);
    assertEquals([error.missing, error.held?.names()], [undefined, ["READ", "LOOKUP"]]);
    assertStringIncludes(error.message, `openat "${outside}" on fd ${dir.fd}: the path leaves the directory`);
    libc.close(libc.openat(dir, inside, 0));
  }
});

test("ENOTCAPABLE in capability mode of an absolute path reports that it leaves the directory", async () => {
  using fixture = new Fixture({ file: "f" });
  const { error, twin } = await inChild(({ caught, enter, libc, openDirSync }, path) => {
    using dir = openDirSync(path);
    enter();
    const open = (name: string) => caught(() => libc.close(libc.openat(dir, name, 0)));
    return { error: open(`${path}/file`), twin: open("file") };
  }, fixture.path);
  assertEquals([error?.code, error?.missing, error?.path], ["ENOTCAPABLE", undefined, fixture.at("file")]);
  assertStringIncludes(error?.message ?? "", "the path leaves the directory");
  assertEquals(twin, undefined);
});

test("ENOTCAPABLE of a path that leaves two directories does not report a missing right", () => {
  using fixture = new Fixture({ secret: "s", in: { file: "f" } });
  using dir = openDirSync(fixture.at("in"), { limit: ["RENAMEAT_SOURCE", "RENAMEAT_TARGET"] });
  const error = thrown(() => libc.renameat(dir, "file", dir, "../new"));
  assertEquals([error.code, error.missing], ["ENOTCAPABLE", undefined]);
  assertStringIncludes(error.message, "the path leaves the directory");
  assertEquals(libc.renameat(dir, "file", dir, "new"), 0);
});

test("ENOTCAPABLE of a descriptor whose rights can't be read does not mention rights", () => {
  using file = openSync("/dev/null");
  const EBADF = 9, ENOTCAPABLE = 93;
  failNext("read", ENOTCAPABLE);
  failNext("__cap_rights_get", EBADF);
  const error = thrown(() => libc.read(file, byte));
  assertEquals([error.code, error.errno, "held" in error, "missing" in error], [
    "ENOTCAPABLE",
    93,
    false,
    false,
  ]);
  assertEquals(libc.read(file, byte), 0);
}, { skip: needsStandin });
