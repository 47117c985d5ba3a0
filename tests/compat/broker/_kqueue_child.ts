/**
 * The second process of a broker, with a kqueue and a pipe that are not close-on-exec. It ends with code 7 if the kqueue is
 * closed, because an engine may depend on it, and with code 8 if the pipe stays open, because it may be inherited.
 *
 * @module
 */
import { main } from "../../../compat/broker/child/child.ts";
import { libc } from "../../../mod.ts";
import { pipe } from "../../_pairs.ts";

const { symbols } = Deno.dlopen("/lib/libc.so.7", { kqueue: { parameters: [], result: "i32" } });
const queue = symbols.kqueue(), [reader, writer] = pipe();
for (const fd of [queue, reader.take()]) libc.fcntl(fd, libc.F_SETFD, 0);
void main(Deno.args);
// It has taken over the socket before it waits for the first time. A number that was used again is close-on-exec.
if (libc.fcntl(queue, libc.F_GETFD) !== 0) Deno.exit(7);
try {
  writer.writeSync(new Uint8Array(1));
  Deno.exit(8);
} catch (error) {
  if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
}
