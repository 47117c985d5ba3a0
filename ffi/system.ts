import { type DirectoryChunk, freebsd } from "./freebsd/structs.ts";
import { linux } from "./linux/adapter.ts";
import type { Functions, Name } from "./symbols.ts";

/** The differences between the systems that the library runs on. */
export interface Abi {
  /** Whether descriptors have rights on this system. */
  readonly hasCapsicum: boolean;
  /** Whether the kernel honours O_RESOLVE_BENEATH; left out if that depends on the directory. */
  confinesLookups?(): boolean;
  /** The absolute path of a libc with FreeBSD's functions: a bare name would need `--allow-ffi` for everything. */
  readonly library?: string;
  /** Other paths of libc; one of them is enough. */
  readonly places?: readonly string[];
  /** Returns the replacement for a FreeBSD function, on a system without FreeBSD's libc. It reads errno by itself. */
  bind?<N extends Name>(name: N): Functions[N];
  /** Name and text of each errno. */
  readonly errno: Readonly<Record<number, readonly [name: string, text: string]>>;
  /** Bytes of a `struct stat`. */
  readonly statSize: number;
  /** Reads the file type and the mode from a `struct stat`. */
  decodeMode(stat: Uint8Array): number;
  /** Reads a `struct stat`. */
  decodeStat(stat: Uint8Array): Deno.FileInfo;
  /** The exact device and inode number of a `struct stat`: two files are the same if these strings are equal. */
  decodeIdentity(stat: Uint8Array): string;
  /** Whether a file has an access control list beyond its mode; left out on FreeBSD, where this is unknown. */
  hasAcl?(fd: number): boolean;
  /** Decodes the first `length` bytes of a buffer with directory entries, and overwrites the buffer. */
  decodeDirectory(buffer: Uint8Array, length: number): DirectoryChunk;
}

let known: Abi | undefined;

/**
 * The ABI of this system.
 *
 * @throws {Deno.errors.NotSupported} If the library does not support the system.
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
