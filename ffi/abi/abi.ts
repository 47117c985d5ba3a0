import { freebsd } from "./freebsd.ts";

/** What differs between the systems that the library runs on. */
export interface Abi {
  /** The absolute path of libc: a bare name would need `--allow-ffi` for everything. */
  readonly library: string;
  /** Name and text of each errno. */
  readonly errno: Readonly<Record<number, readonly [name: string, text: string]>>;
  /** Bytes of a `struct stat`. */
  readonly statSize: number;
  /** Reads a `struct stat`. */
  decodeStat(stat: Uint8Array): Deno.FileInfo;
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

/**
 * The ABI of this system.
 *
 * @throws {Deno.errors.NotSupported} On a system that the library has none for.
 */
export function abi(): Abi {
  if (Deno.build.os === "freebsd") return freebsd;
  throw new Deno.errors.NotSupported(
    `Capsicum is a part of FreeBSD and this system is ${Deno.build.os}: here only the sets of rights/ work. ` +
      `Call isSupported() first where a program shall also run elsewhere.`,
  );
}
