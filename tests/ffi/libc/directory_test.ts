import { assertEquals, assertThrows } from "@std/assert";
import * as freebsd from "../../../ffi/freebsd/structs.ts";
import { CapsicumError, libc, openDirSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const root = Deno.uid() === 0;
const { errors } = Deno;
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const stat = (dir: { fd: number }, path: string, flag = 0) => {
  const bytes = new Uint8Array(224);
  libc.fstatat(dir, path, bytes, flag);
  return freebsd.decodeStat(bytes);
};

test("openat() opens files beneath a directory, creates with the mode, and accepts AT_FDCWD", () => {
  using fixture = new Fixture({ dir: { file: "text" } });
  using dir = openDirSync(fixture.path);
  const fd = libc.openat(dir, "dir/file", libc.O_RDONLY);
  assertEquals(libc.read(fd, new Uint8Array(9)), 4);
  libc.close(fd);
  libc.close(libc.openat(dir, "dir/new", libc.O_WRONLY | libc.O_CREAT, 0o604));
  assertEquals(fixture.stat("dir/new").mode! & 0o777, 0o604);
  libc.close(libc.openat(libc.AT_FDCWD, fixture.at("dir/file"), libc.O_RDONLY));
  assertThrows(() => libc.openat(dir, "dir/file", libc.O_RDONLY | libc.O_DIRECTORY), errors.NotADirectory);
});

test("openat() closes on exec with O_CLOEXEC, and not without", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  for (const [flag, expected] of [[libc.O_CLOEXEC, libc.FD_CLOEXEC], [0, 0]] as const) {
    const fd = libc.openat(dir, "file", libc.O_RDONLY | flag);
    assertEquals(libc.fcntl(fd, libc.F_GETFD), expected);
    libc.close(fd);
  }
});

test("fstatat() follows a symlink, or with AT_SYMLINK_NOFOLLOW describes the symlink", () => {
  using fixture = new Fixture({ file: "text", link: { link: "file" } });
  using dir = openDirSync(fixture.path);
  assertEquals([stat(dir, "link").isFile, stat(dir, "link").size], [true, 4]);
  assertEquals(stat(dir, "link").ino, fixture.stat("file").ino);
  assertEquals(stat(dir, "link", libc.AT_SYMLINK_NOFOLLOW).isSymlink, true);
  assertEquals(stat(dir, ".").ino, fixture.stat(".").ino);
});

test("faccessat() returns 0 if access is permitted, and throws otherwise", () => {
  using fixture = new Fixture({ file: { text: "", mode: 0o644 }, tool: { text: "", mode: 0o755 } });
  using dir = openDirSync(fixture.path);
  const { F_OK, R_OK, W_OK, X_OK } = libc;
  assertEquals([F_OK, R_OK, W_OK].map((mode) => libc.faccessat(dir, "file", mode, 0)), [0, 0, 0]);
  assertEquals(libc.faccessat(dir, "tool", X_OK, libc.AT_EACCESS), 0);
  assertThrows(() => libc.faccessat(dir, "file", X_OK, 0), errors.PermissionDenied, "EACCES");
  assertThrows(() => libc.faccessat(dir, "nothing", F_OK, 0), errors.NotFound);
});

test("fchmodat() sets the mode", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  assertEquals(libc.fchmodat(dir, "file", 0o711, 0), 0);
  assertEquals(fixture.stat("file").mode! & 0o777, 0o711);
});

test("fchownat() does not change an owner or group of -1", () => {
  using fixture = new Fixture({ file: "", link: { link: "nothing" } });
  using dir = openDirSync(fixture.path);
  const { uid, gid } = fixture.stat("file");
  assertEquals(libc.fchownat(dir, "file", -1, -1, 0), 0);
  assertEquals([fixture.stat("file").uid, fixture.stat("file").gid], [uid, gid]);
  assertEquals(libc.fchownat(dir, "link", -1, -1, libc.AT_SYMLINK_NOFOLLOW), 0);
  assertThrows(() => libc.fchownat(dir, "link", -1, -1, 0), errors.NotFound);
});

test("fchownat() sets owner and group of a file, or with AT_SYMLINK_NOFOLLOW of the symlink", () => {
  using fixture = new Fixture({ file: "", link: { link: "file" } });
  using dir = openDirSync(fixture.path);
  const owners = (name: string) => [fixture.stat(name).uid, fixture.stat(name).gid];
  libc.fchownat(dir, "link", 1001, 2002, 0);
  libc.fchownat(dir, "link", 1003, 2004, libc.AT_SYMLINK_NOFOLLOW);
  assertEquals([owners("file"), owners("link")], [[1001, 2002], [1003, 2004]]);
}, { skip: root ? false : "needs root, who can give files away" });

test("utimensat() sets the times of a file or of a symlink, either, or with null the current time", () => {
  using fixture = new Fixture({ file: "", link: { link: "file" } });
  using dir = openDirSync(fixture.path);
  const times = (...values: [number, number, number, number]) =>
    new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  const of = (name: string) => [stat(dir, name).atime?.getTime(), stat(dir, name).mtime?.getTime()];
  libc.utimensat(dir, "link", times(-2, 999_000_000, 4_102_444_800, 987_000_000), 0);
  assertEquals(of("file"), [-1001, 4_102_444_800_987]);
  libc.utimensat(dir, "link", times(1, 0, 2, 0), libc.AT_SYMLINK_NOFOLLOW);
  assertEquals(stat(dir, "link", libc.AT_SYMLINK_NOFOLLOW).mtime, new Date(2000));
  assertEquals(of("file")[1], 4_102_444_800_987);
  libc.utimensat(dir, "file", times(3, 0, 0, libc.UTIME_OMIT), 0);
  assertEquals(of("file"), [3000, 4_102_444_800_987]);
  libc.utimensat(dir, "file", null, 0);
  for (const time of of("file")) assertEquals(Math.abs(time! - Date.now()) < 60_000, true);
});

test("mkdirat() and unlinkat() with AT_REMOVEDIR create and remove a directory", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  libc.mkdirat(dir, "new", 0o750);
  assertEquals([fixture.stat("new").isDirectory, fixture.stat("new").mode! & 0o777], [true, 0o750]);
  assertThrows(() => libc.mkdirat(dir, "new", 0o750), errors.AlreadyExists);
  assertThrows(() => libc.unlinkat(dir, "new", 0), errors.PermissionDenied, "EPERM");
  assertEquals(libc.unlinkat(dir, "new", libc.AT_REMOVEDIR), 0);
  assertEquals(fixture.list(), []);
});

test("mkfifoat() creates a FIFO", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  libc.mkfifoat(dir, "fifo", 0o600);
  assertEquals([fixture.stat("fifo").isFifo, stat(dir, "fifo").isFifo], [true, true]);
});

test("unlinkat() removes a file, and a symlink instead of its target", () => {
  using fixture = new Fixture({ file: "", link: { link: "file" } });
  using dir = openDirSync(fixture.path);
  libc.unlinkat(dir, "link", 0);
  assertEquals(fixture.list(), ["file"]);
  assertThrows(() => libc.unlinkat(dir, "file", libc.AT_REMOVEDIR), errors.NotADirectory);
  libc.unlinkat(dir, "file", 0);
  assertThrows(() => libc.unlinkat(dir, "file", 0), errors.NotFound);
});

test("symlinkat() and readlinkat() write and read any target, up to the length of the buffer", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  const target = "../nowhere/ü";
  libc.symlinkat(target, dir, "link");
  const buffer = new Uint8Array(64).fill(0x2d);
  const bytes = new TextEncoder().encode(target);
  assertEquals(libc.readlinkat(dir, "link", buffer), bytes.length);
  assertEquals(decode(buffer.subarray(0, bytes.length)), target);
  assertEquals(buffer[bytes.length], 0x2d);
  assertEquals([libc.readlinkat(dir, "link", new Uint8Array(4)), libc.readlinkat(dir, "link", buffer, 2)], [
    4,
    2,
  ]);
  assertEquals(assertThrows(() => libc.readlinkat(dir, "file", buffer), CapsicumError).code, "EINVAL");
});

test("linkat() makes a second name, of a symlink or with AT_SYMLINK_FOLLOW of its target", () => {
  using fixture = new Fixture({ file: "", link: { link: "file" }, dir: {} });
  using dir = openDirSync(fixture.path);
  using to = openDirSync(fixture.at("dir"));
  libc.linkat(dir, "file", to, "hard", 0);
  libc.linkat(dir, "link", to, "followed", libc.AT_SYMLINK_FOLLOW);
  const { ino, nlink } = fixture.stat("file");
  assertEquals([fixture.stat("dir/hard").ino, fixture.stat("dir/followed").ino, nlink], [ino, ino, 3]);
  assertThrows(() => libc.linkat(dir, "file", to, "hard", 0), errors.AlreadyExists);
});

test("renameat() moves between directories and replaces an existing file", () => {
  using fixture = new Fixture({ file: "text", dir: { old: "old" } });
  using dir = openDirSync(fixture.path);
  using to = openDirSync(fixture.at("dir"));
  libc.renameat(dir, "file", to, "old");
  assertEquals([fixture.list(), fixture.list("dir"), fixture.read("dir/old")], [["dir"], ["old"], "text"]);
  assertThrows(() => libc.renameat(dir, "file", to, "new"), errors.NotFound);
});

test("renameat2() with AT_RENAME_NOREPLACE replaces nothing, and without it an existing file", () => {
  using fixture = new Fixture({ file: "text", link: { link: "nothing" }, dir: { old: "old" } });
  using dir = openDirSync(fixture.path);
  using to = openDirSync(fixture.at("dir"));
  if (kernel.hasCapsicum && kernel.major < 15) {
    assertThrows(() => libc.renameat2(dir, "file", to, "new", 0), errors.NotSupported, "renameat2");
    return;
  }
  const flag = libc.AT_RENAME_NOREPLACE;
  assertThrows(() => libc.renameat2(dir, "file", to, "old", flag), errors.AlreadyExists, "(EEXIST)");
  assertThrows(() => libc.renameat2(dir, "file", dir, "link", flag), errors.AlreadyExists);
  assertThrows(() => libc.renameat2(dir, "file", to, "new", 0x100), CapsicumError, "(EINVAL)");
  libc.renameat2(dir, "file", to, "new", flag);
  libc.renameat2(to, "new", to, "old", 0);
  assertEquals([fixture.list(), fixture.list("dir"), fixture.read("dir/old")], [
    ["dir", "link"],
    ["old"],
    "text",
  ]);
  assertThrows(() => libc.renameat2(dir, "file", to, "new", flag), errors.NotFound);
});

test("two long paths of one call do not overwrite each other", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const [a, b, c] = ["ä", "b", "日"].map((letter) => letter.repeat(60)) as [string, string, string];
  fixture.write(a, "text");
  libc.renameat(dir, a, dir, b);
  libc.linkat(dir, b, dir, c, 0);
  libc.symlinkat(c, dir, a);
  assertEquals(fixture.list(), [a, b, c].sort());
  assertEquals(fixture.read(a), "text");
});

test("a path longer than the kernel's limit throws ENAMETOOLONG", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  for (
    const path of [
      "a".repeat(256),
      "ü".repeat(200),
      "a/".repeat(600),
      "a/".repeat(5000),
      "\udcff".repeat(9000),
    ]
  ) {
    const error = assertThrows(() => stat(dir, path), CapsicumError);
    assertEquals(error.code, "ENAMETOOLONG", `${path.length} units`);
  }
  assertThrows(() => stat(dir, "a".repeat(255)), errors.NotFound);
});
