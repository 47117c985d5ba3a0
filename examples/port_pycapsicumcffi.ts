/**
 * The demo of pycapsicumcffi's README, line for line.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/port_pycapsicumcffi.ts
 *
 * As Python's it prints nothing. Python's opens /tmp for writing, which no system lets it (EISDIR), and needs two files
 * there: here a directory of its own stands for /tmp, opened to read, with the files in it.
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

  // Deno has no open() and listdir() that take the descriptor of a directory, on which a sandboxed program lives:
  // this module has them.
  const { open, listdir } = cap.compat33;

  // A descriptor of the directory
  const t = open(`/tmp/${name}`, libc.O_RDONLY);

  // Into the sandbox
  cap.enter();

  // A set of rights, with none in it
  let a = cap.Rights();

  // open() with dir_fd is openat(2)
  const x = open("foo", libc.O_RDWR, { dir_fd: t });
  // and fdopen() makes a file of Python's of what it gives
  using y = cap.fdopen(x, "r+");

  // openat() does both
  using z = cap.openat(t, "bar", libc.O_RDWR);

  // y and z are files as Python has them
  y.readlines();
  z.readlines();

  // The rights of the descriptor x
  a = cap.Rights(x);
  // or of the file y, which is the same
  const b = cap.Rights(y);

  // A set of the right READ alone
  const c = cap.Rights([cap.READ]);

  // The same, which is there already
  const d = cap.right.READ;

  // x is limited to c
  cap.limit(x, c);

  // Ioctls() and ioctls_limit(), Fcntls() and fcntls_limit() go as Rights() and limit() do.
  if (!a.equals(b) || c !== d || listdir(t).length !== 2) throw new Error("The demo went wrong.");
  libc.close(t);
} finally {
  for (const entry of tmp.listSync(name)) libc.unlinkat(tmp, `${name}/${entry}`, 0);
  libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
}
