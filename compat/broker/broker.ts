import { isSupported, limit, sandboxed } from "../../ffi/capsicum/capability.ts";
import { errnoTable } from "../../ffi/errno.ts";
import { CapsicumError, shortened, shown } from "../../ffi/errors.ts";
import { failure } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { socketPair } from "../../ffi/libc/socket_calls.ts";
import { abi } from "../../ffi/system.ts";
import { anInteger, aSignal, aString, checkArgument, checkOptions, oneOf } from "../../ffi/values.ts";
import { closePassed } from "../fs/descriptor.ts";
import { FdFile } from "../fs/file.ts";
import { Slots, unlessAborted } from "../fs/io/waiting.ts";
import { openFlags, type OpenOptions } from "../fs/open.ts";
import { ambientPath } from "../fs/path/components.ts";
import { Channel } from "./channel.ts";
import { FdListener } from "./listener.ts";
import { type BrokerPolicy, type BrokerRules, hasNames, type Policy, policyOf } from "./policy.ts";
import {
  answerOf,
  aPort,
  aTimeout,
  encode,
  fileOptions,
  nameOf,
  type Request,
  type WireError,
} from "./wire.ts";

/** Where to connect to by TCP. */
export interface ConnectOptions {
  /** A name, or an Internet address. An IPv6 address may be in brackets. */
  hostname: string;
  /** The port, from 1 to 65535. */
  port: number;
  /** Cancels the attempt when aborted. The promise then rejects with the reason of the signal. */
  signal?: AbortSignal;
  /** The time limit for looking up the name and connecting, in milliseconds. Default: only the limits of the system. */
  timeout?: number;
}

/** Which Unix socket to connect to. */
export interface ConnectPathOptions extends Pick<ConnectOptions, "signal" | "timeout"> {
  /** The absolute path of the socket. */
  path: string;
}

/** Where to listen. */
export interface ListenOptions {
  /** An Internet address. */
  hostname: string;
  /** The port; 0 for one that the kernel chooses. */
  port: number;
}

/** The options of `Broker.open()`: those of `Deno.open()`, and `noFollow`. */
export type BrokerOpenOptions = Pick<
  OpenOptions,
  "read" | "write" | "append" | "truncate" | "create" | "createNew" | "mode" | "noFollow"
>;

/**
 * Starts a broker: a second process that connects, listens, looks up names and opens files for this one, within a policy.
 *
 * Call it before entering the sandbox. The whole policy is checked before the second process starts. That process confines itself
 * as far as the policy permits, and then accepts requests.
 *
 * Requires `--allow-ffi` permission, and `--allow-run` for Deno itself.
 *
 * @param policy What the broker permits. It refuses all other requests.
 * @returns The broker. `close()` or `using` ends its process.
 * @throws {TypeError} If a rule is not valid, or an option is unknown. The message names it.
 * @throws {RangeError} If the policy has more than 1,000 rules.
 * @throws {Deno.errors.NotFound} If a directory of the policy does not exist.
 * @throws {Deno.errors.NotSupported} If the system cannot confine the process and `enforce` is `"required"`, the default.
 * @throws {CapsicumError} ECAPMODE if the program is sandboxed already.
 * @throws {Deno.errors.NotCapable} If a permission is missing.
 * @throws {Error} If the second process fails to start. The message includes its error output.
 *
 * @example
 * ```ts
 * import { broker } from "jsr:@capsicum/capsicum/broker";
 * import { assertEquals, assertRejects } from "jsr:@std/assert";
 *
 * await using net = await broker({ open: { read: ["/etc"] } });
 * using file = await net.open("/etc/hosts");
 * assertEquals((await file.stat()).isFile, true);
 * await assertRejects(() => net.open("/usr/x"), Error, 'The rule open: read: ["/usr"] is missing');
 * ```
 */
export async function broker(policy: BrokerPolicy): Promise<Broker> {
  const rules = policyOf("broker()", policy, {
    denoPath: aString,
    enforce: oneOf("required", "if-supported"),
  });
  const { denoPath = Deno.execPath(), enforce } = policy;
  const start: Request = { id: 0, call: "start", policy: rules, isConfined: enforce !== "if-supported" };
  // Throws if the policy is too long.
  encode(start);
  if (sandboxed()) {
    const why = "no process can be started in a sandbox (ECAPMODE). Call it before entering.";
    throw failure({ syscall: "broker" }, "ECAPMODE", why);
  }
  // Has no effect in this process, but ensures that the module is in Deno's cache when the second process runs it.
  await import("./child/child.ts");
  return await Broker.started(...startProcess(rules, denoPath), start);
}

/** Starts the second process, which waits for the policy on its end of the channel. */
export function startProcess(rules: Policy, denoPath: string): [Channel, Deno.ChildProcess] {
  const [mine, theirs] = socketPair(), channel = new Channel(mine, 1);
  try {
    if (isSupported()) limit(channel, ["READ", "WRITE", "EVENT"]);
    // Until it is closed below, a process that another thread starts could inherit it. Nothing is awaited in between.
    libc.fcntl(theirs, libc.F_SETFD, 0);
    const child = new Deno.Command(denoPath, {
      args: ["run", ...flagsFor(rules), new URL("./child/child.ts", import.meta.url).href, String(theirs)],
      // An empty search list (resolv.conf(5)): a rule has a complete name. Without colors, an error of the start can be found.
      env: { LOCALDOMAIN: "", NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return [channel, child];
  } catch (error) {
    channel.close();
    throw error;
  } finally {
    closePassed([theirs]);
  }
}

/** The permissions of the second process until it is confined. */
function flagsFor(rules: Policy): string[] {
  const libraries = abi().places.filter((path) => path.startsWith("/"));
  return [
    ...["--quiet", "--no-prompt", "--no-config", "--no-lock"],
    `--allow-ffi=${libraries.join()}`,
    ...(hasNames(rules) ? ["--allow-net"] : []),
  ];
}

/** The most requests without an answer. Further ones wait until one of them is answered. */
const MOST_REQUESTS = 1000;
/** Nothing listens at port 0, and no rule can name it. */
const aTargetPort = anInteger(1, 0xffff);

interface Pending {
  readonly request: Request;
  readonly takesFd: boolean;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

interface Result {
  readonly value: null | readonly string[];
  readonly fd: number | undefined;
}

type WithoutId<R> = R extends unknown ? Omit<R, "id"> : never;

/**
 * A second process that connects, listens, looks up names and opens files for this one; see {@link broker}.
 *
 * All methods work in the sandbox, and none blocks the event loop. Up to 1,000 requests are under way at a time, and are answered
 * in any order. Further requests wait.
 *
 * @throws {TypeError} If an argument or option is unknown or has the wrong type.
 * @throws {CapsicumError} ENOTCAPABLE if no rule of the policy permits the request: the message names the missing rule. Also for
 * an errno without a class in Deno.
 * @throws {Deno.errors.BadResource} If the broker is closed.
 * @throws {Deno.errors.BrokenPipe} If the second process has ended.
 */
export class Broker implements Disposable, AsyncDisposable {
  readonly #channel: Channel;
  readonly #child: Deno.ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #slots = new Slots(MOST_REQUESTS);
  /** Descriptors whose answers are not complete yet. */
  readonly #fds: (number | undefined)[] = [];
  #lastId = 0;
  #isReceiving = false;
  #end: Error | undefined;

  private constructor(channel: Channel, child: Deno.ChildProcess) {
    this.#channel = channel;
    this.#child = child;
  }

  /**
   * Waits until the process is ready. `broker()` calls it.
   *
   * @ignore
   */
  static async started(channel: Channel, child: Deno.ChildProcess, start: Request): Promise<Broker> {
    const broker = new Broker(channel, child);
    try {
      await broker.#ask(start, false);
    } catch (error) {
      broker.close();
      const text = await new Response(child.stderr).text(), { code } = await child.status;
      // Code 0: the process only saw the end of a connection that was broken here.
      if (!(error instanceof Deno.errors.BrokenPipe) || code === 0) throw error;
      // The message of an uncaught error, without its stack.
      const [why = text.trim() || error.message] = /^error: .*/m.exec(text) ?? [];
      throw new Error(
        `broker(): the second process exited with code ${code} during its start: ${shortened(why, 200)}`,
        { cause: error },
      );
    }
    // The program must be able to exit while the second process runs.
    await child.stderr.cancel();
    child.unref();
    return broker;
  }

  /**
   * Connects to a host by TCP, or to a Unix socket. The addresses of a name are tried in order.
   *
   * A name may resolve only to public addresses. Any other address must have its own rule, except loopback for `localhost`.
   *
   * Stands for connect(2).
   *
   * @param options Where to connect to.
   * @returns The connection: a stream socket with the rights of `presets.socket.connection`.
   * @throws {Deno.errors.ConnectionRefused} If nothing listens there.
   * @throws {Deno.errors.NotFound} If the name has no address, or the socket does not exist.
   * @throws {Deno.errors.TimedOut} If the attempt takes longer than `timeout`.
   */
  async connect(options: ConnectOptions | ConnectPathOptions): Promise<FdFile> {
    const call = "Broker.connect()", hasPath = "path" in Object(options);
    given(call, options);
    const limited = { signal: aSignal, timeout: aTimeout };
    if (hasPath) checkOptions(call, options, { path: aString, ...limited });
    else checkOptions(call, options, { hostname: aString, port: aTargetPort, ...limited });
    const { signal, timeout } = options, limits = timeout === undefined ? {} : { timeout };
    if (hasPath) {
      const { path } = options as ConnectPathOptions;
      return file(await this.#request({ call: "connectPath", path, ...limits }, true, signal));
    }
    const { hostname, port } = options as ConnectOptions;
    checkArgument(call, "hostname", hostname, aString);
    checkArgument(call, "port", port, aTargetPort);
    return file(await this.#request({ call: "connect", hostname, port, ...limits }, true, signal));
  }

  /**
   * Listens at a TCP address, with SO_REUSEADDR. On Linux, `[::]` includes all IPv4 addresses. Stands for bind(2)
   * and listen(2).
   *
   * @param options Where to listen.
   * @returns The listener, with the rights of `presets.socket.listener`.
   * @throws {Deno.errors.AddrInUse} If the address is in use.
   */
  async listen(options: ListenOptions): Promise<FdListener> {
    const call = "Broker.listen()";
    given(call, options);
    checkOptions(call, options, { hostname: aString, port: aPort });
    const { hostname, port } = options;
    checkArgument(call, "hostname", hostname, aString);
    checkArgument(call, "port", port, aPort);
    const { fd } = await this.#request({ call: "listen", hostname, port }, true);
    return new FdListener(fd!, "nonblocking");
  }

  /**
   * Looks up the addresses of a name by getaddrinfo(3), which also reads /etc/hosts.
   *
   * @param name The name.
   * @param type `"A"` for IPv4, `"AAAA"` for IPv6.
   * @param options `signal` cancels the lookup.
   * @returns The addresses, at least one.
   * @throws {Deno.errors.NotFound} If the name has no address of this type.
   */
  async resolveDns(
    name: string,
    type: "A" | "AAAA",
    options: { signal?: AbortSignal } = {},
  ): Promise<string[]> {
    const call = "Broker.resolveDns()";
    checkArgument(call, "name", name, aString);
    checkArgument(call, "type", type, oneOf("A", "AAAA"));
    checkOptions(call, options, { signal: aSignal });
    const family = type === "A" ? 4 : 6;
    const { value } = await this.#request({ call: "resolve", name, family }, false, options.signal);
    return [...value ?? []];
  }

  /**
   * Opens a regular file below a directory of the policy. Neither `..` nor a symlink leaves the directory.
   *
   * Stands for openat(2). On FreeBSD, the file has the rights that its options need.
   *
   * @param path The path: absolute, or relative if the directory of the rule is relative.
   * @param options How to open the file. Default: for reading.
   * @returns The file.
   * @throws {Deno.errors.NotFound} If the file does not exist.
   * @throws {Deno.errors.IsADirectory} If the path is a directory.
   * @throws {Deno.errors.NotSupported} If the path is neither a regular file nor a directory.
   */
  async open(path: string | URL, options: BrokerOpenOptions = {}): Promise<FdFile> {
    checkOptions("Broker.open()", options, fileOptions);
    openFlags(options);
    const text = ambientPath(path);
    const present = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    return file(await this.#request({ call: "open", path: text, options: present }, true), "own");
  }

  /**
   * Permanently replaces the policy by a smaller one, like cap_net_limit(3). The present policy must already permit everything
   * that the new rules permit. A directory for both reading and writing must be below a single directory that permits both.
   * Descriptors that are already open do not change. Requests under way fail if the new policy does not permit them.
   *
   * @param rules The new rules. A kind of rule that is left out permits nothing.
   * @throws {CapsicumError} ENOTCAPABLE if a new rule permits more than the policy. The message names it; the policy does not
   * change.
   */
  async limit(rules: BrokerRules): Promise<void> {
    await this.#request({ call: "limit", policy: policyOf("Broker.limit()", rules) }, false);
  }

  /** Ends the second process. Rejects all requests without an answer. */
  close(): void {
    this.#finish(
      new Deno.errors.BadResource("The broker is closed, by close() or at the end of its `using` block."),
    );
  }

  /** Ends the second process. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Ends the second process and waits for it, except in capability mode before FreeBSD 15, where wait4(2) is refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#child.ref();
    await this.#child.status.catch(() => {});
  }

  async #request(request: WithoutId<Request>, takesFd: boolean, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#end) throw this.#end;
    if (!this.#slots.tryAcquire()) await unlessAborted(this.#slots.acquire(), signal);
    try {
      return await this.#ask({ ...request, id: ++this.#lastId } as Request, takesFd, signal);
    } finally {
      this.#slots.release();
    }
  }

  async #ask(request: Request, takesFd: boolean, signal?: AbortSignal): Promise<Result> {
    if (this.#end) throw this.#end;
    const { id } = request, { promise, resolve, reject } = Promise.withResolvers<Result>();
    const bytes = encode(request);
    const abort = () => {
      // An answer still arrives; a descriptor in it must be closed.
      this.#pending.set(id, {
        request,
        takesFd,
        resolve: ({ fd }) => fd === undefined || closePassed([fd]),
        reject() {},
      });
      reject(signal!.reason);
      this.#channel.send(encode({ id, call: "cancel" })).catch(() => {});
    };
    this.#pending.set(id, { request, takesFd, resolve, reject });
    signal?.addEventListener("abort", abort);
    try {
      this.#channel.send(bytes).catch((error) => this.#finish(ended(error)));
      void this.#receive();
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Receives only while answers are pending, so that an idle program can exit. */
  async #receive(): Promise<void> {
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    try {
      while (this.#pending.size > 0) {
        const batch = await this.#channel.receive();
        if (batch === undefined) return this.#finish(ended());
        this.#fds.push(...batch.fds);
        // A hostile process could otherwise fill the table of descriptors.
        if (this.#fds.length > this.#pending.size) throw new TypeError("More descriptors came than answers.");
        for (const message of batch.messages) this.#settle(message);
      }
    } catch (error) {
      this.#finish(ended(error));
    } finally {
      this.#isReceiving = false;
    }
  }

  #settle(message: Uint8Array | undefined): void {
    const answer = answerOf(message), pending = this.#pending.get(answer.id);
    if (pending === undefined) throw new TypeError(`There is no request ${answer.id} to answer.`);
    this.#pending.delete(answer.id);
    if ("error" in answer) return pending.reject(errorOf(answer.error));
    const fd = pending.takesFd ? this.#fds.shift() : undefined;
    if (pending.takesFd && fd === undefined) {
      const why = "this process has too many open files (EMFILE). Close some, and try again.";
      return pending.reject(failure({ syscall: "recvmsg", path: nameOf(pending.request) }, "EMFILE", why));
    }
    pending.resolve({ value: answer.value, fd });
  }

  #finish(end: Error): void {
    if (this.#end) return;
    this.#end = end;
    this.#channel[Symbol.dispose]();
    closePassed(this.#fds.splice(0).filter((fd) => fd !== undefined));
    for (const { reject } of this.#pending.values()) reject(end);
    this.#pending.clear();
  }
}

function given(call: string, options: unknown): void {
  if (options === undefined) {
    throw new TypeError(`${call}: the options must be an object, not ${shown(options)}.`);
  }
}

function file({ fd }: Result, origin: "own" | "elsewhere" = "elsewhere"): FdFile {
  return new FdFile(fd!, origin);
}

function ended(cause?: unknown): Error {
  return new Deno.errors.BrokenPipe(
    "The broker's process has ended, or its connection is broken: start another broker.",
    cause === undefined ? undefined : { cause },
  );
}

/** The error in an answer, with the same class as in the second process. */
function errorOf({ class: name, message, code, syscall, path }: WireError): Error {
  const fields = code === undefined || syscall === undefined ? {} : {
    code,
    errno: Math.abs(Number(Object.entries(errnoTable()).find(([, [name]]) => name === code)?.[0] ?? 0)),
    syscall,
    ...(path !== undefined && { path }),
  };
  if (name === "CapsicumError" && "code" in fields) {
    return new CapsicumError(message, fields as ConstructorParameters<typeof CapsicumError>[1]);
  }
  const Class = name === "TypeError"
    ? TypeError
    : name === "RangeError"
    ? RangeError
    : Object.hasOwn(Deno.errors, name)
    ? Deno.errors[name as keyof typeof Deno.errors]
    : Error;
  return Object.assign(new Class(message), fields);
}
