/**
 * From a program to a sandboxed one: plans, rights by need, and what is already open.
 *
 * {@link sandbox} opens what a plan names, limits each descriptor to what it is for, and enters capability mode, all or
 * nothing. {@link presets}, {@link rightsFor} and {@link needs} name rights by need. {@link openDescriptors} lists what
 * the process has open; {@link limitStdio} and {@link limitOthers} limit it. {@link warmUp} opens what Deno would open too
 * late. {@link trapViolations} finds what was forgotten.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough.
 *
 * ## Plans
 *
 * Descriptors that are already open are named by `fds`: `{ fds: { peer: { fd, rights: "connection" } } }`. `Deno.stdin`,
 * `Deno.stdout` and `Deno.stderr` are accepted too. Other objects of Deno, such as `Deno.Listener`, do not expose their
 * descriptor: `fdOf(() => listener = Deno.listen(options))` finds it while Deno opens it. The `fd` of `node:fs` is a
 * descriptor in Deno 2.9, and a number of Deno's own in 2.7.
 *
 * `stdio: true` calls {@link limitStdio}, the equivalent of caph_limit_stdio(3). `stdio: { raw: true }` keeps `prompt()` and
 * `Deno.stdin.setRaw()` working. Deno has copies of these descriptors open, with all ioctls of a terminal:
 * `limitOthers: true` limits them too, and removes all rights except FLOCK from every other open file and directory.
 *
 * Deno opens some files at first use, which fails after entering. {@link warmUp}, or `warmUp: true` in a plan, opens them
 * before: the local time zone, the source maps of stack traces and, with `{ certificates: true }`, what the first `fetch()`
 * of a `data:` URL loads.
 *
 * ## On Linux
 *
 * {@link sandbox} confines the process on x86_64 and arm64 too, permanently, and `mechanism` of its result says by what. A
 * filter of seccomp(2) on all threads refuses each system call that is not listed as permitted: what takes a path from the
 * root or the working directory, an address, another process or a namespace. A refused call is EPERM, an unknown one ENOSYS.
 * `dryRun` returns the table, each call with its reason. Landlock keeps paths below descriptors to the directories of the
 * plan, each with what its rights say.
 *
 * | right | permits below the directory |
 * | --- | --- |
 * | READ | reading files and directories |
 * | WRITE | writing and truncating, and overwriting what is only to be appended to |
 * | CREATE, MKDIRAT, SYMLINKAT, MKFIFOAT, MKNODAT, BINDAT | making names of this kind |
 * | UNLINKAT | removing files and directories |
 * | RENAMEAT_SOURCE | removing, and moving to other directories |
 * | RENAMEAT_TARGET | making names of any kind but devices, removing, and moving from other directories |
 * | LINKAT_SOURCE, LINKAT_TARGET | links between directories; the target: making names of any kind but devices |
 * | IOCTL | device ioctls, of which the filter permits those of terminals |
 *
 * A name moves only to a directory that permits no more. Before Linux 7.0 Landlock holds the thread that called
 * {@link sandbox} and those that it starts later; Deno's pool threads, old and new ones, are outside of it, and so are Workers
 * that run already. What that leaves is native code of an attacker's on a pool thread that names an absolute path together
 * with a descriptor of the plan. JavaScript has no way there once `ffi` is revoked, because no function that takes a path is
 * bound nonblocking. Where a plan has no directories, the filter refuses every call that takes a path, and nothing is left.
 *
 * Landlock does not see attributes. So the filter refuses fchmodat(2), fchownat(2) and utimensat(2) with a path: `Dir` opens
 * the file and changes it by its descriptor, for which it must be readable or writable; a symlink itself can't be changed.
 * Attributes and the targets of symlinks can be read by native code that names an absolute path with a descriptor.
 *
 * A directory that was open before and is not in the plan can't be looked into any more. `stdio: true` and `limitOthers: true`
 * limit the standard streams, Deno's copies of them and its files by their numbers. These numbers can't be closed any more,
 * nor duplicated, except one end of a pipe and /dev/null. A new Worker duplicates the standard streams, and Deno ends if it
 * can't: start Workers before, if a stream is a terminal or a file. Other entries of `fds` can't be limited, which is an error
 * unless they have `unlimited: "allow"`.
 *
 * An uncaught error ends Deno by a panic, if the stack trace needs a source map that was not read before: see {@link warmUp}.
 *
 * ## What is still open?
 *
 * `openDescriptors()` lists every descriptor with its kind, rights, ioctls, fcntls, close-on-exec, offset and path. The
 * module `./audit` prints it as a table, also as a program.
 *
 * ## What was not opened in time?
 *
 * A resource that was not opened before entering fails with ECAPMODE or ENOTCAPABLE, perhaps deep in a library that hides
 * it. ktrace(1) with `-t p` records each violation with its system call; since FreeBSD 15 also in a program that has not
 * entered yet. {@link trapViolations} before entering makes each violation end the process by SIGTRAP, so that a debugger
 * shows the caller. Deno itself causes some: at the end of a program that does not call `Deno.exit()`, and where
 * {@link limitOthers} removed the rights of its caches.
 *
 * ## In capability mode
 *
 * Run on the stand-in for the kernel, so simulated.
 *
 * | call | works? |
 * | --- | --- |
 * | `FdFile`, `Dir`, `openAtSync`, `listDirSync(fd)`, `libc.*at` on a directory descriptor | yes, within the rights |
 * | `limit*`, `get*`, `sandboxed()`, `getMode()`, `enter()` again | yes |
 * | `openSync`, `openDirSync`, `listDirSync(path)`, `AT_FDCWD` | no: ECAPMODE |
 * | `openDescriptors()`, `limitOthers()`, `limitStdio()`, `sandbox()` of a plan that opens nothing | yes, without the paths |
 * | `trapViolations()`, `violationsAreTrapped()` | no: ECAPMODE |
 *
 * ## Deno in capability mode
 *
 * What Deno's own API does once the process has entered. "run": Deno 2.9.6 was run on Linux with a seccomp(2) filter that
 * refuses each call that capability mode refuses; this is simulated, and the filter does not see the paths of calls that are
 * relative to a directory's descriptor. "derived": from the calls in Deno's sources, and from the results of such calls on
 * FreeBSD 15.1 and 13.2 kernels. No row was run in Deno on FreeBSD.
 *
 * | what | works? | why | instead | known |
 * | --- | --- | --- | --- | --- |
 * | timers, `queueMicrotask`, `AbortSignal.timeout` | yes | kqueue(2) and the clocks are permitted | | run |
 * | `performance`, `Date.now` | yes | clock_gettime(2) is permitted | | run |
 * | `crypto` | yes | getrandom(2) is permitted; the algorithms are in Deno | | run |
 * | URL, text, streams, compression, `structuredClone`, `Blob` | yes | they make no system calls | | run |
 * | `WebAssembly` | yes | new executable memory is permitted | | run |
 * | `console`, `Deno.stdout`, `Deno.stderr` | yes | the descriptors are open | `limitStdio()` first | run |
 * | `Deno.stdin` | yes | the descriptor is open | | run |
 * | `prompt`, `confirm`, `alert`, `Deno.consoleSize`, `Deno.stdin.setRaw` | yes | they use the terminal that is open | with `limitStdio`, the option `raw` | derived |
 * | `Intl`, `Temporal` and `Date` with a zone by name | yes | the data is part of Deno | | run |
 * | the local time zone | if asked for before | /etc/localtime is read at first use; after entering it is UTC | `warmUp()` | derived |
 * | lines in `error.stack` of TypeScript | if asked for before | source maps are files in Deno's cache | `warmUp()`; positions in the compiled code remain | derived |
 * | `Deno.FsFile` that is open | yes | read(2), write(2), fstat(2) act on its descriptor | | run |
 * | `Deno.*` on files by path, `Deno.watchFs`, `Deno.cwd`, `Deno.chdir` | no | open(2), stat(2), getcwd(2) and similar calls: ECAPMODE | `Dir`, `FdFile`; with the option `ambient` all but `watchFs` work | run |
 * | `node:fs` by path | no | the same | `Dir`, `FdFile`, or `ambientNode` of `./ambient` | run |
 * | `node:` modules | if imported before | the first import of many, such as `node:fs`, asks for the path of Deno: see `Deno.execPath` | `import` at the top | run |
 * | `Deno.execPath`, `process.execPath` | yes | FreeBSD's port of Deno answers from its prefix; under the filter Deno asks Linux for the path and ends with a panic |  | derived |
 * | `import()` of what is loaded already, or of a `data:` address | yes | no file is opened; Deno ignores that it cannot write its cache | | run |
 * | `import()` of anything else | no | open(2) and connect(2): ECAPMODE | import before, `warmUp({ modules })`, or read through a `Dir` and import as `data:` | run |
 * | `Worker` from a `data:` or `blob:` address | yes | new threads are permitted; a Worker is in capability mode too; each Worker of Deno 2.7 starts with getcwd(2), so it fails | | run |
 * | `Worker` from a file | if started before | open(2): ECAPMODE | start it before, or a `data:` address | run |
 * | `BroadcastChannel`, `MessageChannel` | yes | they stay inside the process | | run |
 * | a listener, and what it accepts | yes | accept4(2) is permitted | | run |
 * | `Deno.serve` that was called | yes | the same | call it, then enter | run |
 * | connections that are open, `WebSocket` among them | yes | read(2) and write(2) on their descriptors | | run |
 * | an open `Deno.DatagramConn`: `receive` | yes | recvfrom(2) is permitted | | run |
 * | an open `Deno.DatagramConn`: `send` | no | sendto(2) with an address: ECAPMODE | a connection, or a pipe to a process that sends | run |
 * | `Deno.listen`, `Deno.serve`, `Deno.listenDatagram` | no | bind(2): ECAPMODE | call them before | run |
 * | `Deno.connect`, `Deno.connectTls`, `new WebSocket`, `EventSource`, `fetch` over the network | no | connect(2) and sendto(2) with an address: ECAPMODE | connect before, or ask another process over a pipe | run |
 * | `Deno.resolveDns` | no | /etc/resolv.conf cannot be opened, and no server can be reached | resolve before | derived |
 * | `fetch` of `data:` and `blob:` addresses | yes | the data is in memory | | run |
 * | `fetch` of files | no | open(2): ECAPMODE | `Dir` | run |
 * | `Deno.Command` | no | execve(2): ECAPMODE | start it before | run |
 * | a child process that runs | yes | its pipes are open | before FreeBSD 15 its end cannot be waited for: wait4(2) is ECAPMODE | run |
 * | signals: `Deno.addSignalListener`, `Deno.kill` of itself | yes | sigaction(2), and kill(2) of its own pid, are permitted | | run |
 * | `Deno.kill` of another process | no | kill(2): ECAPMODE, for child processes too | close its pipe, so that it ends by itself | run |
 * | `localStorage`, `caches`, `Deno.openKv` of a file | no | SQLite opens the files of a database by path, some of them late | `Dir.writeFileAtomic` | run |
 * | `sessionStorage`, `Deno.openKv(":memory:")` | yes | they stay in memory | | run |
 * | `Deno.permissions`: query, revoke | yes | Deno decides them itself | revoke what is no longer needed, such as `ffi` | run |
 * | the prompts of permissions | yes | they use the open terminal, unless `limitStdio()` was called; the kernel refuses what they grant | `--no-prompt` | derived |
 * | `Deno.env`, `Deno.args`, `Deno.pid`, `Deno.exit`, `Deno.umask` | yes | they name no file; `Deno.umask` needs `--allow-sys=umask` since Deno 2.9.4 | | run |
 * | `Deno.hostname`, `Deno.osRelease`, `Deno.uid`, `Deno.gid`, `navigator.hardwareConcurrency` | yes | getuid(2) and these values of sysctl(3) are permitted | | derived |
 * | `Deno.loadavg`, `Deno.systemMemoryInfo`, `Deno.osUptime`, `Deno.networkInterfaces` | no | these values of sysctl(3) are EPERM: `networkInterfaces` throws, the others give zeros | ask before | derived |
 * | `Deno.memoryUsage` | yes | V8 counts its own heap; `rss` is always 0 on FreeBSD |  | derived |
 * | `Deno.dlopen` of what is not loaded yet | no | open(2): ECAPMODE | open it before | run |
 * | functions that `Deno.dlopen` gave, `Deno.UnsafeCallback` | yes | the library is loaded; the kernel checks the calls that it makes | | run |
 *
 * Before FreeBSD 14.3p15, 14.4p6 and 15.0p10 sigqueue(2), which Deno does not call, reached other processes from capability
 * mode (SA-26:28, CVE-2026-45259).
 *
 * @example A plan, entered where there is Capsicum
 * ```ts
 * import { sandbox } from "jsr:@capsicum/capsicum/sandbox";
 * import { assert } from "jsr:@std/assert";
 *
 * using box = sandbox({
 *   dirs: { etc: { path: "/etc", rights: "read" } },
 *   enforce: "if-supported",
 * });
 * assert(box.dirs.etc.readTextFileSync("hosts").length > 0);
 * ```
 *
 * @module
 */
export { sandbox, SandboxError } from "./sandbox.ts";
export type {
  DryRun,
  PlanNames,
  PlannedCall,
  PlannedStep,
  Sandbox,
  SandboxErrorInit,
  SandboxStep,
} from "./sandbox.ts";
export type {
  DescriptorPlan,
  DirPlan,
  DryRunPlan,
  FilePlan,
  PermissionName,
  PermissionPlan,
  Plan,
  WarmUpOptions,
} from "./plan.ts";
export { limitOthers, limitStdio, limitStream, presets, rightsFor } from "./limit_by_need.ts";
export type {
  LimitOthersOptions,
  LimitStreamOptions,
  Presets,
  StreamOptions,
  StreamUse,
} from "./limit_by_need.ts";
export { fdOf, openDescriptors } from "./open_descriptors.ts";
export type { DescriptorKind, OpenDescriptor } from "./open_descriptors.ts";
export { cacheTimezone, trapViolations, violationsAreTrapped, warmUp } from "./warm_up.ts";
export type { ModuleWarmUpOptions } from "./warm_up.ts";
export { needs } from "../../ffi/capsicum/needs.ts";
export type { Operation } from "../../ffi/capsicum/needs.ts";
