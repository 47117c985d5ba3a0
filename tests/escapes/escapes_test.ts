import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../compat/broker/mod.ts";
import { Dir } from "../../mod.ts";
import { runModule } from "../_child.ts";
import { methodOf, uses } from "../compat/fs/_attack_calls.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import type { Report, Task } from "./_child.ts";

const isPlain = !Deno.env.has("CAPSICUM_TEST_OPENAT2");
/** One kernel of each kind tries all: the functions over a `Dir` call nothing that differs between releases. */
const isWhole = isPlain && (kernel.major >= 15 || !kernel.hasCapsicum);

async function tried(parts: Task["parts"], isMountRoot: boolean): Promise<Report> {
  using fixture = new Fixture({ inside: {} });
  fixture.giveAway();
  const task: Task = { above: fixture.path, isMountRoot, parts };
  const { code, stdout, stderr } = await runModule(new URL("_child.ts", import.meta.url), {
    args: [JSON.stringify(task)],
    env: isMountRoot ? { STANDIN_MOUNT_ROOTS: fixture.at("inside") } : {},
    timeout: 300_000,
  });
  assertEquals([code, stderr], [0, ""], stdout);
  return JSON.parse(stdout);
}

test("the table of escapes has every method of Dir, and every method of Broker that takes a path", () => {
  const methods = Object.getOwnPropertyNames(Dir.prototype).filter((name) =>
    name !== "constructor" && name !== "confined"
  );
  const names = [...new Set(methods.map((name) => name.replace(/Sync$/, "")))];
  assertEquals(names.filter((name) => !uses.map(methodOf).includes(name)), []);
  const calls = Object.getOwnPropertyNames(Broker.prototype).filter((name) => name !== "constructor");
  assertEquals(calls.sort(), ["close", "connect", "limit", "listen", "open", "resolveDns"]);
});

test("no path leads out of a Dir, a broker's directory or a mount of ambient(), by any operation; without them it does", async () => {
  const parts: Task["parts"] = isWhole
    ? ["broker", "ambient", ...kernel.hasCapsicum ? [] : ["control"] as const]
    : [];
  const { findings, counts, confined } = await tried(parts, false);
  assertEquals(findings, []);
  assertEquals(confined, isPlain);
  assert(counts.dir > 4000, `${counts.dir} of Dir`);
  if (!isWhole) return;
  assert(
    counts.broker > 500 && counts.ambient > 5000,
    `${counts.broker} of the broker, ${counts.ambient} of ambient()`,
  );
  if (!kernel.hasCapsicum) assert(counts.control > 900, `${counts.control} controls`);
});

test("no path leads out of a Dir at the root of a mount, by any operation", async () => {
  const { findings, noMount, counts } = await tried([], true);
  if (noMount !== undefined) console.log(`skipped: the root of a mount: ${noMount}`);
  assertEquals(findings, []);
  assert(counts.dir > 2000, `${counts.dir}`);
}, { skip: !isPlain && "where the library resolves paths itself, it does not matter what is mounted" });
