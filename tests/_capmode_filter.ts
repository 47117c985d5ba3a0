/**
 * Refuses a process on Linux, by seccomp(2), what FreeBSD's capability mode refuses: to see what Deno's own calls come to.
 *
 * It is no capability mode: it looks at the numbers in a call, not at the paths. A call with a path is refused where it
 * starts from the working directory, which is how Deno makes all of its own.
 *
 * @module
 */

/** System calls of x86_64, refused whatever their arguments. */
const refused: Record<string, number> = {
  open: 2,
  stat: 4,
  lstat: 6,
  access: 21,
  connect: 42,
  bind: 49,
  execve: 59,
  truncate: 76,
  getcwd: 79,
  chdir: 80,
  rename: 82,
  mkdir: 83,
  rmdir: 84,
  creat: 85,
  link: 86,
  unlink: 87,
  symlink: 88,
  readlink: 89,
  chmod: 90,
  chown: 92,
  lchown: 94,
  sysinfo: 99,
  ptrace: 101,
  mknod: 133,
  statfs: 137,
  inotify_add_watch: 254,
  execveat: 322,
};

/** Those that are refused without a directory's descriptor. */
const refusedFromCwd: Record<string, number> = {
  openat: 257,
  mkdirat: 258,
  mknodat: 259,
  fchownat: 260,
  newfstatat: 262,
  unlinkat: 263,
  renameat: 264,
  linkat: 265,
  readlinkat: 267,
  fchmodat: 268,
  faccessat: 269,
  utimensat: 280,
  renameat2: 316,
  statx: 332,
  openat2: 437,
  faccessat2: 439,
};

const socket = 41, AF_NETLINK = 16, kill = 62, sendto = 44;
const AT_FDCWD = 0xffffff9c;
/** ECAPMODE of FreeBSD: a number that Deno takes for no error that it knows, on either system. */
const ECAPMODE = 94;
const ALLOW = 0x7fff0000, REFUSE = 0x00050000 | ECAPMODE;
const LOAD = 0x20, EQUAL = 0x15, RETURN = 0x06;
const number = 0, argument = (n: number) => 16 + 8 * n;

/** The `struct sock_filter`s: two bytes of code, one for each way of a jump, four of a value. */
function program(): Uint8Array<ArrayBuffer> {
  const steps: [code: number, yes: number, no: number, value: number][] = [[LOAD, 0, 0, number]];
  for (const call of Object.values(refused)) steps.push([EQUAL, 0, 1, call], [RETURN, 0, 0, REFUSE]);
  const refuseIf = (call: number, at: number, value: number, isRefused = true) =>
    steps.push(
      [EQUAL, 0, 4, call],
      [LOAD, 0, 0, argument(at)],
      [EQUAL, isRefused ? 0 : 1, isRefused ? 1 : 0, value],
      [RETURN, 0, 0, REFUSE],
      [RETURN, 0, 0, ALLOW],
    );
  for (const call of Object.values(refusedFromCwd)) refuseIf(call, 0, AT_FDCWD);
  refuseIf(socket, 0, AF_NETLINK);
  refuseIf(kill, 0, Deno.pid, false);
  refuseIf(sendto, 4, 0, false);
  steps.push([RETURN, 0, 0, ALLOW]);
  const bytes = new DataView(new ArrayBuffer(8 * steps.length));
  steps.forEach(([code, yes, no, value], i) => {
    bytes.setUint16(8 * i, code, true);
    bytes.setUint8(8 * i + 2, yes);
    bytes.setUint8(8 * i + 3, no);
    bytes.setUint32(8 * i + 4, value, true);
  });
  return new Uint8Array(bytes.buffer);
}

/** From here on this process, with all its threads and children, is refused these calls. */
export function refuse(): void {
  const { prctl, syscall } = Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
    syscall: { parameters: ["i64", "u32", "u32", "buffer"], result: "i64" },
  }).symbols;
  const steps = program(), pointer = Deno.UnsafePointer.value(Deno.UnsafePointer.of(steps));
  const filter = new BigUint64Array([BigInt(steps.length / 8), pointer]);
  const PR_SET_NO_NEW_PRIVS = 38, seccomp = 317n, SET_MODE_FILTER = 1, TSYNC = 1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw new Error("prctl() failed");
  if (syscall(seccomp, SET_MODE_FILTER, TSYNC, filter) !== 0n) throw new Error("seccomp() failed");
}
