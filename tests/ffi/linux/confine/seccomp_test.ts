import { assert, assertEquals, assertThrows } from "@std/assert";
import { accessFor } from "../../../../ffi/linux/confine/confine.ts";
import { QUESTION } from "../../../../ffi/linux/glibc.ts";
import { program, type Row, table } from "../../../../ffi/linux/confine/seccomp.ts";
import { presets, Rights } from "../../../../mod.ts";
import { test } from "../../../_test.ts";
import numbers from "../../../data/system_calls.json" with { type: "json" };

const archs = ["x86_64", "aarch64"] as const;
const ALL = Rights.all();
const pid = 4711, answer = 3237;
const EPERM = 1, ENOSYS = 38, AT_FDCWD = 0xffffff9c;
const AUDIT_ARCH = { x86_64: 0xc000003e, aarch64: 0xc00000b7 }, AUDIT_ARCH_I386 = 0x40000003;

for (const [column, arch] of archs.entries()) {
  test(`the table for ${arch} has each call of the kernel's headers, once, with its number and a reason`, () => {
    const rows = table({ pid, hasDirs: true, rights: ALL }, arch);
    const expected = Object.entries(numbers).filter(([, both]) => both[column] !== null)
      .map(([name, both]) => [name, both[column]]);
    assertEquals(
      rows.map(({ name, number }) => [name, number]).sort(),
      expected.sort(),
    );
    assertEquals(rows.filter(({ reason }) => reason === ""), []);
    assertEquals(rows.filter(({ verdict, checks }) => (verdict === "if") !== (checks.length > 0)), []);
  });

  test(`the program for ${arch} decides over each call as its row says, in both kinds of plan`, () => {
    for (const hasDirs of [true, false]) {
      const rows = table({ pid, hasDirs, rights: ALL }, arch), filter = program(rows, answer, arch);
      const decide = (number: number, ...args: (number | bigint)[]) =>
        run(filter, AUDIT_ARCH[arch], number, args);
      assert(filter.length / 8 < 4096);
      for (const row of rows) {
        const fitting = argumentsFor(row), verdict = decide(row.number, ...fitting);
        if (row.verdict === "permit" || row.verdict === "if") assertEquals(verdict, "permit", row.name);
        else assertEquals(verdict, row.verdict === "missing" ? ENOSYS : EPERM, row.name);
        // Each of its conditions alone refuses.
        for (const { arg, wide, is, mask = 0xffffffff, not } of row.checks) {
          const wrong: (number | bigint)[] = not !== undefined
            ? [...not]
            : [mask === 0x80000000 ? AT_FDCWD : 0x7ead];
          if (is !== undefined && mask !== 0x80000000) {
            wrong.push(
              ...[0, 1, 2, 3, 8, 16, 0x5412, 0x541c, pid + 1].filter((v) => !is.includes((v & mask) >>> 0)),
            );
          }
          if (wide) wrong.push(1n << 32n);
          for (const value of wrong) {
            const args = [...fitting];
            args[arg] = value;
            assertEquals(decide(row.number, ...args), EPERM, `${row.name} ${arg} ${value}`);
          }
        }
      }
      const { number: prctl } = rows.find(({ name }) => name === "prctl")!;
      assertEquals(decide(prctl, QUESTION), answer);
      const known = new Set(rows.map(({ number }) => number));
      for (let number = 0; number < 600; number++) {
        if (!known.has(number)) assertEquals(decide(number), ENOSYS, `${number}`);
      }
      // x32 is the same architecture with a bit set.
      for (const number of [0x40000000, 0x40000000 + 59, 0x40000000 + 520, 0xffffffff]) {
        assertEquals(decide(number), ENOSYS);
      }
      for (const other of [AUDIT_ARCH_I386, 0x40000028]) {
        for (let number = 0; number < 500; number++) assertEquals(run(filter, other, number, []), ENOSYS);
      }
    }
  });
}

test("32-bit arguments are compared by their low half", () => {
  const rows = table({ pid, hasDirs: true, rights: ALL }, "x86_64"), filter = program(rows, answer, "x86_64");
  const decide = (name: string, ...args: bigint[]) =>
    run(filter, AUDIT_ARCH.x86_64, rows.find((row) => row.name === name)!.number, args);
  const high = 0xdeadbeef00000000n;
  assertEquals(decide("kill", high | BigInt(pid), 0n), "permit");
  assertEquals(decide("openat", high | BigInt(AT_FDCWD)), EPERM);
  assertEquals(decide("openat", high | 5n), "permit");
  assertEquals(decide("ioctl", 0n, high | 0x5412n), EPERM);
  assertEquals(decide("ioctl", 0n, high | 0x5401n), "permit");
  assertEquals(decide("sendto", 0n, 0n, 0n, 0n, high), EPERM);
});

test("limits on many descriptors make one program that fits, and a program that is too long is an error", () => {
  const others = { rights: new Rights(["FLOCK"]) }, stdin = { rights: new Rights(presets.stream.stdin) };
  const range = (start: number, end: number, step = 1) =>
    Array.from({ length: Math.ceil((end - start) / step) }, (_, i) => start + i * step);
  const programFor = (fds: readonly number[]) => {
    const limits = [{ ...stdin, fds: [0] }, ...fds.map((fd) => ({ ...others, fds: [fd] }))];
    const rows = table({ pid, hasDirs: true, rights: ALL, limits }, "x86_64");
    const filter = program(rows, answer, "x86_64");
    return (name: string, ...args: (number | bigint)[]) =>
      run(filter, AUDIT_ARCH.x86_64, rows.find((row) => row.name === name)!.number, args);
  };
  // Unordered and with gaps: 11, 20 and 1000 are not limited.
  const fds = [...range(21, 1000), ...range(3, 11).reverse(), ...range(12, 20), ...range(2000, 2100, 2)];
  const decide = programFor(fds);
  for (let fd = 0; fd < 2100; fd++) {
    const isLimited = fds.includes(fd), refused = isLimited ? EPERM : "permit";
    assertEquals(decide("read", fd), refused, `read ${fd}`);
    assertEquals(decide("fchmod", fd), fd === 0 ? EPERM : refused, `fchmod ${fd}`);
    assertEquals(decide("copy_file_range", 1, 0, fd), fd === 0 ? EPERM : refused, `copy_file_range ${fd}`);
    assertEquals(decide("flock", fd), fd === 0 ? EPERM : "permit", `flock ${fd}`);
    assertEquals(decide("fcntl", fd, 1), "permit", `F_GETFD ${fd}`);
    assertEquals(decide("fcntl", fd, 6), fd === 0 ? EPERM : "permit", `F_SETLK ${fd}`);
    assertEquals(decide("fcntl", fd, 3), refused, `F_GETFL ${fd}`);
    assertEquals(decide("fcntl", fd, 0), fd === 0 ? EPERM : refused, `F_DUPFD ${fd}`);
    assertEquals(decide("ioctl", fd, 0x5413), refused, `TIOCGWINSZ ${fd}`);
  }
  for (const fd of [0xffffffff, 0xffffff9c]) assertEquals(decide("read", fd), "permit");
  // It would close a limited descriptor, whose number another file could get.
  assertEquals(decide("close_range", 11, 11), EPERM);
  const [unlimited] = table({ pid, hasDirs: true, rights: ALL }, "x86_64").filter(({ name }) =>
    name === "close_range"
  );
  assertEquals(unlimited?.verdict, "permit");
  for (const count of [100, 300, 1000]) {
    const error = assertThrows(() => programFor(range(3, 3 + 2 * count, 2)), Error, "at most 4096 steps");
    assert(error.message.length <= 300, error.message);
  }
});

test("a limit checks no transfer that the descriptor is not open for, so that the kernel remembers the verdict", () => {
  const checked = (...openFor: ("read" | "write" | undefined)[]) => {
    const streams = [presets.stream.stdin, presets.stream.stdout].map((rights) => new Rights(rights));
    const limits = streams.map((rights, i) => ({ fds: [i], rights, openFor: openFor[i] }));
    const rows = table({ pid, hasDirs: true, rights: ALL, limits }, "x86_64");
    const names = ["read", "pread64", "readv", "write", "pwrite64", "writev", "ftruncate"];
    return names.filter((name) => rows.find((row) => row.name === name)!.verdict !== "permit");
  };
  assertEquals(checked("read", "write"), ["ftruncate"]);
  assertEquals(checked("read"), ["read", "pread64", "readv", "ftruncate"]);
  const all = ["read", "pread64", "readv", "write", "pwrite64", "writev", "ftruncate"];
  assertEquals(checked(undefined, undefined), all);
});

test("with limits, ioctl(2) copies from no other descriptor; without, it does", () => {
  const FICLONE = 0x40049409, FICLONERANGE = 0x4020940d, limits = [{ fds: [7], rights: Rights.NONE }];
  for (const [expected, options] of [["permit", {}], [EPERM, { limits }]] as const) {
    const rows = table({ pid, hasDirs: true, rights: ALL, ...options }, "x86_64");
    const filter = program(rows, answer, "x86_64");
    const { number } = rows.find(({ name }) => name === "ioctl")!;
    for (const request of [FICLONE, FICLONERANGE]) {
      assertEquals(run(filter, AUDIT_ARCH.x86_64, number, [5, request, 7]), expected);
    }
    assertEquals(run(filter, AUDIT_ARCH.x86_64, number, [5, 0x5413]), "permit");
  }
});

test("setsockopt(2) can't change the firewall", () => {
  const rows = table({ pid, hasDirs: true, rights: ALL }, "x86_64"), filter = program(rows, answer, "x86_64");
  const { number } = rows.find(({ name }) => name === "setsockopt")!;
  // linux/netfilter: IPT_SO_SET_REPLACE, IPT_SO_SET_ADD_COUNTERS, ARPT_SO_SET_*, EBT_SO_SET_*, IP_VS_SO_SET_*.
  const options = [64, 65, 66, 67, 96, 97, 98, 99, 128, 129, 1152, 1153, 1167];
  for (const level of [0, 41]) {
    for (const option of options) {
      assertEquals(run(filter, AUDIT_ARCH.x86_64, number, [5, level, option]), EPERM);
    }
    // IP_TTL, IPV6_UNICAST_HOPS and the neighbours of what is refused.
    for (const option of [2, 16, 63, 68, 95, 100]) {
      assertEquals(run(filter, AUDIT_ARCH.x86_64, number, [5, level, option]), "permit");
    }
  }
});

test("only a broker's process sends messages, on its one socket, and connects and listens", () => {
  const descriptors = [{ fds: [9], rights: new Rights(["READ", "WRITE", "EVENT"]) }];
  for (
    const [options, sends, connects] of [[{}, EPERM, EPERM], [{ passing: 9 }, "permit", EPERM], [
      { passing: 9, network: true },
      "permit",
      "permit",
    ]] as const
  ) {
    const rows = table({ pid, hasDirs: true, rights: ALL, limits: descriptors, ...options }, "x86_64");
    const filter = program(rows, answer, "x86_64");
    const decide = (call: string, ...args: number[]) =>
      run(filter, AUDIT_ARCH.x86_64, rows.find(({ name }) => name === call)!.number, args);
    assertEquals([decide("sendmsg", 9), decide("sendmsg", 10), decide("sendmmsg", 9)], [sends, EPERM, EPERM]);
    for (const call of ["connect", "bind", "listen"]) assertEquals(decide(call, 10), connects, call);
    // No other descriptor gets the number of the socket.
    assertEquals([decide("close", 9), decide("dup2", 10, 9), decide("dup3", 10, 9)], [EPERM, EPERM, EPERM]);
  }
});

test("attributes are changed only if an entry has the right, and utimensat(2) never takes a path", () => {
  const calls = { fchmod: "FCHMOD", fchown: "FCHOWN", utimensat: "FUTIMES" } as const;
  for (const rights of [Rights.NONE, ...Object.values(calls).map((right) => new Rights([right]))]) {
    const rows = table({ pid, hasDirs: true, rights }, "x86_64"), filter = program(rows, answer, "x86_64");
    for (const [call, right] of Object.entries(calls)) {
      const { number } = rows.find(({ name }) => name === call)!;
      const expected = rights.has(right) ? "permit" : EPERM;
      assertEquals(run(filter, AUDIT_ARCH.x86_64, number, [5, 0]), expected, `${call} ${rights}`);
      if (call === "utimensat") assertEquals(run(filter, AUDIT_ARCH.x86_64, number, [5, 4096]), EPERM);
    }
  }
});

test("without directories every call with a path is refused", () => {
  for (const arch of archs) {
    const rows = table({ pid, hasDirs: false, rights: ALL }, arch);
    const verdicts = Object.fromEntries(rows.map(({ name, verdict }) => [name, verdict]));
    for (const name of Object.keys(numbers).filter((name) => /at2?$/.test(name) && verdicts[name])) {
      if (["fstat", "lstat", "stat", "newfstatat", "utimensat"].includes(name)) continue;
      assertEquals(verdicts[name], "refuse", name);
    }
    // These take a null pointer alone.
    for (const name of ["newfstatat", "statx", "utimensat"]) {
      assertEquals(rows.find((row) => row.name === name)?.checks, [{ arg: 1, wide: true, is: [0] }]);
    }
  }
});

test("Landlock permits below a directory what the presets say", () => {
  const READ = 1 << 2 | 1 << 3, WRITE = 1 << 1 | 1 << 14, MAKE_REG = 1 << 8, MAKE_DIR = 1 << 7;
  const REMOVE = 1 << 4 | 1 << 5, OTHERS = 1 << 9 | 1 << 10 | 1 << 12, REFER = 1 << 13;
  const access = (names: Parameters<typeof Rights.prototype.union>[0]) => accessFor(new Rights(names));
  assertEquals(access(presets.dir.list), READ);
  assertEquals(access(presets.dir.read), READ);
  assertEquals(access(presets.dir.append), WRITE | MAKE_REG);
  assertEquals(access(presets.dir.create), WRITE | MAKE_REG | MAKE_DIR);
  assertEquals(access(presets.dir.readWrite), READ | WRITE | MAKE_REG | MAKE_DIR | REMOVE | OTHERS | REFER);
  assertEquals(access(["LOOKUP", "FSTAT", "FCHMOD", "FUTIMES"]), 0);
  assertEquals(access(["IOCTL"]), 1 << 15);
  const MAKE = MAKE_REG | MAKE_DIR | OTHERS;
  const alone: [Parameters<typeof access>[0], number][] = [
    [["READ"], READ],
    [["WRITE"], WRITE],
    [["CREATE"], MAKE_REG],
    [["MKDIRAT"], MAKE_DIR],
    [["BINDAT"], 1 << 9],
    [["MKFIFOAT"], 1 << 10],
    [["SYMLINKAT"], 1 << 12],
    [["MKNODAT"], 1 << 6 | 1 << 11],
    [["UNLINKAT"], REMOVE],
    [["RENAMEAT_SOURCE"], REMOVE | REFER],
    [["RENAMEAT_TARGET"], MAKE | REMOVE | REFER],
    [["LINKAT_SOURCE"], REFER],
    [["LINKAT_TARGET"], MAKE | REFER],
  ];
  for (const [rights, expected] of alone) assertEquals(access(rights), expected, String(rights));
  // Nothing executes, and devices are made with MKNODAT alone.
  assertEquals(access(Rights.all()) & 1, 0);
  assertEquals(access(Rights.all().difference(["MKNODAT"])) & (1 << 6 | 1 << 11), 0);
});

/** Arguments that meet all conditions of a row. */
function argumentsFor({ checks }: Row): (number | bigint)[] {
  const args: (number | bigint)[] = [0, 0, 0, 0, 0, 0];
  for (const { arg, is } of checks) if (is !== undefined) args[arg] = is[0]!;
  return args;
}

/** Runs a program as the kernel does: the errno that the call fails with, or "permit". */
function run(
  program: Uint8Array<ArrayBuffer>,
  arch: number,
  number: number,
  args: readonly (number | bigint)[],
): number | "permit" {
  const data = new DataView(new ArrayBuffer(64)), steps = new DataView(program.buffer);
  data.setUint32(0, number, true);
  data.setUint32(4, arch, true);
  for (const [i, value] of args.entries()) {
    data.setBigUint64(16 + 8 * i, BigInt.asUintN(64, BigInt(value)), true);
  }
  let accumulator = 0;
  for (let at = 0;; at++) {
    const code = steps.getUint16(8 * at, true), value = steps.getUint32(8 * at + 4, true);
    const skip = (isTrue: boolean) => at += steps.getUint8(8 * at + (isTrue ? 2 : 3));
    if (code === 0x20) accumulator = data.getUint32(value, true);
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x15) skip(accumulator === value);
    else if (code === 0x35) skip(accumulator >= value);
    else if (code === 0x05) at += value;
    else if (code === 0x06) {
      if (value === 0x7fff0000) return "permit";
      assertEquals(value >>> 16, 5);
      return value & 0xffff;
    } else throw new Error(`unknown step ${code}`);
  }
}
