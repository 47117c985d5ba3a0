/**
 * Chunks of 64 KiB through pipes and sockets, beside `Deno.FsFile` and Deno's connections, by turns in one run.
 *
 * @module
 */
import { FdFile, libc, openDirSync } from "../../mod.ts";
import { Fixture } from "../_fixture.ts";
import { pipe, socketPair } from "../_pairs.ts";
import { isQuick, median, report } from "./_bench.ts";

const chunk = new Uint8Array(64 * 1024), chunks = 1000, rounds = isQuick ? 1 : 9;
/** The throughput that is wanted is 0.9 of the peer's. */
const target = { ratio: 1.11 };

interface End {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

using fixture = new Fixture();
using dir = openDirSync(fixture.path);
dir.mkfifoSync("fifo");
const path = fixture.at("fifo"), write = { write: true };

async function writeAll(end: End): Promise<void> {
  for (let i = 0; i < chunks; i++) {
    for (let used = 0; used < chunk.length;) used += await end.write(chunk.subarray(used));
  }
  end.close();
}

async function readAll(end: End): Promise<void> {
  const bytes = new Uint8Array(chunk.length);
  for (let left = chunks * chunk.length; left > 0;) left -= await end.read(bytes) ?? left;
  end.close();
}

/** A process at the other end. */
function other(script: string, end = path): Deno.ChildProcess {
  return new Deno.Command("sh", { args: ["-c", script], env: { END: end } }).spawn();
}

/** A process at the other end of a pipe: it inherits `end`. */
function inheriting(script: string, end: FdFile): Deno.ChildProcess {
  using _closed = end;
  libc.fcntl(end, libc.F_SETFD, 0);
  return other(script, `/dev/fd/${end.fd}`);
}

const sink = 'exec cat < "$END" > /dev/null',
  source = `exec head -c ${chunks * chunk.length} /dev/zero > "$END"`;

/** Microseconds a chunk. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / chunks * 1000;
}

async function writing(open: () => End | Promise<End>): Promise<number> {
  const child = other(sink);
  return await ending(child, writeAll, await open());
}

async function reading(open: () => End | Promise<End>): Promise<number> {
  const child = other(source);
  return await ending(child, readAll, await open());
}

async function ending(
  child: Deno.ChildProcess,
  move: (end: End) => Promise<void>,
  end: End,
): Promise<number> {
  const took = await time(() => move(end));
  await child.status;
  return took;
}

async function pipeWrites(): Promise<number> {
  const [from, to] = pipe();
  return await ending(inheriting(sink, from), writeAll, to);
}

async function pipeReads(): Promise<number> {
  const [from, to] = pipe();
  return await ending(inheriting(source, to), readAll, from);
}

async function through([from, to]: [End, End]): Promise<number> {
  return await time(() => Promise.all([writeAll(from), readAll(to)]));
}

async function connection(): Promise<[End, End]> {
  const socket = fixture.at("socket"), address = { transport: "unix", path: socket } as const;
  using listener = Deno.listen(address);
  const [from, to] = await Promise.all([Deno.connect(address), listener.accept()]);
  fixture.remove("socket");
  return [from, to];
}

const elsewhere = (flags: number) => FdFile.fromFd(libc.open(path, flags | libc.O_CLOEXEC));
const cases: Record<string, () => Promise<number>> = {
  denoWrites: () => writing(() => Deno.open(path, write)),
  fifoWrites: () => writing(() => dir.open("fifo", write)),
  elsewhereWrites: () => writing(() => elsewhere(libc.O_WRONLY)),
  pipeWrites,
  denoReads: () => reading(() => Deno.open(path)),
  fifoReads: () => reading(() => dir.open("fifo")),
  elsewhereReads: () => reading(() => elsewhere(libc.O_RDONLY)),
  pipeReads,
  denoThrough: async () => await through(await Promise.all([Deno.open(path, write), Deno.open(path)])),
  denoSocket: async () => await through(await connection()),
  socket: () => through(socketPair("stream")),
};

const samples = new Map(Object.keys(cases).map((name) => [name, [] as number[]]));
for (let round = -1; round < rounds; round++) {
  for (const [name, run] of Object.entries(cases)) {
    const took = await run();
    if (round >= 0) samples.get(name)!.push(took);
  }
}
const figure = (name: string) => median(samples.get(name)!);
const file = "Deno.FsFile with that FIFO", both = "two Deno.FsFile with that FIFO";
report("FdFile.write() of 64 KiB to a FIFO", figure("fifoWrites"), file, figure("denoWrites"), "us", target);
report(
  "the same to a FIFO from elsewhere",
  figure("elsewhereWrites"),
  file,
  figure("denoWrites"),
  "us",
  target,
);
report("the same to a pipe from elsewhere", figure("pipeWrites"), file, figure("denoWrites"), "us", target);
report("FdFile.read() of 64 KiB from a FIFO", figure("fifoReads"), file, figure("denoReads"), "us", target);
report(
  "the same from a FIFO from elsewhere",
  figure("elsewhereReads"),
  file,
  figure("denoReads"),
  "us",
  target,
);
report("the same from a pipe from elsewhere", figure("pipeReads"), file, figure("denoReads"), "us", target);
report("64 KiB through a stream socket", figure("socket"), both, figure("denoThrough"), "us", target);
report("the same", figure("socket"), "Deno's own connection", figure("denoSocket"), "us");
