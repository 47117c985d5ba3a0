/** What a stream needs of a file. */
interface Streamed {
  read(p: Uint8Array): Promise<number | null>;
  writeAll(p: Uint8Array): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bytes of a chunk where the reader brings no memory of its own. */
const chunk = 64 * 1024;

/**
 * Used chunks are freed when the engine collects young objects, and that it does by what these take themselves: some
 * 30 MiB of chunks lie about till then. With an array of 7 KiB for each chunk it is about 10.
 */
export let ballast: unknown[];

/** The bytes of a file from its offset on. It is closed at their end, on failure and when the stream is cancelled. */
export function readableOf(file: Streamed): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: chunk,
    async pull(controller) {
      ballast = new Array(896);
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

/** Writes to a file at its offset. It is closed with the stream, on failure and when the stream is aborted. */
export function writableOf(file: Streamed): WritableStream<Uint8Array> {
  return new WritableStream({
    start({ signal }) {
      // The stream's own abort() comes after the write under way, and that may wait for somebody else.
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
