import { kernel } from "../../_kernel.ts";
import { type ErrnoTable, freebsdErrno as freebsdTable, linuxErrno } from "../../../ffi/errno.ts";

/** The data of a failed system call's error, of any class. */
export interface Failure {
  class: string;
  code?: string;
  errno?: number;
  syscall?: string;
  path?: string;
  fd?: number;
  missing?: string[];
}

/** Returns the error that `fn` throws as plain data, without undefined members; fails if it throws nothing. */
export function failureOf(fn: () => unknown): Failure {
  try {
    fn();
  } catch (error) {
    const { code, errno, syscall, path, fd, missing } = error as Record<string, unknown>;
    const names = (missing as { names?(): string[] } | undefined)?.names?.();
    const known = {
      class: (error as Error).constructor.name,
      code,
      errno: kernel.hasCapsicum || errno === undefined ? errno : freebsdErrno(code, errno),
      syscall,
      path,
      fd,
      missing: names,
    };
    return Object.fromEntries(
      Object.entries(known).filter(([, value]) => value !== undefined),
    ) as unknown as Failure;
  }
  throw new Error("it threw nothing");
}

/** Returns FreeBSD's number of an errno if it is one of Linux; otherwise returns it unchanged. */
function freebsdErrno(code: unknown, errno: unknown): unknown {
  const numberIn = (table: ErrnoTable) =>
    Math.abs(Number(Object.keys(table).find((number) => table[Number(number)]![0] === code)));
  return errno === numberIn(linuxErrno()) ? numberIn(freebsdTable()) : errno;
}
