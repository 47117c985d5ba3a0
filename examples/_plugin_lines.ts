/** The protocol between plugin_host.ts and the Deno process of its plug-in: lines of JSON with a maximum length. */

/** The maximum bytes of an input line, and the maximum characters of a module. */
export const longest: number = 1 << 20;
/** The maximum bytes of an answer: up to three for each of `longest` characters, and some around them. */
export const longestAnswer: number = 4 * longest;

/** Yields the lines of a stream. Yields `undefined` instead of a line as soon as it exceeds `most` bytes. */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<Uint8Array | undefined> {
  let line = new Uint8Array(), isTooLong = false;
  for await (const chunk of stream) {
    for (let from = 0; from <= chunk.length;) {
      const end = chunk.indexOf(0x0a, from), part = chunk.subarray(from, end < 0 ? undefined : end);
      if (!isTooLong && line.length + part.length > most) {
        isTooLong = true;
        yield undefined;
      }
      line = isTooLong ? new Uint8Array() : joined(line, part);
      if (end < 0) break;
      if (!isTooLong) yield line;
      [line, isTooLong, from] = [new Uint8Array(), false, end + 1];
    }
  }
  if (line.length > 0) yield line;
}

function joined(one: Uint8Array, two: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + two.length);
  both.set(one);
  both.set(two, one.length);
  return both;
}

/** Returns the text of a line, or `undefined` if it is not UTF-8. */
export function textOf(line: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(line);
  } catch {
    return undefined;
  }
}

/** Writes a line to standard output. */
export function printLine(line: string): void {
  const bytes = new TextEncoder().encode(`${line.replaceAll("\n", " ")}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
