/** Answers a request for one open file. */
import mime from "npm:mime@4.1.2";
import type { FdFile } from "../mod.ts";
import { lastModified, rangeOf, statusOf, type Validators } from "./_http_conditions.ts";

/** A body of up to `small` bytes is read at once, a longer one in pieces of `piece` bytes. */
const small = 1024 * 1024, piece = 64 * 1024;
/** Shared by all small bodies: `Response` copies its bytes. */
const reused = new Uint8Array(small);
/** Milliseconds within which two changes can have the same time stamp: kernels take time stamps from a coarse clock. */
const tick = 20;

/** Returns the media type for a file name. Text files are assumed to be UTF-8. */
function typeOf(name: string): string {
  // Without the slash, a name such as "html" would be taken for an extension.
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
 * The tag contains mtime, and ctime, which no program can set back. It is weak while another change could still get the
 * same time stamps.
 */
function validatorsOf({ ino, size, mtime, ctime }: Deno.FileInfo): Validators {
  const now = Date.now(), changed = ctime?.getTime() ?? now;
  const tag = `"${ino}-${size}-${mtime?.getTime()}-${changed}"`;
  return {
    tag: now - changed < tick ? `W/${tag}` : tag,
    modified: lastModified(mtime, now),
  };
}

/** Returns a body of `length` bytes from `first`. The file is closed after the last read, and if the body is canceled. */
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
  // A pull means that the server has taken the last piece and holds its own reference to the buffer.
  return new ReadableStream({
    async pull(controller) {
      // By now the last piece but one has usually been sent, so its memory can be reused for the next piece. Waiting for
      // the garbage collector, and new memory for each piece, would double the time.
      while (taken.length > (at < end || next ? 1 : 0)) taken.shift()!.transfer(0);
      if (at === end && !next) return controller.close();
      try {
        const bytes = await (next ?? read());
        controller.enqueue(bytes);
        taken.push(bytes.buffer);
        // One piece is read ahead while this one is sent.
        next = at < end ? read() : undefined;
        next?.catch(() => {}); // The next pull reports the error.
        if (at === end) file.close();
      } catch (error) {
        file[Symbol.dispose]();
        throw error;
      }
    },
    cancel: () => file[Symbol.dispose](),
  }, { highWaterMark: 0 });
}
