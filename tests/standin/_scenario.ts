/**
 * Scenarios for the stand-in that no recording holds: written as recordings are, and replayed the same way.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { Fixture, type Tree } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import type { Argument, Replay, Replayed, Step } from "../_replay.ts";
import { test } from "../_test.ts";

export type Release = "13.2" | "15.1";

interface ScenarioOptions {
  tree?: Tree;
  /** Directories of the tree that are roots of mounts. */
  mountRoots?: string[];
}

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

/** Registers a test for each release that replays `steps` in a process of its own. */
export function scenario(
  name: string,
  releases: Release[],
  steps: Step[],
  options: ScenarioOptions = {},
): void {
  for (const release of releases) {
    test(`stand-in ${release}: ${name}`, () => replay(steps, release, options), { skip: needsStandin });
  }
}

async function replay(steps: Step[], release: Release, { tree = {}, mountRoots = [] }: ScenarioOptions) {
  using fixture = new Fixture(tree);
  const input: Replay = {
    scenario: { name: "", steps },
    base: fixture.path,
    rights: Object.fromEntries(rights.map(({ name, value }) => [name, value])),
  };
  const { code, signal, stdout, stderr } = await runModule(new URL("../_replay.ts", import.meta.url), {
    stdin: JSON.stringify(input),
    env: {
      STANDIN_RELEASE: release,
      STANDIN_MOUNT_ROOTS: mountRoots.map((name) => fixture.at(name)).join(":"),
    },
  });
  if (code !== 0) throw new Error(`the child ended with code ${code}, signal ${signal}\n${stdout}${stderr}`);
  const replayed: Replayed = JSON.parse(stdout);
  assertEquals(replayed, { steps: steps.length, mismatches: [] });
}
