/**
 * Makes each libc call of one `sandbox()` fail in turn, and prints a `Report`.
 *
 * Its argument is an empty directory. It enters capability mode at the end, when no more calls are made to fail.
 *
 * @module
 */
import { getRights, libc, openDescriptors, sandbox, sandboxed, SandboxError } from "../../../mod.ts";
import { symbols } from "../../../ffi/symbols.ts";
import { freebsdErrno } from "../../../ffi/errno.ts";
import { callsOf, failNext } from "../../_standin.ts";
import { errnos, isWhole } from "../../faults/_errnos.ts";

export interface Fault {
  /** The C name of the call that failed, and which of its calls. */
  call: string;
  nth: number;
  /** The errno with which it failed. */
  code: string;
  /** The error: its class, and for a SandboxError the entry that it names. */
  thrown: string;
  step?: string;
  entry?: string;
  message: string;
  stillLimited: readonly string[];
  /** The entries of descriptors that were open before and are limited now. */
  limited: string[];
  /** The number of descriptors that stay open. */
  left: number;
  /** Whether the process is in capability mode. */
  entered: boolean;
}

export interface Report {
  faults: Fault[];
  /** The result without a fault. */
  end: { sandboxed: boolean; entered: boolean; names: string[] };
}

const EIO = 5;
/** Errnos after which sandbox() goes on: a signal, a closed stream, a directory that is there, and no Capsicum. */
const others = ["EINTR", "EBADF", "EEXIST", "ENOSYS"];
const numbers = new Map(Object.entries(freebsdErrno()).map(([number, [name]]) => [name, Number(number)]));
let turn = 0;

/** The next errno of the man page of a call, or all. */
function errnosOf(call: string): string[] {
  const all = (errnos[call] ?? ["EIO"]).filter((code) => !others.includes(code));
  return isWhole && all.length > 0 ? all : [all[turn++ % all.length] ?? "EIO"];
}
const [base = ""] = Deno.args;
const names = new Set(
  Object.entries(symbols).filter(([, symbol]) => symbol.result !== "pointer" && !("nonblocking" in symbol))
    .map(([name, symbol]) => "name" in symbol ? symbol.name : name).filter((name) => name !== "memcpy"),
);

/** Returns the plan, with new descriptors for its open entries, which the caller closes. */
function planWith(fds: Record<string, number>) {
  return {
    dirs: { data: { path: base }, out: { path: `${base}/out`, rights: "readWrite", create: true } },
    files: { log: { path: `${base}/log`, append: true, create: true } },
    fds: {
      stream: { fd: fds.stream!, rights: "stdin" },
      socket: { fd: fds.file!, rights: ["READ"] },
    },
    stdio: true,
  } as const;
}

function opened(): Record<string, number> {
  const open = () => libc.open("/dev/null", libc.O_RDWR | libc.O_CLOEXEC);
  return { stream: open(), file: open() };
}

/** Runs the plan with a fault, and with another one in cap_enter() so that it never succeeds. */
function run(call: string, nth: number, failed: string): Fault {
  const fds = opened();
  const plan = planWith(fds);
  const before = openDescriptors().length;
  const base = { call, nth, code: failed, stillLimited: [], limited: [], left: 0, entered: false };
  failNext("cap_enter", EIO);
  if (call !== "") failNext(call, numbers.get(failed)!, nth);
  try {
    sandbox(plan);
    return { ...base, thrown: "nothing", message: "" };
  } catch (error) {
    if (call !== "") failNext(call, EIO, 0);
    failNext("cap_enter", EIO, 0);
    const { message, constructor } = error as Error;
    const known = error instanceof SandboxError
      ? { step: error.step, ...(error.entry === undefined ? {} : { entry: error.entry }) }
      : {};
    return {
      ...base,
      ...known,
      thrown: constructor.name,
      message,
      stillLimited: error instanceof SandboxError ? error.stillLimited : [],
      limited: Object.keys(plan.fds).filter((name) =>
        !getRights(plan.fds[name as "stream"].fd).has("MMAP_RWX")
      ).map((name) => `fds.${name}`),
      left: openDescriptors().length - before,
      entered: sandboxed(),
    };
  } finally {
    for (const fd of Object.values(fds)) libc.close(fd);
  }
}

/** Returns how often one run makes each call. */
function counts(): Map<string, number> {
  const fds = opened(), plan = planWith(fds);
  failNext("cap_enter", EIO);
  const before = new Map([...names].map((name) => [name, callsOf(name)]));
  try {
    sandbox(plan);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
  }
  const made = new Map([...names].map((name) => [name, callsOf(name) - before.get(name)!]));
  for (const fd of Object.values(fds)) libc.close(fd);
  return made;
}

// The first run binds everything.
run("", 1, "EIO");
const faults: Fault[] = [];
for (const [call, made] of counts()) {
  for (let nth = 1; nth <= made; nth++) {
    for (const code of errnosOf(call)) faults.push(run(call, nth, code));
  }
}
// Questions to the kernel after the mode is entered: a failure changes nothing.
failNext("cap_getmode", EIO, 2);
const fds = opened();
const box = sandbox(planWith(fds));
const end = {
  sandboxed: box.sandboxed,
  entered: sandboxed(),
  names: [...Object.keys(box.dirs), ...Object.keys(box.files)],
};
console.log(JSON.stringify({ faults, end } satisfies Report));
