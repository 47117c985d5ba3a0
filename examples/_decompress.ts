/** Decompresses gzip (RFC 1952), and recognizes other compression formats to name them in an error. */
import { crc32, createInflateRaw } from "node:zlib";
import { Bytes, CutOff } from "./_bytes.ts";
import { isHeader } from "./_tar.ts";

/** The first bytes of each format. */
const formats: Record<string, string> = {
  "gzip": "\x1f\x8b",
  "compress": "\x1f\x9d",
  "bzip2": "BZh",
  "xz": "\xfd7zXZ\0",
  "zstd": "\x28\xb5\x2f\xfd",
  "lzma": "\x5d\0\0",
  "lzip": "LZIP",
  "lz4": "\x04\x22\x4d\x18",
  "lzop": "\x89LZO",
  "zip": "PK\x03\x04",
  "7-Zip": "7z\xbc\xaf\x27\x1c",
};

/**
 * Returns an archive decompressed if it is compressed by gzip, and unchanged otherwise.
 *
 * @throws {Error} If it is compressed by anything but gzip, or is empty. Like GNU tar, takes no bytes in gzip as an archive.
 */
export async function decompressed(archive: Bytes, warn: (message: string) => void): Promise<Bytes> {
  const start = (await archive.peek(512)).subarray(0, 512), text = String.fromCharCode(...start);
  if (text === "") throw new Error("it is empty");
  const format = Object.keys(formats).find((name) => text.startsWith(formats[name]!));
  // A tar archive starts with the name of its first file, which can look like any format.
  if (format === undefined || isHeader(start)) return archive;
  if (format === "gzip") return new Bytes(gunzip(archive, warn));
  throw new Error(`it is compressed by ${format}: decompress it first`);
}

/** Decompresses all members. Like gzip(1), ignores data after them, with a warning unless it is all zeros. */
export async function* gunzip(
  bytes: Bytes,
  warn: (message: string) => void,
): AsyncGenerator<Uint8Array> {
  do {
    await skipHeader(bytes);
    yield* inflated(bytes);
  } while (isMember(await bytes.peek(2)));
  for await (const part of bytes) {
    if (part.every((byte) => byte === 0)) continue;
    return warn("what follows the gzip data is ignored");
  }
}

const damage = (what: string) => new Error(`the gzip data is damaged: ${what}`);

function isMember([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}

const FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, reserved = 0xe0;

async function skipHeader(bytes: Bytes): Promise<void> {
  let sum = 0;
  const read = async (size: number) => {
    const part = await bytes.exactly(size);
    sum = crc32(part, sum);
    return part;
  };
  const header = await read(10), [, , method, flags = 0] = header;
  if (!isMember(header) || method !== 8 || flags & reserved) throw damage("its header is not valid");
  if (flags & FEXTRA) await read(uint16(await read(2)));
  for (const flag of [FNAME, FCOMMENT]) {
    if (flags & flag) { while ((await read(1))[0] !== 0); }
  }
  if (flags & FHCRC && (sum & 0xffff) !== uint16(await bytes.exactly(2))) {
    throw damage("the checksum of its header is wrong");
  }
}

function uint16([low, high]: Uint8Array): number {
  return low! | high! << 8;
}

/** Bytes decompressed at once: the output can be a thousand times as large. */
const piece = 16_384;

/** Returns the data of one member, and checks its checksum and length. */
async function* inflated(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw(), parts: Uint8Array[] = [];
  inflate.on("data", (part) => parts.push(part));
  const end = new Promise((resolve, reject) => inflate.on("end", resolve).on("error", reject));
  let sum = 0, size = 0;
  for (let isEnded = false; !isEnded;) {
    const chunk = (await bytes.peek()).subarray(0, piece), before = inflate.bytesWritten;
    if (chunk.length === 0) throw new CutOff();
    try {
      await Promise.race([new Promise((resolve) => inflate.write(chunk, resolve)), end]);
      // zlib does not consume bytes after the end of the member.
      const used = inflate.bytesWritten - before;
      bytes.skip(used);
      isEnded = used < chunk.length;
      if (isEnded) await end;
    } catch (error) {
      throw damage((error as Error).message);
    }
    for (const part of parts.splice(0)) {
      sum = crc32(part, sum);
      size += part.length;
      yield part;
    }
  }
  const trailer = new DataView((await bytes.exactly(8)).buffer);
  if (trailer.getUint32(0, true) !== sum || trailer.getUint32(4, true) !== size % 2 ** 32) {
    throw damage("its checksum is wrong");
  }
}
