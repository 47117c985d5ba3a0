/**
 * Makes each call site of the library fail with errnos from the man page of its call. No descriptor may stay open and no change
 * may be left incomplete. Either the error is correct, or the result is the same as without the fault.
 *
 * Each site gets one errno of the list in turn. With CAPSICUM_TEST_FAULTS=all it gets each of them.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { freebsdErrno } from "../../ffi/errno.ts";
import { symbols } from "../../ffi/symbols.ts";
import { CapsicumError, Dir, FdFile, libc } from "../../mod.ts";
import { withShortTransfers } from "../compat/fs/_short.ts";
import { openDescriptors } from "../_kernel.ts";
import { callsOf, failFrom, failNext, needsStandin } from "../_standin.ts";
import { test } from "../_test.ts";
import { errnos, isWhole, meaningful, wrongIn } from "./_errnos.ts";
import { type Operation, operations, Place } from "./_operations.ts";

const skip = { skip: needsStandin };
const numbers = new Map(Object.entries(freebsdErrno()).map(([number, [name]]) => [name, Number(number)]));

/** The C functions that the library calls, except those that read errno or handle memory. */
const functions = [
  ...new Set(Object.entries(symbols).map(([name, symbol]) => "name" in symbol ? symbol.name : name)),
].filter((name) =>
  !["__error", "memcpy", "getosreldate", "getdtablesize", "getpid", "cap_sandboxed"].includes(name)
);

/** Whether a call that failed is made again to read errno: that of a thread, and one whose result has 64 bits. */
function isRepeated(call: string, isSync: boolean): boolean {
  return call === "lseek" ||
    !isSync && ["read", "write", "pread", "pwrite", "ftruncate", "fsync", "fdatasync"].includes(call);
}

/** Operations that write to a file, and report that closing it failed. */
const closesWritten = /^(copy(?! of a symlink)|create|ensureFile|makeTempFile|truncate|write)/;
/** Operations that leave the old file or the new one, and nothing else. */
const isAtomic = (title: string) =>
  /^(writeFileAtomic|copyFile|copy of a symlink|Deno\.copyFile)/.test(title);

interface Site {
  call: string;
  nth: number;
  code: string;
}

/** Whether a failure may change nothing and go unreported. */
function mayBeSilent(title: string, { call, code }: Site): boolean {
  if (meaningful.includes(code)) return true;
  // A failed poll(2) is repeated.
  if (call === "poll") return true;
  // Of a directory that was only passed through, or a file that was only read; see `closesWritten`.
  if (call === "close") return true;
  // If it is unknown whether the kernel confines the directory, the library assumes that it does not.
  if (title === "openDir") return ["__cap_rights_get", "openat", "fstat"].includes(call);
  // It asks for the size of messages, if the file is a socket.
  return call === "getsockopt";
}

let turn = 0;

/** The errnos for one call site. */
function codesFor(call: string, isLoop: boolean): string[] {
  const all = errnos[call];
  assert(all !== undefined, `tests/faults/_errnos.ts has no errnos of ${call}`);
  // The library repeats the call after these.
  const usable = isLoop ? all.filter((code) => code !== "EINTR" && code !== "EAGAIN") : all;
  return isWhole ? [...usable] : [usable[turn++ % usable.length]!];
}

async function countsOf(place: Place, operation: Operation, isSync: boolean) {
  let before: number[] = [], after: number[] = [];
  const result = await place.run(
    operation,
    isSync,
    () => before = functions.map(callsOf),
    () => after = functions.map(callsOf),
  );
  const picture = place.picture();
  place.restore();
  const counts = functions.map((name, i) => [name, after[i]! - before[i]!] as const);
  return { result, picture, counts: counts.filter(([, count]) => count > 0) };
}

for (const confined of [true, false]) {
  for (const isSync of [true, false]) {
    test(
      `every call of the ${
        isSync ? "" : "a"
      }synchronous operations may fail with every errno of its man page, if the kernel ${
        confined ? "confines" : "does not confine"
      } paths`,
      async () => {
        using place = new Place(confined);
        const wrong: string[] = [], told = new Set<string>();
        let faults = 0;
        for (const [title, operation] of Object.entries(operations)) {
          // The calls on an open file do not depend on the directory.
          if (operation.on === "file" && !confined) continue;
          const normal = await countsOf(place, operation, isSync);
          for (const [call, count] of normal.counts) {
            const isLoop = isRepeated(call, isSync);
            for (let nth = 1; nth <= count; nth++) {
              for (const code of codesFor(call, isLoop)) {
                faults++;
                const { complaints, isTold } = await fault(place, title, isSync, { call, nth, code }, normal);
                wrong.push(...complaints.map((what) => `${title}: ${call} ${nth}/${count} ${code}: ${what}`));
                if (isTold && call === "close") told.add(title);
              }
            }
          }
        }
        assertEquals(wrong, []);
        assertEquals(
          Object.keys(operations).filter((title) => closesWritten.test(title) && !told.has(title)),
          [],
        );
        assert(faults > 250, `${faults}`);
        if (isWhole) console.log(`${faults} faults`);
      },
      skip,
    );
  }
}

/** What is wrong after one fault, and whether it was reported. */
async function fault(
  place: Place,
  title: string,
  isSync: boolean,
  site: Site,
  normal: { result: unknown; picture: string },
): Promise<{ complaints: string[]; isTold: boolean }> {
  const { call, nth, code } = site, wrong: string[] = [];
  const before = openDescriptors();
  let error: unknown, result: unknown;
  try {
    const fails = isRepeated(call, isSync) ? failFrom : failNext;
    result = await place.run(
      operations[title]!,
      isSync,
      () => fails(call, numbers.get(code)!, nth),
      () => failNext(call, 0, 0),
    );
  } catch (caught) {
    error = caught;
  }
  const left = openDescriptors().filter((fd) => !before.includes(fd));
  // The stand-in fails without closing the descriptor; a kernel closes it even if it fails.
  if (call === "close" && left.length === 1) libc.close(left.pop()!);
  if (left.length > 0) wrong.push(`open: ${left}`);
  for (const fd of left) libc.close(fd);
  const picture = place.picture(), old = (place.restore(), place.picture());
  if (error === undefined) {
    const isSame = picture === normal.picture && JSON.stringify(result) === JSON.stringify(normal.result);
    if (!isSame && !mayBeSilent(title, site)) wrong.push(`silent, and has another result`);
    if (code !== "EINTR" && isSame && !mayBeSilent(title, site)) wrong.push("silent");
  } else {
    wrong.push(...wrongIn(error, code, numbers));
    if (isAtomic(title) && call !== "unlinkat" && picture !== old && picture !== normal.picture) {
      wrong.push(`half done:\n${picture}`);
    }
  }
  return { complaints: wrong, isTold: error !== undefined };
}

test("short reads and writes change nothing in the results of the synchronous operations", async () => {
  using place = new Place(true);
  for (const [title, operation] of Object.entries(operations)) {
    // These return what one call moves.
    if (/^FdFile\.(read|write|pread|pwrite)$/.test(title)) continue;
    const { result, picture } = await countsOf(place, operation, true);
    const short = await withShortTransfers(1000, () => place.run(operation, true, () => {}, () => {}));
    assertEquals([short, place.picture()], [result, picture], title);
    place.restore();
  }
}, skip);

test("short reads and writes change nothing in the results of the asynchronous operations", async () => {
  using place = new Place(true);
  for (const [title, operation] of Object.entries(operations)) {
    if (/^FdFile\.(read|write|pread|pwrite)$/.test(title)) continue;
    const { result, picture } = await countsOf(place, operation, false);
    const short = await withShortTransfers(1000, () => place.run(operation, false, () => {}, () => {}));
    assertEquals([short, place.picture()], [result, picture], title);
    place.restore();
  }
}, skip);

test("an atomic write calls fsync(2) once", async () => {
  for (const isSync of [true, false]) {
    using place = new Place(true);
    const { counts } = await countsOf(place, operations.writeFileAtomic!, isSync);
    assertEquals(Object.fromEntries(counts).fsync, 1);
  }
}, skip);

test("a sync that fails once on a thread is reported, though it succeeds when it is repeated", async () => {
  using place = new Place(true);
  await using file = place.dir.openSync("a/f", { write: true });
  for (const [call, sync] of [["fsync", () => file.sync()], ["fdatasync", () => file.syncData()]] as const) {
    failNext(call, numbers.get("ENOSPC")!);
    await assertRejects(sync, CapsicumError, "what was written may not be on the disk");
    await sync();
  }
}, skip);

test("the operations call every method of Dir, and every method of FdFile that calls the kernel", () => {
  const called = (on: Operation["on"]) =>
    [
      ...new Set(
        Object.values(operations).filter((one) => one.on === on).map(({ method }) => `${method}Sync`),
      ),
    ].sort();
  const twins = (of: object) => Object.getOwnPropertyNames(of).filter((name) => name.endsWith("Sync")).sort();
  assertEquals(called("dir"), twins(Dir.prototype));
  assertEquals(called("file"), twins(FdFile.prototype));
});
