import { abi } from "../../../ffi/system.ts";
import * as libc from "../../../ffi/libc/mod.ts";

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

/** A file's device and inode number as one string: two descriptors are of one file if theirs are equal. */
export function identityOf(fd: number): string {
  const stat = statBuffer();
  libc.fstat(fd, stat);
  return abi().decodeIdentity(stat);
}

/** The part of an identity that files of one file system have in common. */
export function deviceOf(identity: string): string {
  return identity.slice(0, identity.lastIndexOf(":"));
}

/** What one fstat(2) tells of a descriptor, with the file's identity. */
export function identifiedOf(fd: number): Identified {
  const info = statOf(fd);
  return { info, identity: abi().decodeIdentity(statBuffer()) };
}

/** What one fstatat(2) tells of a name, a symlink itself, with the file's identity. */
export function identifiedAt(fd: number, name: string): Identified {
  const info = statAt(fd, name);
  return { info, identity: abi().decodeIdentity(statBuffer()) };
}

/** What is known of a file, and its identity: `FileInfo.ino` is null where a number can't hold it. */
export interface Identified {
  readonly info: Deno.FileInfo;
  readonly identity: string;
}

/** What fstatat(2) tells of a name, by default of a symlink itself. */
export function statAt(fd: number, name: string, flags: number = libc.AT_SYMLINK_NOFOLLOW): Deno.FileInfo {
  const stat = statBuffer();
  libc.fstatat(fd, name, stat, flags);
  return abi().decodeStat(stat);
}

/** What fstatat(2) tells of a name, a symlink itself; undefined if there is nothing. */
export function statIfThere(fd: number, name: string): Deno.FileInfo | undefined {
  return identifiedIfThere(fd, name)?.info;
}

/** What fstatat(2) tells of a name, a symlink itself, with the file's identity; undefined if there is nothing. */
export function identifiedIfThere(fd: number, name: string): Identified | undefined {
  try {
    return identifiedAt(fd, name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
