/**
 * Runs an untrusted module, and communicates with it over a pipe.
 *
 * deno run --allow-read --allow-run examples/plugin_host.ts PLUGIN < INPUT
 *
 * The module runs in a Worker of a separate Deno process. It is sent there only after that process has reported that it
 * is in capability mode and has revoked its only permission, the one to call libc.
 */
import { linesOf, longest, longestAnswer, printLine, textOf } from "./_plugin_lines.ts";
import { Tool } from "./_tool.ts";

const help =
  `usage: plugin_host.ts [--time=MS] [--memory=MB] [--libc=PATH] [--deno=FLAG] [--unprotected] PLUGIN < INPUT

Calls the default export of the module PLUGIN, one JavaScript or TypeScript file, with each line of INPUT. A line is
JSON of at most ${longest} bytes. Blank lines are skipped. For each other line, prints {"result": ...}, or
{"error": ...} if the plug-in throws, its result is not valid JSON, or the line is not JSON, not UTF-8 or too long.
--time: the time limit for a call in milliseconds, by default 5000. Loading the plug-in may take 5000 ms longer.
--memory: the memory limit of the plug-in's Deno process in MB, by default 512.
--libc, --deno: the path of the C library that the sandbox uses, and a further flag for the plug-in's Deno process.
--unprotected: rely on Deno's permissions alone if the system has no sandbox.
On Linux: deno run --allow-read --allow-run examples/plugin_host.ts PLUGIN < INPUT
The exit code is 0 if each line has a result, 1 if a line has an error or the plug-in was stopped, and 2 if the
arguments are wrong. A plug-in is stopped if it exceeds a limit, writes an invalid answer, or fails outside of a call.`;

const tool: Tool<"time" | "memory" | "libc" | "deno"> = new Tool(help, {
  time: "5000",
  memory: "512",
  libc: Deno.build.os === "linux" ? `/lib/${Deno.build.arch}-linux-gnu/libc.so.6` : "/lib/libc.so.7",
  deno: "",
});
/** Milliseconds. A timer has 31 bits, and a longer one would fire at once. */
const longestTime = 2_000_000_000;
const { time, memory, libc, deno } = tool.options, path = tool.operands[0]!;
if (tool.operands.length !== 1) tool.misused("name one plug-in");
if (Number(memory) < 64 || Number(time) < 1) {
  tool.misused("--time must be at least 1, and --memory at least 64");
}
if (Number(time) > longestTime) tool.misused(`--time is at most ${longestTime}`);
/** Milliseconds that the plug-in's Deno process may take to start on a busy machine, and to compile a plug-in. */
const startTime = 120_000, compileTime = 5000;

const source = await readModule().catch((error) => tool.fail(error.message, 1));
if (source.length > longest) tool.fail(`${path} has more than ${longest} characters.`, 1);

/** Returns the source of the plug-in, or its start if it is too long. */
async function readModule(): Promise<string> {
  const { isFile } = await Deno.stat(path);
  // A FIFO might have no writer, and a device might have no end.
  if (!isFile) throw new Error(`${path} is not a file.`);
  using file = await Deno.open(path);
  const bytes = new Uint8Array(3 * longest + 1);
  let size = 0;
  for (let count; (count = await file.read(bytes.subarray(size)));) size += count;
  return new TextDecoder().decode(bytes.subarray(0, size));
}
// A data: URL needs no read permission. Deno's errors name the module by this URL.
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

/** Ends the plug-in's process and this one. */
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
/** Sends a line. A write error is ignored: if the child has ended, `answer()` reports it. */
const send = (line: string) => void writer.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});

/** Returns the next answer of the plug-in or its Deno process. */
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
    if (typeof answer !== "object" || answer === null) throw new Error("it is not an object");
    if ("failure" in answer) {
      const failure = String(answer.failure).replaceAll(url, path).slice(0, 1000);
      stop(`the plug-in does not run: ${JSON.stringify(failure)}`);
    }
    return answer;
  } catch (error) {
    stop(`the plug-in's answer is not valid: ${(error as Error).message}.`);
  } finally {
    clearTimeout(timer);
  }
}

/** Polls the resident size of the child: V8 limits only its own heap, not other memory such as ArrayBuffers. */
async function watch(): Promise<void> {
  const ps = new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(child.pid)] });
  const tell = async () => parseInt(new TextDecoder().decode((await ps.output()).stdout));
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  for (;; await pause(50)) {
    const size = await tell().catch(() => NaN);
    if (size > Number(memory) * 1024) stop(`the plug-in took more than ${memory} MB.`);
    if (size >= 0) continue;
    // Either the child has ended, or ps failed.
    await Promise.race([
      child.status,
      pause(1000).then(() => stop("ps does not report how much memory the plug-in takes.")),
    ]);
    return;
  }
}

/** Prints a result or an error, with control characters escaped. */
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

/** Returns what is wrong with an input line, or undefined if it is valid. */
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
    if (result === undefined && typeof error !== "string") {
      stop("the plug-in's answer is not valid: no result.");
    }
    if (result === undefined) failed++;
    print(result === undefined ? { error: String(error) } : { result });
  }
} catch (error) {
  stop(`standard input can't be read: ${(error as Error).message}.`);
}
end(failed > 0 ? 1 : 0);
