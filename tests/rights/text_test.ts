import { assert, assertEquals } from "@std/assert";
import { listed, quoted, shortened, visible } from "../../rights/text.ts";
import { test } from "../_test.ts";

test("quoted() returns a short string complete, and cuts a longer one in the middle", () => {
  assertEquals(quoted("a b"), '"a b"');
  assertEquals(quoted('"\n'), String.raw`"\"\n"`);
  assertEquals(quoted("abcdefghijklmno", 15), '"abcde...klmno"');
  for (
    const text of [
      "x".repeat(1e7),
      "\0".repeat(1e6),
      "\u{1f600}".repeat(99),
      "\udc80".repeat(99),
      "x".repeat(59),
    ]
  ) {
    for (const most of [0, 5, 24, 60]) {
      const shown = quoted(text, most);
      assert(shown.length <= Math.max(most, 5) && shown.isWellFormed(), shown);
      assertEquals([shown.startsWith('"'), shown.endsWith('"'), shown.includes("...")], [true, true, true]);
    }
  }
});

test("quoted() and visible() leave no control character and no invisible character", () => {
  const unseen = "\x00\n\x1b\x7f\x85\x9b\u200b\u200e\u2028\u202e\u2066\ufeff\udce9";
  // deno-lint-ignore no-control-regex
  const obeyed = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/;
  for (const character of unseen) {
    for (const text of [quoted(`a${character}b`), quoted(character.repeat(99)), visible(`a${character}b`)]) {
      assert(!obeyed.test(text), JSON.stringify(text));
    }
  }
  assertEquals(quoted("a\x9bb"), '"a\\u009bb"');
  assertEquals([visible('"é" \\ \u{1f600}'), quoted("é \u{1f600}")], ['"é" \\ \u{1f600}', '"é \u{1f600}"']);
});

test("shortened() keeps the start and the end of a string", () => {
  assertEquals(shortened("abcdefghij", 10), "abcdefghij");
  assertEquals(shortened("abcdefghijk", 10), "abcd...ijk");
});

test("listed() returns the first names of a long list, and the number of the others", () => {
  assertEquals([listed([]), listed(["A"]), listed(["A", "B"])], ["none", "A", "A, B"]);
  const names = Array.from({ length: 90 }, (_, i) => `NAME${i}`);
  assertEquals(listed(names, 40), "NAME0, NAME1, NAME2 and 87 more");
  assert(listed(["x".repeat(1e6), "y"], 40).length <= 40);
});
