import { assert, assertEquals, assertThrows } from "@std/assert";
import { cString } from "../../../ffi/values.ts";
import * as freebsd from "../../../ffi/freebsd/structs.ts";
import * as linux from "../../../ffi/linux/structs.ts";
import { test } from "../../_test.ts";
import abi from "../../data/abi.json" with { type: "json" };
import samples from "../../data/struct_samples.json" with { type: "json" };

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function stat(name: string): Deno.FileInfo {
  const sample = samples.stat.find((sample) => sample.name === name);
  assert(sample, name);
  return freebsd.decodeStat(fromHex(sample.bytes));
}

/** A field of a struct by the offsets of abi.json. */
function field(struct: "stat" | "dirent", bytes: Uint8Array, name: string, at = 0): bigint {
  const { offset, size, type } = abi.structs[struct].fields.find((field) => field.name === name)!;
  const unsigned = bytes.slice(at + offset, at + offset + size)
    .reduceRight((value, byte) => value << 8n | BigInt(byte), 0n);
  return type.startsWith("i") ? BigInt.asIntN(8 * size, unsigned) : unsigned;
}

function milliseconds(bytes: Uint8Array, name: string): number {
  const { offset } = abi.structs.stat.fields.find((field) => field.name === name)!;
  const view = new DataView(bytes.buffer, offset, 16);
  return Number(view.getBigInt64(0, true) * 1000n + view.getBigInt64(8, true) / 1_000_000n);
}

test("decodeStat() decodes the recorded files", () => {
  const plain = stat("plain");
  assertEquals([plain.isFile, plain.size, plain.mode! & 0o7777, plain.nlink], [true, 0, 0o644, 2]);
  assertEquals([plain.atime, plain.mtime], [new Date(1_600_000_000_123), new Date(4_102_444_800_987)]);

  const big = stat("big");
  assertEquals([big.size, big.mode! & 0o7777, big.uid, big.gid], [5_000_000_001, 0o4751, 1001, 2002]);
  assertEquals([big.atime, big.mtime], [new Date(-86_399_500), new Date(-1001)]);

  assertEquals([stat("link").isSymlink, stat("link").isFile, stat("link").size], [true, false, 5]);
  assertEquals([stat("fifo").isFifo, stat("fifo").mode! & 0o7777], [true, 0o600]);
  assertEquals([stat("dir").isDirectory, stat("dir").mode! & 0o7777], [true, 0o755]);
  assertEquals([stat("/dev/null").isCharDevice, stat("/dev/null").isBlockDevice], [true, false]);
  assertEquals(stat("pipe").isFifo, true);
});

test("decodeStat() reads every field at its offset in the headers", () => {
  assertEquals(freebsd.statSize, abi.structs.stat.size);
  for (const { name, bytes: hex } of samples.stat) {
    const bytes = fromHex(hex);
    const get = (name: string) => Number(field("stat", bytes, name));
    const { birthtime, ...decoded } = freebsd.decodeStat(bytes);
    const type = get("st_mode") & 0o170000;
    assertEquals(decoded, {
      isFile: type === 0o100000,
      isDirectory: type === 0o040000,
      isSymlink: type === 0o120000,
      isBlockDevice: type === 0o060000,
      isCharDevice: type === 0o020000,
      isFifo: type === 0o010000,
      isSocket: type === 0o140000,
      size: get("st_size"),
      mtime: new Date(milliseconds(bytes, "st_mtim")),
      atime: new Date(milliseconds(bytes, "st_atim")),
      ctime: new Date(milliseconds(bytes, "st_ctim")),
      dev: get("st_dev"),
      ino: get("st_ino"),
      mode: get("st_mode"),
      nlink: get("st_nlink"),
      uid: get("st_uid"),
      gid: get("st_gid"),
      rdev: get("st_rdev"),
      blksize: get("st_blksize"),
      blocks: get("st_blocks"),
    }, name);
    const born = milliseconds(bytes, "st_birthtim");
    assertEquals(birthtime, born === -1000 ? null : new Date(born), name);
  }
});

test("decodeStat() reads sizes beyond 2^32, a different type for each S_IF*, and a missing birth time as null", () => {
  const bytes = new Uint8Array(224);
  const view = new DataView(bytes.buffer);
  const offset = (name: string) => abi.structs.stat.fields.find((field) => field.name === name)!.offset;
  view.setBigInt64(offset("st_size"), 2n ** 52n + 1n, true);
  view.setBigInt64(offset("st_birthtim"), -1n, true);
  const decoded = freebsd.decodeStat(bytes);
  assertEquals([decoded.size, decoded.birthtime], [2 ** 52 + 1, null]);
  const kinds = [
    [0o010000, "isFifo"],
    [0o020000, "isCharDevice"],
    [0o040000, "isDirectory"],
    [0o060000, "isBlockDevice"],
    [0o100000, "isFile"],
    [0o120000, "isSymlink"],
    [0o140000, "isSocket"],
  ] as const;
  for (const [type] of kinds) {
    view.setUint16(offset("st_mode"), type | 0o777, true);
    const decoded = freebsd.decodeStat(bytes);
    assertEquals(
      kinds.map(([, kind]) => decoded[kind]),
      kinds.map(([other]) => other === type),
      type.toString(8),
    );
  }
});

test("decodeIdentity() distinguishes inode and device numbers above 2^53, and decodeStat() returns ino as null", () => {
  const layouts = [
    { abi: freebsd, device: ["st_dev", "st_ino"].map((name) => offsetOf(name)) },
    { abi: linux, device: [136, 32] },
  ];
  for (const { abi, device: [dev, ino] } of layouts) {
    const of = (device: bigint, inode: bigint) => {
      const bytes = new Uint8Array(abi.statSize), view = new DataView(bytes.buffer);
      view.setBigUint64(dev!, device, true);
      view.setBigUint64(ino!, inode, true);
      return [abi.decodeIdentity(bytes), abi.decodeStat(bytes).ino] as const;
    };
    const huge = 2n ** 53n, [one, exact] = of(1n, huge), [next, none] = of(1n, huge + 1n);
    assertEquals([exact, none], [null, null]);
    assert(one !== next);
    assert(of(1n, 2n ** 64n - 1n)[0] !== of(1n, 2n ** 64n - 2n)[0]);
    assert(of(2n ** 63n, 1n)[0] !== of(2n ** 63n + 1n, 1n)[0]);
    assertEquals(of(7n, huge - 1n), [of(7n, huge - 1n)[0], 2 ** 53 - 1]);
    assertEquals(of(7n, huge + 5n)[0], of(7n, huge + 5n)[0]);
  }
});

function offsetOf(name: string): number {
  return abi.structs.stat.fields.find((field) => field.name === name)!.offset;
}

/** The records of a getdirentries buffer, read one after the other by the offsets of abi.json. */
function records(bytes: Uint8Array): { name: Uint8Array; type: number }[] {
  const found: { name: Uint8Array; type: number }[] = [];
  for (let at = 0; at < bytes.length; at += Number(field("dirent", bytes, "d_reclen", at))) {
    const start = at + abi.structs.dirent.fields.find((field) => field.name === "d_name")!.offset;
    const name = bytes.slice(start, start + Number(field("dirent", bytes, "d_namlen", at)));
    found.push({ name, type: Number(field("dirent", bytes, "d_type", at)) });
  }
  return found;
}

const isDots = (name: Uint8Array) => name.length <= 2 && name.every((byte) => byte === 0x2e);

/** All decoded chunks of a sample, and what stands in its buffers. */
function directory(label: string) {
  const { calls } = samples.getdirentries.find((sample) => sample.label === label)!;
  const chunks = calls.map(({ ret, bytes }) => freebsd.decodeDirectory(fromHex(bytes), ret));
  return {
    names: chunks.flatMap(({ names }) => names),
    types: chunks.flatMap(({ types }) => [...types]),
    raw: calls.flatMap(({ bytes }) => records(fromHex(bytes))).filter(({ name }) => !isDots(name)),
  };
}

for (const { label } of samples.getdirentries) {
  test(`decodeDirectory() returns each name and type, without "." and "..": ${label}`, () => {
    const { names, types, raw } = directory(label);
    assertEquals(names.length, raw.length);
    assertEquals(new Set(names).size, names.length);
    for (const [i, { name, type }] of raw.entries()) {
      const encoded = cString(names[i]!);
      assertEquals([...encoded.subarray(0, name.length + 1)], [...name, 0]);
      assertEquals(types[i], type);
    }
  });
}

test("decodeDirectory() returns the types of the recorded files", () => {
  const { names, types } = directory("tmpfs, seven kinds");
  const kinds = Object.fromEntries(names.map((name, i) => [name, types[i]]));
  const { DT_REG, DT_DIR, DT_LNK, DT_FIFO } = abi.constants;
  assertEquals(kinds, {
    big: DT_REG.value,
    dir: DT_DIR.value,
    fifo: DT_FIFO.value,
    hard: DT_REG.value,
    link: DT_LNK.value,
    plain: DT_REG.value,
  });
});

test("decodeDirectory() distinguishes names that are not UTF-8, byte by byte", () => {
  const { names } = directory("tmpfs, hard names");
  const hard = [
    "\udcff\udcfeA",
    "\udcc3(",
    "\udced\udca0\udc80",
    "\ufeffb",
    "a".repeat(255),
    " ",
    "...",
    ".hidden",
    "-dash",
  ];
  for (const name of hard) assert(names.includes(name), JSON.stringify(name));
  assertEquals(names.length, 16);
  assertEquals(names.toSorted(), directory("tmpfs, hard names in small reads").names.toSorted());
});

/** A record of getdirentries. */
function record(fileno: number, type: number, name: string, length = 32): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, fileno, true);
  view.setUint16(16, length, true);
  bytes[18] = type;
  view.setUint16(20, name.length, true);
  bytes.set(new TextEncoder().encode(name), 24);
  return bytes;
}

function decodeRecords(...all: Uint8Array[]) {
  const bytes = new Uint8Array(all.flatMap((one) => [...one]));
  const { names, types } = freebsd.decodeDirectory(bytes, bytes.length);
  return names.map((name, i) => [name, types[i]]);
}

test("decodeDirectory() leaves out removed entries and whiteouts, and keeps an unknown type", () => {
  const { DT_REG, DT_WHT } = abi.constants;
  assertEquals(
    decodeRecords(
      record(1, DT_REG.value, "a"),
      record(0, DT_REG.value, "removed"),
      record(2, DT_WHT.value, "white"),
      record(3, 0, "b"),
      record(4, DT_REG.value, "..."),
      record(5, DT_REG.value, ".x"),
    ),
    [["a", DT_REG.value], ["b", 0], ["...", DT_REG.value], [".x", DT_REG.value]],
  );
  assertEquals(decodeRecords(), []);
});

test("decodeDirectory() throws for a record that is longer than its buffer, or shorter than its name", () => {
  const good = record(1, 8, "name");
  assertEquals(decodeRecords(good), [["name", 8]]);
  const long = record(1, 8, "name");
  long[16] = 40;
  assertThrows(() => decodeRecords(long), Error, "a record of 40 bytes at byte 0 of 32");
  const short = record(1, 8, "name");
  short[20] = 20;
  assertThrows(() => decodeRecords(good, short), Error, "a record of 32 bytes at byte 32 of 64");
  const none = record(1, 8, "name");
  none[16] = 0;
  assertThrows(() => decodeRecords(none), Error, "a record of 0 bytes at byte 0 of 32");
});
