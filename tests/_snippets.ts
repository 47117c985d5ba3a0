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

/** The text of the documentation of a module, by its path from the project's root. */
export function moduleDoc(path: string): string {
  const source = Deno.readTextFileSync(new URL(path, root));
  return /^\/\*\*\n([^]*?) \*\//m.exec(source)![1]!.replace(/^ \* ?/gm, "");
}

/** A section of a Markdown text, without its heading. */
export function sectionOf(markdown: string, heading: string): string {
  const section = markdown.split(/^#+ /m).find((section) => section.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`There is no section "${heading}".`);
  return section.slice(heading.length);
}

/** The rows of the tables in a Markdown text, by their cells, without the headings. */
export function rowsOf(markdown: string): string[][] {
  const lines = markdown.split("\n");
  return lines.filter((line, i) => /^\| (?!---)/.test(line) && !/^\| ---/.test(lines[i + 1] ?? ""))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
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

/** Returns the errors of the type checker for each snippet as a separate module; empty if there are none. */
export async function complaintsOf(snippets: string[], options: readonly string[] = config): Promise<string> {
  using fixture = modules(snippets);
  const imports = snippets.map((_, i) => `if (Deno.args.length > 0) await import("./${i}.ts");\n`);
  fixture.write("main.ts", imports.join(""));
  // With --preload Deno checks no types.
  const flags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]");
  const packages = flags.filter((flag) => flag.startsWith("--import-map="));
  const { code, stderr } = await runModule(fixture.at("main.ts"), {
    permissions: [],
    kernel: false,
    flags: [...packages, ...options, "--check"],
    timeout: 300_000,
  });
  return code === 0 ? "" : stderr || `code ${code}`;
}

const leftOpen = "left open: ";

/**
 * Runs snippets one after the other in one child, with the permission to use libc and these, and gives a line for each
 * that throws or leaves descriptors open.
 *
 * Deno's own threads open and close files and sockets at times of their own. So a snippet after which a descriptor is
 * open runs four times more, and leaves one open only if it does so at least three times.
 */
export async function failuresOf(snippets: string[], permissions: string[] = []): Promise<string[]> {
  const failures = await outcomesOf(snippets, permissions);
  for (const [i, failure] of failures.entries()) {
    if (!failure?.startsWith(leftOpen)) continue;
    const again = await outcomesOf(Array(4).fill(snippets[i]!), permissions);
    if (again.filter((outcome) => outcome === null).length > 1) failures[i] = null;
  }
  return failures.flatMap((failure, i) => failure === null ? [] : `${i}: ${failure}`);
}

/** Runs snippets one after the other in one child. Returns the error of each, or null. */
async function outcomesOf(snippets: string[], permissions: string[]): Promise<(string | null)[]> {
  using fixture = modules(snippets);
  const imports = snippets.map((_, i) => `() => import("./${i}.ts")`);
  fixture.write(
    "main.ts",
    `import { openDescriptors } from ${JSON.stringify(new URL("_kernel.ts", import.meta.url).href)};
     const outcomes: (string | null)[] = [];
     for (const run of [${imports}]) {
       const before = openDescriptors();
       try {
         await run();
         const left = openDescriptors().filter((fd) => !before.includes(fd));
         outcomes.push(left.length > 0 ? ${JSON.stringify(leftOpen)} + left : null);
       } catch (error) {
         outcomes.push(String(error));
       }
     }
     console.log(JSON.stringify(outcomes));`,
  );
  const { code, signal, stdout, stderr } = await run(fixture.at("main.ts"), {
    flags: [...config, ...permissions],
  });
  if (code !== 0 || signal !== null) {
    return [`ended with code ${code}, signal ${signal}: ${stderr}`, ...snippets.slice(1).map(() => null)];
  }
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

/** Runs one snippet in a separate child, by default with only the permission to use libc. */
export async function runSnippet(snippet: string, options: ChildOptions = {}): Promise<ChildResult> {
  using fixture = modules([snippet]);
  return await run(fixture.at("0.ts"), options);
}

function run(module: string, options: ChildOptions = {}): Promise<ChildResult> {
  return runModule(module, { permissions: [`--allow-ffi=${libcPath}`], flags: config, ...options });
}
