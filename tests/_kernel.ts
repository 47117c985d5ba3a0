/** Which kernel answers the library's calls: FreeBSD's own, or the stand-in. */
const { symbols } = Deno.dlopen("/lib/libc.so.7", {
  getosreldate: { parameters: [], result: "i32" },
  standin_release: { parameters: [], result: "i32", optional: true },
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
});

const osreldate = symbols.getosreldate();
const simulated = symbols.standin_release !== null;

export const kernel = {
  /** `__FreeBSD_version`, as 1501502 for a 15.1. */
  osreldate,
  major: Math.trunc(osreldate / 100_000),
  /** True where the stand-in answers, so that nobody takes it for a kernel. */
  simulated,
  name: simulated ? `simulated FreeBSD (${osreldate}), the stand-in` : `FreeBSD kernel (${osreldate})`,
};

const F_GETFD = 1;

/** The descriptors below 1024 that this process has open. */
export function openDescriptors(): number[] {
  const open: number[] = [];
  for (let fd = 0; fd < 1024; fd++) if (symbols.fcntl(fd, F_GETFD, 0n) !== -1) open.push(fd);
  return open;
}
