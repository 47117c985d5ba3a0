import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Bytes, CutOff } from "../../examples/_bytes.ts";
import { entries } from "../../examples/_tar.ts";
import { test } from "../_test.ts";
import { archive, joined, type Member, member, oldSparse, records } from "./_tar.ts";

interface Parsed {
  path: string;
  kind: string;
  text: string;
  refused: string | undefined;
}

/** Reads an archive in chunks of a given size, and returns its entries with their data, holes filled. */
async function parsed(input: Uint8Array, chunk = Infinity): Promise<{ found: Parsed[]; said: string[] }> {
  const found: Parsed[] = [], said: string[] = [];
  const chunks = async function* () {
    for (let at = 0; at < input.length; at += chunk) yield input.subarray(at, at + chunk);
  };
  const say = (message: string) => void said.push(message);
  for await (const entry of entries(new Bytes(chunks()), { fault: say, warn: say })) {
    const { path, kind, refused } = entry, all = new Uint8Array(refused === undefined ? entry.size : 0);
    if (refused === undefined) { for await (const { at, bytes } of entry.data()) all.set(bytes, at); }
    found.push({ path, kind, refused, text: new TextDecoder().decode(all) });
  }
  return { found, said };
}

const last: Member = { name: "last", data: "x" };
const theLast = { path: "last", kind: "file", refused: undefined, text: "x" };

const ends = "HEADTAIL", sparse = `HEAD${"\0".repeat(3996)}TAIL\0\0`, map = [0, 4, 4000, 4];
const steps = Array.from({ length: 60 }, (_, i) => [i * 100 + 50, 2]).flat();
const stepped = Array.from({ length: 60 }, () => "\0".repeat(50) + "ab" + "\0".repeat(48)).join("");
/** A sparse file in pax format: its records and its data. */
const paxSparse = (pax: [string, string][], data: string): Member[] => [
  { name: "x", type: "x", data: records(pax) },
  { name: "GNUSparseFile.0/a", data },
];
const about = (size: number, rest: [string, string][] = []): [string, string][] => [
  ["GNU.sparse.size", `${size}`],
  ["GNU.sparse.numblocks", "2"],
  ...rest,
];
const in1 = (realsize = "4006", major = "1"): [string, string][] => [
  ["GNU.sparse.major", major],
  ["GNU.sparse.minor", "0"],
  ["GNU.sparse.name", "a"],
  ["GNU.sparse.realsize", realsize],
];
const mapIn = (text: string) => text + "\0".repeat(-text.length & 511);
const offsets = (pairs: number[]): [string, string][] =>
  pairs.map((value, i) => [i % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes", `${value}`]);

/** Sparse files in each format, and their expected contents. */
const sparseFiles: Record<string, [members: Member[], text: string]> = {
  "of old GNU": [[oldSparse("a", ends, 4006, map)], sparse],
  "of old GNU with extension blocks": [[oldSparse("a", "ab".repeat(60), 6000, steps)], stepped],
  "of old GNU with nothing but a hole": [[oldSparse("a", "", 10, [10, 0])], "\0".repeat(10)],
  "of pax 0.0": [[...paxSparse([["path", "a"], ...about(4006, offsets(map))], ends)], sparse],
  "of pax 0.1": [
    paxSparse([...about(4006, [["GNU.sparse.name", "a"], ["GNU.sparse.map", map.join()]])], ends),
    sparse,
  ],
  "of pax 1.0": [paxSparse(in1(), mapIn("2\n0\n4\n4000\n4\n") + ends), sparse],
  "of pax 1.0 whose map has several blocks": [
    paxSparse(in1("6000"), mapIn(`60\n${steps.join("\n")}\n`) + "ab".repeat(60)),
    stepped,
  ],
};

for (const [what, [members, text]] of Object.entries(sparseFiles)) {
  test(`_tar.ts reads a sparse file ${what}, and the entries after it, in any chunks`, async () => {
    for (const chunk of [Infinity, 1, 500, 512, 700]) {
      const { found, said } = await parsed(archive(...members, last), chunk);
      assertEquals([found, said], [[{ path: "a", kind: "file", refused: undefined, text }, theLast], []]);
    }
  });
}

/** Sparse files whose maps are wrong. */
const wrongMaps: Record<string, Member[]> = {
  "parts that overlap": [oldSparse("a", ends, 4006, [0, 4, 2, 4])],
  "parts behind the end": [oldSparse("a", ends, 4003, map)],
  "less data than its parts": [oldSparse("a", "HEAD", 4006, map)],
  "more data than its parts": [oldSparse("a", `${ends}MORE`, 4006, map)],
  "numbers that are none": [{ ...oldSparse("a", ends, 4006, map), raw: { 386: "many        lots        " } }],
  "another number of blocks": paxSparse([["path", "a"], ...about(4006, offsets([...map, 4006, 0]))], ends),
  "offsets out of order": paxSparse([["path", "a"], ...about(4006, offsets(map).reverse())], ends),
  "an odd map": paxSparse([["path", "a"], ...about(4006, [["GNU.sparse.map", "0,4,4000"]])], ends),
  "no map": paxSparse([["path", "a"], ...about(4006)], ends),
  "no size": paxSparse([...in1("")], mapIn("2\n0\n4\n4000\n4\n") + ends),
  "a map without an end": paxSparse(in1(), mapIn("9\n0\n4\n4000\n4\n") + ends),
  "a map that is text": paxSparse(in1(), mapIn("some\n") + ends),
  "a form of the future": paxSparse(in1("4006", "2"), mapIn("2\n0\n4\n4000\n4\n") + ends),
  "the form of star": paxSparse([["path", "a"], ["SCHILY.realsize", "4006"]], ends),
};

for (const [what, members] of Object.entries(wrongMaps)) {
  test(`_tar.ts refuses a sparse file with ${what}, and continues`, async () => {
    const { found: [first, ...others], said } = await parsed(archive(...members, last));
    assertEquals([first!.path, others, said], ["a", [theLast], []]);
    assertMatch(first!.refused!, /^its sparse map is malformed$|^it is sparse in /);
  });
}

test("_tar.ts skips the data of an entry that is not read", async () => {
  const paths: string[] = [], report = { fault() {}, warn() {} };
  const input = ReadableStream.from([archive({ name: "a", data: "x".repeat(2000) }, { name: "b" })]);
  for await (const { path } of entries(new Bytes(input), report)) paths.push(path);
  assertEquals(paths, ["a", "b"]);
});

test("_tar.ts throws CutOff if an archive ends at any place within an entry", async () => {
  const whole = joined([
    member({ name: "a", data: "x".repeat(600) }),
    ...[oldSparse("b", "ab".repeat(60), 6000, steps)].map(member),
  ]);
  for (const at of [513, 1000, 1536 + 100, 2048, 2048 + 100, whole.length - 1]) {
    await assertRejects(() => parsed(whole.subarray(0, at)), CutOff);
  }
  assertEquals((await parsed(whole)).found.length, 2);
});
