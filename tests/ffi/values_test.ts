import { assertEquals, assertThrows } from "@std/assert";
import { cString, decodeName, decodeNames } from "../../ffi/values.ts";
import * as names from "../../ffi/values.ts";
import { test } from "../_test.ts";

function encoded(name: string): number[] {
  const bytes = cString(name);
  return [...bytes.subarray(0, bytes.indexOf(0))];
}

test("decodeName() and cString() round-trip every byte and every pair of bytes", () => {
  const all = Array.from({ length: 255 }, (_, i) => i + 1);
  const seen = new Set<string>();
  for (const first of all) {
    for (const bytes of [[first], ...all.map((second) => [first, second])]) {
      const name = decodeName(Uint8Array.from(bytes));
      assertEquals(encoded(name), bytes);
      seen.add(name);
    }
  }
  assertEquals(seen.size, 255 + 255 * 255);
});

test("decodeName() reads UTF-8 as text and every other byte as U+DC00 + byte", () => {
  const names: [bytes: number[], name: string][] = [
    [[0x61, 0xc3, 0xbc], "aü"],
    [[0xe6, 0x97, 0xa5], "日"],
    [[0xf0, 0x9f, 0x98, 0x80], "😀"],
    [[0xef, 0xbb, 0xbf, 0x62], "\ufeffb"],
    [[0xff, 0xfe, 0x41], "\udcff\udcfeA"],
    [[0xc3, 0x28], "\udcc3("],
    // Too long a form, a surrogate, and what lies beyond U+10FFFF.
    [[0xc0, 0x80], "\udcc0\udc80"],
    [[0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
    [[0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
    // A sequence that ends too early, before text that is UTF-8.
    [[0xf0, 0x9f, 0x98, 0xc3, 0xbc], "\udcf0\udc9f\udc98ü"],
  ];
  for (const [bytes, name] of names) {
    assertEquals(decodeName(Uint8Array.from(bytes)), name);
    assertEquals(encoded(name), bytes);
  }
});

test("decodeNames() returns each name that is followed by a slash", () => {
  const bytes = (...names: (string | number[])[]) =>
    Uint8Array.from(names.flatMap((name) => [
      ...typeof name === "string" ? new TextEncoder().encode(name) : name,
      0x2f,
    ]));
  assertEquals(decodeNames(bytes()), []);
  assertEquals(decodeNames(bytes("a", "ü", " ")), ["a", "ü", " "]);
  assertEquals(decodeNames(bytes("a", [0xff], "ü", [0xc3])), ["a", "\udcff", "ü", "\udcc3"]);
});

test("cString() encodes short and long paths, of ASCII and not, each with one NUL at its end", () => {
  const paths = [
    "a",
    "a".repeat(47),
    "a".repeat(48),
    "ü",
    `${"a".repeat(30)}ü`,
    "ü".repeat(1500),
    "a".repeat(6000),
  ];
  for (const path of paths) assertEquals(encoded(path), [...new TextEncoder().encode(path)]);
  for (const path of ["\udcff", `${"a".repeat(5000)}\udcff`]) {
    assertEquals(encoded(path), [...path].map((c) => c === "\udcff" ? 0xff : 0x61));
  }
});

test("cString() keeps the two slots separate", () => {
  const first = cString("first", 0), second = cString("second", 1);
  assertEquals([...first.subarray(0, 6)], [...new TextEncoder().encode("first\0")]);
  assertEquals([...second.subarray(0, 7)], [...new TextEncoder().encode("second\0")]);
});

test("cString() refuses lone surrogates that do not stand for a byte", () => {
  for (
    const [unit, name] of [["\ud800", "U+D800"], ["\udc7f", "U+DC7F"], ["\udd00", "U+DD00"], [
      "\udfff",
      "U+DFFF",
    ]] as const
  ) {
    assertThrows(() => cString(`a${unit}`), TypeError, name);
  }
  assertEquals(encoded("\udc80\udcff"), [0x80, 0xff]);
});

test("encodeName() returns the original bytes of decodeName(), for any bytes", () => {
  for (let one = 1; one < 256; one++) {
    for (let two = 1; two < 256; two++) {
      const bytes = Uint8Array.of(0x61, one, two);
      assertEquals(names.encodeName(names.decodeName(bytes)), bytes);
    }
  }
  const long = Uint8Array.from({ length: 10_000 }, (_, i) => i % 255 + 1);
  assertEquals(names.encodeName(names.decodeName(long)), long);
});

test("encodeName() and decodeName() refuse values that are not a name or not bytes", () => {
  const bad: unknown[] = ["", "a\0b", "\ud800", "\udc7f", null, undefined, 1, new Uint8Array(1)];
  for (const name of bad) assertThrows(() => names.encodeName(name as string), TypeError);
  const others: unknown[] = ["a", null, undefined, 1, [97], new ArrayBuffer(1)];
  for (const bytes of others) {
    assertThrows(
      () => names.decodeName(bytes as Uint8Array),
      TypeError,
      "decodeName(): bytes is a Uint8Array",
    );
  }
});
