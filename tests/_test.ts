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

/** A line for the runner: a test with its file, and why it is skipped; or only its name when it begins. */
function note(entry: { name: string; file?: string; skip?: string }): void {
  if (log !== undefined) Deno.writeTextFileSync(log, `${JSON.stringify(entry)}\n`, { append: true });
  else if (entry.skip !== undefined) console.log(`skipped: ${entry.name}: ${entry.skip}`);
}

// Deno's first child opens descriptors that it keeps for the next ones.
await new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" }).output();

/** Registers a test that must end with as many open descriptors as it began. */
export function test(name: string, body: () => void | Promise<void>, options: TestOptions = {}): void {
  note({ name, file: Deno.mainModule, ...(options.skip ? { skip: options.skip } : {}) });
  Deno.test({
    name,
    ignore: Boolean(options.skip),
    // The libraries that are opened lazily stay open; descriptors are counted here, more exactly.
    sanitizeResources: false,
    fn: async () => {
      note({ name });
      const before = openDescriptors();
      await body();
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
