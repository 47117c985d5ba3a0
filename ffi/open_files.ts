import { bind, bound } from "./_bind.ts";
import { decodeName } from "./_names.ts";
import { abi } from "./abi/abi.ts";
import { F_GETFD } from "./abi/freebsd_constants.ts";

/**
 * `FD_CLOEXEC` and the like, by F_GETFD of fcntl(2); undefined where the number is not open.
 *
 * It throws nothing, since of the numbers that there are most are not open.
 */
export function descriptorFlags(fd: number): number | undefined {
  const flags = (bound.fcntl ?? bind("fcntl"))(fd, F_GETFD, 0n);
  return flags === -1 ? undefined : flags;
}

/** What the kernel knows of an open file, beside what fstat(2) tells. */
export interface Kinfo {
  /** `KF_TYPE_*` of sys/user.h: what kind of object it is. */
  readonly type: number;
  /** The path under which it was opened, as far as the kernel remembers; undefined of what has none. */
  readonly path?: string;
}

// sys/fcntl.h of FreeBSD 13.2 and 15.1.
const F_KINFO = 22;
// struct kinfo_file of sys/user.h, FreeBSD 12 to 15, on amd64 and arm64; KINFO_FILE_SIZE.
const KF_STRUCTSIZE = 0, KF_TYPE = 4, KF_PATH = 368, SIZE = 1392;

/** F_KINFO of fcntl(2), which needs FCNTL and does not work in capability mode; undefined where it fails. */
export function kinfo(fd: number): Kinfo | undefined {
  if (!abi().hasCapsicum) return undefined;
  const bytes = new Uint8Array(SIZE), view = new DataView(bytes.buffer);
  view.setInt32(KF_STRUCTSIZE, SIZE, true);
  if ((bound.fcntl_memory ?? bind("fcntl_memory"))(fd, F_KINFO, bytes) === -1) return undefined;
  const end = bytes.indexOf(0, KF_PATH);
  const path = decodeName(bytes.subarray(KF_PATH, end < 0 ? SIZE : end));
  return { type: view.getInt32(KF_TYPE, true), ...(path === "" ? {} : { path }) };
}
