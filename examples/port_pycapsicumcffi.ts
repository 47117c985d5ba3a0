/**
 * The demo of pycapsicumcffi's README, line for line.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/port_pycapsicumcffi.ts
 *
 * It prints what each value of the demo is. Python's opens /tmp for writing, which no system lets it (EISDIR); and it
 * needs two files there. Here a directory of its own stands for /tmp, opened to read, with the files in it.
 */
import cap from "../compat/python/pycapsicumcffi.ts";
import { Ioctl, isSupported, libc, openDirSync } from "../mod.ts";

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

  // Deno has no open() and listdir() that take the descriptor of a directory, on which a sandboxed program lives.
  const { open, listdir } = cap.compat33;

  // A descriptor of the directory
  const t = open(`/tmp/${name}`, libc.O_RDONLY);

  // Into the sandbox
  cap.enter();

  // A set of rights, with none in it
  let a = new cap.Rights();
  console.log("a:", a);

  // open() with dir_fd is openat(2); fdopen() makes a file of Python's of what it gives
  const x = open("foo", libc.O_RDWR, { dir_fd: t });
  using y = cap.fdopen(x, "r+");

  // openat() does both
  using z = cap.openat(t, "bar", libc.O_RDWR);

  // y reads text, z bytes
  console.log("y:", y.readlines());
  console.log("z:", z.readlines().map((line) => new TextDecoder().decode(line)));

  // The rights of the descriptor x, and of the file y, which is the same
  a = new cap.Rights(x);
  const b = new cap.Rights(y);
  console.log("a:", a);
  console.log("b is a:", b.equals(a));

  // A set of the right READ alone
  const c = new cap.Rights([cap.READ]);
  console.log("c:", c);

  // The same, which is there already
  const d = cap.right.READ;
  console.log("d is c:", d.equals(c));

  // x is limited to c
  cap.limit(x, c);
  console.log("x:", new cap.Rights(x));

  // Ioctls and Fcntls go as Rights do
  cap.ioctls_limit(z, new cap.Ioctls([Ioctl.FIONREAD]));
  cap.fcntls_limit(z, new cap.Fcntls([cap.fcntl.GETFL]));
  console.log("z:", new cap.Ioctls(z), new cap.Fcntls(z));
  console.log("t:", listdir(t).sort());
  libc.close(t);
} finally {
  for (const entry of tmp.listSync(name)) libc.unlinkat(tmp, `${name}/${entry}`, 0);
  libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
}
