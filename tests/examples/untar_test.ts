import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDirSync } from "../../mod.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { archive, end, gzipped, joined, type Member, oldSparse, records } from "./_tar.ts";
import { honest, Place, unpacked } from "./_untar.ts";

test("untar.ts creates the files, directories and links of a valid archive, plain or compressed by gzip", async () => {
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

const data = "CHANGED";
/** Archives that try to leave the directory: their members, and the names that must be refused. */
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
    ["3", "4", "6", "S", "M", "Z"].map((type) => ({ name: `t${type}`, type })),
    ["t3", "t4", "t6", "tS", "tM", "tZ"],
  ],
  "names that are none": [[{ name: "", data }, { name: ".", data }, {
    name: "n".repeat(99),
    prefix: "p".repeat(155),
  }], ["", "."]],
};

for (const [what, [members, refused]] of Object.entries(hostile)) {
  test(`untar.ts refuses ${what}, and continues`, async () => {
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
    assert(!stderr.includes('write "."'), stderr);
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

test("untar.ts creates nothing with setuid, setgid or sticky", async () => {
  using place = new Place();
  const input = archive(
    { name: "file", mode: 0o7755, data: "x" },
    { name: "dir", type: "5", mode: 0o7700 },
    { name: "dir/file", mode: 0o2600, data: "x" },
  );
  assertEquals(await place.untar(input), { code: 0, stderr: "" });
  const mode = (path: string) => place.fixture.stat(`in/${path}`).mode! & 0o7777;
  assertEquals([mode("file") & 0o7700, mode("dir"), mode("dir/file")], [0o700, 0o700, 0o600]);
});

test("untar.ts fills directories that are read-only or closed, and then gives them their modes", async () => {
  using place = new Place();
  const closed = ["dir", "dir/sub", "none"];
  const input = archive(
    { name: "dir/", type: "5", mode: 0o555, mtime: 1000 },
    { name: "dir/file", data: "x" },
    { name: "none/", type: "5", mode: 0, mtime: 2000 },
    { name: "dir/sub/", type: "5", mode: 0o400, mtime: 3000 },
    { name: "dir/sub/file", data: "y" },
    { name: "none/file", data: "z" },
  );
  assertEquals(await place.untar(input), { code: 0, stderr: "" });
  const about = closed.map((path) => {
    const { mode, mtime } = place.fixture.stat(`in/${path}`);
    place.fixture.chmod(`in/${path}`, 0o700);
    return [mode! & 0o7777, mtime!.getTime()];
  });
  assertEquals(about, [[0o555, 1000_000], [0o400, 3000_000], [0, 2000_000]]);
  assertEquals(place.texts, {
    dir: "/",
    "dir/file": "x",
    "dir/sub": "/",
    "dir/sub/file": "y",
    none: "/",
    "none/file": "z",
  });
});

test("untar.ts gives a symlink the time of its entry, and not the file that it names", async () => {
  using place = new Place();
  const { code, stderr } = await place.untar(archive(
    { name: "d/a", data: "x", mtime: 1000 },
    { name: "d/link", type: "2", link: "a", mtime: 2000 },
    { name: "link", type: "2", link: "d", mtime: 3000 },
    { name: "dangling", type: "2", link: "none", mtime: 4000 },
  ));
  assertEquals([code, stderr], [0, ""]);
  using dir = openDirSync(place.fixture.at("in"));
  const times = (...paths: string[]) => paths.map((path) => dir.lstatSync(path).mtime!.getTime() / 1000);
  assertEquals(times("d/a"), [1000]);
  // The sandbox on Linux refuses utimensat(2) with a path.
  if (kernel.hasCapsicum) assertEquals(times("d/link", "link", "dangling"), [2000, 3000, 4000]);
});

test("untar.ts gives a directory the permissions of its last entry, without the umask", async () => {
  using place = new Place();
  const { code, stderr } = await place.untar(archive(
    { name: "wider/", type: "5", mode: 0o700 },
    { name: "narrower/", type: "5", mode: 0o755 },
    { name: "wider/", type: "5", mode: 0o777 },
    { name: "narrower/", type: "5", mode: 0o500 },
  ));
  assertEquals([code, stderr], [0, ""]);
  place.fixture.add({ "made here": {} });
  const modeOf = (path: string) => place.fixture.stat(path).mode! & 0o777;
  assertEquals([modeOf("in/wider"), modeOf("in/narrower")], [modeOf("made here"), 0o500]);
  assertEquals(place.fixture.list("in"), ["narrower", "wider"]);
});

test("untar.ts gives directories the times and permissions of their entries, in any order of entries", async () => {
  using place = new Place();
  assertEquals(
    await place.untar(archive(
      { name: "first/", type: "5", mode: 0o750, mtime: 1000 },
      { name: "first/a", data: "x" },
      { name: "later/sub/a", data: "x" },
      { name: "later/sub/", type: "5", mode: 0o700, mtime: 2000 },
      { name: "later/", type: "5", mode: 0o711, mtime: 3000 },
      { name: "link", type: "2", link: "first" },
      { name: "later/sub/b", data: "x" },
    )),
    { code: 0, stderr: "" },
  );
  const about = (path: string) => {
    const { mode, mtime } = place.fixture.stat(`in/${path}`);
    return [mode! & 0o777, mtime!.getTime() / 1000];
  };
  assertEquals([about("first"), about("later/sub"), about("later")], [[0o750, 1000], [0o700, 2000], [
    0o711,
    3000,
  ]]);
});

test("untar.ts does not exceed --max-bytes and --max-entries, also for compressed data", async () => {
  using place = new Place();
  const bomb = await gzipped(archive({ name: "zeros", data: new Uint8Array(5_000_000) }));
  assert(bomb.length < 10_000);
  const { code, stderr } = await place.untar(bomb, "--max-bytes=1000000");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "it has more than 1000000 bytes");
  assertEquals(place.texts, {});
  const many = archive(...Array.from({ length: 20 }, (_, i) => ({ name: `file${i}` })));
  assertStringIncludes(
    (await place.untar(many, "--max-entries", "10")).stderr,
    "stopped after 10 entries of the archive: it has more than 10 entries",
  );
  assertEquals(Object.keys(place.texts).length, 10);
});

test("untar.ts stays within its directory for archives with random changes", async () => {
  const whole = archive(
    { name: "l", type: "2", link: "../out" },
    { name: "x", type: "x", data: records({ path: "../out/new", linkpath: "../out" }) },
    { name: "a", data: "x" },
    { name: "h", type: "1", link: "../secret" },
    { name: "../new", data: "x" },
  );
  let seed = 12345;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  for (let i = 0; i < 12; i++) {
    const input = whole.slice();
    for (let change = 0; change < 4; change++) {
      const header = [0, 512, 1536, 2560, 3072][random(5)]!;
      input[header + [0, 1, 2, 156, 157, 158, 345, 346][random(8)]!] = random(256);
    }
    // With valid checksums: otherwise almost every archive would fail at its first header.
    for (const at of [0, 512, 1536, 2560, 3072]) {
      input.fill(32, at + 148, at + 156);
      const sum = input.subarray(at, at + 512).reduce((sum, byte) => sum + byte, 0);
      input.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), at + 148);
    }
    using place = new Place();
    await place.untar(input);
  }
});

test("untar.ts unpacks a sparse file, refuses one with a wrong map, and continues", async () => {
  using place = new Place();
  const data = "HEADTAIL", map = [0, 4, 4000, 4];
  const { code, stderr } = await place.untar(archive(
    oldSparse("a", data, 4006, map),
    oldSparse("b", data, 4003, map),
    { name: "last", data: "x" },
  ));
  assertEquals([code, place.texts], [1, { a: `HEAD${"\0".repeat(3996)}TAIL\0\0`, last: "x" }]);
  assertMatch(stderr, /^untar: refused "b": its sparse map is malformed\.\n.*1 of 3 /);
  assertEquals(place.fixture.stat("in/a").mtime, new Date(1e12));
});

test("untar.ts writes no blocks for the holes of a sparse file, and counts holes for --max-bytes", async () => {
  const input = archive(oldSparse("a", "HEAD", 20_000_000, [10_000_000, 4]));
  {
    using place = new Place();
    assertEquals(await place.untar(input), { code: 0, stderr: "" });
    const { size, blocks } = place.fixture.stat("in/a");
    assertEquals(size, 20_000_000);
    assert(blocks! < 1000, `${blocks} blocks`);
  }
  using place = new Place();
  const { code, stderr } = await place.untar(input, "--max-bytes", "1000000");
  assertEquals([code, place.texts], [1, {}]);
  assertStringIncludes(stderr, "it has more than 1000000 bytes, unpacked");
});
