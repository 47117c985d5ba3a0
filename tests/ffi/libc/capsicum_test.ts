import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CapsicumError, Ioctl, libc, openSync, Rights } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const all = Rights.all(kernel.osreldate);
const requests = (...values: bigint[]) => new Uint8Array(BigUint64Array.from(values).buffer);

test("cap_enter() returns 0, after which cap_getmode() writes 1 and cap_sandboxed() is true", async () => {
  const answers = await inChild(({ libc }) => {
    const mode = () => {
      const modep = new Uint8Array(8).fill(0xff);
      return [libc.cap_getmode(modep), ...modep, libc.cap_sandboxed()];
    };
    return [mode(), libc.cap_enter(), mode()];
  });
  assertEquals(answers, [[0, 0, 0, 0, 0, 255, 255, 255, 255, false], 0, [
    0,
    1,
    0,
    0,
    0,
    255,
    255,
    255,
    255,
    true,
  ]]);
});

test("cap_rights_get() writes the 16 bytes of a cap_rights_t, as __cap_rights_get() of version 0", () => {
  using file = openSync("/dev/null");
  const a = new Uint8Array(16), b = new Uint8Array(16);
  assertEquals([libc.cap_rights_get(file, a), libc.__cap_rights_get(0, file, b)], [0, 0]);
  assertEquals([a, b], [all.toBytes(), all.toBytes()]);
  const error = assertThrows(() => libc.__cap_rights_get(1, file, a), CapsicumError);
  assertEquals([error.code, error.fd], ["EINVAL", file.fd]);
});

test("cap_rights_limit() accepts names, a Rights, and the bytes of a cap_rights_t", () => {
  using file = openSync("/dev/null");
  const sets = [
    ["READ", "WRITE", "FSTAT"] as const,
    new Rights(["READ", "FSTAT"]),
    new Rights(["READ"]).toBytes(),
  ];
  const left = sets.map((rights) => {
    assertEquals(libc.cap_rights_limit(file, rights), 0);
    const bytes = new Uint8Array(16);
    libc.cap_rights_get(file, bytes);
    return Rights.fromBytes(bytes).names();
  });
  assertEquals(left, [["READ", "WRITE", "FSTAT"], ["READ", "FSTAT"], ["READ"]]);
});

test("cap_rights_limit() throws EINVAL for bytes that are not a cap_rights_t, and changes nothing", () => {
  using file = openSync("/dev/null");
  const unknown = new BigUint64Array([0x0300000000000000n, 0x0400000000000000n]);
  for (const bytes of [new Uint8Array(16), new Uint8Array(16).fill(0xff), new Uint8Array(unknown.buffer)]) {
    const error = assertThrows(() => libc.cap_rights_limit(file, bytes), CapsicumError);
    assertEquals([error.code, error.syscall, error.fd], ["EINVAL", "cap_rights_limit", file.fd]);
    assertStringIncludes(error.message, "not a cap_rights_t");
  }
  const bytes = new Uint8Array(16);
  libc.cap_rights_get(file, bytes);
  assertEquals(bytes, all.toBytes());
  assertThrows(() => libc.cap_rights_limit(file, new Uint8Array(15)), RangeError, "16 bytes, not of 15");
});

test("cap_ioctls_limit() uses the first ncmds requests, and accepts null for none", () => {
  using file = openSync("/dev/null");
  const get = () => {
    const cmds = new BigUint64Array(4);
    return [libc.cap_ioctls_get(file, new Uint8Array(cmds.buffer), 4), ...cmds];
  };
  const { FIONREAD, FIONBIO, FIODTYPE } = Ioctl;
  assertEquals(libc.cap_ioctls_limit(file, requests(FIONREAD, FIONBIO, FIODTYPE, 1n), 3), 0);
  assertEquals(get(), [3, FIONREAD, FIONBIO, FIODTYPE, 0n]);
  assertEquals(libc.cap_ioctls_limit(file, requests(FIONBIO), 1), 0);
  assertEquals(get(), [1, FIONBIO, 0n, 0n, 0n]);
  assertEquals(libc.cap_ioctls_limit(file, null, 0), 0);
  assertEquals(get(), [0, 0n, 0n, 0n, 0n]);
});

test("cap_ioctls_get() returns the full count for any buffer size, and CAP_IOCTLS_ALL for all", () => {
  using file = openSync("/dev/null");
  const buffer = requests(0n, 0n);
  assertEquals(libc.cap_ioctls_get(file, buffer, 2), libc.CAP_IOCTLS_ALL);
  assertEquals(buffer, requests(0n, 0n));
  libc.cap_ioctls_limit(file, requests(5n, 6n, 7n), 3);
  assertEquals([libc.cap_ioctls_get(file, buffer, 1), buffer], [3, requests(5n, 0n)]);
  assertEquals([libc.cap_ioctls_get(file, null, 0), libc.cap_ioctls_get(file, buffer, 2), buffer], [
    3,
    3,
    requests(5n, 6n),
  ]);
});

test("cap_fcntls_limit() and cap_fcntls_get() set and write a mask", () => {
  using file = openSync("/dev/null");
  const buffer = new Uint8Array(5).fill(0xff);
  assertEquals([libc.cap_fcntls_get(file, buffer), ...buffer], [0, 0x78, 0, 0, 0, 0xff]);
  const { CAP_FCNTL_GETFL, CAP_FCNTL_SETOWN } = libc;
  assertEquals(libc.cap_fcntls_limit(file, CAP_FCNTL_GETFL | CAP_FCNTL_SETOWN), 0);
  assertEquals([libc.cap_fcntls_get(file, buffer), buffer[0]], [0, 0x48]);
  assertEquals(libc.cap_fcntls_limit(file, 0), 0);
  assertEquals([libc.cap_fcntls_get(file, buffer), buffer[0]], [0, 0]);
});

test("every cap_*() call throws BadResource for a descriptor that is not open", () => {
  const fd = 4000, buffer = new Uint8Array(16);
  const calls = [
    () => libc.cap_rights_limit(fd, ["READ"]),
    () => libc.cap_rights_get(fd, buffer),
    () => libc.cap_ioctls_limit(fd, null, 0),
    () => libc.cap_ioctls_get(fd, null, 0),
    () => libc.cap_fcntls_limit(fd, 8),
    () => libc.cap_fcntls_get(fd, buffer),
  ];
  for (const call of calls) {
    const error = assertThrows(call, Deno.errors.BadResource, "EBADF");
    assertEquals((error as { fd?: number }).fd, fd, String(call));
  }
});
