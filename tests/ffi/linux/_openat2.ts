/**
 * Makes calls of openat2(2) fail, at the boundary of FFI.
 *
 * @module
 */

type Call = (...args: unknown[]) => number;

/**
 * Replaces `Deno.dlopen()`.
 *
 * @param errnoOf Returns the errno that a call fails with; undefined to make the call. A size of 0 asks only whether the kernel
 * has the call.
 */
export function replaceOpenat2(errnoOf: (size: bigint) => number | undefined): void {
  const real = Deno.dlopen;
  let errno: number | undefined;
  Object.defineProperty(Deno, "dlopen", {
    value(library: string, wanted: Deno.ForeignLibraryInterface) {
      const { symbols } = real(library, wanted), [name] = Object.keys(wanted);
      const call = (symbols as Record<string, Call>)[name!]!;
      if (name === "memcpy") {
        const memcpy = (cell: Int32Array, ...from: unknown[]) => {
          if (errno === undefined) call(cell, ...from);
          else cell[0] = errno;
          errno = undefined;
        };
        return { symbols: { ...symbols, memcpy } };
      }
      if (name !== "openat2") return { symbols };
      const openat2 = (...args: unknown[]) => {
        errno = errnoOf(args[4] as bigint);
        return errno === undefined ? call(...args) : -1;
      };
      return { symbols: { openat2 } };
    },
  });
}
