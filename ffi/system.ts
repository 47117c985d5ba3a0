import * as freebsd from "./freebsd/structs.ts";
import type { DirectoryChunk } from "./freebsd/structs.ts";
import { type Functions, hasCapsicum, internal, isBound, library, type Name, rawFreebsd } from "./symbols.ts";
import { hasOpenat2 } from "./linux/beneath.ts";
import { rawLinux, readPipe, writePipe } from "./linux/calls.ts";
import { places } from "./linux/glibc.ts";
import * as linux from "./linux/structs.ts";

const { bound, thread, bindFreebsd, bindReplacement } = rawFreebsd();
const { linuxCall } = rawLinux();

/** The differences between the systems that the library runs on. */
export interface Abi {
  /** Whether the kernel honours O_RESOLVE_BENEATH; left out if that depends on the directory. */
  confinesLookups?(): boolean;
  /** The paths of libc; one of them is enough. */
  readonly places: readonly string[];
  /** Bytes of a `struct stat`. */
  readonly statSize: number;
  /** Reads a `struct stat`. */
  decodeStat(stat: Uint8Array): Deno.FileInfo;
  /** The exact device and inode number of a `struct stat`: two files are the same if these strings are equal. */
  decodeIdentity(stat: Uint8Array): string;
  /** Whether a file has an access control list beyond its mode; left out on FreeBSD, where this is unknown. */
  hasAcl?(fd: number): boolean;
  /**
   * read(2) and write(2) that never wait, for a pipe without O_NONBLOCK: the number of bytes, undefined if the call would
   * have to wait, or -1 if the kernel can't do this or the call fails; left out on FreeBSD, which has no such calls.
   */
  readPipe?(fd: number, bytes: Uint8Array): number | undefined;
  writePipe?(fd: number, bytes: Uint8Array): number | undefined;
  /** Decodes the first `length` bytes of a buffer with directory entries, and overwrites the buffer. */
  decodeDirectory(buffer: Uint8Array, length: number): DirectoryChunk;
}

const { freeze } = Object;
let known: Abi | undefined;

/**
 * The ABI of this system.
 *
 * @throws {Deno.errors.NotSupported} If the library does not support the system.
 */
export function abi(): Abi {
  return known ??= freeze(hasCapsicum() ? ofFreebsd() : ofLinux());
}

/** FreeBSD 13, 14 and 15 on amd64 and arm64, which share every number and offset. */
function ofFreebsd(): Abi {
  return { ...freebsd, places: [library] };
}

/** Linux on x86_64 and arm64 with glibc, adapted to the functions, flags and semantics of FreeBSD. No Capsicum. */
function ofLinux(): Abi {
  return {
    ...linux,
    places: places[Deno.build.arch] ?? [],
    confinesLookups: hasOpenat2,
    readPipe,
    writePipe,
  };
}

/** Binds one function of FreeBSD at its first use, or its replacement. */
function bind<N extends Name>(name: N): Functions[N] {
  return hasCapsicum() ? bindFreebsd(name) : bindReplacement(name, linuxCall(name));
}

/** The functions of C on this system, for the modules of ffi/. */
export const rawCalls = internal({ bound, thread, bind });

/** Whether a function of libc can be called without a prompt and without `NotCapable`; false on other systems. */
export function mayCall(): boolean {
  if (Deno.build.os !== "freebsd" && Deno.build.os !== "linux") return false;
  return isBound() ||
    abi().places.some((path) =>
      Deno.permissions.querySync(path.startsWith("/") ? { name: "ffi", path } : { name: "ffi" }).state ===
        "granted"
    );
}
