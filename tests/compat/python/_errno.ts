import { assert, assertEquals, assertThrows } from "@std/assert";
import type { SyscallError } from "../../../ffi/errors.ts";

export const EBADF = 9;

/** Python's `assertRaises(EnvironmentError)` with the errno. */
export function assertErrno(action: () => unknown, errno: number, message?: string): void {
  const error = assertThrows(action, Error, undefined, message) as SyscallError;
  assertEquals(error.errno, errno, `${message}: ${error}`);
  assert(error.code.startsWith("E"), error.code);
}
