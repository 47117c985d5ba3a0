/**
 * Scenarios for the stand-in that no recording holds: written as recordings are, and replayed the same way.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { kernel } from "../_kernel.ts";
import type { Argument, Replayed, Step } from "../_replay.ts";
import { Replayer, type Surroundings } from "../_replayer.ts";
import { test } from "../_test.ts";

export type Release = "13.2" | "15.1";

export const needsStandin: string | undefined = kernel.simulated ? undefined : "it is about the stand-in";

export const AT_FDCWD = -100;
export const EPERM = 1,
  ENOENT = 2,
  EBADF = 9,
  EFAULT = 14,
  EEXIST = 17,
  ENOTDIR = 20,
  EISDIR = 21,
  EINVAL = 22,
  ENOTTY = 25;
export const EMLINK = 31, EAGAIN = 35, EOPNOTSUPP = 45, ELOOP = 62, ENAMETOOLONG = 63, ENOTEMPTY = 66;
export const ENOTCAPABLE = 93, ECAPMODE = 94;
export const O_WRONLY = 1, O_RDWR = 2, O_NOFOLLOW = 0x100, O_CREAT = 0x200, O_DIRECTORY = 0x20000;
export const O_PATH = 0x400000, O_RESOLVE_BENEATH = 0x800000, O_DSYNC = 0x1000000;

export const d: Argument = { ref: "d" };
export const f: Argument = { ref: "f" };

/** The call succeeds. */
export const ok = (call: string, ...args: Argument[]): Step => ({ call, args, ret: "ok" });
/** The call gives a number. */
export const gives = (ret: number, call: string, ...args: Argument[]): Step => ({ call, args, ret });
/** The call gives a descriptor, `{ ref: as }` in later steps. */
export const opens = (as: string, call: string, ...args: Argument[]): Step => ({ call, args, ret: "fd", as });
/** The call fails. */
export const fails = (errno: number, call: string, ...args: Argument[]): Step => ({
  call,
  args,
  ret: -1,
  errno,
});
/** The call succeeds, and fills the buffer at argument `index` with bytes in hex. */
export const fills = (index: number, hex: string, call: string, ...args: Argument[]): Step => ({
  call,
  args,
  ret: "ok",
  out: { [index]: hex },
});

const { rights }: { rights: { name: string; value: string }[] } = JSON.parse(
  Deno.readTextFileSync(new URL("../data/rights.json", import.meta.url)),
);
const replayers = new Map((["13.2", "15.1"] satisfies Release[]).map((release) => [
  release,
  new Replayer({
    module: new URL("../_replay.ts", import.meta.url),
    release,
    rights: Object.fromEntries(rights.map(({ name, value }) => [name, value])),
  }),
]));

/** Registers a test for each release that replays `steps`. */
export function scenario(
  name: string,
  releases: Release[],
  steps: Step[],
  surroundings: Surroundings = {},
): void {
  for (const release of releases) {
    const replayed = replay(name, release, steps, surroundings);
    standinTest(release, name, async () => {
      assertEquals(await replayed(), { steps: steps.length, mismatches: [] });
    });
  }
}

/** Returns a function that gives the result of replaying `steps`, which happens once. */
export function replay(
  name: string,
  release: Release,
  steps: Step[],
  surroundings: Surroundings,
): () => Promise<Replayed> {
  const replayer = replayers.get(release)!, scenario = { name, steps };
  replayer.add(scenario, surroundings);
  let result: Promise<Replayed> | undefined;
  return () => result ??= replayer.result(scenario);
}

/** Registers a test of the stand-in for a release. */
export function standinTest(release: Release, name: string, body: () => Promise<void>): void {
  test(`stand-in ${release}: ${name}`, body, { skip: needsStandin });
}
