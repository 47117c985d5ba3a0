/** Does one thing `times` times. */
export type Body = (times: number) => unknown;

/** What a peer does in one case. */
export interface Case {
  run: Body;
  /** Clears up what `run` has made; nobody takes the time of that. */
  undo?(): void;
}

/** Prepares each case that a peer can do. */
export type Cases = Record<string, () => Body | Case>;

/** Names that nobody has had yet, for files that `remove` takes away again. */
export function freshNames(remove: (name: string) => void): { next(): string; undo(): void } {
  let used = 0, removed = 0;
  return {
    next: () => `new-${Deno.pid}-${used++}`,
    undo: () => {
      for (; removed < used; removed++) remove(`new-${Deno.pid}-${removed}`);
    },
  };
}
