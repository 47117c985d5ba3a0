/**
 * The steps of {@link sandbox}, in their order: they are carried out, all or nothing, or described.
 *
 * @module
 */
import { enter, isSupported, mechanism, sandboxed } from "../../ffi/capsicum/capability.ts";
import { listed, MOST, quoted, shortened, type SyscallError, visible, wrapped } from "../../ffi/errors.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { mayCall } from "../../ffi/system.ts";
import { calls as callsIn, confine, missing } from "../../ffi/linux/confine/confine.ts";
import type { DescriptorLimit } from "../../ffi/linux/confine/seccomp.ts";
import { hasCapsicum } from "../../ffi/symbols.ts";
import { Rights } from "../../rights/rights.ts";
import { grant } from "../fs/descriptor.ts";
import { Dir } from "../fs/dir.ts";
import type { FdFile } from "../fs/file.ts";
import { applyLimits, limitOthers, type Limits, limitsOfOthers, presets } from "./limit_by_need.ts";
import {
  type Entry,
  type Existing,
  type NamedDirectory,
  type Opening,
  type Plan,
  type Steps,
  stepsOf,
  widened,
} from "./plan.ts";
import { fileOf, unlessClosed } from "./open_descriptors.ts";
import { avertPanics, warmUp } from "./warm_up.ts";

/**
 * Sandboxes the program: opens everything that a plan names, limits each descriptor to its rights, and enters capability
 * mode; on Linux, confines the process by seccomp and Landlock.
 *
 * All or nothing: if a step fails, everything that it opened is closed, the process is not sandboxed ({@link SandboxError}
 * has the exceptions), and the error names the step and the entry of the plan. The plan is checked before anything is opened.
 * A limit on a descriptor that was already open cannot be undone, so it is first tried on a duplicate. The steps are those of
 * {@link SandboxError.step}, in that order; `dryRun` returns them.
 *
 * A directory that the kernel does not confine (see `Dir.confined`) is refused, unless its entry has
 * `unconfined: "allow"`.
 *
 * Stands for open(2), cap_rights_limit(2), cap_ioctls_limit(2), cap_fcntls_limit(2) and cap_enter(2); on Linux for
 * PR_SET_NO_NEW_PRIVS of prctl(2), landlock_restrict_self(2) and seccomp(2). Requires `--allow-ffi` permission.
 *
 * @param plan What the program needs.
 * @returns What it opened, by the names of the plan. With `dryRun`, only the steps.
 * @throws {TypeError} If a member of the plan has the wrong type, or options contradict each other.
 * @throws {RangeError} If a right, preset or name in the plan is unknown.
 * @throws {SandboxError} If a step fails.
 * @throws {Deno.errors.NotSupported} If the system cannot enforce the plan and `enforce` is `"required"`, the default. The
 * message names what the system lacks.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { sandbox } from "jsr:@capsicum/capsicum";
 * import { assert, assertThrows } from "jsr:@std/assert";
 *
 * using box = sandbox({
 *   dirs: { etc: { path: "/etc", rights: "read" } },
 *   files: { log: { path: "/dev/null", append: true } },
 *   stdio: true,
 *   enforce: "if-supported",
 * });
 * const { dirs: { etc }, files: { log } } = box;
 * assert(etc.listSync().length > 0);
 * log.writeSync(new TextEncoder().encode("started\n"));
 * if (box.sandboxed) assertThrows(() => etc.writeTextFileSync("motd", "hello"));
 * ```
 */
export function sandbox<
  DirNames extends string = never,
  FileNames extends string = never,
  Dry extends boolean = false,
>(
  plan: Plan<DirNames, FileNames, Dry>,
): Dry extends true ? DryRun : Sandbox<NoInfer<DirNames>, NoInfer<FileNames>> {
  const steps = stepsOf(plan);
  // The type checker does not derive `Dry` from the value.
  return (plan.dryRun ? describe(plan, steps) : entered(plan, steps)) as never;
}

/** Carries out the steps of a plan. */
function entered(plan: Plan<string, string, boolean>, steps: Steps): Sandbox {
  const run = new Run();
  const means = run.step("find Capsicum", undefined, () => findMeans(steps));
  const isRequired = plan.enforce !== "if-supported", { limitOthers: others = false } = plan;
  if (means.missing !== undefined && isRequired) {
    throw new Deno.errors.NotSupported(
      `sandbox(): the plan requires a sandbox, and this system lacks ${means.missing}. ` +
        'To also run without a sandbox, pass enforce: "if-supported".',
    );
  }
  try {
    if (plan.warmUp) {
      run.step("warm up", undefined, () => warmUp(plan.warmUp === true ? {} : plan.warmUp || {}));
    }
    const isEnforced = means.missing === undefined;
    if (isEnforced && !means.hasCapsicum && !sandboxed()) run.step("warm up", undefined, avertPanics);
    const { dirs, files } = run.open(steps);
    if (isEnforced) run.confine(steps, dirs);
    if (plan.ambient) run.mount(steps, dirs, plan.ambient);
    if (means.hasCapsicum) run.limit(steps, others);
    const unlimited = isEnforced && !means.hasCapsicum ? run.confineProcess(steps, others, isRequired) : [];
    if (isEnforced) run.step("revoke", undefined, () => revoke(steps));
    return {
      dirs,
      files,
      sandboxed: isEnforced,
      mechanism: isEnforced ? mechanism() : "none",
      unlimited,
      [Symbol.dispose]: () => run.close(),
    };
  } catch (error) {
    run.closeQuietly();
    throw error;
  }
}

/** The result of `sandbox()`: what it opened, by the names of the plan. `using` closes all of it. */
export interface Sandbox<DirNames extends string = string, FileNames extends string = string>
  extends Disposable {
  /** The directories. */
  readonly dirs: Readonly<Record<DirNames, Dir>>;
  /** The files. */
  readonly files: Readonly<Record<FileNames, FdFile>>;
  /** Whether the plan is enforced: false only with `enforce: "if-supported"`, where the system can't enforce it. */
  readonly sandboxed: boolean;
  /**
   * What enforces the plan, for all threads unless said otherwise.
   *
   * - `"capsicum"`: capability mode of FreeBSD.
   * - `"seccomp"`: on Linux, for a plan without directories. A filter refuses each system call that takes a path or an address,
   *   and each call on another process.
   * - `"seccomp+landlock"`: on Linux, for a plan with directories. The same filter permits paths below descriptors, and Landlock
   *   keeps these to the directories of the plan and their rights. Before Linux 7.0 Landlock does not cover V8's own threads and
   *   Workers that already run: see "Threads" in the module `./sandbox`. Native code can read the attributes of any file.
   * - `"none"`: nothing.
   */
  readonly mechanism: "capsicum" | "seccomp+landlock" | "seccomp" | "none";
  /** The entries of the plan that Linux does not limit. `unlimited: "allow"` or `enforce: "if-supported"` permits them. */
  readonly unlimited: readonly string[];
}

/** One thing that `sandbox()` would do. */
export interface PlannedStep {
  /** What is done. */
  readonly step: SandboxStep;
  /** The entry of the plan, such as `"dirs.data"`. */
  readonly entry?: string;
  /** What is opened. */
  readonly path?: string;
  /** More about it, for people. */
  readonly note?: string;
  /** What this system refuses about it or does not limit, for people. */
  readonly warning?: string;
  /** The names of the rights that are left, as `Rights.names()` returns them. */
  readonly rights?: readonly string[];
  /** The ioctls that are left; undefined if only the rights are limited. */
  readonly ioctls?: readonly string[];
  /** The fcntls that are left; undefined if only the rights are limited. */
  readonly fcntls?: readonly string[];
}

/** Whether the sandbox permits a system call of Linux. */
export interface PlannedCall {
  /** Its name. */
  readonly name: string;
  /** Its number on this machine. */
  readonly number: number;
  /** `"if"`: permitted with the arguments that `reason` names. `"missing"`: fails with ENOSYS, as an unknown call does. */
  readonly verdict: "permit" | "if" | "missing" | "refuse";
  /** The reason for the verdict. */
  readonly reason: string;
}

/** The steps of `sandbox()`, in order. `console.log()` prints them as text of at most 80 columns, and `String()` returns it. */
export interface DryRun {
  /** What `sandbox()` does on a system that cannot enforce the plan. */
  readonly enforce: "required" | "if-supported";
  /** What would enforce the plan here; undefined without `--allow-ffi`. */
  readonly mechanism: Sandbox["mechanism"] | undefined;
  /** The system calls and whether they are permitted, on Linux; undefined on other systems. */
  readonly calls: readonly PlannedCall[] | undefined;
  /** The steps. */
  readonly steps: readonly PlannedStep[];
  /** Formats the steps as text of at most 80 columns. */
  toString(): string;
}

/** The step at which `sandbox()` failed: see {@link SandboxError.step}. */
export type SandboxStep =
  | "find Capsicum"
  | "warm up"
  | "open"
  | "confine"
  | "ambient"
  | "limit"
  | "enter"
  | "revoke";

/** The fields of a {@link SandboxError}. */
export interface SandboxErrorInit {
  /** The step that failed. */
  step: SandboxStep;
  /** The entry of the plan, such as `"dirs.data"`. */
  entry?: string | undefined;
  /** Entries of descriptors that were open before and that stay limited. */
  stillLimited?: readonly string[];
  /** The error of the step. */
  cause?: unknown;
}

/**
 * A step of `sandbox()` failed. Everything that it opened is closed again, and the process is not sandboxed, with one
 * exception: if `step` is `"revoke"`, the process is sandboxed for good, and has permissions of Deno that the plan revokes.
 * On Linux, if `step` is `"enter"` and seccomp(2) failed, paths may be confined already, although `sandboxed()` is false.
 *
 * `cause` is the error of the step. `code` is copied from the cause, so `isNotCapable(error)` works here too.
 *
 * @example
 * ```ts
 * import { isSupported, sandbox, SandboxError } from "jsr:@capsicum/capsicum";
 * import { assert, assertThrows } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const error = assertThrows(() => sandbox({ files: { list: { path: "/nonexistent" } } }), SandboxError);
 *   assert(error.step === "open" && error.entry === "files.list" && error.code === "ENOENT");
 *   assert(error.cause instanceof Deno.errors.NotFound);
 * }
 * ```
 */
export class SandboxError extends Error {
  /** The name of the class. */
  override readonly name = "SandboxError";
  /**
   * The step that failed: look for Capsicum or its substitute, warm up, open, check that a directory is confined, replace
   * Deno's functions, limit, enter, or revoke permissions.
   */
  readonly step: SandboxStep;
  /** The entry of the plan, such as `"dirs.data"` or `"stdio.stdin"`; undefined if the step is not for one entry. */
  declare readonly entry?: string;
  /** The name of the errno, such as `"ENOENT"`, if a system call failed. */
  declare readonly code?: string;
  /**
   * Entries of descriptors that were open before and that stay limited, because a limit can't be undone. Usually empty:
   * limits are tried on duplicates first. `"limitOthers"` stands for descriptors that the plan does not name.
   */
  readonly stillLimited: readonly string[];

  /** Makes an error in the form that the library throws. */
  constructor(message: string, { step, entry, stillLimited = [], cause }: SandboxErrorInit) {
    super(message, cause === undefined ? undefined : { cause });
    this.step = step;
    this.stillLimited = stillLimited;
    if (entry !== undefined) this.entry = entry;
    const { code } = (cause ?? {}) as Partial<SyscallError>;
    if (code !== undefined) this.code = code;
  }
}

/** Carries out a plan. */
class Run {
  readonly #opened: [Opening, Dir | FdFile][] = [];
  readonly #limited: string[] = [];
  #ambient: Disposable | undefined;

  /** Does something, and adds the step and the entry to its errors. */
  step<T>(step: SandboxStep, entry: string | undefined, action: () => T): T {
    try {
      return action();
    } catch (cause) {
      if (cause instanceof SandboxError) throw cause;
      // Only Deno itself throws this, if a permission is missing: no step failed.
      if (cause instanceof Deno.errors.NotCapable) throw cause;
      throw new SandboxError(this.#message(step, entry, cause as SyscallError), {
        step,
        entry,
        stillLimited: [...this.#limited],
        cause,
      });
    }
  }

  #message(step: SandboxStep, entry: string | undefined, { message, code }: SyscallError): string {
    const of = entry === undefined ? "" : ` ${shortened(visible(entry), 60)}`;
    const left = this.#limited.length === 0
      ? ""
      : ` These stay limited, because a limit can't be undone: ${listed(this.#limited.map(visible), 120)}.`;
    const what = `sandbox(): to ${step}${of} failed`, room = MOST - what.length - left.length - ": ".length;
    if (message.length <= room) return `${what}: ${message}${left}`;
    const because = code === undefined ? ": " : ` (${code}): `;
    return `${what}${because}${shortened(message, room - because.length)}${left}`;
  }

  /** Opens everything. */
  open({ dirs, files }: Steps): { dirs: Record<string, Dir>; files: Record<string, FdFile> } {
    const open = <T extends Dir | FdFile>(entry: Opening<T>): [string, T] => {
      const opened = this.step("open", entry.name, () => entry.open());
      this.#opened.push([entry, opened]);
      return [entry.key, opened];
    };
    const result = { dirs: Object.fromEntries(dirs.map(open)), files: Object.fromEntries(files.map(open)) };
    return result;
  }

  /** Refuses directories that this kernel does not confine. */
  confine({ dirs }: Steps, opened: Readonly<Record<string, Dir>>): void {
    for (const { name, key, path, mayBeUnconfined } of dirs) {
      this.step("confine", name, () => {
        if (mayBeUnconfined || opened[key]!.confined) return;
        throw new Error(
          `${
            quoted(path)
          } is the root of a mounted file system, or may be one: this kernel lets ".." leave it. ` +
            'Name a directory below it, or pass unconfined: "allow" and give its descriptor to no other code.',
        );
      });
    }
  }

  /** Makes Deno's own functions act on the directories. */
  mount(
    { dirs }: Steps,
    opened: Readonly<Record<string, Dir>>,
    ambient: NonNullable<Plan["ambient"]>,
  ): void {
    const mounts = Object.fromEntries(dirs.map(({ path, key }) => [path, opened[key]!]));
    this.#ambient = this.step("ambient", undefined, () => ambient(mounts));
  }

  /** Limits everything and enters. */
  limit({ existing }: Steps, others: boolean): void {
    const present = existing.filter((entry) => this.step("limit", entry.name, () => tryOut(entry)));
    for (const [{ name, limits }, opened] of this.#opened) {
      this.step("limit", name, () => applyLimits(opened, limits));
    }
    for (const { name, fd, limits } of present) {
      this.step("limit", name, () => applyLimits(fd, limits, () => this.#limited.push(name)));
    }
    if (others) {
      const keep = [...this.#opened.map(([, { fd }]) => fd), ...existing.map(({ fd }) => fd)];
      // From here on some of them may be limited.
      this.#limited.push("limitOthers");
      this.step("limit", "limitOthers", () => limitOthers({ keep }));
    }
    this.step("enter", undefined, enterOnce);
  }

  /** Confines the process on Linux. Returns the entries that stay as they are, if that is allowed. */
  confineProcess({ existing }: Steps, others: boolean, isRequired: boolean): string[] {
    const dirs: NamedDirectory[] = [], descriptors: DescriptorLimit[] = [];
    const unlimited: string[] = [], streams = new Map<number, Limits>();
    const leave = (name: string, isAllowed: boolean, why: string) => {
      if (isRequired && !isAllowed) throw new Deno.errors.NotSupported(why);
      unlimited.push(name);
    };
    const isConfined = mechanism() !== "none";
    for (const [{ name, limits: { rights } }, opened] of this.#opened) {
      if (opened instanceof Dir) dirs.push({ name, fd: opened.fd, rights });
    }
    for (const { name, fd, limits, optional, mayBeUnlimited } of existing) {
      this.step("limit", name, () => {
        if (optional && unlessClosed(() => libc.fcntl(fd, libc.F_GETFD)) === undefined) return;
        libc.fcntl(fd, libc.F_GETFD);
        if (isConfined) return leave(name, mayBeUnlimited, alreadyConfined);
        if (fileOf(fd)?.info.isDirectory) dirs.push({ name, fd, rights: limits.rights });
        else if (fd <= 2) {
          streams.set(fd, limits);
          descriptors.push(limitOn(fd, limits));
        } else leave(name, mayBeUnlimited, cannotLimit);
      });
    }
    if (others && isConfined) {
      this.step("limit", "limitOthers", () => leave("limitOthers", false, alreadyConfined));
    } else if (others) {
      const keep = new Set([...this.#opened.map(([, { fd }]) => fd), ...existing.map(({ fd }) => fd)]);
      const limited = this.step(
        "limit",
        "limitOthers",
        () => limitsOfOthers(keep, ({ fd }) => streams.get(fd)),
      );
      descriptors.push(...limited.map(({ other, limits }) => limitOn(other.fd, limits)));
    }
    for (const dir of dirs) {
      this.step("limit", dir.name, () => {
        const why = widened(dir, dirs);
        if (why !== undefined) leave(dir.name, false, why);
      });
    }
    if (isConfined) return unlimited;
    const rights = unionOf([...this.#opened.map(([entry]) => entry), ...existing]);
    this.step("enter", undefined, () => confine({ dirs, rights, descriptors }));
    for (const { fd, rights } of dirs) grant(fd, rights);
    return unlimited;
  }

  /** Closes everything, and then throws the first error. */
  close(): void {
    const errors: unknown[] = [];
    for (const opened of [this.#ambient, ...this.#opened.map(([, opened]) => opened)]) {
      try {
        opened?.[Symbol.dispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  closeQuietly(): void {
    try {
      this.close();
    } catch {
      // The error from before is thrown.
    }
  }
}

const cannotLimit =
  "Linux can limit only directories and the standard streams, and this descriptor is neither. " +
  'Accept that by unlimited: "allow", or leave the entry out on Linux.';
const alreadyConfined = "the process is already sandboxed, and then Linux can't limit anything further.";

/** Of Linux: makedev(1, 3). */
const DEV_NULL = 0x103;

/**
 * The limit of a descriptor on Linux, where a duplicate has no limits. One end of a pipe, or /dev/null, can do no more: each
 * new Worker of Deno duplicates the standard streams, and Deno ends if it can't.
 */
function limitOn(fd: number, limits: Limits): DescriptorLimit {
  const { isFifo, rdev } = fileOf(fd)?.info ?? {};
  const mode = libc.fcntl(fd, libc.F_GETFL) & libc.O_ACCMODE;
  const isOneWay = isFifo === true && mode !== libc.O_RDWR &&
    limits.rights.has(mode === libc.O_RDONLY ? "READ" : "WRITE");
  const openFor = mode === libc.O_RDONLY ? "read" : mode === libc.O_WRONLY ? "write" : undefined;
  return { fds: [fd], ...limits, mayBeDuplicated: isOneWay || rdev === DEV_NULL, openFor };
}

/** The rights that at least one entry has. */
function unionOf(entries: readonly Entry[]): Rights {
  return entries.reduce((all, { limits }) => all.union(limits.rights), Rights.NONE);
}

/** What there is to enforce a plan. */
interface Means {
  readonly hasCapsicum: boolean;
  readonly hasDirs?: boolean;
  /** What the system lacks; undefined if nothing is missing. */
  readonly missing?: string | undefined;
}

function findMeans(steps: Steps): Means {
  if (isSupported()) return { hasCapsicum: true };
  if (mechanism() !== "none") return { hasCapsicum: false };
  const hasDirs = steps.dirs.length > 0 || steps.existing.some(({ fd }) => fileOf(fd)?.info.isDirectory);
  return { hasCapsicum: false, hasDirs, missing: missingMeans(hasDirs) };
}

function missingMeans(hasDirs: boolean): string | undefined {
  try {
    return hasCapsicum() ? "Capsicum" : missing(hasDirs);
  } catch (error) {
    // Another system, or another libc.
    if (error instanceof Deno.errors.NotSupported) {
      return "Capsicum, and glibc on Linux with what stands for it";
    }
    throw error;
  }
}

function planned({ hasCapsicum, hasDirs, missing }: Means): Sandbox["mechanism"] {
  if (hasCapsicum) return "capsicum";
  if (missing !== undefined) return "none";
  return hasDirs ? "seccomp+landlock" : "seccomp";
}

/** Ends permissions of Deno. What this library calls later is bound already. */
function revoke({ revoked }: Steps): void {
  for (const name of revoked) Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
}

/** Limits a duplicate. Returns whether there is something to limit. */
function tryOut({ fd, limits, optional }: Existing): boolean {
  let duplicate: number;
  try {
    duplicate = libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0);
  } catch (error) {
    if (optional && error instanceof Deno.errors.BadResource) return false;
    throw error;
  }
  try {
    applyLimits(duplicate, limits);
  } finally {
    libc.close(duplicate);
  }
  return true;
}

/** Enters. Errors after entering are ignored: the mode cannot be left. */
function enterOnce(): void {
  try {
    enter();
  } catch (error) {
    if (!sandboxed()) throw error;
  }
}

/** Returns the steps of a plan. */
function describe(plan: Plan<string, string, boolean>, all: Steps): DryRun {
  const { enforce = "required", warmUp = false, limitOthers = false } = plan;
  const { dirs, files, existing, revoked } = all, isRequired = enforce === "required";
  const means = mayCall() ? findMeans(all) : undefined;
  const mechanism = means && planned(means);
  const calls = callsIn(means?.hasDirs ?? dirs.length > 0, unionOf([...dirs, ...files, ...existing]))?.map(
    ({ name, number, verdict, reason }) => {
      return { name, number, verdict, reason };
    },
  );
  const opened = [...dirs, ...files];
  const warnings = mechanism?.startsWith("seccomp")
    ? warningsOnLinux(all, isRequired)
    : new Map<string, string>();
  if (means?.missing !== undefined) {
    const end = isRequired ? "sandbox() throws" : "sandbox() only opens";
    warnings.set("find Capsicum", `This system lacks ${means.missing}: ${end}.`);
  }
  if (!limitOthers) warnings.set("enter", "Without limitOthers, other open descriptors keep their rights.");
  const bare: PlannedStep[] = [
    { step: "find Capsicum" },
    ...(warmUp ? [{ step: "warm up" as const }] : []),
    ...opened.map(({ name, path, what }) => ({ step: "open" as const, entry: name, path, note: what })),
    ...dirs.filter(({ mayBeUnconfined }) => !mayBeUnconfined).map(({ name }) => ({
      step: "confine" as const,
      entry: name,
    })),
    ...(plan.ambient ? [{ step: "ambient" as const }] : []),
    ...[...opened, ...existing].map(limiting),
    ...(limitOthers && plan.stdio ? [copies] : []),
    ...(limitOthers ? others : []),
    { step: "enter", note: calls === undefined ? "enter capability mode" : "confine the process" },
    ...(revoked.length === 0 ? [] : [{ step: "revoke" as const, note: revoked.join(", ") }]),
  ];
  const steps = bare.map((step): PlannedStep => {
    const warning = warnings.get(step.step === "limit" ? step.entry ?? "" : step.step);
    return warning === undefined ? step : { ...step, warning };
  });
  const text = [
    isRequired
      ? "sandbox() would do this, and throw if the system can't enforce it:"
      : "sandbox() would do this, and only open if the system can't enforce it:",
    ...steps.flatMap((step, i) => [
      ...wrapped(`${String(i + 1).padStart(3)}. `, visible(sentences[step.step](step))),
      ...(step.warning === undefined ? [] : wrapped("     Warning: ", visible(step.warning))),
    ]),
  ].join("\n");
  const toString = () => text;
  return { enforce, mechanism, calls, steps, toString, [Symbol.for("Deno.customInspect")]: toString };
}

/**
 * What Linux refuses in a plan or does not limit, by entry. Opens the directories for a moment, to find those that are in
 * another one.
 */
function warningsOnLinux({ dirs, files, existing }: Steps, isRequired: boolean): Map<string, string> {
  const warnings = new Map(
    files.map(({ name }) => [name, "Linux limits a file only by the options that open it, not by rights."]),
  );
  const warn = (name: string, isAllowed: boolean, why: string) => {
    const what = isRequired ? "sandbox() throws here" : "Linux does not limit it";
    warnings.set(name, isAllowed ? "Linux does not limit it." : `${what}: ${why}`);
  };
  const isConfined = mechanism() !== "none", all: NamedDirectory[] = [], own: number[] = [];
  try {
    for (const { name, path, limits: { rights } } of isConfined ? [] : dirs) {
      // If it can't be opened, sandbox() throws the reason.
      const fd = unlessFailed(() => libc.open(path, libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC));
      if (fd === undefined) continue;
      own.push(fd);
      all.push({ name, fd, rights });
    }
    for (const { name, fd, limits: { rights }, mayBeUnlimited } of existing) {
      if (isConfined) warn(name, mayBeUnlimited, alreadyConfined);
      else if (fileOf(fd)?.info.isDirectory) all.push({ name, fd, rights });
      else if (fd > 2) warn(name, mayBeUnlimited, cannotLimit);
    }
    for (const dir of all) {
      const why = widened(dir, all);
      if (why !== undefined) warn(dir.name, false, why);
    }
  } finally {
    for (const fd of own) libc.close(fd);
  }
  return warnings;
}

function unlessFailed<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

const copies: PlannedStep = {
  step: "limit",
  note: "copies of the standard streams",
  rights: presets.stream.terminal,
};
const others: readonly PlannedStep[] = [
  { step: "limit", note: "every other directory", rights: [] },
  { step: "limit", note: "every other file", rights: ["FLOCK"] },
];

function limiting({ name, limits: { rights, ioctls, fcntls } }: Entry): PlannedStep {
  return {
    step: "limit",
    entry: name,
    rights: rights.toJSON(),
    ...(ioctls && { ioctls: String(ioctls).split(", ") }),
    ...(fcntls && { fcntls: [...fcntls] }),
  };
}

const sentences: Readonly<Record<SandboxStep, (step: PlannedStep) => string>> = {
  "find Capsicum": () => "find Capsicum, or its substitute on Linux",
  "warm up": () => "warm up: open now what Deno would open later",
  open: ({ entry, path, note }) => `open ${entry}: ${path} (${note})`,
  confine: ({ entry }) => `confine ${entry}: refuse it if ".." leaves it`,
  ambient: () => "ambient: make Deno's own file functions act on these directories",
  limit: ({ entry, note, rights = [], ioctls, fcntls }) =>
    `limit ${entry ?? note}: ${rights.join(", ") || "no rights"}` +
    (ioctls ? `; ioctls ${ioctls.join(", ")}` : "") +
    (fcntls ? `; fcntls ${fcntls.join(", ")}` : ""),
  enter: ({ note }) => note!,
  revoke: ({ note }) => `revoke the permissions ${note}`,
};
