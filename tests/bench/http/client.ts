const encoder = new TextEncoder(), decoder = new TextDecoder("latin1");

/**
 * Asks a server on loopback for `path` as often as `times` says, over some connections at once, and gives the
 * milliseconds that it took. It looks at no more than the length of each answer, to cost little itself.
 */
export async function ask(port: number, path: string, times: number, connections: number): Promise<number> {
  const request = encoder.encode(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const buffer = new Uint8Array(256 * 1024);
  const all = await Promise.all(
    Array.from({ length: connections }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  let left = times;
  const work = async (connection: Deno.TcpConn, memory: Uint8Array) => {
    while (left-- > 0) {
      await connection.write(request);
      let count = await connection.read(memory) ?? 0;
      const head = decoder.decode(memory.subarray(0, Math.min(count, 2048)));
      const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1], end = head.indexOf("\r\n\r\n") + 4;
      if (!head.startsWith("HTTP/1.1 200") || length === undefined || end < 4) throw new Error(head);
      for (const whole = end + Number(length); count < whole;) {
        const more = await connection.read(memory);
        if (more === null) throw new Error(`The answer ended after ${count} of ${whole} bytes.`);
        count += more;
      }
    }
  };
  const start = performance.now();
  await Promise.all(all.map((connection) => work(connection, buffer.slice())));
  const took = performance.now() - start;
  for (const connection of all) connection.close();
  return took;
}
