/** A `Deno.errors.NotSupported` with its cause, which the constructor of Deno 2.5 ignores. */
export function notSupported(message: string, cause: unknown): Error {
  const error = new Deno.errors.NotSupported(message);
  return Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
}
