/**
 * The directories of a tree that something goes through, of which a bounded number is open.
 *
 * A tree may have more levels than a process may have descriptors. So a directory that is not in use may be closed for a
 * while, and is opened again when it is asked for: by single names from the nearest one above that is still open, never
 * through a symlink and never by "..". Device and inode number then show whether it is the same directory.
 *
 * `new Levels(fd, path, told)` takes over the descriptor of the top. `enter()` opens a directory in a level, `leave()`
 * closes one that is not needed any more, `level.next()` lists it entry by entry. `level.fd` is valid until another level
 * is used: any of them may close it, so it is asked for before each call. `naming()` makes a call on a level, and lets its
 * error name the path from the directory that the caller gave. A level that is another directory now throws ESTALE.
 *
 * @module
 */
import { failure, retell } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { closePassed } from "../_close.ts";
import { rightsOf } from "../metadata/held.ts";
import { LISTING, readTypedChunk } from "./list.ts";
import { type Entry, Listing } from "./_listing.ts";
import { joined } from "../path/components.ts";
import { identityOf } from "../metadata/stat.ts";

/** How many directories of a tree are open at most, the top included. */
const MOST = 16;
/** A directory is listed to its end before it is closed for a while, so what is opened again is only passed. */
const AGAIN = libc.O_PATH | libc.O_DIRECTORY | libc.O_NOFOLLOW | libc.O_CLOEXEC;

/** A directory on the way. */
export class Level {
  readonly #levels: Levels;
  /** The level that it was opened in; undefined at the top. */
  readonly above: Level | undefined;
  /** Its name there. */
  readonly name: string;
  /** The path by which errors name it. */
  readonly path: string;
  readonly depth: number;
  /** Its descriptor while it is open; others ask for `fd`. */
  held: number | undefined;
  /** Whether it could not be opened again. */
  isLost = false;
  readonly #listing: Listing | undefined;
  #identity: string | undefined;

  constructor(
    levels: Levels,
    above: Level | undefined,
    name: string,
    path: string,
    fd: number,
    isListed: boolean,
  ) {
    this.#levels = levels;
    this.above = above;
    this.name = name;
    this.path = path;
    this.depth = above === undefined ? 0 : above.depth + 1;
    this.held = fd;
    this.#listing = isListed ? new Listing(() => levels.naming(this, readTypedChunk)) : undefined;
  }

  /** Its descriptor, opened again if necessary. */
  get fd(): number {
    return this.held ?? this.#levels.openAgain(this);
  }

  /** Device and inode number, which needs FSTAT. */
  get identity(): string {
    return this.#identity ??= identityOf(this.fd);
  }

  /** Its next entry; undefined at the end, and of what was not opened to be listed. */
  next(): Entry | undefined {
    return this.#listing?.next();
  }

  /** Notes all that is needed of it, before it is closed for a while. */
  suspend(): void {
    this.#identity ??= identityOf(this.fd);
    this.#listing?.readRest();
  }
}

export class Levels implements Disposable {
  readonly top: Level;
  /** The descriptor that the caller gave. */
  readonly told: number;
  readonly #open = new Set<Level>();
  /** Whether a directory can be told from another, for which it takes FSTAT: else none is closed for a while. */
  #isBounded: boolean | undefined;

  /**
   * @param fd The descriptor of the top, which is closed in the end.
   * @param path The path of the top, as the caller gave it.
   * @param told The descriptor that the path is relative to.
   */
  constructor(fd: number, path: string, told: number) {
    this.told = told;
    this.top = new Level(this, undefined, "", path, fd, true);
    this.#open.add(this.top);
  }

  /** Opens a directory in a level; a symlink is none. */
  enter(above: Level, name: string, path: string = joined(above.path, name), flags: number = LISTING): Level {
    const fd = this.naming(above, (fd) => libc.openat(fd, name, flags | libc.O_NOFOLLOW), path);
    return this.#add(new Level(this, above, name, path, fd, (flags & libc.O_PATH) === 0));
  }

  /** Takes over the descriptor of a directory in a level, which is only passed. */
  pass(above: Level, name: string, fd: number): Level {
    return this.#add(new Level(this, above, name, joined(above.path, name), fd, false));
  }

  /** Closes a level, if it is not the top. Nothing that was opened in it may be used any more. */
  leave(level: Level): void {
    if (level.held === undefined || level === this.top) return;
    this.#close(level);
  }

  /**
   * Makes a call on a level, whose error then names the path from the directory that the caller gave.
   *
   * @param path The path of the name that the call is given, if it is not just that name in the level.
   */
  naming<T>(level: Level, use: (fd: number) => T, path?: string): T {
    const { fd } = level;
    try {
      return use(fd);
    } catch (error) {
      retell(error, (call) =>
        call.fd !== fd ? {} : {
          fd: this.told,
          path: call.path === undefined ? level.path : path ?? joined(level.path, call.path),
        });
      throw error;
    }
  }

  /** Opens a level again, and what is closed of the way to it. */
  openAgain(level: Level): number {
    const way: Level[] = [];
    for (let at = level; at.held === undefined; at = at.above!) way.push(at);
    for (const next of way.reverse()) {
      try {
        next.held = this.#openSame(next);
      } catch (error) {
        next.isLost = true;
        throw error;
      }
      this.#add(next);
    }
    return level.held!;
  }

  [Symbol.dispose](): void {
    const fds = Array.from(this.#open, (level) => level.held!);
    this.#open.clear();
    closePassed(fds);
  }

  #openSame(level: Level): number {
    const fd = this.naming(level.above!, (fd) => libc.openat(fd, level.name, AGAIN), level.path);
    try {
      if (identityOf(fd) === level.identity) return fd;
      const call = { syscall: "openat", path: level.path, fd: this.told };
      throw failure(call, "ESTALE", "another directory took its place during the call (ESTALE).");
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  #add(level: Level): Level {
    this.#open.add(level);
    if (this.#open.size > MOST && (this.#isBounded ??= rightsOf(this.top.fd).has("FSTAT"))) {
      this.#closeOne(level);
    }
    return level;
  }

  /** Closes neither the top nor `last`, but the level whose closing leaves the smallest gap, for how far it is away. */
  #closeOne(last: Level): void {
    const open = [...this.#open].sort((a, b) => a.depth - b.depth);
    let chosen = last, least = Infinity;
    for (const [i, level] of open.entries()) {
      if (level === this.top || level === last) continue;
      const gap = (open[i + 1]?.depth ?? level.depth + 1) - open[i - 1]!.depth;
      const cost = gap / (1 + Math.abs(last.depth - level.depth));
      if (cost < least) [chosen, least] = [level, cost];
    }
    chosen.suspend();
    this.#close(chosen);
  }

  #close(level: Level): void {
    const fd = level.held!;
    this.#open.delete(level);
    level.held = undefined;
    libc.close(fd);
  }
}
