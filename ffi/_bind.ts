import { errno } from "./_errno.ts";
import { abi } from "./system.ts";
import { listed, shortened } from "./message.ts";
import { type Functions, type Name, since, symbols } from "./symbols.ts";

/** The functions bound so far. A call site reads `bound.name ?? bind("name")`. */
export const bound = Object.fromEntries(Object.keys(symbols).map((name) => [name, undefined])) as {
  [N in Name]: Functions[N] | undefined;
};

/**
 * errno of the last call that failed.
 *
 * `memcpy(errno, errnoAt, 4n)` is inline, as the very next thing after each call. Any code in between, even a helper
 * function, can make the runtime do a call of its own that overwrites errno.
 */
export { errno };
/** The address of this thread's errno, from `__error()`; set by the first {@link bind}. */
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

/** Binds all functions that are not bound yet: in capability mode, a library can't be opened any more. */
export function bindAll(): void {
  if (bound.cap_enter === undefined) bind("cap_enter");
  const rest = (Object.keys(bound) as Name[]).filter((name) => bound[name] === undefined);
  if (rest.length > 0) open(...rest);
}

/**
 * Binds several functions at once.
 *
 * A function that this libc lacks throws when it is called. If the library can't be opened for lack of descriptors or
 * memory, this throws at once, because the library may have the function.
 */
function open<N extends Name>(...names: N[]): Pick<Functions, N> {
  const library = abi().library!;
  const wanted = Object.fromEntries(names.map((name) => [name, { ...symbols[name], optional: true }]));
  let found: Record<string, unknown>;
  try {
    found = Deno.dlopen(library, wanted as Deno.ForeignLibraryInterface).symbols;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const why = shortened((cause as Error).message, 160);
    throw new Error(`${library} can't be opened to call ${listed(names)}: ${why}.`, { cause });
  }
  const functions = Object.fromEntries(names.map((name) => [name, found[name] ?? missing(name, library)]));
  return Object.assign(bound, functions) as Functions;
}

/** The replacement for a function that this libc lacks. */
function missing(name: Name, library: string): () => never {
  const symbol: Deno.ForeignFunction = symbols[name], known = symbol.name ?? name;
  return () => {
    throw new Deno.errors.NotSupported(
      `${known}() is not in ${library} of this system: it needs FreeBSD ${
        since[known] ?? "of a later release"
      }.`,
    );
  };
}
