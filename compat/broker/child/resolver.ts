/**
 * Looks up names in the second process by getaddrinfo(3), which also reads /etc/hosts, unlike `Deno.resolveDns()`. In Deno, only
 * `node:dns` calls getaddrinfo(3) without a connection.
 *
 * @module
 */
import { lookup } from "node:dns";
import { failure } from "../../../ffi/failure.ts";
import { Slots, unlessAborted } from "../../fs/io/waiting.ts";

type LookUp = (name: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

/**
 * Finds the addresses of a name, in the order in which to try them. Aborting the signal ends the wait for other lookups, but
 * not a lookup that has begun.
 */
export type Resolve = (...args: [...Parameters<LookUp>, signal: AbortSignal]) => ReturnType<LookUp>;

/** The most lookups at a time: each occupies a thread until it ends. */
export const MOST_LOOKUPS = 16;

/** Makes lookups wait for each other. */
export function queued(lookUp: LookUp): Resolve {
  const slots = new Slots(MOST_LOOKUPS);
  return async (name, family, signal) => {
    await unlessAborted(slots.acquire(), signal);
    try {
      return await lookUp(name, family);
    } finally {
      slots.release();
    }
  };
}

/**
 * Returns the addresses of a name.
 *
 * @throws {Deno.errors.NotFound} If the name has no address of this family, or the lookup fails.
 */
export const resolve: Resolve = queued((name, family) =>
  new Promise((resolve, reject) =>
    lookup(name, { all: true, family, verbatim: true }, (error, addresses) => {
      if (!error && addresses.length > 0) return resolve(addresses.map(({ address }) => address));
      const code = error?.code ?? "ENOTFOUND";
      const why = code === "ENOTFOUND" ? "the name has no address" : "the name could not be looked up";
      reject(failure({ syscall: "getaddrinfo", path: name }, "ENOENT", `${why} (${code}).`));
    })
  )
);
