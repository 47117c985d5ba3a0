/** Does one thing `times` times. */
export type Body = (times: number) => unknown;

/** What a peer does in one case. */
export interface Case {
  run: Body;
  /** Removes what `run` has made; this time is not counted. */
  undo?(): void;
}

/** Prepares each case that a peer can do; `at` is the size in a case that grows. */
export type Cases = Record<string, (at: number) => Body | Case>;

/** New names, for files that `remove` removes again. */
export function freshNames(remove: (name: string) => void): { next(): string; undo(): void } {
  let used = 0, removed = 0;
  return {
    next: () => `new-${Deno.pid}-${used++}`,
    undo: () => {
      for (; removed < used; removed++) remove(`new-${Deno.pid}-${removed}`);
    },
  };
}
