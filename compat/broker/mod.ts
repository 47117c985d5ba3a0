/**
 * Connects, listens, resolves names and opens files for a sandboxed program, within a policy.
 *
 * {@link broker} starts a second process before the program enters. After entering, the program sends requests to this process
 * over a socket and receives open descriptors. The second process refuses each request that the policy does not permit. So even
 * hostile code in the sandbox reaches only what the policy names. A broker is the equivalent of libcasper(3), and also works on
 * Linux.
 *
 * Requires `--allow-ffi` permission, and `--allow-run` for Deno, which runs the second process. After entering, neither is
 * needed, and `sandbox()` revokes both. A plan need not name the broker's socket: `limitOthers: true` does not limit sockets.
 *
 * ## Policies
 *
 * | rule | permits |
 * | --- | --- |
 * | `connect: ["db.example.com:5432"]` | `connect()` to this name and port, at any address of the name |
 * | `connect: ["*.example.com:443"]` | the same for names with exactly one more label, as in a TLS certificate: not `example.com`, and not `a.b.example.com` |
 * | `connect: ["192.0.2.1:80", "[::1]:5432"]` | `connect()` to this address and port |
 * | `connect: ["unix:/var/run/app.sock"]` | `connect({ path })` to this Unix socket |
 * | `resolve: ["*.example.com"]` | `resolveDns()` of these names; `connect()` needs no such rule |
 * | `listen: ["127.0.0.1:8080"]` | `listen()` at this address and port; with port 0 the kernel chooses one |
 * | `open: { read: ["/home/u/docs"] }` | `open()` for reading below this directory |
 * | `open: { write: ["/home/u/out"] }` | `open()` for writing and creating files below this directory; a file opened for both needs its directory in both lists |
 *
 * {@link Broker.limit} permanently reduces the policy.
 *
 * **Names and addresses.** Rules and requests are converted to one canonical form before they are compared. Upper case, a dot at
 * the end, IDN, `0x7f.1`, `2130706433` and `::ffff:127.0.0.1` mean the same as in `fetch()`. A rule with a name does not permit
 * a request that gives the address, and a rule with an address does not permit a request that gives a name. The broker looks
 * up a name once, and connects to the address that it has checked. It ignores the search list of resolv.conf(5), so a name is
 * always complete: `db` is not looked up as `db.corp.example`.
 *
 * By default a name may resolve only to public addresses, and `localhost` also to loopback. So the owner of a permitted name
 * cannot direct the broker to a private, loopback, link-local, multicast or unspecified address. To permit such an address, also
 * add a rule for the address and port. Addresses of `64:ff9b::/96` and 6to4 count as the IPv4 address in them. The broker does
 * not know other NAT64 prefixes of a network: there, a public IPv6 address may reach a private IPv4 address. Zones, as in
 * `fe80::1%eth0`, are not supported.
 *
 * **Files.** A path must begin with the directory of a rule, spelled as in the rule. The rest of the path is looked up below the
 * open directory, as by `Dir`: neither `..` nor a symlink leaves the directory. A relative path needs a relative rule, such as
 * `"."`. Only regular files can be opened. The kind is checked before, because opening a FIFO or a device can block or have side
 * effects. If another process replaces the file meanwhile, a FIFO or device may be opened without waiting, and is closed at once.
 *
 * ## Packages for Node
 *
 * {@link nodeSocket} makes a `node:net` socket from a connection. So `node:tls`, `node:http` and npm packages that accept a
 * socket work in the sandbox, such as `pg` (option `stream`), `postgres` (`socket`) and `nodemailer` (`connection`):
 *
 * ```js
 * import https from "node:https";
 * import tls from "node:tls";
 *
 * const host = "api.example.com";
 * const net = await broker({ connect: [`${host}:443`] });
 * sandbox({ stdio: true, warmUp: { tls: true } });
 * const socket = nodeSocket(await net.connect({ hostname: host, port: 443 }));
 * const createConnection = () => tls.connect({ socket, host, servername: host });
 * https.get({ host, createConnection }, (answer) => answer.on("data", (bytes) => console.log(bytes.length)));
 * ```
 *
 * See examples/fetch.ts in the repository for a complete program.
 *
 * ## Rights
 *
 * On FreeBSD each descriptor is limited before it is sent: a file to the rights that its options need, a connection to
 * `presets.socket.connection`, and a listener to `presets.socket.listener`. On Linux there are no such limits.
 *
 * ## The second process
 *
 * The second process runs Deno from `Deno.execPath()`, or from `denoPath` of the policy. A program made by `deno compile` must
 * set `denoPath`, because its own executable cannot run other modules. The second process serves requests without any of Deno's
 * permissions, except `net` if the policy has names. It closes every inherited descriptor except its socket and character
 * devices, and on FreeBSD limits those that remain. It exits as soon as the program closes its end of the socket or is killed.
 *
 * On FreeBSD, the second process enters capability mode if the policy has only `open` rules. On Linux it is confined by
 * seccomp(2) and, for directories, by Landlock, unless the policy has names: resolving a name opens files by path. If the system
 * cannot confine the second process, `broker()` throws, unless the policy has `enforce: "if-supported"`.
 *
 * The second process treats the program as hostile. A message has at most 64 KiB and a fixed form. The kernel closes descriptors
 * that the program sends. At most 1,024 requests are served at a time. A policy has at most 1,000 rules, and a
 * path of a file less than 4,096 bytes.
 *
 * ## Differences from libcasper(3)
 *
 * One process provides all services. There is no service for users, groups, syslog(3) or sysctl(3). Only stream sockets are
 * supported, not UDP, and a Unix socket can be connected to but not bound.
 *
 * @example Opening a file after entering
 * ```ts
 * import { sandbox } from "jsr:@capsicum/capsicum/sandbox";
 * import { broker } from "jsr:@capsicum/capsicum/broker";
 * import { assert, assertRejects } from "jsr:@std/assert";
 *
 * await using net = await broker({ open: { read: ["/etc"] }, connect: ["db.example.com:5432"] });
 * using box = sandbox({ stdio: true, limitOthers: true, enforce: "if-supported" });
 * using hosts = await net.open("/etc/hosts");
 * assert((await hosts.readAll()).length > 0);
 * await assertRejects(() => net.open("/etc/../var/x"), Error, "ENOTCAPABLE");
 * await assertRejects(() => net.connect({ hostname: "example.org", port: 443 }), Error, "ENOTCAPABLE");
 * ```
 *
 * @module
 */
export { Broker, broker } from "./broker.ts";
export type { BrokerOpenOptions, ConnectOptions, ConnectPathOptions, ListenOptions } from "./broker.ts";
export { FdListener } from "./listener.ts";
export { nodeSocket } from "./node_socket.ts";
export type { NodeSocketOptions } from "./node_socket.ts";
export type { BrokerDirectories, BrokerPolicy, BrokerRules } from "./policy.ts";
