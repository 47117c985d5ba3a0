/**
 * Makes each call site of a broker fail, in the program and in the second process, natively and simulated: see
 * `_program.ts`. Each site gets one errno of the man page in turn. With CAPSICUM_TEST_FAULTS=all it gets each of them, in
 * each request.
 */
import { assert, assertEquals } from "@std/assert";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";
import { isWhole } from "../_errnos.ts";
import type { Result } from "./_program.ts";
import type { Task } from "./_subject.ts";

const skip = kernel.hasCapsicum && !kernel.simulated && "needs Linux, natively or with the stand-in";
const skipProcess = skip || Deno.version.deno.startsWith("2.7.") &&
    "needs Deno 2.9: Deno 2.7 ends in a sandbox when the test reads a stack, to find the site of a call";

/** Sends back what each connection sends. */
async function echo(listener: Deno.TcpListener | Deno.UnixListener): Promise<void> {
  for await (const connection of listener) {
    void connection.readable.pipeTo(connection.writable).catch(() => {});
  }
}

async function faults(part: Task["part"]): Promise<Result> {
  using fixture = new Fixture({
    docs: { a: "inside", b: "other", link: { link: "../secret" } },
    out: {},
    secret: "SECRET",
  });
  const path = fixture.at("echo");
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using unix = Deno.listen({ transport: "unix", path });
  void echo(tcp);
  void echo(unix);
  const task: Task = { part, top: fixture.path, port: (tcp.addr as Deno.NetAddr).port, path };
  const { code, stdout, stderr } = await runModule(new URL("_program.ts", import.meta.url), {
    args: [JSON.stringify(task)],
    timeout: isWhole ? 3_600_000 : 300_000,
  });
  assertEquals([code, stderr], [0, ""], stdout);
  const result: Result = JSON.parse(stdout);
  if (isWhole) console.log(`${result.here} faults in the program, ${result.there} in the second process`);
  return result;
}

test(
  "when a call of the program fails while answers arrive, no descriptor is mistaken for another one or stays open",
  async () => {
    const { wrong, here } = await faults("answers");
    assertEquals(wrong, []);
    assert(here > 20, `${here}`);
  },
  { skip },
);

test(
  "when a call fails during a request, the request reports it, and the next one is served or reports the end of the broker",
  async () => {
    const { wrong, here, there } = await faults("requests");
    assertEquals(wrong, []);
    assert(here > 10 && there > 20, `${here}, ${there}`);
  },
  { skip: skipProcess },
);

test(
  "when a call fails during the start, broker() reports it and leaves no process, or the second process is confined",
  async () => {
    const { wrong, here, there } = await faults("starts");
    assertEquals(wrong, []);
    assert(here > 3 && there > 10, `${here}, ${there}`);
  },
  { skip: skipProcess },
);
