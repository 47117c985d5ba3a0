/** Makes the stand-in return short reads and writes, which any kernel may do. */
import { kernel } from "../../_kernel.ts";

const symbols = kernel.simulated ? controls() : undefined;

function controls() {
  return Deno.dlopen("/lib/libc.so.7", {
    // int standin_short(int max_bytes)
    standin_short: { parameters: ["i32"], result: "i32", optional: true },
  }).symbols;
}

/** Runs `body` while no read and no write moves more than `bytes` bytes. */
export function withShortTransfers<T>(bytes: number, body: () => T): T {
  symbols!.standin_short!(bytes);
  const end = () => void symbols!.standin_short!(0);
  try {
    const result = body();
    if (result instanceof Promise) return result.finally(end) as T;
    end();
    return result;
  } catch (error) {
    end();
    throw error;
  }
}
