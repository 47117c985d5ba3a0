import { hasAcl } from "./acl.ts";
import { linuxCall } from "./calls.ts";
import { errnoTable } from "./errno.ts";
import { hasOpenat2 } from "./openat2.ts";
import { places } from "./glibc.ts";
import { decodeDirents, decodeIdentity, decodeMode, decodeStatx, STATX_SIZE } from "./structs.ts";

/** Linux on x86_64 and arm64 with glibc, adapted to the functions, flags and semantics of FreeBSD. No Capsicum. */
export const linux = {
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
