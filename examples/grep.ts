/**
 * Searches files and trees that it opened before it entered capability mode, like `grep -rn`.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/grep.ts PATTERN [PATH...]
 */
import { Dir, encodeName, FdFile, libc, openDirSync, openSync, presets } from "../mod.ts";
import { LineSearch, longestLine } from "./_line_search.ts";
import { Output } from "./_output.ts";
import { Tool } from "./_tool.ts";

const help = `usage: grep.ts [-Fil] [--unprotected] [--] PATTERN [PATH...]

Prints each line that matches PATTERN, a regular expression of JavaScript, in the files PATH and in all files
below the directories PATH, or below the working directory, as path:line:text. Symlinks below are not followed;
the PATH - is standard input. Names and lines are printed as the bytes that they are, on a terminal without control
characters. To PATTERN, a byte that is not UTF-8 is U+FFFD, and a carriage return is part of its line.
A file with a NUL is binary: only whether it matches is printed. A line of more than 512 KiB is not searched.
The file that the output goes to is not searched.
-F: PATTERN is a text.  -i: upper and lower case are the same.  -l: print the paths alone.
--unprotected: search without a sandbox where there is no Capsicum.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 examples/grep.ts --unprotected PATTERN [PATH...]
The code is 0 if a line matched, 1 if none did, 2 if something could not be searched or printed.`;

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

/** Does something, and goes on if that fails. */
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

/** The file that standard output goes to, if it is one. */
function infoOfOutput(): Deno.FileInfo | undefined {
  try {
    using copy = FdFile.fromFd(libc.dup(1));
    const info = copy.statSync();
    return info.isFile ? info : undefined;
  } catch {
    return undefined; // Standard output is closed.
  }
}

/** Whether the output goes to this file: to search it could have no end. */
function isOutput(file: FdFile): boolean {
  if (outputFile === undefined) return false;
  const { dev, ino } = file.statSync();
  return dev === outputFile.dev && ino === outputFile.ino;
}

function searchUnlessOutput(file: FdFile, shown: string): void {
  if (isOutput(file)) complain(shown, "the output goes to this file, so it was not searched.");
  else search(file, shown);
}

// A FIFO may have taken the file's place: without O_NONBLOCK it would wait for a writer.
const reading = { read: true, noFollow: true, customFlags: libc.O_NONBLOCK } as const;

/** Opens a file below a directory, in steps that no kernel finds too long: FreeBSD takes paths of 1023 bytes. */
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
  return [`${i}: ${path}`, { fd, rights: fd instanceof Dir ? presets.dir.list : ["READ", "FSTAT"] as const }];
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
