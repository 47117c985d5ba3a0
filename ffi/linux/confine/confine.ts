/**
 * Confines this process permanently: by a seccomp(2) filter on all threads, and by Landlock for paths below directories.
 *
 * Builds the filter and the ruleset before the first step that confines. The first steps refuse nothing, but cannot be undone:
 * no_new_privs and, before Landlock, a filter that permits all calls and is as long as the real one.
 *
 * Constants and structs are those of linux/landlock.h up to ABI 8 (Linux 7.0), linux/seccomp.h and linux/prctl.h.
 *
 * @module
 */
import type { RightName, Rights } from "../../../rights/rights.ts";
import { syscallError } from "../../failure.ts";
import { errno, type Name, seal, symbols } from "../../symbols.ts";
import { rawCalls } from "../../system.ts";
import * as linux from "../constants.ts";
import { answers, mechanism, rawGlibc } from "../glibc.ts";
import { rawPoolThreads } from "./pool_threads.ts";
import { allowAll, type DescriptorLimit, isKnown, program, type Row, STEP_SIZE, table } from "./seccomp.ts";

const { bound, bind } = rawCalls();
const { bindGlibc, thread, glibc } = rawGlibc();
const { restrictPoolThreads, restrictions } = rawPoolThreads();

/** Waits until the threads of Deno's pool are confined. A failure ends a program that does not wait. */
export async function untilPoolConfined(): Promise<void> {
  await Promise.all(restrictions);
}

/** Returns what this system lacks to confine a process; undefined if nothing is missing. */
export function missing(hasDirs: boolean): string | undefined {
  if (!isKnown(Deno.build.arch)) return `a table of the system calls of ${Deno.build.arch}`;
  if (!hasFilters()) {
    return "seccomp(2) filters for all threads: the container or the kernel refuses them";
  }
  const abi = hasDirs ? landlockAbi() : LEAST_ABI;
  if (hasDirs && abi >= LEAST_ABI && abi < TSYNC_ABI && !isMainThread()) {
    return `Landlock ABI ${TSYNC_ABI} of Linux 7.0, to confine all threads: call sandbox() on the main thread, not in a ` +
      "Worker or a test";
  }
  if (abi >= LEAST_ABI) return undefined;
  return abi === 0
    ? "Landlock, which this kernel does not have or does not enable"
    : `Landlock ABI ${LEAST_ABI} of Linux 6.2: this kernel has ABI ${abi}`;
}

/** Whether this is the main thread. Asks the kernel, so a program cannot change the answer. */
function isMainThread(): boolean {
  return glibc("gettid")(linux.SYS_gettid) === Deno.pid;
}

// linux/seccomp.h and linux/prctl.h
const SECCOMP_SET_MODE_FILTER = 1, SECCOMP_FILTER_FLAG_TSYNC = 1, PR_SET_NO_NEW_PRIVS = 38;

/** Whether seccomp(2) accepts filters for all threads. If so, it fails with EFAULT because the filter is null. */
function hasFilters(): boolean {
  const seccomp = glibc("seccomp"), number = new Int32Array(1);
  const result = seccomp(linux.SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, null);
  thread.memcpy(number, thread.errnoAt, 4n);
  return result === -1 && number[0] === linux.EFAULT;
}

/** The system calls, and whether the sandbox permits them; undefined except on Linux. */
export function calls(hasDirs: boolean, rights: Rights): readonly Row[] | undefined {
  return Deno.build.os === "linux" && isKnown(Deno.build.arch)
    ? table({ pid: Deno.pid, hasDirs, rights })
    : undefined;
}

/** What to confine a process to. */
export interface Limits {
  /** The directories below which paths are permitted. */
  readonly dirs: readonly AllowedDirectory[];
  /** The rights that at least one entry of the plan has. */
  readonly rights: Rights;
  /** The limits of open descriptors. */
  readonly descriptors: readonly DescriptorLimit[];
  /** The connected socket by which descriptors may be passed to the process at its other end. Default: none. */
  readonly passing?: number;
  /** Whether sockets may connect and listen at any address. Default: false. */
  readonly network?: boolean;
}

/**
 * Confines the process permanently: paths to the directories, and all other calls as the table says.
 *
 * @throws {Error} If a call failed. If the last one failed, Landlock is already in force, but `sandboxed()` stays false.
 */
export function confine(limits: Limits): void {
  if (mechanism() !== "none") throw new Error("The process is confined already.");
  bindAll();
  const failed = attempt(limits);
  if (failed !== undefined) throw syscallError(failed, {});
  seal();
  if (mechanism() === "none") throw new Error("The filter was set, but the process is not confined.");
}

/** Binds all functions that may be called later: in a sandbox no library can be opened. */
export function bindAll(): void {
  bindGlibc();
  for (const name of Object.keys(symbols) as Name[]) {
    try {
      if (bound[name] === undefined) bind(name);
    } catch (error) {
      // Linux lacks this function.
      if (!(error instanceof Deno.errors.NotSupported)) throw error;
    }
  }
}

/** Returns the name of the call that failed, whose errno is set; undefined if the process is confined. */
function attempt({ dirs, rights, descriptors, passing, network = false }: Limits): string | undefined {
  const hasDirs = dirs.length > 0, abi = hasDirs ? landlockAbi() : 0;
  const answer = answers[hasDirs ? "seccomp+landlock" : "seccomp"];
  const calls = table({ pid: Deno.pid, hasDirs, rights, limits: descriptors, passing, network });
  const filter = program(calls, answer), rules = hasDirs ? ruleset(abi, dirs, network) : undefined;
  if (rules === -1) return "landlock_create_ruleset";
  try {
    const result = glibc("prctl")(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n);
    if (result === -1) {
      thread.memcpy(errno, thread.errnoAt, 4n);
      return "prctl";
    }
    if (rules !== undefined) {
      // If a thread has its own filter, or memory is short, this fails before Landlock. Also sets no_new_privs on all threads.
      if (!install(allowAll(filter))) return "seccomp";
      if (restrict(abi, rules) === -1) return "landlock_restrict_self";
    }
  } finally {
    if (rules !== undefined) glibc("close")(rules);
  }
  return install(filter) ? undefined : "seccomp";
}

/** Sets a filter for all threads. Sets errno if that fails. */
function install(program: Uint8Array<ArrayBuffer>): boolean {
  const memset = glibc("memset"), seccomp = glibc("seccomp");
  // Fills 0 bytes: the result is the address of the buffer.
  const address = memset(program, 0, 0n);
  // struct sock_fprog: the number of steps in 16 bits, and their address at byte 8.
  const filter = new BigUint64Array([BigInt(program.length / STEP_SIZE), address]);
  const result = seccomp(linux.SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, filter);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  // A positive result is the id of a thread that has another filter.
  else if (result !== 0) errno[0] = linux.EBUSY;
  return result === 0;
}

const WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5;
const MAKE_CHAR = 1 << 6, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8, MAKE_SOCK = 1 << 9, MAKE_FIFO = 1 << 10;
const MAKE_BLOCK = 1 << 11, MAKE_SYM = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14, IOCTL_DEV = 1 << 15;
const REMOVE = REMOVE_DIR | REMOVE_FILE, MAKE = MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM;

/** The number of file rights that each ABI knows, from ABI 1 on. */
const fileRights = [13, 14, 15, 15, 16, 16, 16, 16] as const;
const TCP_ABI = 4, BIND_TCP = 1n, CONNECT_TCP = 2n;
const SCOPE_ABI = 6, SCOPE_ABSTRACT_UNIX_SOCKET = 1n, SCOPE_SIGNAL = 2n;
const TSYNC_ABI = 8, LANDLOCK_RESTRICT_SELF_TSYNC = 1 << 3;

/** The first ABI that can enforce a directory's rights: earlier ones cannot refuse truncating. */
const LEAST_ABI = 3;

/** A directory, and what is permitted below it. */
export interface AllowedDirectory {
  readonly fd: number;
  readonly rights: Rights;
}

/**
 * What each right permits below a directory. Landlock has fewer rights than Capsicum, so some permit more. WRITE also
 * overwrites files that may only be appended to. RENAMEAT_TARGET and LINKAT_TARGET also create names of any kind except
 * devices. The rights to rename also remove. Each right to link also permits moves between the directories that have it.
 */
const accessOf = (): readonly (readonly [right: RightName, access: number])[] => [
  ["READ", READ_FILE | READ_DIR],
  ["WRITE", WRITE_FILE | TRUNCATE],
  ["CREATE", MAKE_REG],
  ["MKDIRAT", MAKE_DIR],
  ["SYMLINKAT", MAKE_SYM],
  ["MKFIFOAT", MAKE_FIFO],
  ["MKNODAT", MAKE_CHAR | MAKE_BLOCK],
  ["BINDAT", MAKE_SOCK],
  ["UNLINKAT", REMOVE],
  ["RENAMEAT_SOURCE", REMOVE | REFER],
  ["RENAMEAT_TARGET", MAKE | REMOVE | REFER],
  ["LINKAT_SOURCE", REFER],
  ["LINKAT_TARGET", MAKE | REFER],
  ["IOCTL", IOCTL_DEV],
];

/** The access rights of Landlock for a set of rights. */
export function accessFor(rights: Rights): number {
  return accessOf().reduce((all, [right, access]) => rights.has(right) ? all | access : all, 0);
}

/** The version of Landlock's interface; 0 if the kernel has no Landlock or a filter refuses the call. */
function landlockAbi(): number {
  const LANDLOCK_CREATE_RULESET_VERSION = 1;
  const call = glibc("landlock_create_ruleset");
  return Math.max(0, call(linux.SYS_landlock_create_ruleset, null, 0n, LANDLOCK_CREATE_RULESET_VERSION));
}

/** Creates a ruleset that permits only these directories, and optionally the network. Returns its descriptor, or -1 and errno. */
function ruleset(abi: number, dirs: readonly AllowedDirectory[], network: boolean): number {
  const handled = (1 << fileRights[Math.min(abi, fileRights.length) - 1]!) - 1;
  // struct landlock_ruleset_attr: handled_access_fs, handled_access_net, scoped. Older kernels have only the first members.
  const attr = new BigUint64Array([
    BigInt(handled),
    ...(abi >= TCP_ABI ? [network ? 0n : BIND_TCP | CONNECT_TCP] : []),
    ...(abi >= SCOPE_ABI ? [SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL] : []),
  ]);
  const create = glibc("landlock_create_ruleset"), close = glibc("close");
  const fd = create(linux.SYS_landlock_create_ruleset, attr, BigInt(attr.byteLength), 0);
  if (fd === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  for (const dir of fd === -1 ? [] : dirs) {
    const access = accessFor(dir.rights) & handled;
    // The kernel refuses a rule that permits nothing.
    if (access === 0 || addRule(fd, access, dir.fd) !== -1) continue;
    close(fd);
    return -1;
  }
  return fd;
}

function addRule(ruleset: number, access: number, dir: number): number {
  const LANDLOCK_RULE_PATH_BENEATH = 1;
  // struct landlock_path_beneath_attr, packed: allowed_access of 64 bits, parent_fd of 32.
  const attr = new Int32Array([access, 0, dir]);
  const call = glibc("landlock_add_rule");
  const result = call(linux.SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, attr, 0);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  return result;
}

/** Restricts all threads or, before Linux 7.0, this one and the pool's. Returns -1 and sets errno if it fails on this one. */
function restrict(abi: number, ruleset: number): number {
  const hasSync = abi >= TSYNC_ABI;
  const restrictSelf = () => {
    const call = glibc("landlock_restrict_self");
    const result = call(
      linux.SYS_landlock_restrict_self,
      ruleset,
      hasSync ? LANDLOCK_RESTRICT_SELF_TSYNC : 0,
    );
    if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
    return result;
  };
  return hasSync ? restrictSelf() : restrictPoolThreads(ruleset, restrictSelf);
}
