/** The part of a file that a stream needs. */
interface Streamed {
  read(p: Uint8Array): Promise<number | null>;
  writeAll(p: Uint8Array): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bytes of a chunk if the reader does not pass a buffer. */
const chunk = 64 * 1024;

/**
 * V8 frees used chunks only when its young space is full, and by then about 30 MiB of chunks have accumulated. A new
 * 10 KiB array with each chunk fills the young space sooner: about 10 MiB accumulate.
 */
export let ballast: unknown[];

/** The bytes of a file from its offset on. The file is closed at the end, on failure, and on cancel. */
export function readableOf(file: Streamed): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: chunk,
    async pull(controller) {
      ballast = new Array(1344);
      const request = controller.byobRequest!;
      const count = await closingOnFailure(file, () => file.read(request.view as Uint8Array));
      if (count !== null) {
        request.respond(count);
        return;
      }
      await file[Symbol.asyncDispose]();
      controller.close();
      request.respond(0);
    },
    cancel: () => file[Symbol.asyncDispose](),
  });
}

/** Writes to a file at its offset. The file is closed with the stream, on failure, and on abort. */
export function writableOf(file: Streamed): WritableStream<Uint8Array> {
  return new WritableStream({
    start({ signal }) {
      // The stream calls its own abort() only after the current write, which may wait for another process.
      signal.addEventListener("abort", () => void file[Symbol.asyncDispose]().catch(() => {}));
    },
    write: (bytes) => closingOnFailure(file, () => file.writeAll(bytes)),
    close: () => file[Symbol.asyncDispose](),
    abort: () => file[Symbol.asyncDispose](),
  });
}

async function closingOnFailure<T>(file: Streamed, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await file[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}
