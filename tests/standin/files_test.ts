/** Directory listings, struct stat, times, locks and large offsets of the stand-in. */
import { assert, assertEquals } from "@std/assert";
import { Fixture } from "../_fixture.ts";
import { libc, must } from "../_libc.ts";
import { test } from "../_test.ts";
import {
  EAGAIN,
  EINVAL,
  EISDIR,
  EPERM,
  f,
  fails,
  gives,
  needsStandin,
  O_CREAT,
  O_DIRECTORY,
  O_RDWR,
  ok,
  opens,
  scenario,
} from "./_scenario.ts";

const skip = { skip: needsStandin };
const O_NONBLOCK = 4;
const SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2;

/** The names that getdirentries(2) gives into a buffer of `size` bytes, in hex, checked as records. */
function list(fd: number, size: number): string[] {
  const names: string[] = [];
  const buffer = new Uint8Array(size);
  const view = new DataView(buffer.buffer);
  const base = new BigInt64Array(1);
  for (;;) {
    const offset = libc("lseek", fd, 0, SEEK_CUR).ret;
    buffer.fill(0xff);
    const length = must("getdirentries", fd, buffer, size, new Uint8Array(base.buffer));
    if (length === 0) return names;
    assertEquals(base[0], offset);
    for (let at = 0; at < length;) {
      const recordLength = view.getUint16(at + 16, true);
      const nameLength = view.getUint16(at + 20, true);
      assertEquals(recordLength, (24 + nameLength + 1 + 7) & ~7);
      assertEquals(view.getUint8(at + 19) + view.getUint16(at + 22, true), 0);
      const rest = buffer.subarray(at + 24 + nameLength, at + recordLength);
      assert(rest.every((byte) => byte === 0));
      names.push(hex(buffer.subarray(at + 24, at + 24 + nameLength)));
      at += recordLength;
      assert(at <= length);
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const text = (name: string) => hex(new TextEncoder().encode(name));

for (const size of [280, 320, 512, 1000, 4096, 65536, 1 << 20]) {
  test(`stand-in: getdirentries() gives every name once into ${size} bytes`, () => {
    const names = Array.from({ length: 700 }, (_, i) => `${i}`.padEnd(1 + (i * 7) % 255, "x"));
    using fixture = new Fixture(Object.fromEntries(names.map((name) => [name, ""])));
    const fd = must("open", fixture.path, O_DIRECTORY, 0);
    const expected = [".", "..", ...names].map(text).sort();
    assertEquals(list(fd, size).sort(), expected);
    assertEquals(list(fd, size), []);
    must("lseek", fd, 0, SEEK_SET);
    assertEquals(list(fd, size).sort(), expected);
    must("close", fd);
  }, skip);
}

test("stand-in: getdirentries() refuses a buffer too small for the next name and loses none", () => {
  const long = "n".repeat(255);
  using fixture = new Fixture({ [long]: "" });
  const fd = must("open", fixture.path, O_DIRECTORY, 0);
  const small = new Uint8Array(272);
  assertEquals(libc("getdirentries", fd, small, 16, null), { ret: -1n, errno: EINVAL });
  let refused = 0;
  const got: string[] = [];
  for (let length = -1n; length !== 0n;) {
    const outcome = libc("getdirentries", fd, small, small.length, null);
    length = outcome.ret;
    if (length > 0n) got.push(...namesIn(small, Number(length)));
    if (length !== -1n) continue;
    assertEquals(outcome.errno, EINVAL);
    refused++;
    got.push(...list(fd, 280));
    length = 0n;
  }
  assertEquals(refused, 1);
  assertEquals(got.sort(), [".", "..", long].map(text).sort());
  must("close", fd);
}, skip);

function namesIn(buffer: Uint8Array<ArrayBuffer>, length: number): string[] {
  const view = new DataView(buffer.buffer);
  const names: string[] = [];
  for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
    names.push(hex(buffer.subarray(at + 24, at + 24 + view.getUint16(at + 20, true))));
  }
  return names;
}

test("stand-in: names keep their bytes", () => {
  using fixture = new Fixture();
  const names = [
    "fffe41",
    "c328",
    "efbbbf62",
    "0a",
    "20",
    "2d64617368",
    "eda080",
    "c3a9",
    "65cc81",
    "2e2e2e",
  ];
  const fd = must("open", fixture.path, O_DIRECTORY, 0);
  for (const name of names) {
    const bytes = Uint8Array.from((name + "00").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    must("close", must("openat", fd, bytes, O_CREAT | O_RDWR, 0o600));
  }
  assertEquals(list(fd, 4096).sort(), [...names, text("."), text("..")].sort());
  for (const name of names) {
    const bytes = Uint8Array.from((name + "00").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    must("unlinkat", fd, bytes, 0);
  }
  must("close", fd);
}, skip);

test("stand-in: two descriptors of one open directory share its offset", () => {
  using fixture = new Fixture({ a: "", b: "" });
  const fd = must("open", fixture.path, O_DIRECTORY, 0);
  const copy = must("dup", fd);
  assertEquals(list(fd, 4096).length, 4);
  assertEquals(list(copy, 4096).length, 0);
  must("close", fd);
  must("close", copy);
}, skip);

test("stand-in: offsets beyond 4 GiB", () => {
  using fixture = new Fixture({ big: "" });
  const fd = must("open", fixture.at("big"), O_RDWR, 0);
  const offset = 5_000_000_000n;
  must("ftruncate", fd, offset);
  must("pwrite", fd, "tail", 4, offset);
  const buffer = new Uint8Array(4);
  assertEquals(must("pread", fd, buffer, 4, offset), 4);
  assertEquals(new TextDecoder().decode(buffer), "tail");
  assertEquals(libc("lseek", fd, 0, SEEK_END).ret, offset + 4n);
  assertEquals(libc("lseek", fd, -2, SEEK_CUR).ret, offset + 2n);
  must("close", fd);
}, skip);

test("stand-in: struct stat is FreeBSD's", () => {
  using fixture = new Fixture({ plain: { text: "hello", mode: 0o640 }, l: { link: "plain" } });
  fixture.utime("plain", new Date(1_600_000_000_123), new Date(4_102_444_800_987));
  fixture.link("plain", "other");
  const info = Deno.statSync(fixture.at("plain"));
  const bytes = new Uint8Array(224).fill(0xff);
  must("stat", fixture.at("l"), bytes);
  const view = new DataView(bytes.buffer);
  const u64 = (offset: number) => view.getBigUint64(offset, true);
  assertEquals([u64(0), u64(8), u64(16)], [BigInt(info.dev), BigInt(info.ino ?? 0), 2n]);
  assertEquals(view.getUint16(24, true), 0o100640);
  assertEquals([view.getUint32(28, true), view.getUint32(32, true)], [info.uid, info.gid]);
  assertEquals([u64(48), u64(56)], [1_600_000_000n, 123_000_000n]);
  assertEquals([u64(64), u64(72)], [4_102_444_800n, 987_000_000n]);
  assertEquals([u64(112), u64(120)], [5n, BigInt(info.blocks ?? 0)]);
  assertEquals(view.getInt32(128, true), info.blksize);
  assert(bytes.subarray(132).every((byte) => byte === 0));
  must("lstat", fixture.at("l"), bytes);
  assertEquals(view.getUint16(24, true) & 0o170000, 0o120000);
}, skip);

test("stand-in: vectors are read and written", () => {
  using fixture = new Fixture({ f: "" });
  const fd = must("open", fixture.at("f"), O_RDWR, 0);
  const parts = [new TextEncoder().encode("one"), new TextEncoder().encode("two!")];
  assertEquals(must("writev", fd, vectors(parts), 2), 7);
  const read = [new Uint8Array(2), new Uint8Array(9)];
  assertEquals(must("preadv", fd, vectors(read), 2, 0), 7);
  assertEquals(read.map((part) => new TextDecoder().decode(part)), ["on", "etwo!\0\0\0\0"]);
  assertEquals(fixture.read("f"), "onetwo!");
  must("close", fd);
}, skip);

/** The addresses and lengths of buffers, as struct iovec. */
function vectors(parts: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const words = parts.flatMap((part) => [
    Deno.UnsafePointer.value(Deno.UnsafePointer.of(part)),
    BigInt(part.length),
  ]);
  return new Uint8Array(new BigUint64Array(words).buffer);
}

const timespecs = (...values: [bigint, bigint]) => {
  const words = new BigInt64Array([values[0], 0n, values[1], 0n]);
  return hex(new Uint8Array(words.buffer));
};
const omit = "00".repeat(8) + "feffffffffffffff", now = "00".repeat(8) + "ffffffffffffffff";

test("stand-in: a time of exactly -1 s means unchanged", () => {
  using fixture = new Fixture({ f: "" });
  const bytes = new Uint8Array(224);
  const mtime = () => {
    must("stat", fixture.at("f"), bytes);
    return Number(new DataView(bytes.buffer).getBigInt64(64, true));
  };
  const set = (times: string) =>
    libc(
      "utimensat",
      -100,
      fixture.at("f"),
      Uint8Array.from(times.match(/../g) ?? [], (b) => parseInt(b, 16)),
      0,
    );
  assertEquals(set(timespecs(5n, 7n)).ret, 0n);
  assertEquals(mtime(), 7);
  assertEquals(set(timespecs(-1n, -1n)).ret, 0n);
  assertEquals(mtime(), 7);
  assertEquals(set(omit + omit).ret, 0n);
  assertEquals(mtime(), 7);
  assertEquals(set(timespecs(-2n, -2n)).ret, 0n);
  assertEquals(mtime(), -2);
  assertEquals(set(omit + now).ret, 0n);
  assert(mtime() > Date.now() / 1000 - 60);
  assertEquals(set("00".repeat(8) + "00ca9a3b00000000" + now), { ret: -1n, errno: EINVAL });
}, skip);

scenario("futimens() with both times omitted does not check the descriptor", ["15.1", "13.2"], [
  gives(0, "futimens", -1, { hex: omit + omit }),
  fails(9, "futimens", -1, { hex: now + now }),
]);

scenario("mkdir() and open() drop the sticky bit", ["15.1", "13.2"], [
  ok("umask", 0),
  ok("mkdir", "$base/d", 0o1777),
  opens("f", "open", "$base/f", O_CREAT | O_RDWR, 0o1644),
  opens("d", "open", "$base/d", O_DIRECTORY, 0),
  fails(EISDIR, "read", { ref: "d" }, { out: 1 }, 1),
  fails(EISDIR, "open", "$base/d", O_RDWR, 0),
  fails(EPERM, "unlinkat", -100, "$base/d", 0),
  fails(EPERM, "linkat", -100, "$base/d", -100, "$base/e", 0),
]);

test("stand-in: mkdir() makes 0777 of 01777", () => {
  using fixture = new Fixture();
  const umask = must("umask", 0);
  must("mkdir", fixture.at("d"), 0o1777);
  must("umask", umask);
  assertEquals((fixture.stat("d").mode ?? 0) & 0o7777, 0o777);
}, skip);

const flock = (type: number) => ({ hex: "00".repeat(20) + `0${type}000000` + "00".repeat(8) });
scenario("locks have FreeBSD's types and structs", ["15.1", "13.2"], [
  opens("f", "open", "$base/f", O_RDWR, 0),
  opens("g", "open", "$base/f", 0, 0),
  ok("flock", f, 2),
  fails(EAGAIN, "flock", { ref: "g" }, 1 | 4),
  fails(EAGAIN, "open", "$base/f", 0x10 | 4, 0),
  ok("flock", f, 8),
  fails(9, "flock", f, 0),
  ok("fcntl", f, 12, flock(3)),
  fails(9, "fcntl", { ref: "g" }, 12, flock(3)),
  fails(EINVAL, "fcntl", f, 12, flock(9)),
], { tree: { f: "" } });

scenario("flock() keeps a shared lock that it can't make exclusive without waiting", ["15.1", "13.2"], [
  opens("f", "open", "$base/f", O_RDWR, 0),
  opens("g", "open", "$base/f", 0, 0),
  ok("flock", f, 1),
  ok("flock", { ref: "g" }, 1),
  fails(EAGAIN, "flock", f, 2 | 4),
  fails(EAGAIN, "flock", { ref: "g" }, 2 | 4),
  ok("flock", f, 8),
  ok("flock", { ref: "g" }, 2 | 4),
  fails(EAGAIN, "flock", f, 2 | 4),
  ok("flock", { ref: "g" }, 8),
  ok("flock", f, 2 | 4),
], { tree: { f: "" } });

const O_EXLOCK = 0x20, O_TRUNC = 0x400;
scenario("open() truncates a file only once it is locked", ["15.1", "13.2"], [
  opens("f", "open", "$base/f", O_RDWR, 0),
  ok("flock", f, 2),
  fails(EAGAIN, "open", "$base/f", O_RDWR | O_EXLOCK | O_TRUNC | O_NONBLOCK, 0),
  gives(4, "lseek", f, 0, SEEK_END),
  ok("flock", f, 8),
  opens("g", "open", "$base/f", O_RDWR | O_EXLOCK | O_TRUNC | O_NONBLOCK, 0),
  gives(0, "lseek", f, 0, SEEK_END),
  fails(EAGAIN, "flock", f, 2 | 4),
], { tree: { f: "text" } });

test("stand-in: strerror_r() has FreeBSD's texts", () => {
  const say = (error: number) => {
    const buffer = new Uint8Array(64);
    const ret = Number(libc("strerror_r", error, buffer, 64).ret);
    return [ret, new TextDecoder().decode(buffer.subarray(0, buffer.indexOf(0)))];
  };
  assertEquals(say(93), [0, "Capabilities insufficient"]);
  assertEquals(say(94), [0, "Not permitted in capability mode"]);
  assertEquals(say(0), [0, "No error: 0"]);
  assertEquals(say(-5), [EINVAL, "Unknown error: -5"]);
  assertEquals(say(98), [EINVAL, "Unknown error: 98"]);
}, skip);

scenario(
  "a FIFO that never had a writer has no data and no end; after its last writer has closed it is at its end",
  [
    "15.1",
    "13.2",
  ],
  [
    ok("mkfifo", "$base/fifo", 0o600),
    opens("r", "open", "$base/fifo", O_NONBLOCK, 0),
    fails(EAGAIN, "read", { ref: "r" }, { out: 1 }, 1),
    gives(0, "read", { ref: "r" }, { out: 1 }, 0),
    opens("w", "open", "$base/fifo", 1, 0),
    fails(EAGAIN, "read", { ref: "r" }, { out: 1 }, 1),
    ok("close", { ref: "w" }),
    gives(0, "read", { ref: "r" }, { out: 1 }, 1),
    opens("late", "open", "$base/fifo", O_NONBLOCK, 0),
    fails(EAGAIN, "read", { ref: "late" }, { out: 1 }, 1),
  ],
);
