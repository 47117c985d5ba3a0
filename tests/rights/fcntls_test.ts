import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { Fcntl, type FcntlName, Fcntls, type FcntlsLike } from "../../rights/fcntls.ts";
import { test } from "../_test.ts";

const names: FcntlName[] = ["GETFL", "SETFL", "GETOWN", "SETOWN"];
const masks = Array.from({ length: 16 }, (_, index) => index << 3);

test("new Fcntls() accepts names, CAP_FCNTL_* values, another Fcntls and any iterable of them", () => {
  const lists: FcntlsLike[] = [
    ["GETFL", "SETOWN"],
    [Fcntl.GETFL, Fcntl.SETOWN],
    [Fcntl.GETFL | Fcntl.SETOWN],
    ["SETOWN", 8, "GETFL"],
    new Set(["GETFL", "SETOWN"] as const),
    new Fcntls(["GETFL", "SETOWN"]),
  ];
  for (const list of lists) assertEquals(new Fcntls(list).toMask(), 0x48);
  assertEquals(new Fcntls().toMask(), 0);
  assertEquals(Fcntls.NONE.toMask(), 0);
  assertEquals(Fcntls.ALL.toMask(), 0x78);
});

test("new Fcntls() does not compile with an unknown name", () => {
  // @ts-expect-error: GETFD is no FcntlName.
  assertThrows(() => new Fcntls(["GETFD"]), RangeError);
  const name: FcntlName = "GETFL";
  assert(new Fcntls([name]).has("GETFL"));
});

const refused: [unknown, ErrorConstructor, string, FcntlsLike][] = [
  ["GETFL", TypeError, 'The string "GETFL" is not a list: write ["GETFL"].', ["GETFL"]],
  [8, TypeError, '8 is not a list: expected one such as ["GETFL"].', [8]],
  [null, TypeError, "null is not a list", []],
  [[8n], TypeError, "8n is not an fcntl", [8]],
  [[undefined], TypeError, "undefined is not an fcntl", []],
  [["GETFD"], RangeError, '"GETFD" is not the name of an fcntl: these are GETFL, SETFL, GETOWN, SETOWN.', [
    "GETFL",
  ]],
  [["F_GETFL"], RangeError, 'Did you mean "GETFL"?', ["GETFL"]],
  [["CAP_FCNTL_SETOWN"], RangeError, 'Did you mean "SETOWN"?', ["SETOWN"]],
  [["toString"], RangeError, '"toString" is not the name of an fcntl', []],
  [[0], RangeError, "0 is not made of CAP_FCNTL_* values: these are 8 (GETFL), 16 (SETFL)", [8]],
  [[1], RangeError, "1 is not made of CAP_FCNTL_* values", [16]],
  [[3], RangeError, "3 is not made of CAP_FCNTL_* values", [32]],
  [[0x80], RangeError, "128 is not made of CAP_FCNTL_* values", [64]],
  [[-8], RangeError, "-8 is not made of", [8]],
  [[8.5], RangeError, "8.5 is not made of", [8]],
  [[NaN], RangeError, "NaN is not made of", [8]],
  [[2 ** 32 + 8], RangeError, "4294967304 is not made of", [8]],
];

test("new Fcntls() and the other methods refuse a value that is not a list of fcntls, and name it", () => {
  const methods = ["union", "intersection", "difference", "symmetricDifference", "equals"] as const;
  const questions = ["isSubsetOf", "isSupersetOf", "isDisjointFrom"] as const;
  const uses = [...methods, ...questions].map((method) => (list: FcntlsLike) => Fcntls.ALL[method](list));
  for (const [list, errorClass, message, permitted] of refused) {
    for (const use of [(list: FcntlsLike) => new Fcntls(list), ...uses]) {
      assertThrows(() => use(list as FcntlsLike), errorClass, message);
      use(permitted);
    }
    if (Array.isArray(list)) assertThrows(() => Fcntls.ALL.has(list[0]), errorClass, message);
  }
  for (const use of uses) {
    assertThrows(() => use(undefined as unknown as FcntlsLike), TypeError, "undefined is not");
  }
});

test("Fcntls.fromMask() accepts every mask of CAP_FCNTL_* bits, and refuses and names all others", () => {
  for (const mask of masks) assertEquals(Fcntls.fromMask(mask).toMask(), mask);
  for (const mask of [1, 7, 0x80, 0x79, -1, 0.5, NaN, Infinity, 2 ** 32]) {
    assertThrows(() => Fcntls.fromMask(mask), RangeError, `${mask} is not made of CAP_FCNTL_* values`);
  }
  assertThrows(() => Fcntls.fromMask("8" as unknown as number), TypeError, '"8" is not a mask of fcntls');
});

test("Fcntls's set operations equal those of the masks, for every pair", () => {
  for (const a of masks) {
    for (const b of masks) {
      const [x, y] = [Fcntls.fromMask(a), Fcntls.fromMask(b)];
      assertEquals(x.union(y).toMask(), a | b);
      assertEquals(x.intersection(y).toMask(), a & b);
      assertEquals(x.difference(y).toMask(), a & ~b);
      assertEquals(x.symmetricDifference(y).toMask(), a ^ b);
      assertEquals(x.isSubsetOf(y), (a & ~b) === 0);
      assertEquals(x.isSupersetOf(y), (b & ~a) === 0);
      assertEquals(x.isDisjointFrom(y), (a & b) === 0);
      assertEquals(x.equals(y), a === b);
    }
  }
});

test("Fcntls iterates the names of its bits in the order of Fcntl", () => {
  for (const mask of masks) {
    const fcntls = Fcntls.fromMask(mask);
    const expected = names.filter((name) => (mask & Fcntl[name]) !== 0);
    assertEquals([...fcntls], expected);
    assertEquals([...fcntls.keys()], expected);
    assertEquals([...fcntls.values()], expected);
    assertEquals([...fcntls.entries()], expected.map((name) => [name, name]));
    const called: FcntlName[] = [];
    fcntls.forEach((name, key, set) => {
      assert(name === key && set === fcntls);
      called.push(name);
    });
    assertEquals(called, expected);
    assertEquals(fcntls.size, expected.length);
    assertEquals(fcntls.isEmpty, mask === 0);
    for (const name of names) assertEquals(fcntls.has(name), expected.includes(name));
    for (const name of names) assertEquals(fcntls.has(Fcntl[name]), expected.includes(name));
    assert(Fcntls.fromJSON(JSON.parse(JSON.stringify(fcntls))).equals(fcntls));
  }
});

test("Fcntls.has() of OR-ed values needs all of them", () => {
  assert(new Fcntls(["GETFL", "SETFL"]).has(Fcntl.GETFL | Fcntl.SETFL));
  assertFalse(new Fcntls(["GETFL"]).has(Fcntl.GETFL | Fcntl.SETFL));
});

test("Fcntls works as an argument of the methods of Set", () => {
  const fcntls = new Fcntls(["GETFL", "SETFL"]);
  assertEquals([...new Set<FcntlName>(["GETFL", "GETOWN"]).intersection(fcntls)], ["GETFL"]);
  assertEquals([...new Set<FcntlName>(["GETOWN"]).union(fcntls)], ["GETOWN", "GETFL", "SETFL"]);
  assert(new Set<FcntlName>(["SETFL"]).isSubsetOf(fcntls));
  assertFalse(new Set<FcntlName>(["SETOWN"]).isSubsetOf(fcntls));
});

test("Fcntls has a readable string, JSON, Deno.inspect output and tag", () => {
  const fcntls = new Fcntls(["SETFL", "GETFL"]);
  assertEquals(String(fcntls), "GETFL, SETFL");
  assertEquals(JSON.stringify(fcntls), '["GETFL","SETFL"]');
  assertEquals(Deno.inspect([fcntls]), "[ Fcntls { GETFL, SETFL } ]");
  assertEquals(Deno.inspect(Fcntls.NONE), "Fcntls {}");
  assertEquals(String(Fcntls.NONE), "NONE");
  assertEquals(Object.prototype.toString.call(fcntls), "[object Fcntls]");
});

test("Fcntls can't be changed", () => {
  const fcntls = new Fcntls(["GETFL"]);
  fcntls.toJSON().push("SETFL");
  assertThrows(() => Object.assign(fcntls, { added: 1 }), TypeError);
  assertThrows(() => Object.assign(Fcntls, { ALL: fcntls }), TypeError);
  assert(Object.isFrozen(fcntls) && Object.isFrozen(Fcntls.ALL));
  assertEquals(fcntls.union(["SETFL"]).toMask(), 24);
  assertEquals(fcntls.toMask(), 8);
});
