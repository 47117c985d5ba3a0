import { assert, assertEquals } from "@std/assert";
import { type RightName, Rights, type RightsLike } from "../../rights/rights.ts";
import { test } from "../_test.ts";
import { data } from "./_model.ts";

type HexWords = [string, string];

/** One call of a C function: what it was given, and what it gave back or that it aborted. */
interface Vector {
  id: number;
  release: string;
  op: "init" | "set" | "clear" | "is_set" | "is_valid" | "contains" | "merge" | "remove" | "is_empty";
  version?: number;
  rights?: string[];
  in?: HexWords;
  dst?: HexWords;
  src?: HexWords;
  big?: HexWords;
  little?: HexWords;
  out?: HexWords | boolean;
  abort?: true;
}

const { cases, count } = data<{ cases: Vector[]; count: number }>("rights_vectors.json");

test("Rights returns the same as the cap_rights_* functions in all 883 recorded calls", () => {
  const counts = { same: 0, refused: 0, "refused earlier": 0, "refused by release": 0 };
  for (const vector of cases) {
    const at = JSON.stringify(vector);
    if (needsReleaseCheck(vector)) {
      assertEquals(vector.abort, true, at);
      counts["refused by release"]++;
      continue;
    }
    const outcome = run(vector);
    if (!(outcome instanceof Error)) {
      assertEquals(outcome, vector.out, at);
      counts.same++;
      continue;
    }
    assert(outcome instanceof RangeError, `${at}: ${outcome}`);
    assert(inputs(vector).some((value) => outcome.message.includes(value)), `${at}: ${outcome}`);
    if (vector.abort) counts.refused++;
    else {
      // C reads only the words that it needs, so that a set with a word of wrong index or version passes until
      // somebody needs that word. A Rights with such a word can't be made at all.
      assert(sets(vector).some(isBroken), at);
      counts["refused earlier"]++;
    }
  }
  assertEquals(counts, { same: 703, refused: 98, "refused earlier": 70, "refused by release": 12 });
  assertEquals(cases.length, count);
});

test("Rights.isValid() is true for both arguments if cap_rights_merge() and cap_rights_remove() do not abort", () => {
  const goingOn = cases.filter(({ op, abort }) => (op === "merge" || op === "remove") && !abort);
  assertEquals(goingOn.length, 115);
  for (const { release, dst, src } of goingOn) {
    assert(read(dst).isValid(major(release)) && read(src).isValid(major(release)));
  }
});

/** What Rights answers, in the form of the recorded answer, or the error that it throws. */
function run(vector: Vector): HexWords | boolean | Error {
  try {
    const answer = call(vector);
    return typeof answer === "boolean" ? answer : answer.toWords().map(hex) as HexWords;
  } catch (error) {
    // A set that can't even be made is not valid.
    if (vector.op === "is_valid" && error instanceof RangeError && vector.in && isBroken(vector.in)) {
      return false;
    }
    return error as Error;
  }
}

function call({ op, version = 0, ...vector }: Vector): Rights | boolean {
  switch (op) {
    case "init":
      return Rights.fromWords([BigInt(version) << 62n | 1n << 57n, 1n << 58n]).union(list(vector));
    case "set":
      return read(vector.in).union(list(vector));
    case "clear":
      return read(vector.in).difference(list(vector));
    case "is_set":
      return read(vector.in).isSupersetOf(list(vector));
    case "is_valid":
      return read(vector.in).isValid(major(vector.release));
    case "contains":
      return read(vector.big).isSupersetOf(read(vector.little));
    case "merge":
      return read(vector.dst).union(read(vector.src));
    case "remove":
      return read(vector.dst).difference(read(vector.src));
    case "is_empty":
      return read(vector.in).isEmpty;
  }
}

/**
 * C asserts that both sets of a merge or remove are valid for the release that it was compiled for. A Rights is of no
 * release: isValid() is false for bits that a release does not know.
 */
function needsReleaseCheck({ op, release, dst, src }: Vector): boolean {
  if (op !== "merge" && op !== "remove" || [dst, src].some((words) => words && isBroken(words))) return false;
  return [dst, src].some((words) => !read(words).isValid(major(release)));
}

/** The list of a variadic call, which ends at the first 0. */
function list({ rights = [] }: Pick<Vector, "rights">): RightsLike {
  const end = rights.indexOf("0x0000000000000000");
  return rights.slice(0, end < 0 ? undefined : end)
    .map((right) => right.startsWith("0x") ? BigInt(right) : right as RightName);
}

function read(words: HexWords | undefined): Rights {
  assert(words);
  return Rights.fromWords([BigInt(words[0]), BigInt(words[1])]);
}

function isBroken([word0, word1]: HexWords): boolean {
  return BigInt(word0) >> 57n !== 1n || BigInt(word1) >> 57n !== 2n;
}

function sets({ in: set, dst, src, big, little }: Vector): HexWords[] {
  return [set, dst, src, big, little].filter((words) => words !== undefined);
}

/** Every number that the caller gave, as an error should name it. */
function inputs(vector: Vector): string[] {
  const version = vector.version ? [hex(BigInt(vector.version) << 62n | 1n << 57n)] : [];
  return [...sets(vector).flat(), ...vector.rights ?? [], ...version];
}

function major(release: string): number {
  return Number.parseInt(release);
}

function hex(value: bigint): string {
  return `0x${value.toString(16).padStart(16, "0")}`;
}
