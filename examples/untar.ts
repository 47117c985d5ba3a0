/**
 * Unpacks an untrusted tar archive, plain or compressed by gzip, from standard input into one directory.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/untar.ts DIRECTORY < ARCHIVE
 */
import { libc, presets } from "../mod.ts";
import { Bytes, CutOff } from "./_bytes.ts";
import { decompressed } from "./_decompress.ts";
import { entries, type Entry } from "./_tar.ts";
import { setLinkTime, setTime } from "./_tar_times.ts";
import { Tool } from "./_tool.ts";

const help = `usage: untar.ts [--max-bytes=N] [--max-entries=N] [--unprotected] DIRECTORY < ARCHIVE

Unpacks a tar archive (V7, ustar, pax or GNU, with sparse files, plain or compressed by gzip) into DIRECTORY.
Creates directories, files, and links that stay within DIRECTORY. Restores modification times (in the sandbox of Linux
not those of symlinks) and permissions, less the umask, setuid, setgid and sticky. Refuses existing files, absolute
paths, "..", paths through symlinks, devices, FIFOs, unknown types, and links that leave DIRECTORY; reports each in
one line and continues.
--max-bytes: stop after this many unpacked bytes, with the holes of sparse files; by default 10000000000.
--max-entries: stop after this many entries; by default 100000.
--unprotected: unpack without a sandbox if the system has none.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 examples/untar.ts DIRECTORY < ARCHIVE
The exit code is 0 if all was unpacked, 1 if something was refused, failed or damaged, 2 if the arguments are wrong.`;

const tool: Tool<"max-bytes" | "max-entries"> = new Tool(help, {
  "max-bytes": "10000000000",
  "max-entries": "100000",
});
if (tool.operands.length !== 1) tool.misused("name one directory to unpack to");
const mostBytes = Number(tool.options["max-bytes"]), mostEntries = Number(tool.options["max-entries"]);

/** Ends the work: the rest of the archive can't be read. */
class End extends Error {}

/** Yields the decompressed bytes of the archive, up to the limit. */
async function* limited(input: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = mostBytes;
  try {
    for await (const part of await decompressed(new Bytes(input), report.warn)) {
      if ((left -= part.length) < 0) throw new Error(`it has more than ${mostBytes} bytes`);
      yield part;
    }
  } catch (error) {
    throw new End((error as Error).message);
  }
}

/** The directories that exist, and the mode of each that was created here. */
const directories = new Map<string, number | undefined>([["", undefined]]);
const files = new Set<string>();
/** The directories that were created here and have an entry. They get its mode and time after their contents. */
const unfinished = new Map<string, Pick<Entry, "mode" | "mtime">>();

function namesOf(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (path.startsWith("/") || names.includes("..")) throw new Error("the path leaves DIRECTORY");
  return names;
}

/** Creates a directory and its parents. Throws if one of them is a symlink. */
function makeDirectory(names: string[], mode = 0o777): void {
  const path = names.join("/");
  if (directories.has(path)) return;
  makeDirectory(names.slice(0, -1));
  let made;
  try {
    out.mkdirSync(path, { mode: mode | 0o700 });
    made = out.lstatSync(path).mode!;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if (!out.lstatSync(path).isDirectory) throw new Error(`${JSON.stringify(path)} is not a directory`);
  }
  directories.set(path, made);
}

let unmasked: number | undefined;

/** The permissions that the umask leaves to a directory, found with one that is removed again. */
function permitted(): number {
  if (unmasked === undefined) {
    const path = `.untar-${crypto.randomUUID()}`;
    out.mkdirSync(path, { mode: 0o777 });
    unmasked = out.lstatSync(path).mode! & 0o777;
    out.removeSync(path);
  }
  return unmasked;
}

/** Calls `work()`, and reports an error instead of throwing it. */
function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    report.fault(`${JSON.stringify(path)}: ${(error as Error).message.replace(/\.$/, "")}`);
  }
}

function makeSymlink(link: string, names: string[]): void {
  if (link === "") throw new Error("it names no target");
  // A ".." after a name could leave the directory if that name is a symlink.
  const [, up = "", down = ""] = /^((?:\.?\/|\.\.(?:\/|$))*)(.*)$/s.exec(link)!;
  const isOut = link.startsWith("/") || up.split("..").length > names.length;
  if (isOut || down.split("/").includes("..")) throw new Error("the link leaves DIRECTORY");
  out.symlinkSync(link, names.join("/"));
}

async function makeFile(entry: Entry, place: string): Promise<void> {
  if ((unpacked += entry.size) > mostBytes) throw new End(`it has more than ${mostBytes} bytes, unpacked`);
  using file = out.openSync(place, { write: true, createNew: true, mode: entry.mode & 0o777 });
  try {
    let end = 0;
    for await (const { at, bytes } of entry.data()) {
      if (at !== end) file.seekSync(at, Deno.SeekMode.Start);
      file.writeAllSync(bytes);
      end = at + bytes.length;
    }
    if (end !== entry.size) file.truncateSync(entry.size);
    if (entry.mtime) attempt(entry.path, () => setTime(file, entry.mtime!));
    file.close();
  } catch (error) {
    out.removeSync(place);
    throw error;
  }
}

async function make(entry: Entry): Promise<void> {
  const { kind, path, link, mode, mtime, refused } = entry;
  if (refused !== undefined) throw new Error(refused);
  const names = namesOf(path), place = names.join("/");
  if (kind === "directory") {
    makeDirectory(names, mode & 0o777);
    if (directories.get(place) !== undefined) unfinished.set(place, { mode, mtime });
    return;
  }
  if (kind === "device" || kind === "FIFO") throw new Error(`it is a ${kind}`);
  if (place === "") throw new Error("its path is that of DIRECTORY");
  makeDirectory(names.slice(0, -1));
  if (kind === "symlink") {
    makeSymlink(link, names);
    if (mtime) attempt(path, () => setLinkTime(out, names, mtime));
    return;
  }
  if (kind === "file") await makeFile(entry, place);
  else {
    if (!files.has(namesOf(link).join("/"))) {
      throw new Error("the target of the link is not a file of this archive");
    }
    out.linkSync(namesOf(link).join("/"), place);
  }
  files.add(place);
}

const links = ["SYMLINKAT", "LINKAT_SOURCE", "LINKAT_TARGET"] as const;
const rights = [...presets.dir.create, "READ", "UNLINKAT", ...links] as const, path = tool.operands[0]!;
const { out } = tool.sandbox({ dirs: { out: { path, rights, unconfined: "allow" } }, stdio: true }).dirs;
let count = 0, refused = 0, faults = 0, unpacked = 0;
const report = {
  warn: (message: string) => tool.say(`${message}.`),
  fault(message: string) {
    faults++;
    report.warn(message);
  },
};
try {
  const archive = new Bytes(limited(Deno.stdin.readable));
  for await (const entry of entries(archive, report)) {
    if (count === mostEntries) throw new End(`it has more than ${mostEntries} entries`);
    count++;
    if (Deno.stderr.isTerminal() && count % 10_000 === 0) tool.say(`${count} entries`);
    await make(entry).catch((error: Error) => {
      if (error instanceof End || error instanceof CutOff) throw error;
      refused++;
      tool.say(`refused ${JSON.stringify(entry.path)}: ${error.message.replace(/\.$/, "")}.`);
    });
  }
  // The checksum of gzip is at the end.
  for await (const _ of archive);
} catch (error) {
  report.fault(`stopped after ${count} entries of the archive: ${(error as Error).message}`);
}
// A directory gets its mode after its contents: it might not be searchable by its owner.
for (const [path, { mode, mtime }] of [...unfinished].sort(([a], [b]) => a < b ? 1 : -1)) {
  attempt(path, () => {
    using dir = out.openDirSync(path);
    if (mtime) setTime(dir, mtime);
    // Of several entries the last one counts, which may permit more than the first.
    libc.fchmod(dir, directories.get(path)! & 0o7000 | mode & permitted());
  });
}
if (refused > 0) tool.say(`${refused} of ${count} entries were refused.`);
Deno.exit(refused + faults > 0 ? 1 : 0);
