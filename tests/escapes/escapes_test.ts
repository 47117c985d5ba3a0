import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../compat/broker/mod.ts";
import { Dir } from "../../mod.ts";
import { runModule } from "../_child.ts";
import { kernelDeno } from "../compat/broker/_broker.ts";
import { methodOf, uses } from "../compat/fs/_attack_calls.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { needsMounts } from "../_mounts.ts";
import { test } from "../_test.ts";
import type { Report, Task } from "./_child.ts";

const isPlain = !Deno.env.has("CAPSICUM_TEST_OPENAT2");
/** One kernel of each kind is enough: the functions on a `Dir` make no calls that differ between releases. */
const isWhole = isPlain && (kernel.major >= 15 || !kernel.hasCapsicum);

async function tried(parts: Task["parts"], isMountRoot: boolean): Promise<Report> {
  using fixture = new Fixture({ inside: {} });
  const deno = kernelDeno(fixture, "_nobody_child.ts");
  fixture.giveAway();
  // On Linux, the child mounts a file system of its own.
  if (isMountRoot && kernel.hasCapsicum) fixture.mount("inside");
  const task: Task = { above: fixture.path, isMountRoot, parts, deno };
  const { code, stdout, stderr } = await runModule(new URL("_child.ts", import.meta.url), {
    args: [JSON.stringify(task)],
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

test("no path leaves a Dir, a broker's directory or a mount of ambient(), by any operation; Deno's own functions do", async () => {
  // Deno's own functions, the controls, do not use the stand-in.
  const controls: Task["parts"] = kernel.hasCapsicum ? [] : ["control"];
  const parts: Task["parts"] = isWhole ? ["broker", "ambient", ...controls] : [];
  const { findings, counts, confined } = await tried(parts, false);
  assertEquals(findings, []);
  assertEquals(confined, isPlain);
  assert(counts.dir > 3000, `${counts.dir} of Dir`);
  if (!isWhole) return;
  assert(counts.broker > 300 && counts.ambient > 4000, Deno.inspect(counts));
  if (controls.length > 0) assert(counts.control > 800, Deno.inspect(counts));
});

test("no path leaves a Dir at the root of a mount, by any operation", async () => {
  const { findings, noMount, counts, confined } = await tried([], true);
  if (noMount !== undefined) console.log(`skipped: the root of a mount: ${noMount}`);
  assertEquals(findings, []);
  assertEquals(confined, !kernel.hasCapsicum);
  assert(counts.dir > 1500, `${counts.dir}`);
}, {
  skip: kernel.hasCapsicum && needsMounts() || !isWhole &&
      "needs FreeBSD 15, or the stand-in for 15.1: before 15 the kernel confines it as any other directory",
});
