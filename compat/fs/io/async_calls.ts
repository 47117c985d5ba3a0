/**
 * The asynchronous calls of open files. They never block the event loop, never split a message, and always settle.
 *
 * How a call is made depends on the type of the file, and on whether other processes may share the open file
 * description ({@link Origin}):
 *
 * | descriptor | open | read | write |
 * |---|---|---|---|
 * | regular file, directory, block device | here | here if short, else on another thread: it never waits for another process | the same |
 * | FIFO that the library opened | here with O_NONBLOCK; without a reader, a writer tries again | here with O_NONBLOCK, once poll(2) says so: read(2) alone can't tell a FIFO that had no writer yet (0 on Linux) from its end | here with O_NONBLOCK, once poll(2) says so |
 * | pipe or FIFO from elsewhere | - | O_NONBLOCK would change it for other processes. Linux: here, by preadv2(2) or vmsplice(2), which never wait. FreeBSD: on another thread, once poll(2) says so, one at a time for each pipe | a pipe on Linux: here, by pwritev2(2). Else on another thread, once poll(2) says so; a long one only if a thread is left for it, else PIPE_BUF bytes |
 * | stream socket | - | recv(2) here with MSG_DONTWAIT | send(2) here with MSG_DONTWAIT |
 * | datagram, SEQPACKET socket | - | the same: one call is one message | the same: one call is one message; FreeBSD 15 ends a record by MSG_EOR only |
 * | terminal, character device | here with O_NONBLOCK, then cleared | on another thread, as a pipe on FreeBSD | the same |
 * | any that is O_NONBLOCK | here | here, once poll(2) says so | here, once poll(2) says so |
 * | any without FSTAT | - | as a socket; if it is not a socket, as a pipe on FreeBSD | the same |
 *
 * "Here" is the thread of the event loop, which gets its turn after at most a millisecond of such calls. poll(2) needs
 * EVENT; it waits for all descriptors together on at most 4 threads. Without EVENT, sockets and descriptors with
 * O_NONBLOCK are tried again and again; once they are slow, 20 times a second. The same holds for a datagram socket of FreeBSD
 * while its receiver is full (ENOBUFS), which poll(2) does not report. All other calls without EVENT wait on at most 8 threads,
 * and further calls queue.
 *
 * @module
 */
import { closeOf, typeOfSocket } from "../../../ffi/libc/by_descriptor.ts";
import { codeOf } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { eventsWithin, NO_SOCKET, NOT_HERE, POLLIN, POLLNVAL, POLLOUT } from "../../../ffi/libc/bytes.ts";
import { identityOf, mayGetFlags, maySetFlags, rightsOf, statOf } from "../descriptor.ts";
import {
  keepsPace,
  moveBlindly,
  moveReady,
  progress,
  reading,
  serviceOf,
  type Transfer,
  writing,
} from "./transfer.ts";
import { breath, endTurn, inTurn, isFree, pauses, readiness, sleep, type Wait } from "./waiting.ts";

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

/** The result of a call on a socket; undefined if FreeBSD reports that the receiver of a datagram is full. */
function unlessFull(call: () => number | undefined): number | undefined {
  try {
    return call();
  } catch (error) {
    if (codeOf(error) !== "ENOBUFS") throw error;
    return undefined;
  }
}

/** Bytes: a file call of this size takes a fraction of the 50 microseconds that a switch to another thread costs. */
const small = 64 * 1024;
/** The most bytes that a call moves on this thread. */
const mostHere = 256 * 1024;

/**
 * The asynchronous calls of one open file.
 *
 * Calls on a regular file run in the order in which they were made, as for `Deno.FsFile`. If reading and writing are
 * independent of each other, such as for a socket, each direction has its own order. Closing rejects calls that wait
 * for another process. The descriptor is closed once no other call uses it.
 */
export class Calls {
  readonly #file: { readonly fd: number };
  #origin: Origin;
  #subject: Subject | undefined;
  readonly #last = new Map<Transfer["events"], Promise<unknown>>();
  /** The directions for which the kernel has no calls on a pipe that never wait. */
  readonly #refused = new Set<Transfer["events"]>();
  #underWay = 0;
  #idle: (() => void) | undefined;
  readonly #interrupts = new Set<() => void>();
  /** Settles once the descriptor is closed, if closing had to wait for a call on a regular file. */
  closing: Promise<void> | undefined;

  constructor(file: { readonly fd: number }, origin: Origin) {
    this.#file = file;
    this.#origin = origin;
  }

  /** The number of the descriptor; throws once the file is closed. */
  get fd(): number {
    return this.#file.fd;
  }

  /** Whether a call uses the descriptor now. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  /** Whether the descriptor has O_NONBLOCK although the caller did not ask for it. */
  get isHidden(): boolean {
    return this.#origin === "hidden";
  }

  /** Restores the flags that the caller asked for, if the descriptor still permits that. */
  reveal(fd: number): void {
    if (this.#origin === "hidden" && setNonblocking(fd, false)) this.#origin = "own";
  }

  #subjectNow(): Subject {
    if (this.#subject !== undefined) return this.#subject;
    const { fd } = this.#file;
    this.#subject = subjectOf(fd);
    const isOwnFifo = this.#origin === "own" && this.#subject.kind === "fifo";
    if (isOwnFifo && !isNonblocking(fd) && setNonblocking(fd, true)) this.#origin = "hidden";
    return this.#subject;
  }

  /** Runs `work` after all earlier calls of the same queue. */
  async inOrder<T>(events: Transfer["events"], work: () => T | Promise<T>): Promise<T> {
    const queue = this.#subjectNow().kind === "file" ? POLLOUT : events;
    const before = this.#last.get(queue);
    const result = before === undefined ? work() : before.then(work);
    const done = Promise.resolve(result).then(() => {}, () => {});
    this.#last.set(queue, done);
    try {
      return await result;
    } finally {
      if (this.#last.get(queue) === done) this.#last.delete(queue);
    }
  }

  /** Reads or writes once, in the way that fits the descriptor. */
  async move(wanted: Transfer, bytes: Uint8Array): Promise<number> {
    const transfer = serviceOf(this.#file, wanted);
    const { kind } = this.#subjectNow(), { fd } = this.#file;
    if (!(bytes instanceof Uint8Array)) return transfer.here(fd, bytes);
    if (kind !== "file") return await this.#moveWhenReady(transfer, bytes);
    if (bytes.length === 0) return await this.#moveHere(() => transfer.here(fd, bytes));
    if (bytes.length <= small && isFree()) return inTurn(() => transfer.here(fd, bytes));
    return await this.using(async (fd) => {
      endTurn();
      const moved = await transfer.away(fd, bytes);
      return moved === -1 ? inTurn(() => transfer.here(fd, bytes.subarray(0, small))) : moved;
    });
  }

  /** Reads until the buffer is full or the file ends. */
  async fill(bytes: Uint8Array): Promise<number> {
    let used = 0;
    for (let count; (count = await this.move(reading, bytes.subarray(used))) > 0;) used += count;
    return used;
  }

  /** Writes the whole buffer. */
  async drain(bytes: Uint8Array): Promise<void> {
    let used = await this.move(writing, bytes);
    while (used < bytes.length) {
      used += progress(await this.move(writing, bytes.subarray(used)));
    }
  }

  async #moveWhenReady(transfer: Transfer, bytes: Uint8Array): Promise<number> {
    const subject = this.#subjectNow(), { events } = transfer;
    if (transfer.socket === undefined) {
      if (subject.kind === "socket") return transfer.here(this.#file.fd, bytes.subarray(0, 0));
    } else if (subject.kind === "socket" || subject.kind === "unknown") {
      const moved = await this.#moveMessage(transfer.socket, events, bytes, subject);
      if (moved !== NO_SOCKET) return moved;
    }
    // A call with 0 bytes never waits.
    if (bytes.length === 0) return await this.#moveHere(() => transfer.here(this.#file.fd, bytes));
    for (const pause = pauses();;) {
      if (keepsPace(this, transfer, bytes)) {
        const moved = await moveReady(this, transfer, bytes, subject.identity, true);
        if (moved !== undefined) return moved;
      }
      const { fd } = this.#file;
      const isNow = this.#origin === "hidden" || this.#origin === "nonblocking" || isNonblocking(fd);
      if (!isNow && subject.kind === "fifo" && transfer.pipe !== undefined && !this.#refused.has(events)) {
        const moved = await this.#moveHere(() => transfer.pipe!(this.#file.fd, bytes));
        // A FIFO that had no writer yet gives 0 bytes too, and poll(2) does not report that as its end.
        if (moved !== undefined && (moved > 0 || moved === 0 && eventsWithin(0, fd, events) !== 0)) {
          return moved;
        }
        if (moved === NOT_HERE) this.#refused.add(events);
        else await this.until(readiness(fd, events));
        continue;
      }
      const found = eventsWithin(0, fd, events);
      if (found === 0) {
        // A descriptor that is not open for this, or lacks the right, would never become ready.
        if (events === POLLIN || subject.kind === "fifo") transfer.here(fd, new Uint8Array());
        await this.until(readiness(fd, events));
        continue;
      }
      const moved = isNow
        ? await this.#moveHere(() => transfer.now(this.#file.fd, bytes.subarray(0, mostHere)))
        : found & POLLNVAL
        ? await moveBlindly(this, transfer, bytes)
        : await moveReady(this, transfer, bytes, subject.identity, false);
      if (moved !== undefined) return moved;
      await this.until(sleep(pause.next().value));
    }
  }

  /** Reads from or writes to a socket once: the bytes that a stream takes in one call, or one message. */
  async #moveMessage(
    socket: NonNullable<Transfer["socket"]>,
    events: Transfer["events"],
    bytes: Uint8Array,
    { isSequenced }: Subject,
  ): Promise<number> {
    const isRecord = isSequenced && events === POLLOUT;
    let used = 0, wasReady = false;
    for (const pause = pauses();;) {
      const rest = used === 0 ? bytes : bytes.subarray(used);
      const moved = await this.#moveHere(() => unlessFull(() => socket(this.#file.fd, rest, isRecord)));
      if (moved !== undefined) {
        used += moved;
        wasReady = false;
        // FreeBSD 15 may take only a part of a record; the call for the rest ends the record.
        if (!isRecord || moved === NO_SOCKET || used >= bytes.length) return used;
      } else {
        const found = await this.until(readiness(this.#file.fd, events));
        if (found & POLLNVAL || wasReady) await this.until(sleep(pause.next().value));
        wasReady = true;
      }
    }
  }

  /** Makes a call on this thread that does not wait, after the event loop had its turn. */
  async #moveHere<T>(call: () => T): Promise<T> {
    if (!isFree()) {
      endTurn();
      await breath();
    }
    return inTurn(call);
  }

  /** Makes a call that uses the descriptor; the descriptor stays open until the call has ended. */
  async using<T>(call: (fd: number) => Promise<T>): Promise<T> {
    const { fd } = this.#file;
    this.#underWay++;
    try {
      return await call(fd);
    } finally {
      if (--this.#underWay === 0) this.#idle?.();
    }
  }

  /** The same for a call that may wait for another process: closing the file abandons the call. */
  usingAtLength<T>(call: (fd: number) => Promise<T>, done: () => void): Promise<T> {
    return this.until({ promise: this.using(call).finally(done), drop() {} });
  }

  /** Waits, unless the file is closed meanwhile. */
  until<T>({ promise, drop }: Wait<T>): Promise<T> {
    const { promise: result, resolve, reject } = Promise.withResolvers<T>();
    const interrupt = () => {
      drop();
      try {
        // Throws BadResource.
        this.#file.fd;
      } catch (error) {
        reject(error);
      }
    };
    this.#interrupts.add(interrupt);
    promise.then((value) => {
      this.#interrupts.delete(interrupt);
      resolve(value);
    }, (error) => {
      this.#interrupts.delete(interrupt);
      reject(error);
    });
    return result;
  }

  /** Rejects the waiting calls. Called after the file has given up its descriptor. */
  interrupt(): void {
    for (const interrupt of this.#interrupts) interrupt();
    this.#interrupts.clear();
  }

  /** Closes the descriptor that the file has given up, after the last call that uses it. */
  close(fd: number): void {
    this.interrupt();
    if (this.#underWay === 0) {
      closeOf(this.#file, fd);
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    const closed = promise.then(() => void closeOf(this.#file, fd));
    closed.catch(() => {});
    // A call on any other type may wait for another process without end, so close() does not wait for it.
    if (this.#subject?.kind === "file") this.closing = closed;
  }
}
