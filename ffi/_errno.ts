/** errno of the last call that failed. */
export const errno: Int32Array<ArrayBuffer> = new Int32Array(1);
