import type { Functions, Name } from "../_bind.ts";
import { freebsd } from "./freebsd.ts";

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

/** The entries of one read of a directory, without "." and "..". */
export interface DirectoryChunk {
  /** Names; a name that is not UTF-8 has each of its bytes 0x80 to 0xff as U+DC80 to U+DCFF. */
  readonly names: string[];
  /** The `d_type` of each name. */
  readonly types: Uint8Array;
}

// Loaded only where it is needed: its modules would make the start on FreeBSD slower.
const linux = Deno.build.os === "linux" ? (await import("./linux.ts")).linux : undefined;

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
  if (linux) return linux;
  throw new Deno.errors.NotSupported(
    `Capsicum is a part of FreeBSD, and the file API works there and on Linux; this system is ` +
      `${Deno.build.os}, where only the sets of rights/ work.`,
  );
}
