/**
 * Built-in functions as they were when the library was loaded.
 *
 * What decides which memory a call may touch must not depend on what later code made of a prototype or a global name, nor on
 * what an object says of itself. So lengths of buffers come from here, and so do the buffers whose address the kernel gets.
 *
 * @module
 */
type Method = (this: never, ...args: never[]) => unknown;

/** Makes a method a function whose first parameter is `this`. */
const unbound = Function.prototype.bind.bind(Function.prototype.call) as unknown as <Result>(
  method: Method,
) => (...args: unknown[]) => Result;

function getter<Result>(prototype: object, name: PropertyKey): (of: unknown) => Result {
  return unbound<Result>(Object.getOwnPropertyDescriptor(prototype, name)!.get!);
}

const typedArray: Int8Array = Object.getPrototypeOf(Int8Array.prototype);
const bufferOf = getter<ArrayBuffer>(typedArray, "buffer");
const byteOffsetOf = getter<number>(typedArray, "byteOffset");
const kindOf = getter<string | undefined>(typedArray, Symbol.toStringTag);
const isShared = unbound<boolean>(Object[Symbol.hasInstance] as Method).bind(null, SharedArrayBuffer);
const resizable = getter<boolean>(ArrayBuffer.prototype, "resizable");
const growable = getter<boolean>(SharedArrayBuffer.prototype, "growable");

/** The number of bytes of a typed array. Throws a TypeError if it is another value. */
export const byteLengthOf: (array: unknown) => number = getter<number>(typedArray, "byteLength");

/** Whether a value is a Uint8Array, or of a class that extends it. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return kindOf(value) === "Uint8Array";
}

/** Whether the buffer of a typed array can change its length. */
export function isResizable(array: ArrayBufferView): boolean {
  const buffer = bufferOf(array);
  return isShared(buffer) ? growable(buffer) : resizable(buffer);
}

/** The original `Uint8Array`, also if the global name was replaced. */
export const Bytes = Uint8Array;
export type Bytes = Uint8Array<ArrayBuffer>;

/** The bytes of an array from `from` to `to`, in the same memory. */
export function partOf(array: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> {
  return new Bytes(bufferOf(array), byteOffsetOf(array) + from, to - from);
}

/** Copies all elements of a typed array to the front of another one. */
export const copyInto = unbound<void>(typedArray.set as Method) as (
  to: Uint8Array,
  from: Uint8Array,
) => void;

export const toBigInt = BigInt, toNumber = Number;

export function lesser(a: number, b: number): number {
  return a < b ? a : b;
}

/** The same as the method `includes`. */
export function isAmong(values: readonly number[], value: number): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] === value) return true;
  return false;
}
