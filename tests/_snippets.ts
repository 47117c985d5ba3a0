/**
 * The TypeScript blocks of the documentation, as modules that a child can check and run.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { type ChildOptions, type ChildResult, libcPath, runModule } from "./_child.ts";
import { Fixture } from "./_fixture.ts";

const root = new URL("../", import.meta.url);
const { exports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))) as {
  exports: Record<string, string>;
};
// The snippets lie outside of the project, and need its compiler options and packages all the same.
const config = ["--config", fromFileUrl(new URL("deno.json", root))];

/** The blocks of a Markdown text that are marked as TypeScript. */
export function blocksOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1]!);
}

/** The block with its imports as they are written here. */
export function localized(block: string): string {
  return block
    .replace(
      /"jsr:@capsicum\/capsicum(\/\w+)?"/g,
      (_, part = "") => JSON.stringify(new URL(exports[`.${part}`]!, root).href),
    )
    .replace(/"jsr:(@std\/\w+)"/g, '"$1"');
}

function modules(snippets: string[]): Fixture {
  return new Fixture(Object.fromEntries(snippets.map((snippet, i) => [`${i}.ts`, localized(snippet)])));
}

/** What the type checker says of each snippet as a module of its own: nothing where all is well. */
export async function complaintsOf(snippets: string[]): Promise<string> {
  using fixture = modules(snippets);
  const imports = snippets.map((_, i) => `if (Deno.args.length > 0) await import("./${i}.ts");\n`);
  fixture.write("main.ts", imports.join(""));
  // With --preload Deno checks no types.
  const flags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]");
  const packages = flags.filter((flag) => flag.startsWith("--import-map="));
  const { code, stderr } = await runModule(fixture.at("main.ts"), {
    permissions: [],
    kernel: false,
    flags: [...packages, ...config, "--check"],
  });
  return code === 0 ? "" : stderr || `code ${code}`;
}

/**
 * Runs snippets one after the other in one child, with nothing but the permission to use libc, and gives a line for each
 * that throws or leaves descriptors open.
 */
export async function failuresOf(snippets: string[]): Promise<string[]> {
  using fixture = modules(snippets);
  const imports = snippets.map((_, i) => `() => import("./${i}.ts")`);
  fixture.write(
    "main.ts",
    `import { openDescriptors } from ${JSON.stringify(new URL("_kernel.ts", import.meta.url).href)};
     const failures: string[] = [];
     // Deno opens two descriptors for signals, for good: by itself after half a second, or when it is first asked for one.
     const listener = () => {};
     Deno.addSignalListener("SIGUSR2", listener);
     Deno.removeSignalListener("SIGUSR2", listener);
     for (const [i, run] of [${imports}].entries()) {
       const before = openDescriptors();
       try {
         await run();
         const left = openDescriptors().filter((fd) => !before.includes(fd));
         if (left.length > 0) failures.push(i + ": left open: " + left);
       } catch (error) {
         failures.push(i + ": " + error);
       }
     }
     console.log(JSON.stringify(failures));`,
  );
  // Deno opens the file of its code cache whenever it likes, and keeps it open.
  const flags = [...config, "--no-code-cache"];
  const { code, signal, stdout, stderr } = await run(fixture.at("main.ts"), { flags });
  if (code !== 0 || signal !== null) return [`ended with code ${code}, signal ${signal}: ${stderr}`];
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

/** Runs one snippet in a child of its own, with nothing but the permission to use libc unless told otherwise. */
export async function runSnippet(snippet: string, options: ChildOptions = {}): Promise<ChildResult> {
  using fixture = modules([snippet]);
  return await run(fixture.at("0.ts"), options);
}

function run(module: string, options: ChildOptions = {}): Promise<ChildResult> {
  return runModule(module, { permissions: [`--allow-ffi=${libcPath}`], flags: config, ...options });
}
