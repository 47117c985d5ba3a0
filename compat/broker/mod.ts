/**
 * Out of the sandbox by permission: connections, names and files that a program needs after it has entered.
 *
 * {@link broker} starts a second process before the program enters. The program asks it over a socket, and gets open
 * descriptors. The broker's policy says what it does; it refuses everything else, whatever the program asks. So hostile code in
 * the sandbox reaches what the policy names, and no more. It is what Casper is to C programs, by Deno's own means, on FreeBSD
 * and Linux.
 *
 * Requires `--allow-ffi` permission, and `--allow-run` for Deno, which runs the second process. `ffi` and `run` are not needed
 * after entering, and `sandbox()` revokes them. Nothing in a plan has to name the broker: `limitOthers: true` leaves sockets as
 * they are.
 *
 * @example A file that is named after entering
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
 * ## Policies
 *
 * | rule | permits |
 * | --- | --- |
 * | `connect: ["db.example.com:5432"]` | `connect()` to this name and port, at each address that the name has |
 * | `connect: ["*.example.com:443"]` | the same for each name with one more label, as in a certificate of TLS: not `example.com`, and not `a.b.example.com` |
 * | `connect: ["192.0.2.1:80", "[::1]:5432"]` | `connect()` to this address and port |
 * | `connect: ["unix:/var/run/app.sock"]` | `connect({ path })` to this Unix socket |
 * | `resolve: ["*.example.com"]` | `resolveDns()` of these names; `connect()` needs no such rule |
 * | `listen: ["127.0.0.1:8080"]` | `listen()` at this address and port; the port 0 stands for one that the kernel chooses |
 * | `open: { read: ["/home/u/docs"] }` | `open()` for reading below this directory |
 * | `open: { write: ["/home/u/out"] }` | `open()` for writing, also of new files; for both, a directory must be in both lists |
 *
 * {@link Broker.limit} shrinks the policy for good.
 *
 * **Names and addresses.** Hosts are compared in one canonical form: upper case, a dot at the end, IDN, `0x7f.1`, `2130706433`
 * and `::ffff:127.0.0.1` are read as `fetch()` reads them. A rule with a name does not permit its addresses by themselves, and
 * a rule with an address no name. The address that was looked up is the one that is connected to: no second lookup can give
 * another. A name may lead to public addresses only. So nobody who controls the name can lead the broker to a private,
 * loopback, link-local, multicast or unspecified address. Such an address needs a rule of its own, beside that of the name;
 * `localhost` alone may lead to loopback. Zones, as in `fe80::1%eth0`, are not supported.
 *
 * **Files.** A path must begin with the directory of a rule as the rule writes it; the rest is looked up below the open
 * directory, as by `Dir`. Neither `..` nor a symlink leads out of it. A relative path belongs to a relative rule, such as `"."`.
 * Only regular files are opened: others can wait for another process, or do something when they are opened.
 *
 * ## Packages for Node
 *
 * {@link nodeSocket} makes a socket of `node:net` of a connection. So `node:tls`, `node:http` and packages of npm that take a
 * socket work in the sandbox, such as `pg` (by its option `stream`), `postgres` (`socket`) and `nodemailer` (`connection`):
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
 * In the repository, examples/fetch.ts is such a program.
 *
 * ## Rights
 *
 * On FreeBSD a descriptor arrives limited: a file to what its options need, a connection to `presets.socket.connection`, a
 * listener to `presets.socket.listener`. On Linux it can do what the kernel permits on a file that is open in this way.
 *
 * ## The second process
 *
 * It is Deno at `Deno.execPath()`, unless the policy has a `denoPath`: a program made by `deno compile` needs that, because it
 * cannot run modules itself. It has no permission of Deno but `net`, and that only if the policy has names. It closes every
 * descriptor that it inherited, except its socket, and on FreeBSD limits the others. It ends as soon as the other end of its
 * socket is closed, also if the program is killed.
 *
 * If the policy names nothing but files, it enters capability mode too. On Linux it is confined by seccomp(2) and Landlock,
 * unless the policy has names: looking these up opens files by their paths. If the system cannot confine it, `broker()` throws,
 * unless the policy has `enforce: "if-supported"`.
 *
 * It treats the program as hostile. A message has at most 64 KiB and a fixed form. Descriptors that the program sends are closed
 * by the kernel. At most 1,024 requests are served at a time.
 *
 * ## Where it differs from Casper
 *
 * There is one process for all services, and no service for users, groups, syslog(3) or sysctl(3). Sockets are stream sockets:
 * no UDP. `bind()` of Unix sockets is not offered.
 *
 * @module
 */
export { Broker, broker } from "./broker.ts";
export type { BrokerOpenOptions, ConnectOptions, ConnectPathOptions, ListenOptions } from "./broker.ts";
export { FdListener } from "./listener.ts";
export { nodeSocket } from "./node_socket.ts";
export type { NodeSocketOptions } from "./node_socket.ts";
export type { BrokerDirectories, BrokerPolicy, BrokerRules } from "./policy.ts";
