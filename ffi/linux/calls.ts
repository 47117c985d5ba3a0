import { byteLengthOf, Bytes, copyInto, lesser, partOf, toBigInt } from "../values.ts";
import { AF_INET6, errno, type Functions, internal, type Name, rawFreebsd, symbols } from "../symbols.ts";
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_RENAME_NOREPLACE,
  AT_RESOLVE_BENEATH,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  F_GETFL,
  O_ACCMODE,
  O_RDONLY,
  SEEK_CUR,
  UTIME_NOW,
  UTIME_OMIT,
} from "../freebsd/constants.ts";
import { isOneName, rawLookups } from "./beneath.ts";
import { failure, isConfined, type Memory, rawGlibc } from "./glibc.ts";
import * as linux from "./constants.ts";
import { atFlags, control, messageFlags, socketType } from "./constants.ts";
import { rawStat } from "./structs.ts";

const { bindFreebsd } = rawFreebsd();
const { beneath, nameBeneath, openAmbient, openRelative, throughFile, throughObject } = rawLookups();
const { thread, glibc, glibcAs } = rawGlibc();
const { statOpen, statRelative } = rawStat();

/**
 * The replacement for a FreeBSD function, with the same parameters, flags and semantics. It reads errno by itself.
 *
 * @throws {Deno.errors.NotSupported} If it is a function of Capsicum, or the system has no glibc.
 */
function linuxCall<N extends Name>(name: N): Functions[N] {
  const make = (calls as Partial<Record<Name, () => unknown>>)[name];
  if (make !== undefined) return make() as Functions[N];
  const symbol: Deno.ForeignFunction = symbols[name];
  const known = symbol.name ?? name;
  const setsErrno = symbol.result === "i32" && !symbol.nonblocking;
  if (!setsErrno && sameInBoth.includes(known)) return glibcAs(name, symbol) as Functions[N];
  if (name.includes("cap_")) return bindFreebsd(name);
  throw new Deno.errors.NotSupported(`Linux has no ${known}() as FreeBSD has it.`);
}

/** For `ffi/system.ts`. */
export const rawLinux = internal({ linuxCall });

/** Functions with the same arguments on both systems, which are called directly if errno is not needed. */
const sameInBoth: readonly string[] = [
  "read",
  "write",
  "pread",
  "pwrite",
  "fsync",
  "fdatasync",
  "ftruncate",
  "poll",
  "memcpy",
];

const family = (number: number): number => number === AF_INET6 ? linux.AF_INET6 : number;

/** The calls on sockets, as the other calls; `struct sockaddr` and `struct msghdr` have the layout of Linux. */
const socketCalls = {
  recv: () => {
    const recv = glibc("recv");
    return (fd, buffer, count, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = recv(fd, buffer, count, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  send: () => {
    const send = glibc("send");
    return (fd, buffer, count, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = send(fd, buffer, count, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  recvmsg: () => {
    const recvmsg = glibc("recvmsg");
    return (fd, message, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = recvmsg(fd, message, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  sendmsg: () => {
    const sendmsg = glibc("sendmsg");
    return (fd, message, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = sendmsg(fd, message, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  socket: () => {
    const socket = glibc("socket");
    return (domain, type, protocol) => {
      const result = socket(family(domain), socketType(type), protocol);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  socketpair: () => {
    const socketpair = glibc("socketpair");
    return (domain, type, protocol, pair) => {
      const result = socketpair(family(domain), socketType(type), protocol, pair);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  connect: () => {
    const connect = glibc("connect");
    return (fd, address, length) => {
      const result = connect(fd, address, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  bind: () => {
    const bind = glibc("bind");
    return (fd, address, length) => {
      const result = bind(fd, address, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  listen: () => {
    const listen = glibc("listen");
    return (fd, backlog) => {
      const result = listen(fd, backlog);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  accept4: () => {
    const accept4 = glibc("accept4");
    return (fd, address, length, flags) => {
      const result = accept4(fd, address, length, socketType(flags));
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  shutdown: () => {
    const shutdown = glibc("shutdown");
    return (fd, how) => {
      const result = shutdown(fd, how);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  getsockopt: () => {
    const getsockopt = glibc("getsockopt");
    return (fd, level, name, value, length) => {
      const result = getsockopt(fd, level, name, value, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  setsockopt: () => {
    const setsockopt = glibc("setsockopt");
    return (fd, level, name, value, length) => {
      const result = setsockopt(fd, level, name, value, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
} satisfies { [N in Name]?: () => Functions[N] };

/**
 * Each returns a function with its own code: so the engine sees a single callee at the call in it and inlines the call.
 * `thread.memcpy(errno, thread.errnoAt, 4n)` is the very next thing after each call.
 */
const calls = {
  open: () => openAmbient,
  openat: () => openRelative,
  fstat: () => statOpen,
  fstatat: () => statRelative,
  fcntl: () => control,

  close: () => {
    const close = glibc("close");
    return (fd) => {
      const result = close(fd);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  read: () => {
    const read = glibc("read");
    return (fd, buffer, count) => {
      if (count >= LARGE) hintHugePages(buffer);
      const result = read(fd, buffer, count);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  write: () => {
    const write = glibc("write");
    return (fd, buffer, count) => {
      const result = write(fd, buffer, count);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  pread: () => {
    const pread = glibc("pread");
    return (fd, buffer, count, offset) => {
      const result = pread(fd, buffer, count, offset);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  pwrite: () => {
    const pwrite = glibc("pwrite");
    return (fd, buffer, count, offset) => {
      const result = pwrite(fd, buffer, count, offset);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  lseek: () => glibc("lseek"),
  lseek_errno: () => {
    const lseek = glibc("lseek_errno");
    return (fd, offset, whence) => {
      const result = lseek(fd, offset, whence);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  getdirentries: () => {
    const getdents64 = glibc("getdents64"), lseek = glibc("lseek");
    const position = new BigInt64Array(1), bytes = new Uint8Array(position.buffer);
    return (fd, buffer, count, basep) => {
      position[0] = lseek(fd, 0n, SEEK_CUR);
      copyInto(basep as Uint8Array, bytes);
      const result = getdents64(linux.SYS_getdents64, fd, buffer, count);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  ftruncate: () => {
    const ftruncate = glibc("ftruncate");
    return (fd, length) => {
      const result = ftruncate(fd, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  fsync: () => {
    const fsync = glibc("fsync");
    return (fd) => {
      const result = fsync(fd);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  fdatasync: () => {
    const fdatasync = glibc("fdatasync");
    return (fd) => {
      const result = fdatasync(fd);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  flock: () => {
    const flock = glibc("flock");
    return (fd, operation) => {
      const result = flock(fd, operation);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  fchmod: () => {
    const fchmod = glibc("fchmod");
    return (fd, mode) => {
      const result = fchmod(fd, mode);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  fchown: () => {
    const fchown = glibc("fchown");
    return (fd, owner, group) => {
      const result = fchown(fd, owner, group);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  futimens: () => {
    const futimens = glibc("futimens");
    return (fd, times) => {
      const both = linuxTimes(times);
      if (both === undefined) return failure(linux.EINVAL);
      const result = futimens(fd, both);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  isatty: () => {
    const isatty = glibc("isatty");
    return (fd) => {
      const result = isatty(fd);
      if (result === 0) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  dup: () => {
    const dup = glibc("dup");
    return (fd) => {
      const result = dup(fd);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },

  poll: () => {
    const poll = glibc("poll");
    return (fds, count, timeout) => {
      const result = poll(fds, count, timeout);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },

  ...socketCalls,

  getdtablesize: () => glibcAs("getdtablesize", symbols.getdtablesize) as Functions["getdtablesize"],
  // The errno of these calls is never read.
  getsockname: () => glibcAs("getsockname", symbols.getsockname) as Functions["getsockname"],
  getpeername: () => glibcAs("getpeername", symbols.getpeername) as Functions["getpeername"],

  faccessat: () => {
    const faccessat = glibc("faccessat");
    return (fd, path, mode, flags) => {
      const bits = atFlags(flags, AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
      if (bits === -1) return failure(linux.EINVAL);
      if (isConfined() && fd !== AT_FDCWD) {
        return throughObject(fd, path, flags, (object) => {
          const result = faccessat(object, empty, mode, bits | linux.AT_EMPTY_PATH);
          if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
          return result;
        });
      }
      return beneath(fd, path, flags, (fd, path, follows) => {
        const result = faccessat(fd, path, mode, follows ? bits & ~linux.AT_SYMLINK_NOFOLLOW : bits);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
    };
  },
  fchmodat: () => {
    const fchmodat = glibc("fchmodat"), fchmod = glibc("fchmod");
    return (fd, path, mode, flags) => {
      const bits = atFlags(flags, AT_SYMLINK_NOFOLLOW);
      if (bits === -1) return failure(linux.EINVAL);
      if (isConfined() && fd !== AT_FDCWD) {
        return throughFile(fd, path, flags, (file) => {
          const result = fchmod(file, mode);
          if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
          return result;
        });
      }
      return beneath(fd, path, flags, (fd, path, follows) => {
        const result = fchmodat(fd, path, mode, follows ? bits & ~linux.AT_SYMLINK_NOFOLLOW : bits);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
    };
  },
  fchownat: () => {
    const fchownat = glibc("fchownat"), fchown = glibc("fchown");
    return (fd, path, owner, group, flags) => {
      const bits = atFlags(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
      if (bits === -1) return failure(linux.EINVAL);
      if (isConfined() && fd !== AT_FDCWD) {
        return throughFile(fd, path, flags, (file) => {
          const result = fchown(file, owner, group);
          if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
          return result;
        });
      }
      return beneath(fd, path, flags, (fd, path, follows) => {
        const result = fchownat(fd, path, owner, group, follows ? bits & ~linux.AT_SYMLINK_NOFOLLOW : bits);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
    };
  },
  utimensat: () => {
    const utimensat = glibc("utimensat"), futimens = glibc("futimens");
    return (fd, path, times, flags) => {
      const bits = atFlags(flags, AT_SYMLINK_NOFOLLOW), both = linuxTimes(times);
      if (bits === -1 || both === undefined) return failure(linux.EINVAL);
      if (isConfined() && fd !== AT_FDCWD) {
        return throughFile(fd, path, flags, (file) => {
          const result = futimens(file, both);
          if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
          return result;
        });
      }
      return beneath(fd, path, flags, (fd, path, follows) => {
        const result = utimensat(fd, path, both, follows ? bits & ~linux.AT_SYMLINK_NOFOLLOW : bits);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
    };
  },
  unlinkat: () => {
    const unlinkat = glibc("unlinkat");
    return (fd, path, flags) => {
      const bits = atFlags(flags, AT_REMOVEDIR);
      if (bits === -1) return failure(linux.EINVAL);
      return nameBeneath(fd, path, flags | kept(fd, path), (fd, name) => {
        const result = unlinkat(fd, name, bits);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
    };
  },
  mkdirat: () => {
    const mkdirat = glibc("mkdirat");
    return (fd, path, mode) =>
      nameBeneath(fd, path, kept(fd, path), (fd, name) => {
        const result = mkdirat(fd, name, mode);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
  },
  mkfifoat: () => {
    const mkfifoat = glibc("mkfifoat");
    return (fd, path, mode) =>
      nameBeneath(fd, path, kept(fd, path), (fd, name) => {
        const result = mkfifoat(fd, name, mode);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
  },
  symlinkat: () => {
    const symlinkat = glibc("symlinkat");
    return (target, fd, path) =>
      nameBeneath(fd, path, kept(fd, path), (fd, name) => {
        const result = symlinkat(target, fd, name);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
  },
  readlinkat: () => {
    const readlinkat = glibc("readlinkat");
    return (fd, path, buffer, size) => {
      if (mustStayBeneath(fd, path)) {
        // Not by the last name: with a slash at its end, the kernel would follow it.
        return throughObject(fd, path, AT_SYMLINK_NOFOLLOW, (object) => {
          const result = readlinkat(object, empty, buffer, size);
          if (result !== -1) return result;
          thread.memcpy(errno, thread.errnoAt, 4n);
          return failure(errno[0] === linux.ENOENT ? linux.EINVAL : errno[0]!);
        });
      }
      const result = readlinkat(fd, path, buffer, size);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  linkat: () => {
    const linkat = glibc("linkat");
    return (fd, path, toFd, toPath, flags) => {
      const bits = atFlags(flags, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH);
      if (bits === -1) return failure(linux.EINVAL);
      const noFollow = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
      if (isConfined()) {
        // What a symlink at the end leads to must be beneath the directory too.
        if (noFollow === 0 && fd !== AT_FDCWD && throughObject(fd, path, 0, () => 0) === -1) return -1;
        return namesBeneath(fd, path, toFd, toPath, (fd, name, toFd, toName) => {
          const result = linkat(fd, name, toFd, toName, bits);
          if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
          return result;
        });
      }
      return beneath(fd, path, flags | noFollow, (fd, path, follows) => {
        const result = linkat(fd, path, toFd, toPath, follows ? bits | linux.AT_SYMLINK_FOLLOW : bits);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
    };
  },
  renameat: () => {
    const renameat = glibc("renameat");
    return (fd, path, toFd, toPath) =>
      namesBeneath(fd, path, toFd, toPath, (fd, name, toFd, toName) => {
        const result = renameat(fd, name, toFd, toName);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
  },
  renameat2: () => {
    const renameat2 = glibc("renameat2");
    return (fd, path, toFd, toPath, flags) => {
      if (flags & ~AT_RENAME_NOREPLACE) return failure(linux.EINVAL);
      const bits = flags & AT_RENAME_NOREPLACE ? linux.RENAME_NOREPLACE : 0;
      return namesBeneath(fd, path, toFd, toPath, (fd, name, toFd, toName) => {
        const result = renameat2(linux.SYS_renameat2, fd, name, toFd, toName, bits);
        if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
        return result;
      });
    };
  },
} satisfies { [N in Name]?: () => Functions[N] };

/**
 * Whether the library keeps a path beneath its directory without the flag: in a sandbox, as in capability mode. Landlock does
 * not see symlinks, and its errors tell which other files exist.
 */
function mustStayBeneath(fd: number, path: Memory): boolean {
  return fd !== AT_FDCWD && !isOneName(path as Uint8Array) && isConfined();
}

/** The flag that keeps a path beneath its directory, if it must stay there. */
function kept(fd: number, path: Memory): number {
  return mustStayBeneath(fd, path) ? AT_RESOLVE_BENEATH : 0;
}

/** Keeps both paths of a call beneath their directories, each if it must stay there. */
function namesBeneath(
  fd: number,
  path: Memory,
  toFd: number,
  toPath: Memory,
  use: (fd: number, name: Memory, toFd: number, toName: Memory) => number,
): number {
  return nameBeneath(
    fd,
    path,
    kept(fd, path),
    (fd, name) =>
      nameBeneath(toFd, toPath, kept(toFd, toPath), (toFd, toName) => use(fd, name, toFd, toName)),
  );
}

const empty = new Uint8Array(1);
const times = new BigInt64Array(4), timesBytes = new Uint8Array(times.buffer);

/** Two `struct timespec` with the Linux numbers for "now" and "unchanged"; undefined for times that FreeBSD refuses. */
function linuxTimes(given: Memory): BigInt64Array<ArrayBuffer> | null | undefined {
  if (given === null) return null;
  copyInto(timesBytes, partOf(given as Uint8Array, 0, 32));
  for (let i = 1; i < 4; i += 2) {
    const nanoseconds = times[i]!;
    if (nanoseconds === toBigInt(UTIME_NOW)) times[i] = linux.UTIME_NOW;
    else if (nanoseconds === toBigInt(UTIME_OMIT)) times[i] = linux.UTIME_OMIT;
    else if (nanoseconds < 0n || nanoseconds >= 1_000_000_000n) return undefined;
  }
  return times;
}

/** From this size on, malloc(3) returns a mapping of its own, so advice for it does not affect other memory. */
const LARGE: bigint = 32n * 1024n * 1024n;
/** The largest page size of any kernel (some kernels for arm64). The advised range must begin at a page. */
const PAGE = 64 * 1024;
const MADV_HUGEPAGE = 14;

let madvise: ReturnType<typeof glibc<"madvise">> | undefined;
let memset: ReturnType<typeof glibc<"memset">> | undefined;

/**
 * Lets the kernel provide fresh memory in pages of 2 MiB when a call fills the buffer. With pages of 4 KiB, providing
 * the memory takes longer than filling it.
 *
 * It is only a hint: if the kernel refuses it, the call works in the same way.
 */
function hintHugePages(memory: Memory): void {
  const bytes = memory as Uint8Array<ArrayBuffer>, size = byteLengthOf(bytes);
  // Fills 0 bytes, and returns the address of the buffer.
  const address = (memset ??= glibc("memset"))(bytes, 0, 0n);
  const before = Number(-address & BigInt(PAGE - 1));
  const length = Math.floor((size - before) / PAGE) * PAGE;
  (madvise ??= glibc("madvise"))(partOf(bytes, before, size), toBigInt(length), MADV_HUGEPAGE);
}

// linux/fs.h, bits/fcntl-linux.h and asm-generic/fcntl.h
const RWF_NOWAIT = 0x8, SPLICE_F_NONBLOCK = 0x2;
/** The offset of the file. */
const CURRENT = -1n;

/** These calls need the address of a buffer. The address of this one never changes, and one call fills a pipe with it. */
let stage: Uint8Array<ArrayBuffer> | undefined;
const SIZE = 64 * 1024;
/** `struct iovec`: the address and the length of the buffer. */
const iovec = new BigUint64Array(2);

let fcntl: ReturnType<typeof glibc<"fcntl">> | undefined;
let vmsplice: ReturnType<typeof glibc<"vmsplice">> | undefined;
let preadv2: ReturnType<typeof glibc<"preadv2">> | undefined;
let pwritev2: ReturnType<typeof glibc<"pwritev2">> | undefined;

/** The buffer and its part for so many bytes. No other code gets them, because the kernel uses the address later. */
function staged(length: number): Uint8Array<ArrayBuffer> {
  if (stage === undefined) {
    stage = new Bytes(SIZE);
    // Fills 0 bytes, and returns the address of the buffer.
    iovec[0] = glibc("memset")(stage, 0, 0n);
  }
  const size = lesser(length, SIZE);
  iovec[1] = toBigInt(size);
  return partOf(stage, 0, size);
}

/** Reads without waiting. Of the two calls for that, preadv2(2) keeps packets, and vmsplice(2) also takes a FIFO. */
export function readPipe(fd: number, bytes: Uint8Array): number | undefined {
  const part = staged(byteLengthOf(bytes));
  let result = (preadv2 ??= glibc("preadv2"))(fd, iovec, 1, CURRENT, RWF_NOWAIT);
  if (result === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    if (errno[0] === linux.EAGAIN) return undefined;
    // On a descriptor that is open for writing too, vmsplice(2) would write.
    const flags = (fcntl ??= glibc("fcntl"))(fd, F_GETFL, 0n);
    if (flags === -1 || (flags & O_ACCMODE) !== O_RDONLY) return -1;
    result = (vmsplice ??= glibc("vmsplice"))(fd, iovec, 1n, SPLICE_F_NONBLOCK);
    if (result === -1) {
      thread.memcpy(errno, thread.errnoAt, 4n);
      return errno[0] === linux.EAGAIN ? undefined : -1;
    }
  }
  copyInto(bytes, result === byteLengthOf(part) ? part : partOf(part, 0, result));
  return result;
}

/** Writes without waiting. */
export function writePipe(fd: number, bytes: Uint8Array): number | undefined {
  const part = staged(byteLengthOf(bytes)), size = byteLengthOf(part);
  copyInto(part, size === byteLengthOf(bytes) ? bytes : partOf(bytes, 0, size));
  const result = (pwritev2 ??= glibc("pwritev2"))(fd, iovec, 1, CURRENT, RWF_NOWAIT);
  if (result !== -1) return result;
  thread.memcpy(errno, thread.errnoAt, 4n);
  return errno[0] === linux.EAGAIN ? undefined : -1;
}
