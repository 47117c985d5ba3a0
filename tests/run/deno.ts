/** The directory of deno.json, where every command runs. */
export const root: URL = new URL("../../", import.meta.url);

export interface RunOptions {
  env?: Record<string, string>;
  /** Gets what the child writes to its standard output, beside the output itself. */
  onOutput?: (text: string) => void;
}

const forwarded: Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs this very Deno with its output passed through, and gives its exit code: 128 + n where signal n ended it.
 *
 * Where this process is told to end, both do.
 */
export async function runDeno(args: string[], { env = {}, onOutput }: RunOptions = {}): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: root,
    stdout: onOutput ? "piped" : "inherit",
    stderr: "inherit",
  }).spawn();
  let interrupted = false;
  const handlers = forwarded.map((signal) => {
    const handler = () => {
      interrupted = true;
      tryKill(child, signal);
    };
    return [signal, handler] as const;
  });
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  try {
    if (onOutput) {
      const decoder = new TextDecoder();
      for await (const chunk of child.stdout) {
        for (let at = 0; at < chunk.length;) at += Deno.stdout.writeSync(chunk.subarray(at));
        onOutput(decoder.decode(chunk, { stream: true }));
      }
    }
    const { code } = await child.status;
    if (interrupted) Deno.exit(code);
    return code;
  } finally {
    for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
  }
}

function tryKill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It ended in the meantime, perhaps by the same signal from the terminal.
  }
}
