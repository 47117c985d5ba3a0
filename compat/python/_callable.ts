/** A class whose objects are made by a plain call, as in Python, or with `new`. */
export interface Callable<Args extends unknown[], Made> {
  /** Makes an object. */
  new (...args: Args): Made;
  /** Makes an object. */
  (...args: Args): Made;
  /** The prototype of all objects, for `instanceof`. */
  readonly prototype: Made;
}

/** Returns such a class, which makes its objects by `make`. */
export function callable<Args extends unknown[], Made>(
  name: string,
  prototype: Made,
  make: (...args: Args) => Made,
): Callable<Args, Made> {
  const create = function (...args: Args): Made {
    return make(...args);
  };
  Object.defineProperties(create, { name: { value: name }, prototype: { value: prototype } });
  return Object.freeze(create) as unknown as Callable<Args, Made>;
}
