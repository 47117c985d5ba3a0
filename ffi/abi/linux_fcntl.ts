import { errno } from "../_errno.ts";
import * as freebsd from "./freebsd_constants.ts";
import * as linux from "./linux_constants.ts";
import { openFlags, statusFlags } from "./linux_flags.ts";
import { errnoAt, failure, glibc, memcpy } from "./linux_libc.ts";

/** Linux's number for each command that means the same there. */
const commands: Readonly<Record<number, number>> = {
  [freebsd.F_DUPFD]: freebsd.F_DUPFD,
  [freebsd.F_GETFD]: freebsd.F_GETFD,
  [freebsd.F_SETFD]: freebsd.F_SETFD,
  [freebsd.F_GETFL]: freebsd.F_GETFL,
  [freebsd.F_SETFL]: freebsd.F_SETFL,
  [freebsd.F_GETOWN]: linux.F_GETOWN,
  [freebsd.F_SETOWN]: linux.F_SETOWN,
  [freebsd.F_DUPFD_CLOEXEC]: linux.F_DUPFD_CLOEXEC,
  [freebsd.F_ADD_SEALS]: linux.F_ADD_SEALS,
  [freebsd.F_GET_SEALS]: linux.F_GET_SEALS,
};

let fcntl: ReturnType<typeof glibc<"fcntl">> | undefined;

/** fcntl(2) as FreeBSD has it, for the commands that Linux has too; another one is EINVAL. */
export function control(fd: number, command: number, argument: bigint): number {
  const number = commands[command];
  if (number === undefined) return failure(linux.EINVAL);
  let value = argument;
  if (command === freebsd.F_SETFL) value = BigInt(openFlags(Number(argument)));
  // Linux would take FD_RESOLVE_BENEATH, do nothing, and report success.
  if (command === freebsd.F_SETFD && value & ~BigInt(freebsd.FD_CLOEXEC)) {
    return failure(linux.EINVAL);
  }
  const result = (fcntl ??= glibc("fcntl"))(fd, number, value);
  if (result === -1) memcpy(errno, errnoAt, 4n);
  else if (command === freebsd.F_GETFL) return statusFlags(result);
  return result;
}
