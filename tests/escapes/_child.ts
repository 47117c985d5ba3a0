/**
 * The process that tries every operation on every path of the table. Its argument is a `Task` in JSON; it prints a `Report`.
 *
 * @module
 */
import { normalize } from "@std/path";
import { ambientNode } from "../../compat/ambient/mod.ts";
import { broker } from "../../compat/broker/mod.ts";
import { type Dir, libc, openDirSync, Rights, sandbox } from "../../mod.ts";
import { leakIn, type Outside, uses } from "../compat/fs/_attack_calls.ts";
import { treeOf } from "../compat/fs/_tree.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { codeIn, wrongWith } from "../fuzz/_errors.ts";
import { wrongAbout } from "../fuzz/_paths.ts";
import { type Expected, Paths } from "../fuzz/_paths_names.ts";
import { uses as oracle } from "../fuzz/_paths_oracle.ts";
import { treeOfEntries } from "../fuzz/_tree.ts";
import { dropRoot } from "../_unprivileged.ts";
import { ambientCalls, functionsNow, unknownOf } from "./_ambient.ts";
import { unconfined } from "./_control.ts";
import { mountOn, seesItself } from "./_linux.ts";
import { type Kind, kindsOf, outside, treeIn } from "./_table.ts";

export interface Task {
  /** The path of "inside" and "outside", which another process made and removes. */
  above: string;
  /** Whether "inside" is the root of a mount. */
  isMountRoot: boolean;
  /** The Deno of the broker's process. */
  deno: string;
  /** What is tried in addition to the `Dir`. */
  parts: ("control" | "broker" | "ambient")[];
}

export interface Report {
  /** The errors found. */
  findings: string[];
  /** How many calls were refused with ENOTCAPABLE, and how many escapes succeed without confinement. */
  counts: Record<"dir" | "broker" | "ambient" | "control", number>;
  /** Why the directory is not the root of a mount, if it should be. */
  noMount?: string | undefined;
  confined: boolean;
}

const { above, isMountRoot, deno, parts }: Task = JSON.parse(Deno.args[0]!);
const inside = `${above}/inside`;
const report: Report = {
  findings: [],
  counts: { dir: 0, broker: 0, ambient: 0, control: 0 },
  confined: true,
};
const isNative = !kernel.hasCapsicum;
if (isMountRoot && isNative) report.noMount = mountOn(inside);
const started = parts.includes("broker")
  ? await broker({
    open: { read: [inside], write: [inside] },
    connect: [`unix:${inside}/socket`],
    denoPath: deno,
  })
  : undefined;
dropRoot();
if (isNative) seesItself();

const fixture = new Fixture({}, above);
Deno.chdir(above);
const aboveFd = libc.open(above, libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC);
const tree = treeIn(above, aboveFd), kinds = kindsOf(above);
let outsideIds: Outside, before = "";

/** Restores the initial state. */
function restore(): void {
  for (const name of fixture.list("inside")) fixture.remove(`inside/${name}`);
  fixture.add(tree, "inside");
}

function restoreOutside(): void {
  if (fixture.exists("outside")) fixture.remove("outside");
  fixture.add({ outside });
  outsideIds = {
    ids: ["", "outside", "outside/secret", "outside/dir", "outside/dir/secret"].map(
      (path) => {
        const { dev, ino } = fixture.stat(path);
        return `${dev}:${ino}`;
      },
    ),
  };
  before = canaries();
}

function canaries(): string {
  const lines = [...treeOf(fixture.at("outside"))].map(([path, { type, mode, text, mtime }]) =>
    [path, type, mode, text, mtime].join(" ")
  );
  return [fixture.list().join(" "), ...lines].join("\n");
}

function tell(what: string): void {
  if (report.findings.length < 40) report.findings.push(what.slice(0, 500));
}

function checkOutside(where: string): void {
  if (canaries() === before) return;
  tell(`${where}: outside has changed`);
  restoreOutside();
}

/** Whether a use must refuse the paths of a kind. */
const leaves = (kind: Kind, follows: boolean) =>
  kind.leaves === "always" || kind.leaves === "followed" && follows;

/** Tries each use on each path, in both forms in turn, and returns which kinds are refused to which uses as escapes. */
async function tryDir(dir: Dir, kinds: readonly Kind[]): Promise<Map<Kind, Set<number>>> {
  const refused = new Map(kinds.map((kind) => [kind, new Set<number>()]));
  let paths = new Paths(treeOfEntries(tree)), id = 0;
  for (const kind of kinds) {
    const all = kind.paths.length > 1 ? kind.paths : kind.paths.flatMap((path) => [path, path]);
    for (const [turn, path] of all.entries()) {
      for (const [i, use] of uses.entries()) {
        const predicted = oracle[use.name]?.(paths, path, ++id), isError = predicted && "errors" in predicted;
        const isSync = (turn + i) % 2 === 0,
          where = `${use.name}${isSync ? "Sync" : ""} ${JSON.stringify(path)}`;
        let expected: Expected = predicted;
        if (leaves(kind, use.follows)) {
          expected = { errors: isError ? predicted.errors : ["ENOTCAPABLE"] };
          const isEscape = expected.errors.includes("ENOTCAPABLE");
          // If a new name exists or has a slash at its end, another error may be reported first.
          const mayDiffer = path.endsWith("/") ||
            kind.leaves === "followed" &&
              /^(open, createNew|symlink|mkfifo|link|mkdir|ensure)/.test(use.name);
          if (predicted && !isError || !isEscape && !mayDiffer) {
            tell(`${where}: the names say ${Deno.inspect(predicted)}`);
          }
          if (isEscape) refused.get(kind)!.add(i), report.counts.dir++;
        }
        const wrong = await wrongAbout(
          dir,
          { use: i, path, way: isSync ? "sync" : "async", id },
          expected,
          outsideIds,
        );
        if (wrong !== undefined) tell(`${where}: ${wrong}; expected ${Deno.inspect(expected)}`);
        if (wrong !== undefined || !isError && use.writes) {
          restore();
          paths = new Paths(treeOfEntries(tree));
        }
      }
      checkOutside(path);
    }
  }
  return refused;
}

/** The uses that work with any directory and change nothing. */
const onDirectories = /^(l?stat|exists|realPath|open|openDir|readDir|list|walk)$/;

/** Checks for each kind and use that the escapes succeed without confinement. */
async function tryControls(dir: Dir, refused: Map<Kind, Set<number>>): Promise<void> {
  const call = unconfined(inside);
  for (const [kind, those] of refused) {
    for (const i of those) {
      const use = uses[i]!;
      if (kind.isDirectory && !onDirectories.test(use.name)) continue;
      let last: unknown, works = false;
      for (const [id, path] of kind.paths.entries()) {
        try {
          const value = await use.run(call, path, dir, id);
          works = value !== false && !(Array.isArray(value) && value.length === 0);
        } catch (error) {
          last = error;
        }
        if (works) break;
      }
      if (works) report.counts.control++;
      else tell(`${use.name} by ${kind.name}: it does not work without the confinement either: ${last}`);
      if (use.writes) {
        restoreOutside();
        restore();
      }
    }
  }
}

/** Whether a path ends like that of a directory: then another error may be reported first. */
const namesDirectory = (path: string) => /\/\.?$/.test(path);
const joined = (path: string) => path.startsWith("/") ? path : `${inside}/${path}`;

async function tryBroker(): Promise<void> {
  await using opener = started!;
  const ways = [
    {},
    { read: true, noFollow: true },
    { write: true, create: true },
    { write: true, createNew: true },
    { append: true, create: true },
    { read: true, write: true, truncate: true },
  ];
  for (const kind of kinds) {
    for (const path of kind.paths) {
      for (const options of ways) {
        // Neither follows a symlink at the end.
        const follows = !("noFollow" in options || "createNew" in options),
          where = `broker.open ${path} ${JSON.stringify(options)}`;
        const mustFail = leaves(kind, follows) && !isInsideByName(path);
        try {
          using file = await opener.open(joined(path), options);
          if (mustFail || leakIn(file.statSync(), outsideIds) !== undefined) tell(`${where}: it works`);
        } catch (error) {
          const code = codeIn(error), wrong = wrongWith(error);
          if (wrong !== undefined) tell(`${where}: ${wrong}`);
          if (mustFail && code !== "ENOTCAPABLE" && !namesDirectory(path)) {
            tell(`${where}: it throws ${error}`);
          }
          if (mustFail) report.counts.broker++;
        }
      }
      if (kind.leaves !== "no") {
        try {
          (await opener.connect({ path: joined(path) })).close();
          tell(`broker.connect ${path}: it works`);
        } catch (error) {
          // A request with ".." matches no rule, because rules cannot contain it.
          if (!["ENOTCAPABLE", "TypeError"].includes(codeIn(error))) {
            tell(`broker.connect ${path}: it throws ${error}`);
          }
        }
      }
      restore();
      checkOutside(`broker.open ${path}`);
    }
  }
}

/** Whether the text of a path without symlinks is inside the directory. */
function isInsideByName(path: string): boolean {
  return path.startsWith("/") && !path.includes("..") && normalize(joined(path)).startsWith(`${inside}/`) ||
    normalize(joined(path)) === inside && path.startsWith("/");
}

/** What a path leads to once "." and ".." are resolved by name, as `ambient()` does it: undefined if it stays inside. */
function refusalByName(path: string, follows: boolean, paths: Paths): string | undefined {
  const whole = normalize(joined(path));
  if (whole !== inside && !whole.startsWith(`${inside}/`)) return "ECAPMODE";
  const rest = whole.slice(inside.length + 1) || ".",
    found = follows ? paths.target(rest) : paths.named(rest);
  return found === "ENOTCAPABLE" ? found : undefined;
}

async function tryAmbient(): Promise<void> {
  const before = functionsNow(), paths = new Paths(treeOfEntries(tree));
  sandbox({
    dirs: {
      inside: {
        path: inside,
        rights: Rights.all(kernel.hasCapsicum ? kernel.major : undefined),
        unconfined: "allow",
      },
    },
    stdio: true,
    ambient: ambientNode,
  });
  for (const name of unknownOf(before)) tell(`${name} is replaced and in no table`);
  for (const call of ambientCalls(inside)) {
    for (const kind of kinds) {
      for (const path of kind.paths) {
        const refusal = leaves(kind, call.follows) ? refusalByName(path, call.follows, paths) : undefined;
        if (refusal === undefined) continue;
        const where = `${call.name} ${JSON.stringify(path)}`;
        try {
          const value = await call.run(joined(path));
          if (value !== false) tell(`${where}: it works: ${Deno.inspect(value)}`);
        } catch (error) {
          const code = codeIn(error);
          if (code !== refusal && !namesDirectory(path)) {
            tell(`${where}: it throws ${error} and not ${refusal}`);
          }
        }
        report.counts.ambient++;
      }
    }
  }
}

restoreOutside();
restore();
{
  using dir = openDirSync(inside);
  report.confined = dir.confined;
  const refused = await tryDir(
    dir,
    isMountRoot ? kinds.filter(({ name, leaves }) => leaves === "always" && name.includes("..")) : kinds,
  );
  if (parts.includes("control")) await tryControls(dir, refused);
}
if (parts.includes("broker")) await tryBroker();
if (parts.includes("ambient")) await tryAmbient();
console.log(JSON.stringify(report));
Deno.exit();
