import { assertEquals, assertFalse, assertThrows } from "@std/assert";
import * as freebsd from "../../../ffi/freebsd/structs.ts";
import { CapsicumError, Ioctl, ioctl, libc, openDirSync, openSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

const root = Deno.uid() === 0;
const stat = (fd: { fd: number }) => {
  const bytes = new Uint8Array(224);
  libc.fstat(fd, bytes);
  return freebsd.decodeStat(bytes);
};

/** `struct timespec[2]` */
function timespecs(...seconds: [atime: number, nanoseconds: number, mtime: number, nanoseconds: number]) {
  return new Uint8Array(BigInt64Array.from(seconds, BigInt).buffer);
}

test("fstat() writes the information of the file system", () => {
  using fixture = new Fixture({ file: "text", dir: {} });
  using file = openSync(fixture.at("file"));
  using dir = openDirSync(fixture.at("dir"));
  const theirs = fixture.stat("file");
  const ours = stat(file);
  for (const key of ["size", "ino", "uid", "gid", "nlink", "mtime", "isFile", "mode"] as const) {
    assertEquals<unknown>(ours[key], theirs[key], key);
  }
  assertEquals([stat(dir).isDirectory, stat(dir).isFile], [true, false]);
});

test("ftruncate() shrinks a file, and extends it with zeros", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"), { write: true });
  assertEquals([libc.ftruncate(file, 2), fixture.read("file")], [0, "te"]);
  assertEquals([libc.ftruncate(file, 4n), fixture.read("file")], [0, "te\0\0"]);
  assertEquals(assertThrows(() => libc.ftruncate(file, -1), CapsicumError).code, "EINVAL");
});

test("fsync() and fdatasync() return 0 for a writable file", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"), { read: true, write: true });
  assertEquals([libc.fsync(file), libc.fdatasync(file)], [0, 0]);
});

test("flock() with LOCK_NB throws WouldBlock while another holds the lock", () => {
  using fixture = new Fixture({ file: "text" });
  using one = openSync(fixture.at("file"));
  using other = openSync(fixture.at("file"));
  assertEquals(libc.flock(one, libc.LOCK_EX), 0);
  assertThrows(() => libc.flock(other, libc.LOCK_SH | libc.LOCK_NB), Deno.errors.WouldBlock, "EAGAIN");
  assertEquals(libc.flock(one, libc.LOCK_SH), 0);
  assertEquals(libc.flock(other, libc.LOCK_SH | libc.LOCK_NB), 0);
  assertEquals([libc.flock(one, libc.LOCK_UN), libc.flock(other, libc.LOCK_UN)], [0, 0]);
  assertEquals(libc.flock(other, libc.LOCK_EX | libc.LOCK_NB), 0);
});

test("fchmod() sets the mode", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  for (const mode of [0o600, 0o4755, 0o444]) {
    libc.fchmod(file, mode);
    assertEquals(fixture.stat("file").mode! & 0o7777, mode);
  }
});

test("fchown() does not change an owner or group of -1", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  const { uid, gid } = fixture.stat("file");
  assertEquals(libc.fchown(file, -1, -1), 0);
  assertEquals([fixture.stat("file").uid, fixture.stat("file").gid], [uid, gid]);
});

test("fchown() sets owner and group, one of them, or both", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  const owners = () => [fixture.stat("file").uid, fixture.stat("file").gid];
  libc.fchown(file, 1001, 2002);
  assertEquals(owners(), [1001, 2002]);
  libc.fchown(file, 1003, -1);
  assertEquals(owners(), [1003, 2002]);
  libc.fchown(file, -1, 4_000_000_000);
  assertEquals(owners(), [1003, 4_000_000_000]);
}, { skip: root ? false : "needs root, who can give files away" });

test("fchown() to another user throws PermissionDenied unless root", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  assertThrows(() => libc.fchown(file, 0, 0), Deno.errors.PermissionDenied, "EPERM");
  assertEquals(libc.fchown(file, Deno.uid()!, -1), 0);
}, { skip: root ? "needs another user than root, who can give files away" : false });

test("futimens() sets both times, either, or with null the current time", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  const times = () => [stat(file).atime?.getTime(), stat(file).mtime?.getTime()];
  libc.futimens(file, timespecs(-86_400, 500_000_000, 4_102_444_800, 987_000_000));
  assertEquals(times(), [-86_399_500, 4_102_444_800_987]);
  libc.futimens(file, timespecs(0, libc.UTIME_OMIT, 1000, 0));
  assertEquals(times(), [-86_399_500, 1_000_000]);
  libc.futimens(file, timespecs(2000, 0, 0, libc.UTIME_NOW));
  assertEquals(times()[0], 2_000_000);
  assertEquals(Math.abs(times()[1]! - Date.now()) < 60_000, true);
  libc.futimens(file, timespecs(1, 0, 1, 0));
  libc.futimens(file, null);
  for (const time of times()) assertEquals(Math.abs(time! - Date.now()) < 60_000, true);
});

test("fcntl() gets and sets flags, and duplicates to the lowest permitted number", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"), { read: true, append: true });
  const { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC } = libc;
  assertEquals(libc.fcntl(file, F_GETFL), libc.O_RDWR | libc.O_APPEND);
  assertEquals(libc.fcntl(file, F_SETFL, libc.O_NONBLOCK), 0);
  assertEquals(libc.fcntl(file, F_GETFL), libc.O_RDWR | libc.O_NONBLOCK);
  assertEquals([libc.fcntl(file, F_GETFD), libc.fcntl(file, F_SETFD, 0), libc.fcntl(file, F_GETFD)], [
    FD_CLOEXEC,
    0,
    0,
  ]);
  const plain = libc.fcntl(file, F_DUPFD, 500), closing = libc.fcntl(file, F_DUPFD_CLOEXEC, 500n);
  assertEquals([plain, closing], [500, 501]);
  assertEquals([libc.fcntl(plain, F_GETFD), libc.fcntl(closing, F_GETFD)], [0, FD_CLOEXEC]);
  libc.close(plain);
  libc.close(closing);
  assertThrows(() => libc.fcntl(file, 1234), RangeError, "1234");
});

test("fcntl() refuses every command whose argument is an address, and accepts the others", () => {
  using file = openSync("/dev/null");
  // F_OGETLK to F_OSETLKW, F_GETLK to F_SETLK_REMOTE, F_KINFO of sys/fcntl.h.
  for (const command of [7, 8, 9, 11, 12, 13, 14, 22]) {
    assertThrows(() => libc.fcntl(file, command, 0x10000n), RangeError, `(${command}) is an address`);
    assertThrows(() => libc.fcntl(file, command | 1 << 16, 0x10000n), RangeError, "integer");
  }
  for (const command of [25, -1, 0x100000016]) assertThrows(() => libc.fcntl(file, command, 1n), RangeError);
  // What this kernel does not know of them is EINVAL, not a refusal of the library's.
  const known = [0, 1, 2, 3, 4, 5, 6, 10, 15, 16, 17, 18, 19, 20, 21, 23, 24];
  for (const command of known) {
    try {
      const result = libc.fcntl(file, command, command === libc.F_SETFD ? libc.FD_CLOEXEC : 900);
      if (result >= 900) libc.close(result);
    } catch (error) {
      assertFalse(error instanceof RangeError, `${command}: ${error}`);
    }
  }
});

test("close() accepts a number, but not an object that would close its descriptor again", () => {
  using file = openSync("/dev/null");
  for (const owner of [file, { fd: file.fd }]) {
    // deno-lint-ignore no-explicit-any
    assertThrows(() => libc.close(owner as any), TypeError, "takes the number");
  }
  assertEquals(libc.fcntl(file, libc.F_GETFD), libc.FD_CLOEXEC);
  assertEquals(libc.close(libc.dup(file)), 0);
});

test("ioctl() refuses a buffer if the request has none, because its address would be the argument", () => {
  using file = openSync("/dev/null");
  for (const request of [Ioctl.FIOCLEX, ioctl("int", "t", 121)]) {
    assertThrows(() => libc.ioctl(file, request, new Uint8Array(8)), TypeError, "takes no buffer");
  }
  assertThrows(() => libc.ioctl(file, 1n << 32n | Ioctl.FIOCLEX), RangeError, "32 bits");
  assertEquals(libc.ioctl(file, Ioctl.FIOCLEX), 0);
  assertEquals(libc.ioctl(file, BigInt.asIntN(32, Ioctl.FIOCLEX)), 0);
});

test("procctl() refuses the commands whose data is more than an int", () => {
  for (const command of [0, 2, 3, 4, 5, 6, 25]) {
    assertThrows(() => libc.procctl(0, Deno.pid, command, new Uint8Array(128)), RangeError, `${command}`);
  }
  assertEquals(libc.procctl(0, Deno.pid, 10, new Uint8Array(4)), 0);
});

test("ioctl() fills the buffer, and requires the size that is encoded in the request", () => {
  using fixture = new Fixture({ file: "some text" });
  using file = openSync(fixture.at("file"));
  const buffer = new Uint8Array(8).fill(0xff);
  assertEquals([libc.ioctl(file, Ioctl.FIONREAD, buffer), [...buffer]], [0, [
    9,
    0,
    0,
    0,
    255,
    255,
    255,
    255,
  ]]);
  assertEquals(libc.ioctl(file, Number(Ioctl.FIONREAD), buffer), 0);
  assertThrows(
    () => libc.ioctl(file, Ioctl.FIONREAD),
    TypeError,
    "0x4004667f needs a buffer of 4 bytes, not null",
  );
  assertThrows(() => libc.ioctl(file, Ioctl.FIONREAD, new Uint8Array(3)), RangeError, "4 bytes, not of 3");
  assertThrows(() => libc.ioctl(file, Ioctl.TIOCGETA, new Uint8Array(43)), RangeError, "44 bytes, not of 43");
});

test("ioctl() without an argument needs no buffer", () => {
  using file = openSync("/dev/null");
  assertEquals([libc.ioctl(file, Ioctl.FIONCLEX), libc.fcntl(file, libc.F_GETFD)], [0, 0]);
  assertEquals([libc.ioctl(file, Ioctl.FIOCLEX), libc.fcntl(file, libc.F_GETFD)], [0, libc.FD_CLOEXEC]);
});

test("ioctl() throws ENOTTY for a request that the file does not support", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  const error = assertThrows(() => libc.ioctl(file, Ioctl.TIOCGWINSZ, new Uint8Array(8)), CapsicumError);
  assertEquals([error.code, error.errno], ["ENOTTY", 25]);
});

test("isatty() returns 0 for a file that is not a terminal, and throws for a closed descriptor", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  using nothing = openSync("/dev/null");
  using dir = openDirSync(fixture.path);
  assertEquals([file, nothing, dir].map((fd) => libc.isatty(fd)), [0, 0, 0]);
  const error = assertThrows(() => libc.isatty(4000), Deno.errors.BadResource);
  assertEquals(error.message, "isatty on fd 4000: Bad file descriptor (EBADF).");
});

test("isatty() returns 1 for a terminal", () => {
  const fd = libc.open("/dev/ptmx", libc.O_RDWR | libc.O_NOCTTY);
  assertEquals(libc.isatty(fd), 1);
  libc.close(fd);
}, { skip: exists("/dev/ptmx") ? false : "needs a system with /dev/ptmx, to make a terminal" });

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isCharDevice === true;
  } catch {
    return false;
  }
}

test("dup() returns a new descriptor with the same offset", () => {
  using fixture = new Fixture({ file: "some text" });
  using file = openSync(fixture.at("file"));
  const copy = libc.dup(file);
  libc.lseek(copy, 5, libc.SEEK_SET);
  assertEquals(libc.lseek(file, 0, libc.SEEK_CUR), 5);
  libc.close(copy);
  assertEquals(libc.lseek(file, 0, libc.SEEK_CUR), 5);
});
