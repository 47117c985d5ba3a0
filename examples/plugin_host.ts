/**
 * Runs a module that nobody trusts, and talks to it over a pipe.
 *
 * deno run --allow-read --allow-run examples/plugin_host.ts PLUGIN < INPUT
 *
 * The module runs in a Deno of its own, in a Worker, and gets there only when that Deno has said that it is in
 * capability mode and has given up its permission to call libc, the only one that it had.
 */
import { sandbox } from "../mod.ts";
import { Tool } from "./_tool.ts";

const help =
  `usage: plugin_host.ts [--time=MS] [--memory=MB] [--libc=PATH] [--deno=FLAG] [--unprotected] PLUGIN < INPUT

Calls the default export of the module PLUGIN, JavaScript or TypeScript in one file, with each line of INPUT, which
is JSON, and prints what it gives as a line {"result": ...}, or {"error": ...} for what it throws.
--time: milliseconds that it has for a call, by default 5000.  --memory: what its Deno may take, by default 512 MB.
--libc, --deno: the C library that the sandbox is made with, and a further flag for that Deno.  --unprotected: run it by Deno's permissions alone where there is no Capsicum.
On Linux: deno run --allow-read --allow-run examples/plugin_host.ts --unprotected \\
  --libc=/lib/x86_64-linux-gnu/libc.so.6 PLUGIN < INPUT
The code is 1 where a call threw, or the plug-in was stopped for its time, its memory or what it wrote.`;

/** Characters of the longest line that is taken from a plug-in, and bytes of the longest module. */
const longest = 1 << 20;

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > longest) throw new Error("a line has no end");
  }
  if (rest !== "") yield rest;
}

/** What the Worker runs: it gets the address of the plug-in first, and then what to call it with. */
const starter = `onmessage = async ({ data: address }) => {
  console.log = console.info = console.debug = console.error;
  const { default: plugin } = await import(address);
  if (typeof plugin !== "function") throw new TypeError("Its default export is no function.");
  onmessage = async ({ data }) => {
    try {
      postMessage(JSON.stringify({ result: await plugin(data) ?? null }));
    } catch (error) {
      postMessage(JSON.stringify({ error: String(error) }));
    }
  };
  postMessage(JSON.stringify({ isLoaded: true }));
};`;

/** The Deno of the plug-in, whose standard input gives the module first, and then what to call it with. */
async function runPlugin(libc: string): Promise<never> {
  const say = (line: string) => {
    const bytes = new TextEncoder().encode(`${line}\n`);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  };
  const { sandboxed } = sandbox({ stdio: true, limitOthers: true, enforce: "if-supported" });
  const names = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;
  for (const name of names) await Deno.permissions.revoke({ name });
  const asked = [...names.map((name) => ({ name })), { name: "ffi", path: libc } as const];
  for (const permission of asked) {
    const { state, partial } = await Deno.permissions.query(permission);
    if (state === "granted" || partial) throw new Error(`it keeps ${Deno.inspect(permission)}`);
  }
  say(JSON.stringify({ isReady: true, sandboxed }));

  const worker = new Worker(`data:text/javascript,${encodeURIComponent(starter)}`, { type: "module" });
  worker.onmessage = ({ data }) => say(String(data).replaceAll("\n", " "));
  worker.onerror = (event) => {
    event.preventDefault();
    say(JSON.stringify({ failure: event.message }));
  };
  for await (const line of linesOf(Deno.stdin.readable)) worker.postMessage(JSON.parse(line));
  Deno.exit();
}

const tool: Tool<"time" | "memory" | "libc" | "deno" | "child"> = new Tool(help, {
  time: "5000",
  memory: "512",
  libc: "/lib/libc.so.7",
  deno: "",
  child: "",
});
const { time, memory, libc, deno, child: childOf } = tool.options;
if (childOf !== "") {
  await runPlugin(childOf).catch(({ message }) => console.log(JSON.stringify({ failure: message })));
  Deno.exit(1);
}

const path = tool.operands[0]!;
if (tool.operands.length !== 1) tool.misused("name one plug-in");
if (Number(memory) < 64 || Number(time) < 1) tool.misused("it needs 1 ms and 64 MB at least");
const source = await Deno.readTextFile(path).catch((error) => tool.fail(error.message, 1));
if (source.length > longest) tool.fail(`${path} has more than ${longest} characters.`, 1);
// All of the module's text is in its address, by which Deno's errors name it.
const kind = /\.m?ts$/.test(path) ? "typescript" : "javascript";
const url = `data:application/${kind},${encodeURIComponent(source)}`;
const command = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    ...["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm"],
    ...[`--allow-ffi=${libc}`, `--v8-flags=--max-old-space-size=${memory}`],
    ...(deno === "" ? [] : deno.split(" ")),
    ...[import.meta.filename!, `--child=${libc}`],
  ],
  stdin: "piped",
  stdout: "piped",
  stderr: "null",
});
const child = ((): Deno.ChildProcess => {
  try {
    return command.spawn();
  } catch (error) {
    tool.fail((error as Error).message, 1);
  }
})();

/** Ends both. */
function stop(why: string): never {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
  tool.fail(why, 1);
}

const writer = child.stdin.getWriter(), answers = linesOf(child.stdout);
const send = (value: unknown) =>
  writer.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`)).catch(() => {});

/** Its next answer. */
async function answer(): Promise<Record<string, unknown>> {
  const timer = setTimeout(() => stop(`the plug-in took more than ${time} ms.`), Number(time));
  try {
    const { value, done } = await answers.next();
    if (done) {
      stop(
        `the plug-in's Deno ended, by ${await child.status.then(({ signal, code }) =>
          signal ?? `code ${code}`
        )}.`,
      );
    }
    const answer = JSON.parse(value);
    if (typeof answer !== "object" || answer === null) throw new Error("it is no object");
    const failure = String(answer.failure).replaceAll(url, path);
    if ("failure" in answer) stop(`the plug-in does not run: ${JSON.stringify(failure)}`);
    return answer;
  } catch (error) {
    stop(`the plug-in's answer is none: ${(error as Error).message}.`);
  } finally {
    clearTimeout(timer);
  }
}

/** V8 bounds its own heap only; what else there is, as of ArrayBuffers, is asked for again and again. */
async function watch(): Promise<void> {
  const ps = new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(child.pid)] });
  const tell = async () => parseInt(new TextDecoder().decode((await ps.output()).stdout));
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  for (;; await pause(50)) {
    const size = await tell().catch(() => NaN);
    if (size > Number(memory) * 1024) stop(`the plug-in took more than ${memory} MB.`);
    if (size >= 0) continue;
    // It has ended, or it runs with nobody to tell.
    await Promise.race([
      child.status,
      pause(1000).then(() => stop("ps does not tell what memory it takes.")),
    ]);
    return;
  }
}

const { isReady, sandboxed } = await answer();
if (isReady !== true) stop("the plug-in's Deno did not start.");
if (!sandboxed && !tool.isUnprotected) {
  child.kill("SIGKILL");
  tool.refuse(1);
}
if (!sandboxed) tool.warn();
watch();
send(url);
await answer();
let thrown = 0;
for await (const line of linesOf(Deno.stdin.readable)) {
  if (line === "") continue;
  try {
    send(JSON.parse(line));
  } catch {
    stop(`this is no JSON: ${JSON.stringify(line.slice(0, 100))}.`);
  }
  const got = await answer();
  if ("error" in got) thrown++;
  const shown = JSON.stringify("error" in got ? { error: got.error } : { result: got.result });
  console.log(shown.replace(/[\x7f-\x9f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`));
}
child.kill("SIGKILL");
Deno.exit(thrown > 0 ? 1 : 0);
