/**
 * examples/http_static.ts beside a server written the obvious way over Deno's own file API, by turns in one run.
 *
 * @module
 */
import { isSupported } from "../../mod.ts";
import { RunningModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { isQuick, median, report } from "./_bench.ts";
import { ask } from "./http/client.ts";

const KiB = 1024, rounds = isQuick ? 1 : 15, connections = 16;
const cases: [name: string, size: number, requests: number][] = [
  ["1 KiB", KiB, 3000],
  ["64 KiB", 64 * KiB, 1500],
  ["1 MiB", KiB * KiB, 200],
  ["20 MiB", 20 * KiB * KiB, 16],
];
/** At least the throughput of the peer. */
const target = { ratio: 1 };

using site = new Fixture();
for (const [name, size] of cases) site.write(`${name}.txt`, new Uint8Array(size).fill(32));

const started = (module: string, args: string[]) =>
  new RunningModule(new URL(module, import.meta.url), { args: [...args, site.path], timeout: 600_000 });
await using ours = started("../../examples/http_static.ts", [
  "--port=0",
  ...(isSupported() ? [] : ["--unprotected"]),
]);
await using theirs = started("./http/deno.ts", []);
const portOf = async (server: RunningModule) => Number((await server.said(/port (\d+), .*\n/))[1]);
const ports = { ours: await portOf(ours), theirs: await portOf(theirs) };

for (const [name, , requests] of cases) {
  const samples: Record<keyof typeof ports, number[]> = { ours: [], theirs: [] };
  for (let round = -2; round < rounds; round++) {
    for (const who of ["ours", "theirs"] as const) {
      const took = await ask(ports[who], `/${encodeURIComponent(name)}.txt`, requests, connections);
      if (round >= 0) samples[who].push(took / requests * 1000);
    }
  }
  const [mine, other] = [median(samples.ours), median(samples.theirs)];
  report(`http_static.ts, a request for ${name}`, mine, "a server over Deno.open", other, "us", target);
}
