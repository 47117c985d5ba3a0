/**
 * The demo of pycapsicum's README, line for line.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/port_pycapsicum.ts
 *
 * It prints what Python's does: the rights of a file before and after. Python's opens /tmp for writing, which no system
 * lets it (EISDIR): `opendir()` here opens it to read. A directory of its own stands for /tmp, with the file in it.
 */
import * as p from "../compat/python/pycapsicum.ts";
import { isSupported, libc, openDirSync } from "../mod.ts";

if (!isSupported()) {
  console.error(
    `There is no Capsicum on ${Deno.build.os}: run it on FreeBSD, or "deno task demo port_pycapsicum" on Linux.`,
  );
  Deno.exit(1);
}

using tmp = openDirSync("/tmp");
const name = `capsicum-demo-${crypto.randomUUID()}`;
libc.mkdirat(tmp, name, 0o700);
try {
  tmp.writeTextFileSync(`${name}/foo`, "foo\n");

  // A descriptor of the directory
  const t = p.opendir(`/tmp/${name}`, "rw");

  // Into the sandbox
  p.enter();

  // A set of rights, with none in it
  const a = p.CapRights();

  // A file in the directory, by openat(2)
  using x = p.openat(t, "foo", "rw");

  // x is a file as Python has it
  x.readlines();

  // The rights of x go into the set
  a.get(x);

  // All that this kernel knows
  console.log(a.caps);

  // Another set, of CAP_READ
  const b = p.CapRights(["CAP_READ"]);

  // x is limited to it
  b.limit(x);

  // The rights of x once more
  a.get(x);

  // CAP_READ is left
  console.log(a.caps);
  libc.close(t);
} finally {
  for (const entry of tmp.listSync(name)) libc.unlinkat(tmp, `${name}/${entry}`, 0);
  libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
}
