/** Makes connected descriptors that the library has no call for, on each kernel: pipes, sockets, terminals. */
import { places } from "../ffi/linux/glibc.ts";
import { FdFile } from "../mod.ts";

const isNative = Deno.build.os === "linux";
const glibc = places[Deno.build.arch]?.find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});
const { symbols } = Deno.dlopen(isNative ? glibc! : "/lib/libc.so.7", {
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
});
const pipeFlags = isNative ? 0o2000000 : 0x100000, socketFlags = isNative ? 0o2000000 : 0x10000000;

function both(make: (fds: Int32Array<ArrayBuffer>) => number): [FdFile, FdFile] {
  const fds = new Int32Array(2);
  if (make(fds) === -1) throw new Error("the descriptors can't be made");
  return [FdFile.fromFd(fds[0]!), FdFile.fromFd(fds[1]!)];
}

/** The ends of a pipe, to read from and to write to. */
export function pipe(): [reader: FdFile, writer: FdFile] {
  return both((fds) => symbols.pipe2(fds, pipeFlags));
}

/** The types of sockets, by their numbers of both systems. */
export const types = { stream: 1, datagram: 2, seqpacket: 5 } as const;

/** Two connected sockets (AF_UNIX). */
export function socketPair(type: keyof typeof types): [FdFile, FdFile] {
  return both((fds) => symbols.socketpair(1, types[type] | socketFlags, 0, fds));
}

/** Gives a socket the smallest receive buffer. On Linux, a local socket still takes longer messages. */
export function shrink(socket: FdFile): void {
  const SOL_SOCKET = 1, SO_RCVBUF = 8;
  const { setsockopt } = Deno.dlopen(glibc!, {
    setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  }).symbols;
  if (setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, new Int32Array(1), 4) === -1) {
    throw new Error("setsockopt(2) failed");
  }
}

/** The reason why there is no terminal; false if there is one. */
export const needsTerminal: string | false = glibc ? false : "needs Linux: only glibc has openpty() in libc";

/** A terminal and the side that controls it. */
export function terminal(): [terminal: FdFile, controller: FdFile] {
  const { openpty } = Deno.dlopen(glibc!, {
    openpty: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  }).symbols;
  const controller = new Int32Array(1);
  return both((fds) => {
    const result = openpty(controller, fds, null, null, null);
    fds[1] = controller[0]!;
    return result;
  });
}

/** The reason why there is no IPv6; false if its loopback address can be used. */
export function needsIPv6(): string | false {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return false;
  } catch {
    return "needs a kernel with IPv6, and its loopback address";
  }
}
