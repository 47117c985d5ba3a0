import { checkBuffer } from "../../../ffi/libc/threads.ts";
import { shown } from "../../../ffi/message.ts";

const encoder = new TextEncoder();

/** Encodes what is written to a file, as a whole or in chunks. */
export interface Encoding {
  /** The bytes of all data. */
  whole(data: unknown): Uint8Array;
  /** The bytes of a chunk, without a last half of a surrogate pair, which waits for the next chunk. */
  chunk(data: unknown): Uint8Array;
  /** The bytes of what the last chunk left over. */
  rest(): Uint8Array;
}

/** The bytes of `data`, which is text or bytes. `call` is the function that a TypeError names. */
export function bytesOf(call: string, data: unknown): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  if (data instanceof Uint8Array) return checkBuffer(data);
  throw wrong(call, "a string or a Uint8Array", data);
}

/** An encoding for data that is bytes. `call` is the function that a TypeError names. */
export function bytesFor(call: string): Encoding {
  const whole = (data: unknown) => {
    if (data instanceof Uint8Array) return checkBuffer(data);
    throw wrong(call, "a Uint8Array", data);
  };
  return { whole, chunk: whole, rest: () => new Uint8Array() };
}

/** An encoding for text. A chunk may end within a surrogate pair; a lone surrogate becomes U+FFFD. */
export function textFor(call: string): Encoding {
  const stringOf = (data: unknown) => {
    if (typeof data === "string") return data;
    throw wrong(call, "a string", data);
  };
  let high = "";
  return {
    whole: (data) => encoder.encode(stringOf(data)),
    chunk(data) {
      const text = high + stringOf(data), end = text.length - 1, last = text.charCodeAt(end);
      const isHalf = last >= 0xd800 && last <= 0xdbff;
      high = isHalf ? text[end]! : "";
      return encoder.encode(isHalf ? text.slice(0, end) : text);
    },
    rest: () => encoder.encode(high),
  };
}

function wrong(call: string, expected: string, data: unknown): TypeError {
  return new TypeError(`${call}: what is written must be ${expected}, not ${shown(data)}.`);
}
