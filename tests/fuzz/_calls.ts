/**
 * Programs of calls on descriptors and names, step by step against the {@link Model}.
 *
 * @module
 */
import { type Dir, libc, openDirSync } from "../../mod.ts";
import { treeOf } from "../compat/fs/_tree.ts";
import { Fixture, type Tree } from "../_fixture.ts";
import { hasRenameat2, kernel } from "../_kernel.ts";
import { pipe, socketPair } from "../_pairs.ts";
import type { Random } from "../_random.ts";
import { type Arg, type Kind, refused, showArg, wrongValues } from "./_calls_values.ts";
import { Model } from "./_calls_model.ts";
import { type Expected, type Kernel, type Stream, UNKNOWN } from "./_calls_state.ts";
import { calls, defaults, flagsIn, ROOT } from "./_calls_table.ts";
import { codeIn, wrongWith } from "./_errors.ts";
import type { Target } from "./_fuzz.ts";
import {
  ABOVE,
  type Directory,
  type File,
  linesOf,
  lookup,
  makeDirectory,
  put,
  treeFrom,
  treeOfEntries,
} from "./_tree.ts";

interface Step {
  call: string;
  args: Arg[];
}

/** How many calls a program makes. */
const most = 80;

/** What each program begins with. */
const start: Tree = {
  inside: {
    file: "0123456789",
    f: "text",
    dir: {
      f: "text",
      file: "0123456789",
      sub: { f: "", file: "text" },
      link: { link: "f" },
      dirlink: { link: ".." },
    },
    sub: { file: "0123456789", dir: {} },
    link: { link: "file" },
    dirlink: { link: "dir" },
    out: { link: "../outside" },
    dangling: { link: "missing" },
    loop: { link: "loop" },
    new2: {},
    "\ufeffbom": "",
  },
  outside: { f: "0123456789", dir: {} },
};

/** The directory of a program in the fixture. */
const CASE = "top/up/up/case";

export class CallsTarget implements Target<Step> {
  readonly unit = "calls";
  readonly #fixture = new Fixture();
  readonly #above = openDirSync(this.#fixture.path);
  readonly #kernel: Kernel;

  /** @param enter Enters capability mode. */
  constructor(readonly name: "calls" | "capmode" = "calls", enter?: () => void) {
    enter?.();
    const isSandboxed = enter !== undefined;
    const { hasCapsicum, major } = kernel;
    this.#kernel = {
      hasCapsicum,
      major,
      isSandboxed,
      hasRenameat2,
      unlinksBeneath: unlinksBeneath(this.#above),
      keepsLocks: keepsLocks(this.#above),
    };
  }

  generate(random: Random): Step[] {
    const all = Object.keys(calls);
    return Array.from({ length: most }, () => {
      const call = random.chance(25) ? "openat" : random.pick(all), args = calls[call]!.make(random);
      if (random.chance(6)) {
        const at = random.below(args.length), wrong = random.pick(Object.keys(wrongValues));
        const isLeftOut = wrong === "undefined" && defaults.includes(call) && at === args.length - 1;
        if (!isLeftOut && refused(calls[call]!.kinds[at]!, wrongValues[wrong]) !== undefined) {
          args[at] = { wrong };
        }
      }
      return { call, args };
    });
  }

  count(program: readonly Step[]): number {
    return program.length;
  }

  show({ call, args }: Step): string {
    return `${call}(${
      args.map((arg, i) => flagsIn(call, calls[call]!.kinds[i]!, arg) ?? showArg(arg)).join(", ")
    })`;
  }

  async run(program: readonly Step[]): Promise<string | undefined> {
    const fixture = this.#fixture;
    fixture.add({ top: { up: { up: { case: start } } } });
    const root = fixture.at(CASE), tree = treeOfEntries(start);
    above(tree, root);
    const model = new Model({ directory: tree, path: root }, this.#kernel);
    const known = begin(model, this.#above);
    try {
      return await this.#steps(program, model, known, root) ?? compared(tree, fixture, CASE);
    } finally {
      for (const fd of model.slots.keys()) libc.close(fd);
      fixture.remove("top");
    }
  }

  async #steps(
    program: readonly Step[],
    model: Model,
    known: number[],
    root: string,
  ): Promise<string | undefined> {
    for (const step of program) {
      const { kinds, run, opens, onFilesOnly } = calls[step.call]!;
      const args = step.args.map((arg) => valueOf(arg, known, root, model));
      if (onFilesOnly && ["pipe", "socket"].includes(model.kindOf(args[0] as number) ?? "")) continue;
      // The model does not know directories that can't be searched.
      if (step.call === "fchmod" && model.kindOf(args[0] as number) === "directory") continue;
      const refusals = args.map((arg, i) => refused(kinds[i]!, arg)).filter((refusal) =>
        refusal !== undefined
      );
      const expected: Expected = refusals.length > 0
        ? { errors: [...refusals, ...step.call.startsWith("file_") ? ["EBADF"] : []], works: false }
        : model.call(step.call, args.map((arg, i) => asData(arg, step.call, kinds[i]!)));
      // Nothing is done above the directories of the program.
      if (expected.errors.includes(ABOVE) || expected.errors.includes(UNKNOWN)) continue;
      let value: unknown;
      try {
        value = await (run as (...args: readonly unknown[]) => unknown)(...args);
        if (opens) value = moved(value as number);
      } catch (error) {
        const wrong = wrongWith(error), code = codeIn(error);
        const message = (error as Error).message;
        if (wrong !== undefined) return `${this.show(step)}: ${wrong}`;
        // Where there is no Capsicum, its calls need not look at their arguments first.
        const isNowhere = !kernel.hasCapsicum && step.call.match(/^(limit|get[RFI])/) &&
          code === "NotSupported";
        if (expected.errors.includes(code) || isNowhere) continue;
        return `${this.show(step)}: it throws ${code} and not ${wanted(expected)}: ${message}`;
      }
      if (opens) known.push(value as number);
      if (!expected.works) {
        if (opens) libc.close(value as number);
        return `${this.show(step)}: it returns ${Deno.inspect(value)} and not ${wanted(expected)}`;
      }
      if (opens) model.opened!(value as number);
      if (expected.value !== undefined && JSON.stringify(value) !== JSON.stringify(expected.value)) {
        return `${this.show(step)}: it returns ${Deno.inspect(value)} and not ${wanted(expected)}`;
      }
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#above.close();
    this.#fixture[Symbol.dispose]();
  }
}

/** Deno and libc open files for a moment, also in other threads. They must not get the number of a closed descriptor. */
const LEAST = 100;

/** Gives a descriptor a high number. */
function moved(fd: number): number {
  const flags = libc.fcntl(fd, libc.F_GETFD);
  const to = libc.fcntl(fd, flags & libc.FD_CLOEXEC ? libc.F_DUPFD_CLOEXEC : libc.F_DUPFD, LEAST);
  libc.close(fd);
  return to;
}

function unlinksBeneath(dir: Dir): boolean {
  try {
    libc.unlinkat(dir, "../missing", libc.AT_RESOLVE_BENEATH);
  } catch (error) {
    if (codeIn(error) !== "ENOENT") return true;
  }
  return false;
}

function keepsLocks(dir: Dir): boolean {
  const open = () => libc.openat(dir, ".", libc.O_RDONLY | libc.O_CLOEXEC), one = open(), other = open();
  const isLocked = (fd: number, how: number) => {
    try {
      libc.flock(fd, how | libc.LOCK_NB);
      return true;
    } catch (error) {
      if (codeIn(error) === "EAGAIN") return false;
      throw error;
    }
  };
  try {
    for (const fd of [one, other]) libc.flock(fd, libc.LOCK_SH);
    if (isLocked(one, libc.LOCK_EX)) throw new Error("a directory is locked twice");
    return !isLocked(other, libc.LOCK_EX);
  } finally {
    for (const fd of [one, other]) libc.close(fd);
  }
}

/** Opens what each program begins with. */
function begin(model: Model, above: Dir): number[] {
  const at = (path: string) => {
    const found = lookup(model.root.directory, path, { follow: true, beneath: false });
    return (found as { node: Directory }).node;
  };
  const open = (path: string, flags: number) => libc.openat(above, `${CASE}/${path}`, flags | libc.O_CLOEXEC);
  const known: number[] = [];
  const add = (
    opened: number,
    ...rest: Parameters<Model["add"]> extends [number, ...infer Rest] ? Rest : never
  ) => {
    const fd = moved(opened);
    known.push(fd);
    model.add(fd, ...rest);
  };
  add(open("inside", libc.O_RDONLY | libc.O_DIRECTORY), at("inside"), { writes: false });
  add(open("inside/file", libc.O_RDWR), at("inside/file"));
  add(open("inside/dir", libc.O_PATH | libc.O_DIRECTORY), at("inside/dir"), {
    reads: false,
    writes: false,
    isPath: true,
  });
  // On FreeBSD itself both ends of a pipe can be read and written.
  const kinds = kernel.hasCapsicum && !kernel.simulated ? ["socket"] as const : ["pipe", "socket"] as const;
  for (const kind of kinds) {
    const ends = (kind === "pipe" ? pipe() : socketPair("stream")).map((end) => end.take());
    for (const fd of ends) libc.fcntl(fd, libc.F_SETFL, libc.O_NONBLOCK);
    const [one, other]: [Stream, Stream] = [{ kind, inbox: [], peer: undefined }, {
      kind,
      inbox: [],
      peer: undefined,
    }];
    one.peer = other;
    other.peer = one;
    add(ends[0]!, one, { writes: kind === "socket" });
    add(ends[1]!, other, { reads: kind === "socket" });
  }
  return known;
}

/** Three directories above a tree, for paths that go up. */
function above(tree: Directory, root: string): void {
  const path = root.split("/").reverse();
  let at = tree;
  for (let i = 0; i < 3; i++) {
    const next = makeDirectory();
    put(next, path[i]!, at);
    at = next;
  }
}

function compared(tree: Directory, fixture: Fixture, at: string): string | undefined {
  for (const [path, file] of filesIn(tree)) {
    const { mode, mtime } = fixture.stat(`${at}/${path}`);
    if ((mode! & 0o7777) !== file.mode) return `${path} has the mode ${(mode! & 0o7777).toString(8)}`;
    if (file.mtime !== undefined && +mtime! !== file.mtime * 1000) return `${path} has the time ${mtime}`;
  }
  // They must be read to be compared.
  for (const [path, file] of filesIn(tree)) {
    if (!(file.mode & 0o400)) fixture.chmod(`${at}/${path}`, file.mode = 0o600);
  }
  const named = (lines: string[]) => lines.filter((line) => line.isWellFormed()).join("\n  ");
  const now = named(linesOf(treeFrom(treeOf(fixture.at(at))))), then = named(linesOf(tree));
  return now === then ? undefined : `the tree is\n  ${now}\nand not\n  ${then}`;
}

/** The files by their paths, except those whose names Deno can't spell. */
function filesIn(directory: Directory): [path: string, file: File][] {
  return [...directory.entries].flatMap(([name, node]): [string, File][] => {
    if (!name.isWellFormed()) return [];
    if (node.kind === "directory") return filesIn(node).map(([path, file]) => [`${name}/${path}`, file]);
    return node.kind === "file" ? [[name, node]] : [];
  });
}

function valueOf(arg: Arg, known: readonly number[], root: string, model: Model): unknown {
  if (typeof arg === "string") return arg.startsWith(ROOT) ? root + arg.slice(1) : arg;
  if (typeof arg !== "object" || Array.isArray(arg)) return arg;
  if ("fd" in arg) {
    const those = known.filter((fd) => arg.of === undefined || model.kindOf(fd) === arg.of);
    const all = those.length > 0 ? those : known;
    return all[arg.fd % all.length];
  }
  if ("bytes" in arg) return Uint8Array.from({ length: arg.bytes }, (_, i) => 65 + i % 26);
  return wrongValues[(arg as { wrong: string }).wrong];
}

/** An argument for the model: of a buffer its bytes, or how many there are to fill. */
function asData(value: unknown, call: string, kind: Kind): unknown {
  if (kind !== "bytes") return value;
  return /read(_async)?$/.test(call) ? (value as Uint8Array).length : [...value as Uint8Array];
}

function wanted({ errors, works, value }: Expected): string {
  return [...errors, ...works ? [value === undefined ? "a value" : Deno.inspect(value)] : []].join(" or ");
}
