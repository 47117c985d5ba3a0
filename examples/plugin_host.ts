/**
 * Runs a module that nobody trusts, and talks to it over a pipe.
 *
 * deno run --allow-read --allow-run examples/plugin_host.ts PLUGIN < INPUT
 *
 * The module runs in a Deno of its own, in a Worker, and gets there only when that Deno has said that it is in
 * capability mode and has given up its permission to call libc, the only one that it had.
 */
import { linesOf, longest, longestAnswer, printLine, textOf } from "./_plugin_lines.ts";
import { Tool } from "./_tool.ts";

const help =
  `usage: plugin_host.ts [--time=MS] [--memory=MB] [--libc=PATH] [--deno=FLAG] [--unprotected] PLUGIN < INPUT

Calls the default export of the module PLUGIN, JavaScript or TypeScript in one file, with each line of INPUT, which
is JSON of at most ${longest} bytes, and prints a line for each: {"result": ...}, or {"error": ...} for what it throws,
for a result that JSON does not have, and for a line that is not JSON, is too long or is not UTF-8. Blank lines are
skipped.
--time: milliseconds that it has for a call, by default 5000, and that and 5000 more to be loaded.
--memory: what its Deno may take, by default 512 MB.
--libc, --deno: the C library that the sandbox is made with, and a further flag for that Deno.
--unprotected: run it by Deno's permissions alone where there is no Capsicum.
On Linux: deno run --allow-read --allow-run examples/plugin_host.ts --unprotected \\
  --libc=/lib/x86_64-linux-gnu/libc.so.6 PLUGIN < INPUT
The code is 0 if each line has a result, 1 if one has an error or the plug-in was stopped, for its time, its memory,
what it wrote or an error outside of a call, and 2 if the arguments are wrong.`;

const tool: Tool<"time" | "memory" | "libc" | "deno"> = new Tool(help, {
  time: "5000",
  memory: "512",
  libc: "/lib/libc.so.7",
  deno: "",
});
/** Milliseconds, below the 31 bits that a timer has: a longer one would end at once. */
const longestTime = 2_000_000_000;
const { time, memory, libc, deno } = tool.options, path = tool.operands[0]!;
if (tool.operands.length !== 1) tool.misused("name one plug-in");
if (Number(memory) < 64 || Number(time) < 1) tool.misused("it needs 1 ms and 64 MB at least");
if (Number(time) > longestTime) tool.misused(`--time is at most ${longestTime}`);
/** Milliseconds until that Deno has started, on a machine that is busy, and those to compile a plug-in. */
const startTime = 120_000, compileTime = 5000;

const source = await readModule().catch((error) => tool.fail(error.message, 1));
if (source.length > longest) tool.fail(`${path} has more than ${longest} characters.`, 1);

/** The text of the plug-in, or the start of one that is too long. */
async function readModule(): Promise<string> {
  const { isFile } = await Deno.stat(path);
  // A FIFO could have no writer, and a device no end.
  if (!isFile) throw new Error(`${path} is not a file.`);
  using file = await Deno.open(path);
  const bytes = new Uint8Array(3 * longest + 1);
  let size = 0;
  for (let count; (count = await file.read(bytes.subarray(size)));) size += count;
  return new TextDecoder().decode(bytes.subarray(0, size));
}
// All of the module's text is in its address, by which Deno's errors name it.
const kind = /\.m?ts$/.test(path) ? "typescript" : "javascript";
const url = `data:application/${kind},${encodeURIComponent(source)}`;
const command = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    ...["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm"],
    ...[`--allow-ffi=${libc}`, `--v8-flags=--max-old-space-size=${memory}`],
    ...(deno === "" ? [] : deno.split(" ")),
    ...[new URL("_plugin_child.ts", import.meta.url).href, libc],
  ],
  env: { NO_COLOR: "1" }, // Its errors have no escape sequences.
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
function end(code: number): never {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
  Deno.exit(code);
}

function stop(why: string): never {
  tool.say(why);
  end(1);
}

const writer = child.stdin.getWriter(), answers = linesOf(child.stdout, longestAnswer);
/** Sends a line. If the child has ended, its missing answer shows that. */
const send = (line: string) => void writer.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});

/** The next answer of the plug-in or of its Deno. */
async function answer(limit: number, what: string): Promise<Record<string, unknown>> {
  const timer = setTimeout(() => stop(`the plug-in took more than ${limit} ms${what}.`), limit);
  try {
    const { value: line, done } = await answers.next();
    if (done) {
      const { signal, code } = await child.status;
      stop(`the plug-in's Deno ended, by ${signal ?? `code ${code}`}.`);
    }
    if (line === undefined) throw new Error("a line has no end");
    const answer = JSON.parse(new TextDecoder().decode(line));
    if (typeof answer !== "object" || answer === null) throw new Error("it is no object");
    if ("failure" in answer) {
      const failure = String(answer.failure).replaceAll(url, path).slice(0, 1000);
      stop(`the plug-in does not run: ${JSON.stringify(failure)}`);
    }
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
    // It has ended, or it runs and ps fails.
    await Promise.race([
      child.status,
      pause(1000).then(() => stop("ps does not tell what memory it takes.")),
    ]);
    return;
  }
}

/** Prints a result or an error, with what a terminal would act on as escapes. */
function print(value: { result: unknown } | { error: string }): void {
  try {
    printLine(
      JSON.stringify(value).replace(/[\x7f-\x9f]/g, (sign) => {
        return `\\u00${sign.charCodeAt(0).toString(16)}`;
      }),
    );
  } catch (error) {
    stop(`the line can't be printed: ${(error as Error).message}.`);
  }
}

/** What is wrong with a line of the input. */
function complaintAbout(line: Uint8Array | undefined): string | undefined {
  if (line === undefined) return `has more than ${longest} bytes`;
  const text = textOf(line);
  if (text === undefined) return "is not UTF-8";
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return `is not JSON: ${JSON.stringify(text.slice(0, 100))}`;
  }
}

const { sandboxed } = await answer(startTime, " to start");
if (sandboxed !== true && !tool.isUnprotected) {
  child.kill("SIGKILL");
  tool.refuse(1);
}
if (sandboxed !== true) tool.warn();
watch();
await answer(startTime, " to start");
send(url);
await answer(compileTime + Number(time), " to be loaded");
let number = 0, failed = 0;
try {
  for await (const line of linesOf(Deno.stdin.readable, longest)) {
    number++;
    if (line?.every((byte) => [0x09, 0x0d, 0x20].includes(byte))) continue;
    const complaint = complaintAbout(line);
    if (complaint !== undefined) {
      failed++;
      tool.say(`line ${number} ${complaint}.`);
      print({ error: `the line ${complaint}` });
      continue;
    }
    send(textOf(line!)!);
    const { result, error } = await answer(Number(time), "");
    if (result === undefined && typeof error !== "string") stop("the plug-in's answer is none: no result.");
    if (result === undefined) failed++;
    print(result === undefined ? { error: String(error) } : { result });
  }
} catch (error) {
  stop(`standard input can't be read: ${(error as Error).message}.`);
}
end(failed > 0 ? 1 : 0);
