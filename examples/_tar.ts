/**
 * Reads tar archives in V7, ustar, pax and GNU format, as GNU tar and bsdtar do. This module does no I/O.
 *
 * @module
 */
import { type Bytes, CutOff } from "./_bytes.ts";
import {
  count,
  decimal,
  headerTime,
  integer,
  latin1,
  name,
  paxTime,
  records,
  type Time,
} from "./_tar_fields.ts";
import { oldMap, paxMap, type SparseMap } from "./_tar_sparse.ts";

export type Kind = "file" | "directory" | "symlink" | "link" | "device" | "FIFO" | "unknown";

export interface Entry {
  kind: Kind;
  /** As returned by `decodeName()`. */
  path: string;
  /** The target of a link. */
  link: string;
  /** The permissions, as for chmod(2). */
  mode: number;
  /** The modification time; `undefined` if it is not valid. */
  mtime: Time | undefined;
  /** The size of the file in bytes, with holes. */
  size: number;
  /** The reason why it can't be unpacked; `undefined` if it can. */
  refused: string | undefined;
  /** Yields the parts of a file in order; the gaps between them are holes. */
  data(): AsyncGenerator<{ at: number; bytes: Uint8Array }>;
}

/** Receives the problems of an archive: `fault()` if data is lost or wrong, `warn()` otherwise. */
export interface Report {
  fault(message: string): void;
  warn(message: string): void;
}

const BLOCK = 512;
/** The maximum bytes of a pax header or a long name, both of which are held in memory. */
const longest = 16 << 20;

const kinds: Record<string, Kind> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "device",
  "4": "device",
  "5": "directory",
  "6": "FIFO",
  "7": "file",
  "D": "directory",
  "S": "file",
};

interface Header {
  block: Uint8Array;
  type: string;
  /** The size of its data in the archive, in bytes. */
  size: number;
  format: "ustar" | "gnu" | "old";
}

const noHeader = "a header has another checksum";

/** Returns a header, or the reason why it is not valid. */
function headerOf(block: Uint8Array): Header | string {
  const sum = Number(integer(block.subarray(148, 156)));
  let unsigned = 0, signed = 0;
  for (let i = 0; i < block.length; i++) {
    const byte = i >= 148 && i < 156 ? 32 : block[i]!;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  if (block.length < BLOCK || sum !== unsigned && sum !== signed) return noHeader;
  const size = count(block.subarray(124, 136));
  if (size === undefined) return "the size in a header is not a number of bytes";
  const magic = latin1(block.subarray(257, 265));
  const format = magic.startsWith("ustar\0") ? "ustar" : magic === "ustar  \0" ? "gnu" : "old";
  return { block, type: latin1(block.subarray(156, 157)), size, format };
}

/** Whether bytes start with the header of an archive. */
export function isHeader(bytes: Uint8Array): boolean {
  return headerOf(bytes.subarray(0, BLOCK)) !== noHeader;
}

const isZero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);

/** Yields the headers up to the end of the archive. Reports and skips blocks that are not a header. */
async function* headers(bytes: Bytes, report: Report): AsyncGenerator<Header> {
  for (let isFirst = true, isLost = false;; isFirst = false) {
    const block = (await bytes.peek(BLOCK)).slice(0, BLOCK), header = headerOf(block);
    const isWhole = block.length === BLOCK;
    // An archive can end without the blocks of zeros.
    if (block.length === 0) return;
    if (isFirst && header === noHeader && !(isWhole && isZero(block))) {
      throw new Error("it is not a tar archive");
    }
    if (!isWhole) throw new CutOff();
    bytes.skip(BLOCK);
    if (isZero(block)) {
      const isAlone = !isZero((await bytes.peek(BLOCK)).subarray(0, BLOCK));
      if (isAlone) report.warn("one block of zeros ends the archive; what follows is ignored");
      return;
    }
    if (typeof header !== "string") yield header;
    else if (!isLost) report.fault(`${header}; skipping to the next one`);
    isLost = typeof header === "string";
  }
}

/** Returns the prefix of a path. The field is shorter in archives of star(1). */
function prefixOf({ block, format }: Header): string {
  if (format !== "ustar") return "";
  const isStar = /^\0[0-7]{11} [0-7]{11} $/.test(latin1(block.subarray(475, 500)));
  return name(block.subarray(345, isStar ? 475 : 500));
}

/** The data of pax headers and GNU long names, which applies to the next entry. */
class Extensions {
  readonly #globals: Map<string, string>;
  readonly #pax: Map<string, string> = new Map();
  readonly long: Map<string, string> = new Map();
  /** The offsets and sizes of a sparse file in format 0.0. */
  readonly pairs: string[] = [];
  isMalformed = false;
  /** Whether it applies to one entry, not only to all that follow. */
  isForEntry = false;

  constructor(globals: Map<string, string>) {
    this.#globals = globals;
  }

  /** Returns the value of a pax record, or `undefined` if it is missing or empty. */
  get(key: string): string | undefined {
    return (this.#pax.get(key) ?? this.#globals.get(key)) || undefined;
  }

  /** Adds the data of a header of type "x", "X", "g", "L" or "K". */
  add(type: string, data: Uint8Array): void {
    this.isForEntry ||= type !== "g";
    if (type === "L" || type === "K") {
      this.long.set(type === "L" ? "path" : "linkpath", name(data));
      return;
    }
    // Of several pax headers, the last one counts, as for GNU tar and bsdtar.
    if (type !== "g") {
      this.#pax.clear();
      this.pairs.length = 0;
    }
    const found = records(data);
    this.isMalformed ||= found === undefined;
    for (const [key, value] of found ?? []) {
      if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
        const isNext = (key === "GNU.sparse.offset") === (this.pairs.length % 2 === 0);
        this.pairs.push(isNext ? value : "out of order");
      } else (type === "g" ? this.#globals : this.#pax).set(key, value);
    }
  }
}

/** Returns the kind of an entry, by its type and path, and the reason if that kind can't be unpacked. */
function kindOf({ type, format }: Header, path: string): [kind: Kind, refused?: string] {
  if (type === "S" && format !== "gnu" || /[A-Z]/.test(type) && !kinds[type]) {
    return ["unknown", `its type ${JSON.stringify(type)} is unknown`];
  }
  // In V7 archives, a directory is a file whose name ends with a slash.
  return [/[0\0]/.test(type) && path.endsWith("/") ? "directory" : kinds[type] ?? "file"];
}

/**
 * Returns the size of the data that follows a header. The size field of a directory, a device or a symlink has another
 * meaning or none. Some pax archives store the data of the file with a hard link, others only a size.
 */
async function storedSize(header: Header, kind: Kind, size: number, isPax: boolean, bytes: Bytes) {
  if (kind === "directory") return header.type === "D" ? size : 0;
  if (kind !== "link") return kind === "file" || kind === "unknown" ? size : 0;
  if (isPax) return size;
  const next = (await bytes.peek(BLOCK)).subarray(0, BLOCK);
  return header.format !== "ustar" || isZero(next) || isHeader(next) ? 0 : size;
}

/**
 * Yields the entries of an archive in order. Skips the data of an entry if the caller does not read it.
 *
 * @throws {CutOff} If the archive ends within an entry.
 * @throws {Error} If it is not a tar archive.
 */
export async function* entries(bytes: Bytes, report: Report): AsyncGenerator<Entry> {
  const globals = new Map<string, string>();
  let own: Extensions | undefined, isPax = false;
  for await (const header of headers(bytes, report)) {
    if (/[gxXLK]/.test(header.type)) {
      if (header.size > longest) throw new Error(`a header in it has more than ${longest} bytes`);
      own ??= new Extensions(globals);
      own.add(header.type, await bytes.exactly(header.size));
      isPax ||= /[gxX]/.test(header.type);
      await bytes.exactly(-header.size & (BLOCK - 1));
      // "V" is a volume label.
    } else if (header.type !== "V") {
      yield* entryOf(header, own ?? new Extensions(globals), isPax, bytes, report);
      own = undefined;
    }
  }
  if (own?.isForEntry) report.fault("its last header is for no entry");
}

/** Yields the entry of a header, then skips the data that the caller did not read. */
async function* entryOf(header: Header, own: Extensions, isPax: boolean, bytes: Bytes, report: Report) {
  const { type, block } = header, pax = (key: string) => own.get(key);
  const prefix = prefixOf(header), short = name(block.subarray(0, 100));
  const path = pax("GNU.sparse.name") ?? pax("path") ?? own.long.get("path") ??
    (prefix && `${prefix}/`) + short;
  const link = pax("linkpath") ?? own.long.get("linkpath") ?? name(block.subarray(157, 257));
  let [kind, refused] = kindOf(header, path);
  if (kind === "file" && !kinds[type]) {
    report.warn(`${JSON.stringify(path)} has the unknown type ${JSON.stringify(type)}, unpacked as a file`);
  }
  const paxSize = pax("size"), size = paxSize === undefined ? header.size : decimal(paxSize);
  if (own.isMalformed || size === undefined) refused = "its pax header is malformed";
  const stored = await storedSize(header, kind, size ?? header.size, isPax, bytes);
  let left = stored;
  const read = async (most: number) => {
    const part = await bytes.upTo(Math.min(most, left));
    if (part.length === 0) throw new CutOff();
    left -= part.length;
    return part;
  };
  const exactly = async (size: number) => {
    left -= size;
    return await bytes.exactly(size);
  };
  let map: SparseMap | undefined;
  try {
    if (type === "S" && kind === "file") map = await oldMap(block, left, (size) => bytes.exactly(size));
    else if (kind === "file") map = await paxMap(pax, own.pairs, left, exactly);
  } catch (error) {
    if (error instanceof CutOff) throw error;
    refused ??= (error as Error).message;
  }
  const { extents, size: whole } = map ?? { extents: [{ at: 0, size: left }], size: left };
  async function* data() {
    for (const { at, size } of extents) {
      for (let done = 0, part; done < size; done += part.length) {
        part = await read(size - done);
        yield { at: at + done, bytes: part };
      }
    }
  }
  const fault = (what: string) => report.fault(`${JSON.stringify(path)}: ${what}`);
  const mode = integer(block.subarray(100, 108)), modified = pax("mtime");
  const mtime = modified === undefined ? headerTime(block.subarray(136, 148)) : paxTime(modified);
  if (mode === undefined) fault("its mode is not a number");
  if (mtime === undefined) fault("its time is not a number in range");
  yield { kind, path, link, mode: Number((mode ?? 0o600n) & 0o7777n), mtime, size: whole, refused, data };
  while (left > 0) await read(left);
  await bytes.exactly(-stored & (BLOCK - 1));
}
