import { getRights, limit, openSync, Rights } from "../../mod.ts";
import { measure, report } from "./_bench.ts";

const { symbols: bare } = Deno.dlopen("/lib/libc.so.7", {
  cap_rights_limit: { parameters: ["i32", "buffer"], result: "i32" },
  __cap_rights_get: { parameters: ["i32", "i32", "buffer"], result: "i32" },
});

using file = openSync(new URL(import.meta.url));
const { fd } = file;
const rights = new Rights(["READ", "SEEK", "FSTAT"]);
const buffer = rights.toBytes();
limit(fd, rights);

const ns = measure({
  bareLimit: (times) => {
    for (let i = 0; i < times; i++) if (bare.cap_rights_limit(fd, buffer) !== 0) throw new Error("it failed");
  },
  limit: (times) => {
    for (let i = 0; i < times; i++) limit(fd, rights);
  },
  limitByNames: (times) => {
    for (let i = 0; i < times; i++) limit(fd, ["READ", "SEEK", "FSTAT"]);
  },
  bareGet: (times) => {
    for (let i = 0; i < times; i++) {
      if (bare.__cap_rights_get(0, fd, buffer) !== 0) throw new Error("it failed");
    }
  },
  getRights: (times) => {
    let size = 0;
    for (let i = 0; i < times; i++) size += Number(getRights(fd) !== rights);
    return size;
  },
});
const limitPeer = "the bare call of cap_rights_limit";
report("limit() with a constant Rights", ns.limit, limitPeer, ns.bareLimit, "ns", { ratio: 3 });
report("limit() with three names", ns.limitByNames, limitPeer, ns.bareLimit, "ns", {
  most: ns.bareLimit + 1000,
});
report("getRights()", ns.getRights, "the bare call of __cap_rights_get", ns.bareGet, "ns", { ratio: 3 });
