import { errno } from "./_errno.ts";
import { abi } from "./abi/abi.ts";
import { symbols } from "./symbols.ts";

export type Name = keyof typeof symbols;
export type Functions = Deno.DynamicLibrary<typeof symbols>["symbols"];

/** The functions bound so far. A call site reads `bound.name ?? bind("name")`. */
export const bound = Object.fromEntries(Object.keys(symbols).map((name) => [name, undefined])) as {
  [N in Name]: Functions[N] | undefined;
};

/**
 * errno of the last call that failed.
 *
 * `memcpy(errno, errnoAt, 4n)` stands inline as the very next thing after each call: whatever else comes in between, a
 * helper function included, can let the runtime make a call of its own that overwrites errno.
 */
export { errno };
/** Where this thread's errno is, from `__error()`; set by the first {@link bind}. */
export let errnoAt: Deno.PointerObject;
/** Set by the first {@link bind}. */
export let memcpy: Functions["memcpy"];

/** Binds one function. Each costs about 0.15 ms, so it happens at first use. */
export function bind<N extends Name>(name: N): Functions[N] {
  const { bind: adapt } = abi();
  if (adapt !== undefined) {
    memcpy ??= () => {};
    return (bound as Functions)[name] = adapt(name);
  }
  if (errnoAt === undefined) {
    ({ memcpy } = open("memcpy", "__error"));
    errnoAt = bound.__error!()!;
  }
  return open(name)[name];
}

/** Binds whatever is not bound yet, since a library that is not loaded yet can't be opened in capability mode. */
export function bindAll(): void {
  if (bound.cap_enter === undefined) bind("cap_enter");
  const rest = (Object.keys(bound) as Name[]).filter((name) => bound[name] === undefined);
  if (rest.length > 0) open(...rest);
}

function open<N extends Name>(...names: N[]): Pick<Functions, N> {
  const library = abi().library!;
  const wanted = Object.fromEntries(names.map((name) => [name, symbols[name]]));
  try {
    const functions = Deno.dlopen(library, wanted).symbols as unknown as Pick<Functions, N>;
    Object.assign(bound, functions);
    return functions;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new Deno.errors.NotSupported(
      `${library} of this system can't be used for ${names.join(", ")}: ${(cause as Error).message}`,
      { cause },
    );
  }
}
