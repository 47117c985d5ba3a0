/**
 * Makes calls of the program fail while answers arrive. What arrives at a time is decided by a peer in this process.
 *
 * @module
 */
import { arm, isArmed, openNow, recorded } from "./_boundary.ts";
import { Broker } from "../../../compat/broker/broker.ts";
import { Channel } from "../../../compat/broker/channel.ts";
import { policyOf } from "../../../compat/broker/policy.ts";
import { encode, type Request, requestOf } from "../../../compat/broker/wire.ts";
import { sendMessage } from "../../../ffi/libc/messages.ts";
import { socketPair } from "../../../ffi/libc/socket_calls.ts";
import { libc } from "../../../mod.ts";
import { allKinds, faultOf, isLost, isRepeated } from "./_expected.ts";
import { findings, growth, hasEnded, outcome, say, within } from "./_findings.ts";
import { content, docs, network, task } from "./_subject.ts";

/** The other end of a broker, in this process, so that a test decides when the broker receives what. */
class Peer implements Disposable {
  readonly #channel: Channel;
  readonly #iterator: AsyncIterator<Request>;
  readonly fd: number;

  constructor(fd: number) {
    this.#channel = new Channel(this.fd = fd, 0);
    this.#iterator = this.#requests();
  }

  /** A broker that is ready. */
  static async started(): Promise<[Broker, Peer]> {
    const [mine, theirs] = socketPair(), peer = new Peer(theirs);
    const child = {
      stderr: new ReadableStream(),
      status: Promise.resolve({ success: true, code: 0, signal: null }),
      ref() {},
      unref() {},
    } as unknown as Deno.ChildProcess;
    const start: Request = { id: 0, call: "start", policy: policyOf("test", network), isConfined: true };
    const starting = Broker.started(new Channel(mine, 1), child, start);
    await peer.answer(await peer.request());
    return [await starting, peer];
  }

  /** The next request. */
  async request(): Promise<Request> {
    return (await within(this.#iterator.next())).value;
  }

  async *#requests(): AsyncGenerator<Request, void> {
    for (let batch; (batch = await this.#channel.receive()) !== undefined;) {
      for (const message of batch.messages) yield requestOf(message);
    }
  }

  /** Answers with a descriptor of the file. */
  async answer({ id }: Request, file?: string): Promise<void> {
    const fds = file === undefined ? [] : [libc.open(file, libc.O_RDONLY | libc.O_CLOEXEC)];
    await this.#channel.send(encode({ id, value: null }), fds);
    for (const fd of fds) libc.close(fd);
  }

  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }
}

/** What a broker receives, and what the program then has. */
interface Scene {
  /** Which calls of this process fail. */
  calls: RegExp;
  /** The result if a call fails with this errno, or none. */
  result(code?: string): string;
  /** @param now From then on a call may fail. */
  play(net: Broker, peer: Peer, now: () => void): Promise<unknown>;
}

const scenes: Record<string, Scene> = {
  "two answers at once": {
    calls: /^recvmsg .*channel.ts/,
    // The first one may be lost, but not the second one.
    result: (code) => {
      if (code === undefined || isRepeated("recvmsg", code) && !isLost("recvmsg", code)) {
        return "inside,other";
      }
      return isRepeated("recvmsg", code) ? "EMFILE,other" : "ended,ended";
    },
    async play(net, peer, now) {
      const opened = [net.open(`${docs}/a`), net.open(`${docs}/b`)];
      const requests = [await peer.request(), await peer.request()];
      now();
      await Promise.all([peer.answer(requests[0]!, `${docs}/a`), peer.answer(requests[1]!, `${docs}/b`)]);
      const texts = await Promise.all(
        opened.map((file) => file.then(content, (error) => error.code ?? "ended")),
      );
      return String(texts);
    },
  },
  "a part of an answer, and the end": {
    calls: /^close .*compat/,
    result: () => "right",
    async play(net, peer, now) {
      const opened = outcome(() => net.open(`${docs}/a`)), { id } = await peer.request();
      const fd = libc.open(`${docs}/a`, libc.O_RDONLY | libc.O_CLOEXEC);
      sendMessage(peer.fd, encode({ id, value: null }).subarray(0, 9), [fd]);
      libc.close(fd);
      peer[Symbol.dispose]();
      now();
      return hasEnded(await opened) ? "right" : "no end";
    },
  },
  "an answer after its abort": {
    calls: /^close .*broker.ts/,
    result: () => "right",
    async play(net, peer, now) {
      const controller = new AbortController(), reason = new Error("enough");
      const connecting = net.connect({ hostname: "127.0.0.1", port: task.port, signal: controller.signal })
        .catch((
          error,
        ) => error);
      const request = await peer.request();
      controller.abort(reason);
      await peer.request();
      // The descriptor is closed as soon as it arrives, and the broker continues.
      const opening = net.open(`${docs}/b`), next = await peer.request();
      now();
      await peer.answer(request, `${docs}/a`);
      await peer.answer(next, `${docs}/b`);
      return await connecting === reason && await content(await opening) === "other" ? "right" : "wrong";
    },
  },
};

/** Plays a scene, notes what is wrong, and returns the call sites. */
async function played(
  title: string,
  { play, result: expected }: Scene,
  site = "",
  code?: string,
): Promise<string[]> {
  findings.what = `${title}: ${code} of ${site}`;
  const fault = code === undefined ? undefined : faultOf(site, code);
  const before = openNow().length, [net, peer] = await Peer.started();
  const { result, error } = await outcome(() =>
    play(net, peer, () => {
      recorded(fault === undefined);
      arm(fault);
    })
  );
  if (fault) findings.here++;
  if (isArmed()) say("did not happen");
  arm(undefined);
  net.close();
  const sites = recorded(false);
  peer[Symbol.dispose]();
  if (result !== expected(code)) say(`${error ?? result}`);
  const more = await growth(() => openNow().length, before);
  if (more > 0) say(`open here: ${more} more`);
  return sites;
}

/** Makes calls fail in each scene. */
export async function failAnswers(): Promise<void> {
  for (const [title, scene] of Object.entries(scenes)) {
    await played(title, scene);
    const sites = (await played(title, scene)).filter((site) => scene.calls.test(site));
    if (sites.length === 0) say("no site");
    for (const site of sites) {
      for (const code of allKinds(site)) await played(title, scene, site, code);
    }
  }
}
