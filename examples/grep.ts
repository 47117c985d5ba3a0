/**
 * Searches files and directory trees like `grep -rn`. It opens them before it enters capability mode.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/grep.ts PATTERN [PATH...]
 */
import { Dir, encodeName, FdFile, libc, openDirSync, openSync, presets } from "../mod.ts";
import { LineSearch, longestLine } from "./_line_search.ts";
import { isSameFile, Output } from "./_output.ts";
import { Tool } from "./_tool.ts";

const help = `usage: grep.ts [-Fil] [--unprotected] [--] PATTERN [PATH...]

Prints each line that matches PATTERN, a JavaScript regular expression, as path:line:text. Searches each file PATH,
and all files below each directory PATH; by default, the working directory. A PATH of - is standard input.
Symlinks below a directory are not followed. Names and lines are printed as their original bytes; on a terminal,
control characters are replaced. Bytes that are not UTF-8 match as U+FFFD. A carriage return is part of its line.
A file that contains a NUL is binary: the tool prints only that it matches. Lines of more than 512 KiB are not
searched, and neither is the file that receives the output.
-F: PATTERN is a fixed string.  -i: ignore case.  -l: print only the paths of files that match.
--unprotected: search without a sandbox if the system has none.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 examples/grep.ts PATTERN [PATH...]
The exit code is 0 if a line matched, 1 if none matched, 2 if something could not be searched or printed.`;

const tool: Tool<"F" | "i" | "l"> = new Tool(help, { F: "", i: "", l: "" });
const { operands: [pattern, ...paths], options: { F, i, l: isListed } } = tool;
if (pattern === undefined) tool.misused("name a pattern");
const lines = lineSearch(pattern);

let isMatched = false, isFailed = false, searched = 0, nextProgress = 2000;
const isWatched = Deno.stderr.isTerminal();
const output = new Output(({ message }) => tool.fail(`standard output: ${message}`, 2));

function lineSearch(pattern: string): LineSearch {
  try {
    return new LineSearch(pattern, { isText: F !== "", ignoresCase: i !== "" });
  } catch (error) {
    tool.misused((error as Error).message);
  }
}

function complain(shown: string, reason: string): void {
  output.flush();
  isFailed = true;
  tool.say(`${shown}: ${reason}`);
}

/** Calls `work()`, and reports an error instead of throwing it. */
function attempt(shown: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    complain(shown, (error as Error).message);
  }
}

function search(file: FdFile, shown: string): void {
  let name: Uint8Array | undefined;
  lines.search(file, ({ number, bytes, start, end, isBinary, isTooLong }) => {
    if (isTooLong) {
      const line = isBinary ? "a line" : `line ${number}`;
      complain(shown, `${line} of more than ${longestLine} bytes was not searched.`);
      return true;
    }
    isMatched = true;
    name ??= encodeName(shown);
    if (isBinary && !isListed) output.addText("Binary file ");
    output.add(name);
    if (isListed) output.addText("\n");
    else if (isBinary) output.addText(" matches\n");
    else {
      output.addText(":");
      output.addNumber(number);
      output.addText(":");
      output.add(bytes, start, end);
      output.addText("\n");
    }
    return !isListed && !isBinary;
  });
  searched++;
  if (isWatched && performance.now() > nextProgress) {
    tool.say(`${searched} files searched`);
    nextProgress = performance.now() + 2000;
  }
}

const outputFile = infoOfOutput();

/** Returns the file that standard output is, or undefined if it is not a regular file. */
function infoOfOutput(): Deno.FileInfo | undefined {
  try {
    using copy = FdFile.fromFd(libc.dup(1));
    const info = copy.statSync();
    return info.isFile ? info : undefined;
  } catch {
    return undefined; // Standard output is closed.
  }
}

/** Whether the output goes to this file: searching it might never end. */
function isOutput(file: FdFile): boolean {
  return outputFile !== undefined && isSameFile(file.statSync(), outputFile, infoOfOutput);
}

function searchUnlessOutput(file: FdFile, shown: string): void {
  if (isOutput(file)) complain(shown, "the output goes to this file, so it was not searched.");
  else search(file, shown);
}

// The file may have been replaced by a FIFO, where open(2) without O_NONBLOCK waits for a writer.
const reading = { read: true, noFollow: true, customFlags: libc.O_NONBLOCK } as const;

/** Opens a file below a directory in several steps if its path is long: FreeBSD limits a path to 1023 bytes. */
function openBelow(root: Dir, path: string): FdFile {
  const split = path.length < 300 ? -1 : path.lastIndexOf("/", 300);
  if (split > 0) {
    using dir = root.openDirSync(path.slice(0, split));
    return openBelow(dir, path.slice(split + 1));
  }
  return root.openSync(path, reading);
}

function searchTree(root: Dir, prefix: string): void {
  const onError = (error: Error, path: string) => {
    complain(path === "." ? prefix.slice(0, -1) || "." : prefix + path, error.message);
  };
  const options = { includeDirs: false, includeSymlinks: false, onError };
  for (const { path, isFile } of root.walkSync(".", options)) {
    if (!isFile) continue;
    attempt(prefix + path, () => {
      using file = openBelow(root, path);
      searchUnlessOutput(file, prefix + path);
    });
  }
}

function open(path: string): Dir | FdFile {
  if (path === "-") return FdFile.fromFd(libc.dup(0));
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
  const rights = fd instanceof Dir ? presets.dir.list : ["READ", "FSTAT"] as const;
  return [`${i}: ${path}`, { fd, rights, unlimited: "allow" as const }];
}));
tool.sandbox({ fds, stdio: true }, 2);
for (const [path, place] of places) {
  const prefix = paths.length === 0 ? "" : path.endsWith("/") ? path : `${path}/`;
  const shown = path === "-" ? "(standard input)" : path;
  attempt(shown, () => {
    if (place instanceof Dir) searchTree(place, prefix);
    else searchUnlessOutput(place, shown);
  });
}
output.flush();
Deno.exitCode = isFailed ? 2 : isMatched ? 0 : 1;
