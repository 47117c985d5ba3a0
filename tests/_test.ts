/**
 * Every test of the suite is registered here, so that each is held to leave no descriptor open.
 *
 * @module
 */
import { needsCapsicum, openDescriptors } from "./_kernel.ts";

export interface TestOptions {
  /** Why the test can't run here. It is printed, and the test counts as skipped. */
  skip?: string | false | undefined;
}

const log = Deno.env.get("CAPSICUM_TEST_LOG");

/** A line for the runner: a test with its file, and why it is skipped; or only its name when it begins and ends. */
function note(entry: { name: string; file?: string; skip?: string; ended?: true }): void {
  if (log !== undefined) {
    Deno.writeTextFileSync(log, `${JSON.stringify({ ...entry, cpu: cpuSeconds() })}\n`, { append: true });
  } else if (entry.skip !== undefined) console.log(`skipped: ${entry.name}: ${entry.skip}`);
}

/** The processor time of this process and of its children that have ended; undefined where there is no Linux to ask. */
function cpuSeconds(): number | undefined {
  try {
    const stat = Deno.readTextFileSync("/proc/self/stat");
    // proc_pid_stat(5): utime, stime, cutime and cstime, in ticks of 10 ms.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 15);
    return ticks.reduce((sum, count) => sum + Number(count), 0) / 100;
  } catch {
    return undefined;
  }
}

// Deno's first child opens descriptors that it keeps for the next ones.
await new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" }).output();

/** The file whose tests are registered at present. */
let file = Deno.mainModule;

/** Registers the tests of a file, or one test that fails if the file can't be loaded. */
export async function registerFile(url: string): Promise<void> {
  file = url;
  try {
    await import(url);
  } catch (error) {
    test(`${url} is loaded`, () => {
      throw error;
    });
  }
}

/** Registers a test that must end with as many open descriptors as it began. */
export function test(name: string, body: () => void | Promise<void>, options: TestOptions = {}): void {
  note({ name, file, ...(options.skip ? { skip: options.skip } : {}) });
  Deno.test({
    name,
    ignore: Boolean(options.skip),
    // The libraries that are opened lazily stay open; descriptors are counted here, more exactly.
    sanitizeResources: false,
    fn: async () => {
      note({ name });
      const before = openDescriptors();
      try {
        await body();
      } finally {
        note({ name, ended: true });
      }
      const leaked = await settled(before);
      if (leaked.length > 0) throw new Error(`descriptors left open: ${leaked.join(", ")}`);
    },
  });
}

/** Registers a test that needs Capsicum, and is skipped on systems without it. */
test.capsicum = (name: string, body: () => void | Promise<void>): void =>
  test(name, body, { skip: needsCapsicum });

/** The descriptors opened since `before`, once Deno's own threads have closed theirs. */
async function settled(before: number[]): Promise<number[]> {
  for (let tries = 0;; tries++) {
    const now = openDescriptors();
    const leaked = now.length > before.length ? now.filter((fd) => !before.includes(fd)) : [];
    if (leaked.length === 0 || tries === 40) return leaked;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
