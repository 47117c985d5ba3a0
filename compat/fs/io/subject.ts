import * as libc from "../../../ffi/libc/mod.ts";
import { typeOfSocket } from "../../../ffi/libc/sockaddr.ts";
import { mayGetFlags, maySetFlags, rightsOf } from "../metadata/held.ts";
import { identityOf, statOf } from "../metadata/stat.ts";

// The same in FreeBSD's sys/socket.h and Linux.
const SOCK_SEQPACKET = 5;

/**
 * Where a descriptor comes from. This decides whether other processes may share its open file description:
 *
 * - "elsewhere": it may be shared with other processes, so O_NONBLOCK is never changed;
 * - "own": the library opened it, so a FIFO can be O_NONBLOCK while it is used asynchronously;
 * - "hidden": the library opened it with O_NONBLOCK, which the caller did not ask for and must not notice;
 * - "nonblocking": the caller asked for O_NONBLOCK.
 */
export type Origin = "elsewhere" | "own" | "hidden" | "nonblocking";

/** The facts about a descriptor that asynchronous calls need; they do not change while it is open. */
export interface Subject {
  readonly kind: "file" | "fifo" | "socket" | "device" | "unknown";
  /** Equal for all descriptors of one pipe or terminal, and for all descriptors without FSTAT. */
  readonly identity: string;
  /** Whether each write to the socket is a record of its own. */
  readonly isSequenced: boolean;
}

/** Finds out the type of the file behind a descriptor. */
export function subjectOf(fd: number): Subject {
  const rights = rightsOf(fd);
  if (!rights.has("FSTAT")) {
    return { kind: isRegular(fd) ? "file" : "unknown", identity: "", isSequenced: isSequencedSocket(fd) };
  }
  const { isFile, isDirectory, isBlockDevice, isFifo, isSocket } = statOf(fd);
  if (isFile || isDirectory || isBlockDevice) return { kind: "file", identity: "", isSequenced: false };
  return {
    kind: isFifo ? "fifo" : isSocket ? "socket" : "device",
    identity: identityOf(fd),
    isSequenced: isSocket === true && isSequencedSocket(fd),
  };
}

function isSequencedSocket(fd: number): boolean {
  return rightsOf(fd).has("GETSOCKOPT") && typeOfSocket(fd) === SOCK_SEQPACKET;
}

/** Needs no right: only a regular file has a read-ahead, which this sets to its default. */
function isRegular(fd: number): boolean {
  try {
    libc.fcntl(fd, libc.F_READAHEAD, -1);
    return true;
  } catch {
    return false;
  }
}

/** Whether the descriptor has O_NONBLOCK; false if a right to ask for that is missing. */
export function isNonblocking(fd: number): boolean {
  return mayGetFlags(fd) && (libc.fcntl(fd, libc.F_GETFL) & libc.O_NONBLOCK) !== 0;
}

/** Sets or clears O_NONBLOCK; returns false if FCNTL or one of its commands is missing. */
export function setNonblocking(fd: number, on: boolean): boolean {
  if (!mayGetFlags(fd) || !maySetFlags(fd)) return false;
  const flags = libc.fcntl(fd, libc.F_GETFL);
  libc.fcntl(fd, libc.F_SETFL, on ? flags | libc.O_NONBLOCK : flags & ~libc.O_NONBLOCK);
  return true;
}
