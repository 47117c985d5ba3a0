import * as libc from "../../ffi/libc.ts";
import { pathOf } from "./ambient_path.ts";

/**
 * Makes a directory by an ambient path where the name is missing; what it is in must exist.
 *
 * Stands for mkdirat(2) of the working directory.
 *
 * @throws {TypeError} When the path is empty or has a NUL.
 * @throws {Deno.errors.NotFound} When what it is in does not exist.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 */
export function ensureDirSync(path: string | URL): void {
  try {
    libc.mkdirat(libc.AT_FDCWD, pathOf(path), 0o777);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
