import { assertEquals } from "@std/assert";
import { Channel } from "../../../compat/broker/channel.ts";
import { socketPair } from "../../../ffi/libc/socket_calls.ts";
import { libc } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

test(
  "send() waits while too many descriptors are in flight, and sends the rest once they are received",
  async () => {
    const at = (path: string) => new URL(`../../../${path}`, import.meta.url).href;
    const modules = {
      channel: at("compat/broker/channel.ts"),
      sockets: at("ffi/libc/socket_calls.ts"),
      messages: at("ffi/libc/messages.ts"),
      unprivileged: at("tests/_unprivileged.ts"),
    };
    const found = await inChild(
      async ({ libc }, modules) => {
        const { Channel } = await import(modules.channel);
        const { receiveMessage, sendMessage } = await import(modules.messages);
        const { socketPair } = await import(modules.sockets);
        const { dropRoot } = await import(modules.unprivileged);
        dropRoot();
        const [one, other] = socketPair(), sender = new Channel(one, 1), room = new Uint8Array(1);
        let count = 0, code: string | undefined;
        while (code === undefined) {
          try {
            sendMessage(one, new Uint8Array(1), [one]);
            count++;
          } catch (error) {
            code = (error as { code?: string }).code;
          }
        }
        const sent = sender.send(new Uint8Array(1), [one]);
        const first = await Promise.race([sent.then(() => "sent"), Promise.resolve().then(() => "waits")]);
        const receive = () => {
          for (const fd of receiveMessage(other, room, 1)!.fds) libc.close(fd);
        };
        while (count-- > 0) receive();
        await sent;
        receive();
        return [code, first];
      },
      modules,
      { shell: 'ulimit -n 60; exec "$@"' },
    );
    assertEquals(found, ["ETOOMANYREFS", "waits"]);
  },
  { skip: (kernel.simulated || kernel.hasCapsicum) && "only Linux limits the descriptors in flight" },
);

test("receive() ends when the peer closes its end before it has received everything", async () => {
  for (const most of [0, 1] as const) {
    const [one, other] = socketPair();
    using channel = new Channel(one, most);
    await channel.send(new Uint8Array([1, 0, 0, 0, 65]));
    libc.close(other);
    assertEquals(await channel.receive(), undefined);
  }
});
