/** The columns of the narrowest usual terminal. */
const width = 80;

/**
 * A text in lines of at most 80 columns, broken at spaces, and within words that are longer than a line. The first line
 * starts with `first`, the others are indented as far.
 */
export function wrapped(first: string, text: string): string[] {
  const indent = " ".repeat(first.length), room = width - first.length;
  const pieces = text.split(" ").flatMap((word) => word.match(new RegExp(`.{1,${room}}`, "gsu")) ?? [""]);
  const lines: string[] = [];
  let line: string | undefined;
  for (const piece of pieces) {
    if (line !== undefined && line.length + 1 + piece.length > room) {
      lines.push(line);
      line = undefined;
    }
    line = line === undefined ? piece : `${line} ${piece}`;
  }
  return [...lines, line ?? ""].map((line, i) => (i === 0 ? first : indent) + line);
}
