import { type GivenCall, messageOf } from "../../../ffi/message.ts";
import { anInteger, aSignal } from "../options.ts";

/** The options of calls that read a file, or a line of a file, as a whole. */
export interface LengthOptions {
  /**
   * The most bytes that a line or file may have; the "\n" or "\r\n" of a line does not count. A longer one is a
   * RangeError. A call allocates at most about twice this size. Default: 16 MiB for a line, 536,870,888 for text, no
   * limit for bytes.
   */
  maxLength?: number;
}

/** The options of calls that read files asynchronously: those of `Deno.readFile`, and a bound. */
export interface ReadOptions extends Deno.ReadFileOptions, LengthOptions {}

/** The most UTF-16 units that a V8 string can hold. Text has at least as many bytes. */
const STRING = 2 ** 29 - 24;

/** The default bounds of a line, of text and of bytes, and the largest bounds that a caller may pass. */
export const defaultOf = { line: 16 * 1024 * 1024, text: STRING, file: Number.MAX_SAFE_INTEGER } as const;
const mostOf = { line: STRING, text: STRING, file: Number.MAX_SAFE_INTEGER } as const;

/** What is read: a line, a file as text, a file as bytes. */
export type Kind = keyof typeof defaultOf;

/** A check for each option. */
export const lengthOptions = (kind: Kind) => ({ maxLength: anInteger(0, mostOf[kind]) });
export const readOptions = (kind: Kind) => ({ signal: aSignal, ...lengthOptions(kind) });

/** The most bytes that a call may collect before it returns them. */
export class Bound {
  readonly most: number;
  readonly #kind: Kind;
  readonly #call: GivenCall;

  constructor(kind: Kind, { maxLength = defaultOf[kind] }: LengthOptions, call: GivenCall) {
    this.most = maxLength;
    this.#kind = kind;
    this.#call = call;
  }

  /** Throws a RangeError if `bytes` is above the bound. */
  check(bytes: number): void {
    if (bytes > this.most) throw this.error();
  }

  error(): RangeError {
    const what = this.#kind === "line" ? "a line" : "the file", isLast = this.most === STRING;
    const reason = isLast ? "which is the most that a string can hold" : "the bound that maxLength sets";
    const way = isLast ? "Read it in pieces, with read()." : "Pass a larger maxLength.";
    return new RangeError(
      messageOf(this.#call, `${what} has more than ${this.most} bytes, ${reason}. ${way}`),
    );
  }
}
