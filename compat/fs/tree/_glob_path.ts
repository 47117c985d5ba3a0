/** Patterns of paths: a pattern for each component, where `**` matches any number of components. */
import { type NamePattern, namePattern, type NamePatternOptions } from "./_glob_name.ts";

export interface PathPatternOptions extends NamePatternOptions {
  /** Whether a component `**` matches any number of components. */
  globstar: boolean;
}

/** Any number of components. */
const GLOBSTAR = Symbol("**");

export type PathPattern = readonly (NamePattern | typeof GLOBSTAR)[];

export function pathPattern(names: readonly string[], options: PathPatternOptions): PathPattern {
  const parts = names.map((name) =>
    options.globstar && name === "**" ? GLOBSTAR : namePattern(name, options)
  );
  return parts.filter((part, i) => part !== GLOBSTAR || parts[i - 1] !== GLOBSTAR);
}

/** The numbers of pattern components that some names may have used up, in ascending order. */
type States = readonly number[];

/** Matches paths below one directory. It keeps the states of the last path, because its entries usually come next. */
export class PathMatcher {
  readonly #pattern: PathPattern;
  readonly #top: { readonly path: string; readonly states: States };
  #last: { readonly path: string; readonly states: States };
  #above: { readonly path: string; readonly states: States };

  /**
   * @param top The path of the directory, with which the path of each entry begins.
   * @param names The components that the pattern sees in place of that path.
   */
  constructor(pattern: PathPattern, top: string, names: readonly string[]) {
    this.#pattern = pattern;
    this.#top = {
      path: top,
      states: names.reduce((states, name) => this.#after(states, name), this.#passed([0])),
    };
    this.#last = this.#above = this.#top;
  }

  /** Whether the pattern matches a path. For a file, a last `**` must match at least one component. */
  means(path: string, isDirectory = true): boolean {
    const last = this.#pattern.length - 1;
    if (this.#statesOf(path).at(-1) !== last + 1) return false;
    if (isDirectory || this.#pattern[last] !== GLOBSTAR) return true;
    return path !== this.#top.path && this.#above.states.includes(last);
  }

  /** Whether the pattern may match something below a path. */
  reachesBelow(path: string): boolean {
    const first = this.#statesOf(path)[0];
    return first !== undefined && first < this.#pattern.length;
  }

  #statesOf(path: string): States {
    if (path === this.#last.path) return this.#last.states;
    const slash = path.lastIndexOf("/"), name = path.slice(slash + 1);
    const above = slash < 0 ? "." : path.slice(0, slash);
    if (above !== this.#above.path) this.#above = { path: above, states: this.#find(above) };
    this.#last = path === this.#top.path
      ? this.#top
      : { path, states: this.#after(this.#above.states, name) };
    return this.#last.states;
  }

  #find(path: string): States {
    const { path: top, states } = this.#top;
    if (path === top || path.length < top.length) return states;
    const names = path.slice(top === "." ? 0 : top.length + 1).split("/");
    return names.reduce((states, name) => this.#after(states, name), states);
  }

  #after(states: States, name: string): States {
    const next: number[] = [];
    for (const state of states) {
      const part = this.#pattern[state];
      if (part === GLOBSTAR) next.push(state);
      else if (part?.test(name)) next.push(state + 1);
    }
    return this.#passed(next);
  }

  /** Adds the states that are reached if `**` matches no component. */
  #passed(states: number[]): States {
    const all = new Set<number>();
    for (const state of states) {
      all.add(state);
      if (this.#pattern[state] === GLOBSTAR) all.add(state + 1);
    }
    return [...all].sort((a, b) => a - b);
  }
}
