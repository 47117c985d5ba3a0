/**
 * Attacks its own sandbox on Linux, as nobody, and prints the results as JSON: each attack with its outcome. Its arguments
 * are the directory of the fixture, "dirs" or "none", and the library of native attacks.
 *
 * The native calls are made on the JavaScript thread ("here") and by nonblocking calls ("pool").
 *
 * @module
 */
import fs from "node:fs";
import { rename } from "node:fs/promises";
import net from "node:net";
import { sandbox } from "../../../mod.ts";
import numbers from "../../data/system_calls.json" with { type: "json" };
import { dropRoot } from "../../_unprivileged.ts";

const [base = "", kind = "", library = ""] = Deno.args;
const column = Deno.build.arch === "aarch64" ? 1 : 0;
const nr = (name: keyof typeof numbers) => BigInt(numbers[name][column] ?? -1);
const long = "i64";
const rows = {
  call: { parameters: [long, long, long, long, long, long, long], result: long },
  call_path: { parameters: [long, "buffer", long, long, long, long], result: long },
  call_at: { parameters: [long, "i32", "buffer", long, long, long], result: long },
  call_openat2: { parameters: ["i32", "buffer", "u64", "u64"], result: long },
  call_sendmsg: { parameters: ["i32"], result: long },
  call_two: { parameters: [long, "i32", "buffer", "i32", "buffer", long], result: long },
  open_everywhere: { parameters: ["i32", "buffer"], result: long },
  call_i386: { parameters: [], result: long },
  start_thread: { parameters: [], result: long },
  open_terminal: { parameters: [], result: long },
  type_into: { parameters: ["i32"], result: long },
  size_of: { parameters: ["i32"], result: long },
} as const;
const here = Deno.dlopen(library, rows).symbols;
const pool = Deno.dlopen(library, {
  call: { ...rows.call, nonblocking: true },
  call_path: { ...rows.call_path, nonblocking: true },
  call_at: { ...rows.call_at, nonblocking: true },
  call_openat2: { ...rows.call_openat2, nonblocking: true },
  call_sendmsg: { ...rows.call_sendmsg, nonblocking: true },
  call_two: { ...rows.call_two, nonblocking: true },
  open_everywhere: { ...rows.open_everywhere, nonblocking: true },
  call_i386: { ...rows.call_i386, nonblocking: true },
  start_thread: { ...rows.start_thread, nonblocking: true },
  type_into: { ...rows.type_into, nonblocking: true },
  size_of: { ...rows.size_of, nonblocking: true },
}).symbols;
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr as Deno.NetAddr;
const open = await Deno.open(`${base}/inside/file`);
const parent = BigInt(Deno.ppid), self = BigInt(Deno.pid);
const path = (text: string) => new TextEncoder().encode(`${text}\0`);
const secret = `${base}/outside/secret`, AT_FDCWD = -100;

const readInWorker = () => {
  const worker = new Worker(
    `data:text/javascript,${
      encodeURIComponent(`onmessage = ({ data }) => {
        try { Deno.readTextFileSync(data); postMessage("done"); } catch (error) { postMessage(String(error)); }
      }`)
    }`,
    { type: "module" },
  );
  worker.postMessage(secret);
  return new Promise<string>((resolve) =>
    worker.onmessage = ({ data }) => (worker.terminate(), resolve(data))
  );
};

const terminal = Number(here.open_terminal());
dropRoot();
// These exist before the sandbox: a Worker, and threads of the pool.
const idle = new Worker("data:text/javascript,postMessage(0); onmessage = () => {};", { type: "module" });
await new Promise((resolve) => idle.onmessage = resolve);
await Promise.all(Array.from({ length: 8 }, () => open.stat()));
const before = {
  typed: String(here.type_into(terminal)),
  opened: String(here.open_everywhere(AT_FDCWD, path(secret))),
  i386: String(here.call_i386()) === String(self),
};
const box = sandbox({
  ...(kind === "dirs" ? { dirs: { inside: { path: `${base}/inside`, rights: "readWrite" } } } : {}),
  files: { file: { path: `${base}/inside/file` } },
  permissions: { revoke: [] },
});
const dir = (box.dirs as { inside?: { fd: number } }).inside?.fd ?? 1000;
const results: Record<string, string> = {};

async function attempt(name: string, attack: () => unknown): Promise<void> {
  try {
    const result = await attack();
    results[name] = typeof result === "bigint" ? (result < 0n ? `errno ${-result}` : "done") : "done";
  } catch (error) {
    results[name] = String(error).slice(0, 200);
  }
}

/** From JavaScript. */
const javascript: Record<string, () => unknown> = {
  "read": () => Deno.readTextFile(secret),
  "read synchronously": () => Deno.readTextFileSync(secret),
  "write": () => Deno.writeTextFile(`${base}/outside/new`, ""),
  "stat": () => Deno.statSync(secret),
  "list": () => [...Deno.readDirSync(`${base}/outside`)],
  "link": () => Deno.linkSync(secret, `${base}/inside/l`),
  "rename": () => Deno.rename(secret, `${base}/inside/r`),
  "remove": () => Deno.removeSync(secret),
  "read /proc/self/root": () => Deno.readTextFileSync(`/proc/self/root${secret}`),
  "read an open file again": () => Deno.readTextFileSync("/proc/self/fd/0"),
  "start a program": () => new Deno.Command("true").output(),
  "connect": () => Deno.connect({ hostname: "127.0.0.1", port }),
  "listen": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  "listen at a path": () => Deno.listen({ transport: "unix", path: `${base}/inside/socket` }),
  "fetch": () => fetch(`http://127.0.0.1:${port}`),
  "signal": () => Deno.kill(Deno.ppid, "SIGCONT"),
  "load a library": () => Deno.dlopen(`${base}/inside/late.so`, {}),
  "change the directory": () => Deno.chdir("/"),
  "interfaces": () => Deno.networkInterfaces(),
  "node:fs read": () => fs.readFileSync(secret),
  "node:fs write": () => fs.writeFileSync(`${base}/outside/new`, ""),
  "node:fs rename": () => rename(secret, `${base}/inside/r`),
  "node:net connect": () =>
    new Promise((resolve, reject) =>
      net.connect(port, "127.0.0.1").on("error", reject).on(
        "connect",
        resolve,
      )
    ),
};
for (const [name, attack] of Object.entries(javascript)) await attempt(name, attack);
// A Worker of Deno 2.7 can't start in the sandbox: it asks for the working directory.
if (!Deno.version.deno.startsWith("2.7.")) results["read in a Worker"] = await readInWorker();

// From native code. O_PATH, RESOLVE_IN_ROOT and similar numbers are those of the kernel's headers.
const O_WRONLY = 1n, O_CREAT = 0o100n, O_PATH = 0o10000000n, RESOLVE_IN_ROOT = 16n, RESOLVE_BENEATH = 8n;
const AT_EMPTY_PATH = 0x1000n, TIOCLINUX = 0x541cn;
type Native = { [N in keyof typeof here]: (...args: never[]) => unknown };
for (const [thread, native] of [["here", here], ["pool", pool]] as [string, Native][]) {
  const on = native as typeof here;
  const call = (name: keyof typeof numbers, ...args: (bigint | number)[]) => () =>
    on.call(
      nr(name),
      ...[...args, 0, 0, 0, 0, 0, 0].slice(0, 6).map(BigInt) as [
        bigint,
        bigint,
        bigint,
        bigint,
        bigint,
        bigint,
      ],
    );
  const at = (name: keyof typeof numbers, fd: number, text: string, a = 0n, b = 0n, c = 0n) => () =>
    on.call_at(nr(name), fd, path(text), a, b, c);
  const attacks: Record<string, () => unknown> = {
    "openat from the working directory": at("openat", AT_FDCWD, secret),
    "openat2 from the working directory": () => on.call_openat2(AT_FDCWD, path(secret), 0n, 0n),
    "mkdirat from the working directory": at("mkdirat", AT_FDCWD, `${base}/outside/d`, 0o700n),
    "unlinkat from the working directory": at("unlinkat", AT_FDCWD, secret),
    "statx from the working directory": at("statx", AT_FDCWD, secret, 0n, 0x7ffn, 0n),
    "fchmodat below a descriptor": at("fchmodat", dir, secret, 0o777n),
    "fchownat below a descriptor": at("fchownat", dir, secret, 1n, 1n),
    "utimensat below a descriptor": at("utimensat", dir, secret),
    "name_to_handle_at": at("name_to_handle_at", dir, "file"),
    "open_by_handle_at": call("open_by_handle_at", dir),
    "execve": () => on.call_path(nr("execve"), path("/bin/true"), 0n, 0n, 0n, 0n),
    "execveat": at("execveat", dir, "file", 0n, 0n, AT_EMPTY_PATH),
    "memfd_create and execveat": async () => {
      const fd = await on.call_path(nr("memfd_create"), path("x"), 0n, 0n, 0n, 0n) as bigint;
      if (fd < 0n) throw new Error("memfd_create() is permitted");
      return await on.call_at(nr("execveat"), Number(fd), path(""), 0n, 0n, AT_EMPTY_PATH);
    },
    "fork": call("clone", 17),
    "a new namespace": call("clone", 0x10000000 | 17),
    "a thread in a new namespace": call("clone", 0x10000000 | 0x10f00),
    "unshare": call("unshare", 0x10000000),
    "setns": call("setns", 0, 0),
    "clone3": call("clone3", 0, 88),
    "mount": call("mount", 0, 0, 0, 0, 0),
    "io_uring_setup": call("io_uring_setup", 4, 0),
    "ptrace": call("ptrace", 16, parent),
    "process_vm_readv": call("process_vm_readv", parent, 0, 0, 0, 0, 0),
    "kill": call("kill", parent, 0),
    "kill of all": call("kill", -1, 0),
    "tgkill": call("tgkill", parent, parent, 0),
    "tkill": call("tkill", parent, 0),
    "rt_sigqueueinfo": call("rt_sigqueueinfo", parent, 0, 0),
    "pidfd_open": call("pidfd_open", parent, 0),
    "pidfd_getfd": call("pidfd_getfd", 0, 0, 0),
    "prlimit64": call("prlimit64", parent, 7, 0, 0),
    "socket netlink": call("socket", 16, 3, 0),
    "socket packet": call("socket", 17, 3, 0),
    "socket vsock": call("socket", 40, 1, 0),
    "socket alg": call("socket", 38, 5, 0),
    "socket raw": call("socket", 2, 3, 1),
    "bind": call("bind", 0, 0, 0),
    "connect": call("connect", 0, 0, 0),
    "sendto with an address": call("sendto", 0, 0, 0, 0, 4096, 16),
    "sendmsg": () => on.call_sendmsg(0),
    "F_SETOWN": call("fcntl", 0, 8, parent),
    "F_SETSIG": call("fcntl", 0, 10, 9),
    "TIOCSTI": () => on.type_into(terminal),
    "TIOCLINUX": call("ioctl", terminal, TIOCLINUX, 0),
    "FIOSETOWN": call("ioctl", 0, 0x8901, 0),
    "bpf": call("bpf", 0, 0, 0),
    "perf_event_open": call("perf_event_open", 0, 0, 0, 0, 0),
    "userfaultfd": call("userfaultfd", 0),
    "keyctl": call("keyctl", 0, 0, 0),
    "shmget": call("shmget", 1, 4096, 0o1000),
    "mq_open": () => on.call_path(nr("mq_open"), path("x"), 0n, 0n, 0n, 0n),
    "init_module": call("init_module", 0, 0, 0),
    "settimeofday": call("settimeofday", 0, 0),
    "sethostname": call("sethostname", 0, 0),
    "seccomp": call("seccomp", 1, 0, 0),
    "landlock_restrict_self": call("landlock_restrict_self", 0, 0),
    "an unknown call": () => on.call(600n, 0n, 0n, 0n, 0n, 0n, 0n),
    "x32": () => on.call(0x40000000n + 39n, 0n, 0n, 0n, 0n, 0n, 0n),
    "i386": () => on.call_i386(),
    "open": () => Deno.build.arch === "x86_64" ? on.call_path(2n, path(secret), 0n, 0n, 0n, 0n) : -1n,
  };
  for (const [name, attack] of Object.entries(attacks)) await attempt(`${name} (${thread})`, attack);
  // Below a descriptor Landlock decides; without directories the filter does.
  {
    const outside: Record<string, () => unknown> = {
      "absolute path": at("openat", dir, secret),
      "..": at("openat", dir, "../outside/secret"),
      "symlink": at("openat", dir, "out"),
      "write": at("openat", dir, secret, O_WRONLY),
      "create": at("openat", dir, `${base}/outside/new`, O_WRONLY | O_CREAT, 0o600n),
      "the memory of another process": at("openat", dir, `/proc/${parent}/mem`),
      "/proc/self/root": at("openat", dir, `/proc/self/root${secret}`),
      "RESOLVE_IN_ROOT": () => on.call_openat2(dir, path("../outside/secret"), 0n, 0n),
      "a directory": at("openat", dir, `${base}/outside`),
      "mkdirat": at("mkdirat", dir, `${base}/outside/d`, 0o700n),
      "unlinkat": at("unlinkat", dir, secret),
      "rename out": () =>
        on.call_two(nr("renameat"), dir, path("file"), dir, path(`${base}/outside/file`), 0n),
      "rename in": () => on.call_two(nr("renameat2"), dir, path(secret), dir, path("stolen"), 0n),
      "link in": () => on.call_two(nr("linkat"), dir, path(secret), dir, path("stolen"), 0n),
      "on 64 threads at once": async () => {
        const all = await Promise.all(
          Array.from({ length: 64 }, () => on.call_at(nr("openat"), dir, path(secret), 0n, 0n, 0n)),
        );
        return all.find((result) => result >= 0n) ?? all[0];
      },
      // Before Linux 7.0 Landlock does not cover V8's own threads, nor the Worker.
      ...(kind === "none" && {
        "on every thread": async () => {
          const result = await on.open_everywhere(dir, path(secret));
          return result > 0n && result % 1000n === 0n ? -1n : result;
        },
      }),
      "O_PATH and a name": async () => {
        const fd = await on.call_at(nr("openat"), dir, path(`${base}/outside`), O_PATH, 0n, 0n) as bigint;
        return fd < 0n ? fd : await on.call_at(nr("openat"), Number(fd), path("secret"), 0n, 0n, 0n);
      },
    };
    for (const [name, attack] of Object.entries(outside)) {
      await attempt(`outside: ${name} (${thread})`, attack);
    }
  }
  // The permitted twins.
  const twins: Record<string, () => unknown> = {
    "getpid": call("getpid"),
    "kill of itself": call("kill", self, 0),
    "tgkill of itself": call("tgkill", self, self, 0),
    "prlimit64 of itself": call("prlimit64", 0, 7, 0, 0),
    "socket": call("socket", 2, 1, 0),
    "F_GETFL": call("fcntl", 0, 3, 0),
    "sched_yield": call("sched_yield"),
    "PR_GET_NO_NEW_PRIVS": call("prctl", 39),
    "a thread": () => on.start_thread(),
    "TIOCGWINSZ": () => on.size_of(terminal),
    ...(kind === "dirs" && {
      "openat": at("openat", dir, "file"),
      "openat2": () => on.call_openat2(dir, path("file"), 0n, RESOLVE_BENEATH),
      "openat2 in its root": () => on.call_openat2(dir, path("/file"), 0n, RESOLVE_IN_ROOT),
      "mkdirat": at("mkdirat", dir, `made ${thread}`, 0o700n),
      "rename": () =>
        on.call_two(nr("renameat"), dir, path(`made ${thread}`), dir, path(`new ${thread}`), 0n),
      "every thread": async () => {
        const result = await on.open_everywhere(dir, path("file")), threads = result / 1000n;
        return threads > 5n && result % 1000n === threads ? 0n : -result;
      },
    }),
  };
  for (const [name, twin] of Object.entries(twins)) await attempt(`twin: ${name} (${thread})`, twin);
}
await attempt("twin: an open file", () => open.read(new Uint8Array(1)));
await attempt("twin: a file of the plan", () => box.files.file.readAllSync());
listener.close();
console.log(JSON.stringify({ mechanism: box.mechanism, before, results }));
Deno.exit();
