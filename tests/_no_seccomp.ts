/**
 * Has seccomp(2) fail in this process and its children, as in some containers; or, with `CAPSICUM_TEST_MISSING=landlock`,
 * Landlock, as on a kernel without it. Linux on x86_64 only.
 *
 * @module
 */
import { ALLOW, EQUAL, failWith, glibc, install, LOAD, number, RETURN } from "./_seccomp.ts";

const SYS_seccomp = 317, EPERM = 1, SYS_landlock_create_ruleset = 444, ENOSYS = 38;
const [call, errno] = Deno.env.get("CAPSICUM_TEST_MISSING") === "landlock"
  ? [SYS_landlock_create_ruleset, ENOSYS] as const
  : [SYS_seccomp, EPERM] as const;

install([
  [LOAD, 0, 0, number],
  [EQUAL, 0, 1, call],
  [RETURN, 0, 0, failWith(errno)],
  [RETURN, 0, 0, ALLOW],
], glibc);
