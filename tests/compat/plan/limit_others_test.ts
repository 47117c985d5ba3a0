import { assertEquals } from "@std/assert";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const here = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);

/** Enters, and takes the rights of what `limitOthers()` takes them from: of files, all that Deno itself has open. */
const takeRights = kernel.hasCapsicum
  ? `import { enter, limitOthers } from ${here("mod.ts")};
     limitOthers();
     enter();`
  : `import { openDescriptors } from ${here("mod.ts")};
     import { refuse } from ${here("tests/_capmode_filter.ts")};
     import { takeRights } from ${here("tests/_rights_filter.ts")};
     const files = openDescriptors().filter(({ fd, kind }) => fd > 2 && kind === "file").map(({ fd }) => fd);
     if (files.length === 0) throw new Error("Deno has no file open");
     takeRights(files, true);
     refuse();`;

// Deno asks its caches for each module, for its code, and when it ends.
test("Deno goes on, and ends, where its caches have no right but to be locked", async () => {
  using fixture = new Fixture({
    "main.ts": `${takeRights}
      await new Promise((resolve) => setTimeout(resolve, 10));
      const { default: five } = await import("data:text/javascript,export default 5");
      const { default: six } = await import("data:application/typescript,export default 6 as number");
      const worker = new Worker("data:text/javascript,postMessage(7)", { type: "module" });
      const seven = await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.terminate();
      console.log(five, six, seven);`,
  });
  const { code, stdout, stderr } = await runModule(fixture.at("main.ts"));
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "5 6 7\n", stderr: "" });
}, {
  skip: kernel.simulated
    ? "the stand-in does not see Deno's own calls: Linux is asked, once"
    : Deno.build.os === "linux" && Deno.build.arch !== "x86_64" && "the filter knows the calls of x86_64",
});
