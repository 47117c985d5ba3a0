/**
 * Starts every child process of the suite.
 *
 * `CAPSICUM_TEST_FLAGS` (a JSON array) holds the flags that a child needs to reach the same kernel and the same
 * packages as the suite itself, `CAPSICUM_TEST_LIBC` the library that stands for /lib/libc.so.7. The runner sets both.
 *
 * @module
 */
import type * as capsicum from "../mod.ts";

export interface ChildOptions {
  /** Deno's permission flags. */
  permissions?: string[];
  /** Further flags for `deno run`, before the module. */
  flags?: string[];
  args?: string[];
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  cwd?: string;
  /** A command of sh(1) in which "$@" is the child, for its redirections and limits. */
  shell?: string;
  /** Milliseconds until the child is killed and the call fails. */
  timeout?: number;
  /** Of `inChild()`: it ends by `Deno.exit()`, for else Deno violates capability mode when it ends. */
  exits?: boolean;
  /** False: the child gets neither the stand-in nor anything else that the runner set up. */
  kernel?: boolean;
}

export interface ChildResult {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  /** The bytes of the standard output. */
  bytes: Uint8Array;
  stderr: string;
}

/** The functions that sandboxed code gets in addition to the library. */
export interface Tools {
  /** Returns the error that `fn` throws as plain data; `undefined` if it throws nothing. */
  caught(fn: () => unknown): Caught | undefined;
}

export interface Caught {
  name: string;
  class: string;
  message: string;
  code?: string;
  errno?: number;
  syscall?: string;
  path?: string;
  fd?: number;
  held?: string[];
  missing?: string[];
}

/** The path of the library that is used as libc, for `--allow-ffi=`. */
export const libcPath: string = Deno.env.get("CAPSICUM_TEST_LIBC") ?? "/lib/libc.so.7";

const kernelFlags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]");
/** Whether tests/_check.ts checks the calls of this process and its children. */
export const isChecked: boolean = kernelFlags.some((flag) => flag.includes("/tests/_check.ts"));
const library = new URL("../mod.ts", import.meta.url).href;
const resultMark = "\u0001result:";

function command(module: string | URL, options: ChildOptions): Deno.Command {
  const { permissions = ["-A"], flags = [], args = [], kernel = true, shell } = options;
  return new Deno.Command(shell === undefined ? Deno.execPath() : "sh", {
    args: [
      ...(shell === undefined ? [] : ["-c", shell, "sh", Deno.execPath()]),
      "run",
      "--quiet",
      "--no-prompt",
      ...(kernel ? kernelFlags : ["--no-lock"]),
      ...permissions,
      ...flags,
      String(module),
      ...args,
    ],
    env: { NO_COLOR: "1", ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

/** Runs one module in a child Deno and waits for its end. */
export async function runModule(module: string | URL, options: ChildOptions = {}): Promise<ChildResult> {
  const { timeout = 60_000, stdin } = options;
  const child = command(module, options).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeout);
  try {
    // What the child writes is read meanwhile, or neither would get on.
    const output = child.output();
    if (stdin !== undefined) {
      const writer = child.stdin.getWriter();
      const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
      await writer.write(bytes).catch(() => {});
      await writer.close().catch(() => {});
    }
    const { code, signal, stdout, stderr } = await output;
    const decoder = new TextDecoder();
    const result = {
      code,
      signal,
      stdout: decoder.decode(stdout),
      bytes: stdout,
      stderr: decoder.decode(stderr),
    };
    if (timedOut) throw new Error(`child ran longer than ${timeout} ms\n${result.stdout}${result.stderr}`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}

/** A child that runs a module until it is ended, at the latest at the end of the scope. */
export class RunningModule implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #timer: ReturnType<typeof setTimeout>;
  #seen = "";

  constructor(module: string | URL, options: Omit<ChildOptions, "stdin"> = {}) {
    this.#child = command(module, options).spawn();
    this.#lines = this.#child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    this.#timer = setTimeout(() => this.#child.kill("SIGKILL"), options.timeout ?? 60_000);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Reads its standard error until it matches, and returns the match. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#seen);
      if (match) return match;
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`the child ended before it said ${pattern}\n${this.#seen}`);
      this.#seen += value;
    }
  }

  /** Tells it to end and waits for that. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<ChildResult> {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    const stdout = await new Response(this.#child.stdout).text();
    for (let part; !(part = await this.#lines.read()).done;) this.#seen += part.value;
    const { code, signal: by } = await this.#child.status;
    clearTimeout(this.#timer);
    return { code, signal: by, stdout, bytes: new TextEncoder().encode(stdout), stderr: this.#seen };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#child.stdout.locked) await this.stop("SIGKILL");
  }
}

/**
 * Runs `body` in a child process, where it may enter capability mode, and returns its result.
 *
 * The function travels as its source text: it sees its parameters and nothing else. `input` and the result travel as
 * JSON. A child that throws, dies by a signal or exceeds its time fails the test with its output.
 */
export async function inChild<Input, Result>(
  body: (library: typeof capsicum & Tools, input: Input) => Result | Promise<Result>,
  input?: Input,
  options: ChildOptions = {},
): Promise<Result> {
  const source = `
    import * as library from ${JSON.stringify(library)};
    function caught(fn) {
      try { fn(); } catch (error) {
        const { name, message, code, errno, syscall, path, fd } = error;
        return {
          name, message, code, errno, syscall, path, fd, class: error.constructor.name,
          held: error.held?.names(), missing: error.missing?.names(),
        };
      }
    }
    const result = await (${body})({ ...library, caught }, ${JSON.stringify(input) ?? "undefined"});
    console.log(${JSON.stringify(resultMark)} + JSON.stringify(result ?? null));
    ${options.exits ? "Deno.exit();" : ""}`;
  const module = `data:text/javascript,${encodeURIComponent(source)}`;
  const { code, signal, stdout, stderr } = await runModule(module, options);
  const at = stdout.lastIndexOf(resultMark);
  if (code !== 0 || signal !== null || at < 0) {
    throw new Error(`child ended with code ${code}, signal ${signal}\n${stdout}${stderr}`);
  }
  return JSON.parse(stdout.slice(at + resultMark.length));
}

/** The options of a child that sees another operating system. */
export function otherSystem(os: typeof Deno.build.os): Pick<ChildOptions, "flags" | "args"> {
  return { flags: [`--preload=${new URL("_other_system.ts", import.meta.url).href}`], args: [os] };
}

/** What a command of Deno's own prints, as `deno types`. */
export async function denoOutput(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
  return new TextDecoder().decode(stdout);
}

/** Runs a program of the system, and returns its output. */
export function outputOf(program: string, ...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}

/** The resident size of this process in bytes. Deno does not report it on every system. */
export function residentSize(): number {
  const { rss } = Deno.memoryUsage();
  return rss > 0 ? rss : 1024 * Number(outputOf("ps", "-o", "rss=", "-p", `${Deno.pid}`));
}

/** Compiles a library from a source in C. */
export async function compileLibrary(source: URL, target: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.env.get("CC") ?? "cc", {
    args: ["-shared", "-fPIC", "-O1", "-Wall", "-o", target, decodeURIComponent(source.pathname)],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
