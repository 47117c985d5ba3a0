/** Builds tar archives, valid or malformed. */

export interface Member {
  name: string;
  type?: string;
  data?: string | Uint8Array;
  link?: string;
  mode?: number;
  /** In seconds. */
  mtime?: number;
  prefix?: string;
  /** The size in the header, instead of the size of the data. */
  size?: string;
  /** Default: "ustar\0". */
  magic?: string;
  checksum?: number;
  /** Bytes at places of the header. */
  raw?: Record<number, string | Uint8Array>;
  /** Blocks between the header and the data. */
  further?: Uint8Array;
}

export const end: Uint8Array<ArrayBuffer> = new Uint8Array(1024);

/** Converts a string to bytes; characters below 256 become one byte. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return /^[\0-\xff]*$/.test(text)
    ? Uint8Array.from(text, (sign) => sign.charCodeAt(0))
    : new TextEncoder().encode(text);
}

/** A header and its data, in whole blocks. */
export function member(one: Member): Uint8Array<ArrayBuffer> {
  const data = typeof one.data === "string" ? bytesOf(one.data) : one.data ?? new Uint8Array();
  const block = new Uint8Array(512), further = one.further ?? new Uint8Array();
  const set = (at: number, text: string) => block.set(bytesOf(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0") + "\0";
  set(0, one.name.slice(0, 100));
  set(100, octal(one.mode ?? 0o644, 7));
  set(124, one.size ?? octal(data.length, 11));
  set(136, octal(one.mtime ?? 1_000_000_000, 11));
  set(156, one.type ?? "0");
  set(157, (one.link ?? "").slice(0, 100));
  set(257, one.magic ?? "ustar\x0000");
  set(345, one.prefix ?? "");
  for (const [at, bytes] of Object.entries(one.raw ?? {})) {
    block.set(typeof bytes === "string" ? bytesOf(bytes) : bytes, Number(at));
  }
  set(148, "        ");
  const sum = one.checksum ?? block.reduce((sum, byte) => sum + byte, 0);
  set(148, `${octal(sum, 6)} `);
  return joined([block, further, data, new Uint8Array(-data.length & 511)]);
}

/** The records of a pax header. */
export function records(values: Record<string, string> | [key: string, value: string][]): string {
  return (Array.isArray(values) ? values : Object.entries(values)).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`.length;
    let length = rest + 1;
    while (String(length).length + rest !== length) length++;
    return `${length} ${key}=${value}\n`;
  }).join("");
}

export function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) all.set(part, at), at += part.length;
  return all;
}

/** A whole archive. */
export function archive(...members: Member[]): Uint8Array<ArrayBuffer> {
  return joined([...members.map(member), end]);
}

export async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const octal = (value: number) => value.toString(8).padStart(11, "0") + "\0";
const pairsOf = (numbers: number[]) => numbers.map(octal).join("");
/** A sparse header in the old GNU format, with the extents that fit in it and those in further blocks. */
export function oldSparse(name: string, data: string, size: number, numbers: number[]): Member {
  const rest = numbers.slice(8), further: Uint8Array[] = [];
  while (rest.length > 0) {
    const block = new Uint8Array(512), text = pairsOf(rest.splice(0, 42));
    new TextEncoder().encodeInto(text, block);
    block[504] = rest.length > 0 ? 1 : 0;
    further.push(block);
  }
  const raw = {
    386: pairsOf(numbers.slice(0, 8)),
    482: further.length > 0 ? "\x01" : "\0",
    483: octal(size),
  };
  return { name, type: "S", magic: "ustar  \0", data, raw, further: joined(further) };
}
