import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fdOf, libc, openSync } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { needsCapsicum, openDescriptors } from "../../_kernel.ts";
import { needsIPv6 } from "../../_pairs.ts";
import { test } from "../../_test.ts";

/** Returns the result of `open`, and the only descriptor that is new after it. */
function opening<T>(open: () => T): [opened: T, fd: number, added: number[]] {
  const before = openDescriptors();
  let opened!: T;
  const fd = fdOf(() => opened = open());
  return [opened, fd, openDescriptors().filter((fd) => !before.includes(fd))];
}

const listening: Record<string, (directory: string) => Disposable> = {
  "of TCP": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  "of TCP on all addresses": () => Deno.listen({ port: 0 }),
  "of TCP over IPv6": () => Deno.listen({ hostname: "::1", port: 0 }),
  "of a local socket": (directory) => Deno.listen({ transport: "unix", path: `${directory}/s` }),
};

for (const [kind, listen] of Object.entries(listening)) {
  test(`fdOf() returns the descriptor of a listener ${kind}, which stays open`, () => {
    using fixture = new Fixture();
    const [listener, fd, added] = opening(() => listen(fixture.path));
    using _ = listener;
    assertEquals(added, [fd]);
    listener[Symbol.dispose]();
    assertEquals(openDescriptors().includes(fd), false);
  }, { skip: kind.includes("IPv6") && needsIPv6() });
}

test("fdOf() returns a promise of the descriptor of a connection, on either side, while others are made", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const conns: Deno.Conn[] = [];
  const open = async (conn: Promise<Deno.Conn>) => (conns.push(await conn), conns.at(-1)!);
  const accepted = fdOf(() => open(listener.accept()));
  const connected = fdOf(() => open(Deno.connect({ port })));
  const fds = await Promise.all([accepted, connected]);
  assertEquals(new Set(fds).size, 2);
  const [toServer, toClient] = [conns[0]!, conns[1]!];
  const serverFd = (toServer.localAddr as Deno.NetAddr).port === port ? fds[0] : fds[1];
  libc.write(serverFd, new TextEncoder().encode("by fd"));
  const client = toServer.localAddr && (toServer.localAddr as Deno.NetAddr).port === port
    ? toClient
    : toServer;
  const buffer = new Uint8Array(9);
  assertEquals(await client.read(buffer), 5);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, 5)), "by fd");
  for (const conn of conns) conn.close();
});

test("fdOf() distinguishes accepted connections of one local socket, and a client", async () => {
  using fixture = new Fixture();
  const path = fixture.at("s");
  using listener = Deno.listen({ transport: "unix", path });
  const clients: Deno.Conn[] = [], accepted: Deno.Conn[] = [], fds: number[] = [];
  for (let i = 0; i < 3; i++) {
    fds.push(
      await fdOf(async () => (clients.push(await Deno.connect({ transport: "unix", path })), clients[i])),
    );
    fds.push(await fdOf(async () => (accepted.push(await listener.accept()), accepted[i])));
  }
  assertEquals(new Set(fds).size, 6);
  for (const i of clients.keys()) {
    libc.write(fds[2 * i]!, new Uint8Array([i]));
    const buffer = new Uint8Array(2);
    assertEquals([await accepted[i]!.read(buffer), buffer[0]], [1, i]);
  }
  for (const conn of [...clients, ...accepted]) conn.close();
});

test("fdOf() returns the descriptor of an HTTP server by its address", async () => {
  let server!: Deno.HttpServer;
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const [, fd, added] = opening(() => server = Deno.serve(options, () => new Response("ok")));
  assert(added.includes(fd));
  const { port } = server.addr as Deno.NetAddr;
  assertEquals(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "ok");
  await server.shutdown();
});

test("fdOf() distinguishes TCP and UDP on one port", async () => {
  const fds = await inChild(
    ({ fdOf, libc }) => {
      const hostname = "127.0.0.1";
      let datagrams!: Deno.DatagramConn, listener!: Deno.TcpListener;
      const udp = fdOf(() => datagrams = Deno.listenDatagram({ transport: "udp", hostname, port: 0 }));
      const { port } = datagrams.addr as Deno.NetAddr;
      const tcp = fdOf(() => listener = Deno.listen({ hostname, port }));
      datagrams.close();
      const isOpen = (fd: number) => {
        try {
          return libc.fcntl(fd, libc.F_GETFD, 0) >= 0;
        } catch {
          return false;
        }
      };
      const open = [isOpen(udp), isOpen(tcp)];
      listener.close();
      return [...open, isOpen(tcp)];
    },
    undefined,
    { flags: ["--unstable-net"] },
  );
  assertEquals(fds, [false, true, false]);
});

test("fdOf() returns the descriptor of a Deno.FsFile, also of a file that is open twice, and does not move its offset", async () => {
  using fixture = new Fixture({ file: "some text" });
  const open = () => Deno.openSync(fixture.at("file"));
  using first = open();
  const [file, fd, added] = opening(() => {
    const file = open();
    file.seekSync(4, Deno.SeekMode.Start);
    return file;
  });
  using _ = file;
  assertEquals([added, libc.lseek(fd, 0, libc.SEEK_CUR), first.seekSync(0, Deno.SeekMode.Current)], [
    [fd],
    4,
    0,
  ]);
  // It also finds one of two new descriptors.
  using other = openSync(fixture.at("file"));
  let third!: Deno.FsFile;
  const others: Disposable[] = [other];
  const of = await fdOf(async () => {
    others.push(open());
    third = await Deno.open(fixture.at("file"));
    others.push(open(), third);
    return third;
  });
  third.seekSync(7, Deno.SeekMode.Start);
  assertEquals(libc.lseek(of, 0, libc.SEEK_CUR), 7);
  for (const opened of others) opened[Symbol.dispose]();
});

test("fdOf() throws unless exactly one new descriptor matches", async () => {
  using fixture = new Fixture({ file: "" });
  using file = Deno.openSync(fixture.at("file")), listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const close = <T extends Disposable>(opened: T) => (opened[Symbol.dispose](), opened);
  const none = "no new descriptor";
  assertThrows(() => fdOf(() => file), Error, none);
  assertThrows(() => fdOf(() => listener), Error, none);
  assertThrows(() => fdOf(() => close(Deno.listen({ port: 0 }))), Error, none);
  assertThrows(() => fdOf(() => close(Deno.openSync(fixture.at("file")))), Error, "closed again");
  await assertRejects(() => fdOf(() => Promise.resolve(listener)), Error, none);
  // The same socket twice: the second number is a duplicate.
  let copy = -1;
  const twice = () => {
    const before = openDescriptors();
    const opened = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    copy = libc.dup(openDescriptors().find((fd) => !before.includes(fd))!);
    return opened;
  };
  let opened!: Deno.Listener;
  assertThrows(() => fdOf(() => opened = twice()), Error, "can't be distinguished");
  opened.close();
  libc.close(copy);
});

test("fdOf() throws the error of the function, and TypeError for a value that is not a function and for an unsupported resource", async () => {
  const own = new RangeError("own");
  assertEquals(
    assertThrows(() =>
      fdOf(() => {
        throw own;
      })
    ),
    own,
  );
  assertEquals(await assertRejects(() => fdOf(() => Promise.reject(own))), own);
  for (const bad of [undefined, null, 3, {}]) {
    assertThrows(() => fdOf(bad as never), TypeError, "fdOf(): open is a function");
    assertThrows(() => fdOf(() => bad), TypeError, "must return what it opened");
  }
});

test("fdOf() throws a clear error in capability mode, before it opens anything", async () => {
  const [message, called] = await inChild(({ fdOf, enter, caught }) => {
    enter();
    let called = false;
    return [caught(() => fdOf(() => called = true))!.message, called];
  });
  assert(String(message).startsWith("fdOf(): the kernel gives no list"), String(message));
  assertEquals(called, false);
}, { skip: needsCapsicum });
