/**
 * The demo in pycapsicumcffi's README, line for line.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/port_pycapsicumcffi.ts
 *
 * Like the original, it prints nothing. The original opens /tmp for writing, which fails with EISDIR on every system, and
 * needs two files there. Here a new directory with these files stands for /tmp, and it is opened for reading.
 */
import * as cap from "../compat/python/pycapsicumcffi.ts";
import { isSupported, libc, openDirSync } from "../mod.ts";

if (!isSupported()) {
  console.error(
    `There is no Capsicum on ${Deno.build.os}: run it on FreeBSD, or "deno task demo port_pycapsicumcffi" on Linux.`,
  );
  Deno.exit(1);
}

using tmp = openDirSync("/tmp");
const name = `capsicum-demo-${crypto.randomUUID()}`;
libc.mkdirat(tmp, name, 0o700);
try {
  for (const file of ["foo", "bar"]) {
    tmp.writeTextFileSync(`${name}/${file}`, `${file}, first\n${file}, second\n`);
  }

  // A sandboxed program opens files by the descriptor of a directory. Deno has no open() and listdir() that take one, so
  // this module has them.
  const { open, listdir } = cap.compat33;

  // Open the directory
  const t = open(`/tmp/${name}`, libc.O_RDONLY);

  // Enter the sandbox
  cap.enter();

  // An empty set of rights
  let a = cap.Rights();

  // open() with dir_fd is openat(2)
  const x = open("foo", libc.O_RDWR, { dir_fd: t });
  // fdopen() makes a Python file of the descriptor
  using y = cap.fdopen(x, "r+");

  // openat() does both at once
  using z = cap.openat(t, "bar", libc.O_RDWR);

  // y and z have the methods of a Python file
  y.readlines();
  z.readlines();

  // The rights of the descriptor x
  a = cap.Rights(x);
  // The rights of the file y, which are the same
  const b = cap.Rights(y);

  // A set with only READ
  const c = cap.Rights([cap.READ]);

  // The predefined set with only READ
  const d = cap.right.READ;

  // Limit x to c
  cap.limit(x, c);

  // Ioctls() and ioctls_limit(), Fcntls() and fcntls_limit() work like Rights() and limit().
  if (!a.equals(b) || c !== d || listdir(t).length !== 2) throw new Error("The demo went wrong.");
  libc.close(t);
} finally {
  for (const entry of tmp.listSync(name)) libc.unlinkat(tmp, `${name}/${entry}`, 0);
  libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
}
