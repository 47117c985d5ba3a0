import { abi } from "../../../ffi/system.ts";
import * as libc from "../../../ffi/libc/mod.ts";

let buffer: Uint8Array<ArrayBuffer> | undefined;

/** A `struct stat` that the next call overwrites. */
export function statBuffer(): Uint8Array<ArrayBuffer> {
  return buffer ??= new Uint8Array(abi().statSize);
}

/** The result of fstat(2) for a descriptor. */
export function statOf(fd: number): Deno.FileInfo {
  const stat = statBuffer();
  libc.fstat(fd, stat);
  return abi().decodeStat(stat);
}

/** The device and inode number of a file as one string. Descriptors of the same file have equal strings. */
export function identityOf(fd: number): string {
  const stat = statBuffer();
  libc.fstat(fd, stat);
  return abi().decodeIdentity(stat);
}

/** The part of an identity that is the same for all files of a file system. */
export function deviceOf(identity: string): string {
  return identity.slice(0, identity.lastIndexOf(":"));
}

/** The result of one fstat(2) for a descriptor, with the identity of the file. */
export function identifiedOf(fd: number): Identified {
  const info = statOf(fd);
  return { info, identity: abi().decodeIdentity(statBuffer()) };
}

/** The result of one fstatat(2) for a name, with the identity of the file. A symlink is not followed. */
export function identifiedAt(fd: number, name: string): Identified {
  const info = statAt(fd, name);
  return { info, identity: abi().decodeIdentity(statBuffer()) };
}

/** The attributes of a file, and its identity: `FileInfo.ino` is null if a number can't hold it. */
export interface Identified {
  readonly info: Deno.FileInfo;
  readonly identity: string;
}

/** The result of fstatat(2) for a name; by default a symlink is not followed. */
export function statAt(fd: number, name: string, flags: number = libc.AT_SYMLINK_NOFOLLOW): Deno.FileInfo {
  const stat = statBuffer();
  libc.fstatat(fd, name, stat, flags);
  return abi().decodeStat(stat);
}

/** The result of fstatat(2) for a name; undefined if it does not exist. A symlink is not followed. */
export function statIfThere(fd: number, name: string): Deno.FileInfo | undefined {
  return identifiedIfThere(fd, name)?.info;
}

/** The same with the identity of the file; undefined if the name does not exist. A symlink is not followed. */
export function identifiedIfThere(fd: number, name: string): Identified | undefined {
  try {
    return identifiedAt(fd, name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
