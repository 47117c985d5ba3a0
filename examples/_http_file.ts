/** Answers a request for one open file. */
import mime from "npm:mime@4.1.2";
import type { FdFile } from "../mod.ts";
import { rangeOf, statusOf, type Validators } from "./_http_conditions.ts";

/** Bytes up to which a body is read at once, and those of the pieces of a longer one. */
const small = 32 * 1024, piece = 64 * 1024;
/** A response copies the bytes that it is made of. */
const reused = new Uint8Array(small);
/** Milliseconds in which a file can change twice without another time stamp: kernels take them from a clock of ticks. */
const tick = 20;

/** The media type of a name. Texts are taken for UTF-8. */
function typeOf(name: string): string {
  // With a directory before it, a name without a dot is not taken for an extension.
  const type = mime.getType(`/${name}`) ?? "application/octet-stream";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

export function sendFile(request: Request, file: FdFile, name: string): Response {
  const info = file.statSync(), { size } = info;
  const validators = validatorsOf(info), { tag, modified } = validators;
  const headers: Record<string, string> = {
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
    etag: tag!,
  };
  if (modified !== undefined) headers["last-modified"] = new Date(modified).toUTCString();
  const done = (status: number) => {
    file.close();
    return new Response(null, { status, headers });
  };
  const isGet = request.method === "GET", condition = statusOf(request.headers, validators);
  if (condition !== 200) return done(condition);
  const range = isGet ? rangeOf(request.headers, validators, size) : undefined;
  if (range !== undefined) headers["content-range"] = `bytes ${range?.join("-") ?? "*"}/${size}`;
  if (range === null) return done(416);
  const [first, last] = range ?? [0, size - 1], length = last - first + 1;
  headers["content-type"] = typeOf(name);
  headers["content-length"] = String(length);
  if (!isGet) return done(200);
  return new Response(bodyOf(file, first, length), { status: range ? 206 : 200, headers });
}

/**
 * The tag has the times of the last change of the bytes and of the inode, which no program can set back. While the clock may
 * still give a further change the same times, the tag is weak. A date in the future would be a lie: it is now.
 */
function validatorsOf({ ino, size, mtime, ctime }: Deno.FileInfo): Validators {
  const now = Date.now(), changed = ctime?.getTime() ?? now;
  const tag = `"${ino}-${size}-${mtime?.getTime()}-${changed}"`;
  return {
    tag: now - changed < tick ? `W/${tag}` : tag,
    modified: mtime ? Math.floor(Math.min(mtime.getTime(), now) / 1000) * 1000 : undefined,
  };
}

/** Some bytes of a file, which is closed when they are read or nobody wants them any more. */
function bodyOf(file: FdFile, first: number, length: number): BodyInit {
  const end = first + length, taken: ArrayBuffer[] = [];
  let at = first, next: Promise<Uint8Array<ArrayBuffer>> | undefined;
  const advance = (count: number | null) => {
    if (count === null) throw new Error("The file has become shorter than it was.");
    at += count;
  };
  if (length <= small) {
    using _closed = file;
    const bytes = reused.subarray(0, length);
    while (at < end) advance(file.preadSync(bytes.subarray(at - first), at));
    return bytes;
  }
  const read = async () => {
    const bytes = new Uint8Array(Math.min(piece, end - at)), start = at;
    advance(await file.pread(bytes, at));
    return bytes.subarray(0, at - start);
  };
  // A pull means that the server has taken the last piece, with a hold of its own on the memory.
  return new ReadableStream({
    async pull(controller) {
      // By now the last piece but one is sent, as a rule: given up here, its memory serves the next one. The garbage
      // collector would be too late, and fresh memory for each piece take as much time as all the rest.
      while (taken.length > (at < end || next ? 1 : 0)) taken.shift()!.transfer(0);
      if (at === end && !next) return controller.close();
      try {
        const bytes = await (next ?? read());
        controller.enqueue(bytes);
        taken.push(bytes.buffer);
        // One piece is read ahead, while this one is sent.
        next = at < end ? read() : undefined;
        next?.catch(() => {}); // The next pull reports it.
        if (at === end) file.close();
      } catch (error) {
        file[Symbol.dispose]();
        throw error;
      }
    },
    cancel: () => file[Symbol.dispose](),
  }, { highWaterMark: 0 });
}
