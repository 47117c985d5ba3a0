/**
 * Sends and receives messages and descriptors, in order, between the program and its broker. Never blocks the event loop.
 *
 * @module
 */
import { NO_SOCKET, POLLIN, POLLOUT, receiveNow, sendNow } from "../../ffi/libc/bytes.ts";
import { type Received, receiveMessage, sendMessage } from "../../ffi/libc/messages.ts";
import { codeOf, failure } from "../../ffi/failure.ts";
import { closePassed, Descriptor } from "../fs/descriptor.ts";
import { breath, endTurn, inTurn, isFree, pauses, readiness, sleep } from "../fs/io/waiting.ts";
import { Frames } from "./wire.ts";

/** The messages that one call received, and a descriptor that came with the first byte of one of them. */
export interface Batch {
  readonly messages: Iterable<Uint8Array | undefined>;
  /** Undefined stands for a descriptor that the kernel closed because this process has too many open files. */
  readonly fds: readonly (number | undefined)[];
}

/** Errors of a send to try again later: on Linux, too many descriptors of the user are sent but not received yet. */
const PASSING = ["ETOOMANYREFS", "ENOBUFS", "ENOMEM"];

/** The bytes that one call can receive. */
const ROOM = 64 * 1024;

export class Channel extends Descriptor {
  readonly #most: number;
  readonly #frames = new Frames();
  readonly #room = new Uint8Array(ROOM);
  readonly #interrupts = new Set<() => void>();
  #last: Promise<void> | undefined;
  #queued = 0;

  /**
   * Takes over a socket.
   *
   * @param most The most descriptors to receive with a message. With 0, the kernel closes all that the peer sends.
   */
  constructor(fd: number, most: 0 | 1) {
    super(fd);
    this.#most = most;
  }

  /** The number of messages that are not sent yet. */
  get queued(): number {
    return this.#queued;
  }

  /** Receives the next messages; undefined if the peer has closed its end. */
  async receive(): Promise<Batch | undefined> {
    for (;;) {
      if (!isFree()) {
        endTurn();
        await breath();
      }
      const got = inTurn(() => this.#receiveNow());
      if (got === undefined) await this.#until(POLLIN);
      else if (got.count === 0 && !got.isLost) return undefined;
      else {
        const messages = this.#frames.messages(this.#room.slice(0, got.count));
        return { messages, fds: got.isLost ? [undefined] : got.fds };
      }
    }
  }

  #receiveNow(): Received | undefined {
    try {
      if (this.#most > 0) return receiveMessage(this, this.#room, this.#most);
      // recv(2) discards descriptors.
      const count = this.#ofSocket("recv", receiveNow(this, this.#room));
      return count === undefined ? undefined : { count, fds: [], isLost: false };
    } catch (error) {
      // Linux: the peer has closed its end before it received everything.
      if (error instanceof Deno.errors.ConnectionReset) return { count: 0, fds: [], isLost: false };
      throw error;
    }
  }

  /** Sends a message after all earlier ones. Resolves once the kernel has it; then the caller must close the descriptors. */
  send(bytes: Uint8Array, fds: readonly number[] = []): Promise<void> {
    this.#queued++;
    const sent = this.#last === undefined
      ? this.#sendAll(bytes, fds)
      : this.#last.then(() => this.#sendAll(bytes, fds));
    const done = sent.catch(() => {}).then(() => {
      this.#queued--;
      if (this.#last === done) this.#last = undefined;
    });
    this.#last = done;
    return sent;
  }

  /** Waits until all messages queued so far are sent, or have failed. */
  async drained(): Promise<void> {
    await this.#last;
  }

  async #sendAll(bytes: Uint8Array, fds: readonly number[]): Promise<void> {
    const pause = pauses();
    let used = 0;
    while (used < bytes.length) {
      const rest = bytes.subarray(used), isFirst = used === 0;
      try {
        const sent = isFirst && fds.length > 0
          ? sendMessage(this, rest, fds)
          : this.#ofSocket("send", sendNow(this, rest, false));
        if (sent === undefined) await this.#until(POLLOUT);
        else used += sent;
      } catch (error) {
        if (!PASSING.includes(codeOf(error) ?? "")) throw error;
        await sleep(pause.next().value).promise;
      }
    }
  }

  /** Waits for an event. Rejects if the channel is closed during the wait. */
  #until(event: typeof POLLIN | typeof POLLOUT): Promise<void> {
    const { promise, drop } = readiness(this.fd, event);
    const { promise: result, resolve, reject } = Promise.withResolvers<void>();
    const interrupt = () => {
      drop();
      reject(new Deno.errors.BadResource("The broker is closed."));
    };
    this.#interrupts.add(interrupt);
    promise.then(() => resolve(), reject).finally(() => this.#interrupts.delete(interrupt));
    return result;
  }

  /** The result of a call; throws if the descriptor is not a socket. */
  #ofSocket(syscall: "recv" | "send", count: number | undefined): number | undefined {
    if (count !== NO_SOCKET) return count;
    throw failure({ syscall, fd: this.fd }, "ENOTSOCK", "the channel must be a socket (ENOTSOCK).");
  }

  /** Closes the channel without an error: on FreeBSD close(2) fails if the peer has already ended (ECONNRESET). */
  override close(): void {
    closePassed([this.take()]);
    for (const interrupt of this.#interrupts) interrupt();
  }
}
