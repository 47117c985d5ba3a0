import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { Dir, FdFile, type FdLike, Ioctl, Right } from "../../mod.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { allCalls } from "../_standin.ts";
import { test } from "../_test.ts";
import { type Argument, callExport, calls, exportedFunctions, isLater, type Kind } from "./_calls.ts";
import { LibcPlace } from "./_place.ts";

/** A value that is refused: by which class, and how the message names it. */
type Bad = [value: unknown, Class: new (...args: never[]) => Error, names: string];

const { BadResource } = Deno.errors;
const TYPE = TypeError, RANGE = RangeError;

function closed<T extends { take(): number }>(make: (fd: number) => T, fd: number): T {
  const it = make(fd);
  it.take();
  return it;
}
const closedFile = closed((fd) => new FdFile(fd), 0), closedDir = closed((fd) => new Dir(fd), 0);
const closedFiles: Bad[] = [
  [closedFile, BadResource, "This FdFile is closed"],
  [closedDir, BadResource, "This Dir is closed"],
];

const noDescriptors: Bad[] = [
  [-1, RANGE, "-1"],
  [2 ** 31, RANGE, "2147483648"],
  [1.5, RANGE, "1.5"],
  [NaN, RANGE, "NaN"],
  [Infinity, RANGE, "Infinity"],
  [{ fd: -1 }, RANGE, "-1"],
  [{ fd: "3" }, TYPE, '"3"'],
  [null, TYPE, "null"],
  [undefined, TYPE, "undefined"],
  [3n, TYPE, "3n"],
  ...closedFiles,
];
const noStrings: Bad[] = [[null, TYPE, "null"], [undefined, TYPE, "undefined"]];
const noPaths: Bad[] = [
  ["", TYPE, '""'],
  ["a\0b", TYPE, "a\\u0000b"],
  [`${"a".repeat(60)}\0`, TYPE, "a\\u0000"],
  ["\0", TYPE, '"\\u0000"'],
  ["a\ud800b", TYPE, "U+D800"],
];
const noRights: Bad[] = [
  ["READ", TYPE, '"READ"'],
  [["REED"], RANGE, '"REED"'],
  [["READ", "read"], RANGE, '"read"'],
  [[1n], RANGE, "0x0000000000000001"],
  [[0n], RANGE, "0x0000000000000000"],
  [[-1n], RANGE, "-1n"],
  [[Right.READ | Right.IOCTL], RANGE, "0x0600000000000081"],
  [[1], TYPE, "1"],
  [Right.READ, TYPE, "144115188075855873n"],
  [null, TYPE, "null"],
  [undefined, TYPE, "undefined"],
];
const noBigEnough = (least: number): Bad[] =>
  least === 0 ? [] : [[new Uint8Array(least - 1), RANGE, `${least} bytes, not of ${least - 1}`]];
const noMemory: Bad[] = [
  ["text", TYPE, '"text"'],
  [[1, 2], TYPE, "[ 1, 2 ]"],
  [new ArrayBuffer(224), TYPE, "ArrayBuffer"],
  [new Uint32Array(56), TYPE, "Uint32Array"],
  [undefined, TYPE, "undefined"],
];
const noIntegers: Bad[] = [
  [1.5, RANGE, "1.5"],
  [NaN, RANGE, "NaN"],
  ["1", TYPE, '"1"'],
  [null, TYPE, "null"],
];

const file = (entry: object) => ({ files: { a: { path: "a", ...entry } } });
const badPlans: [plan: object, Class: Bad[1], names: string][] = [
  [{ directories: {} }, TYPE, 'sandbox(): there is no option "directories"'],
  [{ enforce: "maybe" }, RANGE, '"maybe"'],
  [{ limitOthers: "yes" }, TYPE, "limitOthers must be a boolean"],
  [{ warmUp: 1 }, TYPE, "warmUp must be a boolean or an object"],
  [{ dirs: { a: { path: "a", rihgts: [] } } }, TYPE, 'dirs.a: there is no option "rihgts"'],
  [{ dirs: { a: { path: "a", create: "yes" } } }, TYPE, "dirs.a: the option create"],
  [file({ apend: true }), TYPE, 'files.a: there is no option "apend"'],
  [file({ customFlags: NaN }), RANGE, "files.a: the option customFlags"],
  [file({ limit: [] }), TYPE, 'files.a: there is no option "limit"'],
  [{ fds: { a: { fd: 0, rights: [], ioctl: [] } } }, TYPE, 'fds.a: there is no option "ioctl"'],
  [{ stdio: { row: true } }, TYPE, 'stdio: there is no option "row"'],
  [{ stdio: "all" }, TYPE, 'stdio must be a boolean or an object, not "all"'],
  [{ dirs: 5 }, TYPE, "dirs must be an object"],
  [{ dirs: [{ path: "a" }] }, TYPE, "dirs must be an object"],
  [{ dirs: { a: null } }, TYPE, "dirs.a: the options must be an object"],
  [{ dirs: { a: undefined } }, TYPE, "dirs.a: an entry must be an object"],
  [{ dirs: { a: {} } }, TYPE, "dirs.a: A path must be a string or a file: URL"],
  [{ dirs: { a: { path: "" } } }, TYPE, 'dirs.a: The path ""'],
  [{ dirs: { a: { path: "a\0" } } }, TYPE, "dirs.a: The path"],
  [{ dirs: { a: { path: new URL("https://a/") } } }, TYPE, "dirs.a: A path"],
  [{ dirs: { a: { path: "a", rights: "all" } } }, RANGE, 'dirs.a: "all" is not in presets.dir'],
  [{ dirs: { a: { path: "a", rights: ["REED"] } } }, RANGE, 'dirs.a: "REED"'],
  [{ dirs: { a: { path: "a", unconfined: true } } }, TYPE, "dirs.a: the option unconfined"],
  [{ dirs: { a: { path: "a", unconfined: "no" } } }, RANGE, "dirs.a: the option unconfined"],
  [{ dirs: { ["a".repeat(1e6)]: { path: "" } } }, TYPE, "aaa...aaa"],
  [file({ create: true }), TYPE, "files.a: The options create"],
  [file({ rights: "list" }), RANGE, 'files.a: "list" is not in presets.file'],
  [file({ ioctls: [Ioctl.FIONREAD] }), TYPE, "files.a: The ioctls need IOCTL"],
  [file({ fcntls: ["GETFL"] }), TYPE, "files.a: The fcntls need FCNTL"],
  [file({ rights: ["FCNTL"], fcntls: ["F_GETFL"] }), RANGE, 'files.a: "F_GETFL"'],
  [{ fds: { a: { fd: -1, rights: [] } } }, RANGE, "fds.a: A file descriptor"],
  [{ fds: { a: { fd: "0", rights: [] } } }, TYPE, "fds.a: A file descriptor"],
  [{ fds: { a: { fd: 0 } } }, TYPE, "fds.a: the rights are undefined"],
  [{ fds: { a: { fd: 0, rights: "read" } } }, RANGE, 'fds.a: "read" is not in presets.stream'],
  [{ fds: { a: { fd: closedFile, rights: [] } } }, BadResource, "fds.a: This FdFile is closed"],
  [{ fds: { a: { fd: Deno.stdin, rights: "stdin" } }, stdio: true }, RANGE, "fds.a and stdio.stdin"],
];

const bad: Record<Exclude<Kind, `buffer of ${number}`>, Bad[]> = {
  "descriptor": [...noDescriptors, ["3", TYPE, '"3"'], [-100, RANGE, "-100"]],
  "directory": [...noDescriptors, ["3", TYPE, '"3"'], [-99, RANGE, "-99"]],
  "path": [...noPaths, ...noStrings, [5, TYPE, "5"], [["a"], TYPE, '[ "a" ]']],
  "descriptor or path": [...noDescriptors, ...noPaths],
  "rights": noRights,
  "rights option": noRights.filter(([value]) => value !== undefined)
    .map(([limit, Class, names]) => [{ limit }, Class, names]),
  "ioctls": [
    [Array.from({ length: 257 }, (_, i) => i), RANGE, "257"],
    ["FIONREAD", TYPE, '"FIONREAD"'],
    [Ioctl.FIONREAD, TYPE, `${Ioctl.FIONREAD}n`],
    [["FIONREAD"], TYPE, '"FIONREAD"'],
    [[-1], RANGE, "-1"],
    [[1.5], RANGE, "1.5"],
    [[NaN], RANGE, "NaN"],
    [[2 ** 32], RANGE, "4294967296"],
    [[1n << 32n], RANGE, "4294967296"],
    [undefined, TYPE, "undefined"],
  ],
  "fcntls": [
    ["GETFL", TYPE, '"GETFL"'],
    [["GETLF"], RANGE, '"GETLF"'],
    [["F_GETFL"], RANGE, '"F_GETFL"'],
    [[0], RANGE, "0"],
    [[1], RANGE, "1"],
    [[0x80], RANGE, "128"],
    [[1.5], RANGE, "1.5"],
    [[NaN], RANGE, "NaN"],
    [8, TYPE, "8"],
    [undefined, TYPE, "undefined"],
  ],
  "fcntls mask": [
    [1, RANGE, "1"],
    [0x88, RANGE, "136"],
    [-1, RANGE, "-1"],
    [1.5, RANGE, "1.5"],
    [NaN, RANGE, "NaN"],
    ["8", TYPE, '"8"'],
    [8n, TYPE, "8n"],
    [undefined, TYPE, "undefined"],
  ],
  "ncmds": [...noIntegers, [257, RANGE, "257"], [-1, RANGE, "-1"], [2, RANGE, "16 bytes, not of 8"]],
  "maxcmds": [...noIntegers, [-1, RANGE, "-1"], [2, RANGE, "16 bytes, not of 8"]],
  "int": [...noIntegers, [2 ** 31, RANGE, "2147483648"], [-(2 ** 31) - 1, RANGE, "-2147483649"]],
  "long": [
    ...noIntegers,
    [2 ** 53, RANGE, "9007199254740992"],
    [1n << 63n, RANGE, "9223372036854775808"],
    [-(1n << 63n) - 1n, RANGE, "-9223372036854775809"],
  ],
  "mode": [...noIntegers, [-1, RANGE, "-1"], [0o200000, RANGE, "65536"]],
  "owner": [...noIntegers, [-2, RANGE, "-2"], [2 ** 32, RANGE, "4294967296"]],
  "count": [...noIntegers, [-1, RANGE, "-1"], [2 ** 20, RANGE, "1048576"]],
  "unsigned": [...noIntegers, [-1, RANGE, "-1"], [2 ** 32, RANGE, "4294967296"]],
  "boolean": [[0, TYPE, "0"], ["on", TYPE, '"on"'], [null, TYPE, "null"]],
  "stream use": [["append", RANGE, '"append"'], [null, TYPE, "null"], [["read"], TYPE, '[ "read" ]']],
  "plan": [
    [null, TYPE, "null"],
    [undefined, TYPE, "undefined"],
    ["/srv", TYPE, '"/srv"'],
    ...badPlans.map(([plan, Class, names]): Bad => [{ ...plan, dryRun: true }, Class, names]),
  ],
  "times": [...noMemory, ...noBigEnough(32), [0, TYPE, "0"], ["", TYPE, '""'], [false, TYPE, "false"]],
};

function refused({ kind }: Argument): Bad[] {
  if (kind in bad) return bad[kind as keyof typeof bad];
  const least = Number(kind.slice("buffer of ".length));
  return [...noMemory, ...noBigEnough(least)];
}

/** What a value stands for where a name must be plain. */
function shown(value: unknown): string {
  const text = Deno.inspect(value, { breakLength: Infinity, iterableLimit: 3 });
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

test("the tests cover every exported function that may call the kernel", () => {
  assertEquals(Object.keys(calls).sort(), exportedFunctions());
});

const nth = ["first", "second", "third", "fourth", "fifth"];

for (const [name, args] of Object.entries(calls)) {
  if (args.length === 0) continue;
  const what = kernel.simulated ? " before any call to the kernel" : "";
  test(`${name}() refuses every bad argument${what}, and accepts a good one`, () => {
    using fixture = new Fixture();
    using place = new LibcPlace(fixture.path);
    const good = (except?: number) => args.map(({ good }, i) => i === except ? undefined : good(place));
    for (const [i, argument] of args.entries()) {
      for (const [value, Class, says] of refused(argument)) {
        // The optional last arguments may be left out, and a descriptor's maker takes no object.
        if (value === undefined && i === args.length - 1 && isOptional(name)) continue;
        const given = good(i).with(i, value);
        const where = `${shown(value)} as the ${nth[i]} argument of ${name}()`;
        const before = kernel.simulated ? allCalls() : 0;
        const error = thrown(() => callExport(name, given), where);
        if (kernel.simulated) assertEquals(allCalls(), before, `${where} reached the kernel`);
        assertInstanceOf(error, Class, `${where}: ${error}`);
        assertStringIncludes(error.message, says, where);
        place.closeAll();
      }
    }
    if (!isLater(name, kernel.osreldate)) callExport(name, good());
  });
}

function isOptional(name: string): boolean {
  return [
    "libc.read",
    "libc.write",
    "libc.readlinkat",
    "libc.open",
    "libc.openat",
    "libc.fcntl",
    "libc.ioctl",
    "trapViolations",
  ].includes(
    name,
  );
}

function thrown(fn: () => unknown, where: string): Error {
  try {
    fn();
  } catch (error) {
    assert(error instanceof Error);
    return error;
  }
  throw new Error(`${where} was taken`);
}

test("descriptor arguments accept any object with fd, and AT_FDCWD only with a path", () => {
  using fixture = new Fixture();
  using place = new LibcPlace(fixture.path);
  for (const [name, args] of Object.entries(calls)) {
    const at = args.findIndex(({ kind }) => kind.startsWith("descriptor") || kind === "directory");
    if (at < 0 || name.endsWith(".fromFd") || name === "libc.close" || isLater(name, kernel.osreldate)) {
      continue;
    }
    const given = args.map((argument) => argument.good(place));
    const like: FdLike = { fd: given[at] as number };
    callExport(name, given.with(at, like));
    place.closeAll();
  }
});
