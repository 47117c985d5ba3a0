/**
 * Shared by the tests of the broker: a Deno executable that uses the same kernel, and the second process without a `Broker`.
 *
 * @module
 */
import { startProcess } from "../../../compat/broker/broker.ts";
import type { Channel } from "../../../compat/broker/channel.ts";
import { type BrokerRules, policyOf } from "../../../compat/broker/policy.ts";
import { type Answer, answerOf, encode, type Request } from "../../../compat/broker/wire.ts";
import { nameOfPeer } from "../../../ffi/libc/by_descriptor.ts";
import { FdFile, getRights, libc, presets } from "../../../mod.ts";
import { isChecked, libcPath } from "../../_child.ts";
import type { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";

/**
 * A Deno for `denoPath`: with the stand-in or a check it is a script that adds the flags of the tests.
 *
 * @param main A module in this folder that takes the place of the main module of the second process.
 */
export function kernelDeno(
  fixture: Fixture,
  main?: "_nobody_child.ts" | "_kqueue_child.ts" | "_surplus_child.ts",
): string {
  const flags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]");
  const isPreloaded = flags.some((flag) => flag.startsWith("--preload="));
  if (!isPreloaded && main === undefined) return Deno.execPath();
  const words = (...more: string[]) =>
    [Deno.execPath(), "run", ...more, ...flags].map((word) => `'${word}'`).join(" ");
  // The last argument is the number of the socket.
  const text = main === undefined
    ? `#!/bin/sh\nshift\nexec ${words(`--allow-ffi=${libcPath}`)} "$@"\n`
    : `#!/bin/sh\nfor socket; do :; done\nexec ${words("-A", "--quiet")} '${new URL(
      main,
      import.meta.url,
    )}' "$socket"\n`;
  fixture.add({ deno: { text, mode: 0o755 } });
  return fixture.at("deno");
}

/** Limits the queue of a listening socket to one connection: further ones wait. */
export function shortenQueue(fd: number): void {
  const library = Deno.dlopen(libcPath, { listen: { parameters: ["i32", "i32"], result: "i32" } });
  if (library.symbols.listen(fd, 0) !== 0) throw new Error("listen() failed");
  library.close();
}

/** The line of proc_pid_status(5) on seccomp(2): "2" if the process has a filter. */
export function seccompOf(pid: number): string | undefined {
  return /^Seccomp:\s*(\d)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
}

/** The reason why the descriptors of other processes can't be listed; false if they can. */
export const noProc: string | false = Deno.build.os === "linux" || kernel.simulated
  ? false
  : "needs Linux, where /proc lists the descriptors of other processes";

/** The descriptors that another process has open, as /proc names what is behind each; none without /proc. */
export function descriptorsOf(pid: number): string[] {
  if (noProc) return [];
  const directory = `/proc/${pid}/fd`;
  return [...Deno.readDirSync(directory)].flatMap(({ name }) => {
    try {
      const place = Deno.readLinkSync(`${directory}/${name}`);
      // What the self-check opens.
      return isChecked && /^\/proc\/\d+\/fd$|\/capsicum-check-/.test(place) ? [] : [place];
    } catch (error) {
      // Closed since it was listed.
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }).sort();
}

/** The second process, as hostile code uses it: send bytes, receive answers and descriptors. */
export class RawBroker implements AsyncDisposable {
  readonly channel: Channel;
  readonly child: Deno.ChildProcess;
  readonly #iterator: AsyncIterator<{ answer: Answer; fds: readonly (number | undefined)[] }>;

  constructor(rules: BrokerRules, deno: string) {
    [this.channel, this.child] = startProcess(policyOf("test", rules), deno);
    this.#iterator = this.#answers();
  }

  static async started(rules: BrokerRules, deno: string): Promise<RawBroker> {
    const raw = new RawBroker(rules, deno);
    const { answer } = await raw.ask({
      id: 0,
      call: "start",
      policy: policyOf("test", rules),
      isConfined: true,
    });
    if ("error" in answer) throw new Error(answer.error.message);
    return raw;
  }

  /** The next answer, and the descriptors that arrived with its bytes. */
  async next(): Promise<{ answer: Answer; fds: readonly (number | undefined)[] }> {
    const { value, done } = await this.#iterator.next();
    if (done) throw new Error("the broker's process has ended");
    return value;
  }

  async ask(request: Request): Promise<{ answer: Answer; fds: readonly (number | undefined)[] }> {
    await this.channel.send(encode(request));
    return await this.next();
  }

  async *#answers() {
    for (let batch; (batch = await this.channel.receive()) !== undefined;) {
      let { fds } = batch;
      for (const message of batch.messages) {
        yield { answer: answerOf(message), fds };
        fds = [];
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channel[Symbol.dispose]();
    if (!this.child.stderr.locked) await this.child.stderr.cancel();
    await this.child.status;
  }
}

/**
 * Checks a descriptor that came from the second process, which reads "inside" in the files of a policy and writes to files in
 * "out". Closes it, and returns what is wrong with it.
 *
 * @param ports Those that it may be connected to.
 */
export function wrongWithDescriptor(
  fd: number,
  top: string,
  ports: readonly number[] = [],
): string | undefined {
  using file = FdFile.fromFd(fd);
  const { isFile, isSocket, dev, ino } = file.statSync();
  if ((libc.fcntl(fd, libc.F_GETFD) & libc.FD_CLOEXEC) === 0) return "a descriptor is not close-on-exec";
  if (isSocket) {
    const peer = nameOfPeer(fd);
    return peer?.family !== "inet" || ports.includes(peer.port)
      ? undefined
      : `a descriptor is connected to port ${peer.port}`;
  }
  if (!isFile) return "a descriptor is neither a file nor a socket";
  const { hasCapsicum } = kernel, rights = hasCapsicum ? getRights(fd) : undefined;
  if (rights?.isSubsetOf([...presets.file.readWrite, "FSTAT"]) === false) return `a descriptor has ${rights}`;
  const mayWrite = rights?.has("WRITE") ??
    (libc.fcntl(fd, libc.F_GETFL) & libc.O_ACCMODE) !== libc.O_RDONLY;
  if (mayWrite) {
    // FreeBSD does not know the paths of new files.
    const isInside = [...Deno.readDirSync(`${top}/out`)].some(({ name }) => {
      const one = Deno.lstatSync(`${top}/out/${name}`);
      return one.ino === ino && one.dev === dev;
    });
    return isInside ? undefined : "a file outside is opened for writing";
  }
  const text = new TextDecoder().decode(file.readAllSync());
  return text === "inside" ? undefined : `a file with ${JSON.stringify(text.slice(0, 40))} is opened`;
}
