/**
 * Searches files and trees that it opened before it entered capability mode, like `grep -rn`.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/grep.ts PATTERN [PATH...]
 */
import { Dir, enter, type FdFile, isSupported, libc, openDirSync, openSync } from "../mod.ts";

const help = `usage: grep.ts [-Fil] [--unprotected] [--] PATTERN [PATH...]

Prints each line that matches PATTERN, a regular expression of JavaScript, in the files PATH and in all files
below the directories PATH, or below the working directory, as path:line:text. Symlinks below are not followed.
-F: PATTERN is a text.  -i: upper and lower case are the same.  -l: print the paths alone.
--unprotected: search without a sandbox where there is no Capsicum.
The code is 0 where a line matched, 1 where none did, 2 where something went wrong.`;

let isMatched = false, isFailed = false, searched = 0, nextProgress = 2000;
const shows = { names: false, controls: !Deno.stdout.isTerminal(), progress: Deno.stderr.isTerminal() };
const encoder = new TextEncoder();
let output: string[] = [], pending = 0;

function fail(message: string): void {
  flush();
  console.error(`grep: ${printable(message)}`);
  isFailed = true;
}

function failUsage(message: string): never {
  fail(`${message}; see --help.`);
  Deno.exit(2);
}

/** What a terminal shows as it is: names and texts of others may hold its control sequences. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, "\ufffd").toWellFormed();
}

function print(line: string): void {
  output.push(shows.controls ? line : printable(line), "\n");
  if ((pending += line.length) > 65_536) flush();
}

function flush(): void {
  const bytes = encoder.encode(output.join(""));
  [output, pending] = [[], 0];
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

function search(file: FdFile, shown: string, pattern: RegExp): void {
  let number = 0, isBinary = false;
  for (const line of file.lines()) {
    number++;
    isBinary ||= line.includes("\0");
    if (!pattern.test(line)) continue;
    isMatched = true;
    print(shows.names ? shown : isBinary ? `Binary file ${shown} matches` : `${shown}:${number}:${line}`);
    if (shows.names || isBinary) break;
  }
  searched++;
  if (shows.progress && performance.now() > nextProgress) {
    console.error(`grep: ${searched} files searched`);
    nextProgress = performance.now() + 2000;
  }
}

/** Does something, and goes on where that fails. */
function attempt(shown: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(2);
    fail(`${shown}${shown && ": "}${(error as Error).message}`);
  }
}

function searchTree(root: Dir, prefix: string, pattern: RegExp): void {
  for (const { path, isFile } of root.walkSync(".", { includeDirs: false, includeSymlinks: false })) {
    if (!isFile) continue;
    attempt(prefix + path, () => {
      // A FIFO may have taken the file's place: without O_NONBLOCK it would wait for who writes to it.
      using file = root.openSync(path, { read: true, noFollow: true, customFlags: libc.O_NONBLOCK });
      if (file.statSync().isFile) search(file, prefix + path, pattern);
    });
  }
}

function open(path: string): Dir | FdFile {
  try {
    return openDirSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotADirectory)) throw error;
    return openSync(path);
  }
}

const flags = new Set<string>(), operands: string[] = [];
let isUnprotected = false, isEnded = false;
for (const arg of Deno.args) {
  if (isEnded || !arg.startsWith("-") || arg === "-") operands.push(arg);
  else if (arg === "--") isEnded = true;
  else if (arg === "--unprotected") isUnprotected = true;
  else if (arg === "--help") {
    console.log(help);
    Deno.exit();
  } else if (/^-[Fil]+$/.test(arg)) arg.slice(1).split("").forEach((flag) => flags.add(flag));
  else failUsage(`there is no option ${JSON.stringify(arg)}`);
}
const [text, ...paths] = operands;
if (text === undefined) failUsage("name a pattern");
let pattern: RegExp;
try {
  const source = flags.has("F") ? text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&") : text;
  pattern = new RegExp(source, flags.has("i") ? "iu" : "u");
} catch (error) {
  failUsage((error as Error).message);
}
shows.names = flags.has("l");

attempt("", () => {
  const isSandboxed = isSupported(), lack = `there is no Capsicum on ${Deno.build.os}`;
  if (!isSandboxed && !isUnprotected) throw new Error(`${lack}; --unprotected searches without a sandbox.`);
  if (!isSandboxed) console.error(`grep: unprotected, since ${lack}.`);
  const isTree = paths.length === 0, places: [string, Dir | FdFile][] = [];
  for (const path of isTree ? ["."] : paths) attempt(path, () => places.push([path, open(path)]));
  if (isSandboxed) {
    for (const [, place] of places) {
      place.limit(place instanceof Dir ? ["LOOKUP", "READ", "FSTAT"] : ["READ"]);
    }
    enter();
  }
  for (const [path, place] of places) {
    const prefix = isTree ? "" : path.endsWith("/") ? path : `${path}/`;
    attempt(path, () => {
      if (place instanceof Dir) searchTree(place, prefix, pattern);
      else search(place, path, pattern);
    });
  }
  flush();
});
Deno.exitCode = isFailed ? 2 : isMatched ? 0 : 1;
