/**
 * Searches files and trees that it opened before it entered capability mode, like `grep -rn`.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/grep.ts PATTERN [PATH...]
 */
import { Dir, type FdFile, libc, openDirSync, openSync, presets } from "../mod.ts";
import { Tool } from "./_tool.ts";

const help = `usage: grep.ts [-Fil] [--unprotected] [--] PATTERN [PATH...]

Prints each line that matches PATTERN, a regular expression of JavaScript, in the files PATH and in all files
below the directories PATH, or below the working directory, as path:line:text. Symlinks below are not followed.
-F: PATTERN is a text.  -i: upper and lower case are the same.  -l: print the paths alone.
--unprotected: search without a sandbox where there is no Capsicum.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 examples/grep.ts --unprotected PATTERN [PATH...]
The code is 0 where a line matched, 1 where none did, 2 where something went wrong.`;

const tool: Tool<"F" | "i" | "l"> = new Tool(help, { F: "", i: "", l: "" });
const [text, ...paths] = tool.operands;
if (text === undefined) tool.misused("name a pattern");
const pattern = patternOf(text);

let isMatched = false, isFailed = false, searched = 0, nextProgress = 2000;
const isShown = Deno.stdout.isTerminal(), isWatched = Deno.stderr.isTerminal();
let output: string[] = [], pending = 0;

function patternOf(text: string): RegExp {
  try {
    const source = tool.options.F ? text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&") : text;
    return new RegExp(source, tool.options.i ? "iu" : "u");
  } catch (error) {
    tool.misused((error as Error).message);
  }
}

/** What a terminal shows as it is: names and texts of others may hold its control sequences. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, "\ufffd").toWellFormed();
}

function print(line: string): void {
  output.push(isShown ? printable(line) : line, "\n");
  if ((pending += line.length) > 65_536) flush();
}

function flush(): void {
  const bytes = new TextEncoder().encode(output.join(""));
  [output, pending] = [[], 0];
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

function search(file: FdFile, shown: string): void {
  let number = 0, isBinary = false;
  for (const line of file.linesSync()) {
    number++;
    isBinary ||= line.includes("\0");
    if (!pattern.test(line)) continue;
    isMatched = true;
    print(tool.options.l ? shown : isBinary ? `Binary file ${shown} matches` : `${shown}:${number}:${line}`);
    if (tool.options.l || isBinary) break;
  }
  searched++;
  if (isWatched && performance.now() > nextProgress) {
    tool.say(`${searched} files searched`);
    nextProgress = performance.now() + 2000;
  }
}

/** Does something, and goes on where that fails. */
function attempt(shown: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(2);
    flush();
    isFailed = true;
    tool.say(printable(`${shown}: ${(error as Error).message}`));
  }
}

function searchTree(root: Dir, prefix: string): void {
  for (const { path, isFile } of root.walkSync(".", { includeDirs: false, includeSymlinks: false })) {
    if (!isFile) continue;
    attempt(prefix + path, () => {
      // A FIFO may have taken the file's place: without O_NONBLOCK it would wait for who writes to it.
      using file = root.openSync(path, { read: true, noFollow: true, customFlags: libc.O_NONBLOCK });
      if (file.statSync().isFile) search(file, prefix + path);
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

const places: [path: string, place: Dir | FdFile][] = [];
for (const path of paths.length > 0 ? paths : ["."]) attempt(path, () => places.push([path, open(path)]));
const fds = Object.fromEntries(places.map(([path, fd], i) => {
  return [`${i}: ${path}`, { fd, rights: fd instanceof Dir ? presets.dir.list : ["READ"] as const }];
}));
tool.sandbox({ fds, stdio: true }, 2);
for (const [path, place] of places) {
  const prefix = paths.length === 0 ? "" : path.endsWith("/") ? path : `${path}/`;
  attempt(path, () => place instanceof Dir ? searchTree(place, prefix) : search(place, path));
}
attempt("standard output", flush);
Deno.exitCode = isFailed ? 2 : isMatched ? 0 : 1;
