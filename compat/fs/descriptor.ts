import * as libc from "../../ffi/libc.ts";
import { limit } from "../../ffi/limits.ts";
import type { RightsLike } from "../../rights/mod.ts";

/**
 * An open file descriptor with an owner, who closes it: what `FdFile` and `Dir` have in common.
 *
 * `using` closes it at the end of the scope.
 */
export abstract class Descriptor implements Disposable, AsyncDisposable {
  #fd: number;

  /** Takes over a descriptor; `fromFd` checks it first. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * The number of the descriptor.
   *
   * @throws {Deno.errors.BadResource} When it is closed or was taken.
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
   * @throws {TypeError} When the argument has the wrong type.
   * @throws {RangeError} When a right is unknown.
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it does not hold all of the rights.
   * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
   */
  limit(rights: RightsLike): void {
    limit(this, rights);
  }

  /**
   * Gives up the descriptor: its number, which the caller closes from now on.
   *
   * @throws {Deno.errors.BadResource} When it is closed or was taken already.
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
   * @throws {Deno.errors.BadResource} When it is closed already.
   * @throws {CapsicumError} When the system reports a late write error, as EIO. It is closed then too.
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

  /** Shows the class and the number, as `FdFile { fd: 5 }`. */
  [Symbol.for("Deno.customInspect")](): string {
    return `${this.constructor.name} { ${this.#fd < 0 ? "closed" : `fd: ${this.#fd}`} }`;
  }
}

/**
 * The number of a descriptor that is open, for an object that takes it over.
 *
 * @throws {Deno.errors.BadResource} When it is not open.
 */
export function openDescriptor(fd: number): number {
  libc.fcntl(fd, libc.F_GETFD);
  return fd;
}
