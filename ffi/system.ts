import { type DirectoryChunk, freebsd } from "./freebsd/structs.ts";
import { linux } from "./linux/adapter.ts";
import type { Functions, Name } from "./symbols.ts";

/** What differs between the systems that the library runs on. */
export interface Abi {
  /** Whether descriptors have rights here. */
  readonly hasCapsicum: boolean;
  /** Whether the kernel keeps lookups beneath a directory when asked to; where it depends on the directory, it is left out. */
  confinesLookups?(): boolean;
  /** The absolute path of a libc with FreeBSD's functions: a bare name would need `--allow-ffi` for everything. */
  readonly library?: string;
  /** Where else libc may be; any one of these is enough. */
  readonly places?: readonly string[];
  /** Gives the function that stands for one of FreeBSD's, where there is no such libc. It reads errno by itself. */
  bind?<N extends Name>(name: N): Functions[N];
  /** Name and text of each errno. */
  readonly errno: Readonly<Record<number, readonly [name: string, text: string]>>;
  /** Bytes of a `struct stat`. */
  readonly statSize: number;
  /** Reads the file type and the mode from a `struct stat`. */
  decodeMode(stat: Uint8Array): number;
  /** Reads a `struct stat`. */
  decodeStat(stat: Uint8Array): Deno.FileInfo;
  /** Device and inode number of a `struct stat`, exactly: two files are the same if these strings are equal. */
  decodeIdentity(stat: Uint8Array): string;
  /** Whether a file has an access control list beyond its mode; it is not known of FreeBSD's. */
  hasAcl?(fd: number): boolean;
  /** Reads the first `length` bytes of a buffer that a directory was read into, which it overwrites. */
  decodeDirectory(buffer: Uint8Array, length: number): DirectoryChunk;
}

let known: Abi | undefined;

/**
 * The ABI of this system.
 *
 * @throws {Deno.errors.NotSupported} On a system that the library has none for.
 */
export function abi(): Abi {
  return known ??= find();
}

function find(): Abi {
  if (Deno.build.os === "freebsd") return freebsd;
  if (Deno.build.os === "linux") return linux;
  throw new Deno.errors.NotSupported(
    `Capsicum is a part of FreeBSD, and the file API works there and on Linux; this system is ` +
      `${Deno.build.os}, where only the sets of rights/ work.`,
  );
}
