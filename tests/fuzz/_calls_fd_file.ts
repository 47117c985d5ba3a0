/**
 * The methods of `FdFile`, each on a copy of a descriptor that it closes.
 *
 * @module
 */
import { FdFile, libc } from "../../mod.ts";
import type { Random } from "../_random.ts";
import { type Arg, bytes, type Call, fd, file, filled, type Kind, offset } from "./_calls_values.ts";

type Methods = Record<string, (...args: readonly unknown[]) => unknown>;
type Method = (name: string, ...args: readonly unknown[]) => unknown;

async function onCopy(
  fd: number,
  isSync: boolean,
  use: (call: Method, file: FdFile) => unknown,
): Promise<unknown> {
  using file = FdFile.fromFd(libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0));
  const methods = file as unknown as Methods;
  return await use((name, ...args) => methods[isSync ? `${name}Sync` : name]!(...args), file);
}

const read = async (count: unknown, buffer: Uint8Array) => {
  const read = await count as number | null;
  return read === null ? null : filled(buffer, read);
};

/** The arguments after the descriptor, and the call with them. */
const twins: Readonly<
  Record<
    string,
    [kinds: Kind[], make: (random: Random) => Arg[], run: (call: Method, ...args: never[]) => unknown]
  >
> = {
  read: [["bytes"], (r) => [bytes(r)], (call, buffer) => read(call("read", buffer), buffer)],
  write: [["bytes"], (r) => [bytes(r)], (call, bytes) => call("write", bytes)],
  pread: [
    ["bytes", "long"],
    (r) => [bytes(r), offset(r)],
    (call, buffer, at) => read(call("pread", buffer, at), buffer),
  ],
  pwrite: [["bytes", "long"], (r) => [bytes(r), offset(r)], (call, bytes, at) => call("pwrite", bytes, at)],
  seek: [
    ["long", "int"],
    (r) => [offset(r), r.pick([0, 0, 1, 2])],
    (call, at, from) => call("seek", at, from),
  ],
  truncate: [["long"], (r) => [offset(r)], (call, length) => call("truncate", length)],
  sync: [[], () => [], (call) => call("sync")],
  stat: [[], () => [], async (call) => {
    const { isFile, isDirectory, isSymlink, isFifo, size } = await call("stat") as Deno.FileInfo;
    return isFile ? size : isDirectory ? "directory" : isSymlink ? "symlink" : isFifo ? "pipe" : "socket";
  }],
  readAll: [[], () => [], async (call) => [...await call("readAll") as Uint8Array]],
  writeAll: [["bytes"], (r) => [bytes(r)], (call, bytes) => call("writeAll", bytes)],
};

export const fileCalls: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(
    Object.entries(twins).flatMap(([name, [kinds, make, run]]) =>
      [true, false].map((isSync): [string, Call] => [`file_${name}${isSync ? "" : "_async"}`, {
        kinds: ["fd", ...kinds],
        make: (random) => [file(random), ...make(random)],
        run: (fd: number, ...args: never[]) => onCopy(fd, isSync, (call) => run(call, ...args)),
        onFilesOnly: true,
      }])
    ),
  ),
  file_readable: {
    kinds: ["fd"],
    make: (random) => [file(random)],
    run: (fd: number) =>
      onCopy(fd, false, async (_, file) => {
        const all: number[] = [];
        for await (const chunk of file.readable) all.push(...chunk);
        return all;
      }),
    onFilesOnly: true,
  },
  file_writable: {
    kinds: ["fd", "bytes"],
    make: (random) => [file(random), bytes(random)],
    run: (fd: number, bytes: Uint8Array) =>
      onCopy(fd, false, async (_, file) => {
        const writer = file.writable.getWriter();
        await writer.write(bytes);
        await writer.close();
      }),
    onFilesOnly: true,
  },
  fromFd: {
    kinds: ["fd"],
    make: (random) => [fd(random)],
    run: (fd: number) => {
      const file = FdFile.fromFd(fd);
      return [file.fd, file.take()].every((number) => number === fd);
    },
  },
  file_closed: {
    kinds: ["fd"],
    make: (random) => [fd(random)],
    run: (fd: number) => onCopy(fd, true, (call, file) => (file.close(), call("read", new Uint8Array(1)))),
  },
};
