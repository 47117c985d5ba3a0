/** The value of each `CAP_*` macro of sys/capsicum.h that is made of CAPRIGHT(), by its name without the prefix. */
export function rightsOf(header: string): Record<string, bigint> {
  const text = header.replaceAll(/\/\*[^]*?\*\/|\\\r?\n|\/\/.*/g, " ");
  const macros = new Map(
    [...text.matchAll(/^[ \t]*#[ \t]*define[ \t]+(CAP_\w+)[ \t]+(.+)$/gm)]
      .map(([, name = "", body = ""]) => [name, body]),
  );

  /** A term is CAPRIGHT(word, bits) or another macro; terms are joined by "|" and stand in any parentheses. */
  const valueOf = (body: string, within: string[]): bigint | undefined => {
    const term = /CAPRIGHT\(\s*(\d+)\s*,\s*(0x[0-9a-f]+)U?L*\s*\)|CAP_\w+/gi;
    const terms = [...body.matchAll(term)];
    if (terms.length === 0 || !/^[()|\s]*$/.test(body.replaceAll(term, ""))) return undefined;
    return terms.map(([name, index, bits]) => {
      if (index !== undefined && bits !== undefined) return 1n << 57n + BigInt(index) | BigInt(bits);
      const other = within.includes(name) ? undefined : macros.get(name);
      return other === undefined ? undefined : valueOf(other, [...within, name]);
    }).reduce((a, b) => a === undefined || b === undefined ? undefined : a | b);
  };

  const rights = [...macros].map(([name, body]) =>
    [name.slice("CAP_".length), valueOf(body, [name])] as const
  );
  return Object.fromEntries(rights.filter((right): right is [string, bigint] => right[1] !== undefined));
}
