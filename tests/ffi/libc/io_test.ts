import { assert, assertEquals, assertThrows } from "@std/assert";
import * as freebsd from "../../../ffi/freebsd/structs.ts";
import { CapsicumError, libc, openDirSync, openSync, type SyscallError } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const far = 5_000_000_000;
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Opens, and closes at the end of the scope. */
function open(path: string, flags: number, mode?: number) {
  const fd = libc.open(path, flags, mode);
  return { fd, [Symbol.dispose]: () => void libc.close(fd) };
}

test("open() creates with the mode, and with O_EXCL only a new file", () => {
  using fixture = new Fixture();
  const flags = libc.O_WRONLY | libc.O_CREAT | libc.O_EXCL;
  {
    using file = open(fixture.at("new"), flags, 0o640);
    assertEquals(libc.write(file, encode("text")), 4);
  }
  assertEquals([fixture.read("new"), fixture.stat("new").mode! & 0o777], ["text", 0o640]);
  assertThrows(
    () => libc.open(fixture.at("new"), flags, 0o640),
    Deno.errors.AlreadyExists,
    fixture.at("new"),
  );
});

test("open() truncates with O_TRUNC and appends with O_APPEND", () => {
  using fixture = new Fixture({ file: "old text" });
  {
    using file = open(fixture.at("file"), libc.O_WRONLY | libc.O_APPEND);
    libc.lseek(file, 0, libc.SEEK_SET);
    libc.write(file, encode("!"));
  }
  assertEquals(fixture.read("file"), "old text!");
  {
    using _ = open(fixture.at("file"), libc.O_WRONLY | libc.O_TRUNC);
  }
  assertEquals(fixture.read("file"), "");
});

test("close() closes, and throws BadResource for a closed descriptor", () => {
  const fd = libc.open("/dev/null", libc.O_RDONLY);
  assertEquals(libc.fcntl(fd, libc.F_GETFD), 0);
  assertEquals(libc.close(fd), 0);
  assertThrows(() => libc.fcntl(fd, libc.F_GETFD), Deno.errors.BadResource);
  assertThrows(() => libc.close(fd), Deno.errors.BadResource, `close on fd ${fd}`);
});

test("read() fills the front of the buffer, with up to nbytes, and returns 0 at the end", () => {
  using fixture = new Fixture({ file: "some text" });
  using file = openSync(fixture.at("file"));
  const buffer = encode("----------");
  assertEquals([libc.read(file, buffer, 4), decode(buffer)], [4, "some------"]);
  assertEquals([libc.read(file, buffer.subarray(6), 1), decode(buffer)], [1, "some-- ---"]);
  assertEquals([libc.read(file, buffer), decode(buffer)], [4, "text-- ---"]);
  assertEquals([libc.read(file, buffer), libc.read(file, new Uint8Array(0))], [0, 0]);
});

test("write() writes the front of the buffer, or of a part of it", () => {
  using fixture = new Fixture();
  {
    using file = openSync(fixture.at("new"), { write: true, create: true });
    const bytes = encode("0123456789");
    assertEquals(libc.write(file, bytes, 2), 2);
    assertEquals(libc.write(file, bytes.subarray(7)), 3);
    assertEquals(libc.write(file, bytes, 0), 0);
  }
  assertEquals(fixture.read("new"), "01789");
});

test("pread(), pwrite(), lseek() and ftruncate() work beyond 2^32, with numbers and bigints", () => {
  using fixture = new Fixture({ file: "" });
  using file = openSync(fixture.at("file"), { read: true, write: true });
  assertEquals(libc.pwrite(file, encode("far"), 3, far), 3);
  assertEquals(fixture.stat("file").size, far + 3);
  const buffer = new Uint8Array(4);
  assertEquals([libc.pread(file, buffer, 4, BigInt(far)), decode(buffer)], [3, "far\0"]);
  assertEquals(libc.lseek(file, 0, libc.SEEK_CUR), 0);
  assertEquals(libc.lseek(file, far, libc.SEEK_SET), far);
  assertEquals(libc.lseek(file, 2n, libc.SEEK_CUR), far + 2);
  assertEquals(libc.lseek(file, -4, libc.SEEK_END), far - 1);
  assertEquals(libc.ftruncate(file, BigInt(far) + 1n), 0);
  assertEquals(fixture.stat("file").size, far + 1);
  assertEquals(libc.lseek(file, 0, libc.SEEK_END), far + 1);
});

test("lseek() throws EINVAL for an offset before the start, and ESPIPE for a file without an offset", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  assertEquals(assertThrows(() => libc.lseek(file, -1, libc.SEEK_SET), CapsicumError).code, "EINVAL");
  using dir = openDirSync(fixture.path);
  libc.mkfifoat(dir, "fifo", 0o600);
  using fifo = open(fixture.at("fifo"), libc.O_RDWR | libc.O_NONBLOCK);
  assertEquals(assertThrows(() => libc.lseek(fifo, 0, libc.SEEK_CUR), CapsicumError).code, "ESPIPE");
  assertThrows(() => libc.read(fifo, new Uint8Array(1)), Deno.errors.WouldBlock);
});

/** All names, read `nbytes` at a time, and how many calls it took. */
function list(fd: number, nbytes: number) {
  const buffer = new Uint8Array(4096), base = new Uint8Array(8);
  const names: string[] = [], bases: string[] = [];
  for (let length; (length = libc.getdirentries(fd, buffer, nbytes, base)) > 0;) {
    names.push(...freebsd.decodeDirectory(buffer, length).names);
    bases.push(base.join());
  }
  return { names: names.sort(), bases };
}

test("getdirentries() continues after the last call, reports where it started, and returns 0 at the end", () => {
  using fixture = new Fixture(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`file${i}`, ""])));
  using whole = openDirSync(fixture.path);
  assertEquals(list(whole.fd, 4096).names, fixture.list());
  assertEquals(list(whole.fd, 4096).names, []);
  using parts = openDirSync(fixture.path);
  const { names, bases } = list(parts.fd, 512);
  assertEquals(names, fixture.list());
  assert(bases.length > 1);
  assertEquals(bases[0], "0,0,0,0,0,0,0,0");
  assertEquals(new Set(bases).size, bases.length);
});

test("getdirentries() throws for a file", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  const buffer = new Uint8Array(4096);
  const call = () => libc.getdirentries(file, buffer, 4096, new Uint8Array(8));
  // FreeBSD 13.2 and 15.1; not checked on 14.
  const codes = kernel.major === 13 ? ["EINVAL"] : kernel.major === 14 ? ["EINVAL", "ENOTDIR"] : ["ENOTDIR"];
  assert(codes.includes((assertThrows(call) as SyscallError).code));
});
