import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDirSync } from "../../mod.ts";
import { treeOf } from "../compat/fs/_tree.ts";
import { Fixture } from "../_fixture.ts";
import { test } from "../_test.ts";
import { runTool, testUsage } from "./_example.ts";
import { archive, end, gzipped, joined, type Member, member, records } from "./_tar.ts";

testUsage("untar", {
  wrong: [
    [[], /^untar: name one directory to unpack to; see --help\.$/m],
    [["one", "two"], /name one directory/],
    [["-x", "."], /there is no option "-x"/],
    [["--max-bytes=many", "."], /--max-bytes takes a number/],
    [["--max-entries", "."], /--max-entries takes a number/],
    [[".", " --max-bytes"], /name one directory/],
    [[".", "--max-bytes"], /--max-bytes takes a number/],
    [["--unprotected=yes", "."], /there is no option "--unprotected=yes"/],
  ],
  right: ["."],
  failure: 1,
});

/** "in", where archives are unpacked, and "out", where nothing of them may come. */
class Place implements Disposable {
  readonly fixture: Fixture = new Fixture({ in: {}, out: { secret: "CANARY" }, secret: "CANARY" });
  readonly #outside = this.#look();

  #look(): string {
    const entries = [...treeOf(this.fixture.path)].filter(([path]) => !/^in(\/|$)/.test(path));
    return JSON.stringify(entries.map(([path, { mode, text, mtime }]) => [path, mode, text, path && mtime]));
  }

  /** Unpacks, and fails where anything outside was touched or came in. */
  async untar(input: Uint8Array, ...args: string[]): Promise<{ code: number; stderr: string }> {
    const { code, stdout, stderr } = await runTool("untar", [...args, this.fixture.at("in")], {
      stdin: input,
    });
    assertEquals(stdout, "");
    assertEquals(this.#look(), this.#outside);
    for (const [path, { text }] of this.tree) assert(!text?.includes("CANARY"), path);
    return { code, stderr };
  }

  get tree(): ReturnType<typeof treeOf> {
    return treeOf(this.fixture.at("in"));
  }

  /** What files hold, where symlinks lead, and "/" for a directory. */
  get texts(): Record<string, string> {
    const entries = [...this.tree].filter(([path]) => path !== "");
    return Object.fromEntries(
      entries.map((
        [path, { type, text }],
      ) => [path, type === "directory" ? "/" : type === "symlink" ? `-> ${text}` : text ?? type]),
    );
  }

  [Symbol.dispose](): void {
    this.fixture[Symbol.dispose]();
  }
}

const honest: Member[] = [
  { name: "./", type: "5", mode: 0o755 },
  { name: "dir/", type: "5", mode: 0o555 },
  { name: "dir/file", data: "text", mtime: 1_234_567_890 },
  { name: "dir/script", data: "#!", mode: 0o700 },
  { name: "empty" },
  { name: "made/on/the/way", data: "x".repeat(1500) },
  { name: "link", type: "2", link: "dir/file" },
  { name: "dir/up", type: "2", link: "../made/on" },
  { name: "hard", type: "1", link: "./dir/file" },
];
const unpacked = {
  dir: "/",
  "dir/file": "text",
  "dir/script": "#!",
  "dir/up": "-> ../made/on",
  empty: "",
  hard: "text",
  link: "-> dir/file",
  made: "/",
  "made/on": "/",
  "made/on/the": "/",
  "made/on/the/way": "x".repeat(1500),
};

test("untar.ts makes the files, directories and links of an honest archive, by gzip or not", async () => {
  for (
    const input of [archive(...honest), await gzipped(archive(...honest)), joined([archive(...honest), end])]
  ) {
    using place = new Place();
    assertEquals(await place.untar(input), { code: 0, stderr: "" });
    assertEquals(place.texts, unpacked);
    assertEquals(place.fixture.stat("in/dir/file").mtime, new Date(1_234_567_890_000));
    assertEquals(place.fixture.stat("in/dir/script").mode! & 0o7777, 0o700);
    assertEquals(place.fixture.stat("in/hard").nlink, 2);
  }
});

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
  assertEquals([code, stderr.split("\n")[0]], [1, 'untar: refused "paxlink": it leads out.']);
  using dir = openDirSync(place.fixture.at("in"));
  assertEquals(dir.readTextFileSync("caf\udce9"), "latin");
  assertEquals(dir.readTextFileSync(`${"p".repeat(50)}/${"n".repeat(100)}`), "ustar");
  for (const kind of ["pax", "gnu"]) assertEquals(dir.readTextFileSync(`${kind}/${long}`), kind);
  assertEquals(dir.statSync(`pax/${long}`).mtime, new Date(1500));
  assertEquals(dir.readLinkSync("gnulink"), `gnu/${long}`);
  assertEquals([dir.statSync("after g").mtime, dir.readTextFileSync("old/file")], [new Date(7000), "v7"]);
});

const data = "CHANGED";
/** Archives that want out: the members, and those names that are refused. */
const hostile: Record<string, [members: Member[], refused: string[]]> = {
  "an absolute path": [[{ name: "$out/new", data }, { name: "//$out/new", data }], [
    "$out/new",
    "//$out/new",
  ]],
  '".."': [
    [{ name: "../new", data }, { name: "a/../../new", data }, { name: "..", type: "5" }, {
      name: "a/..",
      type: "5",
    }],
    ["../new", "a/../../new", "..", "a/.."],
  ],
  '".." by a prefix': [[{ name: "new", prefix: "../out", data }], ["../out/new"]],
  '".." by pax': [
    [{ name: "x", type: "x", data: records({ path: "../out/new" }) }, { name: "a", data }],
    ["../out/new"],
  ],
  '".." by a global pax header': [
    [{ name: "g", type: "g", data: records({ path: "../out/new" }) }, { name: "a", data }],
    ["../out/new"],
  ],
  '".." by a long name': [[{ name: "L", type: "L", data: "../out/new\0" }, { name: "a", data }], [
    "../out/new",
  ]],
  "a symlink and a file behind it": [
    [{ name: "l", type: "2", link: "../out" }, { name: "l/new", data }, { name: "l/secret", data }],
    ["l"],
  ],
  "an absolute symlink": [[{ name: "l", type: "2", link: "$out" }], ["l"]],
  "a file in the place of a symlink": [
    [{ name: "l", type: "2", link: "f" }, { name: "l", data }, { name: "l/x", data }],
    ["l", "l/x"],
  ],
  "a symlink to a directory and a file behind it": [
    [{ name: "d", type: "5" }, { name: "l", type: "2", link: "d" }, { name: "l/x", data }, {
      name: "l/s/x",
      data,
    }],
    ["l/x", "l/s/x"],
  ],
  "a directory in the place of a symlink": [
    [{ name: "d", type: "5" }, { name: "l", type: "2", link: "d" }, { name: "l", type: "5" }],
    ["l"],
  ],
  "symlinks that lead out together": [
    [
      { name: "a/b", type: "5" },
      { name: "a/b/top", type: "2", link: "../.." },
      { name: "out", type: "2", link: "a/b/top/.." },
      { name: "out2", type: "2", link: "a/b/../../.." },
      { name: "a/out3", type: "2", link: "./../../out" },
      { name: "a/out4", type: "2", link: "..//.." },
      { name: "a/out5", type: "2", link: "" },
    ],
    ["out", "out2", "a/out3", "a/out4", "a/out5"],
  ],
  "hard links out": [
    [
      { name: "h1", type: "1", link: "../secret" },
      { name: "h2", type: "1", link: "$out/secret" },
      { name: "h3", type: "1", link: "before" },
      { name: "l", type: "2", link: "before" },
      { name: "h4", type: "1", link: "l" },
      { name: "h5", type: "1", link: "" },
    ],
    ["h1", "h2", "h3", "h4", "h5"],
  ],
  "what is there already": [[{ name: "before", data }, { name: "before/x", data }], ["before", "before/x"]],
  "devices and FIFOs": [
    ["3", "4", "6", "S", "V", "Z"].map((type) => ({ name: `t${type}`, type })),
    ["t3", "t4", "t6", "tS", "tV", "tZ"],
  ],
  "names that are none": [[{ name: "", data }, { name: ".", data }, {
    name: "n".repeat(99),
    prefix: "p".repeat(155),
  }], ["", "."]],
};

for (const [what, [members, refused]] of Object.entries(hostile)) {
  test(`untar.ts refuses ${what}, and goes on`, async () => {
    using place = new Place();
    const { fixture } = place, place_ = (text = "") => text.replace("$out", fixture.at("out").slice(0, 90));
    fixture.write("in/before", "before");
    const { code, stderr } = await place.untar(archive(
      ...members.map((one) => ({ ...one, name: place_(one.name), link: place_(one.link) })),
      { name: "last/g", type: "g", data: records({ path: "last/file" }) },
      { name: "last/file", data: "honest" },
    ));
    assertEquals(code, 1);
    const lines = stderr.trimEnd().split("\n"), last = lines.pop();
    assertMatch(last!, /^untar: \d+ of \d+ entries were refused\.$/);
    const names = lines.map((line) => JSON.parse(/^untar: refused (".*?"): \S.*[^.]\.$/.exec(line)![1]!));
    assertEquals(names, refused.map(place_));
    assertEquals(place.texts["last/file"], "honest");
    assertEquals(fixture.read("in/before"), "before");
    const made = [...place.tree.values()].filter(({ type, text }) =>
      type === "symlink" && /^\/|CANARY/.test(text!)
    );
    assertEquals(made, []);
  });
}

test("untar.ts makes nothing setuid, setgid or sticky, nor a directory that its owner can't use", async () => {
  using place = new Place();
  const input = archive(
    { name: "file", mode: 0o7755, data: "x" },
    { name: "dir", type: "5", mode: 0o7000 },
    { name: "dir/file", mode: 0o2600, data: "x" },
  );
  assertEquals(await place.untar(input), { code: 0, stderr: "" });
  const mode = (path: string) => place.fixture.stat(`in/${path}`).mode! & 0o7777;
  assertEquals([mode("file") & 0o7700, mode("dir"), mode("dir/file")], [0o700, 0o700, 0o600]);
});

/** Archives that are no more to be trusted from some place on, and why. */
const damaged: Record<string, [input: Uint8Array, why: string]> = {
  "no bytes": [new Uint8Array(), "it is cut off"],
  "no archive": [new Uint8Array(2048).fill(65), "is none"],
  "a wrong checksum": [archive({ name: "a", checksum: 1 }), "a header in it has another checksum"],
  "no end": [member({ name: "a", data: "x" }), "it is cut off"],
  "a size that is no number": [archive({ name: "a", size: "0000000000x\0" }), "a number in it is none"],
  "a negative size": [archive({ name: "a", size: "\xff".repeat(12) }), "a number in it is none"],
  "a size beyond its end": [archive({ name: "a", size: "77777777777\0" }), "it is cut off"],
  "a directory with data": [
    archive({ name: "a", type: "5", data: "x" }),
    "a link or directory in it has data",
  ],
  "a hard link with data": [
    archive({ name: "a", type: "1", data: "x" }),
    "a link or directory in it has data",
  ],
  "an endless name": [
    archive({ name: "L", type: "L", size: "77777777777\0" }),
    "a name in it has more than 1 MiB",
  ],
  "a pax size that is none": [
    archive({ name: "x", type: "x", data: records({ size: "-1" }) }, { name: "a" }),
    "a number in it is none",
  ],
  "a pax header without a length": [
    archive({ name: "x", type: "x", data: "path=a\n" }),
    "a number in it is none",
  ],
  "a pax header of length 0": [archive({ name: "x", type: "x", data: "0 path=a\n" }), "a pax header is none"],
  "a pax header that is too long": [
    archive({ name: "x", type: "x", data: "99 path=a\n" }),
    "a pax header is none",
  ],
  "a NUL in a pax path": [
    archive({ name: "x", type: "x", data: records({ path: "a\0b" }) }, { name: "c" }),
    "a pax header is none",
  ],
};

for (const [what, [input, why]] of Object.entries(damaged)) {
  test(`untar.ts ends at an archive with ${what}`, async () => {
    using place = new Place();
    const { code, stderr } = await place.untar(joined([member({ name: "before", data: "x" }), input]));
    assertEquals([code, place.texts.before], [1, "x"]);
    assertMatch(stderr, /^untar: after \d+ entries the archive is of no use: [^\n]+\.\n$/);
    assertStringIncludes(stderr, why);
  });
}

test("untar.ts ends with code 1 wherever an archive is cut off, and leaves no part of a file", async () => {
  const whole = archive(...honest), small = await gzipped(whole);
  const cut = [0, 1, 100, 511, 512, 513, 1024, 1600, 3000, whole.length - 1025].map((at) =>
    whole.subarray(0, at)
  );
  const cutSmall = [2, 10, small.length >> 1, small.length - 9, small.length - 1].map((at) =>
    small.subarray(0, at)
  );
  const spoiled = small.slice();
  spoiled[small.length - 5]! ^= 1;
  for (const input of [...cut, ...cutSmall, spoiled]) {
    using place = new Place();
    const { code, stderr } = await place.untar(input);
    assertEquals(code, 1, `${input.length} bytes`);
    assertMatch(stderr, /^untar: after \d+ entries the archive is of no use: /);
    for (const [path, text] of Object.entries(place.texts)) assertEquals(text, unpacked[path as "dir"], path);
  }
});

test("untar.ts stays within the bytes and entries that it is told, also of what expands", async () => {
  using place = new Place();
  const bomb = await gzipped(archive({ name: "zeros", data: new Uint8Array(5_000_000) }));
  assert(bomb.length < 10_000);
  const { code, stderr } = await place.untar(bomb, "--max-bytes=1000000");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "it has more bytes than it may");
  assertEquals(place.texts, {});
  const many = archive(...Array.from({ length: 20 }, (_, i) => ({ name: `file${i}` })));
  assertStringIncludes(
    (await place.untar(many, "--max-entries", "10")).stderr,
    "it has more entries than it may",
  );
  assertEquals(Object.keys(place.texts).length, 10);
});

test("untar.ts keeps within its directory whatever bytes of an archive are changed", async () => {
  const whole = archive(
    { name: "l", type: "2", link: "../out" },
    { name: "x", type: "x", data: records({ path: "../out/new", linkpath: "../out" }) },
    { name: "a", data: "x" },
    { name: "h", type: "1", link: "../secret" },
    { name: "../new", data: "x" },
  );
  let seed = 12345;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  for (let i = 0; i < 25; i++) {
    const input = whole.slice();
    for (let change = 0; change < 4; change++) {
      const header = [0, 512, 1536, 2560, 3072][random(5)]!;
      input[header + [0, 1, 2, 156, 157, 158, 345, 346][random(8)]!] = random(256);
    }
    // With right checksums, or hardly one would get any further.
    for (const at of [0, 512, 1536, 2560, 3072]) {
      input.fill(32, at + 148, at + 156);
      const sum = input.subarray(at, at + 512).reduce((sum, byte) => sum + byte, 0);
      input.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), at + 148);
    }
    using place = new Place();
    await place.untar(input);
  }
});
