/**
 * Many failing calls with many errnos, among allocations that make the garbage collector run between them.
 *
 * As a Worker it makes as many as a message says, and answers with what went wrong. Where simulated, its URL names the
 * preload script.
 *
 * @module
 */
const preload = new URL(import.meta.url).searchParams.get("preload");
if (preload !== null) await import(preload);
const { libc, limit, openDirSync, openSync } = await import("../../mod.ts");

export interface Storm {
  /** A directory with a "file", a "dir" that is not empty, and a symlink "loop". */
  path: string;
  times: number;
}

const noDescriptor = 100_000;
const buffer = new Uint8Array(224);
const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = libc;

/** Makes the calls and gives how often each came out otherwise than it must. */
export function storm({ path, times }: Storm): Record<string, number> {
  using dir = openDirSync(path);
  using file = dir.openSync("file", { read: true, write: true });
  using limited = openSync(`${path}/file`, { read: true });
  limit(limited, ["FSTAT"]);
  const calls: [errno: number, call: () => unknown][] = [
    [2, () => libc.fstatat(dir, "nothing", buffer, 0)],
    [9, () => libc.close(noDescriptor)],
    [9, () => libc.cap_ioctls_get(noDescriptor, null, 0)],
    [17, () => libc.openat(dir, "file", O_WRONLY | O_CREAT | O_EXCL)],
    [20, () => libc.openat(dir, "file/a", O_RDONLY)],
    [21, () => libc.openat(dir, "dir", O_WRONLY)],
    [22, () => libc.lseek(file, 0, 99)],
    [22, () => libc.readlinkat(dir, "file", buffer)],
    [25, () => libc.ioctl(file, 0x2000740d)],
    [31, () => libc.openat(dir, "loop", O_RDONLY | libc.O_NOFOLLOW)],
    [66, () => libc.unlinkat(dir, "dir", libc.AT_REMOVEDIR)],
    [93, () => libc.read(limited, buffer)],
    [93, () => libc.lseek(limited, 0, libc.SEEK_CUR)],
    [93, () => limit(limited, ["READ"])],
  ];
  const wrong: Record<string, number> = {};
  let kept: unknown[] = [];
  for (let i = 0, at = 0; i < times; i++, at = (at * 5 + i + 1) % calls.length) {
    const [errno, call] = calls[at]!;
    kept.push(new Array(i & 63).fill(i), `${i}`.repeat(8));
    if ((i & 0xfff) === 0) kept = [new Uint8Array(1 << 20)];
    let got: unknown = "success";
    try {
      call();
    } catch (error) {
      got = (error as { errno?: number }).errno ?? String(error);
    }
    if (got === errno) continue;
    const what = `${call}: ${got} for ${errno}`;
    wrong[what] = (wrong[what] ?? 0) + 1;
  }
  return wrong;
}

if ("DedicatedWorkerGlobalScope" in globalThis) {
  const worker = self as unknown as Worker;
  worker.onmessage = ({ data }: MessageEvent<Storm>) => worker.postMessage(storm(data));
  // Deno 2.7 can lose a message that comes before the module has run.
  worker.postMessage("ready");
}
