/**
 * Has openat2(2) fail in this process and its children with the errno `CAPSICUM_TEST_OPENAT2`, as under the filters of
 * some containers and units. Linux on x86_64 only.
 *
 * @module
 */
import { ALLOW, EQUAL, failWith, glibc, install, LOAD, number, RETURN } from "./_seccomp.ts";

const SYS_openat2 = 437;

install([
  [LOAD, 0, 0, number],
  [EQUAL, 0, 1, SYS_openat2],
  [RETURN, 0, 0, failWith(Number(Deno.env.get("CAPSICUM_TEST_OPENAT2")))],
  [RETURN, 0, 0, ALLOW],
], glibc);
