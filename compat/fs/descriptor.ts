import { descriptor } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { shown } from "../../ffi/message.ts";
import { limit } from "../../ffi/capsicum/limits.ts";
import type { RightsLike } from "../../rights/rights.ts";

/**
 * An open file descriptor and its owner, which closes it: what `FdFile` and `Dir` have in common.
 *
 * `using` closes it at the end of the scope.
 *
 * @example
 * ```ts
 * import { type Descriptor, isSupported, openDirSync, openSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   using dev = openDirSync("/dev");
 *   const owners: Descriptor[] = [file, dev];
 *   assert(owners.every(({ fd }) => fd > 2));
 * }
 * ```
 */
export abstract class Descriptor implements Disposable, AsyncDisposable {
  #fd: number;

  /** Takes over a descriptor; `fromFd()` checks it first. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * The number of the descriptor.
   *
   * @throws {Deno.errors.BadResource} If it is closed or was taken.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = openSync("/dev/null");
   *   assertEquals(libc.read(file.fd, new Uint8Array(1)), 0);
   * }
   * ```
   */
  get fd(): number {
    if (this.#fd < 0) {
      throw new Deno.errors.BadResource(
        `This ${this.constructor.name} is closed, or its descriptor was taken: open it anew.`,
      );
    }
    return this.#fd;
  }

  /**
   * Limits the descriptor to a set of rights, for good.
   *
   * Stands for cap_rights_limit(2). Requires `--allow-ffi` permission.
   *
   * @param rights The rights that it keeps.
   * @throws {TypeError} If the argument has the wrong type.
   * @throws {RangeError} If a right is unknown.
   * @throws {Deno.errors.BadResource} If it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it does not hold all of the rights.
   * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
   *
   * @example
   * ```ts
   * import { getRights, isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = openSync("/dev/null");
   *   file.limit(["READ"]);
   *   assertEquals(getRights(file).names(), ["READ"]);
   * }
   * ```
   */
  limit(rights: RightsLike): void {
    limit(this, rights);
  }

  /**
   * Gives up the descriptor without closing it.
   *
   * @returns The number of the descriptor, which the caller closes from now on.
   * @throws {Deno.errors.BadResource} If it is closed or was taken already.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   const fd = openSync("/dev/null").take();
   *   assertEquals(libc.close(fd), 0);
   * }
   * ```
   */
  take(): number {
    const fd = this.fd;
    this.#fd = -1;
    return fd;
  }

  /**
   * Closes the descriptor.
   *
   * Stands for close(2). Requires `--allow-ffi` permission.
   *
   * @throws {Deno.errors.BadResource} If it is closed already.
   * @throws {CapsicumError} If the system reports a late write error, such as EIO. The descriptor is closed all the same.
   *
   * @example
   * ```ts
   * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assertThrows } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   const file = openSync("/dev/null");
   *   file.close();
   *   assertThrows(() => file.readAllSync(), Deno.errors.BadResource);
   * }
   * ```
   */
  close(): void {
    libc.close(this.take());
  }

  /** Closes the descriptor if it is open. */
  [Symbol.dispose](): void {
    if (this.#fd >= 0) this.close();
  }

  /** Closes the descriptor if it is open. */
  [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Formats the class and the number, such as `FdFile { fd: 5 }`. */
  [Symbol.for("Deno.customInspect")](): string {
    return `${this.constructor.name} { ${this.#fd < 0 ? "closed" : `fd: ${this.#fd}`} }`;
  }
}

/**
 * Checks the number of an open descriptor, for an object that takes it over.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {Deno.errors.BadResource} If it is not open.
 */
export function openDescriptor(fd: number): number {
  const number = descriptor(fd);
  if (typeof fd !== "number") {
    throw new TypeError(`A descriptor to take over is a number, not ${shown(fd)}, which keeps it.`);
  }
  libc.fcntl(number, libc.F_GETFD);
  return number;
}
