/**
 * Calls each use of a `Dir` on random trees and paths, and compares the results with {@link Paths}; or, while another thread
 * renames entries along the paths, checks that the results are inside the directory.
 *
 * @module
 */
import { type Dir, openDirSync, type WalkEntry } from "../../mod.ts";
import { leakIn, type Outside } from "../compat/fs/_attack_calls.ts";
import { treeOf } from "../compat/fs/_tree.ts";
import { type Entry, Fixture, type Tree } from "../_fixture.ts";
import { hasRenameat2 } from "../_kernel.ts";
import type { Random } from "../_random.ts";
import { codeIn, wrongWith } from "./_errors.ts";
import type { Target } from "./_fuzz.ts";
import type { Swapper } from "./_swapper.ts";
import { type Expected, isLong, isRefused, Paths } from "./_paths_names.ts";
import { uses as oracle } from "./_paths_oracle.ts";
import { attempt, fits, uses, type Way, ways } from "./_paths_uses.ts";
import { type Directory, linesOf, treeFrom } from "./_tree.ts";

type Step =
  /** Makes an entry of the tree, before all uses. */
  | { entry: string; above: string; is: Entry }
  | { use: number; path: string; way: Way; id: number }
  /** The other uses happen while names are swapped. */
  | { race: true };

/** The errors that a call may have if names change meanwhile, or if the oracle does not know the call. */
const possible = [
  ...["ENOENT", "ENOTDIR", "EISDIR", "EEXIST", "ENOTEMPTY", "EINVAL", "EBUSY", "EPERM", "EMLINK", "ELOOP"],
  ...["ENAMETOOLONG", "ENOTCAPABLE", "TypeError"],
  // A directory, before renameat2(2).
  ...hasRenameat2 ? [] : ["EOPNOTSUPP"],
];

const long = "n".repeat(255);
const names = [
  "a",
  "b",
  "c",
  "d",
  "file",
  "l",
  "m",
  "nest",
  "...",
  "..\u200b",
  " ",
  "ü",
  "\n",
  "*",
  "-",
  long,
];
/** How many calls a program makes. */
const most = 24;

/** A symlink's target, or a path to try. */
function pathOf(random: Random, above: string, depth = 5): string {
  if (random.chance(4)) {
    return `${above}/${random.pick(["outside/target", "outside", "inside/a", "inside", "missing"])}`;
  }
  if (depth > 3 && random.chance(1)) return random.pick(["", "a\0b", "nest/\ud800"]);
  if (random.chance(1)) return `${random.pick(["n".repeat(256), "ü".repeat(128)])}`;
  if (random.chance(1)) {
    return "nest/../".repeat(random.pick(depth > 3 ? [20, 30, 127, 128, 511, 512, 600] : [20, 40, 100])) +
      "file";
  }
  const names_ = Array.from({ length: 1 + random.below(depth) }, () => {
    if (random.chance(16)) return "..";
    if (random.chance(6)) return random.pick([".", ""]);
    return random.chance(80) ? names[random.below(8)]! : random.pick(names);
  });
  // More than three could leave the fixture if the library were broken.
  let ups = 0;
  const path = names_.filter((name) => name !== ".." || ++ups <= 3).join("/").replace(/^\/+/, "");
  return (random.chance(6) ? `../outside/${random.pick(["target", "dir", "new"])}` : path || ".") +
    (random.chance(12) ? "/" : "");
}

/** Converts the results that the oracle can predict to data. */
function valueIn(use: string, result: unknown): unknown {
  const info = (Array.isArray(result) && use.startsWith("open") ? result[0] : result) as Deno.FileInfo;
  switch (use) {
    case "stat":
    case "lstat":
    case "open":
    case "open, noFollow":
      return info.isFile ? info.size : info.isDirectory ? "directory" : "symlink";
    case "openDir":
      return (result as [unknown, string[]])[1].toSorted();
    case "readFile":
      return (result as Uint8Array).length;
    case "readTextFileLines":
      return (result as string[]).join("\n");
    case "readDir":
      return (result as Deno.DirEntry[]).map(({ name }) => name).sort();
    case "walk":
    case "walk, maxDepth":
      return (result as WalkEntry[]).map(({ path, isDirectory, isSymlink }) =>
        `${path} ${isDirectory ? "directory" : isSymlink ? "symlink" : "file"}`
      ).sort();
    case "list":
      return (result as string[]).toSorted();
  }
  return result;
}

/** Makes one call. Returns an error text if the result is unexpected, or reveals anything outside the directory. */
export async function wrongAbout(
  dir: Dir,
  { use, path, way, id }: { use: number; path: string; way: Way; id: number },
  expected: Expected,
  outside: Outside,
): Promise<string | undefined> {
  let result: unknown;
  try {
    result = await attempt(uses[use]!, dir, path, way, id);
  } catch (error) {
    const wrong = wrongWith(error), code = codeIn(error);
    if (wrong !== undefined) return wrong;
    if (expected === undefined) return possible.includes(code) ? undefined : `it throws ${code}: ${error}`;
    if ("errors" in expected && expected.errors.includes(code)) return undefined;
    return `it throws ${code}: ${(error as Error).message}`;
  }
  const leak = leakIn(result, outside);
  if (leak !== undefined) return `it shows ${leak}`;
  if (expected === undefined) return undefined;
  if ("errors" in expected) return `it works: ${Deno.inspect(result)}`;
  if (!("value" in expected)) return undefined;
  const value = valueIn(uses[use]!.name, result);
  return JSON.stringify(value) === JSON.stringify(expected.value)
    ? undefined
    : `the value is ${Deno.inspect(value)}`;
}

/** A value as JSON, with a count in place of repeated parts. */
function short(value: unknown): string {
  return JSON.stringify(value).replace(/(nest\/\.\.\/|n){9,}/g, (all, part) => {
    return `\u2026${all.length / part.length} times ${part}\u2026`;
  });
}

const shown = (tree: Directory) => linesOf(tree).map((line) => `  ${line.slice(0, 100)}`).join("\n");

export class PathsTarget implements Target<Step> {
  readonly name = "paths";
  readonly unit = "paths";
  readonly #fixture = new Fixture({ elsewhere: {} });
  #outside: Outside = { ids: [] };
  #before = "";
  readonly #swapper: Swapper;

  constructor(swapper: Swapper) {
    this.#swapper = swapper;
    this.#reset();
  }

  #reset(): void {
    for (const name of this.#fixture.list()) {
      if (!["inside", "elsewhere"].includes(name)) this.#fixture.remove(name);
    }
    this.#fixture.add({ outside: { target: "CANARY", dir: { "canary-file": "CANARY" } } });
    this.#outside = {
      ids: ["", "outside", "outside/target", "outside/dir", "outside/dir/canary-file"].map((path) => {
        const { dev, ino } = this.#fixture.stat(path);
        return `${dev}:${ino}`;
      }),
    };
    this.#before = this.#canaries();
  }

  /** Everything outside the directory, except access times. */
  #canaries(): string {
    const tree = treeOf(this.#fixture.at("outside"));
    const lines = [...tree].map(([path, { type, mode, text, mtime }]) =>
      [path, type, mode, text, mtime].join(" ")
    );
    return [...this.#fixture.list().filter((name) => name !== "inside"), ...lines].join("\n");
  }

  #changed(): string | undefined {
    const now = this.#canaries();
    if (now === this.#before) return undefined;
    this.#reset();
    return `outside has changed:\n${now}`;
  }

  generate(random: Random): Step[] {
    const steps: Step[] = [], directories = ["", "nest"], known = new Set(["nest", "file"]);
    for (let i = 6 + random.below(10); i > 0; i--) {
      const entry = random.pick(names),
        above = random.chance(30) ? directories.at(-1)! : random.pick(directories);
      const path = above === "" ? entry : `${above}/${entry}`;
      // A second one of the name could be written through a symlink.
      if (known.has(path)) continue;
      known.add(path);
      const is = random.pick<Entry>([{}, {}, "", "line\nmore", {
        link: pathOf(random, this.#fixture.path, 3),
      }, {
        link: random.pick(names),
      }]);
      if (typeof is === "object" && Object.keys(is).length === 0) directories.push(path);
      steps.push({ entry, above, is });
    }
    if (random.chance(50)) steps.push({ race: true });
    for (let id = 0; id < most; id++) {
      const path = pathOf(random, this.#fixture.path);
      // The oracle cannot predict some uses, so these come last.
      const use = random.below(uses.length);
      const way = random.pick(ways);
      steps.push({ use, path, way: fits(way, uses[use]!, path) ? way : "sync", id });
    }
    return steps;
  }

  count(program: readonly Step[]): number {
    return program.filter((step) => "use" in step).length;
  }

  show(step: Step): string {
    if ("entry" in step) {
      return `make ${short(`${step.above}/${step.entry}`.replace(/^\//, ""))}: ${short(step.is)}`;
    }
    if ("race" in step) return "from here on names are swapped";
    return `${uses[step.use]!.name}, ${step.way}, ${short(step.path)} [${step.id}]`;
  }

  simpler(step: Step): readonly Step[] {
    if (!("use" in step)) return [];
    const parts = step.path.split("/").slice(0, 20);
    return [
      ...step.way === "sync" ? [] : [{ ...step, way: "sync" as const }],
      ...parts.map((_, i) => ({ ...step, path: parts.toSpliced(i, 1).join("/") })).filter(({ path }) =>
        path !== ""
      ),
    ];
  }

  async run(program: readonly Step[]): Promise<string | undefined> {
    const fixture = this.#fixture;
    fixture.add({ inside: { file: "inside", nest: {} } });
    for (const step of program) if ("entry" in step) this.#make(step);
    const dir = openDirSync(fixture.at("inside"));
    try {
      const at = program.findIndex((step) => "race" in step);
      return await this.#uses(dir, at < 0 ? program : program.slice(0, at)) ??
        (at < 0 ? undefined : await this.#race(dir, program.slice(at))) ??
        this.#changed();
    } finally {
      dir.close();
      fixture.remove("inside");
    }
  }

  #make({ entry, above, is }: { entry: string; above: string; is: Entry }): void {
    // A shorter program may lack the step that makes the directory.
    if (this.#fixture.exists(`inside/${above}`)) {
      this.#fixture.add({ [entry]: is } as Tree, `inside/${above}`);
    }
  }

  async #uses(dir: Dir, program: readonly Step[]): Promise<string | undefined> {
    const read = () => treeFrom(treeOf(this.#fixture.at("inside")));
    let paths: Paths | undefined;
    for (const step of program) {
      if (!("use" in step)) continue;
      paths ??= new Paths(read());
      const { path, id } = step, { name } = uses[step.use]!;
      const expected = isRefused(path) && !(path === "" && name === "expandGlob, *")
        ? { errors: ["TypeError"] }
        : isLong(path)
        ? undefined
        : oracle[name]?.(paths, path, id);
      const wrong = await wrongAbout(dir, step, expected, this.#outside);
      if (wrong !== undefined) {
        return `${this.show(step)}: ${wrong}\nexpected: ${Deno.inspect(expected)}, and then\n${
          shown(paths.top)
        }`;
      }
      // The next call must not open the FIFO, which would wait.
      if (name === "mkfifo" && expected !== undefined && !("errors" in expected)) dir.removeSync(path);
      // Some uses make an entry before the call.
      if (expected === undefined || name.startsWith("makeTemp") || isRefused(path)) paths = undefined;
    }
    if (paths === undefined) return undefined;
    const [now, then] = [shown(read()), shown(paths.top)];
    return now === then ? undefined : `the tree is\n${now}\nand not\n${then}`;
  }

  async #race(dir: Dir, program: readonly Step[]): Promise<string | undefined> {
    await this.#swapper.begin(this.#fixture.path);
    try {
      for (const step of program) {
        if (!("use" in step) || uses[step.use]!.name === "mkfifo") continue;
        const wrong = await wrongAbout(dir, step, undefined, this.#outside);
        if (wrong !== undefined) return `${this.show(step)}, while names are swapped: ${wrong}`;
      }
    } finally {
      await this.#swapper.end();
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#fixture[Symbol.dispose]();
  }
}
