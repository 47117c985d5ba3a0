/**
 * Looks up names in the second process by getaddrinfo(3), which also reads /etc/hosts, unlike `Deno.resolveDns()`. In Deno, only
 * `node:dns` calls getaddrinfo(3) without a connection.
 *
 * @module
 */
import { lookup } from "node:dns";
import { failure } from "../../../ffi/failure.ts";
import { Slots } from "../../fs/io/waiting.ts";

/** Finds the addresses of a name, in the order in which to try them. */
export type Resolve = (name: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

/** A lookup occupies a thread until it ends. */
const slots = new Slots(16);

/**
 * Returns the addresses of a name.
 *
 * @throws {Deno.errors.NotFound} If the name has no address of this family, or the lookup fails.
 */
export async function resolve(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
  await slots.acquire().promise;
  try {
    return await new Promise((resolve, reject) =>
      lookup(name, { all: true, family, verbatim: true }, (error, addresses) => {
        if (!error && addresses.length > 0) return resolve(addresses.map(({ address }) => address));
        const code = error?.code ?? "ENOTFOUND";
        const why = code === "ENOTFOUND" ? "the name has no address" : "the name could not be looked up";
        reject(failure({ syscall: "getaddrinfo", path: name }, "ENOENT", `${why} (${code}).`));
      })
    );
  } finally {
    slots.release();
  }
}
