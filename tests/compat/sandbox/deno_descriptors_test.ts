/**
 * Tests that Deno itself works when its internal descriptors are limited.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { runModule } from "../../_child.ts";
import { reasonToSkip } from "../../_confine.ts";
import { isOldest, withoutWorkers } from "../../_deno_probes.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

const confine = JSON.stringify(new URL("../../_confine.ts", import.meta.url).href);

async function run(code: string): Promise<{ code: number; stdout: string; stderr: string }> {
  using fixture = new Fixture({
    "main.ts": `import { confine } from ${confine};\nconfine();\n${code}`,
  });
  const { stdout, stderr, ...end } = await runModule(fixture.at("main.ts"), { stdin: "one\ntwo\n" });
  return { code: end.code, stdout, stderr };
}

// Deno uses its caches for each module, for compiled code, and when it exits.
test("Deno continues, and exits, when its caches have only the right to be locked", async () => {
  const result = await run(`
    await new Promise((resolve) => setTimeout(resolve, 10));
    const { default: five } = await import("data:text/javascript,export default 5");
    const { default: six } = await import("data:application/typescript,export default 6 as number");
    console.log(five, six);`);
  assertEquals(result, { code: 0, stdout: "5 6\n", stderr: "" });
}, { skip: reasonToSkip });

test("Deno starts a Worker when its caches have only the right to be locked", async () => {
  const result = await run(`
    const worker = new Worker("data:text/javascript,postMessage(7)", { type: "module" });
    const seven = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.terminate();
    console.log(seven);`);
  assertEquals(result, { code: 0, stdout: "7\n", stderr: "" });
}, { skip: reasonToSkip || isOldest && withoutWorkers });

test("Deno's streams work with the rights that limitStdio() leaves", async () => {
  const result = await run(`
    const bytes = new Uint8Array(2), text = (bytes) => new TextDecoder().decode(bytes);
    const read = [Deno.stdin.readSync(bytes), text(bytes), await Deno.stdin.read(bytes), text(bytes)];
    for await (const rest of Deno.stdin.readable) read.push(text(rest));
    console.log(JSON.stringify(read), Deno.stdout.isTerminal());
    Deno.stdout.writeSync(new TextEncoder().encode("out, "));
    await Deno.stdout.write(new TextEncoder().encode("later\\n"));
    console.error("error");
    await new Response("response\\n").body.pipeTo(Deno.stderr.writable);`);
  assertEquals(result, {
    code: 0,
    stdout: '[2,"on",2,"e\\n","two\\n"] false\nout, later\n',
    stderr: "error\nresponse\n",
  });
}, { skip: reasonToSkip });
