/**
 * A process that calls every method of `Dir` with every hostile path, or with paths that another process swaps.
 *
 * Its first argument is the task in JSON. It prints a report in JSON.
 *
 * @module
 */
import { type Dir, enter, FdFile, limit, openDirSync, Rights } from "../../../mod.ts";
import { kernel, openDescriptors } from "../../_kernel.ts";
import { dropRoot } from "../../_unprivileged.ts";
import { attempt, attemptsOf, directoryOf, leakIn, type Outside, uses } from "./_attack_calls.ts";
import { type Attempt, bytesNames } from "./_attack_shapes.ts";

export interface Task {
  above: string;
  outside: Outside;
  /** How it runs: unlimited, with directories that lack a right, or in capability mode. */
  mode: "plain" | "limited" | "capability mode";
  /** Of how many hostile paths each use tries one. */
  every: number;
  /**
   * The milliseconds for which it tries swapped paths, and the successes and refusals that it needs. It also needs a
   * directory "enough", by which the attacker reports enough swaps; on a slow machine it continues for up to four minutes.
   * If left out, it tries the hostile paths.
   */
  swapped?: { paths: string[]; milliseconds: number; worked: number; refused: number };
}

export interface Report {
  /** How often each use succeeded, was refused with ENOTCAPABLE, and failed with another error. */
  uses: Record<string, { worked: number; refused: number; failed: number }>;
  /** Everything that must not happen. */
  findings: string[];
  descriptors: number;
  confined: boolean;
}

const swapLimit = 240_000;
const task: Task = JSON.parse(Deno.args[0]!);
const report: Report = { uses: {}, findings: [], descriptors: 0, confined: true };

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
    // An empty result is not a success: the path is missing, or nothing matches the pattern.
    const isNothing = value === false || Array.isArray(value) && value.length === 0;
    if (!isNothing && (leaves === "always" || leaves === "followed" && follows)) tell("it works");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isRefusal = (error as { code?: string }).code === "ENOTCAPABLE";
    counts[isRefusal ? "refused" : "failed"]++;
    // The stand-in can't set the mode of a symlink, because Linux has none.
    const isMode = (error as { code?: string }).code === "EOPNOTSUPP";
    if (!isMode && /^(ReferenceError|SyntaxError|BadResource|NotSupported)$/.test(error.constructor.name)) {
      tell(`${error.constructor.name}: ${error.message}`);
    }
  }
}

/** The number of open descriptors, without the sockets that Deno opens internally at any time. */
function countDescriptors(): number {
  return openDescriptors().filter((fd) => {
    const file = FdFile.fromFd(fd), { isSocket } = file.statSync();
    file.take();
    return !isSocket;
  }).length;
}

dropRoot();
const dirs = uses.map((_, i) => open(i));
const above = task.swapped && openDirSync(task.above);
if (task.mode === "capability mode") enter();
report.confined = dirs[0]!.confined;
const before = countDescriptors();
if (task.swapped === undefined) {
  for (const [i, dir] of dirs.entries()) {
    let id = 0;
    for (const next of attemptsOf(task.above, i, task.every)) {
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
      passed < swapLimit &&
        (sum("worked") < worked || sum("refused") < refused || !above!.existsSync("enough"));
  };
  let id = 0;
  for (let round = 0; goesOn(); round++) {
    for (const [i, dir] of dirs.entries()) {
      // Opening a FIFO that has no reader would wait.
      const isFifo = uses[i]!.name === "mkfifo";
      for (const path of isFifo ? ["swap/fifo", "deep/d/../fifo"] : paths) {
        await run(i, dir, { path, leaves: "no" }, id++, round % 2 === 0);
      }
    }
  }
}
report.descriptors = countDescriptors() - before;
console.log(JSON.stringify(report));
