import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { Ioctl, Ioctls, type IoctlsLike, requestsOf } from "../../rights/ioctls.ts";
import { test } from "../_test.ts";
import { randomFrom } from "./_model.ts";

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

test("new Ioctls() accepts numbers and bigints, drops duplicates, and keeps the order", () => {
  const ioctls = new Ioctls([Ioctl.TIOCGWINSZ, 0x4004667f, Ioctl.FIONREAD, Ioctl.TIOCGWINSZ]);
  assertEquals([...ioctls], [Ioctl.TIOCGWINSZ, Ioctl.FIONREAD]);
  assert(new Ioctls(ioctls).equals(ioctls));
  assert(new Ioctls(new Set(ioctls)).equals(ioctls));
  assertEquals([...new Ioctls([0, 0xffffffffn])], [0n, 0xffffffffn]);
  assertEquals([...new Ioctls()], []);
  assertEquals([...Ioctls.NONE], []);
});

test("new Ioctls() accepts at most 256 requests", () => {
  assertEquals(new Ioctls(range(256)).size, 256);
  assertEquals(new Ioctls([...range(256), ...range(256)]).size, 256);
  assertThrows(() => new Ioctls(range(257)), RangeError, "257 ioctls are too many");
  assertEquals(new Ioctls(range(255)).union([1000]).size, 256);
  assertThrows(() => new Ioctls(range(256)).union([1000]), RangeError, "257 ioctls are too many");
});

const refused: [unknown, ErrorConstructor, string, IoctlsLike][] = [
  ["FIONREAD", TypeError, 'The string "FIONREAD" is not a list: write ["FIONREAD"].', [Ioctl.FIONREAD]],
  [Ioctl.FIONREAD, TypeError, "1074030207n is not a list: expected one such as [Ioctl.FIONREAD].", [
    Ioctl.FIONREAD,
  ]],
  [null, TypeError, "null is not a list", []],
  [["FIONREAD"], TypeError, '"FIONREAD" is not an ioctl: expected a number', [Ioctl.FIONREAD]],
  [[null], TypeError, "null is not an ioctl", []],
  [[-1], RangeError, "-1 is not an ioctl: a request is an integer from 0 to 0xffffffff.", [0xffffffff]],
  [[-1n], RangeError, "-1 is not an ioctl", [0xffffffffn]],
  [[0x100000000], RangeError, "4294967296 is not an ioctl", [0xffffffff]],
  [[0xffffffff8004667en], RangeError, "18446744071562356350 is not an ioctl", [0x8004667en]],
  [[1.5], RangeError, "1.5 is not an ioctl", [1]],
  [[NaN], RangeError, "NaN is not an ioctl", [1]],
];

test("new Ioctls() and the other methods refuse a value that is not a list of requests, and name it", () => {
  const methods = ["union", "intersection", "difference", "symmetricDifference", "equals"] as const;
  const questions = ["isSubsetOf", "isSupersetOf", "isDisjointFrom"] as const;
  const uses = [...methods, ...questions].map((method) => (list: IoctlsLike) => Ioctls.NONE[method](list));
  for (const [list, errorClass, message, permitted] of refused) {
    for (const use of [(list: IoctlsLike) => new Ioctls(list), ...uses]) {
      assertThrows(() => use(list as IoctlsLike), errorClass, message);
      use(permitted);
    }
    if (!Array.isArray(list)) continue;
    for (const set of [Ioctls.NONE, Ioctls.ALL]) assertThrows(() => set.has(list[0]), errorClass, message);
  }
  for (const use of uses) {
    assertThrows(() => use(undefined as unknown as IoctlsLike), TypeError, "undefined is not");
  }
});

test("Ioctls's set operations equal those of Set, for random sets", () => {
  const random = randomFrom(17);
  const some = () => range(40).filter(() => random() < random()).map(BigInt);
  for (let i = 0; i < 500; i++) {
    const [a, b] = [new Set(some()), new Set(some())];
    const [x, y] = [new Ioctls(a), new Ioctls(b)];
    assertEquals([...x.union(y)], [...a.union(b)]);
    assertEquals([...x.intersection(y)], [...a.intersection(b)]);
    assertEquals([...x.difference(y)], [...a.difference(b)]);
    assertEquals(new Set(x.symmetricDifference(y)), a.symmetricDifference(b));
    assertEquals(x.isSubsetOf(y), a.isSubsetOf(b));
    assertEquals(x.isSupersetOf(y), a.isSupersetOf(b));
    assertEquals(x.isDisjointFrom(y), a.isDisjointFrom(b));
    assertEquals(x.equals(y), a.isSubsetOf(b) && b.isSubsetOf(a));
    assertEquals(x.isEmpty, a.size === 0);
    assertEquals([...x], [...a]);
    assertEquals([...x.entries()], [...a.entries()]);
    assertEquals(x.size, a.size);
    for (const request of range(40)) {
      assertEquals(x.has(request), a.has(BigInt(request)));
      assertEquals(x.has(BigInt(request)), a.has(BigInt(request)));
    }
  }
});

test("Ioctls.equals() ignores the order", () => {
  assert(new Ioctls([1, 2]).equals([2, 1]));
  assertFalse(new Ioctls([1, 2]).equals([2, 3]));
});

test("Ioctls.forEach() calls its callback with request, request and set", () => {
  const ioctls = new Ioctls([3, 1]);
  const called: bigint[] = [];
  ioctls.forEach((request, key, set) => {
    assert(request === key && set === ioctls);
    called.push(request);
  });
  assertEquals(called, [3n, 1n]);
});

test("Ioctls.ALL has every request, is of infinite size, and can't be listed", () => {
  const { ALL } = Ioctls;
  assert(ALL.isUnlimited && !ALL.isEmpty && ALL.has(0) && ALL.has(Ioctl.FIONREAD));
  assertEquals(ALL.size, Infinity);
  for (
    const list of [
      () => [...ALL],
      () => ALL.keys(),
      () => ALL.values(),
      () => ALL.entries(),
      () => ALL.forEach(() => {}),
      () => requestsOf(ALL),
    ]
  ) assertThrows(list, TypeError, "Ioctls.ALL can't be listed");
  assertFalse(Ioctls.NONE.isUnlimited);
  assertEquals(new Ioctls(ALL).isUnlimited, true);
});

test("Ioctls.ALL works in set operations whose result can be represented", () => {
  const { ALL, NONE } = Ioctls;
  const some = new Ioctls([1, 2]);
  assert(ALL.union(some).isUnlimited && some.union(ALL).isUnlimited && ALL.union(ALL).isUnlimited);
  assert(ALL.intersection(some).equals(some) && some.intersection(ALL).equals(some));
  assert(ALL.intersection(ALL).isUnlimited);
  assert(some.difference(ALL).isEmpty && ALL.difference(ALL).isEmpty && ALL.difference(NONE).isUnlimited);
  assert(ALL.symmetricDifference(ALL).isEmpty && NONE.symmetricDifference(ALL).isUnlimited);
  assert(some.isSubsetOf(ALL) && ALL.isSubsetOf(ALL) && !ALL.isSubsetOf(some));
  assert(ALL.isSupersetOf(some) && !some.isSupersetOf(ALL));
  assert(ALL.isDisjointFrom(NONE) && !ALL.isDisjointFrom(some) && !ALL.isDisjointFrom(ALL));
  assert(ALL.equals(ALL) && !ALL.equals(some) && !some.equals(ALL));
  for (
    const refused of [
      () => ALL.difference(some),
      () => ALL.symmetricDifference(some),
      () => some.symmetricDifference(ALL),
    ]
  ) assertThrows(refused, RangeError, "All ioctls except 0x00000001, 0x00000002 can't be expressed");
});

test("Ioctls works as an argument of the methods of Set, ALL too", () => {
  const ioctls = new Ioctls([1, 2]);
  assertEquals([...new Set([2n, 3n]).intersection(ioctls)], [2n]);
  assertEquals([...new Set([3n]).union(ioctls)], [3n, 1n, 2n]);
  assert(new Set([1n]).isSubsetOf(ioctls));
  assert(new Set([1n]).isSubsetOf(Ioctls.ALL));
  assertEquals([...new Set([2n, 3n]).intersection(Ioctls.ALL)], [2n, 3n]);
  assertThrows(() => new Set([3n]).union(Ioctls.ALL), TypeError, "Ioctls.ALL can't be listed");
});

test("Ioctls has a readable string, JSON, Deno.inspect output and tag", () => {
  const ioctls = new Ioctls([Ioctl.FIONREAD, 0x1234]);
  assertEquals(String(ioctls), "FIONREAD, 0x00001234");
  assertEquals(JSON.stringify(ioctls), '["FIONREAD","0x00001234"]');
  assertEquals(Deno.inspect([ioctls]), "[ Ioctls { FIONREAD, 0x00001234 } ]");
  assertEquals([String(Ioctls.NONE), String(Ioctls.ALL)], ["NONE", "ALL"]);
  assertEquals([Deno.inspect(Ioctls.NONE), Deno.inspect(Ioctls.ALL)], ["Ioctls {}", "Ioctls { ALL }"]);
  assertEquals(JSON.stringify(Ioctls.ALL), '"ALL"');
  assertEquals(Object.prototype.toString.call(ioctls), "[object Ioctls]");
});

test("Ioctls round-trips through JSON", () => {
  const sets = [Ioctls.NONE, Ioctls.ALL, new Ioctls([0, 0xffffffff]), new Ioctls(Object.values(Ioctl))];
  for (const set of sets) assert(Ioctls.fromJSON(JSON.parse(JSON.stringify(set))).equals(set));
});

test("Ioctls.fromJSON() refuses a value that is neither name nor number, and names it", () => {
  const cases: [unknown, ErrorConstructor, string][] = [
    [["FIONRED"], RangeError, '"FIONRED" is neither the name nor the number of an ioctl.'],
    [["toString"], RangeError, '"toString" is neither'],
    [["0x100000000"], RangeError, '"0x100000000" is neither'],
    [[1], TypeError, "1 is not an ioctl in JSON"],
    ["FIONREAD", TypeError, 'The string "FIONREAD" is not a list'],
  ];
  for (const [json, errorClass, message] of cases) {
    assertThrows(() => Ioctls.fromJSON(json as string[]), errorClass, message);
  }
  assertEquals([...Ioctls.fromJSON(["FIONREAD", "0x10"])], [Ioctl.FIONREAD, 16n]);
});

test("Ioctls can't be changed, and its buffer for the calls is created once", () => {
  const list = [1];
  const ioctls = new Ioctls(list);
  list.push(2);
  assertThrows(() => Object.assign(ioctls, { added: 1 }), TypeError);
  assertThrows(() => Object.assign(Ioctls, { ALL: ioctls }), TypeError);
  assert(Object.isFrozen(ioctls) && Object.isFrozen(Ioctls.ALL));
  assertEquals([...ioctls.union([2])], [1n, 2n]);
  assertEquals([...ioctls], [1n]);
  assert(requestsOf(ioctls) === requestsOf(ioctls));
  assertEquals(requestsOf(new Ioctls([Ioctl.FIONBIO, 1])), new BigUint64Array([0x8004667en, 1n]));
});
