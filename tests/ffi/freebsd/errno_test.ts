import { assertEquals } from "@std/assert";
import { errnoTable } from "../../../ffi/freebsd/errno.ts";
import { test } from "../../_test.ts";
import table from "../../data/errno.json" with { type: "json" };

test("errnoTable has the name and the message of every errno", () => {
  const aliases = Object.values(table.aliases).flat();
  const wanted = table.errno.filter(({ name }) => !aliases.includes(name))
    .map(({ number, name, text }) => [number, [name, text]]);
  assertEquals<unknown>(errnoTable, Object.fromEntries(wanted));
});
