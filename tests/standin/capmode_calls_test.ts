/** What capability mode lets through, as it was recorded on kernels of both releases. */
import { assertEquals } from "@std/assert";
import type { Argument, Step } from "../_replay.ts";
import {
  f,
  fails,
  O_DIRECTORY,
  O_RDWR,
  ok,
  opens,
  type Release,
  replay,
  scenario,
  standinTest,
} from "./_scenario.ts";

interface Recorded {
  call: string;
  does: string;
  [release: string]: string;
}

const { calls }: { calls: Recorded[] } = JSON.parse(
  Deno.readTextFileSync(new URL("../data/capmode_calls.json", import.meta.url)),
);
const errnos: Record<string, number> = { EPERM: 1, ECHILD: 10, EWOULDBLOCK: 35, ECAPMODE: 94 };
const NULL = null;
const out = (bytes: number): Argument => ({ out: bytes });
const self = Deno.pid;
const shared = `/standin-${self}`;
const AF_UNIX = 1, AF_INET = 2, AF_ROUTE = 17, STREAM = 1, DGRAM = 2, RAW = 3;
const loopback = { hex: "10020000" + "7f000001" + "00".repeat(8) };
const unixAddress = { hex: "6a01" + "2f746d702f6e6f6e65" + "00".repeat(95) };
const tcp = [opens("f", "socket", AF_INET, STREAM, 0)];
const bound = [...tcp, ok("bind", f, loopback, 16)];
const listening = [...bound, ok("listen", f, 1), ok("fcntl", f, 4, 4)];
const file = [opens("f", "open", "$base/f", O_RDWR, 0)];
const sysctl = (name: string): Step =>
  ok("sysctlbyname", name, out(64), { hex: "4000000000000000" }, NULL, 0);

/** How each call is made: what comes before it, and itself. A call of another name has no call here. */
const made: Record<string, Step | [...Step[], Step]> = {
  "clock_gettime": ok("clock_gettime", 4, out(16)),
  "nanosleep": ok("nanosleep", { hex: "0000000000000000" + "40420f0000000000" }, NULL),
  "getrandom": ok("getrandom", out(8), 8, 0),
  "getentropy": ok("getentropy", out(8), 8),
  "mmap": ok("mmap", 0, 4096, 3, 0x1002, -1, 0),
  "mmap:exec": ok("mmap", 0, 4096, 7, 0x1002, -1, 0),
  "shm_open:anon": ok("shm_open", 1, O_RDWR, 0),
  "shm_open": ok("shm_open", shared, 0x202, 0o600),
  "memfd_create": ok("memfd_create", "name", 1),
  "kqueue": ok("kqueue"),
  "poll": ok("poll", NULL, 0, 0),
  "eventfd": ok("eventfd", 0, 0),
  "timerfd_create": ok("timerfd_create", 4, 0),
  "pipe2": ok("pipe2", out(8), 0),
  "socketpair": ok("socketpair", AF_UNIX, STREAM, 0, out(8)),
  "socket:tcp": ok("socket", AF_INET, STREAM, 0),
  "socket:udp": ok("socket", AF_INET, DGRAM, 0),
  "socket:raw": ok("socket", AF_ROUTE, RAW, 0),
  "bind": [...tcp, ok("bind", f, loopback, 16)],
  "connect": [...tcp, ok("connect", f, loopback, 16)],
  "listen": [...bound, ok("listen", f, 1)],
  "accept4": [...listening, ok("accept4", f, NULL, NULL, 0)],
  "sendto": [opens("f", "socket", AF_INET, DGRAM, 0), ok("sendto", f, { hex: "61" }, 1, 0, loopback, 16)],
  "setsockopt": [...tcp, ok("setsockopt", f, 6, 1, { hex: "01000000" }, 4)],
  "getsockname": [...tcp, ok("getsockname", f, out(16), { hex: "10000000" })],
  "connect:unix": [opens("f", "socket", AF_UNIX, STREAM, 0), ok("connect", f, unixAddress, 106)],
  "getpid": ok("getpid"),
  "getppid": ok("getppid"),
  "kill:other": ok("kill", self, 0),
  "waitpid": ok("waitpid", -1, NULL, 1),
  "sysconf:ncpu": ok("sysconf", 58),
  "open": ok("open", "$base/f", 0, 0),
  "stat": ok("stat", "$base/f", out(224)),
  "getcwd": ok("getcwd", out(1024), 1024),
  "realpath": ok("realpath", "$base/f", out(1024)),
  "fstatfs": [...file, ok("fstatfs", f, out(2344))],
  "copy_file_range": [
    ...file,
    opens("to", "open", "$base/g", O_RDWR, 0),
    ok("copy_file_range", f, NULL, { ref: "to" }, NULL, 1, 0),
  ],
  "flock": [...file, ok("flock", f, 1)],
  "inotify_init1": ok("inotify_init1", 0),
  "procctl:TRAPCAP": ok("procctl", 0, 0, 10, out(4)),
  "umask": ok("umask", 0o022),
};

/** A step whose descriptors have other names, so that it does not meet those of other calls. */
function renamed(step: Step, number: number): Step {
  const args = step.args.map((arg) =>
    typeof arg === "object" && arg !== null && "ref" in arg ? { ref: `${arg.ref}${number}` } : arg
  );
  return { ...step, args, ...(step.as === undefined ? {} : { as: `${step.as}${number}` }) };
}

// All calls of a release are made in one process, which enters once.
for (const release of ["15.1", "13.2"] satisfies Release[]) {
  const before: Step[] = [], inside: Step[] = [], names: string[] = [];
  for (const [number, recorded] of calls.entries()) {
    const name = recorded.call;
    const [sysctlName] = /(?<=^sysctlbyname:).*/.exec(name) ?? [];
    const steps = sysctlName === undefined ? made[name] : sysctl(sysctlName);
    const outside = recorded[`${release} before`], result = recorded[`${release} in capability mode`] ?? "";
    if (steps === undefined || outside === "no such call") continue;
    const all = [steps].flat().map((step) => renamed(step, number));
    const last = all.pop() as Step;
    const errno = errnos[result];
    if (result !== "ok" && errno === undefined) throw new Error(`${name}: ${result} has no number here`);
    before.push(...all);
    if (outside === "ok") before.push(last);
    if (outside === "ok" && name === "shm_open") before.push(ok("shm_unlink", shared));
    inside.push(errno === undefined ? last : fails(errno, last.call, ...last.args));
    names.push(`${name} is ${result} in capability mode`);
  }
  const replayed = replay("calls before and in capability mode", release, [
    ...before,
    ok("cap_enter"),
    ...inside,
  ], {
    tree: { f: "f", g: "" },
  });
  standinTest(
    release,
    "every call is made, and those before capability mode give what was recorded",
    async () => {
      const { steps, mismatches } = await replayed();
      assertEquals(steps, before.length + 1 + inside.length);
      assertEquals(mismatches.filter((line) => stepOf(line) <= before.length), []);
    },
  );
  for (const [i, name] of names.entries()) {
    standinTest(release, name, async () => {
      const { mismatches } = await replayed();
      assertEquals(mismatches.filter((line) => stepOf(line) === before.length + 1 + i), []);
    });
  }
}

function stepOf(mismatch: string): number {
  return Number(/^step (\d+) /.exec(mismatch)![1]);
}

scenario("kill() of oneself is allowed in capability mode", ["15.1", "13.2"], [
  opens("d", "open", "$base", O_DIRECTORY, 0),
  opens("me", "getpid"),
  ok("cap_enter"),
  ok("kill", { ref: "me" }, 0),
]);
