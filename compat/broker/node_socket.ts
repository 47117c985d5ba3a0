/**
 * Makes `node:net` sockets from connected descriptors, for `node:tls`, `node:http` and packages that accept a stream.
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
 * Makes a `node:net` socket from a connected stream socket, also in a sandbox. The new socket owns the descriptor, and closes it
 * when it is destroyed. The `FdFile` counts as closed.
 *
 * The new socket is already connected. Its `connect()` only emits `"connect"` and ignores its arguments, because some packages,
 * such as `pg`, call `connect()` on every stream.
 *
 * In Deno 2.9 the result is a `new net.Socket({ fd })`. In Deno 2.7, or if the descriptor lacks EVENT, FCNTL, FSTAT, GETSOCKNAME
 * or GETSOCKOPT, the result is a `Duplex` with the methods and properties of a socket. The `ref()`, `unref()`, `setNoDelay()`
 * and `setKeepAlive()` of this `Duplex` have no effect. In Deno 2.9, `node:tls`, `node:http` and `node:https` work over both
 * kinds of socket. In Deno 2.7 they do not, so use this function there only for packages that use the socket without TLS.
 *
 * A listening descriptor does not need this function: in Deno 2.9, use `server.listen({ fd: listener.take() })`. **Do not use
 * this in Deno 2.7**: `http.Server` ignores `fd` there and listens on another port.
 *
 * Requires `--allow-ffi` permission, and no `--allow-net`.
 *
 * @param file A connected stream socket, with the rights READ, WRITE, EVENT and SHUTDOWN.
 * @param options Whether the socket may be half open.
 * @returns The socket.
 * @throws {TypeError} If `file` is not an `FdFile` of a stream socket, or an option is unknown or has the wrong type.
 * @throws {Deno.errors.BadResource} If `file` is closed.
 * @throws {Deno.errors.Busy} If an asynchronous read or write of `file` is under way.
 *
 * @example A `node:net` socket over a connection from a broker
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
  // Deno's own socket hangs if the descriptor lacks EVENT.
  const mayWait = rightsOf(file.fd).has("EVENT"), { allowHalfOpen = false } = options;
  const fd = file.take();
  return connected(mayWait && native(fd, allowHalfOpen) || streamOver(new FdFile(fd), allowHalfOpen));
}

/** Throws unless the descriptor is a stream socket, as far as its rights permit the check. */
function checkSocket(file: FdFile): void {
  const rights = rightsOf(file.fd);
  const isStream = rights.has("GETSOCKOPT")
    ? typeOfSocket(file.fd) === SOCK_STREAM
    : !rights.has("FSTAT") || file.statSync().isSocket;
  if (!isStream) {
    throw new TypeError(`nodeSocket(): the descriptor ${file.fd} must be a connected stream socket.`);
  }
}

/** Deno's own socket over the descriptor; undefined if this version of Deno or the descriptor's rights do not permit it. */
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
