/** Faults in `compat/fs/io/` and of files that are open. */
import type { Place } from "../run/places.ts";
import type { Concern, Mutant } from "./mutant.ts";

const fs = (on: Place, test: string, filter?: string): Concern[] => [
  { on, test: `compat/fs/${test}`, ...(filter === undefined ? {} : { filter }) },
];
const file = "compat/fs/file.ts", streams = "compat/fs/io/streams.ts", calls = "compat/fs/io/async_calls.ts";

export const ioMutants: Mutant[] = [
  {
    file: calls,
    what: "a datagram for a receiver that is full is an error on FreeBSD",
    search: 'if (codeOf(error) !== "ENOBUFS") throw error;',
    replace: 'if (codeOf(error) !== "") throw error;',
    concerns: fs("15.1", "io_test.ts", "while the receiver is full"),
  },
  {
    file: calls,
    what: "a datagram for a receiver that is full is sent again and again without a pause",
    search: "if (found & POLLNVAL || wasReady) await",
    replace: "if (found & POLLNVAL) await",
    concerns: fs("15.1", "io_test.ts", "while the receiver is full"),
  },
  {
    file,
    what: "lock() keeps a shared lock while it waits for an exclusive one",
    search: "      if (pause === 1) this.unlockSync();\n",
    replace: "",
    concerns: fs("15.1", "fd_file_async_test.ts", "gives up a shared lock"),
  },
  {
    file,
    what: "writeAllSync() does not continue after a short write",
    search: "    while (used < p.length) used += progress(this.#writeHere(p.subarray(used)));\n",
    replace: "    void used;\n",
    concerns: fs("15.1", "fd_file_async_test.ts", "continue after short transfers"),
  },
  {
    file,
    what: "readIntoSync() does not continue after a short read",
    search:
      "    for (let count; used < p.length && (count = this.#readHere(p.subarray(used))) > 0;) used += count;\n",
    replace: "",
    concerns: fs("15.1", "fd_file_async_test.ts", "continue after short transfers"),
  },
  {
    file,
    what: "preadSync() returns 0 at the end of the file",
    search: "libc.pread(this, p, p.length, offset);\n    return count === 0 && p.length > 0 ? null : count;",
    replace: "libc.pread(this, p, p.length, offset);\n    return count;",
    concerns: fs("native", "fd_file_test.ts"),
  },
  {
    file,
    what: "lines() does not check its options, unlike its twin",
    search: '    checkOptions("FdFile.lines()", options, lengthOptions("line"));\n',
    replace: "",
    concerns: fs("native", "fd_file_test.ts", "refuse invalid options before"),
  },
  {
    file,
    what: "take() releases a descriptor that a call is using",
    search: "    if (this.#calls?.busy) {\n",
    replace: "    if (false) {\n",
    concerns: fs("native", "fd_file_async_test.ts", "take() throws Busy"),
  },
  {
    file,
    what: "tryLockSync() waits for the lock",
    search: "(exclusive ? libc.LOCK_EX : libc.LOCK_SH) | libc.LOCK_NB);\n      return true;",
    replace: "(exclusive ? libc.LOCK_SH : libc.LOCK_SH) | libc.LOCK_NB);\n      return true;",
    concerns: fs("native", "fd_file_test.ts", "tryLockSync()"),
  },
  {
    file: calls,
    what: "close() closes a descriptor that a call is using",
    search: "    if (this.#underWay === 0) {\n      closeOf",
    replace: "    if (this.#underWay >= 0) {\n      closeOf",
    concerns: fs("native", "fd_file_async_test.ts", "closes the descriptor only after"),
  },
  {
    file: calls,
    what: "writeAll() does not continue after a short write",
    search: "    while (used < bytes.length) {\n      used += progress(",
    replace: "    if (used < bytes.length) {\n      used += progress(",
    concerns: fs("native", "fd_file_async_test.ts", "FdFile.writeAll() waits"),
  },
  {
    file: calls,
    what: "a file that was closed during a call stays open",
    search: "if (--this.#underWay === 0) this.#idle?.();",
    replace: "--this.#underWay;",
    concerns: fs("native", "fd_file_async_test.ts", "closes the descriptor only after"),
  },
  {
    file: "compat/fs/io/transfer.ts",
    what: "a write that writes nothing is repeated forever",
    search: "  if (written > 0) return written;\n",
    replace: "  if (written >= 0) return written || 1;\n",
    concerns: fs("native", "io_test.ts", "a write that writes nothing"),
  },
  {
    file: streams,
    what: "a stream that was read to its end stays open",
    search: "      await file[Symbol.asyncDispose]();\n      controller.close();",
    replace: "      controller.close();",
    concerns: fs("native", "streams_test.ts", "FdFile.readable yields"),
  },
  {
    file: streams,
    what: "a stream that failed stays open",
    search: "    await file[Symbol.asyncDispose]().catch(() => {});\n    throw error;",
    replace: "    throw error;",
    concerns: fs("native", "streams_test.ts", "report the error of the file"),
  },
  {
    file: streams,
    what: "lines loses characters at the end of a chunk",
    search: "bytes.subarray(0, tooLong), { stream: true }",
    replace: "bytes.subarray(0, tooLong), { stream: false }",
    concerns: fs("native", "fd_file_test.ts", "lines"),
  },
  {
    file: streams,
    what: "maxLength is off by one",
    search: "if (bytes > this.most) throw this.error();",
    replace: "if (bytes > this.most + 1) throw this.error();",
    concerns: fs("native", "fd_file_test.ts", "maxLength"),
  },
  {
    file: streams,
    what: "a message that filled the buffer, and may have been cut, is accepted",
    search: "  if (room === 0 || count !== length) return;\n",
    replace: "  if (room >= 0 || count !== length) return;\n",
    concerns: fs("native", "io_test.ts", "that their buffer can't hold"),
  },
];
