import { assert, assertEquals } from "@std/assert";
import { LineSearch, longestLine } from "../../examples/_line_search.ts";
import { test } from "../_test.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Returns the findings in bytes that are read in pieces of at most `most`. */
function found(search: LineSearch, bytes: Uint8Array, most = Infinity): [string, Uint8Array | string][] {
  let at = 0;
  const readSync = (into: Uint8Array) => {
    if (at === bytes.length) return null;
    const part = bytes.subarray(at, at + Math.min(into.length, most));
    into.set(part);
    at += part.length;
    return part.length;
  };
  const findings: [string, Uint8Array | string][] = [];
  search.search({ readSync }, ({ number, bytes, start, end, isBinary, isTooLong }) => {
    findings.push([isBinary ? "binary" : String(number), isTooLong ? "too long" : bytes.slice(start, end)]);
    return !isBinary;
  });
  return findings;
}

/** Returns the same findings by a search line by line, without a limit. */
function expected(pattern: string, flags: string, bytes: Uint8Array): [string, Uint8Array][] {
  const regex = new RegExp(pattern, flags), decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const findings: [string, Uint8Array][] = [];
  for (let at = 0, number = 1; at < bytes.length; number++) {
    const next = bytes.indexOf(10, at), end = next < 0 ? bytes.length : next;
    const line = bytes.slice(at, end);
    if (regex.test(decoder.decode(line))) findings.push([String(number), line]);
    at = end + 1;
  }
  return findings;
}

const patterns = [
  ...[
    "",
    "ab",
    "a.b",
    "a.*b",
    "^a",
    "b$",
    "^$",
    "a$",
    "^.$",
    "[^a]b",
    "[^x]*ab$",
    "a\\s+b",
    "a\\sb",
    "\\W",
    "\\bab\\b",
  ],
  ...[
    "(?!a)b",
    "(?<!a)b",
    "a(?=b)",
    "^(?!.*a)",
    "\\r$",
    "\\ufffd",
    "é",
    "a.\\u{1F600}",
    "[.]",
    "\\.",
    "[^\\]]b",
    "\\Bb",
  ],
  ...[
    "(a)\\1",
    "(?<x>a)\\k<x>",
    "a|^b$",
    "[]",
    "[^]",
    "ab{2,}",
    "\\n",
    "a\\nb",
    "[\\n]",
    "\\u2028",
    "^\\ufeff",
    "(?-m:^a)",
  ],
];

test("LineSearch finds the lines that match on their own, for bytes of every kind and any chunks", () => {
  const parts = ["a", "b", " ", "\n", "\r", "\n", "é", "😀", ".", "ab", "\u2028", "\ufeff", "x", "]", "\t"]
    .map(bytesOf);
  parts.push(Uint8Array.of(0xff), Uint8Array.of(0xc3), Uint8Array.of(0xe2, 0x82));
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % 65536 % below;
  for (let round = 0; round < 6; round++) {
    const bytes: number[] = [];
    const size = [0, 1, 500, 3000, 70_000, 150_000][round]!;
    while (bytes.length < size) bytes.push(...parts[random(parts.length)]!);
    const all = Uint8Array.from(bytes);
    for (const pattern of patterns) {
      for (const ignoresCase of [false, true]) {
        const search = new LineSearch(pattern, { isText: false, ignoresCase });
        const wanted = expected(pattern, ignoresCase ? "sui" : "su", all);
        assertEquals(found(search, all, round < 4 ? 7 : 60_001), wanted, `${pattern}, ${size} bytes`);
      }
    }
  }
});

test("LineSearch matches every character of a fixed string literally", () => {
  const text = "\\^$.*+?()[]{}|/-#&~";
  const search = new LineSearch(text, { isText: true, ignoresCase: false });
  assertEquals(found(search, bytesOf(`a\n${text}\nb`)), [["2", bytesOf(text)]]);
  assertEquals(found(new LineSearch("a.B", { isText: true, ignoresCase: true }), bytesOf("axb\nA.b")), [
    ["2", bytesOf("A.b")],
  ]);
});

test("LineSearch reports a file as binary from the piece with the first NUL, where a NUL ends a line", () => {
  const search = new LineSearch("^match$", { isText: false, ignoresCase: false });
  for (const text of ["match\n\0", "\0match\0x", "a\nmatch\0", "\0\0match", "x\0\nmatch\n", "match\nx\0"]) {
    assertEquals(found(search, bytesOf(text)), [["binary", bytesOf("match")]], JSON.stringify(text));
  }
  assertEquals(found(search, bytesOf("a match\0\0")), []);
  const lines = "match\n" + "x\n".repeat(50_000);
  assertEquals(found(search, bytesOf(`${lines}match\n\0`)), [["1", bytesOf("match")], [
    "binary",
    bytesOf("match"),
  ]]);
});

test("LineSearch reports a line that is too long, and searches all others", () => {
  const search = new LineSearch("match", { isText: false, ignoresCase: false });
  const fitting = `match${"y".repeat(longestLine - 6)}`;
  const text = ["match 1", `match${"x".repeat(longestLine)}`, fitting, "match 4", "z".repeat(longestLine * 3)]
    .join("\n");
  for (const end of ["", "\n", "\nmatch 6"]) {
    const findings = found(search, bytesOf(text + end));
    assertEquals(findings.map(([number]) => number), [
      "1",
      "2",
      "3",
      "4",
      "5",
      ...(end.length > 1 ? ["6"] : []),
    ]);
    assertEquals([findings[1]![1], findings[4]![1]], ["too long", "too long"]);
    assertEquals(findings[2]![1], bytesOf(fitting));
  }
  const zeros = new Uint8Array(longestLine * 5);
  zeros.set(bytesOf("match"), longestLine * 4);
  assertEquals(found(search, zeros), [["binary", bytesOf("match")]]);
  const tail = new Uint8Array(longestLine * 3).fill(0xff);
  tail.set(bytesOf("match\0"), longestLine * 2);
  assert(found(search, tail).every(([, what]) => what === "too long"));
});

test("LineSearch stops reading when the callback returns false, and starts fresh for each file", () => {
  const search = new LineSearch("match", { isText: false, ignoresCase: false });
  let reads = 0;
  const readSync = (into: Uint8Array) => (reads++, into.fill(10), into.set(bytesOf("match")), into.length);
  search.search({ readSync }, ({ number }) => {
    assertEquals(number, 1);
    return false;
  });
  assertEquals(reads, 1);
  assertEquals(found(search, bytesOf("a\nmatch")), [["2", bytesOf("match")]]);
});
