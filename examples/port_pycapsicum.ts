/**
 * The demo in pycapsicum's README, line for line.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/port_pycapsicum.ts
 *
 * Like the original, it prints the rights of a file before and after a limit. The original opens /tmp for writing, which
 * fails with EISDIR on every system; `opendir()` opens it for reading. A new directory with the file stands for /tmp.
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

  // Open the directory
  const t = p.opendir(`/tmp/${name}`, "rw");

  // Enter the sandbox
  p.enter();

  // An empty set of rights
  const a = p.CapRights();

  // Open a file in the directory by openat(2)
  using x = p.openat(t, "foo", "rw");

  // x has the methods of a Python file
  x.readlines();

  // Read the rights of x into the set
  a.get(x);

  // All rights that this kernel knows
  console.log(a.caps);

  // Another set, with CAP_READ
  const b = p.CapRights(["CAP_READ"]);

  // Limit x to it
  b.limit(x);

  // Read the rights of x again
  a.get(x);

  // Only CAP_READ
  console.log(a.caps);
  libc.close(t);
} finally {
  for (const entry of tmp.listSync(name)) libc.unlinkat(tmp, `${name}/${entry}`, 0);
  libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
}
