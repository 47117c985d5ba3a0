/**
 * In place of the second process of a broker: answers each request. From the third message on, each of the first two bytes of an
 * answer has a descriptor, and only one of them is due.
 *
 * @module
 */
import { Channel } from "../../../compat/broker/channel.ts";
import { encode, requestOf } from "../../../compat/broker/wire.ts";
import { libc } from "../../../mod.ts";

const channel = new Channel(Number(Deno.args[0]), 0), fd = libc.open("/dev/null", libc.O_RDONLY);
let messages = 0;
for (let batch; (batch = await channel.receive()) !== undefined;) {
  for (const message of batch.messages) {
    const answer = encode({ id: requestOf(message).id, value: null }), isSurplus = ++messages > 2;
    await channel.send(answer.subarray(0, 1), messages > 1 ? [fd] : []);
    await channel.send(answer.subarray(1, 2), isSurplus ? [fd] : []);
    await channel.send(answer.subarray(2));
  }
}
