import { places } from "../ffi/linux/glibc.ts";

/** Which kernel answers the library's calls: FreeBSD's own, the stand-in, or Linux's without Capsicum. */
const isNative = Deno.build.os === "linux";
const { symbols } = firstOf(
  isNative ? places[Deno.build.arch] ?? [] : ["/lib/libc.so.7"],
  (path) =>
    Deno.dlopen(path, {
      getosreldate: { parameters: [], result: "i32", optional: true },
      standin_release: { parameters: [], result: "i32", optional: true },
      fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
    }),
);

function firstOf<T>(paths: readonly string[], open: (path: string) => T): T {
  const failures: unknown[] = [];
  for (const path of paths) {
    try {
      return open(path);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `No libc could be opened: ${failures.join("; ")}`);
}

const osreldate = symbols.getosreldate?.() ?? 0;
const simulated = symbols.standin_release !== null;

export const kernel = {
  /** `__FreeBSD_version`, as 1501502 for a 15.1; 0 on Linux. */
  osreldate,
  major: Math.trunc(osreldate / 100_000),
  /** Whether the stand-in answers instead of a FreeBSD kernel. */
  simulated,
  hasCapsicum: !isNative,
  /** Needs the permission to ask for the system's release, where it is not simulated. */
  get name(): string {
    if (simulated) return `simulated FreeBSD (${osreldate}), the stand-in, on Linux`;
    return isNative
      ? `Linux ${Deno.osRelease()}, natively (no Capsicum)`
      : `FreeBSD ${Deno.osRelease()} (${osreldate})`;
  },
};

/** Whether the kernel has renameat2(2), which FreeBSD has since 15.1. */
export const hasRenameat2: boolean = !kernel.hasCapsicum || osreldate >= 1_501_000;

/** The reason to skip a test that needs Capsicum; false if there is Capsicum. */
export const needsCapsicum: string | false = kernel.hasCapsicum
  ? false
  : "needs Capsicum: FreeBSD, or the stand-in";

const F_GETFD = 1;

/** Whether this process has the descriptor open. */
export function isOpen(fd: number): boolean {
  return symbols.fcntl(fd, F_GETFD, 0n) !== -1;
}

/** The descriptors below 1024 that this process has open. */
export function openDescriptors(): number[] {
  return Array.from({ length: 1024 }, (_, fd) => fd).filter(isOpen);
}
