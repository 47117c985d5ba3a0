/** The `FileHandle` that `fs.promises.open()` returns. */
import type { FdFile } from "../fs/file.ts";
import { builtin } from "../sandbox/warm_up.ts";
import type { Call, Calls } from "./deno.ts";
import type { Files } from "./node_files.ts";
import { bytesOf, encoded, type Options, partsOf } from "./node_values.ts";

type Input = ReadableStream<unknown> & AsyncIterable<unknown>;

/**
 * The handle of an open file. Its number is -1 once the file is closed: another file can then get the same number.
 *
 * @param streams The functions that make streams of node:fs.
 */
export function handleOf(fd: number, files: Files, streams: Calls): object {
  const file: FdFile = files.of(fd);
  const number = () => files.isOwn(fd) && files.of(fd) === file ? fd : -1;
  const own = () => files.of(number());
  const call = (name: string) => {
    const { sync, async = sync } = files.forms[name]! as { sync: Call; async?: Call };
    return async (...args: unknown[]) => await async(number(), ...args);
  };
  const write = async (data: unknown, options?: unknown) => {
    for await (const part of partsOf(data)) await own().writeAll(bytesOf(part, options));
  };
  const close = async () => {
    if (number() >= 0) await call("close")();
  };
  const stream = (name: "createReadStream" | "createWriteStream") => (options?: Options) => {
    own();
    return streams[name]!(undefined, { ...options, fd });
  };
  const createReadStream = stream("createReadStream");
  return {
    get fd() {
      return number();
    },
    read: call("read"),
    write: call("write"),
    readv: call("readv"),
    writev: call("writev"),
    readFile: async (options: unknown) => encoded(await own().readAll(), options),
    writeFile: write,
    appendFile: write,
    stat: call("fstat"),
    truncate: call("ftruncate"),
    sync: call("fsync"),
    datasync: call("fdatasync"),
    utimes: call("futimes"),
    chmod: call("fchmod"),
    chown: call("fchown"),
    createReadStream,
    createWriteStream: stream("createWriteStream"),
    readLines: (options?: Options) =>
      builtin<Calls>("node:readline").createInterface!({
        input: createReadStream(options),
        crlfDelay: Infinity,
      }),
    readableWebStream: (options?: Options) =>
      ReadableStream.from(createReadStream({ autoClose: options?.autoClose === true }) as Input),
    close,
    [Symbol.asyncDispose]: close,
  };
}
