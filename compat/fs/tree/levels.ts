/**
 * The directories of a tree that is being traversed. A bounded number of them is open.
 *
 * A tree may have more levels than a process may have descriptors. So a directory that is not in use may be closed, and
 * is opened again when it is needed. It is opened by single names from the nearest open directory above it, never
 * through a symlink and never by "..". Device and inode number then show whether it is the same directory.
 *
 * `new Levels(fd, path, told)` takes over the descriptor of the top. `enter()` opens a directory in a level, `leave()`
 * closes a level that is not needed any more, `level.next()` lists it entry by entry. `level.fd` is valid until another
 * level is used, because that may close it; read it again before each call. `naming()` makes a call on a level; its
 * error names the path as the caller knows it. If another directory has taken the place of a level, ESTALE is thrown.
 *
 * @module
 */
import { failure, retell } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { closePassed, identityOf, rightsOf } from "../descriptor.ts";
import { joined } from "../path/components.ts";
import { type Entry, Listing } from "./_listing.ts";
import { LISTING, readTypedChunk } from "./list.ts";

/** The most directories of a tree that are open at a time, including the top. */
const MOST = 16;
/** A directory is listed to its end before it is closed, so a reopened directory is used only for lookups. */
const AGAIN = libc.O_PATH | libc.O_DIRECTORY | libc.O_NOFOLLOW | libc.O_CLOEXEC;

/** A directory of the tree. */
export class Level {
  readonly #levels: Levels;
  /** The level that it was opened in; undefined at the top. */
  readonly above: Level | undefined;
  /** The name in the level above. */
  readonly name: string;
  /** The path by which errors name it. */
  readonly path: string;
  readonly depth: number;
  /** The descriptor while the directory is open. Outside this file, use `fd`. */
  held: number | undefined;
  /** Whether the directory could not be opened again. */
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

  /** The descriptor; the directory is opened again if necessary. */
  get fd(): number {
    return this.held ?? this.#levels.openAgain(this);
  }

  /** Device and inode number, which needs FSTAT. */
  get identity(): string {
    return this.#identity ??= identityOf(this.fd);
  }

  /** The next entry; undefined at the end, and for a level that is used only for lookups. */
  next(): Entry | undefined {
    return this.#listing?.next();
  }

  /** Reads everything that is needed from the directory before it is closed. */
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
  /** Whether directories can be identified, which needs FSTAT. If not, none is closed before its end. */
  #isBounded: boolean | undefined;

  /**
   * @param fd The descriptor of the top; disposing the levels closes it.
   * @param path The path of the top, as the caller gave it.
   * @param told The descriptor that `path` is relative to.
   */
  constructor(fd: number, path: string, told: number) {
    this.told = told;
    this.top = new Level(this, undefined, "", path, fd, true);
    this.#open.add(this.top);
  }

  /** Opens a directory in a level; a symlink to a directory does not count. */
  enter(above: Level, name: string, path: string = joined(above.path, name), flags: number = LISTING): Level {
    const fd = this.naming(above, (fd) => libc.openat(fd, name, flags | libc.O_NOFOLLOW), path);
    return this.#add(new Level(this, above, name, path, fd, (flags & libc.O_PATH) === 0));
  }

  /** Takes over the descriptor of a directory in a level, which is used only for lookups. */
  pass(above: Level, name: string, fd: number): Level {
    return this.#add(new Level(this, above, name, joined(above.path, name), fd, false));
  }

  /** Closes a level unless it is the top. Levels that were opened in it must not be used any more. */
  leave(level: Level): void {
    if (level.held === undefined || level === this.top) return;
    this.#close(level);
  }

  /**
   * Makes a call on a level; its error names the path relative to the directory that the caller gave.
   *
   * @param path The path that errors name, if it is not the path of the level and the name in it.
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

  /** Opens a level again, and every closed level on the path to it. */
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

  /** Closes one level: far from `last` and with a small gap between its open neighbours. Never the top or `last`. */
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
