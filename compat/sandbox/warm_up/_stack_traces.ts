import { failure } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { getRights } from "../../../ffi/capsicum/limits.ts";
import { mayCall } from "../../../ffi/libc/permission.ts";
import { Fcntls, ioctl, Ioctls, Rights } from "../../../rights/mod.ts";
import { Dir, openDirSync } from "../../fs/dir.ts";
import { FdFile } from "../../fs/file.ts";
import { listDirSync } from "../../fs/tree/list.ts";
import { openSync } from "../../fs/open.ts";
import { stepsOf } from "../_steps.ts";
import { fdOf } from "../descriptors/fd_of.ts";
import { limitOthers } from "../descriptors/limit_others.ts";
import { rightsFor } from "../rights_for.ts";
import { limitStream } from "../descriptors/stdio.ts";
import { trapViolations } from "../violations.ts";

/** A number that no descriptor can have: the limit is lower on every system. */
const NOWHERE = 0x7fffffff;

/**
 * Makes Deno look up the source maps of all modules that can be in a stack trace of an error of this library.
 *
 * Deno looks up a module when the first stack trace that contains the module is read. So each call here fails: by its
 * arguments, or on a descriptor that is not open.
 */
export function readStackTraces(): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  try {
    for (const call of mayCall() ? [...wrongArguments, ...onNoDescriptor] : wrongArguments) {
      try {
        call();
      } catch (error) {
        // Reading the property is what makes Deno look up each line.
        void (error as Error).stack;
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Calls that fail before they call libc. */
const wrongArguments: readonly (() => unknown)[] = [
  () => {
    throw failure({ syscall: "open", path: "" }, "ENOENT", "");
  },
  () => new Rights(["" as "READ"]),
  () => new Fcntls(["" as "GETFL"]),
  () => new Ioctls([-1]),
  () => rightsFor("" as "read"),
  () => stepsOf({ dirs: { "": { path: "" } }, "": 0 } as never),
  () => ioctl("" as "r", "", 0, 0),
  () => Rights.fromJSON([0 as never]),
  () => openSync(""),
  () => openSync("x", { read: false }),
  () => file().utimeSync(NaN, 0),
  () => openSync(new URL("data:,")),
  () => openDirSync("", { "": 0 } as never),
  () => limitOthers({ keep: 0 as never }),
  () => fdOf(0 as never),
  () => trapViolations(0 as never),
  () => dir().expandGlobSync(0 as never).next(),
  () => libc.lseek(0, NaN, 0),
  () => libc.procctl(NaN, 0, 0, new Uint8Array(4)),
  () => libc.openat("" as never, "", 0),
];

/** Calls that fail with EBADF. */
const onNoDescriptor: readonly (() => unknown)[] = [
  () => dir().openSync("x"),
  () => dir().readFileSync("x"),
  () => dir().readDirSync("x"),
  () => dir().walkSync("x").next(),
  () => dir().statSync("x"),
  () => dir().realPathSync("x"),
  () => dir().mkdirSync("x"),
  () => dir().removeSync("x"),
  () => dir().emptyDirSync("x"),
  () => dir().copyFileSync("x", "y"),
  () => dir().copySync("x", "y"),
  () => dir().writeFileAtomicSync("x", new Uint8Array()),
  () => dir().makeTempFileSync(),
  () => file().readSync(new Uint8Array(1)),
  () => listDirSync(NOWHERE),
  () => getRights(NOWHERE),
  () => limitStream(NOWHERE, "read"),
];

const dir = (): Dir => new Dir(NOWHERE, true);
const file = (): FdFile => new FdFile(NOWHERE);
