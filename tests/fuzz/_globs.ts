/**
 * Trees and patterns: what `expandGlob()` finds, against the patterns of @std/path component by component.
 *
 * @module
 */
import { globToRegExp } from "@std/path";
import { type ExpandGlobOptions, openDirSync } from "../../mod.ts";
import { Fixture, type Tree } from "../_fixture.ts";
import { Random } from "../_random.ts";
import { wrongWith } from "./_errors.ts";
import type { Target } from "./_fuzz.ts";
import { type Directory, type Node, treeOfEntries } from "./_tree.ts";

type Options = Pick<ExpandGlobOptions, "extended" | "globstar" | "caseInsensitive" | "includeDirs">;
interface Step {
  glob: string;
  options: Options;
}

const names = ["a", "b", "ab", "A", "a.b", "b.a", ".a", "aab", "c"];
const parts = [
  "a",
  "b",
  ".",
  "*",
  "*",
  "?",
  "[ab]",
  "[!a]",
  "[a-c]",
  "{a,b}",
  "{a,ab}*",
  "\\*",
  "@(a|b)",
  "!(a)",
  "+(a)",
  "?(a)b",
];

/** The same tree of three levels each time. */
function entries(random: Random, depth: number): Tree {
  return Object.fromEntries(
    names.filter(() => random.chance(50)).map((name) =>
      [name, depth > 0 && random.chance(50) ? entries(random, depth - 1) : ""] as const
    ),
  );
}

const content = entries(new Random(1), 2);

export class GlobsTarget implements Target<Step> {
  readonly name = "globs";
  readonly unit = "patterns";
  readonly #fixture = new Fixture(content);
  readonly #tree = treeOfEntries(content);

  generate(random: Random): Step[] {
    return Array.from({ length: 20 }, () => {
      const components = Array.from(
        { length: 1 + random.below(4) },
        () =>
          random.chance(25)
            ? "**"
            : random.chance(20)
            ? random.pick(names)
            : Array.from({ length: 1 + random.below(3) }, () => random.pick(parts)).join(""),
      );
      const glob = components.filter((name) => name !== "." && name !== "..").join("/") || "*";
      const both = [true, false];
      const options = random.options({
        extended: both,
        globstar: both,
        caseInsensitive: both,
        includeDirs: both,
      });
      return { glob: glob + (random.chance(10) ? "/" : ""), options };
    });
  }

  count(program: readonly Step[]): number {
    return program.length;
  }

  show({ glob, options }: Step): string {
    return `expandGlob ${JSON.stringify(glob)} ${JSON.stringify(options)}`;
  }

  simpler(step: Step): readonly Step[] {
    const names = step.glob.split("/");
    return [
      { ...step, options: {} },
      ...names.map((_, i) => ({ ...step, glob: names.toSpliced(i, 1).join("/") })).filter(({ glob }) =>
        glob !== ""
      ),
    ];
  }

  // deno-lint-ignore require-await
  async run(program: readonly Step[]): Promise<string | undefined> {
    using dir = openDirSync(this.#fixture.path);
    for (const step of program) {
      const expected = matches(this.#tree, step);
      let found: string[];
      try {
        found = [...dir.expandGlobSync(step.glob, step.options)].map(({ path }) => path);
      } catch (error) {
        return `${this.show(step)}: ${wrongWith(error) ?? `it throws ${error}`}`;
      }
      if (expected !== undefined && found.join("\n") !== expected.join("\n")) {
        return `${this.show(step)}: it finds ${JSON.stringify(found)}\nand not ${JSON.stringify(expected)}`;
      }
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#fixture[Symbol.dispose]();
  }
}

/** The paths that match, sorted; undefined for a pattern that @std/path refuses. */
function matches(tree: Directory, { glob, options }: Step): string[] | undefined {
  const { extended = true, globstar = true, caseInsensitive = false, includeDirs = true } = options;
  const names = glob.split("/").filter((name) => name !== "");
  const isPlain = names.map((name) => !/[\\*?[{(]/.test(name));
  let expressions: (RegExp | string)[];
  try {
    expressions = names.map((name, i) =>
      name === "**" && globstar
        ? "**"
        // Names before the first pattern are looked up as they are.
        : isPlain.slice(0, i + 1).every((plain) => plain)
        ? new RegExp(`^${name.replaceAll(".", "\\.")}$`)
        : globToRegExp(name, { extended, caseInsensitive, globstar: false })
    );
  } catch {
    return undefined;
  }
  const found = new Set<string>();
  const visit = (node: Node, path: string[], rest: readonly (RegExp | string)[], isAfterStar: boolean) => {
    const isDirectory = node.kind === "directory", [first, ...others] = rest;
    if (first === undefined) {
      if (isDirectory ? includeDirs : !glob.endsWith("/")) found.add(path.join("/") || ".");
      return;
    }
    // A last ** matches a file only by its name.
    if (first === "**" && (isDirectory || others.length > 0 || isAfterStar)) visit(node, path, others, false);
    if (!isDirectory) return;
    for (const [name, below] of node.entries) {
      if (first === "**") visit(below, [...path, name], rest, true);
      else if ((first as RegExp).test(name)) visit(below, [...path, name], others, false);
    }
  };
  visit(tree, [], expressions, false);
  return [...found].sort();
}
