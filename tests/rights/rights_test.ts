import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { bytesOf, Right, type RightName, Rights, type RightsLike } from "../../rights/rights.ts";
import { test } from "../_test.ts";
import { and, empty, minus, modelOf, or, randomFrom, randomWords, within, type Words } from "./_model.ts";

// Building

test("new Rights() accepts names, CAP_* values, composites, another Rights and any iterable of them", () => {
  const words: Words = [0x020000000000000dn, 0x0400000000000080n];
  const lists: RightsLike[] = [
    ["READ", "SEEK", "IOCTL"],
    [Right.READ, Right.SEEK, Right.IOCTL],
    [Right.READ | Right.SEEK, "IOCTL"],
    ["PREAD", Right.IOCTL, "READ"],
    new Set(["PREAD", "IOCTL"] as const),
    new Rights(["PREAD", "IOCTL"]),
    function* (): Iterable<RightName | bigint> {
      yield "PREAD";
      yield Right.IOCTL;
    }(),
  ];
  for (const list of lists) assertEquals(new Rights(list).toWords(), words);
});

test("new Rights() without an argument is the empty set", () => {
  assertEquals(new Rights().toWords(), empty);
  assertEquals(new Rights([]).toWords(), empty);
  assertEquals(Rights.NONE.toWords(), empty);
});

test("new Rights() does not compile with an unknown name", () => {
  // @ts-expect-error: REED is no RightName.
  assertThrows(() => new Rights(["REED"]), RangeError);
  const name: RightName = "READ";
  assert(new Rights([name]).has("READ"));
});

const refused: [unknown, ErrorConstructor, string, RightsLike][] = [
  ["READ", TypeError, 'The string "READ" is not a list: write ["READ"].', ["READ"]],
  [null, TypeError, 'null is not a list: expected one such as ["READ", "LOOKUP"].', []],
  [1, TypeError, "1 is not a list", [1n << 57n | 1n]],
  [Right.READ, TypeError, "144115188075855873n is not a list", [Right.READ]],
  [{}, TypeError, "[object Object] is not a list", []],
  [[1], TypeError, '1 is not a right: expected a name such as "READ", or a bigint such as Right.READ.', [
    Right.READ,
  ]],
  [[undefined], TypeError, "undefined is not a right", []],
  [[["READ"]], TypeError, "[object Array] is not a right", ["READ"]],
  [[Symbol("READ")], TypeError, "Symbol(READ) is not a right", ["READ"]],
  [["REED"], RangeError, '"REED" is not the name of a right.', ["READ"]],
  [["CAP_READ"], RangeError, '"CAP_READ" is not the name of a right. Did you mean "READ"?', ["READ"]],
  [["mmap_rwx"], RangeError, 'Did you mean "MMAP_RWX"?', ["MMAP_RWX"]],
  [["LINKAT"], RangeError, 'Did you mean "LINKAT_TARGET" or "LINKAT_SOURCE"?', ["LINKAT_TARGET"]],
  [["constructor"], RangeError, '"constructor" is not the name of a right.', []],
  [["__proto__"], RangeError, '"__proto__" is not the name of a right.', []],
  [[""], RangeError, '"" is not the name of a right.', []],
  [[0n], RangeError, "0x0000000000000000 is not a right: it has none of the bits 57 to 61", [1n << 57n]],
  [[1n], RangeError, "0x0000000000000001 is not a right: it has none", [1n << 57n | 1n]],
  [
    [Right.READ | Right.IOCTL],
    RangeError,
    "0x0600000000000081 is not a right: it belongs to two words; rights of different words can't be OR-ed but must " +
    "be listed, as in [Right.READ, Right.IOCTL].",
    [Right.READ, Right.IOCTL],
  ],
  [[1n << 59n | 1n], RangeError, "0x0800000000000001 is not a right: it belongs to word 2", [1n << 58n | 1n]],
  [[1n << 61n], RangeError, "it belongs to word 4", [1n << 58n]],
  [[1n << 62n | Right.READ], RangeError, "0x4200000000000001 is not a right: its bits 62 and 63", [
    Right.READ,
  ]],
  [[-1n], RangeError, "-1n does not fit in the 64 unsigned bits", [Right.READ]],
  [[1n << 64n | Right.READ], RangeError, `${1n << 64n | Right.READ}n does not fit`, [Right.READ]],
];

test("new Rights() and the other methods refuse a value that is not a list of rights, and name it", () => {
  for (const [list, errorClass, message, permitted] of refused) {
    for (const use of uses) {
      const error = assertThrows(() => use(list as RightsLike), errorClass);
      assertStringIncludes(error.message, message);
      use(permitted);
    }
  }
  assertEquals(uses.length, 9);
});

const uses: ((list: RightsLike) => unknown)[] = [
  (list) => new Rights(list),
  ...([
    "union",
    "intersection",
    "difference",
    "symmetricDifference",
    "isSubsetOf",
    "isSupersetOf",
    "isDisjointFrom",
    "equals",
  ] as const).map((method) => (list: RightsLike) => Rights.all()[method](list)),
];

test("Rights.union() and similar methods refuse undefined, which means an empty list for new Rights()", () => {
  for (const use of uses.slice(1)) {
    assertThrows(() => use(undefined as unknown as RightsLike), TypeError, "undefined is not a list");
  }
  assert(new Rights(undefined).isEmpty);
});

test("Rights.has() throws for a value that is not a right, where C aborts, and accepts every right", () => {
  for (const [list, errorClass, message] of refused) {
    if (!Array.isArray(list)) continue;
    const error = assertThrows(() => Rights.all().has(list[0]), errorClass);
    assertStringIncludes(error.message, message);
  }
  assert(Rights.all().has("READ"));
  assert(Rights.all().has(Right.READ));
  assertFalse(Rights.NONE.has("READ"));
  assertFalse(Rights.NONE.has(Right.READ));
});

// Algebra

test("Rights's set operations equal those of the words, for random sets", () => {
  const random = randomFrom(20261122);
  for (let i = 0; i < 3000; i++) {
    const a = randomWords(random);
    const b = i % 10 === 0 ? and(a, randomWords(random)) : randomWords(random);
    const [x, y] = [Rights.fromWords(a), Rights.fromWords(b)];
    assertEquals(x.toWords(), a);
    assertEquals(x.union(y).toWords(), or(a, b));
    assertEquals(x.intersection(y).toWords(), and(a, b));
    assertEquals(x.difference(y).toWords(), minus(a, b));
    assertEquals(x.symmetricDifference(y).toWords(), or(minus(a, b), minus(b, a)));
    assertEquals(x.isSubsetOf(y), within(a, b));
    assertEquals(x.isSupersetOf(y), within(b, a));
    assertEquals(x.isDisjointFrom(y), within(and(a, b), empty));
    assertEquals(x.equals(y), within(a, b) && within(b, a));
    assertEquals(x.isEmpty, within(a, empty));
  }
});

test("Rights obeys the laws of sets", () => {
  const random = randomFrom(7);
  for (let i = 0; i < 1000; i++) {
    const [a, b, c] = [random, random, random].map((r) => Rights.fromWords(randomWords(r))) as [
      Rights,
      Rights,
      Rights,
    ];
    assert(a.union(b).equals(b.union(a)));
    assert(a.intersection(b.union(c)).equals(a.intersection(b).union(a.intersection(c))));
    assert(a.difference(b.union(c)).equals(a.difference(b).difference(c)));
    assert(a.symmetricDifference(b).equals(a.union(b).difference(a.intersection(b))));
    assert(a.intersection(b).isSubsetOf(a) && a.union(b).isSupersetOf(a));
    assert(a.difference(b).isDisjointFrom(b));
  }
});

test("Rights.difference() removes LOOKUP with UNLINKAT, and READ with PREAD", () => {
  const rights = new Rights(["LOOKUP", "UNLINKAT", "FSTAT", "READ", "SEEK"]);
  assertEquals(rights.difference(["UNLINKAT"]).names(), ["PREAD", "FSTAT"]);
  assertEquals(rights.difference(["PREAD"]).names(), ["FSTATAT", "UNLINKAT"]);
});

test("Rights reads a Rights argument by its bits, and not by its names", () => {
  const unnamed = Rights.fromWords([0x0200000000000008n, 0x0500000000000000n]);
  assertEquals(unnamed.size, 0);
  assertEquals(Rights.NONE.union(unnamed).toWords(), [0x0200000000000008n, 0x0500000000000000n]);
  assertFalse(unnamed.isSubsetOf(Rights.NONE));
  assertFalse(unnamed.equals(Rights.NONE));
  assert(new Rights(unnamed).equals(unnamed));
});

// Elements

test("Rights iterates the names whose bits are all present, in the order of Right", () => {
  const random = randomFrom(3);
  for (let i = 0; i < 500; i++) {
    const words = randomWords(random);
    const rights = Rights.fromWords(words);
    const expected = [...modelOf].filter(([, bits]) => within(bits, words)).map(([name]) => name);
    assertEquals([...rights], expected);
    assertEquals([...rights.keys()], expected);
    assertEquals([...rights.values()], expected);
    assertEquals([...rights.entries()], expected.map((name) => [name, name]));
    assertEquals(rights.size, expected.length);
    for (const [name, bits] of modelOf) {
      assertEquals(rights.has(name), expected.includes(name));
      assertEquals(rights.has(Right[name]), within(bits, words));
    }
  }
});

test("Rights has PREAD if it has READ and SEEK, and RECV if it has READ", () => {
  assert(new Rights(["READ", "SEEK"]).has("PREAD"));
  assert(new Rights(["READ"]).has("RECV"));
  assertFalse(new Rights(["READ", "SEEK_TELL"]).has("PREAD"));
});

test("Rights.forEach() calls its callback with name, name, set and the given this", () => {
  const calls: unknown[] = [];
  const rights = new Rights(["FSTAT", "FSYNC"]);
  rights.forEach(function (this: unknown, ...args) {
    calls.push([this, ...args]);
  }, "me");
  assertEquals(calls.length, 2);
  assertEquals(calls.map((call) => (call as unknown[]).slice(0, 3)), [["me", "FSYNC", "FSYNC"], [
    "me",
    "FSTAT",
    "FSTAT",
  ]]);
  assert((calls[0] as unknown[])[3] === rights);
});

test("Rights.names() gives the maximal names, without aliases, that cover every named bit", () => {
  const random = randomFrom(11);
  for (let i = 0; i < 500; i++) {
    const words = i === 0 ? Rights.all().toWords() : randomWords(random);
    const rights = Rights.fromWords(words);
    const names = rights.names();
    const bits = (list: Iterable<RightName>) =>
      [...list].reduce((sum, name) => or(sum, modelOf.get(name)!), empty);
    assertEquals(bits(names), bits(rights));
    for (const a of names) {
      for (const b of names) assert(a === b || !within(modelOf.get(a)!, modelOf.get(b)!), `${a} is in ${b}`);
    }
    assertFalse(names.some((name) => ["RECV", "SEND", "POLL_EVENT"].includes(name)));
    assertEquals(names, Rights.fromWords(words).names());
  }
  assertEquals(new Rights(["READ", "SEEK"]).names(), ["PREAD"]);
  assertEquals(new Rights(["RECV", "POLL_EVENT"]).names(), ["READ", "EVENT"]);
});

test("Rights.all().names() covers all of CAP_ALL", () => {
  for (const release of [13, 14, 15]) {
    const all = Rights.all(release);
    assert(new Rights(all.names()).equals(all));
  }
});

test("Rights works as an argument of the methods of Set", () => {
  const rights = new Rights(["FSTAT", "FSYNC"]);
  assertEquals([...new Set(["READ"]).union(rights)], ["READ", "FSYNC", "FSTAT"]);
  assertEquals([...new Set<RightName>(["READ", "FSTAT"]).intersection(rights)], ["FSTAT"]);
  assertEquals([...new Set<RightName>(["READ", "FSTAT"]).difference(rights)], ["READ"]);
  assertEquals([...new Set<RightName>(["READ", "FSTAT"]).symmetricDifference(rights)], ["READ", "FSYNC"]);
  assert(new Set<RightName>(["FSTAT"]).isSubsetOf(rights));
  assert(new Set<RightName>(["FSTAT", "FSYNC", "READ"]).isSupersetOf(rights));
  assert(new Set<RightName>(["READ"]).isDisjointFrom(rights));
  assertFalse(new Set<RightName>(["READ", "FSYNC"]).isDisjointFrom(rights));
});

// Releases

test("Rights.all() accepts a major release or an osreldate", () => {
  assert(Rights.all(1302001).equals(Rights.all(13)));
  assert(Rights.all(1400097).equals(Rights.all(14)));
  assert(Rights.all(1501502).equals(Rights.all(15)));
  assert(Rights.all().equals(Rights.all(15)));
  assertFalse(Rights.all(13).equals(Rights.all(15)));
});

test("Rights.all() and isValid() refuse an unknown release, and name it", () => {
  for (const release of [12, 16, 0, -13, 13.2, NaN, Infinity, 1201000, 1600000, 1302001.5]) {
    for (const use of [(r: number) => Rights.all(r), (r: number) => Rights.NONE.isValid(r)]) {
      assertThrows(() => use(release), RangeError, `The rights of FreeBSD ${release} are not known`);
      use(13);
    }
  }
  assertThrows(() => Rights.all("15" as unknown as number), TypeError, '"15" is not a release');
});

test("Rights.isValid() returns whether a release has every bit", () => {
  const fchroot = new Rights(["FCHROOT"]);
  assertEquals([13, 14, 15].map((release) => fchroot.isValid(release)), [false, false, true]);
  assert(fchroot.isValid());
  assertFalse(fchroot.isValid(1302001));
  assertFalse(Rights.fromWords([1n << 57n | 1n << 56n, 1n << 58n]).isValid());
  assert(new Rights(["READ", "IOCTL"]).isValid(13));
});

// Words, bytes, JSON, text

test("Rights.fromWords() refuses words of wrong type, version or index, and names the word", () => {
  const sound: Words = [1n << 57n, 1n << 58n];
  const cases: [unknown, ErrorConstructor, string][] = [
    [[0n, 1n << 58n], RangeError, "0x0000000000000000 is not word 0 of a cap_rights_t"],
    [[1n << 57n, 0n], RangeError, "0x0000000000000000 is not word 1 of a cap_rights_t"],
    [[1n << 58n, 1n << 57n], RangeError, "0x0400000000000000 is not word 0"],
    [[1n << 57n, 1n << 57n], RangeError, "0x0200000000000000 is not word 1"],
    [[3n << 57n, 1n << 58n], RangeError, "0x0600000000000000 is not word 0"],
    [[1n << 57n | 1n << 62n, 1n << 58n], RangeError, "0x4200000000000000 is not word 0"],
    [[1n << 57n, 1n << 58n | 1n << 63n], RangeError, "0x8400000000000000 is not word 1"],
    [[1n << 64n, 1n << 58n], RangeError, "18446744073709551616n does not fit"],
    [[-1n, 1n << 58n], RangeError, "-1n does not fit"],
    [[1n << 57n], TypeError, "is not two words"],
    [[...sound, 1n << 59n], TypeError, "is not two words"],
    [[1, 2], TypeError, "is not two words"],
    [null, TypeError, "null is not two words"],
  ];
  for (const [words, errorClass, message] of cases) {
    assertThrows(() => Rights.fromWords(words as Words), errorClass, message);
  }
  assertEquals(Rights.fromWords(sound).toWords(), sound);
});

test("Rights.fromWords() keeps bits that no release has", () => {
  const words: Words = [0x03ffffffffffffffn, 0x05ffffffffffffffn];
  const rights = Rights.fromWords(words);
  assertEquals(rights.toWords(), words);
  assertEquals(Rights.fromBytes(rights.toBytes()).toWords(), words);
  assertEquals(Rights.fromJSON(rights.toJSON()).toWords(), words);
  assertFalse(rights.isValid());
});

test("Rights.toBytes() and fromBytes() are the little-endian cap_rights_t", () => {
  const random = randomFrom(5);
  for (let i = 0; i < 500; i++) {
    const words = randomWords(random);
    const bytes = Rights.fromWords(words).toBytes();
    const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
    assertEquals([view.getBigUint64(0, true), view.getBigUint64(8, true)], words);
    assertEquals(Rights.fromBytes(bytes).toWords(), words);
    assertEquals(bytesOf(Rights.fromWords(words)), bytes);
  }
  const inside = new Uint8Array(32);
  inside.set(new Rights(["READ"]).toBytes(), 5);
  assertEquals(Rights.fromBytes(inside.subarray(5, 21)).names(), ["READ"]);
});

test("Rights.fromBytes() refuses anything except 16 valid bytes", () => {
  const cases: [unknown, ErrorConstructor, string][] = [
    [new Uint8Array(15), RangeError, "A cap_rights_t has 16 bytes, not 15."],
    [new Uint8Array(32), RangeError, "A cap_rights_t has 16 bytes, not 32."],
    [new Uint8Array(16), RangeError, "0x0000000000000000 is not word 0 of a cap_rights_t"],
    [new ArrayBuffer(16), TypeError, "[object ArrayBuffer] is not a cap_rights_t"],
    [undefined, TypeError, "undefined is not a cap_rights_t"],
  ];
  for (const [bytes, errorClass, message] of cases) {
    assertThrows(() => Rights.fromBytes(bytes as Uint8Array), errorClass, message);
  }
  assert(Rights.fromBytes(Rights.NONE.toBytes()).isEmpty);
});

test("Rights round-trips through JSON, also bits without a name", () => {
  const random = randomFrom(13);
  for (let i = 0; i < 500; i++) {
    const rights = Rights.fromWords(randomWords(random));
    assert(Rights.fromJSON(JSON.parse(JSON.stringify(rights))).equals(rights));
  }
  const halfOfSeek = Rights.fromWords([0x0200000000000009n, 0x0400000000000000n]);
  assertEquals(JSON.stringify(halfOfSeek), '["READ","0x0200000000000008"]');
  assertEquals(JSON.stringify(Rights.NONE), "[]");
});

test("Rights.fromJSON() refuses a value that is neither a name nor the value of a right, and names it", () => {
  const cases: [unknown, ErrorConstructor, string][] = [
    [["REED"], RangeError, '"REED" is not the name of a right.'],
    [["0x1"], RangeError, "0x0000000000000001 is not a right"],
    [["0x10200000000000001"], RangeError, '"0x10200000000000001" is not the name of a right.'],
    ["READ", TypeError, 'The string "READ" is not a list'],
    [[1], TypeError, "1 is not a right's name in JSON"],
    [{ 0: "READ" }, TypeError, "[object Object] is not a list"],
  ];
  for (const [json, errorClass, message] of cases) {
    assertThrows(() => Rights.fromJSON(json as string[]), errorClass, message);
  }
  assertEquals(Rights.fromJSON(["READ", "0x0200000000000002"]).names(), ["READ", "WRITE"]);
});

test("Rights has a readable string, Deno.inspect output and tag", () => {
  const rights = new Rights(["READ", "LOOKUP", "SEEK"]);
  assertEquals(String(rights), "PREAD, LOOKUP");
  assertEquals(Deno.inspect(rights), "Rights { PREAD, LOOKUP }");
  assertEquals(Deno.inspect({ rights: [rights] }), "{ rights: [ Rights { PREAD, LOOKUP } ] }");
  assertEquals(String(Rights.NONE), "NONE");
  assertEquals(Deno.inspect(Rights.NONE), "Rights {}");
  assertEquals(
    Deno.inspect(Rights.fromWords([0x0300000000000001n, 0x0400000000000000n])),
    "Rights { READ, 0x0300000000000000 }",
  );
  assertEquals(Object.prototype.toString.call(rights), "[object Rights]");
});

// Immutability

test("Rights can't be changed", () => {
  const list: RightName[] = ["READ"];
  const rights = new Rights(list);
  list.push("WRITE");
  rights.toBytes().fill(0xff);
  rights.toWords().fill(0n);
  rights.names().pop();
  assertEquals(rights.names(), ["READ"]);
  assertThrows(() => Object.assign(rights, { added: 1 }), TypeError);
  assertThrows(() => Object.assign(rights, { size: 5 }), TypeError);
  assertThrows(() => Object.assign(Rights, { NONE: rights }), TypeError);
  assertFalse(Rights.all().equals(Rights.all().difference(rights)));
  assert(Object.isFrozen(rights) && Object.isFrozen(Rights.NONE) && Object.isFrozen(rights.union(["WRITE"])));
  assertEquals(rights.union(["WRITE"]).names(), ["READ", "WRITE"]);
  assertEquals(rights.names(), ["READ"]);
});

test("Rights.toBytes() returns new bytes each time, and the buffer for the calls is created once", () => {
  const rights = new Rights(["READ"]);
  assert(rights.toBytes() !== rights.toBytes());
  assert(rights.toBytes() !== bytesOf(rights));
  assert(bytesOf(rights) === bytesOf(rights));
});
