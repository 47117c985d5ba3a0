/**
 * Replays a scenario with each step made by the library's function of that name, where there is one and it takes the
 * arguments, and past the library elsewhere. Reads an array of `Replay` and writes an array of `ThroughLibrary`.
 *
 * @module
 */
import { bindAll } from "../../ffi/symbols.ts";
import { libc, type SyscallError } from "../../mod.ts";
import { libc as direct, type Outcome, type Value } from "../_libc.ts";
import { type Replay, replay, type Replayed } from "../_replay.ts";

export interface ThroughLibrary extends Replayed {
  /** How many of the steps the library made. */
  through: number;
}

let through = 0;

function call(name: string, ...values: Value[]): Outcome {
  const made = (libc as unknown as Record<string, (...values: unknown[]) => number | boolean>)[name];
  if (made === undefined) return direct(name, ...values);
  // Descriptors that a step gave come as bigints.
  const args = values.map((value) => typeof value === "bigint" ? Number(value) : value);
  try {
    const result = made(...args);
    through++;
    return { ret: result === libc.CAP_IOCTLS_ALL ? (1n << 63n) - 1n : BigInt(result), errno: 0 };
  } catch (error) {
    const { errno } = error as SyscallError;
    if (errno !== undefined) {
      through++;
      return { ret: -1n, errno };
    }
    // What the library refuses by itself, the kernel may still be asked.
    if (error instanceof TypeError || error instanceof RangeError) return direct(name, ...values);
    throw error;
  }
}

bindAll();
const replays: Replay[] = JSON.parse(await new Response(Deno.stdin.readable).text());
const results = replays.map((one): ThroughLibrary => {
  through = 0;
  return { ...replay(one, call), through };
});
console.log(JSON.stringify(results));
