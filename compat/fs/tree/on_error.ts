/**
 * What `onError` of `walk` and `expandGlob` returns: a promise stops the steps of the asynchronous form until it settles,
 * and is refused by the synchronous form.
 *
 * @module
 */
import { inTurns } from "../io/waiting.ts";

/** Is called with an error and the path of its entry. */
export type OnError = (error: Error, path: string) => unknown;

/** A step of a walk that ends once a promise is fulfilled. */
export class Pause {
  readonly promise: PromiseLike<unknown>;

  constructor(promise: PromiseLike<unknown>) {
    this.promise = promise;
  }
}

/** Calls `onError`, and yields a pause if it returns a promise. */
export function* handling(onError: OnError, error: Error, path: string): Generator<Pause, void, undefined> {
  const result = onError(error, path);
  if (isPromise(result)) yield new Pause(result);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The other steps. @param call The function that runs them, for errors. */
export function* withoutPauses<T>(call: string, steps: Iterable<T | Pause>): Generator<T, void, undefined> {
  for (const step of steps) {
    if (step instanceof Pause) {
      const twin = call.replace("Sync", "");
      throw new TypeError(`${call}: onError returned a promise, which only ${twin} awaits.`);
    }
    yield step;
  }
}

/** The other steps, in turns with the event loop; each pause ends before the next step starts. */
export async function* afterPauses<T>(steps: Iterable<T | Pause>): AsyncGenerator<T, void, undefined> {
  for await (const step of inTurns(steps)) {
    if (step instanceof Pause) await step.promise;
    else yield step;
  }
}
