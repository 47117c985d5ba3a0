import { glibc, type Memory } from "./linux_libc.ts";

/** From so many bytes on, memory of malloc(3) is a mapping of its own, and no other memory gets what is asked for it. */
export const LARGE: bigint = 32n * 1024n * 1024n;
/** The largest page of a kernel, at one of which the memory must begin: that of some for arm64. */
const PAGE = 64 * 1024;
const MADV_HUGEPAGE = 14;

let madvise: ReturnType<typeof glibc<"madvise">> | undefined;
let memset: ReturnType<typeof glibc<"memset">> | undefined;

/**
 * Lets the kernel give fresh memory in pages of 2 MiB when a call fills it: of 4 KiB each, giving it takes longer than
 * filling it.
 *
 * It is a hint: where it is refused, the call does the same.
 */
export function hintHugePages(memory: Memory): void {
  const bytes = memory as Uint8Array<ArrayBuffer>;
  // Fills no bytes, and tells where they are.
  const address = (memset ??= glibc("memset"))(bytes, 0, 0n);
  const before = Number(-address & BigInt(PAGE - 1));
  const length = Math.floor((bytes.length - before) / PAGE) * PAGE;
  (madvise ??= glibc("madvise"))(bytes.subarray(before), BigInt(length), MADV_HUGEPAGE);
}
