/**
 * Tests that a tool works when Deno's own calls are refused too. The stand-in does not see these calls, not even those on
 * Deno's internal descriptors.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { libcPath, runModule, RunningModule } from "../_child.ts";
import { reasonToSkip } from "../_confine.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { moduleOf, unprotected } from "./_example.ts";

const skip = reasonToSkip || kernel.hasCapsicum && "FreeBSD itself confines them in all other tests";

/** A module that confines the process at the first call of a given Deno method, which the tool calls after `sandbox()`. */
function confiningAt(fixture: Fixture, place: string, method: string): string {
  fixture.write(
    "confining.ts",
    `import { confine } from ${JSON.stringify(new URL("../_confine.ts", import.meta.url).href)};
     const { ${method}: real } = ${place};
     let isConfined = false;
     Object.defineProperty(${place}, "${method}", { value(...args: unknown[]) {
       if (!isConfined) {
         confine();
         console.error("confined");
       }
       isConfined = true;
       return (real as (...args: unknown[]) => unknown).apply(this, args);
     } });`,
  );
  return `--preload=${fixture.at("confining.ts")}`;
}

test("http_static.ts serves, and exits, when Deno's own calls are confined", async () => {
  using fixture = new Fixture({ site: { "a.txt": "small", large: "" } });
  fixture.resize("site/large", 3_000_000);
  await using server = new RunningModule(moduleOf("http_static"), {
    flags: [confiningAt(fixture, "Deno", "addSignalListener")],
    args: [...unprotected, "--port=0", fixture.at("site")],
  });
  await server.said(/^confined\n/m);
  const [, port] = await server.said(/serving at 127\.0\.0\.1 port (\d+), /);
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`, init);
    return [response.status, (await response.arrayBuffer()).byteLength];
  };
  for (let round = 0; round < 3; round++) {
    assertEquals(await get("a.txt"), [200, 5]);
    assertEquals(await get("large", { headers: { range: "bytes=1-100000" } }), [206, 100_000]);
    assertEquals(
      await Promise.all(Array.from({ length: 20 }, () => get("large"))),
      Array(20).fill([200, 3e6]),
    );
    assertEquals((await get("missing"))[0], 404);
    assertEquals((await get(""))[0], 200);
  }
  const { code, signal, stderr } = await server.stop();
  assertEquals([code, signal], [0, null], stderr);
}, { skip });

test("plugin_host.ts gets answers from a plug-in when its Deno's calls are confined", async () => {
  using fixture = new Fixture({
    "plugin.ts": `console.log("loading");
      export default async (input: number): Promise<number> => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (input < 0) throw new RangeError("too small");
        return input + 1;
      };`,
  });
  const preload = confiningAt(fixture, "Deno.permissions", "revoke");
  const { code, stdout } = await runModule(moduleOf("plugin_host"), {
    args: [...unprotected, `--libc=${libcPath}`, `--deno=${preload}`, fixture.at("plugin.ts")],
    stdin: "41\n-1\n1\n",
  });
  assertEquals(
    [code, stdout],
    [1, '{"result":42}\n{"error":"RangeError: too small"}\n{"result":2}\n'],
  );
}, { skip });
