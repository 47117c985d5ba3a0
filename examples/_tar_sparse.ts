/** Parses the maps of sparse files: the map in the headers of old GNU tar, and the three formats in pax headers. */
import { count, decimal, latin1 } from "./_tar_fields.ts";

/** A part of a file that is stored in the archive. All other parts are holes. */
export interface Extent {
  at: number;
  size: number;
}

export interface SparseMap {
  extents: Extent[];
  /** The size of the whole file in bytes. */
  size: number;
}

/** Reads `size` bytes of the archive. */
type Exactly = (size: number) => Promise<Uint8Array>;

/** The maximum number of extents in a map: it limits the memory that a map takes. */
const mostExtents = 1_000_000;
const malformed = new Error("its sparse map is malformed");

/** Returns a map if its numbers are in order and its sizes add up to the data in the archive; throws otherwise. */
function mapOf(numbers: (number | undefined)[], size: number | undefined, stored: number): SparseMap {
  const extents: Extent[] = [];
  let end = 0, sum = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const at = numbers[i] ?? -1, length = numbers[i + 1] ?? -1;
    if (at < end || length < 0) throw malformed;
    [end, sum] = [at + length, sum + length];
    if (length > 0) extents.push({ at, size: length });
  }
  if (size === undefined || end > size || sum !== stored) throw malformed;
  return { extents, size };
}

/**
 * Reads the map of an entry of type "S": four extents in the header, and 21 in each further block.
 *
 * @throws {Error} If it is malformed. Its blocks are consumed even then.
 */
export async function oldMap(header: Uint8Array, stored: number, exactly: Exactly): Promise<SparseMap> {
  const numbers: (number | undefined)[] = [];
  const add = (fields: Uint8Array) => {
    for (let at = 0; at < fields.length && numbers.length < 2 * mostExtents; at += 12) {
      // An extent that starts with a NUL is unused.
      if (fields[at - at % 24] !== 0) numbers.push(count(fields.subarray(at, at + 12)));
    }
  };
  add(header.subarray(386, 482));
  for (let isExtended = header[482]; isExtended;) {
    const block = await exactly(512);
    add(block.subarray(0, 504));
    isExtended = block[504];
  }
  return mapOf(numbers, count(header.subarray(483, 495)), stored);
}

/**
 * Reads the map in pax records, in format 0.0, 0.1 or 1.0. `pairs` has the offsets and sizes of format 0.0.
 *
 * @param stored - The size of the entry's data in the archive, in bytes. The map of format 1.0 is at the start of the data.
 * @returns `undefined` if the file is not sparse.
 * @throws {Error} If it is malformed or has another format.
 */
export async function paxMap(
  pax: (key: string) => string | undefined,
  pairs: string[],
  stored: number,
  exactly: Exactly,
): Promise<SparseMap | undefined> {
  const form = [pax("GNU.sparse.major") ?? 0, pax("GNU.sparse.minor") ?? 0].join(".");
  const size = decimal(pax("GNU.sparse.realsize") ?? pax("GNU.sparse.size") ?? "");
  if (form === "1.0") {
    const { numbers, length } = await mapInData(stored, exactly);
    return mapOf(numbers, size, stored - length);
  }
  if (form !== "0.0" && form !== "0.1") throw new Error(`it is sparse in the unknown form ${form}`);
  const blocks = pax("GNU.sparse.numblocks"), map = pax("GNU.sparse.map") ?? pairs.join();
  if (decimal(pax("SCHILY.realsize") ?? `${stored}`) !== stored) {
    throw new Error("it is sparse in star's form");
  }
  if (size === undefined && blocks === undefined && map === "") return undefined;
  const numbers = map === "" ? [] : map.split(",").map(decimal);
  if (decimal(blocks ?? "") !== numbers.length / 2) throw malformed;
  return mapOf(numbers, size, stored);
}

/** Reads the map at the start of an entry's data: lines with the number of extents, and the offset and size of each. */
async function mapInData(stored: number, exactly: Exactly) {
  const numbers: (number | undefined)[] = [];
  let rest = "", length = 0;
  do {
    if ((length += 512) > stored || numbers.length > 2 * mostExtents) throw malformed;
    const lines = (rest + latin1(await exactly(512))).split("\n");
    rest = lines.pop()!;
    for (const line of lines) numbers.push(decimal(line));
  } while (!(numbers.length > 2 * (numbers[0] ?? Infinity)));
  const [count = 0, ...extents] = numbers;
  if (extents.length !== 2 * count) throw malformed;
  return { numbers: extents, length };
}
