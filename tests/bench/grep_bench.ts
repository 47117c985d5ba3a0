/**
 * examples/grep.ts beside GNU grep, both from start to end, with a word in a few of 10,000 files.
 *
 * @module
 */
import { isSupported } from "../../mod.ts";
import { Fixture } from "../_fixture.ts";
import { isQuick, median, report } from "./_bench.ts";

const rounds = isQuick ? 1 : 5,
  words = ["sandbox", "kernel", "a", "directory", "of", "rights", "the", "descriptor"];

using fixture = new Fixture();
for (let dir = 0; dir < 100; dir++) {
  const line = (i: number) => words.map((_, at) => words[(at * i + dir) % words.length]).join(" ");
  const text = Array.from({ length: 200 }, (_, i) => line(i)).join("\n");
  const files = Array.from({ length: 100 }, (_, i) => [`f${i}`, i === 7 ? `${text}\na needle\n` : text]);
  fixture.add({ [`d${dir}`]: Object.fromEntries(files) });
}

const tool = new URL("../../examples/grep.ts", import.meta.url).href;
const flags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? '["--no-lock"]');
const commands = {
  ours: [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    ...flags,
    tool,
    ...(isSupported() ? [] : ["--unprotected"]),
  ],
  gnu: ["grep", "-rn"],
};
const samples: Record<keyof typeof commands, number[]> = { ours: [], gnu: [] };
for (let round = -1; round < rounds; round++) {
  for (const who of ["ours", "gnu"] as const) {
    const [command, ...args] = commands[who], start = performance.now();
    const { stdout } = await new Deno.Command(command!, { args: [...args, "needle", fixture.path] }).output();
    if (round >= 0) samples[who].push(performance.now() - start);
    const lines = new TextDecoder().decode(stdout).split("\n").length - 1;
    if (lines !== 100) throw new Error(`${who} found ${lines} lines, not 100`);
  }
}
const [mine, other] = [median(samples.ours), median(samples.gnu)];
report("grep.ts, a word in 10,000 files", mine, "GNU grep -rn", other, "ms", { ratio: 3 });
