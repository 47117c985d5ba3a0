import type { Abi } from "./abi.ts";
import { hasAcl } from "./linux_acl.ts";
import { linuxCall } from "./linux_calls.ts";
import { errnoTable } from "./linux_errno.ts";
import { hasOpenat2 } from "./linux_open.ts";
import { places } from "./linux_libc.ts";
import { decodeDirents, decodeIdentity, decodeMode, decodeStatx, STATX_SIZE } from "./linux_structs.ts";

/** Linux on x86_64 and arm64 with glibc, behind FreeBSD's functions, flags and meanings; without Capsicum. */
export const linux: Abi = {
  hasCapsicum: false,
  places: places[Deno.build.arch] ?? [],
  confinesLookups: hasOpenat2,
  bind: linuxCall,
  errno: errnoTable,
  statSize: STATX_SIZE,
  decodeMode,
  decodeStat: decodeStatx,
  decodeIdentity,
  hasAcl,
  decodeDirectory: decodeDirents,
};
