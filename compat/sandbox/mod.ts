/**
 * Sandboxes for whole programs: plans, presets of rights, and what is already open.
 *
 * {@link sandbox} opens what a plan names, limits each descriptor to its use, and enters capability mode, all or nothing.
 * {@link presets}, {@link rightsFor} and {@link needs} name the rights that a purpose or a call needs. {@link openDescriptors}
 * lists what the process has open; {@link limitStdio} and {@link limitOthers} limit it. {@link warmUp} opens the files that
 * Deno would otherwise open after entering. {@link trapViolations} finds what the program forgot to open.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough.
 *
 * ## Plans
 *
 * `fds` names descriptors that are already open: `{ fds: { peer: { fd, rights: "connection" } } }`. It also accepts
 * `Deno.stdin`, `Deno.stdout` and `Deno.stderr`. Other objects of Deno, such as `Deno.Listener`, do not expose their
 * descriptor: `fdOf(() => listener = Deno.listen(options))` finds it while Deno opens it. The `fd` of a file of `node:fs` is
 * a descriptor in Deno 2.9; in Deno 2.7 it is a number of Deno's own.
 *
 * `stdio: true` calls {@link limitStdio}, the equivalent of caph_limit_stdio(3). `stdio: { raw: true }` keeps `prompt()` and
 * `Deno.stdin.setRaw()` working. Deno has copies of these descriptors open, with all ioctls of a terminal.
 * `limitOthers: true` limits these copies too, and removes all rights except FLOCK from every other open file and directory.
 *
 * Deno opens some files at first use, which fails after entering. {@link warmUp}, or `warmUp: true` in a plan, opens them
 * in time: the local time zone, the source maps of stack traces and, with `{ certificates: true }`, the root certificates
 * that the first `fetch()` loads, even for a `data:` URL. `{ tls: true }` prepares `node:tls` and `node:https`.
 *
 * ## On Linux
 *
 * {@link sandbox} also confines the process on Linux, x86_64 and arm64, permanently. `mechanism` of its result names what it
 * uses:
 *
 * - A seccomp(2) filter on all threads refuses each system call that is not listed as permitted. It refuses calls with a path
 *   from the root or the working directory, with an address, on other processes, or on namespaces. A refused call fails with
 *   EPERM, and an unknown one with ENOSYS. `dryRun` returns the list, with a reason for each call, and a warning for each
 *   entry of the plan that Linux refuses or does not limit.
 * - Landlock keeps paths below descriptors to the directories of the plan, and permits in each what its rights include:
 *
 * | right | permits below the directory |
 * | --- | --- |
 * | READ | reading files and directories |
 * | WRITE | writing and truncating, and overwriting files that the plan only lets the program append to |
 * | CREATE, MKDIRAT, SYMLINKAT, MKFIFOAT, MKNODAT, BINDAT | creating entries of this kind |
 * | UNLINKAT | removing files and directories |
 * | RENAMEAT_SOURCE | removing, and moving to other directories |
 * | RENAMEAT_TARGET | creating entries of any kind except devices, removing, and moving from other directories |
 * | LINKAT_SOURCE | linking to other directories |
 * | LINKAT_TARGET | linking from other directories, and creating entries of any kind except devices |
 * | IOCTL | device ioctls, of which the filter permits those of terminals |
 *
 * A file can be moved or linked only to a directory that permits no more than the original one.
 *
 * **Threads.** seccomp(2) covers all threads, and so does Landlock since Linux 7.0. Before Linux 7.0, Landlock covers only the
 * thread that calls {@link sandbox}, the threads of Deno's pool, and threads that start later. It does not cover V8's own threads,
 * Workers that already run, or threads of the pool that are in a call at that moment, such as a pending read of a terminal.
 *
 * On a thread that Landlock does not cover, native code can still use an absolute path together with a descriptor of the plan.
 * JavaScript cannot make such a call: once `ffi` is revoked it cannot load a library, this library calls no
 * function that takes a path on a pool thread, and its raw C functions cannot be imported after {@link sandbox}. One exception
 * remains: a Worker that already runs. It can open files below a directory by `libc` without Landlock's limits, and code in it
 * that replaces `Function.prototype.call` can change the arguments of C functions. So start Workers after entering. A plan
 * without directories has no such gap, because the filter then refuses every call that takes a path.
 *
 * **Attributes.** Landlock does not control file attributes, and its errors tell which files exist. So the functions of `libc`
 * with a directory keep each path beneath it, as in capability mode: any other path is ENOTCAPABLE. The filter refuses
 * fchmodat(2), fchownat(2) and utimensat(2) with a path. Instead, the library opens the file and changes it by descriptor. The
 * file must be readable or writable, and a symlink itself cannot be changed. In a plan with directories, native code can read
 * the attributes of any file and the target of any symlink, by an absolute path together with a descriptor.
 *
 * **Descriptors.** Below a directory that is open but not in the plan, no file can be read, changed or removed. But the
 * directory can still be listed, and attributes and symlinks below it can be read: close it before entering, or use
 * `limitOthers: true`. `stdio: true` and `limitOthers: true` limit the standard streams, Deno's copies of them and other open
 * files, by number. Such a descriptor can no longer be closed or duplicated, unless it is an end of a pipe or /dev/null. A new
 * Worker duplicates the standard streams, and Deno exits if that fails: if a stream is a terminal or a file, start Workers before
 * entering. Other entries of `fds` cannot be limited on Linux, and are an error unless they have `unlimited: "allow"`.
 *
 * **Errors.** File modes and owners have the same errnos as the sandbox, so the message of such an error names the rights that
 * the plan must have. {@link sandbox} prepares the thread that calls it: it binds the functions of
 * this library, prepares Deno to print errors, and loads `process`. Call it on the main thread, because otherwise an error
 * there can make Deno panic. In Deno 2.7 this can also happen for an error from a module that is not on the stack of
 * `sandbox()`. To prevent it, read the `stack` of an error from that module before entering.
 *
 * **Warnings.** Soon after its start Deno looks for a new version of itself, which fails silently in a sandbox. But if the
 * variable `NODE_EXTRA_CA_CERTS` is set, Deno prints "Ignoring extra certs": set `DENO_NO_UPDATE_CHECK=1` too.
 *
 * ## What is still open?
 *
 * `openDescriptors()` lists every descriptor with its kind, rights, ioctls, fcntls, close-on-exec, offset and path. The
 * module `./audit` prints this list as a table, and also runs as a program.
 *
 * ## What was not opened in time?
 *
 * Using a resource that was not opened before entering fails with ECAPMODE or ENOTCAPABLE. A library may hide this error.
 * ktrace(1) with `-t p` records each violation with its system call; since FreeBSD 15 it also does so for a program that has
 * not entered yet. {@link trapViolations}, called before entering, makes each violation end the process by SIGTRAP, so that a
 * debugger shows the caller. Deno itself causes some violations: at the end of a program that does not call `Deno.exit()`,
 * and where {@link limitOthers} removed the rights of its caches.
 *
 * ## In capability mode
 *
 * These results come from the stand-in for the kernel, so they are simulated.
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
 * Which parts of Deno's own API work after entering. The column "known" says how this is known:
 *
 * - "run": Deno 2.9.6 ran on Linux with a seccomp(2) filter that refuses each call that capability mode refuses. This is
 *   simulated: the filter does not see the paths of calls that are relative to a directory's descriptor.
 * - "derived": from the calls in Deno's sources, and from the results of such calls on FreeBSD 15.1 and 13.2 kernels.
 *
 * No row was run in Deno on FreeBSD.
 *
 * | what | works? | why | instead | known |
 * | --- | --- | --- | --- | --- |
 * | timers, `queueMicrotask`, `AbortSignal.timeout` | yes | kqueue(2) and the clocks are permitted | | run |
 * | `performance`, `Date.now` | yes | clock_gettime(2) is permitted | | run |
 * | `crypto` | yes | getrandom(2) is permitted; the algorithms are in Deno | | run |
 * | URL, text, streams, compression, `structuredClone`, `Blob` | yes | they make no system calls | | run |
 * | `WebAssembly` | yes | mapping executable memory is permitted | | run |
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
 * | `Deno.execPath`, `process.execPath` | yes | FreeBSD's port of Deno answers from its prefix. On Linux `sandbox()` replaces `Deno.execPath` in its thread, to return the same path. In a Worker it ends the program by a panic of Deno | | derived |
 * | `import()` of what is loaded already, or of a `data:` address | yes | no file is opened; Deno ignores that it cannot write its cache | | run |
 * | `import()` of anything else | no | open(2) and connect(2): ECAPMODE | import before, `warmUp({ modules })`, or read through a `Dir` and import as `data:` | run |
 * | `Worker` from a `data:` or `blob:` address | yes | new threads are permitted; a Worker is in capability mode too; each Worker of Deno 2.7 starts with getcwd(2), so it fails | on Linux `delete globalThis.process` first in such a Worker: its first use ends Deno. With `stdio` or `limitOthers`, see "Descriptors" above | run |
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
 * | a child process that runs | yes | its pipes are open | before FreeBSD 15 the program cannot wait for its end: wait4(2) is ECAPMODE | run |
 * | signals: `Deno.addSignalListener`, `Deno.kill` of itself | yes | sigaction(2), and kill(2) of its own pid, are permitted | | run |
 * | `Deno.kill` of another process | no | kill(2): ECAPMODE, for child processes too | close its pipe, so that it ends by itself | run |
 * | `localStorage`, `caches`, `Deno.openKv` of a file | no | SQLite opens the files of a database by path, some of them late | `Dir.writeFileAtomic` | run |
 * | `sessionStorage`, `Deno.openKv(":memory:")` | yes | they stay in memory | | run |
 * | `Deno.permissions`: query, revoke | yes | Deno checks them itself, without system calls | revoke what is no longer needed, such as `ffi` | run |
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
export type { DryRun, PlannedCall, PlannedStep, Sandbox, SandboxErrorInit, SandboxStep } from "./sandbox.ts";
export type {
  DescriptorPlan,
  DirPlan,
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
