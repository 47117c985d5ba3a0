/** Text that comes in pieces of bytes, as lines without their "\n" or "\r\n". What is not UTF-8 becomes U+FFFD. */
export class Lines {
  readonly #decoder = new TextDecoder();
  #rest: string[] = [];

  /** The lines that end in these bytes. */
  *push(bytes: Uint8Array): Generator<string, void, undefined> {
    const parts = this.#decoder.decode(bytes, { stream: true }).split("\n");
    this.#rest.push(parts.shift()!);
    if (parts.length === 0) return;
    const line = this.#rest.join("");
    this.#rest = [parts.pop()!];
    yield withoutReturn(line);
    for (const line of parts) yield withoutReturn(line);
  }

  /** The last line, where the text does not end with "\n". */
  *end(): Generator<string, void, undefined> {
    const last = this.#rest.join("") + this.#decoder.decode();
    if (last !== "") yield last;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
