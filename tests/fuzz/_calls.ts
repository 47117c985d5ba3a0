/**
 * Programs of calls on descriptors and names, step by step against the {@link Model}.
 *
 * @module
 */
import { abi } from "../../ffi/system.ts";
import { decodeName, FdFile, getRights, libc, limit, limitFcntls } from "../../mod.ts";
import { treeOf } from "../compat/fs/_tree.ts";
import { Fixture, type Tree } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { pipe, socketPair } from "../_pairs.ts";
import type { Random } from "../_random.ts";
import { type Arg, type Kind, refused, showArg, wrongValues } from "./_calls_values.ts";
import { type Expected, Model, type Stream } from "./_calls_model.ts";
import { codeIn, wrongWith } from "./_errors.ts";
import type { Target } from "./_fuzz.ts";
import { type Directory, linesOf, lookup, makeDirectory, put, treeFrom, treeOfEntries } from "./_tree.ts";

interface Step {
  call: string;
  args: Arg[];
}

type Run = (...args: never[]) => unknown;
/** A call: what it is given, how each argument is made, and its result as data. */
interface Call {
  kinds: readonly Kind[];
  make(random: Random): Arg[];
  run: Run;
  /** It returns a descriptor. */
  opens?: true;
  /** It waits on what is no file. */
  onFilesOnly?: true;
}

const {
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
} = libc;
const openFlags = [
  ...[
    O_RDONLY,
    O_RDONLY,
    libc.O_WRONLY,
    O_RDWR,
    O_RDWR | O_APPEND,
    O_RDONLY | O_NOFOLLOW,
    O_RDONLY | O_DIRECTORY,
  ],
  ...[
    O_RDWR | O_CREAT,
    O_RDWR | O_CREAT | O_EXCL,
    O_RDWR | O_CREAT | O_TRUNC,
    libc.O_WRONLY | O_TRUNC,
    O_PATH,
  ],
  ...[
    O_PATH | O_DIRECTORY,
    O_PATH | O_NOFOLLOW,
    O_RDONLY | O_TRUNC,
    O_RDWR | O_CREAT | O_NOFOLLOW,
    0x40000000,
  ],
];
const names = [
  "file",
  "dir",
  "f",
  "sub",
  "link",
  "dirlink",
  "out",
  "dangling",
  "loop",
  "new1",
  "new2",
  "inside",
];
const targets = ["file", "dir", "..", "../outside/f", "dir/../file", "missing", "link", "new1", "new2"];
const rights = [
  "READ",
  "WRITE",
  "SEEK",
  "LOOKUP",
  "FSTAT",
  "FCNTL",
  "CREATE",
  "FTRUNCATE",
  "UNLINKAT",
  "MKDIRAT",
];
const { AT_REMOVEDIR, AT_RESOLVE_BENEATH, AT_SYMLINK_NOFOLLOW } = libc;
const atFlags = [
  0,
  0,
  0,
  AT_SYMLINK_NOFOLLOW,
  AT_RESOLVE_BENEATH,
  AT_SYMLINK_NOFOLLOW | AT_RESOLVE_BENEATH,
  1,
];

/** Any of the 255 bytes that a name can have, but "/". */
const anyName = (random: Random) => {
  const bytes = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(255)).filter((byte) =>
    byte !== 0x2f
  );
  return bytes.length === 0 ? "x" : decodeName(Uint8Array.from(bytes)).replace(/^\.{1,2}$/, "x");
};
/** The path of the fixture, which only the process that runs the program knows. */
const ROOT = "@/";

function newPath(random: Random): string {
  const above = random.chance(60)
    ? []
    : [random.pick(["dir", "sub", "dirlink", "..", "dir/..", ".", "out/.."])];
  const name = random.chance(3)
    ? "n".repeat(random.pick([255, 256]))
    : random.chance(8)
    ? anyName(random)
    : random.pick(names);
  return (random.chance(4) ? `${ROOT}inside/` : "") + [...above, name].join("/");
}

function path(random: Random): string {
  if (random.chance(5)) {
    return random.pick([".", "..", "dir/.", "dir/..", "sub/../..", "../inside", "dirlink/sub", "dirlink/.."]);
  }
  return newPath(random);
}

const fd = (random: Random): Arg =>
  random.chance(3) ? random.pick([1_000_000, 0x7fffffff]) : { fd: random.below(40) };
const bytes = (random: Random): Arg => ({ bytes: random.pick([1, 2, 5, 64]) });
const offset = (random: Random): Arg => random.pick([0, 1, 3, 10, 100, -1, -5]);
const mode = (random: Random): Arg => random.pick([0o600, 0o644, 0o400, 0o200, 0]);
const some = (random: Random, all: readonly string[]) => all.filter(() => random.chance(70));
const stat = (use: (stat: Uint8Array) => number) => {
  const buffer = new Uint8Array(abi().statSize);
  use(buffer);
  const { isFile, isDirectory, isSymlink, isFifo, size } = abi().decodeStat(buffer);
  return isFile ? size : isDirectory ? "directory" : isSymlink ? "symlink" : isFifo ? "pipe" : "socket";
};
const filled = (buffer: Uint8Array, count: number) => [...buffer.subarray(0, count)];

function onCopy<T>(fd: number, use: (file: FdFile) => T): T {
  using file = FdFile.fromFd(libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0));
  return use(file);
}

const calls: Readonly<Record<string, Call>> = {
  openat: {
    kinds: ["fd", "path", "int", "mode"],
    make: (r) => [
      fd(r),
      path(r) + (r.chance(0) ? "/" : ""),
      r.pick(openFlags) | O_NONBLOCK | (r.chance(50) ? O_CLOEXEC : 0) |
      (r.chance(10) ? libc.O_RESOLVE_BENEATH : 0),
      0o644,
    ],
    run: libc.openat,
    opens: true,
  },
  read: {
    kinds: ["fd", "bytes"],
    make: (r) => [fd(r), bytes(r)],
    run: (fd, buffer) => filled(buffer, libc.read(fd, buffer)),
  },
  write: { kinds: ["fd", "bytes"], make: (r) => [fd(r), bytes(r)], run: libc.write as Run },
  pread: {
    kinds: ["fd", "bytes", "long"],
    make: (r) => [fd(r), bytes(r), offset(r)],
    run: (fd, buffer: Uint8Array, at) => filled(buffer, libc.pread(fd, buffer, buffer?.length, at)),
  },
  pwrite: {
    kinds: ["fd", "bytes", "long"],
    make: (r) => [fd(r), bytes(r), offset(r)],
    run: (fd, buffer: Uint8Array, at) => libc.pwrite(fd, buffer, buffer?.length, at),
  },
  lseek: {
    kinds: ["fd", "long", "int"],
    make: (r) => [fd(r), offset(r), r.pick([0, 0, 1, 2, 99])],
    run: libc.lseek,
  },
  ftruncate: { kinds: ["fd", "long"], make: (r) => [fd(r), offset(r)], run: libc.ftruncate },
  fsync: { kinds: ["fd"], make: (r) => [fd(r)], run: libc.fsync },
  fdatasync: { kinds: ["fd"], make: (r) => [fd(r)], run: libc.fdatasync },
  fstat: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => stat((buffer) => libc.fstat(fd, buffer)) },
  fchmod: { kinds: ["fd", "mode"], make: (r) => [fd(r), mode(r)], run: libc.fchmod },
  dup: { kinds: ["fd"], make: (r) => [fd(r)], run: libc.dup, opens: true },
  F_DUPFD_CLOEXEC: {
    kinds: ["fd", "long"],
    make: (r) => [fd(r), r.pick([0, 0, 50, -1, 0x7fffffff])],
    run: (fd, least) => libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, least),
    opens: true,
  },
  F_GETFD: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => libc.fcntl(fd, libc.F_GETFD) },
  F_GETFL: {
    kinds: ["fd"],
    make: (r) => [fd(r)],
    run: (fd) => libc.fcntl(fd, libc.F_GETFL) & (libc.O_ACCMODE | O_APPEND),
  },
  F_SETFL: {
    kinds: ["fd", "long"],
    make: (r) => [fd(r), O_NONBLOCK | (r.chance(50) ? O_APPEND : 0)],
    run: (fd, flags) => libc.fcntl(fd, libc.F_SETFL, flags),
  },
  close: { kinds: ["fd"], make: (r) => [fd(r)], run: libc.close },
  file_read: {
    kinds: ["fd", "bytes"],
    make: (r) => [fd(r), bytes(r)],
    run: (fd, buffer) =>
      onCopy(fd, (file) => {
        const count = file.readSync(buffer);
        return count === null ? null : filled(buffer, count);
      }),
    onFilesOnly: true,
  },
  file_write: {
    kinds: ["fd", "bytes"],
    make: (r) => [fd(r), bytes(r)],
    run: (fd, buffer) => onCopy(fd, (file) => file.writeSync(buffer)),
    onFilesOnly: true,
  },
  file_closed: {
    kinds: ["fd"],
    make: (r) => [fd(r)],
    run: (fd) => onCopy(fd, (file) => (file.close(), file.readSync(new Uint8Array(1)))),
  },
  limit: { kinds: ["fd", "rights"], make: (r) => [fd(r), some(r, rights)], run: limit },
  getRights: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => getRights(fd).toJSON() },
  limitFcntls: {
    kinds: ["fd", "fcntls"],
    make: (r) => [fd(r), some(r, ["GETFL", "SETFL"])],
    run: limitFcntls,
  },
  fstatat: {
    kinds: ["fd", "path", "int"],
    make: (r) => [fd(r), path(r), r.pick(atFlags)],
    run: (fd, path, flags) => stat((buffer) => libc.fstatat(fd, path, buffer, flags)),
  },
  faccessat: {
    kinds: ["fd", "path", "int", "int"],
    make: (r) => [fd(r), path(r), r.pick([0, 4, 2, 6, 8]), r.pick([0, 0, AT_RESOLVE_BENEATH, 1])],
    run: libc.faccessat,
  },
  fchmodat: {
    kinds: ["fd", "path", "mode", "int"],
    make: (
      r,
    ) => [fd(r), newPath(r), r.pick([0o700, 0o740, 0o755]), r.pick([0, 0, AT_RESOLVE_BENEATH, 1])],
    run: libc.fchmodat,
  },
  fchownat: {
    kinds: ["fd", "path", "int"],
    make: (r) => [fd(r), newPath(r), r.pick(atFlags)],
    run: (fd, path, flags) => libc.fchownat(fd, path, -1, -1, flags),
  },
  utimensat: {
    kinds: ["fd", "path", "int"],
    make: (r) => [fd(r), newPath(r), r.pick(atFlags)],
    run: (fd, path, flags) => libc.utimensat(fd, path, null, flags),
  },
  readlinkat: {
    kinds: ["fd", "path"],
    make: (r) => [fd(r), path(r)],
    run: (fd, path) => {
      const buffer = new Uint8Array(1024);
      return decodeName(buffer.subarray(0, libc.readlinkat(fd, path, buffer)));
    },
  },
  mkdirat: {
    kinds: ["fd", "path"],
    make: (r) => [fd(r), path(r)],
    run: (fd, path) => libc.mkdirat(fd, path, 0o755),
  },
  symlinkat: {
    kinds: ["path", "fd", "path"],
    make: (r) => [r.pick(targets), fd(r), newPath(r)],
    run: libc.symlinkat,
  },
  unlinkat: {
    kinds: ["fd", "path", "int"],
    make: (
      r,
    ) => [
      fd(r),
      newPath(r),
      r.pick([0, 0, AT_REMOVEDIR, AT_RESOLVE_BENEATH, AT_REMOVEDIR | AT_RESOLVE_BENEATH, 1]),
    ],
    run: libc.unlinkat,
  },
  linkat: {
    kinds: ["fd", "path", "fd", "path", "int"],
    make: (r) => [fd(r), newPath(r), fd(r), newPath(r), r.pick([0, 0, AT_RESOLVE_BENEATH, 1])],
    run: libc.linkat,
  },
  renameat: {
    kinds: ["fd", "path", "fd", "path"],
    make: (r) => [fd(r), newPath(r), fd(r), newPath(r)],
    run: libc.renameat,
  },
};

/** The last argument of these may be left out. */
const defaults = ["openat", "F_DUPFD_CLOEXEC", "F_SETFL"];
/** How many calls a program makes. */
const most = 80;

/** What each program begins with. */
const start: Tree = {
  inside: {
    file: "0123456789",
    dir: { f: "text", sub: {} },
    link: { link: "file" },
    dirlink: { link: "dir" },
    out: { link: "../outside" },
    dangling: { link: "missing" },
    loop: { link: "loop" },
  },
  outside: { f: "0123456789" },
};

export class CallsTarget implements Target<Step> {
  readonly name = "calls";
  readonly unit = "calls";
  readonly #fixture = new Fixture();

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
    return `${call}(${args.map(showArg).join(", ")})`;
  }

  // deno-lint-ignore require-await
  async run(program: readonly Step[]): Promise<string | undefined> {
    const fixture = this.#fixture;
    fixture.add({ case: start });
    const root = fixture.at("case"), tree = treeOfEntries(start);
    above(tree, root);
    const model = new Model({ directory: tree, path: root }, kernel);
    const known = begin(model, root);
    try {
      return this.#steps(program, model, known, root) ?? compared(tree, fixture, "case");
    } finally {
      for (const fd of model.slots.keys()) libc.close(fd);
      fixture.remove("case");
    }
  }

  #steps(program: readonly Step[], model: Model, known: number[], root: string): string | undefined {
    for (const step of program) {
      const { kinds, run, opens, onFilesOnly } = calls[step.call]!;
      const args = step.args.map((arg) => valueOf(arg, known, root));
      if (onFilesOnly && ["pipe", "socket"].includes(model.kindOf(args[0] as number) ?? "")) continue;
      // The model does not know directories that can't be searched.
      if (step.call === "fchmod" && model.kindOf(args[0] as number) === "directory") continue;
      const refusals = args.map((arg, i) => refused(kinds[i]!, arg)).filter((refusal) =>
        refusal !== undefined
      );
      const expected: Expected = refusals.length > 0
        ? { errors: [...refusals, ...step.call.startsWith("file_") ? ["EBADF"] : []], works: false }
        : model.call(step.call, args.map((arg, i) => asData(arg, step.call, kinds[i]!)));
      let value: unknown;
      try {
        value = (run as (...args: readonly unknown[]) => unknown)(...args);
      } catch (error) {
        const wrong = wrongWith(error), code = codeIn(error);
        const message = (error as Error).message;
        if (wrong !== undefined) return `${this.show(step)}: ${wrong}`;
        // Where there is no Capsicum, its calls need not look at their arguments first.
        const isNowhere = !kernel.hasCapsicum && step.call.match(/^(limit|getRights)/) &&
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
    this.#fixture[Symbol.dispose]();
  }
}

/** Opens what each program begins with. */
function begin(model: Model, root: string): number[] {
  const at = (path: string) => {
    const found = lookup(model.root.directory, path, { follow: true, beneath: false });
    return (found as { node: Directory }).node;
  };
  const open = (path: string, flags: number) => libc.open(`${root}/${path}`, flags | O_CLOEXEC);
  const known: number[] = [];
  const add = (
    fd: number,
    ...rest: Parameters<Model["add"]> extends [number, ...infer Rest] ? Rest : never
  ) => {
    known.push(fd);
    model.add(fd, ...rest);
  };
  add(open("inside", O_RDONLY | O_DIRECTORY), at("inside"), { writes: false });
  add(open("inside/file", O_RDWR), at("inside/file"));
  add(open("inside/dir", O_PATH | O_DIRECTORY), at("inside/dir"), {
    reads: false,
    writes: false,
    isPath: true,
  });
  for (const kind of ["pipe", "socket"] as const) {
    const ends = (kind === "pipe" ? pipe() : socketPair("stream")).map((end) => end.take());
    const [one, other]: [Stream, Stream] = [{ kind, inbox: [], peer: undefined }, {
      kind,
      inbox: [],
      peer: undefined,
    }];
    one.peer = other;
    other.peer = one;
    add(ends[0]!, one, { writes: kind === "socket" });
    add(ends[1]!, other, { reads: kind === "socket" });
    for (const fd of ends) libc.fcntl(fd, libc.F_SETFL, O_NONBLOCK);
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
  for (const path of unreadable(tree)) fixture.chmod(`${at}/${path}`, 0o600);
  const named = (lines: string[]) => lines.filter((line) => line.isWellFormed()).join("\n  ");
  const now = named(linesOf(treeFrom(treeOf(fixture.at(at))))), then = named(linesOf(tree));
  return now === then ? undefined : `the tree is\n  ${now}\nand not\n  ${then}`;
}

/** The files that can't be read, except those whose names Deno can't spell. */
function unreadable(directory: Directory): string[] {
  return [...directory.entries].flatMap(([name, node]) =>
    !name.isWellFormed()
      ? []
      : node.kind === "directory"
      ? unreadable(node).map((path) => `${name}/${path}`)
      : node.kind === "file" && !(node.mode & 0o400)
      ? [name]
      : []
  );
}

function valueOf(arg: Arg, known: readonly number[], root: string): unknown {
  if (typeof arg === "string") return arg.startsWith(ROOT) ? root + arg.slice(1) : arg;
  if (typeof arg !== "object" || Array.isArray(arg)) return arg;
  if ("fd" in arg) return known[arg.fd % known.length];
  if ("bytes" in arg) return Uint8Array.from({ length: arg.bytes }, (_, i) => 65 + i % 26);
  return wrongValues[(arg as { wrong: string }).wrong];
}

/** An argument for the model: of a buffer its bytes, or how many there are to fill. */
function asData(value: unknown, call: string, kind: Kind): unknown {
  if (kind !== "bytes") return value;
  return /read$/.test(call) ? (value as Uint8Array).length : [...value as Uint8Array];
}

function wanted({ errors, works, value }: Expected): string {
  return [...errors, ...works ? [value === undefined ? "a value" : Deno.inspect(value)] : []].join(" or ");
}
