import { places } from "../../ffi/linux/glibc.ts";
import { root } from "./deno.ts";
import type { Place } from "./places.ts";

/** A kernel that the tests run against, and the flags and variables that children need to reach it too. */
export interface Kernel {
  /** What tests/run/places.ts calls it; undefined for the system's own FreeBSD. */
  place?: Place;
  simulated: boolean;
  /** The file that `--allow-ffi` must name. */
  libc: string;
  flags: string[];
  env: Record<string, string>;
  /** What sets it apart from another one of the same name. */
  variant?: string;
  /** Whether tests/_check.ts checks the calls of its processes. */
  isChecked?: true;
}

/** Finds the kernel of FreeBSD, or builds the stand-in on Linux. */
export async function findKernel(): Promise<Kernel> {
  if (Deno.build.os === "freebsd") return { simulated: false, libc: "/lib/libc.so.7", flags: [], env: {} };
  if (Deno.build.os !== "linux") {
    throw new Error(
      `This runs on FreeBSD, against its kernel, and on Linux, against a stand-in; there is neither on ${Deno.build.os}.`,
    );
  }
  const standin = new URL("tests/standin/build.ts", root).href;
  const { buildStandin } = await import(standin) as { buildStandin(): Promise<string> };
  return {
    place: "15.1",
    simulated: true,
    libc: await buildStandin(),
    flags: [`--preload=${new URL("tests/standin/preload.ts", root).href}`],
    env: { STANDIN_RELEASE: "15.1" },
  };
}

/** Every kernel that this system offers to the tests: first `findKernel()`, then those whose tests take less time. */
export async function findKernels(): Promise<[Kernel, ...Kernel[]]> {
  const native = nativeKernel();
  if (Deno.env.get("CAPSICUM_CHECK") === "1") {
    if (native === undefined) throw new Error("CAPSICUM_CHECK checks the calls of Linux, natively.");
    return Deno.build.arch === "x86_64"
      ? [checked(native), checked(withoutOpenat2(native))]
      : [checked(native)];
  }
  const first = await findKernel();
  const kernels: [Kernel, ...Kernel[]] = [first];
  if (native !== undefined) kernels.push(native);
  if (first.simulated) kernels.push({ ...first, place: "13.2", env: { STANDIN_RELEASE: "13.2" } });
  if (native !== undefined && Deno.build.arch === "x86_64") {
    kernels.push(withoutOpenat2(native), { ...checked(native), place: "native checked" });
  }
  return kernels;
}

/** Linux under a filter that refuses openat2(2) with EPERM, as those of old container runtimes do. */
function withoutOpenat2(native: Kernel): Kernel {
  return {
    ...native,
    place: "native without openat2",
    variant: "without openat2(2)",
    flags: [`--preload=${new URL("tests/_no_openat2.ts", root).href}`],
    env: { CAPSICUM_TEST_OPENAT2: "1", CAPSICUM_TEST_ATTACK_SECONDS: "5" },
  };
}

const check = `--preload=${new URL("tests/_check.ts", root).href}`;

/** The same kernel, where tests/_check.ts checks each name. */
function checked(kernel: Kernel): Kernel {
  const variant = kernel.variant === undefined ? "" : `${kernel.variant}, `;
  return {
    ...kernel,
    variant: `${variant}each name checked`,
    flags: [check, ...kernel.flags],
    isChecked: true,
  };
}

/** The flags with which a violation is also added to a file: a test may expect that a process fails. */
export function loggingTo(path: string, flags: string[]): string[] {
  return flags.map((flag) => flag === check ? `${check}?log=${encodeURIComponent(path)}` : flag);
}

/** Linux itself, on which the file API works and Capsicum does not; undefined elsewhere. */
export function nativeKernel(): Kernel | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const libc = (places[Deno.build.arch] ?? []).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  return libc === undefined ? undefined : { place: "native", simulated: false, libc, flags: [], env: {} };
}

/** The variables that tests/_child.ts hands on to the children of the tests. */
export function kernelEnv(kernel: Kernel, flags: string[]): Record<string, string> {
  return { CAPSICUM_TEST_FLAGS: JSON.stringify(flags), CAPSICUM_TEST_LIBC: kernel.libc };
}

/** The name of the kernel that answers a child with these flags and variables, asked from such a child. */
export async function askKernel(flags: string[], env: Record<string, string>): Promise<string> {
  const source = `
    import { kernel } from ${JSON.stringify(new URL("tests/_kernel.ts", root).href)};
    console.log(kernel.name);`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", ...flags, `data:text/javascript,${encodeURIComponent(source)}`],
    env,
    cwd: root,
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`No kernel answered.\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}
