import { assertEquals, assertThrows } from "@std/assert";
import { cacheTimezone, warmUp } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { test } from "../../_test.ts";

test("warmUp() does what is chosen, and gives the names", () => {
  assertEquals(warmUp(), ["timezone", "stackTraces"]);
  assertEquals(warmUp({ timezone: false }), ["stackTraces"]);
  assertEquals(warmUp({ timezone: false, stackTraces: false }), []);
  assertThrows(() => warmUp(null as never), TypeError, "null");
  assertThrows(() => warmUp(true as never), TypeError, "true");
});

test("warmUp() needs no permission, and loads certificates where that is chosen", async () => {
  const parts = await inChild(({ warmUp }) => warmUp({ certificates: true }), undefined, { permissions: [] });
  assertEquals(parts, ["timezone", "stackTraces", "certificates"]);
});

test("cacheTimezone() gives the zone of the variable TZ, which Deno goes on using", async () => {
  const zones = await inChild(
    ({ cacheTimezone, isSupported, enter }) => {
      const zone = cacheTimezone();
      if (isSupported()) enter();
      return [zone, Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).getHours()];
    },
    undefined,
    { env: { TZ: "Asia/Tokyo" } },
  );
  assertEquals(zones, ["Asia/Tokyo", "Asia/Tokyo", 9]);
  assertEquals(typeof cacheTimezone(), "string");
});
