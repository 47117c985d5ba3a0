/**
 * Descriptors of connected sockets as sockets of `node:net`, for `node:tls`, `node:http` and packages that take a stream.
 *
 * @module
 */
import type { Socket, SocketConstructorOpts } from "node:net";
import { shown } from "../../ffi/errors.ts";
import { typeOfSocket } from "../../ffi/libc/by_descriptor.ts";
import { aBoolean, checkOptions } from "../../ffi/values.ts";
import { rightsOf } from "../fs/descriptor.ts";
import { FdFile } from "../fs/file.ts";
import { builtin } from "../sandbox/warm_up.ts";
import { streamOver } from "./node_stream.ts";

/** Options of `nodeSocket()`. */
export interface NodeSocketOptions {
  /** Whether the socket stays writable after the peer has ended its side, as in `node:net`. Default: false. */
  allowHalfOpen?: boolean;
}

// The same in FreeBSD's sys/socket.h and Linux.
const SOCK_STREAM = 1;

/**
 * Makes a socket of `node:net` of a connected stream socket, also in a sandbox. It takes the descriptor over: the `FdFile` is
 * closed afterwards, and the socket closes the descriptor once, when it is destroyed.
 *
 * The socket is already connected. Its `connect()` connects to nothing: it emits `"connect"`, whatever its arguments are,
 * because some packages call it on any stream that they get, such as `pg`.
 *
 * In Deno 2.9 it is a `new net.Socket({ fd })`. In Deno 2.7, or if the descriptor lacks one of the rights FCNTL, FSTAT,
 * GETSOCKNAME and GETSOCKOPT, it is a `Duplex` over the `FdFile`, with the other methods and properties of a socket. Its
 * `ref()`, `unref()`, `setNoDelay()` and `setKeepAlive()` have no effect. In Deno 2.9 `node:tls`, `node:http` and `node:https`
 * work over both. Those of Deno 2.7 do not work over a `Duplex`: there this function serves packages that use the socket
 * without TLS.
 *
 * A listening descriptor needs no such function: in Deno 2.9 `server.listen({ fd: listener.take() })` serves it. **Do not use
 * that in Deno 2.7**: there `http.Server` ignores `fd` and listens on a port of its own.
 *
 * Requires `--allow-ffi` permission, and no `--allow-net`.
 *
 * @param file A connected stream socket, with the rights READ, WRITE, EVENT and SHUTDOWN.
 * @param options Whether it may be half open.
 * @returns The socket.
 * @throws {TypeError} If it is not an `FdFile` of a stream socket, or an option is unknown or has the wrong type.
 * @throws {Deno.errors.BadResource} If the file is closed.
 * @throws {Deno.errors.Busy} If an asynchronous call of the file is moving bytes.
 *
 * @example A socket of `node:net` over a connection of a broker
 * ```ts
 * import { broker, nodeSocket } from "jsr:@capsicum/capsicum/broker";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const { port } = server.addr;
 * await using net = await broker({ connect: [`127.0.0.1:${port}`] });
 * const socket = nodeSocket(await net.connect({ hostname: "127.0.0.1", port }));
 * socket.end("hello");
 * const { readable } = await server.accept();
 * assertEquals(await new Response(readable).text(), "hello");
 * socket.destroy();
 * ```
 */
export function nodeSocket(file: FdFile, options: NodeSocketOptions = {}): Socket {
  checkOptions("nodeSocket()", options, { allowHalfOpen: aBoolean });
  if (!(file instanceof FdFile)) {
    throw new TypeError(`nodeSocket(): the argument file must be an FdFile, not ${shown(file)}.`);
  }
  checkSocket(file);
  // Deno does not notice that it may not wait for a descriptor.
  const mayWait = rightsOf(file.fd).has("EVENT"), { allowHalfOpen = false } = options;
  const fd = file.take();
  return connected(mayWait && native(fd, allowHalfOpen) || streamOver(new FdFile(fd), allowHalfOpen));
}

/** Refuses what is not a stream socket, if the rights of the descriptor permit to ask. */
function checkSocket(file: FdFile): void {
  const rights = rightsOf(file.fd);
  const isStream = rights.has("GETSOCKOPT")
    ? typeOfSocket(file.fd) === SOCK_STREAM
    : !rights.has("FSTAT") || file.statSync().isSocket;
  if (!isStream) {
    throw new TypeError(`nodeSocket(): the descriptor ${file.fd} must be a connected stream socket.`);
  }
}

/** A socket of Deno's own over the descriptor; undefined if this version of Deno, or the descriptor's rights, have none. */
function native(fd: number, allowHalfOpen: boolean): Socket | undefined {
  const { Socket } = builtin<{ Socket: new (options: SocketConstructorOpts) => Socket }>("node:net");
  try {
    return new Socket({ fd, allowHalfOpen, readable: true, writable: true });
  } catch {
    return undefined;
  }
}

/** Makes `connect()` report that the socket is connected. */
function connected(socket: Socket): Socket {
  const connect = (...args: unknown[]) => {
    const listener = args.at(-1);
    if (typeof listener === "function") socket.once("connect", listener as () => void);
    queueMicrotask(() => {
      if (socket.destroyed) return;
      socket.emit("connect");
      socket.emit("ready");
    });
    return socket;
  };
  return Object.defineProperty(socket, "connect", { value: connect, writable: true, configurable: true });
}
