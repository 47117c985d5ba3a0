/**
 * Looks up names in the second process, by getaddrinfo(3), as every other program on the machine does: `Deno.resolveDns()`
 * would not read /etc/hosts. Only `node:dns` offers that, and the second process has nothing that it could harm.
 *
 * @module
 */
import { lookup } from "node:dns";
import { failure } from "../../../ffi/failure.ts";
import { Slots } from "../../fs/io/waiting.ts";

/** Finds the addresses of a name, in the order in which to try them. */
export type Resolve = (name: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

/** Each lookup holds a thread. */
const slots = new Slots(16);

/**
 * The addresses of a name.
 *
 * @throws {Deno.errors.NotFound} If there are none, of this family or at all.
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
