/**
 * What becomes of Deno itself when its own descriptors are limited.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const skip = kernel.simulated
  ? "the stand-in does not see Deno's own calls: Linux is asked, once"
  : Deno.build.os === "linux" && Deno.build.arch !== "x86_64" && "the filter knows the calls of x86_64";

/** Limits the standard streams as `limitStdio()`, all else as `limitOthers()`, and enters. */
const prelude = (kernel.hasCapsicum
  ? `import { enter, limitOthers, limitStdio } from "ROOT/mod.ts";
     limitStdio();
     limitOthers();
     enter();`
  : `import { openDescriptors, presets } from "ROOT/mod.ts";
     import { refuse } from "ROOT/tests/_capmode_filter.ts";
     import { leave } from "ROOT/tests/_rights_filter.ts";
     const files = openDescriptors().filter(({ fd, kind }) => fd > 2 && kind === "file").map(({ fd }) => fd);
     if (files.length === 0) throw new Error("Deno has no file open");
     const TCGETS = 0x5401, TIOCGWINSZ = 0x5413;
     leave([0], presets.stream.stdin, [TCGETS, TIOCGWINSZ]);
     leave([1, 2], presets.stream.stdout, [TCGETS, TIOCGWINSZ]);
     leave(files, ["FLOCK"]);
     refuse();`).replaceAll("ROOT/", new URL("../../../", import.meta.url).href);

async function run(code: string): Promise<{ code: number; stdout: string; stderr: string }> {
  using fixture = new Fixture({ "main.ts": `${prelude}\n${code}` });
  const { stdout, stderr, ...end } = await runModule(fixture.at("main.ts"), { stdin: "one\ntwo\n" });
  return { code: end.code, stdout, stderr };
}

// Deno asks its caches for each module, for its code, and when it ends.
test("Deno goes on, and ends, where its caches have no right but to be locked", async () => {
  const result = await run(`
    await new Promise((resolve) => setTimeout(resolve, 10));
    const { default: five } = await import("data:text/javascript,export default 5");
    const { default: six } = await import("data:application/typescript,export default 6 as number");
    const worker = new Worker("data:text/javascript,postMessage(7)", { type: "module" });
    const seven = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.terminate();
    console.log(five, six, seven);`);
  assertEquals(result, { code: 0, stdout: "5 6 7\n", stderr: "" });
}, { skip });

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
}, { skip });
