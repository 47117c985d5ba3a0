/**
 * Prints a table of the open descriptors of the process, with kind, rights, ioctls, fcntls, close-on-exec and offset.
 *
 * Run as a program, it shows what Deno itself holds open before a program opens anything. Inside your own program,
 * {@link auditTable} returns the same table.
 *
 * ```sh
 * deno run --allow-ffi=/lib/libc.so.7 jsr:@capsicum/capsicum/audit
 * ```
 *
 * @example
 * ```ts
 * import { auditTable } from "jsr:@capsicum/capsicum/audit";
 * import { isSupported, openDescriptors, openSync } from "jsr:@capsicum/capsicum";
 * import { assertStringIncludes } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { append: true });
 *   file.limit(["WRITE"]);
 *   assertStringIncludes(auditTable(openDescriptors()), "WRITE");
 * }
 * ```
 *
 * @module
 */
import { isSupported, sandboxed } from "../../ffi/capsicum/capability.ts";
import { quoted, shown, visible, wrapped } from "../../ffi/errors.ts";
import { Rights } from "../../rights/rights.ts";
import { type OpenDescriptor, openDescriptors } from "./open_descriptors.ts";

const help = `Prints the descriptors that this process has open: number, kind, whether exec
closes it, offset, rights, and where it was opened.

usage: deno run --allow-ffi=/lib/libc.so.7 jsr:@capsicum/capsicum/audit [option]

  --json   print them as JSON
  --help   print this

EXEC is "close" where exec closes the descriptor, and "keep" where a child
inherits it. OFFSET is in bytes. RIGHTS are those of rights(4) without CAP_;
"all" means that nothing was taken from it. ioctls and fcntls are shown where
some but not all are left.
`;

/**
 * Returns descriptors as a table of 80 columns.
 *
 * Calls nothing and needs no permission.
 *
 * @throws {TypeError} If the argument is not a list of descriptors.
 *
 * @example
 * ```ts
 * import { auditTable } from "jsr:@capsicum/capsicum/audit";
 * import { assertStringIncludes } from "jsr:@std/assert";
 *
 * assertStringIncludes(auditTable([{ fd: 5, kind: "pipe", closeOnExec: true }]), "  5  pipe");
 * ```
 */
export function auditTable(descriptors: Iterable<OpenDescriptor>): string {
  const isList = typeof descriptors === "object" && descriptors !== null && Symbol.iterator in descriptors;
  const all = isList ? [...descriptors] : [undefined];
  if (!all.every((one) => typeof one?.fd === "number" && typeof one.kind === "string")) {
    throw new TypeError(`auditTable() takes what openDescriptors() returns, not ${shown(descriptors)}.`);
  }
  return [row("FD", "KIND", "EXEC", "OFFSET") + "RIGHTS", ...all.flatMap((one) => lines(one!))].join(
    "\n",
  );
}

function row(fd: string, kind: string, exec: string, offset: string): string {
  return `${fd.padStart(4)}  ${kind.padEnd(17)}  ${exec.padEnd(5)}  ${offset.padStart(10)}  `;
}

function lines(
  { fd, kind, path, rights, ioctls, fcntls, closeOnExec, offset }: OpenDescriptor,
): string[] {
  const first = row(
    String(fd),
    kind,
    closeOnExec ? "close" : "keep",
    offset === undefined ? "-" : String(offset),
  );
  const isAll = rights !== undefined && ioctls !== undefined && fcntls !== undefined &&
    rights.isSupersetOf(Rights.all(13)) && ioctls.isUnlimited && fcntls.size === 4;
  const indent = " ".repeat(6);
  return [
    ...wrapped(first, rights === undefined ? "-" : isAll ? "all" : String(rights)),
    ...(path === undefined ? [] : wrapped(indent, printable(path))),
    ...(ioctls && rights?.has("IOCTL") && !ioctls.isUnlimited
      ? wrapped(`${indent}ioctls `, String(ioctls))
      : []),
    ...(fcntls && rights?.has("FCNTL") && fcntls.size < 4 ? wrapped(`${indent}fcntls `, String(fcntls)) : []),
  ];
}

/** A name; one that has control characters or is not UTF-8 is quoted as in JSON. */
function printable(path: string): string {
  return visible(path) === path ? path : quoted(path, Infinity);
}

/** Prints the table, and returns the exit code. */
function main(args: readonly string[]): number {
  const unknown = args.find((arg) => arg !== "--json" && arg !== "--help");
  if (unknown !== undefined) {
    console.error(`audit: unknown argument ${JSON.stringify(unknown)}; see --help.`);
    return 2;
  }
  if (args.includes("--help")) {
    console.log(help.trimEnd());
    return 0;
  }
  const supported = isSupported(), capabilityMode = supported ? sandboxed() : null;
  const descriptors = openDescriptors();
  if (args.includes("--json")) {
    console.log(JSON.stringify({ capabilityMode, descriptors }, null, 2));
  } else {
    console.log(auditTable(descriptors));
    const mode = supported
      ? capabilityMode ? "in capability mode" : "not in capability mode"
      : "no Capsicum here";
    console.log(`${descriptors.length} descriptors, ${mode}`);
  }
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exitCode = main(Deno.args);
  } catch (error) {
    console.error(`audit: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}
