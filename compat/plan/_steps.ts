import { descriptor } from "../../ffi/fd_like.ts";
import { Rights, type RightsLike } from "../../rights/mod.ts";
import { type Dir, openDirSync } from "../fs/dir.ts";
import type { FdFile } from "../fs/fd_file.ts";
import { ensureDirSync } from "../fs/make_dir.ts";
import { openSync } from "../fs/open.ts";
import { openFlags } from "../fs/open_options.ts";
import { type Limits, limitsOf } from "./_limits.ts";
import type { DescriptorPlan, DirPlan, DryRunPlan, FilePlan, Plan } from "./plan.ts";
import { presets } from "./presets.ts";
import { stdio, streamLimits, type StreamOptions } from "./stdio.ts";

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
export interface DirOpening extends Opening<Dir> {
  readonly mayBeUnconfined: boolean;
}

/** Something that is open already. */
export interface Existing extends Entry {
  readonly fd: number;
  /** Whether it is left out where it is closed. */
  readonly optional: boolean;
}

/** A plan, checked: what there is to do, before anything is done. */
export interface Steps {
  readonly dirs: readonly DirOpening[];
  readonly files: readonly Opening<FdFile>[];
  readonly existing: readonly Existing[];
}

/**
 * Checks a plan, without a call to the system.
 *
 * @throws {TypeError} When something has the wrong type, or options contradict each other.
 * @throws {RangeError} When a right, a preset, a descriptor or a name of the plan is unknown.
 */
export function stepsOf(plan: Plan | DryRunPlan<boolean>): Steps {
  if (typeof plan !== "object" || plan === null) {
    throw new TypeError(`sandbox(): a plan is an object, not ${Deno.inspect(plan)}.`);
  }
  checkKeys("sandbox(): a plan", plan, known.plan);
  const { dirs, files, fds, stdio = false, enforce = "required" } = plan;
  if (enforce !== "required" && enforce !== "if-supported") {
    throw new RangeError(
      `sandbox(): enforce is "required" or "if-supported", not ${Deno.inspect(enforce)}.`,
    );
  }
  return {
    dirs: entries("dirs", dirs, openingOfDir),
    files: entries("files", files, openingOfFile),
    existing: distinct([
      ...entries("fds", fds, existingOf),
      ...(stdio ? streams(stdio === true ? {} : stdio) : []),
    ]),
  };
}

/** Of two limits for one descriptor the second could fail, once the first can't be taken back. */
function distinct(existing: Existing[]): Existing[] {
  for (const [i, { fd, name }] of existing.entries()) {
    const other = existing.slice(0, i).find((other) => other.fd === fd);
    if (other) throw new RangeError(`sandbox(): ${other.name} and ${name} are the same descriptor, ${fd}.`);
  }
  return existing;
}

/** What a plan and its entries can have. The type checker passes over other members of a plan, so these are refused. */
const known = {
  plan: ["dirs", "files", "fds", "stdio", "limitOthers", "warmUp", "enforce", "dryRun"],
  dirs: ["path", "rights", "create", "unconfined"],
  files: [
    ...["path", "rights", "ioctls", "fcntls", "read", "write", "append", "truncate", "create", "createNew"],
    ...["mode", "noFollow", "exclusive", "sync", "directory", "customFlags"],
  ],
  fds: ["fd", "rights", "ioctls", "fcntls"],
  stdio: ["raw"],
};

/** Refuses a member that there is not: it may be a limit, misspelt. */
function checkKeys(what: string, object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new RangeError(`${what} has no ${JSON.stringify(unknown)}, only ${known.join(", ")}.`);
}

function entries<P, E>(
  part: "dirs" | "files" | "fds",
  plans: Readonly<Record<string, P>> = {},
  check: (name: string, plan: P, key: string) => E,
): E[] {
  if (typeof plans !== "object" || plans === null) {
    throw new TypeError(`sandbox(): ${part} is an object of entries by name, not ${Deno.inspect(plans)}.`);
  }
  return Object.entries(plans).map(([key, plan]) => {
    const name = `${part}.${key}`;
    try {
      if (typeof plan !== "object" || plan === null) {
        throw new TypeError(`an entry is an object, not ${Deno.inspect(plan)}.`);
      }
      checkKeys("an entry", plan, known[part]);
      return check(name, plan, key);
    } catch (cause) {
      const Class = cause instanceof RangeError
        ? RangeError
        : cause instanceof Deno.errors.BadResource
        ? Deno.errors.BadResource
        : TypeError;
      throw new Class(`sandbox(): ${name}: ${(cause as Error).message}`, { cause });
    }
  });
}

function openingOfDir(name: string, plan: DirPlan, key: string): DirOpening {
  const { path, rights = "read", create = false, unconfined } = plan;
  if (unconfined !== undefined && unconfined !== "allow") {
    throw new RangeError(`unconfined is "allow" or left out, not ${Deno.inspect(unconfined)}.`);
  }
  return {
    name,
    key,
    path: shown(path),
    what: create ? "directory, made where it is missing" : "directory",
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
    path: shown(path),
    what: `file: ${uses.join(", ") || "read"}`,
    limits: limitsOf(
      rights === undefined ? fileRights(options) : named(rights, "file", presets.file),
      ioctls,
      fcntls,
    ),
    open: () => openSync(path, options),
  };
}

/** What the options ask for. */
function fileRights({ read, write, append }: Deno.OpenOptions): Rights {
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
    limits: limitsOf(set, ioctls ?? preset?.ioctls, fcntls ?? preset?.fcntls),
  };
}

function streams(options: StreamOptions): Existing[] {
  if (typeof options !== "object") {
    throw new TypeError(`sandbox(): stdio is a boolean or an object, not ${Deno.inspect(options)}.`);
  }
  checkKeys("sandbox(): stdio", options, known.stdio);
  return stdio.map((name, fd) => ({
    name: `stdio.${name}`,
    fd,
    optional: true,
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
      `${JSON.stringify(rights)} is none of presets.${where}: these are ${Object.keys(known).join(", ")}. ` +
        `Rights themselves are a list.`,
    );
  }
  return known[rights]!;
}

/** A path as it is shown. */
function shown(path: string | URL): string {
  if (typeof path !== "string" && !(path instanceof URL)) {
    throw new TypeError(`a path is a string or a file: URL, not ${Deno.inspect(path)}.`);
  }
  const text = String(path);
  if (text === "" || text.includes("\0")) {
    throw new TypeError(`the path ${JSON.stringify(text)} is empty or has a NUL character.`);
  }
  return text;
}
