/**
 * A process that tries every method of `Dir` on every hostile path, or for a time on paths that another process swaps.
 *
 * Its first argument is the task in JSON, and it prints a report in JSON.
 *
 * @module
 */
import { type Dir, enter, FdFile, limit, openDirSync, Rights } from "../../../mod.ts";
import { kernel, openDescriptors } from "../../_kernel.ts";
import { dropRoot } from "../../_unprivileged.ts";
import { attempt, leakIn, type Outside, uses } from "./_attack_calls.ts";
import { type Attempt, attemptsOn, bytesNames } from "./_attack_shapes.ts";

export interface Task {
  above: string;
  outside: Outside;
  /** In capability mode, or with directories that lack a right. */
  mode: "plain" | "limited" | "capability mode";
  /**
   * Swapped paths to try for so many milliseconds in all, or up to four minutes on a slow machine, until so many tries
   * worked and were refused; without them the hostile ones.
   */
  swapped?: { paths: string[]; milliseconds: number; worked: number; refused: number };
}

export interface Report {
  /** How often each use worked, was refused with ENOTCAPABLE, and failed otherwise. */
  uses: Record<string, { worked: number; refused: number; failed: number }>;
  /** Everything that must not be. */
  findings: string[];
  descriptors: number;
  confined: boolean;
}

const swapLimit = 240_000;
const task: Task = JSON.parse(Deno.args[0]!);
const report: Report = { uses: {}, findings: [], descriptors: 0, confined: true };

/** The name of the directory of a use. */
function directoryOf(use: number): string {
  return `root${use}`;
}

function open(i: number): Dir {
  const dir = openDirSync(`${task.above}/${task.swapped ? "root" : directoryOf(i)}`);
  if (!task.swapped) { for (const name of bytesNames) dir.writeTextFileSync(name, "inside"); }
  if (task.mode === "limited") limit(dir, Rights.all(kernel.major).difference(["ACCEPT"]));
  return dir;
}

async function run(
  use: number,
  dir: Dir,
  { path, leaves }: Attempt,
  id: number,
  isSync: boolean,
): Promise<void> {
  const { name, follows } = uses[use]!;
  const counts = report.uses[name] ??= { worked: 0, refused: 0, failed: 0 };
  const tell = (what: string) => {
    if (report.findings.length < 30) {
      report.findings.push(
        `${name}${isSync ? " (sync)" : ""} of ${JSON.stringify(path).slice(0, 200)}: ${what}`,
      );
    }
  };
  try {
    const value = await attempt(uses[use]!, dir, path, isSync, id);
    counts.worked++;
    const leak = leakIn(value, task.outside);
    if (leak !== undefined) tell(`it shows ${leak}`);
    // What is not there, or fits no pattern, is no success.
    const isNothing = value === false || Array.isArray(value) && value.length === 0;
    if (!isNothing && (leaves === "always" || leaves === "followed" && follows)) tell("it works");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isRefusal = (error as { code?: string }).code === "ENOTCAPABLE";
    counts[isRefusal ? "refused" : "failed"]++;
    // Linux has no modes of symlinks, which the stand-in therefore can't set.
    const isMode = (error as { code?: string }).code === "EOPNOTSUPP";
    if (!isMode && /^(ReferenceError|SyntaxError|BadResource|NotSupported)$/.test(error.constructor.name)) {
      tell(`${error.constructor.name}: ${error.message}`);
    }
  }
}

/** How many descriptors are open, without the sockets that Deno opens for itself at a time of its own. */
function countDescriptors(): number {
  return openDescriptors().filter((fd) => {
    const file = FdFile.fromFd(fd), { isSocket } = file.statSync();
    file.take();
    return !isSocket;
  }).length;
}

dropRoot();
const dirs = uses.map((_, i) => open(i));
if (task.mode === "capability mode") enter();
report.confined = dirs[0]!.confined;
const before = countDescriptors();
if (task.swapped === undefined) {
  for (const [i, dir] of dirs.entries()) {
    let id = 0;
    for (const next of attemptsOn({ above: task.above, name: directoryOf(i), anywhere: !uses[i]!.writes })) {
      await run(i, dir, next, id++, id % 2 === 0);
    }
  }
} else {
  const { paths, milliseconds, worked, refused } = task.swapped, start = performance.now();
  const sum = (what: "worked" | "refused") =>
    Object.values(report.uses).reduce((sum, counts) => sum + counts[what], 0);
  const goesOn = () => {
    const passed = performance.now() - start;
    return passed < milliseconds ||
      passed < swapLimit && (sum("worked") < worked || sum("refused") < refused);
  };
  let id = 0;
  for (let round = 0; goesOn(); round++) {
    for (const [i, dir] of dirs.entries()) {
      // A FIFO has a name that nobody reads, which would wait.
      const isFifo = uses[i]!.name === "mkfifo";
      for (const path of isFifo ? ["swap/fifo", "deep/d/../fifo"] : paths) {
        await run(i, dir, { path, leaves: "no" }, id++, round % 2 === 0);
      }
    }
  }
}
report.descriptors = countDescriptors() - before;
console.log(JSON.stringify(report));
