/**
 * Makes a `Duplex` of `node:stream` over a connected socket, with the members of a `node:net` socket that packages use. It is
 * used where Deno cannot make a socket from a descriptor.
 *
 * @module
 */
import type { AddressInfo, Socket } from "node:net";
import type { Duplex, DuplexOptions } from "node:stream";
import type { SyscallError } from "../../ffi/errors.ts";
import { SHUT_WR, shutDown } from "../../ffi/libc/socket_calls.ts";
import { nameOfPeer, nameOfSocket, type SocketName } from "../../ffi/libc/by_descriptor.ts";
import type { FdFile } from "../fs/file.ts";
import { builtin } from "../sandbox/warm_up.ts";

/** The bytes of one read. */
const chunk = 64 * 1024;

/** Makes a stream over a socket. Destroying the stream closes the file. */
export function streamOver(file: FdFile, allowHalfOpen: boolean): Socket {
  const idle = new IdleTimer(), counts = { bytesRead: 0, bytesWritten: 0 }, bytes = new Uint8Array(chunk);
  const { Duplex: Stream } = builtin<{ Duplex: new (options: DuplexOptions) => Duplex }>("node:stream");
  const stream: Duplex = new Stream({
    allowHalfOpen,
    read() {
      file.read(bytes).then((count) => {
        idle.restart();
        counts.bytesRead += count ?? 0;
        stream.push(count === null ? null : bytes.slice(0, count));
      }, (error) => stream.destroy(error));
    },
    write(given: Uint8Array, _encoding, done) {
      file.writeAll(given).then(() => {
        idle.restart();
        counts.bytesWritten += given.length;
        done();
      }, done);
    },
    final(done) {
      try {
        shutDown(file, SHUT_WR);
      } catch (error) {
        // The peer has ended the connection.
        if ((error as SyscallError).code !== "ENOTCONN") return done(error as Error);
      }
      done();
    },
    destroy(error, done) {
      idle.stop();
      file[Symbol.dispose]();
      done(error);
    },
  });
  const members = Object.getOwnPropertyDescriptors(membersOf(file, stream as Socket, idle, counts));
  return Object.defineProperties(stream as Socket, members);
}

/** The members that a socket has in addition to those of a `Duplex`. */
function membersOf(
  { fd }: FdFile,
  socket: Socket,
  idle: IdleTimer,
  counts: Pick<Socket, "bytesRead" | "bytesWritten">,
): Partial<Socket> {
  const local = addressOf(nameOfSocket(fd)), remote = addressOf(nameOfPeer(fd));
  const named = (prefix: string, { address, port, family }: Partial<AddressInfo>): Partial<Socket> => ({
    [`${prefix}Address`]: address,
    [`${prefix}Port`]: port,
    [`${prefix}Family`]: family,
  });
  return {
    ...named("local", local),
    ...named("remote", remote),
    connecting: false,
    pending: false,
    autoSelectFamilyAttemptedAddresses: [],
    address: () => local,
    get bytesRead() {
      return counts.bytesRead;
    },
    get bytesWritten() {
      return counts.bytesWritten;
    },
    get bufferSize() {
      return socket.writableLength;
    },
    get timeout() {
      return idle.milliseconds as number;
    },
    get readyState() {
      const { readable, writable } = socket;
      return readable ? writable ? "open" : "readOnly" : writable ? "writeOnly" : "closed";
    },
    setTimeout(milliseconds: number, listener?: () => void) {
      if (listener && milliseconds > 0) socket.once("timeout", listener);
      else if (listener) socket.off("timeout", listener);
      idle.start(milliseconds, () => socket.emit("timeout"));
      return socket;
    },
    destroySoon() {
      if (socket.writable) socket.end();
      if (socket.writableFinished) socket.destroy();
      else socket.once("finish", () => socket.destroy());
    },
    resetAndDestroy: () => socket.destroy(),
    setNoDelay: () => socket,
    setKeepAlive: () => socket,
    ref: () => socket,
    unref: () => socket,
  };
}

function addressOf(name: SocketName | undefined): Partial<AddressInfo> {
  if (name?.family !== "inet") return {};
  const { hostname, port } = name, isIPv6 = hostname.includes(":");
  // URL gives an IPv6 address in its short form.
  const address = isIPv6 ? new URL(`http://[${hostname}]`).hostname.slice(1, -1) : hostname;
  return { address, port, family: isIPv6 ? "IPv6" : "IPv4" };
}

/** Reports if nothing was read or written for a given time. Does not keep the program running. */
class IdleTimer {
  milliseconds: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #report = () => {};

  start(milliseconds: number, report: () => void): void {
    this.milliseconds = milliseconds > 0 ? milliseconds : undefined;
    this.#report = report;
    this.restart();
  }

  restart(): void {
    clearTimeout(this.#timer);
    if (this.milliseconds === undefined) return;
    const timer = setTimeout(this.#report, this.milliseconds);
    Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.milliseconds = undefined;
  }
}
