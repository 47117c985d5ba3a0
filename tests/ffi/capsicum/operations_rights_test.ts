/** Compares the rights that the library documents for a call with the rights that the kernel checks. */
import { assert, assertEquals } from "@std/assert";
import { libc, type RightName, Rights } from "../../../mod.ts";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { bitsOf } from "../../rights/_bits.ts";
import { test } from "../../_test.ts";
import { isLater } from "../_calls.ts";
import { type Operation, operations, type Outcome, type Trial, type Trials } from "./_operations.ts";

const all = Rights.all(kernel.osreldate);
// Of the kernels of 14 it is not known whether they ask FSYNC for O_DSYNC.
const known = [...operations.entries()].filter(([, { call, variant }]) =>
  !isLater(call, kernel.osreldate) && (kernel.major !== 14 || !variant?.includes("O_DSYNC"))
);

test("every function of libc that takes a file descriptor is covered by the operations", () => {
  const functions = Object.entries(libc).filter(([, value]) => typeof value === "function").map(([name]) =>
    name
  );
  const others = ["open", "getdtablesize", "procctl"];
  const wanted = functions.filter((name) => !name.includes("cap_") && !others.includes(name));
  assertEquals([...new Set(operations.map(({ call }) => call))].sort(), wanted.sort());
});

for (const capmode of [false, true]) {
  const where = capmode ? "in capability mode" : "outside of capability mode";

  test(`every call works with exactly the rights that it needs, ${where}`, async () => {
    const trials = known.map(([operation, { needs }]) => ({ operation, held: needs.map(json) }));
    const outcomes = await outcomesOf(trials, capmode);
    assertEquals(failures(trials, outcomes, () => ({ code: "ok" })), []);
  });

  test(`every call without one of the rights that it needs reports the missing one, ${where}`, async () => {
    const lacking = known.flatMap(([operation, { needs }]) => withoutOne(operation, needs));
    const outcomes = await outcomesOf(lacking, capmode);
    const wanted = lacking.map(({ lacks: [end, right] }) => ({ code: "ENOTCAPABLE", missing: [right], end }));
    assertEquals(failures(lacking, outcomes, (i) => wanted[i]!), []);
  });

  test(`1,000 calls with random rights succeed or fail as predicted by the table of needs, ${where}`, async () => {
    const random = generator(20_261_122);
    const trials = Array.from({ length: 1000 }, () => randomTrial(random));
    const wanted = trials.map(predicted);
    // A sample that only fails, or never fails, would show little.
    const works = wanted.filter(({ code }) => code === "ok").length;
    assert(works > 200 && works < 800, `${works} of them should work`);
    assertEquals(failures(trials, await outcomesOf(trials, capmode), (i) => wanted[i]!), []);
  });
}

async function outcomesOf(trials: Trial[], capmode: boolean): Promise<Outcome[]> {
  using fixture = new Fixture();
  const input: Trials = { capmode, base: fixture.path, trials };
  const url = new URL("_operations.ts", import.meta.url);
  const { code, stdout, stderr } = await runModule(url, { stdin: JSON.stringify(input) });
  if (code !== 0) throw new Error(`the operations ended with code ${code}\n${stdout}${stderr}`);
  return JSON.parse(stdout);
}

/** The trials that came out otherwise than wanted. */
function failures(trials: Trial[], outcomes: Outcome[], wanted: (index: number) => Outcome): string[] {
  assertEquals(outcomes.length, trials.length);
  return trials.flatMap((trial, i) => {
    const { message, ...outcome } = outcomes[i]!;
    const [got, expected] = [outcome, wanted(i)].map(({ code, missing, end }) =>
      JSON.stringify([code, missing, end])
    );
    return got === expected ? [] : [`${described(trial)}: expected ${expected}, got ${got}: ${message}`];
  });
}

function described({ operation, held }: Trial): string {
  const { call, variant } = operations[operation]!;
  const rights = held.map((names) => names.join("+") || "nothing").join(" and ");
  return `${variant === undefined ? call : `${call}, ${variant}`}, holding ${rights}`;
}

function json(rights: Iterable<RightName>): string[] {
  return new Rights(rights).toJSON();
}

interface Lacking extends Trial {
  /** Which right the descriptor of which index lacks. */
  lacks: [end: number, right: RightName];
}

/** Trials that lack one right: of exactly those needed, and of all; with the LOOKUP that is in it, and without. */
function withoutOne(operation: number, needs: Operation["needs"]): Lacking[] {
  return needs.flatMap((needed, end) =>
    needed.flatMap((right) =>
      [new Rights(needed), all].flatMap((full) =>
        [[], ["LOOKUP"] as const].filter((kept) =>
          right !== kept[0] && new Rights([right]).isSupersetOf(kept)
        )
          .map((kept): Lacking => {
            const others = needed.filter((other) => other !== right);
            const held = full.difference([right]).union(others).union(kept);
            return {
              operation,
              held: needs.map((rights, i) => i === end ? held.toJSON() : json(rights)),
              lacks: [end, right],
            };
          })
      )
    )
  );
}

/** What the table of needs says of a trial. */
function predicted({ operation, held }: Trial): Outcome {
  const { needs, variant } = operations[operation]!;
  for (const [end, needed] of needs.entries()) {
    const rights = Rights.fromJSON(held[end]!);
    const lacks = needed.filter((right) => !rights.has(right));
    if (lacks.length === 0) continue;
    // Whether the new name exists is asked last.
    const reported = variant === "onto a name" && lacks.length > 1 ? lacks.slice(0, 1) : lacks;
    return { code: "ENOTCAPABLE", missing: new Rights(reported).names(), end };
  }
  return { code: "ok" };
}

/** Some of all rights, most of those needed, and often one bit less. */
function randomTrial(random: () => number): Trial {
  const [operation, { needs }] = known[Math.floor(random() * known.length)]!;
  const held = needs.map((needed) => {
    const some = [...all].filter(() => random() < 0.1);
    const rights = new Rights(some).union(needed.filter(() => random() < 0.75));
    const bits = bitsOf(rights);
    const bit = bits[Math.floor(random() * bits.length)];
    return (bit === undefined || random() < 0.6 ? rights : rights.difference([bit])).toJSON();
  });
  return { operation, held };
}

/** Numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
