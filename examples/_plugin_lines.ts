/** What plugin_host.ts and the Deno of its plug-in send each other: lines of JSON with a bound. */

/** Bytes of the longest line that a plug-in is called with, and of the longest module. */
export const longest: number = 1 << 20;
/** Bytes of the longest answer: each of `longest` characters has up to three, and there are some around them. */
export const longestAnswer: number = 4 * longest;

/** The lines of a stream. For one with more than `most` bytes it gives `undefined`, as soon as it is seen. */
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

/** The text of a line, `undefined` if it is not UTF-8. */
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
