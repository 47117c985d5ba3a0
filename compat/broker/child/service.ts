/**
 * Answers the requests of the program, in the second process. Checks each request against the policy, treats the program as
 * hostile, and keeps the directories of the rules open.
 *
 * @module
 */
import { isSupported, limit } from "../../../ffi/capsicum/capability.ts";
import { MOST, shortened, type SyscallError } from "../../../ffi/errors.ts";
import { asked, failure } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { Rights, type RightsLike } from "../../../rights/rights.ts";
import { closePassed, statOf } from "../../fs/descriptor.ts";
import { type Dir, openDirSync } from "../../fs/dir.ts";
import { unlessAborted } from "../../fs/io/waiting.ts";
import { openFlags } from "../../fs/open.ts";
import { joined } from "../../fs/path/components.ts";
import { presets } from "../../sandbox/limit_by_need.ts";
import { fileRights } from "../../sandbox/plan.ts";
import { connectTo, listening, makeBlocking, timedOut } from "./connecting.ts";
import { type Address, hostOf } from "../hosts.ts";
import {
  below,
  checkConnect,
  checkListen,
  checkOpen,
  checkResolve,
  checkResolved,
  checkSocket,
  type Policy,
  policyOf,
  shrunk,
  textOf,
} from "../policy.ts";
import type { Resolve } from "./resolver.ts";
import {
  type Answer,
  encode,
  type FileOptions,
  type MalformedError,
  nameOf,
  type Request,
  requestOf,
  type WireError,
} from "../wire.ts";

/** The most requests that are served at a time. */
export const MOST_REQUESTS = 1024;

/** Sends an answer and its descriptor, then closes the descriptor. */
export type Send = (answer: Uint8Array, fd: number | undefined) => void;

type Result = { readonly value?: null | readonly string[]; readonly fd?: number };
type Of<C extends Request["call"]> = Request & { readonly call: C };

let known: boolean | undefined;

/** Whether descriptors can be limited. The kernel is asked once, before the first request. */
function hasRights(): boolean {
  return known ??= isSupported();
}

export class Service implements Disposable {
  #policy: Policy;
  #dirs = new Map<string, Dir>();
  readonly #resolve: Resolve;
  readonly #send: Send;
  readonly #active = new Map<number, AbortController>();
  /** The number of lookups that run although their requests were cancelled. */
  #abandoned = 0;

  /**
   * Opens the directories of a policy.
   *
   * @param resolve Looks up the addresses of a name.
   */
  constructor(policy: Policy, resolve: Resolve, send: Send) {
    this.#policy = policy;
    this.#resolve = resolve;
    this.#send = send;
    hasRights();
    try {
      for (const path of directoriesOf(policy)) {
        this.#dirs.set(path, openedFor("broker()", policy, path, () => openDirSync(path)));
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Returns the open directories, each with the rights that requests need. */
  directories(): { dir: Dir; rights: Rights }[] {
    return Array.from(this.#dirs, ([path, dir]) => ({ dir, rights: rightsOfDirectory(this.#policy, path) }));
  }

  /** Answers a message exactly once, possibly later. A cancel request gets no answer of its own. */
  handle(message: Uint8Array | undefined): void {
    let request: Request;
    try {
      request = requestOf(message);
    } catch (error) {
      return this.#answer((error as MalformedError).id ?? 0, { error: wireError(error) });
    }
    const { id, call } = request;
    // The cancelled request sends the answer.
    if (call === "cancel") return this.#active.get(id)?.abort(cancelled());
    if (this.#active.has(id)) return this.#refuse(id, "its id is in use");
    if (this.#active.size + this.#abandoned >= MOST_REQUESTS) {
      return this.#refuse(id, `${MOST_REQUESTS} requests are still pending`);
    }
    const controller = new AbortController();
    this.#active.set(id, controller);
    void this.#answerLater(request, controller);
  }

  async #answerLater(request: Request, controller: AbortController): Promise<void> {
    const { id } = request, timeout = "timeout" in request ? request.timeout : undefined;
    const name = nameOf(request);
    const timer = timeout === undefined
      ? undefined
      : setTimeout(() => controller.abort(timedOut("connect", name!, timeout)), timeout);
    let answer: Result | { error: WireError };
    try {
      const result = this.#serve(request, controller.signal);
      answer = result instanceof Promise ? await result : result;
    } catch (error) {
      answer = { error: wireError(named(error, name)) };
    }
    clearTimeout(timer);
    this.#active.delete(id);
    this.#answer(id, answer);
  }

  #refuse(id: number, why: string): void {
    this.#answer(id, { error: wireError(new TypeError(`The request is refused: ${why}.`)) });
  }

  #answer(id: number, result: Result | { error: WireError }): void {
    const answer: Answer = "error" in result
      ? { id, error: result.error }
      : { id, value: result.value ?? null };
    let bytes: Uint8Array;
    try {
      bytes = encode(answer);
    } catch (error) {
      bytes = encode({ id, error: { class: "RangeError", message: (error as Error).message } });
    }
    this.#send(bytes, "fd" in result ? result.fd : undefined);
  }

  #serve(request: Request, signal: AbortSignal): Result | Promise<Result> {
    switch (request.call) {
      case "connect":
        return this.#connect(request, signal);
      case "connectPath":
        return this.#connectPath(request, signal);
      case "listen":
        return this.#listen(request);
      case "resolve":
        return this.#lookUp(request, signal);
      case "open":
        return this.#open(request);
      case "limit":
        return this.#limit(request.policy);
      default:
        throw new TypeError(`The request ${request.call} is not possible now.`);
    }
  }

  async #connect({ hostname, port }: Of<"connect">, signal: AbortSignal): Promise<Result> {
    const host = hostOf(hostname);
    checkConnect(this.#policy, host, port);
    if (!("name" in host)) {
      const check = () => checkConnect(this.#policy, host, port);
      return await connection({ ...host, port }, `${host.text}:${port}`, signal, check);
    }
    const found = await this.#found(host.name, 0, signal);
    let last: unknown;
    for (const address of found.map(addressOf)) {
      signal.throwIfAborted();
      const check = () => {
        checkConnect(this.#policy, host, port);
        checkResolved(this.#policy, host.name, address, port);
      };
      try {
        return await connection({ ...address, port }, `${textOf(host)}:${port}`, signal, check);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  async #connectPath({ path }: Of<"connectPath">, signal: AbortSignal): Promise<Result> {
    const check = () => checkSocket(this.#policy, path);
    return await connection({ path: check() }, path, signal, check);
  }

  #listen({ hostname, port }: Of<"listen">): Result {
    const address = checkListen(this.#policy, hostname, port);
    return limited(listening({ ...address, port }, `${address.text}:${port}`), presets.socket.listener);
  }

  async #lookUp({ name, family }: Of<"resolve">, signal: AbortSignal): Promise<Result> {
    const canonical = checkResolve(this.#policy, name);
    const found = await this.#found(canonical, family, signal);
    checkResolve(this.#policy, name);
    return { value: [...new Set(found)] };
  }

  async #found(name: string, family: 0 | 4 | 6, signal: AbortSignal): Promise<readonly string[]> {
    const promise = this.#resolve(name, family, signal);
    const abandon = () => {
      this.#abandoned++;
      promise.catch(() => {}).finally(() => this.#abandoned--);
    };
    return await unlessAborted({ promise, drop: abandon }, signal);
  }

  #open({ path, options }: Of<"open">): Result {
    // Throws if options conflict.
    openFlags(options);
    const write = options.write || options.append || false, read = options.read ?? !write;
    const [rule, rest] = checkOpen(this.#policy, path, { read, write });
    return openFile(this.#dirs.get(rule)!, rest, path, options);
  }

  #limit(rules: Policy): Result {
    const old = this.#policy, next = shrunk(old, canonicalOf(rules)), dirs = new Map<string, Dir>();
    let name: string | undefined;
    try {
      for (const path of directoriesOf(next)) {
        name = path;
        dirs.set(path, this.#narrower(old, next, path));
        if (hasRights()) limit(dirs.get(path)!, rightsOfDirectory(next, path));
      }
    } catch (error) {
      closeOthers(dirs, this.#dirs);
      throw named(error, name);
    }
    closeOthers(this.#dirs, dirs);
    this.#policy = next;
    this.#dirs = dirs;
    return {};
  }

  /** Returns the directory of a new rule: an open one, or one opened below the deepest open one that permits as much. */
  #narrower(old: Policy, next: Policy, path: string): Dir {
    const permitsAsMuch = (rule: string) =>
      (["read", "write"] as const).every((kind) => !next[kind].includes(path) || old[kind].includes(rule));
    const same = this.#dirs.get(path);
    if (same !== undefined && permitsAsMuch(path)) return same;
    const [rule, rest] = [...this.#dirs.keys()].toSorted((a, b) => b.length - a.length)
      .filter(permitsAsMuch)
      .map((rule) => [rule, below(rule, path)] as const).find(([, rest]) => rest !== undefined) ?? [];
    if (rule === undefined || rest === undefined) {
      throw failure(
        { syscall: "limit", path },
        "ENOTCAPABLE",
        "no single directory of the broker permits both reading and writing (ENOTCAPABLE).",
      );
    }
    return openedFor("Broker.limit()", next, path, () => this.#dirs.get(rule)!.openDirSync(rest));
  }

  /** Cancels all pending requests and closes the directories. */
  [Symbol.dispose](): void {
    for (const controller of this.#active.values()) controller.abort(cancelled());
    closeOthers(this.#dirs, new Map());
  }
}

/** Closes the directories that are not also in another map. */
function closeOthers(dirs: ReadonlyMap<string, Dir>, kept: ReadonlyMap<string, Dir>): void {
  const others = [...dirs.values()].filter((dir) => ![...kept.values()].includes(dir));
  closePassed(others.map((dir) => dir.take()));
}

/** Validates a policy again, because hostile code can send one without `limit()`. */
function canonicalOf({ read, write, ...rules }: Policy): Policy {
  return policyOf("limit()", { ...rules, open: { read, write } });
}

function cancelled(): Error {
  return new DOMException("The request was cancelled.", "AbortError");
}

function directoriesOf({ read, write }: Policy): Set<string> {
  return new Set([...read, ...write]);
}

/** Opens the directory of a rule, which errors name. */
function openedFor(call: string, policy: Policy, path: string, open: () => Dir): Dir {
  try {
    return asNamed(open(), path);
  } catch (thrown) {
    const error = named(thrown, path);
    if (!(error instanceof Error)) throw error;
    const kind = policy.read.includes(path) ? "read" : "write";
    const start = `${call}: open.${kind}[${policy[kind].indexOf(path)}] can't be opened as a directory: `;
    error.message = start + shortened(error.message, MOST - start.length);
    throw error;
  }
}

/** The rights of a directory, which files opened below it inherit. READ is also for lookups, FCNTL for F_SETFL. */
function rightsOfDirectory({ write }: Policy, path: string): Rights {
  const writing = write.includes(path) ? presets.dir.create : [];
  return new Rights([...presets.dir.read, ...writing, "FCNTL"]);
}

function addressOf(text: string): Address {
  const host = hostOf(text.includes(":") ? text.replace(/%.*/, "") : text);
  if ("name" in host) throw new TypeError(`The resolver returned ${text}, which is not an address.`);
  return host;
}

/** Makes errors name the complete path and no descriptor: a number of this process is useless to the program. */
function asNamed(dir: Dir, rule: string): Dir {
  return Object.assign(dir, { [asked]: (path: string | undefined) => ({ path: joined(rule, path ?? ".") }) });
}

/** Opens a regular file. Opening a FIFO or a device can block or have side effects, so the kind is checked before. */
function openFile(dir: Dir, rest: string, path: string, options: FileOptions): Result {
  const before = unlessMissing(() => options.noFollow ? dir.lstatSync(rest) : dir.statSync(rest));
  if (before !== undefined && !before.isSymlink) checkRegular(before, path);
  const file = dir.openSync(rest, { ...options, customFlags: libc.O_NONBLOCK | libc.O_NOCTTY });
  const fd = file.take();
  try {
    // Another process may have replaced it since.
    checkRegular(statOf(fd), path);
    makeBlocking(fd);
  } catch (error) {
    closePassed([fd]);
    throw error;
  }
  return limited(fd, fileRights(options));
}

function checkRegular({ isFile, isDirectory }: Deno.FileInfo, path: string): void {
  if (isFile) return;
  const code = isDirectory ? "EISDIR" : "EOPNOTSUPP";
  throw failure({ syscall: "open", path }, code, `only regular files can be opened (${code}).`);
}

/** What a call returns; undefined if it fails, because opening the file then reports why. */
function unlessMissing<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

async function connection(...args: Parameters<typeof connectTo>): Promise<Result> {
  return limited(await connectTo(...args), presets.socket.connection);
}

function limited(fd: number, rights: RightsLike): Result {
  try {
    if (hasRights()) limit(fd, rights);
    return { fd };
  } catch (error) {
    closePassed([fd]);
    throw error;
  }
}

/** Makes the error of a failed call name what was asked for, and no descriptor: see {@link asNamed}. */
function named(error: unknown, name: string | undefined): unknown {
  const { code, errno, syscall, path, message } = error as SyscallError;
  if (syscall === undefined || path !== undefined || name === undefined) return error;
  return failure({ syscall, path: name }, [code, errno], message.slice(message.indexOf(": ") + 2), {
    cause: error,
  });
}

/** The members of an error that are sent. */
export function wireError(error: unknown): WireError {
  const { message, code, syscall, path } = error as Partial<SyscallError>;
  const known = typeof code === "string" ? { code } : {};
  return {
    class: error instanceof Error ? error.constructor.name : "Error",
    message: String(message),
    ...known,
    ...(typeof syscall === "string" && { syscall }),
    ...(typeof path === "string" && { path }),
  };
}
