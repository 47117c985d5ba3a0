import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Operation, type RightName, Rights, rightsFor } from "../../../mod.ts";
import { needs, rightsToOpen } from "../../../ffi/capsicum/needs.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import type { Scenario, Step } from "../../_replay.ts";
import { test } from "../../_test.ts";
import traces from "../../data/kernel_traces.json" with { type: "json" };
import { operations } from "../../ffi/capsicum/_operations.ts";

const ENOENT = 2, ENOTCAPABLE = 93;

/** Returns the rights that a recorded call needs; undefined for a call that is not in the table. */
function recordedNeeds({ call, args }: Step): RightName[] | undefined {
  if (call === "openat") return [...rightsToOpen(args[2] as number)];
  if (!Object.hasOwn(needs, call)) return undefined;
  const own = needs[call as Operation];
  if (call === "linkat") return [...own, ...needs["linkat to"]];
  if (call !== "renameat") return [...own];
  return [...own, ...needs[args[3] === "sub/g" ? "renameat over" : "renameat to"]];
}

/** The calls that were tested on a running kernel, by the documentation of `needs`. */
const recorded = [
  ...["read", "write", "pread", "pwrite", "lseek", "fstat", "ftruncate", "fsync", "fdatasync", "flock"],
  ...["fchmod", "futimens", "fcntl", "getdirentries", "openat", "fstatat", "faccessat", "fchmodat"],
  ...["utimensat", "unlinkat", "mkdirat", "mkfifoat", "symlinkat", "readlinkat", "linkat", "renameat"],
];

test("the recorded kernel of FreeBSD 15.1 refused exactly the calls that lacked a right in the table", () => {
  const scenarios = (traces.scenarios as unknown as Scenario[]).filter(({ name }) =>
    /^(dir)?ops-/.test(name)
  );
  const checked = new Map<string, Set<boolean>>();
  const differing: string[] = [];
  for (const { name, steps } of scenarios) {
    const held = new Map<string, Rights>();
    for (const step of steps) {
      const refs = step.args.flatMap((arg) =>
        typeof arg === "object" && arg && "ref" in arg ? [arg.ref] : []
      );
      const [ref = ""] = refs;
      if (step.call === "cap_rights_limit") {
        held.set(ref, new Rights((step.args[1] as { rights: RightName[] }).rights));
        continue;
      }
      const rights = held.get(ref), needed = recordedNeeds(step);
      // If the first name is missing, the kernel does not check the second directory.
      if (rights === undefined || needed === undefined || needed.length === 0 || step.errno === ENOENT) {
        continue;
      }
      const refused = step.errno === ENOTCAPABLE;
      if (refused === rights.isSupersetOf(needed)) {
        differing.push(`${name}: ${step.call}(${JSON.stringify(step.args)}): ${step.errno ?? "ok"}`);
      }
      const key = step.call === "openat" ? `openat ${step.args[2]}` : step.call;
      checked.set(key, (checked.get(key) ?? new Set()).add(refused));
    }
  }
  assertEquals(differing, []);
  const calls = [...checked.keys()].map((key) => key.split(" ")[0]!);
  assertEquals([...new Set(calls)].sort(), [...recorded].sort());
  // Nothing was recorded with FTRUNCATE, FUTIMES, FCHMODAT or MKFIFOAT: for these the recording contains only refusals.
  const refusedOnly = [...checked].filter(([, outcomes]) => !outcomes.has(false)).map(([key]) => key);
  const unrecorded = ["ftruncate", "futimens", "openat 1025", "openat 2", "fchmodat", "mkfifoat"];
  assertEquals(refusedOnly.sort(), unrecorded.sort());
  assertEquals([...checked].filter(([, outcomes]) => !outcomes.has(true)), []);
});

test("rightsFor() returns for each call the rights that the tests of all calls use", () => {
  for (const { call: name, variant, needs } of operations) {
    // It needs the same rights as renameat(2).
    const call = name === "renameat2" ? "renameat" : name;
    if (call === "openat" || variant === "F_GETFD") continue;
    assert(rightsFor(call as Operation).equals(needs[0]!), call);
    const to = variant === "onto a name" ? "renameat over" : `${call} to`;
    if (needs.length > 1) assert(rightsFor(to as Operation).equals(needs[1]!), to);
  }
});

const opening = [
  {},
  { read: true },
  { write: true },
  { read: true, write: true },
  { append: true },
  { read: true, append: true },
  { write: true, truncate: true },
  { write: true, create: true },
  { append: true, create: true },
  { write: true, createNew: true },
  { write: true, create: true, truncate: true },
  { read: true, noFollow: true },
  { write: true, sync: true },
];

test.capsicum("the rights that rightsFor() returns for open options suffice, and without one of them opening fails", async () => {
  using fixture = new Fixture({ file: "text" });
  const outcomes = await inChild(
    ({ openDirSync, rightsFor, Rights, enter, caught }, { base, opening }) => {
      using top = openDirSync(base);
      enter();
      const open = (held: InstanceType<typeof Rights>, options: Deno.OpenOptions) =>
        caught(() => {
          using dir = top.openDirSync(".", { limit: held });
          using file = dir.openSync(options.createNew ? crypto.randomUUID() : "file", options);
          void file;
        });
      return opening.map((options) => {
        const needed = rightsFor(options);
        const lacking = needed.names().flatMap((name) =>
          // A name may stand for several rights.
          [...new Rights([name])].filter((right) => right.length <= name.length && needed.has(right))
        );
        return {
          enough: open(needed, options)?.message ?? "ok",
          without: lacking.map((right) => [right, open(needed.difference([right]), options)?.code ?? "ok"]),
        };
      });
    },
    { base: fixture.path, opening },
  );
  for (const [i, { enough, without }] of outcomes.entries()) {
    const options = JSON.stringify(opening[i]);
    assertEquals(enough, "ok", options);
    assert(without.length > 0, options);
    for (const [right, code] of without) assertEquals([right, code], [right, "ENOTCAPABLE"], options);
  }
});

test("rightsFor() refuses a call that is not in the table and options that contradict each other", () => {
  assertThrows(() => rightsFor("openat" as Operation), RangeError, '"openat" is not a call in the table');
  assertThrows(() => rightsFor("toString" as Operation), RangeError, '"toString" is not a call in the table');
  assertThrows(
    () => rightsFor("linkat from" as Operation),
    RangeError,
    'the table has "linkat", "linkat to".',
  );
  assertThrows(() => rightsFor(5 as never), TypeError, "not 5");
  assertThrows(() => rightsFor(null as never), TypeError, "not null");
  assertThrows(() => rightsFor({ create: true }), TypeError, "need write or append");
  assertEquals(rightsFor("close").names(), []);
  assertEquals(rightsFor("read").names(), ["READ"]);
});
