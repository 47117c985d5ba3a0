/**
 * The faults of a call site, and what the library does after them.
 *
 * @module
 */
import { errnoTable } from "../../../ffi/errno.ts";
import { kernel } from "../../_kernel.ts";
import { errnos, isWhole, meaningful } from "../_errnos.ts";
import type { Fault } from "./_boundary.ts";

/** The number of each errno on this system. */
export const numbers = new Map(
  Object.entries(errnoTable()).map(([number, [name]]) => [name, Math.abs(Number(number))]),
);
/** On Linux these stand for an EXDEV and an EPERM of some calls. */
const ofFreebsd = ["ENOTCAPABLE", "ECAPMODE"];
const tested = new Set<string>();
let turn = 0;

/** Whether the kernel drops a descriptor for lack of a number. */
export function isLost(site: string, code: string): boolean {
  return code === "cut" || kernel.hasCapsicum && /^recvmsg/.test(site) && code === "EMSGSIZE";
}

/** Whether the library tries a call again after this, or only one request fails. */
export function isRepeated(site: string, code: string): boolean {
  // On FreeBSD the kernel cuts only what has too many descriptors.
  if (isLost(site, code)) return code !== "cut" || !kernel.hasCapsicum;
  return ["EINTR", "EAGAIN", "short"].includes(code) ||
    /^send/.test(site) && ["ENOBUFS", "ENOMEM", "ETOOMANYREFS"].includes(code);
}

/** Whether a call may be missing in a request: it depends on the time, or is for the request before. */
export function isOccasional(site: string): boolean {
  return /^poll |async_calls|^close .*child.ts/.test(site);
}

/** Whether a site sends or receives messages between the two processes. */
export function isChannel(site: string): boolean {
  return /^(send|recv|sendmsg|recvmsg) .*broker\/channel.ts/.test(site);
}

/**
 * The ways in which the call of a site fails: the next one of its list and all after which it is repeated, or all.
 *
 * @param isStart Whether each fault needs a new process. Then there is one.
 */
export function kindsFor(site: string, isStart = false): string[] {
  const kinds = allKinds(site), next = kinds[turn++ % kinds.length]!;
  if (isWhole) return kinds;
  // The library itself handles this one, because a file need not be a socket.
  const isHandled = (kind: string) =>
    isRepeated(site, kind) || /^(send|recv) /.test(site) && kind === "ENOTSOCK";
  return [next, ...kinds.filter((kind) => !isStart && kind !== next && isHandled(kind))];
}

/** All ways in which the call of a site fails. */
export function allKinds(site: string): string[] {
  const call = site.split(" ")[0]!, list = errnos[call];
  if (list === undefined) throw new Error(`tests/faults/_errnos.ts has no errnos of ${call}`);
  return [
    ...list.filter((code) => numbers.has(code) && (kernel.hasCapsicum || !ofFreebsd.includes(code))),
    ...(/^(send|recv)/.test(call) ? ["short"] : []),
    ...(call === "recvmsg" ? ["cut"] : []),
  ];
}

export function faultOf(site: string, code: string): Fault {
  return { site, kind: code === "short" || code === "cut" ? code : numbers.get(code)! };
}

/** Whether a site was not tested yet, or is to be tested by each operation. */
export function isNew(site: string): boolean {
  const isFirst = !tested.has(site);
  tested.add(site);
  return isFirst || isWhole;
}

/** Failures that change nothing: a pattern for the site, the errnos (default: all), and the reason. */
const silent: readonly (readonly [site: RegExp, codes: readonly string[] | undefined, why: string])[] = [
  [/^poll /, undefined, "It is repeated."],
  [/^close /, undefined, "Nothing was written to a descriptor that is closed on the way."],
  [/socketOption@|nameOfSocket@|nameOfPeer@/, undefined, "What they say is then unknown."],
  [/^accept4 /, ["ECONNABORTED"], "Another connection is awaited."],
  [/^connect /, ["EINPROGRESS"], "poll(2) then reports the connection."],
  [/^shutdown /, ["ENOTCONN"], "The peer has ended the connection."],
  [/heldRights@/, undefined, "Details of another error."],
  [/isConfined@compat.*resolve/, undefined, "The library then resolves paths itself."],
  [/unlessClosed@|descriptorFlags@/, ["EBADF"], "It counts as closed."],
  [/fileOf@/, undefined, "It counts as no device."],
  [/numbersIn@|^sysctl /, undefined, "Without the list of descriptors, all numbers are tried."],
  [/^isatty /, ["ENOTTY"], "It is not a terminal."],
  [/^(cap_ioctls_get|lseek) /, undefined, "A second call, which does not fail, reads errno."],
  [/unlessMissing@/, undefined, "The kind of a file is checked again once it is open."],
  [/canReadProc@/, undefined, "Deno does not look for /proc then, and may end later."],
  [/hasFilters@/, ["EFAULT"], "The filter is null: this errno says that there are filters."],
  [/mechanism@/, undefined, "No filter of the library has answered."],
  [/^statx .*statOpen@/, ["EFAULT"], "Linux before 6.11 gets the attributes of a descriptor in another way."],
  [/^(send|recv) .*async_calls.ts/, ["ENOTSOCK"], "It is read and written as another kind of file."],
];

/** Calls that limit a descriptor or confine the process. */
const limiting = /^(cap_(rights|ioctls|fcntls)_limit|cap_enter|seccomp|landlock_restrict_self(_async)?) /;

/** Whether a failure may change nothing. */
export function mayBeSilent(site: string, code: string): boolean {
  const isHarmless = isRepeated(site, code) || isLost(site, code) || meaningful.includes(code);
  return isHarmless && !limiting.test(site) ||
    silent.some(([pattern, codes]) => pattern.test(site) && (codes === undefined || codes.includes(code)));
}
