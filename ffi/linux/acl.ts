import { errno } from "../_errno.ts";
import { ENODATA, EOPNOTSUPP } from "./constants.ts";
import { errnoAt, glibc, memcpy } from "./glibc.ts";

// linux/xattr.h: XATTR_NAME_POSIX_ACL_ACCESS
const ACCESS = new TextEncoder().encode("system.posix_acl_access\0");
const nothing = new Uint8Array(1);

let fgetxattr: ReturnType<typeof glibc<"fgetxattr">> | undefined;

/** Whether a file has a POSIX access control list, which can grant access beyond the mode. */
export function hasAcl(fd: number): boolean {
  const call = fgetxattr ??= glibc("fgetxattr");
  if (call(fd, ACCESS, nothing, 0n) !== -1) return true;
  memcpy(errno, errnoAt, 4n);
  // If the answer is unknown, the file may have a list.
  return errno[0] !== ENODATA && errno[0] !== EOPNOTSUPP;
}
