/**
 * What a request to the broker costs: beside a bare round trip of JSON over the same channel, and beside Deno's own call.
 *
 * @module
 */
import { broker } from "../../compat/broker/mod.ts";
import { answerOf } from "../../compat/broker/wire.ts";
import { RawBroker } from "../compat/broker/_broker.ts";
import { Fixture } from "../_fixture.ts";
import { isQuick, median, report } from "./_bench.ts";

/** The median time of each body, by turns, in microseconds. */
async function measureAsync<Name extends string>(
  bodies: Record<Name, () => Promise<unknown>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(bodies) as Name[], rounds = isQuick ? 2 : 60, calls = isQuick ? 20 : 50;
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -rounds / 2; round < rounds; round++) {
    for (const name of names) {
      for (let i = 0; i < calls; i++) {
        const start = performance.now();
        await bodies[name]();
        if (round >= 0) samples[name].push((performance.now() - start) * 1000);
      }
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(samples[name])])) as Record<Name, number>;
}

using fixture = new Fixture({ docs: { f: "x".repeat(1024) } });
const path = fixture.at("docs", "f"), read = [fixture.at("docs")];
using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
void (async () => {
  for await (const connection of listener) connection.close();
})();
const { port } = listener.addr as Deno.NetAddr, connect = [`127.0.0.1:${port}`];
await using net = await broker({ open: { read }, connect });

// The smallest message, which has the wrong form, and its answer. A broker of its own, because a `Broker` sends no such thing.
await using raw = await RawBroker.started({ open: { read }, connect }, Deno.execPath());
const text = new TextEncoder().encode('{"id":1}'), message = new Uint8Array([text.length, 0, 0, 0, ...text]);
async function roundTrip(): Promise<void> {
  await raw.channel.send(message);
  for (const answer of (await raw.channel.receive())!.messages) answerOf(answer);
}

const us = await measureAsync({
  roundTrip,
  open: async () => (await net.open(path)).close(),
  denoOpen: async () => (await Deno.open(path)).close(),
  connect: async () => (await net.connect({ hostname: "127.0.0.1", port })).close(),
  denoConnect: async () => (await Deno.connect({ hostname: "127.0.0.1", port })).close(),
});
report("Broker.open()", us.open, "a round trip of JSON", us.roundTrip, "us", { ratio: 3 });
report("Broker.open()", us.open, "Deno.open()", us.denoOpen, "us");
report("Broker.connect() to loopback", us.connect, "Deno.connect()", us.denoConnect, "us", { more: 1000 });
