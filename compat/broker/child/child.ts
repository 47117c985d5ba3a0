/**
 * The program of the second process. Its argument is the number of the socket by which the program asks. It ends when the
 * other end is closed, for any reason.
 *
 * @module
 */
import { enter, isSupported, limit } from "../../../ffi/capsicum/capability.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { openFiles } from "../../../ffi/libc/process.ts";
import { bindAll as bindLinux, confine, missing } from "../../../ffi/linux/confine/confine.ts";
import { bindAll as bindFreebsd, hasCapsicum } from "../../../ffi/symbols.ts";
import { Rights } from "../../../rights/rights.ts";
import { limitOthers, limitsOfOthers, limitStdio } from "../../sandbox/limit_by_need.ts";
import { fileOf, unlessClosed } from "../../sandbox/open_descriptors.ts";
import { avertPanics } from "../../sandbox/warm_up.ts";
import { Channel } from "../channel.ts";
import { hasNames, hasOnlyFiles, type Policy } from "../policy.ts";
import type { Resolve } from "./resolver.ts";
import { Service, wireError } from "./service.ts";
import { encode, requestOf } from "../wire.ts";

/** The most answers that wait for the program to receive. Until then no further request is received. */
const MOST_QUEUED = 128;

/**
 * Takes the socket over, and closes what else was inherited: descriptors that are not close-on-exec. Those of Deno itself are,
 * but for the device that it opens in place of a closed standard stream.
 */
function takeOver(channel: number): Channel {
  libc.fcntl(channel, libc.F_SETFD, libc.FD_CLOEXEC);
  for (const { fd } of openFiles()) {
    const isInherited = fd > 2 && unlessClosed(() => libc.fcntl(fd, libc.F_GETFD)) === 0;
    if (isInherited && fileOf(fd)?.info.isCharDevice !== true) libc.close(fd);
  }
  return new Channel(channel, 0);
}

/** Starts to serve. Everything that is needed later is loaded and bound before the process is confined. */
async function start(policy: Policy, isRequired: boolean, channel: Channel): Promise<Service> {
  const { resolve } = hasNames(policy) ? await import("./resolver.ts") : { resolve: noResolver };
  const send = (answer: Uint8Array, fd: number | undefined) => {
    // Without the program there is nothing to do.
    channel.send(answer, fd === undefined ? [] : [fd]).catch(() => Deno.exit(0)).finally(() => {
      if (fd !== undefined) libc.close(fd);
    });
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
  throw new TypeError("The policy has no name.");
};

/**
 * Confines the process as far as the policy permits. On FreeBSD nothing that is open keeps more rights than it needs, and with
 * files alone no name is needed any more. On Linux the network may stay: only the lookup of names opens files by their paths.
 *
 * @param isRequired Whether to throw if the system can't do that.
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
      `broker(): its process can't be confined, because this system lacks ${lack}. ` +
        'To use it even so, pass enforce: "if-supported".',
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

async function main([number]: string[]): Promise<void> {
  const channel = takeOver(Number(number));
  // A terminal sends these to the program too, which may go on.
  for (const signal of ["SIGINT", "SIGHUP", "SIGQUIT"] as const) Deno.addSignalListener(signal, () => {});
  let service: Service | undefined;
  for (let batch; (batch = await channel.receive()) !== undefined;) {
    for (const message of batch.messages) {
      if (service === undefined) service = await answerFirst(message, channel);
      else service.handle(message);
      if (channel.queued > MOST_QUEUED) await channel.drained();
    }
  }
  Deno.exit(0);
}

async function answerFirst(message: Uint8Array | undefined, channel: Channel): Promise<Service> {
  try {
    const request = requestOf(message);
    if (request.call !== "start") throw new TypeError("The first request must be the policy.");
    const service = await start(request.policy, request.isConfined, channel);
    await channel.send(encode({ id: request.id, value: null }));
    return service;
  } catch (error) {
    await channel.send(encode({ id: 0, error: wireError(error) }));
    Deno.exit(1);
  }
}

if (import.meta.main) await main(Deno.args);
