/**
 * The second process of a broker, which is started by root and runs as nobody. It loads everything before: nobody may lack the
 * permission to read it.
 *
 * @module
 */
import "../../../compat/broker/child/resolver.ts";
import { main } from "../../../compat/broker/child/child.ts";
import { kernel } from "../../_kernel.ts";
import { dropRoot } from "../../_unprivileged.ts";
import { seesItself } from "../../escapes/_linux.ts";

dropRoot();
if (!kernel.hasCapsicum || kernel.simulated) seesItself();
await main(Deno.args);
