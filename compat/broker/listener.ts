/**
 * A listening socket that also accepts connections in a sandbox.
 *
 * @module
 */
import { POLLIN, POLLNVAL } from "../../ffi/libc/bytes.ts";
import { acceptNow } from "../../ffi/libc/socket_calls.ts";
import { nameOfSocket } from "../../ffi/libc/by_descriptor.ts";
import { FdFile } from "../fs/file.ts";
import { pauses, readiness, sleep } from "../fs/io/waiting.ts";

/**
 * A listening socket from `Broker.listen()`, with the methods of `Deno.Listener`. It has O_NONBLOCK.
 *
 * Requires `--allow-ffi` permission. An accepted connection has the rights of the listener, as with accept(2).
 *
 * @example
 * ```ts ignore
 * using listener = await net.listen({ hostname: "127.0.0.1", port: 8080 });
 * for await (const connection of listener) serve(connection);
 * ```
 */
export class FdListener extends FdFile implements AsyncIterable<FdFile> {
  readonly #waiting = new Set<() => void>();

  /**
   * Waits for a connection and accepts it. Stands for accept4(2). Needs ACCEPT and EVENT.
   *
   * @returns The connection.
   * @throws {Deno.errors.BadResource} If the listener is closed, or is closed during the wait.
   * @throws {CapsicumError} ENOTCAPABLE if a right is missing; EMFILE if the process has too many open files.
   */
  async accept(): Promise<FdFile> {
    for (const pause = pauses();;) {
      const accepted = acceptNow(this);
      if (accepted !== undefined) return new FdFile(accepted);
      // Without EVENT, poll(2) cannot wait: retry with pauses.
      if (await this.#until(POLLIN) & POLLNVAL) await sleep(pause.next().value).promise;
    }
  }

  /** The address at which it listens. Stands for getsockname(2). Needs GETSOCKNAME. */
  get addr(): Deno.NetAddr {
    const name = nameOfSocket(this.fd);
    if (name?.family !== "inet") {
      throw new Deno.errors.BadResource(
        "The address of the listener is unknown: the descriptor lacks GETSOCKNAME.",
      );
    }
    const { hostname, port } = name;
    const canonical = hostname.includes(":")
      ? new URL(`http://[${hostname}]`).hostname.slice(1, -1)
      : hostname;
    return { transport: "tcp", hostname: canonical, port };
  }

  /** Accepts connections until the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<FdFile, void, undefined> {
    for (;;) {
      let connection: FdFile;
      try {
        connection = await this.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        throw error;
      }
      yield connection;
    }
  }

  /** Releases the descriptor without closing it. A pending `accept()` rejects. */
  override take(): number {
    const fd = super.take();
    this.#interrupt();
    return fd;
  }

  /** Closes the listener. A pending `accept()` rejects. */
  override close(): void {
    super.close();
    this.#interrupt();
  }

  #until(events: typeof POLLIN): Promise<number> {
    const { promise, drop } = readiness(this.fd, events);
    const { promise: result, resolve, reject } = Promise.withResolvers<number>();
    const interrupt = () => {
      drop();
      reject(new Deno.errors.BadResource("The listener is closed."));
    };
    this.#waiting.add(interrupt);
    promise.then(resolve, reject).finally(() => this.#waiting.delete(interrupt));
    return result;
  }

  #interrupt(): void {
    for (const interrupt of this.#waiting) interrupt();
  }
}
