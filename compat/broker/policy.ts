/**
 * Validates and reduces the policy of a broker, and checks requests against it. Makes no system calls.
 *
 * Each rule is a string in canonical form. A request is converted to the same form and compared, so rules are parsed only once.
 *
 * @module
 */
import { listed, MOST, quoted, shortened, shown } from "../../ffi/errors.ts";
import { failure } from "../../ffi/failure.ts";
import { anything, type Check, checkOptions } from "../../ffi/values.ts";
import { ambientPath } from "../fs/path/components.ts";
import { type Address, type Host, hostOf, scopeOf } from "./hosts.ts";

/** The requests that a broker permits. It refuses all others. */
export interface BrokerRules {
  /**
   * What to connect to: `"name:port"`, `"*.name:port"`, `"address:port"`, or `"unix:/absolute/path"`. An IPv6 address is in
   * brackets: `"[::1]:5432"`.
   */
  readonly connect?: readonly string[];
  /** The names that `resolveDns()` may look up: `"name"` or `"*.name"`. `connect()` does not need this rule. */
  readonly resolve?: readonly string[];
  /** Where to listen: `"address:port"`. With port 0 the kernel chooses one. */
  readonly listen?: readonly string[];
  /** The directories below which to open files. */
  readonly open?: BrokerDirectories;
}

/** Directories, as paths or `file:` URLs. A relative directory permits only relative paths of files. */
export interface BrokerDirectories {
  /** For reading. */
  readonly read?: readonly (string | URL)[];
  /** For writing and creating files. A file opened for reading and writing must be below a directory in both lists. */
  readonly write?: readonly (string | URL)[];
}

/** The policy of `broker()`. */
export interface BrokerPolicy extends BrokerRules {
  /** The path of the Deno executable that runs the second process. Default: `Deno.execPath()`. */
  readonly denoPath?: string;
  /**
   * What to do if the system cannot confine the second process. `"required"` throws `Deno.errors.NotSupported`. With
   * `"if-supported"` the process starts anyway and checks the policy, but the kernel does not enforce it. Default: `"required"`.
   */
  readonly enforce?: "required" | "if-supported";
}

/** A validated policy: rules in canonical form, by kind. Messages contain policies in this form. */
export type Policy = { readonly [kind in Kind]: readonly string[] };
export type Kind = "connect" | "resolve" | "listen" | "read" | "write";
export const kinds: readonly Kind[] = ["connect", "resolve", "listen", "read", "write"];

/** The most rules of a policy, of all kinds together. */
export const MOST_RULES = 1000;
/** The most bytes of a path: PATH_MAX of Linux. That of FreeBSD is smaller. */
const MOST_PATH = 4096;

const known = { connect: anything, resolve: anything, listen: anything, open: anything };
const knownDirectories = { read: anything, write: anything };

/**
 * Checks a policy as a whole.
 *
 * @param call The name of the calling function, for error messages.
 * @param others A check for each further member that the function accepts.
 * @throws {TypeError} If a rule has the wrong type or form. The message names the rule.
 * @throws {RangeError} If there are more than 1,000 rules.
 */
export function policyOf(
  call: string,
  rules: BrokerPolicy,
  others: Readonly<Record<string, Check>> = {},
): Policy {
  if (rules === undefined) throw new TypeError(`${call}: a policy must be an object, not undefined.`);
  checkOptions(call, rules, { ...known, ...others });
  const { connect, resolve, listen, open = {} } = rules;
  checkOptions(`${call}: open`, open, knownDirectories);
  const count = [connect, resolve, listen, open.read, open.write].reduce(
    (sum, list) => sum + (Array.isArray(list) ? list.length : 0),
    0,
  );
  if (count > MOST_RULES) {
    throw new RangeError(`${call}: a policy must have at most ${MOST_RULES} rules, not ${count}.`);
  }
  const checked = (kind: string, list: unknown, canonical: (rule: never) => string): string[] => {
    if (list === undefined) return [];
    if (!Array.isArray(list)) {
      throw new TypeError(`${call}: ${kind} must be an array of rules, not ${shown(list)}.`);
    }
    return list.map((rule, i) => {
      try {
        return canonical(rule as never);
      } catch (cause) {
        const start = `${call}: ${kind}[${i}], ${shown(rule)}: `;
        throw new TypeError(start + shortened((cause as Error).message, MOST - start.length), { cause });
      }
    });
  };
  return {
    connect: checked("connect", connect, connectRule),
    resolve: checked("resolve", resolve, (rule) => namePattern(text(rule))),
    listen: checked("listen", listen, listenRule),
    read: checked("open.read", open.read, directoryRule),
    write: checked("open.write", open.write, directoryRule),
  };
}

function text(rule: unknown): string {
  if (typeof rule === "string") return rule;
  throw new TypeError("A rule must be a string.");
}

function connectRule(rule: unknown): string {
  const given = text(rule);
  if (given.startsWith("unix:")) return `unix:${socketPath(given.slice("unix:".length))}`;
  const { host, port } = divided(given);
  if (host.startsWith("*.")) return `${namePattern(host)}:${portOf(port, 1)}`;
  const canonical = hostOf(host);
  if (!("name" in canonical) && scopeOf(canonical) === "unspecified") {
    throw new TypeError("This address cannot be connected to. The address of this machine is 127.0.0.1.");
  }
  return `${textOf(canonical)}:${portOf(port, 1)}`;
}

function listenRule(rule: unknown): string {
  const { host, port } = divided(text(rule)), canonical = hostOf(host);
  if ("name" in canonical) {
    throw new TypeError("A listen rule needs an address, such as 127.0.0.1 or [::1], not a name.");
  }
  return `${canonical.text}:${portOf(port, 0)}`;
}

/** A name, or all names with exactly one more label, as in a TLS certificate. */
function namePattern(given: string): string {
  const isPattern = given.startsWith("*."), host = hostOf(isPattern ? given.slice(2) : given);
  if (!("name" in host)) throw new TypeError("This rule needs a name, not an address.");
  return isPattern ? `*.${host.name}` : host.name;
}

function divided(rule: string): { host: string; port: string } {
  const at = rule.lastIndexOf(":"), host = rule.slice(0, at);
  if (at <= 0 || host.includes(":") && !/^\[.*\]$/.test(host)) {
    throw new TypeError(
      'A rule must be "host:port", with an IPv6 address in brackets, or "unix:" and a path.',
    );
  }
  return { host, port: rule.slice(at + 1) };
}

function portOf(port: string, least: number): number {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : NaN;
  if (number >= least && number <= 0xffff) return number;
  throw new TypeError(`The port must be a number from ${least} to 65535.`);
}

/** The canonical path of a socket. It must be absolute. */
function socketPath(path: string): string {
  const canonical = directoryRule(path);
  if (!canonical.startsWith("/")) throw new TypeError("The path of a socket must be absolute.");
  if (new TextEncoder().encode(canonical).length > 103) {
    throw new TypeError("The path of a socket must have at most 103 bytes.");
  }
  return canonical;
}

function directoryRule(path: string | URL): string {
  const { isAbsolute, names } = namesOf(ambientPath(path));
  if (names.includes("..")) throw new TypeError('The path of a rule must not contain "..".');
  return joinedPath(isAbsolute, names);
}

interface Names {
  readonly isAbsolute: boolean;
  readonly names: readonly string[];
}

function namesOf(path: string): Names {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return { isAbsolute: path.startsWith("/"), names };
}

function joinedPath(isAbsolute: boolean, names: readonly string[]): string {
  return isAbsolute ? `/${names.join("/")}` : names.join("/") || ".";
}

/** The part of a path below the directory of a rule; undefined if the path is not below it. */
export function below(rule: string, path: string): string | undefined {
  const of = namesOf(rule), all = namesOf(path);
  if (!isBelow(of, all)) return undefined;
  const rest = all.names.slice(of.names.length).join("/") || ".";
  // A slash at the end means a directory, which a file is not.
  return path.endsWith("/") && rest !== "." ? `${rest}/` : rest;
}

function isBelow(of: Names, { isAbsolute, names }: Names): boolean {
  return of.isAbsolute === isAbsolute && of.names.every((name, i) => names[i] === name);
}

/** A host as rules write it. */
export function textOf(host: Host): string {
  return "name" in host ? host.name : host.text;
}

/** The pattern that a name matches: with "*" as its first label. */
function patternOf(name: string): string | undefined {
  const at = name.indexOf(".");
  return at < 0 ? undefined : `*${name.slice(at)}`;
}

/** The error for a request that no rule permits. */
export function refused(syscall: string, path: string, kind: string, rule: string): Error {
  return failure(
    { syscall, path },
    "ENOTCAPABLE",
    `the broker's policy does not permit this (ENOTCAPABLE). The rule ${kind}: [${
      quoted(rule, 100)
    }] is missing.`,
  );
}

/** Throws unless a rule permits connecting to a host. */
export function checkConnect(policy: Policy, host: Host, port: number): void {
  const asked = `${textOf(host)}:${port}`;
  if (policy.connect.includes(asked)) return;
  const pattern = "name" in host ? patternOf(host.name) : undefined;
  if (pattern !== undefined && policy.connect.includes(`${pattern}:${port}`)) return;
  throw refused("connect", asked, "connect", asked);
}

/**
 * Throws unless a name may resolve to an address: a public one, one with its own rule, or loopback for "localhost".
 * So the owner of a permitted name cannot direct the broker to this machine or its network.
 */
export function checkResolved(policy: Policy, name: string, address: Address, port: number): void {
  const scope = scopeOf(address), asked = `${address.text}:${port}`;
  if (scope === "public" || policy.connect.includes(asked)) return;
  if (scope === "loopback" && name === "localhost") return;
  throw failure(
    { syscall: "connect", path: `${name}:${port}` },
    "ENOTCAPABLE",
    `the name resolves to ${address.text}, a ${scope} address, which needs its own rule (ENOTCAPABLE). ` +
      `The rule connect: [${quoted(asked)}] is missing.`,
  );
}

/** The canonical path of a socket. Throws unless a rule permits it. */
export function checkSocket(policy: Policy, path: string): string {
  const canonical = socketPath(path), rule = `unix:${canonical}`;
  if (policy.connect.includes(rule)) return canonical;
  throw refused("connect", path, "connect", rule);
}

/** The canonical form of a name. Throws unless a rule permits looking it up. */
export function checkResolve(policy: Policy, given: string): string {
  const host = hostOf(given);
  if (!("name" in host)) throw new TypeError(`${shown(given)} is an address, not a name.`);
  const pattern = patternOf(host.name);
  if ([host.name, pattern].some((rule) => rule !== undefined && policy.resolve.includes(rule))) {
    return host.name;
  }
  throw refused("resolveDns", given, "resolve", host.name);
}

/** The address in canonical form. Throws unless a rule permits listening at it. */
export function checkListen(policy: Policy, hostname: string, port: number): Address {
  const host = hostOf(hostname), asked = `${textOf(host)}:${port}`;
  if (!("name" in host) && policy.listen.includes(asked)) return host;
  throw refused("listen", asked, "listen", asked);
}

/** What a file is opened for. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

/** The deepest directory whose rules permit opening a file, and the path below it. Throws if there is none. */
export function checkOpen(
  policy: Policy,
  path: string,
  { read, write }: Access,
): [dir: string, path: string] {
  const wanted = (["read", "write"] as const).filter((kind) => kind === "read" ? read : write);
  const [first = "read", second = first] = wanted;
  if (new TextEncoder().encode(path).length >= MOST_PATH) {
    throw failure(
      { syscall: "open" },
      "ENAMETOOLONG",
      `the path has ${MOST_PATH} bytes or more (ENAMETOOLONG).`,
    );
  }
  const all = namesOf(path), isPermitted = (rule: string) => isBelow(namesOf(rule), all);
  const rules = policy[first].filter((rule) => policy[second].includes(rule) && isPermitted(rule));
  const deepest = rules.toSorted((a, b) => b.length - a.length)[0];
  if (deepest !== undefined) return [deepest, below(deepest, path)!];
  const missing = wanted.find((kind) => !policy[kind].some(isPermitted)) ?? second;
  throw refused("open", path, `open: ${missing}`, joinedPath(all.isAbsolute, all.names.slice(0, -1)));
}

/**
 * Returns the new policy, if the old policy permits each of its rules.
 *
 * @throws {CapsicumError} ENOTCAPABLE if a new rule permits more. The message names it.
 */
export function shrunk(old: Policy, rules: Policy): Policy {
  const surplus = kinds.flatMap((kind) => {
    const texts = new Set(old[kind]), isOpen = kind === "read" || kind === "write";
    const dirs = isOpen ? old[kind].map(namesOf) : [];
    return rules[kind].filter((rule) => !isWithin(texts, dirs, kind, rule)).map((rule) =>
      `${isOpen ? `open.${kind}` : kind} ${quoted(rule)}`
    );
  });
  if (surplus.length === 0) return rules;
  throw failure(
    { syscall: "limit" },
    "ENOTCAPABLE",
    `limit() can only reduce a policy, and the broker's does not permit ${
      listed(surplus, 150)
    } (ENOTCAPABLE).`,
  );
}

function isWithin(old: ReadonlySet<string>, dirs: readonly Names[], kind: Kind, rule: string): boolean {
  if (old.has(rule)) return true;
  if (kind === "read" || kind === "write") {
    const names = namesOf(rule);
    return dirs.some((dir) => isBelow(dir, names));
  }
  if (kind === "listen" || rule.startsWith("*.") || rule.startsWith("unix:")) return false;
  const pattern = patternOf(rule);
  // The pattern of an address is never a rule.
  return pattern !== undefined && old.has(pattern);
}

/** Whether a policy only permits opening files, for which open directories are enough. */
export function hasOnlyFiles(policy: Policy): boolean {
  return policy.connect.length + policy.resolve.length + policy.listen.length === 0;
}

/** Whether a policy permits looking up names. */
export function hasNames(policy: Policy): boolean {
  const isAddress = /^(unix:|\[|\d+(\.\d+){3}:)/;
  return policy.resolve.length > 0 || policy.connect.some((rule) => !isAddress.test(rule));
}
