/**
 * What limits the library: the calls by themselves, with prepared arguments, and nothing checked.
 *
 * @module
 */
import { places } from "../../../ffi/linux/glibc.ts";
import { libc } from "../../../mod.ts";
import { type Cases, freshNames } from "./cases.ts";
import { KiB, looked, MiB } from "./scene.ts";

const library = places[Deno.build.arch]!.find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
})!;
const { openat, openat2, read, readAway, write, close, statx, getdents64 } = Deno.dlopen(library, {
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  openat2: { name: "syscall", parameters: ["i64", "i32", "buffer", "buffer", "usize"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  readAway: { name: "read", parameters: ["i32", "buffer", "usize"], result: "i32", nonblocking: true },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "i32" },
}).symbols;

const place = Deno.args[2]!;
const SYS_openat2 = 437n, O_CLOEXEC = 0x80000, O_CREATE = O_CLOEXEC | 0x241, RESOLVE_BENEATH = 0x08;
const how = new Int32Array([O_CLOEXEC, 0, 0, 0, RESOLVE_BENEATH, 0]);
const cString = (text: string) => new TextEncoder().encode(`${text}\0`);
const files = libc.open(`${place}/files`, libc.O_RDONLY),
  open = (name: Uint8Array<ArrayBuffer>) => openat2(SYS_openat2, files, name, how, 24n);

/** Reads to memory that it allocates, or to the same again and again, and finds the end where asked to. */
function reads(name: string, size: number, isOwn: boolean) {
  const path = cString(name), count = BigInt(size), rest = new Uint8Array(16);
  let memory = new Uint8Array(size);
  return (times: number) => {
    for (let i = 0; i < times; i++) {
      const fd = open(path);
      if (isOwn) memory = new Uint8Array(size);
      if (read(fd, memory, count) !== size) throw new Error(`${name} was not read`);
      if (isOwn) read(fd, rest, 16n);
      close(fd);
    }
  };
}

function writes(size: number) {
  const data = new Uint8Array(size), names = freshNames((name) => Deno.removeSync(`${place}/files/${name}`));
  return {
    run: (times: number) => {
      for (let i = 0; i < times; i++) {
        const fd = openat(files, cString(names.next()), O_CREATE, 0o666);
        if (write(fd, data, BigInt(size)) !== size) throw new Error("nothing was written");
        close(fd);
      }
    },
    undo: names.undo,
  };
}

function lists() {
  const buffer = new Uint8Array(128 * KiB);
  return (times: number) => {
    for (let i = 0; i < times; i++) {
      const fd = libc.open(`${place}/many`, libc.O_RDONLY);
      while (getdents64(fd, buffer, BigInt(buffer.length)) > 0);
      close(fd);
    }
  };
}

export const cases: Cases = {
  names: lists,
  entries: lists,
  read1K: () => reads("1 KiB", KiB, true),
  read64K: () => reads("64 KiB", 64 * KiB, true),
  read500M: () => reads("500 MiB", 500 * MiB, true),
  into1K: () => reads("1 KiB", KiB, false),
  into64K: () => reads("64 KiB", 64 * KiB, false),
  into500M: () => reads("500 MiB", 500 * MiB, false),
  stat: () => {
    const names = looked.map(cString), stat = new Uint8Array(256);
    return (times) => {
      for (let i = 0; i < times; i++) statx(files, names[i % names.length]!, 0, 0xfff, stat);
    };
  },
  write1K: () => writes(KiB),
  write10M: () => writes(10 * MiB),
  readAsync10M: () => {
    const path = cString("10 MiB"), count = BigInt(10 * MiB);
    return async (times) => {
      for (let i = 0; i < times; i++) {
        const fd = open(path), memory = new Uint8Array(10 * MiB);
        if (await readAway(fd, memory, count) !== 10 * MiB) throw new Error("10 MiB were not read");
        close(fd);
      }
    };
  },
};
