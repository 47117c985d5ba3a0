/** The directory of deno.json, where every command runs. */
export const root: URL = new URL("../../", import.meta.url);

export interface RunOptions {
  env?: Record<string, string>;
  /** Receives the child's standard output and error, instead of this process's streams. */
  onOutput?: (text: string, stream: "stdout" | "stderr") => void;
  /** Called when the child has ended, also if this process was asked to end. */
  onEnd?: (code: number) => void;
}

const forwarded: Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs this very Deno, with its output passed through unless `onOutput` takes it, and gives its exit code: 128 + n where signal n ended it.
 *
 * If this process is asked to end, both end.
 */
export async function runDeno(
  args: string[],
  { env = {}, onOutput, onEnd }: RunOptions = {},
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: root,
    stdout: onOutput ? "piped" : "inherit",
    stderr: onOutput ? "piped" : "inherit",
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
      await Promise.all((["stdout", "stderr"] as const).map(async (name) => {
        for await (const text of child[name].pipeThrough(new TextDecoderStream())) onOutput(text, name);
      }));
    }
    const { code } = await child.status;
    onEnd?.(code);
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
