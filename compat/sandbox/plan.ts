/**
 * The form of a plan, and its check. Before anything is opened, a plan becomes steps that can be carried out or described.
 *
 * @module
 */
import {
  aBoolean,
  aFunction,
  anything,
  type Check,
  checkOptions,
  descriptor,
  type FdLike,
  isOther,
  oneOf,
} from "../../ffi/values.ts";
import { listed, MOST, quoted, shortened, shown, visible } from "../../ffi/errors.ts";
import type { FcntlsLike } from "../../rights/fcntls.ts";
import type { IoctlsLike } from "../../rights/ioctls.ts";
import { Rights, type RightsLike } from "../../rights/rights.ts";
import { type Dir, openDirSync } from "../fs/dir.ts";
import type { FdFile } from "../fs/file.ts";
import { ensureDirSync } from "../fs/entries.ts";
import { openFlags, type OpenOptions, openOptions, openSync } from "../fs/open.ts";
import { ambientPath } from "../fs/path/components.ts";
import {
  type Limits,
  limitsOf,
  type Presets,
  presets,
  stdio,
  streamLimits,
  type StreamOptions,
  streamOptions,
} from "./limit_by_need.ts";
import { accessFor, type AllowedDirectory } from "../../ffi/linux/confine/confine.ts";
import { identifiedAt, identityOf } from "../fs/descriptor.ts";

/** A directory that `sandbox()` opens. */
export interface DirPlan {
  /** An ambient path. */
  path: string | URL;
  /**
   * A preset of `presets.dir`, or a set of rights. Default: `"read"`. On Linux a directory inside another one of the plan must
   * have the same rights as that one, or more.
   */
  rights?: keyof Presets["dir"] | RightsLike;
  /** Whether to create it if it is missing. Its parent must exist. It stays if a later step fails. Default: false. */
  create?: boolean;
  /** `"allow"` accepts a directory that the kernel does not confine: see `Dir.confined`. Default: it is refused. */
  unconfined?: "allow";
}

/** A file that `sandbox()` opens, by the options of `openSync()`. A file that it creates stays if a later step fails. */
export interface FilePlan extends Omit<OpenOptions, "limit"> {
  /** An ambient path. */
  path: string | URL;
  /** A preset of `presets.file`, or a set of rights. Default: those that the options need. */
  rights?: keyof Presets["file"] | RightsLike;
  /** The ioctls that a device keeps; they need IOCTL among the rights. */
  ioctls?: IoctlsLike;
  /** The fcntls that it keeps; they need FCNTL among the rights. */
  fcntls?: FcntlsLike;
}

/** A descriptor that is already open, which `sandbox()` limits and does not close. */
export interface DescriptorPlan {
  /**
   * Its number, an object with `fd`, or `Deno.stdin`, `Deno.stdout` or `Deno.stderr`. Other objects of Deno 2 do not expose
   * their descriptor: `fdOf()` finds it while Deno opens it.
   */
  fd: FdLike | typeof Deno.stdin | typeof Deno.stdout | typeof Deno.stderr;
  /** A preset of `presets.stream` or `presets.socket`, or a set of rights. */
  rights: keyof Presets["stream"] | keyof Presets["socket"] | RightsLike;
  /** The ioctls that it keeps. Default: with a preset of `presets.stream`, those of `limitStream()`; else all. */
  ioctls?: IoctlsLike;
  /** The fcntls that it keeps. Default: with a preset of `presets.stream`, GETFL; else all. */
  fcntls?: FcntlsLike;
  /**
   * `"allow"` accepts that Linux cannot limit this descriptor, because it is neither a directory nor a standard stream. The
   * entry is then in `unlimited` of the result. Default: it is an error with `enforce: "required"`.
   */
  unlimited?: "allow";
}

/** The name of a permission of Deno; its own type lacks `"import"`. */
export type PermissionName = Deno.PermissionName | "import";

/** The permissions of Deno that are revoked after entering. */
export interface PermissionPlan {
  /**
   * Their names, or `"all"`. Default: `["ffi", "run"]`. With `"sys"` left, code in the sandbox can reach the functions of C that
   * this library calls, by `node:inspector`.
   */
  revoke?: readonly PermissionName[] | "all";
}

/**
 * Everything that a program needs from outside, for `sandbox()`. The type parameters are the names of the entries of `dirs` and
 * `files`, and the type of `dryRun`. By default the names are any strings, and `dryRun` is not true. If entries are chosen at run
 * time, declare the plan as `Plan`: each entry of the result can then be undefined.
 */
export interface Plan<
  DirNames extends string = string,
  FileNames extends string = string,
  Dry extends boolean = false,
> {
  /** Directories to open, by their names in the result. */
  dirs?: Readonly<Record<DirNames, DirPlan>>;
  /** Files to open, by their names in the result. */
  files?: Readonly<Record<FileNames, FilePlan>>;
  /** Descriptors that are already open, by their names in errors. */
  fds?: Readonly<Record<string, DescriptorPlan>>;
  /** Whether to limit standard input, output and error, as `limitStdio()` does; on Linux, by number. Default: false. */
  stdio?: boolean | StreamOptions;
  /**
   * Whether to remove all rights except FLOCK from every other file and directory that the process has open, as
   * `limitOthers()` does. Default: false.
   */
  limitOthers?: boolean;
  /** Whether to open now the files that Deno would open after entering, as `warmUp()` does. Default: false. */
  warmUp?: boolean | WarmUpOptions;
  /**
   * `ambient` or `ambientNode` of `./ambient`: makes Deno's own file functions work on the directories of the plan, by the
   * same paths as before. Default: these functions fail after entering.
   */
  ambient?: (mounts: Readonly<Record<string, Dir>>) => Disposable;
  /**
   * The permissions of Deno to revoke after entering, so that code loaded later cannot load a library or start a process. A
   * Worker that already runs and has permissions of its own keeps them. Without a sandbox nothing is revoked.
   */
  permissions?: PermissionPlan;
  /**
   * What to do if the system cannot enforce the plan. `"required"` throws. `"if-supported"` opens the same files, without
   * limits and without entering, and sets `sandboxed` of the result to false. Default: `"required"`.
   */
  enforce?: "required" | "if-supported";
  /** Whether to only return the steps, as in `sandbox({ ...plan, dryRun: true })`. Default: false. */
  dryRun?: Dry;
}

/** The parts of Deno that `warmUp()` prepares. */
export interface WarmUpOptions {
  /**
   * The local time zone, for `Date`, `Intl` and `Temporal`. Deno reads /etc/localtime and, if that is not a symlink,
   * the files of /usr/share/zoneinfo. Without it, local time is UTC after entering. Default: true.
   */
  timezone?: boolean;
  /**
   * The source maps for the lines in `error.stack`, which are files in Deno's cache. It reads those of the modules on
   * the call stack and of the modules of this library that throw. For any other module, the first stack trace that
   * contains it opens the file. Default: true.
   */
  stackTraces?: boolean;
  /**
   * The root certificates. The first `fetch()` loads them, even for a `data:` URL. After entering there is no network.
   * Default: false.
   */
  certificates?: boolean;
  /**
   * What the first connection of `node:tls` and `node:https` opens: the root certificates, which are files if one of the
   * variables `DENO_CERT`, `NODE_EXTRA_CA_CERTS` and `DENO_TLS_CA_STORE=system` names them, and what Deno's TLS library
   * examines at its start. Without it, these certificates are not trusted after entering, and Deno 2.9 can print the warning
   * "Ignoring extra certs". Default: false.
   */
  tls?: boolean;
}

/** An entry of a plan, checked. */
export interface Entry {
  /** As errors name it: "dirs.data". */
  readonly name: string;
  readonly limits: Limits;
}

/** Something to open. */
export interface Opening<T extends Dir | FdFile = Dir | FdFile> extends Entry {
  readonly key: string;
  readonly path: string;
  /** What is opened, for people. */
  readonly what: string;
  open(): T;
}

/** A directory to open. */
interface DirOpening extends Opening<Dir> {
  readonly mayBeUnconfined: boolean;
}

/** A descriptor that is already open. */
export interface Existing extends Entry {
  readonly fd: number;
  /** Whether it is left out where it is closed. */
  readonly optional: boolean;
  /** Whether it may stay as it is on a system that can't limit it. */
  readonly mayBeUnlimited: boolean;
}

/** A plan, checked: what there is to do, before anything is done. */
export interface Steps {
  readonly dirs: readonly DirOpening[];
  readonly files: readonly Opening<FdFile>[];
  readonly existing: readonly Existing[];
  readonly revoked: readonly PermissionName[];
}

/**
 * Checks a plan, without a call to the system.
 *
 * @throws {TypeError} If something has the wrong type, or options contradict each other.
 * @throws {RangeError} If a right, a preset, a descriptor or a name of the plan is unknown.
 */
export function stepsOf(plan: Plan<string, string, boolean>): Steps {
  if (plan === undefined) throw new TypeError("sandbox(): a plan must be an object, not undefined.");
  checkOptions("sandbox()", plan, known.plan);
  const { dirs, files, fds, stdio = false, warmUp, permissions = {} } = plan;
  if (typeof warmUp === "object") checkOptions("sandbox(): warmUp", warmUp, warmUpOptions);
  const openings = entries("dirs", dirs, openingOfDir);
  const twice = openings.find(({ path }, i) => openings.findIndex((other) => other.path === path) < i);
  if (plan.ambient && twice) {
    throw new TypeError(
      `sandbox(): with ambient, ${quoted(twice.path)} must be the path of one entry of dirs.`,
    );
  }
  return {
    dirs: openings,
    files: entries("files", files, openingOfFile),
    existing: distinct([
      ...entries("fds", fds, existingOf),
      ...(stdio ? streams(stdio === true ? {} : stdio) : []),
    ]),
    revoked: revokedBy(permissions),
  };
}

const permissionNames: readonly PermissionName[] = [
  ...["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const,
];

function revokedBy(permissions: PermissionPlan): readonly PermissionName[] {
  const call = "sandbox(): permissions";
  checkOptions(call, permissions, known.permissions);
  const { revoke = ["ffi", "run"] } = permissions;
  if (revoke === "all") return permissionNames;
  if (!Array.isArray(revoke)) {
    throw new TypeError(`${call}: revoke must be "all" or an array of names, not ${shown(revoke)}.`);
  }
  const unknown = revoke.findIndex((name) => !permissionNames.includes(name));
  if (unknown >= 0) {
    throw new RangeError(`${call}: ${shown(revoke[unknown])} is not one of ${listed(permissionNames)}.`);
  }
  return [...revoke];
}

/** Passes `true`, `false` and an object, whose members are checked where they are used. */
const aSwitch: Check = (value) =>
  typeof value === "object" && value !== null
    ? undefined
    : aBoolean(value) && { expected: "a boolean or an object", error: TypeError };

const { limit: _limit, ...openingOptions } = openOptions;

/** The members of a plan and of its entries. Others are refused: the type checker does not always find them. */
const known = {
  plan: {
    dirs: anything,
    files: anything,
    fds: anything,
    stdio: aSwitch,
    limitOthers: aBoolean,
    warmUp: aSwitch,
    ambient: aFunction,
    permissions: anything,
    enforce: oneOf("required", "if-supported"),
    dryRun: aBoolean,
  },
  dirs: { path: anything, rights: anything, create: aBoolean, unconfined: oneOf("allow") },
  files: { path: anything, rights: anything, ioctls: anything, fcntls: anything, ...openingOptions },
  fds: { fd: anything, rights: anything, ioctls: anything, fcntls: anything, unlimited: oneOf("allow") },
  permissions: { revoke: anything },
};

/** A check for each option of `warmUp()`. */
export const warmUpOptions: Readonly<Record<keyof WarmUpOptions, Check>> = {
  timezone: aBoolean,
  stackTraces: aBoolean,
  certificates: aBoolean,
  tls: aBoolean,
};

/** Refuses two limits for one descriptor: the second could fail when the first can't be undone. */
function distinct(existing: Existing[]): Existing[] {
  for (const [i, { fd }] of existing.entries()) {
    const other = existing.slice(0, i).find((other) => other.fd === fd);
    if (other === undefined) continue;
    const names = [other, existing[i]!].map(({ name }) => shortened(visible(name), 60));
    throw new RangeError(`sandbox(): ${names.join(" and ")} are the same descriptor, ${fd}.`);
  }
  return existing;
}

function entries<P, E>(
  part: "dirs" | "files" | "fds",
  plans: Readonly<Record<string, P>> = {},
  check: (name: string, plan: P, key: string) => E,
): E[] {
  if (typeof plans !== "object" || plans === null || Array.isArray(plans) || isOther(plans)) {
    throw new TypeError(`sandbox(): ${part} must be an object of entries by name, not ${shown(plans)}.`);
  }
  return Object.entries(plans).map(([key, plan]) => {
    const name = `${part}.${key}`, call = `sandbox(): ${shortened(visible(name), 40)}`;
    if (plan === undefined) throw new TypeError(`${call}: an entry must be an object, not undefined.`);
    checkOptions(call, plan, known[part]);
    try {
      return check(name, plan, key);
    } catch (cause) {
      const { message } = cause as Error;
      const Class = [RangeError, TypeError, Deno.errors.BadResource].find((Class) => cause instanceof Class);
      if (Class === undefined) throw cause;
      throw new Class(`${call}: ${shortened(message, MOST - call.length - 2)}`, { cause });
    }
  });
}

function openingOfDir(name: string, plan: DirPlan, key: string): DirOpening {
  const { path, rights = "read", create = false, unconfined } = plan;
  return {
    name,
    key,
    path: ambientPath(path),
    what: create ? "directory, created if it is missing" : "directory",
    limits: limitsOf(named(rights, "dir", presets.dir)),
    mayBeUnconfined: unconfined === "allow",
    open() {
      if (create) ensureDirSync(path);
      return openDirSync(path);
    },
  };
}

function openingOfFile(name: string, plan: FilePlan, key: string): Opening<FdFile> {
  const { path, rights, ioctls, fcntls, ...options } = plan;
  openFlags(options);
  const uses = Object.entries(options).filter(([, value]) => value === true).map(([option]) => option);
  return {
    name,
    key,
    path: ambientPath(path),
    what: `file: ${uses.join(", ") || "read"}`,
    limits: limitsOf(
      rights === undefined ? fileRights(options) : named(rights, "file", presets.file),
      ioctls,
      fcntls,
    ),
    open: () => openSync(path, options),
  };
}

/** The rights that the options ask for. */
export function fileRights({ read, write, append }: Deno.OpenOptions): Rights {
  const reads = read ?? !(write || append);
  const writing = append ? presets.file.append : write ? presets.file.write : [];
  return new Rights([...(reads ? presets.file.read : []), ...writing]);
}

function existingOf(name: string, plan: DescriptorPlan): Existing {
  const { fd, rights, ioctls, fcntls } = plan;
  const at = [Deno.stdin, Deno.stdout, Deno.stderr].indexOf(fd as typeof Deno.stdin);
  const number = at < 0 ? descriptor(fd as number) : at;
  const presetsOfAll = { ...presets.stream, ...presets.socket };
  const preset = typeof rights === "string" && Object.hasOwn(presets.stream, rights)
    ? streamLimits(rights as keyof typeof presets.stream)
    : undefined;
  const set = named(rights, "stream and presets.socket", presetsOfAll);
  return {
    name,
    fd: number,
    optional: false,
    mayBeUnlimited: plan.unlimited === "allow",
    limits: limitsOf(
      set,
      ioctls === undefined ? preset?.ioctls : ioctls,
      fcntls === undefined ? preset?.fcntls : fcntls,
    ),
  };
}

function streams(options: StreamOptions): Existing[] {
  checkOptions("sandbox(): stdio", options, streamOptions);
  return stdio.map((name, fd) => ({
    name: `stdio.${name}`,
    fd,
    optional: true,
    mayBeUnlimited: false,
    limits: streamLimits(name, options),
  }));
}

/** The rights of a preset, or those given. */
function named(rights: string | RightsLike, where: string, known: Readonly<Record<string, RightsLike>>) {
  if (typeof rights !== "string") {
    if (rights === undefined) throw new TypeError("the rights are undefined: to permit none, pass [].");
    return rights;
  }
  if (!Object.hasOwn(known, rights)) {
    throw new RangeError(
      `${quoted(rights)} is not in presets.${where}: these are ${listed(Object.keys(known), 120)}. ` +
        `A set of rights is a list, such as ["READ"].`,
    );
  }
  return known[rights]!;
}

/** A directory of the plan, with the name of its entry. */
export interface NamedDirectory extends AllowedDirectory {
  readonly name: string;
}

/** Why Landlock would give a directory more rights: it adds those of each directory around it. Else undefined. */
export function widened({ fd, rights }: NamedDirectory, all: readonly NamedDirectory[]): string | undefined {
  const wider = all.filter((dir) => (accessFor(dir.rights) & ~accessFor(rights)) !== 0);
  if (wider.length === 0) return undefined;
  const around = identitiesAround(fd), outer = wider.find((dir) => around.has(identityOf(dir.fd)));
  return outer &&
    `it is in ${
        shortened(visible(outer.name), 60)
      } or the same directory, and Landlock gives it the rights of that too. ` +
      "Give both the same rights, or leave one out.";
}

/** The identities of a directory and of all that it is in. It asks the kernel, because a mount can hide a path. */
function identitiesAround(fd: number): ReadonlySet<string> {
  const all: string[] = [];
  // The parent of the root is the root; but a directory can also be mounted in itself, a few times.
  const isRoot = () => all.length > 8 && new Set(all.slice(-8)).size === 1;
  for (let path = "."; !isRoot(); path += "/..") all.push(identifiedAt(fd, path).identity);
  return new Set(all);
}
