import { internal } from "../internal.ts";
import { AF_INET6, errno, type Functions, type Name } from "../symbols.ts";
import * as linux from "./constants.ts";
import { messageFlags, socketType } from "./constants.ts";
import { failure, rawGlibc } from "./glibc.ts";

const { thread, glibc } = rawGlibc();

const family = (number: number): number => number === AF_INET6 ? linux.AF_INET6 : number;

/** The calls on sockets, as the other calls; `struct sockaddr` and `struct msghdr` have the layout of Linux. */
const socketCalls = {
  recv: () => {
    const recv = glibc("recv");
    return (fd, buffer, count, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = recv(fd, buffer, count, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  send: () => {
    const send = glibc("send");
    return (fd, buffer, count, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = send(fd, buffer, count, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  recvmsg: () => {
    const recvmsg = glibc("recvmsg");
    return (fd, message, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = recvmsg(fd, message, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  sendmsg: () => {
    const sendmsg = glibc("sendmsg");
    return (fd, message, flags) => {
      const bits = messageFlags(flags);
      if (bits === -1) return failure(linux.EINVAL);
      const result = sendmsg(fd, message, bits);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  socket: () => {
    const socket = glibc("socket");
    return (domain, type, protocol) => {
      const result = socket(family(domain), socketType(type), protocol);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  socketpair: () => {
    const socketpair = glibc("socketpair");
    return (domain, type, protocol, pair) => {
      const result = socketpair(family(domain), socketType(type), protocol, pair);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  connect: () => {
    const connect = glibc("connect");
    return (fd, address, length) => {
      const result = connect(fd, address, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  bind: () => {
    const bind = glibc("bind");
    return (fd, address, length) => {
      const result = bind(fd, address, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  listen: () => {
    const listen = glibc("listen");
    return (fd, backlog) => {
      const result = listen(fd, backlog);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  accept4: () => {
    const accept4 = glibc("accept4");
    return (fd, address, length, flags) => {
      const result = accept4(fd, address, length, socketType(flags));
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  shutdown: () => {
    const shutdown = glibc("shutdown");
    return (fd, how) => {
      const result = shutdown(fd, how);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
  setsockopt: () => {
    const setsockopt = glibc("setsockopt");
    return (fd, level, name, value, length) => {
      const result = setsockopt(fd, level, name, value, length);
      if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
      return result;
    };
  },
} satisfies { [N in Name]?: () => Functions[N] };

/** For `calls.ts`. */
export const rawSockets = internal({ socketCalls });
