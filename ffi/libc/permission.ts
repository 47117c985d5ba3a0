import { bound } from "../_bind.ts";
import { abi } from "../system.ts";

/** Whether a function of libc can be called without a prompt and without `NotCapable`; false on other systems. */
export function mayCall(): boolean {
  if (Deno.build.os !== "freebsd" && Deno.build.os !== "linux") return false;
  if (Object.values(bound).some((call) => call !== undefined)) return true;
  const { library, places = [library!] } = abi();
  return places.some((path) =>
    Deno.permissions.querySync(path.startsWith("/") ? { name: "ffi", path } : { name: "ffi" }).state ===
      "granted"
  );
}
