import { assert } from "@std/assert";
import type { CapsicumError, SyscallError } from "../../mod.ts";

/** What a call throws, seen as a failed system call. */
export function thrown(fn: () => unknown): SyscallError & CapsicumError {
  try {
    fn();
  } catch (error) {
    assert(error instanceof Error);
    return error as SyscallError & CapsicumError;
  }
  throw new Error("it threw nothing");
}
