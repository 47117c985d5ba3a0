import { assertEquals } from "@std/assert";
import { freebsdErrno } from "../../../ffi/errno.ts";
import { test } from "../../_test.ts";
import table from "../../data/errno.json" with { type: "json" };

test("freebsdErrno() has the name and the message of every errno", () => {
  const aliases = Object.values(table.aliases).flat();
  const wanted = table.errno.filter(({ name }) => !aliases.includes(name))
    .map(({ number, name, text }) => [number, [name, text]]);
  assertEquals<unknown>(freebsdErrno(), Object.fromEntries(wanted));
});
