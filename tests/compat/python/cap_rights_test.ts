import { assert, assertEquals, assertThrows } from "@std/assert";
import { type CapList, type CapName, CapRights, Caps, CapsName } from "../../../compat/python/pycapsicum.ts";
import { openSync, Right, Rights } from "../../../mod.ts";
import { kernel } from "../../_kernel.ts";
import { current, data } from "../../rights/_model.ts";
import { test } from "../../_test.ts";

type HexWords = [string, string];

/** One recorded call of a C function: what it was given, and what it gave back or that it aborted. */
interface Vector {
  id: number;
  release: string;
  op: string;
  rights?: string[];
  in?: HexWords;
  dst?: HexWords;
  src?: HexWords;
  big?: HexWords;
  little?: HexWords;
  out?: HexWords | boolean;
  abort?: true;
}

const { cases } = data<{ cases: Vector[] }>("rights_vectors.json");

/** The operations as CapRights has them, in the form of the recorded answer. */
const operations: Record<string, (vector: Vector) => HexWords | boolean> = {
  set: (vector) => changed(vector.in!, (rights) => rights.set(list(vector))),
  clear: (vector) => changed(vector.in!, (rights) => rights.clear(list(vector))),
  is_set: (vector) => made(vector.in!).is_set(list(vector)),
  is_valid: (vector) => made(vector.in!).is_valid(Number.parseInt(vector.release)),
  merge: (vector) => changed(vector.dst!, (rights) => rights.merge(made(vector.src!))),
  remove: (vector) => changed(vector.dst!, (rights) => rights.remove(made(vector.src!))),
  contains: (vector) => made(vector.big!).contains(made(vector.little!)),
};

test("CapRights returns the results of the recorded calls of the cap_rights_* functions", () => {
  const counts = { same: 0, refused: 0, "refused earlier": 0, "goes on": 0 };
  for (const vector of cases) {
    const operation = operations[vector.op];
    if (operation === undefined) continue;
    const at = JSON.stringify(vector);
    let answer: HexWords | boolean;
    try {
      answer = operation(vector);
    } catch (error) {
      assert(error instanceof RangeError, `${at}: ${error}`);
      // C finds a broken word only when it needs it; here no set with one can be made, so it is not valid.
      if (vector.abort) counts.refused++;
      else {
        assert(words(vector).some(isBroken), at);
        if (vector.op === "is_valid") assertEquals(vector.out, false, at);
        counts[vector.op === "is_valid" ? "same" : "refused earlier"]++;
      }
      continue;
    }
    if (vector.abort) {
      // C asserts that its release knows the rights of both; here is_valid() tells.
      assert(["merge", "remove"].includes(vector.op), at);
      assert(words(vector).some((set) => !made(set).is_valid(Number.parseInt(vector.release))), at);
      counts["goes on"]++;
    } else {
      assertEquals(answer, vector.out, at);
      counts.same++;
    }
  }
  assertEquals(counts, { same: 538, refused: 83, "refused earlier": 69, "goes on": 12 });
});

test("caps has the names of every recorded set, in the order of the header, and a set of them is equal", () => {
  const order = current.map(({ name }) => `CAP_${name}`);
  let checked = 0;
  for (const set of cases.flatMap(words).filter((set) => !isBroken(set))) {
    const rights = made(set), { caps } = rights;
    assertEquals(caps, caps.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
    assert(caps.every((name) => rights.is_set([name])));
    // A bit that no name of the set covers, such as that of LINKAT_TARGET without LOOKUP, is not listed.
    assert(new CapRights(caps).cr.equals([...rights.cr]));
    checked++;
  }
  assert(checked > 400, `${checked}`);
});

// The name before the colon is that of the ancestor's test.
test.capsicum("test_cr: caps, clear, is_set, is_valid, merge, contains, remove, limit and get", () => {
  using file = openSync("/dev/null");
  const sorted = (caps: Iterable<CapName>) => [...caps].sort();

  const cr1 = new CapRights();
  assertEquals(cr1.caps, []);

  const caps2 = sorted(["CAP_READ", "CAP_MMAP", "CAP_LOOKUP"]);
  const cr2 = new CapRights(caps2);
  assertEquals(sorted(cr2.caps), caps2);

  const cleared: CapName[] = ["CAP_MMAP", "CAP_FLOCK"];
  const after = sorted(new Set(caps2).difference(new Set(cleared)));
  cr2.clear(cleared);
  assertEquals(sorted(cr2.caps), after);

  assertEquals([cr2.is_set(after), cr2.is_set(caps2), cr2.is_valid()], [true, false, true]);

  const cr3 = new CapRights(cleared);
  cr2.merge(cr3);
  assertEquals(sorted(cr2.caps), sorted(new Set(caps2).union(new Set(cleared))));
  assertEquals([cr2.contains(cr3), cr1.contains(cr3)], [true, false]);

  cr2.remove(cr3);
  assertEquals(sorted(cr2.caps), after);

  cr2.limit(file);
  cr3.get(file);
  assertEquals(cr3.caps, cr2.caps);
});

test("is_set() checks all of the names, in any order, and is true without names", () => {
  const rights = new CapRights(["CAP_READ"]);
  assertEquals(rights.is_set(["CAP_READ", "CAP_WRITE"]), false);
  assertEquals(rights.is_set(["CAP_WRITE", "CAP_READ"]), false);
  assertEquals([rights.is_set(["CAP_READ", "CAP_RECV"]), rights.is_set([])], [true, true]);
});

test("set() ignores no name because of another one", () => {
  const rights = new CapRights(["CAP_SEEK_TELL", "CAP_SEEK"]);
  assertEquals(rights.caps, ["CAP_SEEK"]);
  rights.set(["CAP_READ"]);
  assertEquals(rights.caps, ["CAP_PREAD"]);
});

test("all forms of the empty set are equal, and Caps and CapsName have every right", () => {
  for (
    const none of [new CapRights(), new CapRights(null), new CapRights([]), new CapRights(new Set<never>())]
  ) {
    assertEquals([none.caps, none.cr.isEmpty, none.is_valid(13)], [[], true, true]);
  }
  assertEquals(Object.keys(Caps), Object.keys(Right).map((name) => `CAP_${name}`));
  assertEquals([Caps.CAP_READ, CapsName.CAP_READ], [Right.READ, "CAP_READ"]);
  assertEquals(new CapRights(Object.values(Caps)).cr.equals(Rights.all()), true);
  assertEquals(new CapRights(Object.values(CapsName)).cr.equals(Rights.all()), true);
});

test("is_valid() checks against the running kernel, or against a release", () => {
  const newer = new CapRights(["CAP_INOTIFY_ADD"]);
  assertEquals([newer.is_valid(13), newer.is_valid(14), newer.is_valid(15)], [false, false, true]);
  assertEquals(newer.is_valid(), !kernel.hasCapsicum || kernel.major >= 15);
});

test("an unknown name, a name without its prefix and a value that is not a right are refused, and change nothing", () => {
  const wrong = (value: unknown) => value as CapList;
  const rights = new CapRights(["CAP_READ"]);
  for (const method of ["set", "clear", "is_set"] as const) {
    for (
      const element of ["CAP_DOES_NOT_EXIST", "", "CAP_", "CAP_CAP_READ", 0n, 1n, Right.READ | Right.IOCTL]
    ) {
      assertThrows(() => rights[method](wrong(["CAP_READ", "CAP_WRITE", element])), RangeError);
    }
    assertThrows(() => rights[method](wrong(["WRITE"])), RangeError, 'Did you mean "CAP_WRITE"?');
    assertThrows(() => rights[method](wrong(["CAP_LINKAT"])), RangeError, "LINKAT_SOURCE");
    for (const element of [1, null, undefined, {}]) {
      assertThrows(() => rights[method](wrong([element])), TypeError);
    }
    for (const list of ["CAP_WRITE", undefined, null, 1, {}]) {
      assertThrows(() => rights[method](wrong(list)), TypeError);
    }
  }
  for (const list of ["CAP_WRITE", 1, {}]) assertThrows(() => new CapRights(wrong(list)), TypeError);
  assertEquals(rights.caps, ["CAP_READ"]);
});

test("merge(), remove() and contains() accept only a CapRights, and do not change it", () => {
  const rights = new CapRights(["CAP_READ"]), other = new CapRights(["CAP_WRITE"]);
  for (const method of ["merge", "remove", "contains"] as const) {
    for (const value of [undefined, null, ["CAP_WRITE"], new Rights(["WRITE"]), {}]) {
      assertThrows(() => rights[method](value as CapRights), TypeError);
    }
    rights[method](other);
    assertEquals(other.caps, ["CAP_WRITE"]);
  }
  rights.merge(rights);
  assertEquals(rights.caps, ["CAP_READ"]);
  rights.remove(rights);
  assertEquals(rights.caps, []);
});

test("two CapRights share no state, and cr does not change later", () => {
  const one = new CapRights(["CAP_READ"]), before = one.cr, two = new CapRights(one.caps);
  two.set(["CAP_WRITE"]);
  one.clear(["CAP_READ"]);
  assertEquals([one.caps, two.caps, before.names()], [[], ["CAP_READ", "CAP_WRITE"], ["READ"]]);
  assertEquals([Deno.inspect(one), Deno.inspect(two)], ["CapRights {}", "CapRights { CAP_READ, CAP_WRITE }"]);
});

/** What a method leaves behind. */
function changed(set: HexWords, change: (rights: CapRights) => void): HexWords {
  const rights = made(set);
  change(rights);
  return rights.cr.toWords().map((word) => `0x${word.toString(16).padStart(16, "0")}`) as HexWords;
}

/** A CapRights of the two words, each of which is a value that the constructor takes. */
function made(set: HexWords): CapRights {
  const rights = Rights.fromWords([BigInt(set[0]), BigInt(set[1])]);
  const capRights = new CapRights(rights.toWords());
  assert(capRights.cr.equals(rights));
  return capRights;
}

/** The list of a variadic call, which ends at the first 0. */
function list({ rights = [] }: Vector): CapList {
  const end = rights.indexOf("0x0000000000000000");
  return rights.slice(0, end < 0 ? undefined : end)
    .map((right) => right.startsWith("0x") ? BigInt(right) : `CAP_${right}`) as CapName[];
}

function isBroken([word0, word1]: HexWords): boolean {
  return BigInt(word0) >> 57n !== 1n || BigInt(word1) >> 57n !== 2n;
}

function words({ in: set, dst, src, big, little }: Vector): HexWords[] {
  return [set, dst, src, big, little].filter((words) => words !== undefined);
}
