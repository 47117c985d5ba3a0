/** The formats of archives, which no kernel changes. */
import { crc32 } from "node:zlib";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDirSync } from "../../mod.ts";
import { test } from "../_test.ts";
import { archive, end, gzipped, joined, member, records } from "./_tar.ts";
import { honest, Place, unpacked } from "./_untar.ts";

test("untar.ts reads long names and sizes of ustar, pax and GNU, and names that are not UTF-8", async () => {
  const long = `${"d".repeat(90)}/${"n".repeat(120)}`;
  const input = archive(
    { name: "n".repeat(100), prefix: "p".repeat(50), data: "ustar" },
    { name: "x", type: "x", data: records({ path: `pax/${long}`, size: "3", mtime: "1.5", comment: "é" }) },
    { name: "cut", data: "pax", size: "00000000000\0" },
    { name: "x", type: "x", data: records({ linkpath: "n/../../", path: "paxlink" }) },
    { name: "y", type: "2" },
    { name: "././@LongLink", type: "L", data: `gnu/${long}\0`, magic: "ustar  \0" },
    { name: "cut", data: "gnu", magic: "ustar  \0", prefix: "no prefix" },
    { name: "././@LongLink", type: "K", data: `gnu/${long}\0`, magic: "ustar  \0" },
    { name: "gnulink", type: "2", link: "cut" },
    { name: "g", type: "g", data: records({ mtime: "7" }) },
    { name: "after g", data: "g" },
    { name: "old/", type: "\0", magic: "" },
    { name: "old/file", type: "\0", magic: "", data: "v7" },
    { name: "caf\xe9", data: "latin" },
  );
  using place = new Place();
  const { code, stderr } = await place.untar(input);
  assertEquals([code, stderr.split("\n")[0]], [
    1,
    'untar: refused "paxlink": the link leaves DIRECTORY.',
  ]);
  using dir = openDirSync(place.fixture.at("in"));
  assertEquals(dir.readTextFileSync("caf\udce9"), "latin");
  assertEquals(dir.readTextFileSync(`${"p".repeat(50)}/${"n".repeat(100)}`), "ustar");
  for (const kind of ["pax", "gnu"]) assertEquals(dir.readTextFileSync(`${kind}/${long}`), kind);
  assertEquals(dir.statSync(`pax/${long}`).mtime, new Date(1500));
  assertEquals(dir.readLinkSync("gnulink"), `gnu/${long}`);
  assertEquals([dir.statSync("after g").mtime, dir.readTextFileSync("old/file")], [new Date(7000), "v7"]);
});

/** Archives that can't be read further from some place on, and why. */
const damaged: Record<string, [input: Uint8Array, why: string]> = {
  "half a header": [member({ name: "a" }).subarray(0, 300), "it is cut off"],
  "half of a file": [member({ name: "a", data: "x".repeat(900) }).subarray(0, 1024), "it is cut off"],
  "a short last block": [member({ name: "a", data: "x" }).subarray(0, 513), "it is cut off"],
  "a size beyond its end": [archive({ name: "a", size: "77777777777\0" }), "it is cut off"],
  "an endless name": [
    archive({ name: "L", type: "L", size: "77777777777\0" }),
    "a header in it has more than 16777216 bytes",
  ],
};

for (const [what, [input, why]] of Object.entries(damaged)) {
  test(`untar.ts stops at an archive with ${what}`, async () => {
    using place = new Place();
    const { code, stderr } = await place.untar(joined([member({ name: "before", data: "x" }), input]));
    const { before, a = "x" } = place.texts;
    assertEquals([code, before, a], [1, "x", "x"]);
    assertMatch(stderr, /^untar: stopped after \d+ entries of the archive: [^\n]+\.\n$/);
    assertStringIncludes(stderr, why);
  });
}

const anArchive = archive({ name: "a", data: "x" });
/** Inputs that are not an archive, or not a supported one, and why. */
const foreign: Record<string, [input: Uint8Array, why: string]> = {
  "no bytes": [new Uint8Array(), "it is empty"],
  "a few bytes": [new Uint8Array(10).fill(65), "it is not a tar archive"],
  "other blocks": [new Uint8Array(2048).fill(65), "it is not a tar archive"],
  "a gzip of something else": [await gzipped(new Uint8Array(2048).fill(65)), "it is not a tar archive"],
  "bzip2": [joined([new TextEncoder().encode("BZh91AY&SY"), anArchive]), "it is compressed by bzip2"],
  "xz": [new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0]), "it is compressed by xz"],
  "zstd": [joined([new Uint8Array([0x28, 0xb5, 0x2f, 0xfd]), anArchive]), "it is compressed by zstd"],
};

for (const [what, [input, why]] of Object.entries(foreign)) {
  test(`untar.ts refuses ${what} with a message`, async () => {
    using place = new Place();
    const { code, stderr } = await place.untar(input);
    assertEquals([code, place.texts], [1, {}]);
    assertMatch(stderr, /^untar: stopped after 0 entries of the archive: [^\n]+\.\n$/);
    assertStringIncludes(stderr, why);
  });
}

/** Archives with something wrong in one place: the messages about it, and the files that must still be unpacked. */
const faulty: Record<string, [input: Uint8Array, lines: RegExp[], texts: Record<string, string>]> = {
  "what is no header between its entries": [
    joined([
      member({ name: "a", data: "x" }),
      new Uint8Array(1536).fill(65),
      archive({ name: "b", data: "y" }),
    ]),
    [/^a header has another checksum; skipping to the next one$/],
    { a: "x", b: "y" },
  ],
  "a size that is no number": [
    archive({ name: "a", size: "0000000000x\0" }, { name: "b", data: "y" }),
    [/^the size in a header is not a number of bytes; skipping/],
    { b: "y" },
  ],
  "a negative size": [
    archive({ name: "a", size: "\xff".repeat(12), data: "x" }, { name: "b", data: "y" }),
    [/^the size in a header is not a number of bytes; skipping/],
    { b: "y" },
  ],
  "a mode that is no number": [
    archive({ name: "a", raw: { 100: "mode" }, data: "x" }),
    [/^"a": its mode is not a number$/],
    { a: "x" },
  ],
  "times that are none": [
    archive(
      { name: "a", raw: { 136: "long ago    " }, data: "x" },
      { name: "x", type: "x", data: records({ mtime: "soon" }) },
      { name: "b" },
      { name: "x", type: "x", data: records({ mtime: `1${"0".repeat(19)}` }) },
      { name: "c" },
      { name: "d", raw: { 136: `\x80${"\x7f".repeat(11)}` } },
    ),
    ["a", "b", "c", "d"].map((name) => new RegExp(`^"${name}": its time is not a number in range$`)),
    { a: "x", b: "", c: "", d: "" },
  ],
  "malformed pax headers": [
    archive(
      ...["path=b\n", "0 path=b\n", "99 path=b\n", "9 path=b ", "7 =b\n", "6 path\n"].flatMap((data, i) => [
        { name: "x", type: "x", data },
        { name: `a${i}`, data: "x" },
      ]),
      { name: "x", type: "x", data: records({ size: "-1" }) },
      { name: "a6", data: "x" },
      { name: "last" },
    ),
    [
      ...Array.from({ length: 7 }, (_, i) => new RegExp(`^refused "a${i}": its pax header is malformed$`)),
      /^7 of 8/,
    ],
    { last: "" },
  ],
  "a pax header for nothing": [
    archive({ name: "a", data: "x" }, { name: "x", type: "x", data: records({ path: "b" }) }),
    [/^its last header is for no entry$/],
    { a: "x" },
  ],
};

for (const [what, [input, lines, texts]] of Object.entries(faulty)) {
  test(`untar.ts continues after ${what}, with a message and exit code 1`, async () => {
    using place = new Place();
    const { code, stderr } = await place.untar(input);
    assertEquals([code, place.texts], [1, texts]);
    const said = stderr.trimEnd().split("\n");
    assertEquals(said.length, lines.length, stderr);
    for (const [i, line] of lines.entries()) assertMatch(/^untar: (.*)\.$/.exec(said[i]!)![1]!, line);
  });
}

const base256 = (value: bigint) => {
  return Uint8Array.from(
    { length: 12 },
    (_, i) => Number(value >> BigInt(8 * (11 - i)) & 255n) | (i ? 0 : 128),
  );
};

/** Entries that GNU tar and bsdtar unpack, and their times. */
const accepted: Record<
  string,
  [input: Uint8Array, texts: Record<string, string>, mtime?: number, warning?: RegExp]
> = {
  "no blocks at its end": [member({ name: "a", data: "x" }), { a: "x" }],
  "one block of zeros at its end": [joined([member({ name: "a", data: "x" }), new Uint8Array(512)]), {
    a: "x",
  }],
  "one block of zeros, and something behind it": [
    joined([member({ name: "a", data: "x" }), new Uint8Array(512), anArchive]),
    { a: "x" },
    1e9,
    /^untar: one block of zeros ends the archive; what follows is ignored\.\n$/,
  ],
  "another archive behind it": [joined([anArchive, archive({ name: "b" })]), { a: "x" }],
  "no entries": [end, {}],
  "no bytes in gzip": [await gzipped(new Uint8Array()), {}],
  "two pax headers, of which the last counts": [
    archive(
      { name: "x", type: "x", data: records({ path: "first", mtime: "5000" }) },
      { name: "x", type: "x", data: records({ mtime: "7000" }) },
      { name: "a", data: "x" },
      { name: "x", type: "x", data: records({ mtime: "5000" }) },
      { name: "x", type: "x", data: records({ path: "b" }) },
      { name: "cut", data: "y" },
    ),
    { a: "x", b: "y" },
    7000,
  ],
  "NULs and other bytes in pax values": [
    archive(
      {
        name: "x",
        type: "x",
        data: records({ "SCHILY.xattr.user.a": "\x01\0\0\xff=\n", "RHT.security.selinux": "a:b\0" }),
      },
      { name: "a", data: "x" },
      { name: "X", type: "X", data: `${records({ hdrcharset: "BINARY", path: "b\0" })}\0\0` },
      { name: "cut", data: "y" },
    ),
    { a: "x", b: "y" },
  ],
  "pax values that are taken back": [
    archive(
      { name: "g", type: "g", data: records({ mtime: "7", path: "b" }) },
      { name: "x", type: "x", data: records({ path: "", mtime: "" }) },
      { name: "a", data: "x" },
      { name: "g", type: "g", data: records({ path: "" }) },
      { name: "c", data: "y" },
    ),
    { a: "x", c: "y" },
  ],
  "a fraction of a second": [
    archive({ name: "x", type: "x", data: records({ mtime: "1234567890.987654321" }) }, { name: "a" }),
    { a: "" },
    1234567890.987,
  ],
  "a time before 1970": [
    archive({ name: "x", type: "x", data: records({ mtime: "-2.5" }) }, { name: "a" }),
    { a: "" },
    -2.5,
  ],
  "a negative time in base 256": [archive({ name: "a", raw: { 136: base256(-10n) } }), { a: "" }, -10],
  "numbers in base 256": [
    archive({ name: "a", data: "x", raw: { 124: base256(1n), 136: base256(5_000_000_000n) } }),
    { a: "x" },
    5_000_000_000,
  ],
  "numbers with spaces, without an end, or blank": [
    archive(
      { name: "a", data: "x", size: "          1 " },
      { name: "b", data: "y", size: "000000000001" },
      { name: "c", size: "\0".repeat(12), raw: { 108: "\0".repeat(16) } },
    ),
    { a: "x", b: "y", c: "" },
  ],
  "a NUL before its numbers": [
    archive({
      name: "a",
      data: "x",
      size: "\x00          1",
      raw: { 100: "\x00   644 ", 136: "\x0000000001000" },
    }),
    { a: "x" },
    512,
  ],
  "sizes of directories and links that have no data": [
    archive(
      { name: "d/", type: "5", size: "00000001000\0", mode: 0o755 },
      { name: "old/", type: "\0", size: "00000001000\0", magic: "" },
      { name: "a", data: "x" },
      { name: "h", type: "1", link: "a", size: "00000000001\0" },
      { name: "g", type: "1", link: "a", size: "00000000001\0", magic: "ustar  \0" },
      { name: "s", type: "2", link: "a", size: "00000001000\0" },
    ),
    { a: "x", d: "/", g: "x", h: "x", old: "/", s: "-> a" },
  ],
  "the data of hard links": [
    archive(
      { name: "a", data: "x" },
      { name: "h", type: "1", link: "a", data: "x" },
      { name: "x", type: "x", data: records({ size: "1" }) },
      { name: "g", type: "1", link: "a", data: "x", size: "" },
      { name: "b", data: "y" },
    ),
    { a: "x", b: "y", g: "x", h: "x" },
  ],
  "several long names, and pax after all": [
    archive(
      { name: "L", type: "L", data: "one\0" },
      { name: "L", type: "L", data: "two" },
      { name: "cut", data: "x" },
      { name: "x", type: "x", data: records({ path: "three" }) },
      { name: "L", type: "L", data: "four\0" },
      { name: "cut", data: "y" },
    ),
    { two: "x", three: "y" },
  ],
  "a volume's name, and a dumped directory": [
    archive({ name: "label", type: "V" }, { name: "d/", type: "D", data: "Ya\0\0", mode: 0o755 }, {
      name: "a",
    }),
    { a: "", d: "/" },
  ],
  "a type of the future": [
    archive({ name: "a", type: "8", data: "x" }),
    { a: "x" },
    1e9,
    /^untar: "a" has the unknown type "8", unpacked as a file\.\n$/,
  ],
  "a name like a compressed file's": [archive({ name: "BZh9", data: "x" }), { BZh9: "x" }],
};

for (const [what, [input, texts, mtime, warning = /^$/]] of Object.entries(accepted)) {
  test(`untar.ts unpacks an archive with ${what}`, async () => {
    using place = new Place();
    const { code, stderr } = await place.untar(input);
    assertEquals([code, place.texts], [0, texts], stderr);
    assertMatch(stderr, warning);
    if (mtime === undefined) return;
    // Deno 2.7 returns a time before 1970 as a time after it.
    using dir = openDirSync(place.fixture.at("in"));
    assertEquals(dir.statSync("a").mtime, new Date(mtime * 1000));
  });
}

test("untar.ts accepts checksums of signed bytes, and reads no prefix in GNU and V7 headers or after star's field", async () => {
  using place = new Place();
  const signed = (block: Uint8Array) =>
    block.subarray(0, 148).reduce((sum, byte) => sum + (byte << 24 >> 24), 0);
  const name = "caf\xe9", rest = member({ name, data: "x", checksum: 0 });
  const sum = signed(rest) + 8 * 32 + rest.subarray(156, 512).reduce((sum, byte) => sum + byte, 0);
  const { code } = await place.untar(archive(
    { name, data: "x", checksum: sum },
    { name: "gnu", magic: "ustar  \0", prefix: "p" },
    { name: "old", magic: "", prefix: "p" },
    { name: "star", prefix: "p", raw: { 476: "00000000000 00000000000 \0\0\0\0\0\0\0\0tar\0" } },
  ));
  assertEquals(code, 0);
  using dir = openDirSync(place.fixture.at("in"));
  assertEquals(dir.readTextFileSync("caf\udce9"), "x");
  assertEquals(dir.listSync().sort(), ["caf\udce9", "gnu", "old", "p"]);
  assertEquals(dir.listSync("p"), ["star"]);
});

test("untar.ts reads several gzip members, followed by zeros", async () => {
  const whole = archive({ name: "a", data: "x".repeat(5000) }, { name: "b", data: "y" });
  const parts = await Promise.all([whole.slice(0, 1000), new Uint8Array(), whole.slice(1000)].map(gzipped));
  const ignored = "untar: what follows the gzip data is ignored.\n";
  for (
    const [behind, stderr] of [
      [new Uint8Array(), ""],
      [new Uint8Array(5000), ""],
      [new TextEncoder().encode("garbage"), ignored],
      [joined([new Uint8Array(5000), anArchive]), ignored],
    ] as const
  ) {
    using place = new Place();
    assertEquals(await place.untar(joined([...parts, behind])), { code: 0, stderr });
    assertEquals(place.texts, { a: "x".repeat(5000), b: "y" });
  }
});

test("untar.ts reads every field of a gzip header, and refuses a header whose checksum is wrong", async () => {
  const small = await gzipped(anArchive), text = new TextEncoder();
  const FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16;
  const fields = [new Uint8Array([3, 0, 0, 1, 2]), text.encode("name\0"), text.encode("comment\0")];
  const header = joined([small.subarray(0, 10), ...fields]);
  header[3] = FHCRC | FEXTRA | FNAME | FCOMMENT;
  const sum = crc32(header) & 0xffff, low = sum & 0xff, high = sum >> 8;
  for (
    const [checksum, code] of [[[low, high], 0], [[low ^ 1, high], 1], [[low, high ^ 0x80], 1]] as const
  ) {
    using place = new Place();
    const result = await place.untar(joined([header, new Uint8Array(checksum), small.subarray(10)]));
    assertEquals([result.code, Object.keys(place.texts).length > 0], [code, code === 0]);
    assertEquals(/damaged: the checksum of its header is wrong/.test(result.stderr), code === 1);
  }
});

test("untar.ts exits with 1 for gzip data that is cut off or changed, and keeps the earlier entries", async () => {
  const small = await gzipped(archive({ name: "a", data: crypto.getRandomValues(new Uint8Array(3000)) }));
  for (
    const [input, why] of [
      [small.subarray(0, small.length - 1), "it is cut off"],
      [small.subarray(0, 1500), "it is cut off"],
      [joined([small, small.subarray(0, 5)]), "it is cut off"],
      [small.map((byte, i) => i === small.length - 5 ? byte ^ 1 : byte), "its checksum is wrong"],
      [small.map((byte, i) => i === small.length - 1 ? byte ^ 1 : byte), "its checksum is wrong"],
      [joined([small, new Uint8Array([0x1f, 0x8b, 7, ...new Uint8Array(20)])]), "its header is not valid"],
    ] as const
  ) {
    using place = new Place();
    const { code, stderr } = await place.untar(input);
    assertEquals(code, 1);
    assertMatch(stderr, /^untar: stopped after \d+ entries of the archive: [^\n]+\.\n$/);
    assertStringIncludes(stderr, why);
    assert(["", "a"].includes(Object.keys(place.texts).join()));
  }
});
test("untar.ts exits with 1 if an archive is cut off at any place, and leaves no partial file", async () => {
  const whole = archive(...honest), small = await gzipped(whole);
  const cut = [0, 1, 100, 511, 513, 1025, 1600, 3000, whole.length - 1025].map((at) => whole.subarray(0, at));
  const cutSmall = [2, 10, small.length >> 1, small.length - 9, small.length - 1].map((at) =>
    small.subarray(0, at)
  );
  const spoiled = small.slice();
  spoiled[small.length - 5]! ^= 1;
  for (const input of [...cut, ...cutSmall, spoiled]) {
    using place = new Place();
    const { code, stderr } = await place.untar(input);
    assertEquals(code, 1, `${input.length} bytes`);
    assertMatch(stderr, /^untar: stopped after \d+ entries of the archive: /);
    for (const [path, text] of Object.entries(place.texts)) assertEquals(text, unpacked[path as "dir"], path);
  }
});
