import { errno } from "../symbols.ts";
import * as linux from "./constants.ts";
import { errnoAt, glibc, memcpy } from "./glibc.ts";

// linux/fs.h, bits/fcntl-linux.h and asm-generic/fcntl.h
const RWF_NOWAIT = 0x8, SPLICE_F_NONBLOCK = 0x2;
const F_GETFL = 3, O_ACCMODE = 3, O_RDONLY = 0;
/** The offset of the file. */
const CURRENT = -1n;

/** These calls need the address of a buffer. The address of this one never changes, and one call fills a pipe with it. */
let stage: Uint8Array<ArrayBuffer> | undefined;
const SIZE = 64 * 1024;
/** `struct iovec`: the address and the length of the buffer. */
const iovec = new BigUint64Array(2);

let fcntl: ReturnType<typeof glibc<"fcntl">> | undefined;
let vmsplice: ReturnType<typeof glibc<"vmsplice">> | undefined;
let preadv2: ReturnType<typeof glibc<"preadv2">> | undefined;
let pwritev2: ReturnType<typeof glibc<"pwritev2">> | undefined;

function staged(length: number): Uint8Array<ArrayBuffer> {
  if (stage === undefined) {
    stage = new Uint8Array(SIZE);
    // Fills 0 bytes, and returns the address of the buffer.
    iovec[0] = glibc("memset")(stage, 0, 0n);
  }
  const part = stage.subarray(0, length);
  iovec[1] = BigInt(part.length);
  return part;
}

/** Reads without waiting. Of the two calls for that, preadv2(2) keeps packets, and vmsplice(2) also takes a FIFO. */
export function readPipe(fd: number, bytes: Uint8Array): number | undefined {
  const part = staged(bytes.length);
  let result = (preadv2 ??= glibc("preadv2"))(fd, iovec, 1, CURRENT, RWF_NOWAIT);
  if (result === -1) {
    memcpy(errno, errnoAt, 4n);
    if (errno[0] === linux.EAGAIN) return undefined;
    // On a descriptor that is open for writing too, vmsplice(2) would write.
    const flags = (fcntl ??= glibc("fcntl"))(fd, F_GETFL, 0n);
    if (flags === -1 || (flags & O_ACCMODE) !== O_RDONLY) return -1;
    result = (vmsplice ??= glibc("vmsplice"))(fd, iovec, 1n, SPLICE_F_NONBLOCK);
    if (result === -1) {
      memcpy(errno, errnoAt, 4n);
      return errno[0] === linux.EAGAIN ? undefined : -1;
    }
  }
  bytes.set(result === part.length ? part : part.subarray(0, result));
  return result;
}

/** Writes without waiting. */
export function writePipe(fd: number, bytes: Uint8Array): number | undefined {
  const part = staged(bytes.length);
  part.set(bytes.length === part.length ? bytes : bytes.subarray(0, part.length));
  const result = (pwritev2 ??= glibc("pwritev2"))(fd, iovec, 1, CURRENT, RWF_NOWAIT);
  if (result !== -1) return result;
  memcpy(errno, errnoAt, 4n);
  return errno[0] === linux.EAGAIN ? undefined : -1;
}
