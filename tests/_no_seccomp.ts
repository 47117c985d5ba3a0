/**
 * Has seccomp(2) fail in this process and its children, as in some containers. Linux on x86_64 only.
 *
 * @module
 */
import { ALLOW, EQUAL, failWith, glibc, install, LOAD, number, RETURN } from "./_seccomp.ts";

const SYS_seccomp = 317, EPERM = 1;

install([
  [LOAD, 0, 0, number],
  [EQUAL, 0, 1, SYS_seccomp],
  [RETURN, 0, 0, failWith(EPERM)],
  [RETURN, 0, 0, ALLOW],
], glibc);
