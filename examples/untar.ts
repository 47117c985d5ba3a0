/**
 * Unpacks a tar archive, plain or compressed by gzip, from standard input into one directory, whoever made it.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/untar.ts DIRECTORY < ARCHIVE
 */
import { type Dir, presets } from "../mod.ts";
import { Tool } from "./_tool.ts";

const help = `usage: untar.ts [--max-bytes=N] [--max-entries=N] [--unprotected] DIRECTORY < ARCHIVE

Unpacks a tar archive, also one by gzip, into DIRECTORY. It makes directories, files, and links that stay there.
What it refuses: to overwrite, absolute paths, "..", paths through symlinks, devices, links that lead out.
--max-bytes, --max-entries: end at an archive with more, unpacked; by default 10000000000 and 100000.
--unprotected: unpack without a sandbox where there is no Capsicum.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 examples/untar.ts --unprotected DIRECTORY < ARCHIVE`;
/** What ends the work: nothing behind it in the archive can be trusted. */
class Damage extends Error {}

const tool: Tool<"max-bytes" | "max-entries"> = new Tool(help, {
  "max-bytes": "10000000000",
  "max-entries": "100000",
});
if (tool.operands.length !== 1) tool.misused("name one directory to unpack to");

/** Standard input without the compression that it may have. */
async function uncompressed(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const [ahead, all] = Deno.stdin.readable.tee(), reader = ahead.getReader(), start: number[] = [];
  for (let part; start.length < 2 && !(part = await reader.read()).done;) {
    start.push(...part.value.subarray(0, 2));
  }
  // It would wait for the end of the other one.
  void reader.cancel();
  return start[0] === 0x1f && start[1] === 0x8b ? all.pipeThrough(new DecompressionStream("gzip")) : all;
}

let chunks: AsyncIterator<Uint8Array<ArrayBuffer>>, chunk = new Uint8Array();
/** Bytes that the archive may still have, and those that the data of an entry still has. */
let budget = Number(tool.options["max-bytes"]), due = 0;

/** The next bytes, at most `size`; none at the end. */
async function upTo(size: number): Promise<Uint8Array> {
  while (chunk.length === 0) {
    chunks ??= (await uncompressed()).values();
    const { value, done } = await chunks.next().catch(({ message }) => Promise.reject(new Damage(message)));
    if (done) return new Uint8Array();
    chunk = value;
    if ((budget -= chunk.length) < 0) throw new Damage("it has more bytes than it may");
  }
  const part = chunk.subarray(0, size);
  chunk = chunk.subarray(size);
  return part;
}

async function* data(): AsyncGenerator<Uint8Array> {
  while (due > 0) {
    const part = await upTo(due);
    if (part.length === 0) throw new Damage("it is cut off");
    due -= part.length;
    yield part;
  }
}

async function exactly(size: number): Promise<Uint8Array> {
  if (size > 1_048_576) throw new Damage("a name in it has more than 1 MiB");
  const bytes = new Uint8Array(size);
  due = size;
  for await (const part of data()) bytes.set(part, size - due - part.length);
  return bytes;
}

/** A field up to its first NUL. A name that is not UTF-8 has each byte beyond ASCII as U+DC00 + byte. */
function text(bytes: Uint8Array): string {
  const used = bytes.subarray(0, bytes.includes(0) ? bytes.indexOf(0) : bytes.length);
  const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(used);
  const signs = Array.from(used, (byte) => byte < 128 ? byte : 0xdc00 + byte);
  return name.includes("\ufffd") ? String.fromCharCode(...signs) : name;
}

function integer(digits: string, base: 8 | 10): number {
  const value = parseInt(`0${digits}`, base), isValid = base === 8 ? /^[0-7]*$/ : /^\d+$/;
  if (!isValid.test(digits) || value > Number.MAX_SAFE_INTEGER) throw new Damage("a number in it is none");
  return value;
}

/** The records of a pax header: their length, a space, a key, "=", a value, a newline. */
function records(bytes: Uint8Array): [key: string, value: string][] {
  const found: [string, string][] = [];
  for (let at = 0, end; at < bytes.length; at = end) {
    end = at + integer(/^\d+(?= )/.exec(text(bytes.subarray(at, at + 8)))?.[0] ?? "", 10);
    const record = bytes.subarray(bytes.indexOf(32, at) + 1, end - 1), equals = record.indexOf(61);
    if (bytes[end - 1] !== 10 || equals < 1 || record.includes(0)) throw new Damage("a pax header is none");
    const key = text(record.subarray(0, equals));
    if (/^((link)?path|size|mtime)$/.test(key)) found.push([key, text(record.subarray(equals + 1))]);
  }
  return found;
}

interface Entry extends Record<"path" | "link" | "type", string>, Record<"mode" | "mtime", number> {}

/** The entries; the data of each is what `data()` gives. */
async function* entries(): AsyncGenerator<Entry> {
  const all = new Map<string, string>();
  for (let own = new Map<string, string>();;) {
    const block = await exactly(512);
    const part = (at: number, size: number) => text(block.subarray(at, at + size));
    const number = (at: number, size: number) => integer(part(at, size).trim(), 8);
    if (block.every((byte) => byte === 0)) return;
    const sum = block.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);
    if (sum !== number(148, 8)) throw new Damage("a header in it has another checksum");
    const pax = (key: string) => own.get(key) ?? all.get(key), type = String.fromCharCode(block[156] || 48);
    const size = /[07]/.test(type) && pax("size") ? integer(pax("size")!, 10) : number(124, 12);
    if (size > 0 && /[1-6]/.test(type)) throw new Damage("a link or directory in it has data");
    if (/[xgLK]/.test(type)) {
      const header = await exactly(size), key = type === "L" ? "path" : "linkpath";
      const set = /[xg]/.test(type) ? records(header) : [[key, text(header)]] as const;
      for (const [key, value] of set) (type === "g" ? all : own).set(key, value);
    } else {
      const prefix = part(257, 6) === "ustar" ? part(345, 155) : "", name = part(0, 100);
      const mtime = Number(pax("mtime") ?? parseInt(part(136, 12), 8)), mode = number(100, 8) & 0o777;
      due = size;
      const path = pax("path") ?? (prefix && `${prefix}/`) + name, link = pax("linkpath") ?? part(157, 100);
      yield { path, link, type, mode, mtime };
      for await (const _ of data());
      own = new Map();
    }
    await exactly(-size & 511);
  }
}

const directories = new Set([""]), files = new Set<string>();

function namesOf(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (path.startsWith("/") || names.includes("..")) throw new Error("the path leads out");
  return names;
}

/** Makes a directory and those that it is in, none of them a symlink. */
function makeDirectory(dir: Dir, names: string[], mode = 0o777): void {
  const path = names.join("/");
  if (directories.has(path)) return;
  makeDirectory(dir, names.slice(0, -1));
  try {
    dir.mkdirSync(path, { mode: mode | 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if (!dir.lstatSync(path).isDirectory) throw new Error(`${JSON.stringify(path)} is no directory`);
  }
  directories.add(path);
}

async function make(dir: Dir, entry: Entry): Promise<void> {
  const { path, link, type, mode, mtime } = entry, isFile = /[07]/.test(type);
  const names = namesOf(path), place = names.join("/");
  if (type === "5" || isFile && path.endsWith("/")) return makeDirectory(dir, names, mode);
  if (!isFile && !/[12]/.test(type)) throw new Error("it is neither file, directory nor link");
  makeDirectory(dir, names.slice(0, -1));
  if (type === "2") {
    // A ".." behind a name would go up from wherever a symlink of that name leads to.
    const [, up = "", down = ""] = /^((?:\.?\/|\.\.(?:\/|$))*)(.*)$/s.exec(link)!;
    const isOut = link.startsWith("/") || up.split("..").length > names.length;
    if (isOut || down.split("/").includes("..")) throw new Error("it leads out");
    return dir.symlinkSync(link, place);
  }
  if (type === "1") {
    if (!files.has(namesOf(link).join("/"))) throw new Error("it is a link to no file of this archive");
    dir.linkSync(namesOf(link).join("/"), place);
  } else {
    using file = dir.openSync(place, { write: true, createNew: true, mode });
    try {
      for await (const bytes of data()) file.writeAllSync(bytes);
      if (Math.abs(mtime) < 1e11) file.utimeSync(mtime, mtime);
    } catch (error) {
      dir.removeSync(place);
      throw error;
    }
  }
  files.add(place);
}

const links = ["SYMLINKAT", "LINKAT_SOURCE", "LINKAT_TARGET"] as const;
const rights = [...presets.dir.create, "READ", "UNLINKAT", ...links] as const, path = tool.operands[0]!;
const { out } = tool.sandbox({ dirs: { out: { path, rights, unconfined: "allow" } }, stdio: true }).dirs;
let count = 0, refused = 0;
try {
  for await (const entry of entries()) {
    if (++count > Number(tool.options["max-entries"])) throw new Damage("it has more entries than it may");
    if (Deno.stderr.isTerminal() && count % 10_000 === 0) tool.say(`${count} entries`);
    await make(out, entry).catch((error: Error) => {
      if (error instanceof Damage) throw error;
      refused++;
      tool.say(`refused ${JSON.stringify(entry.path.toWellFormed())}: ${error.message.replace(/\.$/, "")}.`);
    });
  }
  // The checksum of gzip is at the end.
  while ((await upTo(65_536)).length > 0);
} catch (error) {
  tool.fail(`after ${count} entries the archive is of no use: ${(error as Error).message}.`, 1);
}
if (refused > 0) tool.fail(`${refused} of ${count} entries were refused.`, 1);
