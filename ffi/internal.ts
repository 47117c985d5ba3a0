/**
 * Functions that only the modules of ffi/ may have.
 *
 * Code that runs in a sandbox can import each module that is loaded. With a raw function of C it could corrupt memory. So no
 * module exports one. It exports a function that hands them out while the modules load, and no more once the process is
 * sandboxed. What the modules got they keep where no other module sees it.
 *
 * @module
 */
let isSealed = false;

/** Ends the handing out, when this process enters a sandbox. */
export function seal(): void {
  isSealed = true;
}

/** Makes the function that hands out a value. */
export function internal<T>(value: T): () => T {
  return () => {
    if (!isSealed) return value;
    throw new Error("This module calls C, and the process is sandboxed: import it before entering.");
  };
}
