/**
 * The main module of the second process. Its argument is the descriptor of the socket on which requests arrive. The process
 * exits when the other end of this socket is closed.
 *
 * @module
 */
import { enter, isSupported, limit } from "../../../ffi/capsicum/capability.ts";
import { withoutPlan } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import {
  bindAll as bindLinux,
  confine,
  missing,
  untilPoolConfined,
} from "../../../ffi/linux/confine/confine.ts";
import { bindAll as bindFreebsd, hasCapsicum } from "../../../ffi/symbols.ts";
import { Rights } from "../../../rights/rights.ts";
import { closePassed } from "../../fs/descriptor.ts";
import { limitOthers, limitsOfOthers, limitStdio } from "../../sandbox/limit_by_need.ts";
import { openDescriptors } from "../../sandbox/open_descriptors.ts";
import { avertPanics } from "../../sandbox/warm_up.ts";
import { Channel } from "../channel.ts";
import { hasNames, hasOnlyFiles, type Policy } from "../policy.ts";
import type { Resolve } from "./resolver.ts";
import { Service, wireError } from "./service.ts";
import { encode, requestOf } from "../wire.ts";

/** The most answers that are not sent yet. While there are more, no further request is received. */
const MOST_QUEUED = 128;

/**
 * Takes over the socket, and closes all other inherited descriptors. A descriptor that is not close-on-exec was inherited,
 * unless it is the device that Deno opens in place of a closed standard stream, or a kqueue, which no child inherits.
 */
function takeOver(channel: number): Channel {
  libc.fcntl(channel, libc.F_SETFD, libc.FD_CLOEXEC);
  for (const { fd, kind, closeOnExec } of openDescriptors()) {
    const isOwn = fd <= 2 || closeOnExec || kind === "character device" || kind === "kqueue";
    if (!isOwn) libc.close(fd);
  }
  return new Channel(channel, 0);
}

/** Starts the service. Loads and binds everything that it needs before the process is confined. */
async function start(policy: Policy, isRequired: boolean, channel: Channel): Promise<Service> {
  const { resolve } = hasNames(policy) ? await import("./resolver.ts") : { resolve: noResolver };
  const send = (answer: Uint8Array, fd: number | undefined) => {
    const fds = fd === undefined ? [] : [fd];
    // An error: the program has ended.
    channel.send(answer, fds).catch(() => Deno.exit(0)).finally(() => closePassed(fds));
  };
  const service = new Service(policy, resolve, send);
  if (hasCapsicum()) bindFreebsd();
  else bindLinux();
  confineTo(service, policy, channel, isRequired);
  for (const name of ["ffi", "run", "read", "write", "env", "sys", "net", "import"] as const) {
    if (name !== "net" || !hasNames(policy)) {
      Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
    }
  }
  return service;
}

const noResolver: Resolve = () => {
  throw new TypeError("The policy has no names.");
};

/**
 * Confines the process as far as the policy permits. On FreeBSD each descriptor is limited, and a policy for files only also
 * permits capability mode. On Linux the process is confined unless the policy has names: looking them up opens files by path.
 *
 * @param isRequired Whether to throw if the system cannot confine the process.
 */
function confineTo(service: Service, policy: Policy, channel: Channel, isRequired: boolean): void {
  const directories = service.directories(), onlyFiles = hasOnlyFiles(policy);
  const channelRights = new Rights(["READ", "WRITE", "EVENT"]);
  const keep = [channel.fd, ...directories.map(({ dir }) => dir.fd)];
  if (isSupported()) {
    limitStdio();
    limit(channel, channelRights);
    for (const { dir, rights } of directories) limit(dir, rights);
    limitOthers({ keep });
    if (onlyFiles) enter();
    return;
  }
  if (!hasCapsicum() && hasNames(policy)) return;
  const lack = hasCapsicum() ? "Capsicum" : missing(directories.length > 0);
  if (lack !== undefined) {
    if (!isRequired) return;
    throw new Deno.errors.NotSupported(
      `broker(): the second process cannot be confined, because this system lacks ${lack}. ` +
        'To start it anyway, pass enforce: "if-supported".',
    );
  }
  avertPanics();
  const others = limitsOfOthers(new Set(keep)).map(({ other, limits }) => ({ fds: [other.fd], ...limits }));
  confine({
    dirs: directories.map(({ dir, rights }) => ({ fd: dir.fd, rights })),
    rights: directories.reduce((all, { rights }) => all.union(rights), Rights.NONE),
    descriptors: [{ fds: [channel.fd], rights: channelRights }, ...others],
    passing: channel.fd,
    network: !onlyFiles,
  });
}

/**
 * Serves until the program closes its end, and then exits.
 *
 * @param args The number of the socket.
 */
export async function main([number]: string[]): Promise<void> {
  withoutPlan();
  const channel = takeOver(Number(number));
  // A terminal also sends these signals to the program, which may ignore them and still need its broker.
  for (const signal of ["SIGINT", "SIGHUP", "SIGQUIT"] as const) Deno.addSignalListener(signal, () => {});
  let service: Service | undefined;
  try {
    for (let batch; (batch = await channel.receive()) !== undefined;) {
      for (const message of batch.messages) {
        if (service === undefined) service = await answerFirst(message, channel);
        else service.handle(message);
        if (channel.queued > MOST_QUEUED) await channel.drained();
      }
    }
  } catch (error) {
    // The program reads the error output only during the start.
    if (service === undefined) throw error;
    Deno.exit(1);
  }
  Deno.exit(0);
}

async function answerFirst(message: Uint8Array | undefined, channel: Channel): Promise<Service> {
  try {
    const request = requestOf(message);
    if (request.call !== "start") throw new TypeError("The first request must be the policy.");
    const service = await start(request.policy, request.isConfined, channel);
    await untilPoolConfined();
    await channel.send(encode({ id: request.id, value: null }));
    return service;
  } catch (error) {
    await channel.send(encode({ id: 0, error: wireError(error) }));
    Deno.exit(1);
  }
}

if (import.meta.main) await main(Deno.args);
