import { abi } from "../../ffi/abi/abi.ts";
import * as libc from "../../ffi/libc.ts";

let buffer: Uint8Array<ArrayBuffer> | undefined;

/** A `struct stat` that the next call overwrites. */
export function statBuffer(): Uint8Array<ArrayBuffer> {
  return buffer ??= new Uint8Array(abi().statSize);
}

/** What fstat(2) tells of a descriptor. */
export function statOf(fd: number): Deno.FileInfo {
  const stat = statBuffer();
  libc.fstat(fd, stat);
  return abi().decodeStat(stat);
}

/** What fstatat(2) tells of a name, by default of a symlink itself. */
export function statAt(fd: number, name: string, flags: number = libc.AT_SYMLINK_NOFOLLOW): Deno.FileInfo {
  const stat = statBuffer();
  libc.fstatat(fd, name, stat, flags);
  return abi().decodeStat(stat);
}
