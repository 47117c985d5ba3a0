/**
 * Encodes and decodes the messages between the program and its broker: JSON, after a length of 32 bits, little-endian.
 *
 * Makes no system calls. Each side checks every member of a message, because the broker treats the program as hostile. A
 * malformed message does not affect later ones, because its length gives the start of the next one.
 *
 * @module
 */
import { aBoolean, anInteger, arrayOf, aString, type Check, checkOptions, oneOf } from "../../ffi/values.ts";
import { openOptions } from "../fs/open.ts";
import type { Policy } from "./policy.ts";

/** The most bytes of a message, without its length. */
export const MOST_BYTES: number = 64 * 1024;
/** The deepest nesting of a message: a policy in a request, and a list in the policy. */
const MOST_DEPTH = 3;
const LENGTH = 4;

/** The options of a file, as a message has them. */
export type FileOptions = Pick<
  Deno.OpenOptions & { noFollow?: boolean },
  "read" | "write" | "append" | "truncate" | "create" | "createNew" | "mode" | "noFollow"
>;

/** A request of the program. */
export type Request =
  & { readonly id: number }
  & (
    | { readonly call: "start"; readonly policy: Policy; readonly isConfined: boolean }
    | { readonly call: "limit"; readonly policy: Policy }
    | {
      readonly call: "connect";
      readonly hostname: string;
      readonly port: number;
      readonly timeout?: number;
    }
    | { readonly call: "connectPath"; readonly path: string; readonly timeout?: number }
    | { readonly call: "listen"; readonly hostname: string; readonly port: number }
    | { readonly call: "resolve"; readonly name: string; readonly family: 4 | 6 }
    | { readonly call: "open"; readonly path: string; readonly options: FileOptions }
    | { readonly call: "cancel" }
  );
export type Call = Request["call"];

/** The name of the subject of a request, for errors. */
export function nameOf(request: Request): string | undefined {
  if ("path" in request) return request.path;
  if ("port" in request) return `${request.hostname}:${request.port}`;
  return "name" in request ? request.name : undefined;
}

/** An answer of the broker. One to `connect`, `connectPath`, `listen` or `open` has a descriptor, unless it is an error. */
export type Answer =
  & { readonly id: number }
  & ({ readonly value: null | readonly string[] } | { readonly error: WireError });

/** An error, as a message has it. */
export interface WireError {
  readonly class: string;
  readonly message: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly path?: string;
}

/** The greatest id. */
const MOST_ID = 2 ** 48;
export const anId: Check = anInteger(0, MOST_ID);
const texts = arrayOf(aString, "strings");
const policyMembers = { connect: texts, resolve: texts, listen: texts, read: texts, write: texts };
const { read, write, append, truncate, create, createNew, mode, noFollow } = openOptions;
/** A check for each option of a file. */
export const fileOptions: Readonly<Record<keyof FileOptions, Check>> = {
  read,
  write,
  append,
  truncate,
  create,
  createNew,
  mode,
  noFollow,
};

/** Checks a member whose value is an object. */
function anObject(members: Readonly<Record<string, Check>>, isWhole: boolean): Check {
  return (value) => {
    try {
      checkObject("it", value, members, isWhole ? Object.keys(members) : []);
      return undefined;
    } catch {
      return { expected: `an object with ${Object.keys(members).join(", ")}`, error: TypeError };
    }
  };
}

const aFamily: Check = (value) =>
  value === 4 || value === 6 ? undefined : { expected: "4 or 6", error: RangeError };
/** A number of milliseconds that `setTimeout()` accepts. */
export const aTimeout: Check = anInteger(0, 0x7fffffff);
export const aPort: Check = anInteger(0, 0xffff);
const policy = anObject(policyMembers, true);

/** The members of each call in addition to `id` and `call`. A "?" marks an optional one. */
const calls: Readonly<Record<Call, Readonly<Record<string, Check>>>> = {
  start: { policy, isConfined: aBoolean },
  limit: { policy },
  connect: { hostname: aString, port: aPort, "timeout?": aTimeout },
  connectPath: { path: aString, "timeout?": aTimeout },
  listen: { hostname: aString, port: aPort },
  resolve: { name: aString, family: aFamily },
  open: { path: aString, options: anObject(fileOptions, false) },
  cancel: {},
};

function checkObject(
  what: string,
  value: unknown,
  members: Readonly<Record<string, Check>>,
  needed: readonly string[],
): void {
  checkOptions(what, value, members);
  if (value === undefined) throw new TypeError(`${what}: the message is not an object.`);
  const missing = needed.find((name) => !Object.hasOwn(value as object, name));
  if (missing !== undefined) throw new TypeError(`${what}: ${missing} is missing.`);
}

/** Thrown for a malformed message. `id` is that of the message, if it has a valid one. */
export class MalformedError extends TypeError {
  readonly id: number | undefined;

  constructor(message: string, id?: number) {
    super(message);
    this.id = id;
  }
}

/**
 * Returns the request in a message.
 *
 * @throws {MalformedError} If it is not a request.
 */
export function requestOf(message: Uint8Array | undefined): Request {
  const value = parsed(message), id = idOf(value);
  try {
    checkOptions("request", { call: (value as Request)?.call }, { call: oneOf(...Object.keys(calls)) });
    const { call } = value as Request, members = calls[call];
    if (members === undefined) throw new TypeError("request: call is missing.");
    const names = Object.keys(members), checks = Object.values(members);
    const known = Object.fromEntries(names.map((name, i) => [name.replace("?", ""), checks[i]!]));
    const needed = ["id", "call", ...names.filter((name) => !name.endsWith("?"))];
    checkObject("request", value, { id: anId, call: aString, ...known }, needed);
    return value as Request;
  } catch (error) {
    throw new MalformedError((error as Error).message, id);
  }
}

const errorMembers = { class: aString, message: aString, code: aString, syscall: aString, path: aString };
const isNullOrTexts: Check = (value) => value === null ? undefined : texts(value);

/**
 * Returns the answer in a message.
 *
 * @throws {MalformedError} If it is not an answer.
 */
export function answerOf(message: Uint8Array | undefined): Answer {
  const value = parsed(message);
  try {
    checkObject("answer", value, {
      id: anId,
      value: isNullOrTexts,
      error: anObject(errorMembers, false),
    }, ["id"]);
    if (("value" in (value as object)) === ("error" in (value as object))) {
      throw new TypeError("answer: there must be either a value or an error.");
    }
    return value as Answer;
  } catch (error) {
    throw new MalformedError((error as Error).message);
  }
}

function idOf(value: unknown): number | undefined {
  const id = typeof value === "object" ? (value as { id?: unknown } | null)?.id : undefined;
  return anId(id) === undefined ? id as number : undefined;
}

function parsed(message: Uint8Array | undefined): unknown {
  if (message === undefined) throw new MalformedError(`The message has more than ${MOST_BYTES} bytes.`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message);
  } catch {
    throw new MalformedError("The message is not UTF-8.");
  }
  if (depthOf(text) > MOST_DEPTH) throw new MalformedError("The message has too many levels.");
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedError("The message is not JSON.");
  }
}

/** The deepest nesting of arrays and objects in JSON text, in linear time. */
function depthOf(text: string): number {
  let depth = 0, most = 0, isString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '"') isString = !isString;
    else if (isString) {
      if (char === "\\") i++;
    } else if (char === "[" || char === "{") most = Math.max(most, ++depth);
    else if (char === "]" || char === "}") depth--;
  }
  return most;
}

/**
 * Encodes a message, with its length before it.
 *
 * @throws {RangeError} If the message is too long.
 */
export function encode(message: Request | Answer): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(message));
  if (text.length > MOST_BYTES) {
    throw new RangeError(
      `A message to the broker must have at most ${MOST_BYTES} bytes, not ${text.length}.`,
    );
  }
  const bytes = new Uint8Array(LENGTH + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, LENGTH);
  return bytes;
}

/** Divides a stream of bytes into messages. Buffers at most one message. */
export class Frames {
  #part = new Uint8Array(LENGTH);
  #used = 0;
  /** The bytes to skip of a message that is too long. */
  #skipping = 0;
  #isLength = true;

  /** Returns the messages that these bytes complete; undefined for one that is too long, whose bytes are skipped. */
  *messages(bytes: Uint8Array): Generator<Uint8Array | undefined, void, undefined> {
    for (let at = 0; at < bytes.length || this.#isComplete();) {
      if (this.#skipping > 0) {
        const skipped = Math.min(this.#skipping, bytes.length - at);
        this.#skipping -= skipped;
        at += skipped;
        continue;
      }
      const taken = Math.min(this.#part.length - this.#used, bytes.length - at);
      this.#part.set(bytes.subarray(at, at + taken), this.#used);
      this.#used += taken;
      at += taken;
      if (!this.#isComplete()) return;
      if (!this.#isLength) {
        const message = this.#part;
        this.#expect(true, LENGTH);
        yield message;
        continue;
      }
      const length = new DataView(this.#part.buffer).getUint32(0, true);
      if (length <= MOST_BYTES) this.#expect(false, length);
      else {
        this.#skipping = length;
        this.#expect(true, LENGTH);
        yield undefined;
      }
    }
  }

  #isComplete(): boolean {
    return this.#skipping === 0 && this.#used === this.#part.length;
  }

  #expect(isLength: boolean, size: number): void {
    this.#part = new Uint8Array(size);
    this.#used = 0;
    this.#isLength = isLength;
  }
}
