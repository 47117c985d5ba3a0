/**
 * Builds the seccomp(2) filter: the verdict on each system call, and the BPF program.
 *
 * A call that is not listed as permitted is refused. The numbers are those of asm/unistd_64.h (x86_64) and asm-generic/unistd.h
 * (arm64), Linux 6.1. Calls added later fail with ENOSYS, so that libc falls back to older ones.
 *
 * @module
 */
import type { Fcntls } from "../../../rights/fcntls.ts";
import { Ioctl, type Ioctls } from "../../../rights/ioctls.ts";
import type { Rights } from "../../../rights/rights.ts";
import { needs, type Operation } from "../../capsicum/needs.ts";
import { ENOSYS, EPERM } from "../constants.ts";
import { QUESTION } from "../glibc.ts";

/**
 * A verdict on a call. "if": permitted with certain arguments. "beneath": permitted only below a directory. "right": permitted
 * if an entry of the plan has the right that the call needs. "missing": fails with ENOSYS.
 */
type Verdict = "permit" | "if" | "beneath" | "right" | "missing" | "refuse";

/** Each group: a verdict, its reason, and the calls, each with its number on x86_64 and on arm64; "-" if it has none. */
const groups: readonly (readonly [verdict: Verdict, reason: string, calls: string])[] = [
  [
    "permit",
    "Read, write and examine open files.",
    `
    read 0 63, readv 19 65, pread64 17 67, preadv 295 69, preadv2 327 286, write 1 64, writev 20 66,
    pwrite64 18 68, pwritev 296 70, pwritev2 328 287, lseek 8 62, fstat 5 80, fstatfs 138 44,
    getdents 78 -, getdents64 217 61, ftruncate 77 46, fallocate 285 47, fadvise64 221 223,
    readahead 187 213, fsync 74 82, fdatasync 75 83, sync_file_range 277 84, flock 73 32, fgetxattr 193 10, flistxattr 196 13, copy_file_range 326 285, sendfile 40 71,
    splice 275 76, tee 276 77, vmsplice 278 75`,
  ],
  [
    "permit",
    "Create, duplicate and close descriptors without a name.",
    `
    dup 32 23, dup2 33 -, dup3 292 24, close 3 57, close_range 436 436, pipe 22 -, pipe2 293 59,
    eventfd 284 -, eventfd2 290 19, signalfd 282 -, signalfd4 289 74, timerfd_create 283 85,
    timerfd_settime 286 86, timerfd_gettime 287 87, memfd_create 319 279, inotify_init 253 -,
    inotify_init1 294 26, inotify_rm_watch 255 28`,
  ],
  [
    "permit",
    "Wait for events.",
    `
    poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -, epoll_create1 291 20,
    epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441`,
  ],
  [
    "permit",
    "Act on open sockets, without an address.",
    `
    accept 43 202, accept4 288 242, recvfrom 45 207, recvmsg 47 212, recvmmsg 299 243,
    getsockname 51 204, getpeername 52 205, getsockopt 55 209, shutdown 48 210`,
  ],
  [
    "permit",
    "Act on the process's own memory.",
    `
    mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, madvise 28 233, msync 26 227,
    mincore 27 232, brk 12 214, mlock 149 228, mlock2 325 284, munlock 150 229, mlockall 151 230,
    munlockall 152 231, pkey_mprotect 329 288, pkey_alloc 330 289, pkey_free 331 290, membarrier 324 283`,
  ],
  [
    "permit",
    "Act on threads of this process.",
    `
    futex 202 98, futex_waitv 449 449, set_robust_list 273 99, set_tid_address 218 96, rseq 334 293,
    sched_yield 24 124, sched_getaffinity 204 123, sched_getscheduler 145 120, sched_getparam 143 121,
    sched_get_priority_max 146 125, sched_get_priority_min 147 126, sched_rr_get_interval 148 127,
    getcpu 309 168, exit 60 93, exit_group 231 94, restart_syscall 219 128`,
  ],
  [
    "permit",
    "Act on signals and timers of this process.",
    `
    rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigsuspend 130 133,
    rt_sigpending 127 136, rt_sigtimedwait 128 137, sigaltstack 131 132, pause 34 -, alarm 37 -,
    getitimer 36 102, setitimer 38 103, timer_create 222 107, timer_settime 223 110,
    timer_gettime 224 108, timer_getoverrun 225 109, timer_delete 226 111, nanosleep 35 101,
    clock_nanosleep 230 115`,
  ],
  [
    "permit",
    "Return the time, and the limits and ids of this process.",
    `
    clock_gettime 228 113, clock_getres 229 114, gettimeofday 96 169, time 201 -, times 100 153,
    getrandom 318 278, getpid 39 172, gettid 186 178, getppid 110 173, getpgrp 111 -, getuid 102 174,
    geteuid 107 175, getgid 104 176, getegid 108 177, getresuid 118 148, getresgid 120 150,
    getgroups 115 158, getrusage 98 165, getrlimit 97 163, setrlimit 160 164, umask 95 166,
    uname 63 160, sysinfo 99 179, capget 125 90`,
  ],
  [
    "permit",
    "Wait for children of this process.",
    `
    wait4 61 260, waitid 247 95`,
  ],
  [
    "if",
    "Permitted with certain arguments.",
    `
    fcntl 72 25, ioctl 16 29, socket 41 198, socketpair 53 199, setsockopt 54 208, sendto 44 206,
    kill 62 129, tgkill 234 131, prctl 157 167, prlimit64 302 261, clone 56 220,
    newfstatat 262 79, statx 332 291`,
  ],
  [
    "beneath",
    "Permitted below a directory's descriptor: Landlock checks the path. AT_FDCWD and other negative numbers are refused.",
    `
    openat 257 56, openat2 437 437, mkdirat 258 34, mknodat 259 33, unlinkat 263 35, symlinkat 266 36,
    renameat 264 38, renameat2 316 276, linkat 265 37, readlinkat 267 78, faccessat 269 48,
    faccessat2 439 439`,
  ],
  [
    "right",
    "Landlock does not check this call. It is permitted on all descriptors if an entry has its right, else on none.",
    `
    fchmod 91 52, fchown 93 55, utimensat 280 88`,
  ],
  [
    "missing",
    "After ENOSYS, libc calls clone(), whose flags the filter can check.",
    `
    clone3 435 435`,
  ],
  [
    "refuse",
    "Takes a path from the root or the working directory.",
    `
    open 2 -, creat 85 -, stat 4 -, lstat 6 -, access 21 -, truncate 76 45, rename 82 -, mkdir 83 -,
    rmdir 84 -, link 86 -, unlink 87 -, symlink 88 -, readlink 89 -, chmod 90 -, chown 92 -,
    lchown 94 -, mknod 133 -, utime 132 -, utimes 235 -, statfs 137 43, setxattr 188 5, lsetxattr 189 6,
    getxattr 191 8, lgetxattr 192 9, listxattr 194 11, llistxattr 195 12, removexattr 197 14,
    lremovexattr 198 15, uselib 134 -, acct 163 89, chdir 80 49, fchdir 81 50, getcwd 79 17,
    inotify_add_watch 254 27, fanotify_init 300 262, fanotify_mark 301 263, name_to_handle_at 303 264,
    open_by_handle_at 304 265, lookup_dcookie 212 18`,
  ],
  [
    "refuse",
    "Landlock does not check this call, so it could use an absolute path. Use fchmod(), fchown() and futimens().",
    `
    fchmodat 268 53, fchownat 260 54, futimesat 261 -, fsetxattr 190 7, fremovexattr 199 16`,
  ],
  [
    "refuse",
    "Starts a program or a process.",
    `
    execve 59 221, execveat 322 281, fork 57 -, vfork 58 -`,
  ],
  [
    "refuse",
    "Takes an address, or a pointer to one.",
    `
    bind 49 200, connect 42 203, listen 50 201, sendmsg 46 211, sendmmsg 307 269`,
  ],
  [
    "refuse",
    "Acts on another process, or on one whose process id was reused.",
    `
    tkill 200 130, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, pidfd_open 434 434,
    pidfd_getfd 438 438, pidfd_send_signal 424 424, process_vm_readv 310 270, process_vm_writev 311 271,
    process_madvise 440 440, process_mrelease 448 448, ptrace 101 117, kcmp 312 272,
    get_robust_list 274 100, getpgid 121 155, setpgid 109 154, getsid 124 156, setsid 112 157,
    getpriority 140 141, setpriority 141 140, sched_setscheduler 144 119, sched_setparam 142 118,
    sched_setattr 314 274, sched_getattr 315 275, sched_setaffinity 203 122, ioprio_set 251 30,
    ioprio_get 252 31, migrate_pages 256 238, move_pages 279 239`,
  ],
  [
    "refuse",
    "Queues calls that the filter does not see.",
    `
    io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, io_setup 206 0,
    io_destroy 207 1, io_submit 209 2, io_cancel 210 3, io_getevents 208 4, io_pgetevents 333 292`,
  ],
  [
    "refuse",
    "Changes namespaces or mounts.",
    `
    unshare 272 97, setns 308 268, mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51,
    open_tree 428 428, move_mount 429 429, fsopen 430 430, fsconfig 431 431, fsmount 432 432,
    fspick 433 433, mount_setattr 442 442, quotactl 179 60, quotactl_fd 443 443, swapon 167 224,
    swapoff 168 225, sysfs 139 -, ustat 136 -`,
  ],
  [
    "refuse",
    "Takes a name or a key for interprocess communication.",
    `
    shmget 29 194, shmat 30 196, shmctl 31 195, shmdt 67 197, semget 64 190, semop 65 193,
    semctl 66 191, semtimedop 220 192, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187,
    mq_open 240 180, mq_unlink 241 181, mq_timedsend 242 182, mq_timedreceive 243 183,
    mq_notify 244 184, mq_getsetattr 245 185, add_key 248 217, request_key 249 218, keyctl 250 219`,
  ],
  [
    "refuse",
    "Changes the kernel, by modules, tracing or BPF programs.",
    `
    init_module 175 105, finit_module 313 273, delete_module 176 106, create_module 174 -,
    get_kernel_syms 177 -, query_module 178 -, bpf 321 280, perf_event_open 298 241,
    userfaultfd 323 282, kexec_load 246 104, kexec_file_load 320 294, syslog 103 116, reboot 169 142,
    nfsservctl 180 42, vserver 236 -`,
  ],
  [
    "refuse",
    "Changes the clock, the name or the hardware of the machine.",
    `
    settimeofday 164 170, clock_settime 227 112, adjtimex 159 171, clock_adjtime 305 266,
    sethostname 170 161, setdomainname 171 162, iopl 172 -, ioperm 173 -, modify_ldt 154 -,
    vhangup 153 58, _sysctl 156 -, sync 162 81, syncfs 306 267`,
  ],
  [
    "refuse",
    "Changes the user, groups or privileges of the process.",
    `
    setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147,
    setresgid 119 149, setfsuid 122 151, setfsgid 123 152, setgroups 116 159, capset 126 91,
    personality 135 92`,
  ],
  [
    "refuse",
    "Changes the sandbox.",
    `
    seccomp 317 277, landlock_create_ruleset 444 444, landlock_add_rule 445 445,
    landlock_restrict_self 446 446`,
  ],
  [
    "refuse",
    "Not needed by Deno or this library.",
    `
    arch_prctl 158 -, set_thread_area 205 -, get_thread_area 211 -, remap_file_pages 216 234,
     memfd_secret 447 447, mbind 237 235, set_mempolicy 238 237, get_mempolicy 239 236,
    set_mempolicy_home_node 450 450, epoll_ctl_old 214 -, epoll_wait_old 215 -, getpmsg 181 -,
    putpmsg 182 -, afs_syscall 183 -, tuxcall 184 -, security 185 -`,
  ],
];

/** A condition on one argument of a call. */
interface Check {
  /** The first arguments for which the condition holds. Default: all. */
  readonly of?: readonly number[];
  readonly arg: number;
  readonly mask?: number;
  /** Whether the upper 32 bits must be 0. Default: they are ignored. */
  readonly wide?: boolean;
  readonly is?: readonly number[];
  readonly not?: readonly number[];
}

/** A call, with its number on this machine. */
export interface Row {
  readonly name: string;
  readonly number: number;
  readonly verdict: "permit" | "if" | "missing" | "refuse";
  readonly reason: string;
  readonly checks: readonly Check[];
}

/** The options of the filter. */
export interface FilterOptions {
  /** The process that may be signalled: this one. */
  readonly pid: number;
  /** Whether calls may take a path below a descriptor. */
  readonly hasDirs: boolean;
  /** The rights that at least one entry of the plan has. */
  readonly rights: Rights;
  readonly limits?: readonly DescriptorLimit[];
  /** The connected socket by which descriptors may be passed to the process at its other end. Default: none. */
  readonly passing?: number | undefined;
  /** Whether sockets may connect and listen at any address. Default: false. */
  readonly network?: boolean | undefined;
}

/** The limits of open descriptors, by number. These descriptors cannot be closed, nor, by default, duplicated. */
export interface DescriptorLimit {
  readonly fds: readonly number[];
  /** Whether they can be duplicated. A duplicate has no limits, which is harmless for one end of a pipe. Default: false. */
  readonly mayBeDuplicated?: boolean;
  /**
   * Whether the descriptors are open only for reading or only for writing. Default: for both. The kernel itself refuses the other
   * use, so the filter omits it: a verdict on read(2) or write(2) without conditions costs nothing.
   */
  readonly openFor?: "read" | "write" | undefined;
  readonly rights: Rights;
  /** Default: all that the filter permits. */
  readonly ioctls?: Ioctls;
  readonly fcntls?: Fcntls;
}

const NULL = { wide: true, is: [0] } as const;
const NEGATIVE = 0x80000000;
const numbersFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);
const aDirectory = (arg: number): Check => ({ arg, mask: NEGATIVE, is: [0] });

/** The conditions of the calls that are permitted only with certain arguments, each with its reason. */
function conditionsOf({ pid, hasDirs }: FilterOptions): Record<string, [reason: string, ...Check[]]> {
  const CLONE_VM = 0x100, CLONE_SIGHAND = 0x800, CLONE_PTRACE = 0x2000, CLONE_THREAD = 0x10000;
  // CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of linux/sched.h.
  const namespaces = 0x7e020080, thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
  const stat: [string, Check] = hasDirs
    ? [
      "Below a descriptor. Landlock does not check the path, so native code can read any file's attributes.",
      aDirectory(0),
    ]
    : ["On a descriptor without a path.", { arg: 1, ...NULL }];
  return {
    // F_DUPFD to F_SETLKW, F_GETOWN, F_OFD_*, F_DUPFD_CLOEXEC, F_SETPIPE_SZ to F_GET_SEALS.
    fcntl: ["Except F_SETOWN, F_SETSIG, F_SETLEASE and F_NOTIFY, which signal other processes.", {
      arg: 1,
      is: [0, 1, 2, 3, 4, 5, 6, 7, 9, 36, 37, 38, 1030, 1031, 1032, 1033, 1034],
    }],
    // TCGETS to TCSETSF, TIOCGPGRP, TIOCOUTQ, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, TCGETS2 to TCSETSF2,
    // FICLONE, FICLONERANGE.
    ioctl: ["Terminal attributes, sizes and copies of files. Refused: TIOCSTI, TIOCLINUX and FIOSETOWN.", {
      arg: 1,
      is: [
        ...[0x5401, 0x5402, 0x5403, 0x5404, 0x540f, 0x5411, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451],
        ...[0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d, 0x40049409, 0x4020940d],
      ],
    }],
    // AF_UNIX, AF_INET, AF_INET6; SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET; IPPROTO_TCP, IPPROTO_UDP.
    socket: [
      "Local and Internet sockets, which cannot connect or bind. Refused: other families, such as netlink and packet.",
      {
        arg: 0,
        is: [1, 2, 10],
      },
      { arg: 1, mask: 0xf, is: [1, 2, 5] },
      { arg: 2, is: [0, 6, 17] },
    ],
    socketpair: ["Local sockets that are connected to each other.", { arg: 0, is: [1] }],
    // Levels SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6; SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_*. Of
    // netfilter: IPT_SO_SET_* and IP6T_SO_SET_*, ARPT_SO_SET_*, EBT_SO_SET_*, IP_VS_SO_SET_*.
    setsockopt: ["Options of the socket, IP and TCP. Refused: BPF programs and firewall rules.", {
      arg: 0x1,
      is: [0, 1, 6, 41],
    }, {
      arg: 2,
      not: [
        26,
        50,
        51,
        52,
        ...numbersFrom(64, 4),
        ...numbersFrom(96, 4),
        ...numbersFrom(128, 4),
        ...numbersFrom(1152, 16),
      ],
    }],
    sendto: ["Without an address.", { arg: 4, ...NULL }],
    kill: ["This process.", { arg: 0, is: [pid] }],
    tgkill: ["Threads of this process.", { arg: 0, is: [pid] }],
    // PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_SET_VMA.
    prctl: ["Names of threads and memory.", { arg: 0, is: [15, 16, 21, 39, 0x53564d41] }],
    prlimit64: ["This process.", { arg: 0, is: [0, pid] }],
    clone: [
      "Threads only: another process could outlive this one, and signal the next owner of its number.",
      {
        arg: 0,
        mask: thread | namespaces | CLONE_PTRACE,
        is: [thread],
      },
    ],
    newfstatat: stat,
    statx: stat,
  };
}

/** The arguments that are directories, if not only the first one is. */
const directoryArguments: Readonly<Record<string, readonly number[]>> = {
  symlinkat: [1],
  renameat: [0, 2],
  renameat2: [0, 2],
  linkat: [0, 2],
};

/** The arguments of a call that are descriptors, each with the FreeBSD call whose rights it needs; null: refused if limited. */
function descriptorsOf(name: string): readonly (readonly [arg: number, operation: Operation | null])[] {
  const first = {
    ...{
      readv: "readv",
      pread64: "pread",
      preadv: "preadv",
      preadv2: "preadv",
      readahead: "read",
      read: "read",
    },
    ...{ write: "write", writev: "writev", pwrite64: "pwrite", pwritev: "pwritev", pwritev2: "pwritev" },
    ...{ lseek: "lseek", fstat: "fstat", newfstatat: "fstat", statx: "fstat", fstatfs: "fstatfs" },
    ...{ getdents: "getdirentries", getdents64: "getdirentries", ftruncate: "ftruncate" },
    ...{ fallocate: "posix_fallocate", fsync: "fsync", fdatasync: "fsync", sync_file_range: "fsync" },
    ...{ flock: "flock", fchmod: "fchmod", fchown: "fchown", utimensat: "futimens" },
    ...{ fgetxattr: "extattr_get_fd", flistxattr: "extattr_list_fd", close: null, dup: null, vmsplice: null },
    ...{ accept: "accept", accept4: "accept", recvfrom: "recv", recvmsg: "recvmsg", recvmmsg: "recvmsg" },
    ...{ getsockname: "getsockname", getpeername: "getpeername", getsockopt: "getsockopt" },
    ...{ setsockopt: "setsockopt", shutdown: "shutdown", sendto: "send" },
  } as const satisfies Record<string, Operation | null>;
  if (Object.hasOwn(first, name)) return [[0, first[name as keyof typeof first]]];
  switch (name) {
    case "copy_file_range":
    case "splice":
      return [[0, "read"], [2, "write"]];
    case "tee":
      return [[0, "read"], [1, "write"]];
    case "sendfile":
      return [[0, "write"], [1, "read"]];
    case "dup2":
    case "dup3":
      return [[0, null], [1, null]];
    case "mmap":
      return [[4, "mmap"]];
    case "epoll_ctl":
      return [[2, "kevent ident"]];
    default:
      return [];
  }
}

/** The Linux requests for those of FreeBSD: asm-generic/ioctls.h. */
function requestsOf(ioctls: Ioctls): number[] {
  const requests: [bigint, number[]][] = [
    [Ioctl.TIOCGETA, [0x5401, 0x802c542a]],
    [Ioctl.TIOCSETA, [0x5402, 0x402c542b]],
    [Ioctl.TIOCSETAW, [0x5403, 0x402c542c]],
    [Ioctl.TIOCSETAF, [0x5404, 0x402c542d]],
    [Ioctl.TIOCGWINSZ, [0x5413]],
    [Ioctl.FIONREAD, [0x541b]],
    [Ioctl.FIONBIO, [0x5421]],
  ];
  return requests.flatMap(([request, numbers]) => ioctls.has(request) ? numbers : []);
}

/** The conditions of a call that follow from the limits of descriptors. */
function limiting(name: string, limits: readonly DescriptorLimit[]): Check[] {
  if (limits.length === 0) return [];
  if (name === "fcntl") return permittedOnly(limits.map((limit) => [limit.fds, commandsOf(limit)]));
  if (name === "ioctl") {
    const requests = limits.flatMap((limit): [readonly number[], number[]][] => {
      const permitted = permittedRequests(limit);
      return permitted === undefined ? [] : [[limit.fds, permitted]];
    });
    // FICLONE and FICLONERANGE read a descriptor that is not the first argument.
    return [...permittedOnly(requests), { arg: 1, not: [0x40049409, 0x4020940d] }];
  }
  if (isBeneath(name)) {
    const fds = limits.flatMap(({ fds, rights }) => rights.has("LOOKUP") ? [] : fds);
    return fds.length === 0 ? [] : (directoryArguments[name] ?? [0]).map((arg) => ({ arg, not: fds }));
  }
  return descriptorsOf(name).flatMap(([arg, operation]) => {
    const fds = limits.flatMap((limit) => {
      // vmsplice(2) reads or writes, depending on how the pipe is open.
      const isOneWay = limit.mayBeDuplicated && arg === 0 && /^dup|^vmsplice$/.test(name);
      return isOneWay || may(limit, operation) ? [] : limit.fds;
    });
    return fds.length === 0 ? [] : [{ arg, not: fds }];
  });
}

function may({ rights, openFor }: DescriptorLimit, operation: Operation | null): boolean {
  if (operation === null) return false;
  const isRefused = openFor !== undefined &&
    transfers[openFor === "read" ? "write" : "read"].includes(operation);
  return isRefused || rights.isSupersetOf(needs[operation]);
}

/** The calls that fail with EBADF unless a descriptor is open for this use. */
const transfers: Readonly<Record<"read" | "write", readonly Operation[]>> = {
  read: ["read", "readv", "pread", "preadv"],
  write: ["write", "writev", "pwrite", "pwritev"],
};

/** The commands of fcntl(2) that a limit permits. */
function commandsOf(limit: DescriptorLimit): number[] {
  const locks = may(limit, "flock") ? [5, 6, 7, 36, 37, 38] : [];
  const status = may(limit, "fcntl") ? [[3, "GETFL"], [4, "SETFL"], [9, "GETOWN"]] as const : [];
  const others = status.flatMap(([command, fcntl]) => limit.fcntls?.has(fcntl) ?? true ? [command] : []);
  // F_GETFD and F_SETFD need no right.
  return [1, 2, ...others, ...locks, ...(limit.mayBeDuplicated ? [0, 1030] : [])];
}

/** The requests of ioctl(2) that a limit permits; undefined if it permits all. */
function permittedRequests(limit: DescriptorLimit): number[] | undefined {
  if (!may(limit, "ioctl")) return [];
  return limit.ioctls === undefined || limit.ioctls.isUnlimited ? undefined : requestsOf(limit.ioctls);
}

/** Returns one check for all descriptors that permit the same values of the second argument. */
function permittedOnly(
  pairs: readonly (readonly [fds: readonly number[], is: readonly number[]])[],
): Check[] {
  return [...Map.groupBy(pairs, ([, is]) => is.join()).values()].map((same) => ({
    of: same.flatMap(([fds]) => fds),
    arg: 1,
    is: same[0]![1],
  }));
}

function isBeneath(call: string): boolean {
  return groups.some(([verdict, , calls]) => verdict === "beneath" && calls.includes(` ${call} `));
}

/** The table for an architecture, by number. */
export function table(options: FilterOptions, arch: string = Deno.build.arch): Row[] {
  const { limits = [] } = options;
  return rowsOf(options, arch).map((row) => {
    if (row.verdict !== "permit" && row.verdict !== "if") return row;
    if (row.name === "close_range" && limits.length > 0) {
      return { ...row, verdict: "refuse", reason: "Could close a descriptor that is limited by number." };
    }
    const checks = [...row.checks, ...limiting(row.name, limits)];
    return checks.length === 0 ? row : { ...row, verdict: "if", checks };
  });
}

function rowsOf(options: FilterOptions, arch: string): Row[] {
  const column = arch === "aarch64" ? 2 : 1, conditions = conditionsOf(options);
  const rows = groups.flatMap(([verdict, reason, calls]) =>
    calls.trim().split(/,\s+/).map((call): Row => {
      const words = call.split(" "), name = words[0]!, number = Number(words[column]);
      if (verdict === "if") {
        const [why, ...checks] = conditions[name]!;
        return { name, number, verdict, reason: why, checks };
      }
      if (verdict === "right") {
        const isPermitted = options.rights.isSupersetOf(needs[descriptorsOf(name)[0]![1]!]);
        // Without a path, utimensat(2) acts on its descriptor.
        const checks = name === "utimensat" && isPermitted ? [{ arg: 1, ...NULL }] : [];
        return {
          name,
          number,
          verdict: !isPermitted ? "refuse" : checks.length > 0 ? "if" : "permit",
          reason,
          checks,
        };
      }
      if (options.network && ["connect", "bind", "listen"].includes(name)) {
        const reason = "This process connects and listens for a sandboxed one.";
        return { name, number, verdict: "permit", reason, checks: [] };
      }
      if (name === "sendmsg" && options.passing !== undefined) {
        return {
          name,
          number,
          verdict: "if",
          reason: "Only on the socket that passes descriptors, which is connected, so an address is refused.",
          checks: [{ arg: 0, is: [options.passing] }],
        };
      }
      if (verdict !== "beneath") return { name, number, verdict, reason, checks: [] };
      const checks = (directoryArguments[name] ?? [0]).map(aDirectory);
      return options.hasDirs ? { name, number, verdict: "if", reason, checks } : {
        name,
        number,
        verdict: "refuse",
        reason: "Takes a path, and the plan has no directories.",
        checks: [],
      };
    })
  );
  return rows.filter(({ number }) => !Number.isNaN(number)).sort((a, b) => a.number - b.number);
}

/** A `struct sock_filter`: the operation, the steps to skip if true and if false, a value. */
type Step = readonly [code: number, yes: number, no: number, value: number];

// linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_ALU | BPF_AND, BPF_JMP with BPF_JEQ, BPF_JGE and BPF_JA, BPF_RET.
const LOAD = 0x20, AND = 0x54, EQUAL = 0x15, AT_LEAST = 0x35, JUMP = 0x05, RETURN = 0x06;
// linux/seccomp.h: what a program returns, and the offsets in struct seccomp_data.
const SECCOMP_RET_ALLOW = 0x7fff0000, SECCOMP_RET_ERRNO = 0x00050000;
const NUMBER = 0, ARCH = 4, argument = (n: number): number => 16 + 8 * n;
// linux/audit.h
const AUDIT_ARCH: Readonly<Record<string, number>> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };

const ALLOW: Step = [RETURN, 0, 0, SECCOMP_RET_ALLOW];
/** The error of Linux for a missing privilege, which programs expect. */
const REFUSE: Step = [RETURN, 0, 0, SECCOMP_RET_ERRNO | EPERM];
/** The error of Linux for an unknown call: libc and programs then do without it. */
const MISSING: Step = [RETURN, 0, 0, SECCOMP_RET_ERRNO | ENOSYS];

/**
 * Makes the BPF program.
 *
 * The program finds a number by binary search. A call that is permitted without conditions costs nothing, because the kernel
 * caches this verdict.
 *
 * @param answer The errno of prctl(2) with {@link QUESTION}.
 * @throws {Error} If the program is longer than the kernel accepts.
 */
export function program(
  rows: readonly Row[],
  answer: number,
  arch: string = Deno.build.arch,
): Uint8Array<ArrayBuffer> {
  const tails = new Map<string, Tail>();
  const steps: Step[] = [
    [LOAD, 0, 0, ARCH],
    [EQUAL, 1, 0, AUDIT_ARCH[arch]!],
    MISSING,
    [LOAD, 0, 0, NUMBER],
    ...search(leavesOf(rows, answer, tails)),
  ];
  const starts: number[] = [], shared: Step[] = [];
  for (const { checks } of tails.values()) {
    starts.push(steps.length + shared.length);
    shared.push(...checks.flatMap(checking), ALLOW);
  }
  const main = steps.map((step, i): Step => {
    const [code, , , value] = step;
    return code === TO_TAIL ? [JUMP, 0, 0, starts[value]! - i - 1] : step;
  });
  return bytesOf([...main, ...shared]);
}

/** Makes a program that permits every call and is as long as another program. */
export function allowAll({ length }: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytesOf(Array.from({ length: length / STEP_SIZE }, () => ALLOW));
}

/** Whether there is a table for an architecture. */
export function isKnown(arch: string): boolean {
  return Object.hasOwn(AUDIT_ARCH, arch);
}

/** The size of a struct sock_filter. */
export const STEP_SIZE = 8;
/** BPF_MAXINSNS of linux/bpf_common.h. */
const MOST_STEPS = 4096;

function bytesOf(steps: readonly Step[]): Uint8Array<ArrayBuffer> {
  if (steps.length > MOST_STEPS || steps.some(([, yes, no]) => yes > 255 || no > 255)) {
    throw new Error(
      `A seccomp(2) filter must have at most ${MOST_STEPS} steps; the limits of open descriptors need ${steps.length}. ` +
        "Close files first, or omit limitOthers.",
    );
  }
  const view = new DataView(new ArrayBuffer(STEP_SIZE * steps.length));
  for (const [i, [code, yes, no, value]] of steps.entries()) {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, yes);
    view.setUint8(8 * i + 3, no);
    view.setUint32(8 * i + 4, value, true);
  }
  return new Uint8Array(view.buffer);
}

/** The steps for all numbers from one on, up to the next leaf. */
interface Leaf {
  readonly from: number;
  readonly steps: readonly Step[];
}

/** The last checks of a call, if other calls share them. They are at the end of the program, once. */
interface Tail {
  readonly index: number;
  readonly checks: readonly Check[];
}

/** A placeholder for a jump to the tail with this index, until the address of the tail is known. */
const TO_TAIL = -1;

function leavesOf(rows: readonly Row[], answer: number, tails: Map<string, Tail>): Leaf[] {
  const leaves: Leaf[] = [{ from: 0, steps: [MISSING] }];
  const add = (from: number, steps: readonly Step[]) => {
    if (leaves.at(-1)!.from === from) leaves.pop();
    const before = leaves.at(-1)?.steps ?? [];
    if (steps.length > 1 || before.length > 1 || steps[0] !== before[0]) leaves.push({ from, steps });
  };
  for (const { name, number, verdict, checks } of rows) {
    const question: Step[] = [[LOAD, 0, 0, argument(0)], [EQUAL, 0, 1, QUESTION], [
      RETURN,
      0,
      0,
      SECCOMP_RET_ERRNO | answer,
    ]];
    const verdicts = { permit: ALLOW, if: ALLOW, missing: MISSING, refuse: REFUSE };
    const own = checks.findLastIndex(({ not }) => not === undefined) + 1;
    const before = [...(name === "prctl" ? question : []), ...checks.slice(0, own).flatMap(checking)];
    if (own === checks.length) add(number, [...before, verdicts[verdict]]);
    else {
      const last = checks.slice(own), key = JSON.stringify(last);
      const tail = tails.get(key) ?? { index: tails.size, checks: last };
      tails.set(key, tail);
      add(number, [...before, [TO_TAIL, 0, 0, tail.index]]);
    }
    add(number + 1, [MISSING]);
  }
  return leaves;
}

/** Continues after the check if the argument is permitted; otherwise refuses the call. */
function checking({ of, arg, mask, wide, is, not = [] }: Check): Step[] {
  const test: Step[] = [
    ...(wide ? [[LOAD, 0, 0, argument(arg) + 4], [EQUAL, 1, 0, 0], REFUSE] as const : []),
    [LOAD, 0, 0, argument(arg)],
    ...(mask === undefined ? [] : [[AND, 0, 0, mask]] as const),
    ...(is === undefined ? [] : [...is.map((value, i): Step => [EQUAL, is.length - i, 0, value]), REFUSE]),
    ...(not.length === 0 ? [] : [...among(not), REFUSE]),
  ];
  if (of === undefined) return test;
  return [
    [LOAD, 0, 0, argument(0)],
    ...among(of),
    [JUMP, 0, 0, 1],
    [JUMP, 0, 0, test.length],
    ...test,
  ];
}

/** Continues if the value is among these; otherwise skips the next step. A range of values costs as much as one value. */
function among(values: readonly number[]): Step[] {
  const sorted = values.toSorted((a, b) => a - b);
  const starts = sorted.filter((value, i) => value - 1 > (sorted[i - 1] ?? -Infinity));
  const ends = sorted.filter((value, i) => value + 1 < (sorted[i + 1] ?? Infinity));
  return starts.flatMap((start, i): Step[] => {
    const left = 2 * (starts.length - i), isLast = left === 2;
    return [[AT_LEAST, 0, left, start], [AT_LEAST, isLast ? 1 : 0, left - 2, ends[i]! + 1]];
  });
}

function search(leaves: readonly Leaf[]): readonly Step[] {
  if (leaves.length === 1) return leaves[0]!.steps;
  const half = leaves.length >> 1, { from } = leaves[half]!;
  const below = search(leaves.slice(0, half)), above = search(leaves.slice(half));
  // A conditional jump skips at most 255 steps.
  return below.length <= 255
    ? [[AT_LEAST, below.length, 0, from], ...below, ...above]
    : [[AT_LEAST, 0, 1, from], [JUMP, 0, 0, below.length], ...below, ...above];
}
