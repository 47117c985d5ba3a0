/** Cuts a text that comes in pieces into lines. */
export class Lines {
  /** What follows the last line that is whole. */
  rest = "";

  /** The lines that are whole with this piece, without their ends. */
  add(text: string): string[] {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop()!;
    return lines;
  }
}
