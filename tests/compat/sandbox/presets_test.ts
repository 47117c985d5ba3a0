import { assert, assertEquals, assertThrows } from "@std/assert";
import { Fcntl, Ioctl, needs, presets, Right, type RightName, Rights } from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

test("every preset is a set of rights that every release since FreeBSD 13 has, without duplicates", () => {
  for (const kind of Object.values(presets)) {
    for (const [name, rights] of Object.entries(kind) as [string, readonly RightName[]][]) {
      assert(new Rights(rights).isSubsetOf(Rights.all(13)), name);
      assertEquals(new Set(rights).size, rights.length, name);
    }
  }
});

test("presets, needs and the tables of rights, fcntls and ioctls can't be changed", () => {
  const tables: object[] = [Right, Fcntl, Ioctl, needs, presets];
  const lists = [
    ...Object.values(needs),
    ...Object.values(presets).flatMap((kind) => [kind, ...Object.values(kind)]),
  ];
  for (const value of [...tables, ...lists]) assert(Object.isFrozen(value), Deno.inspect(value));
  assertThrows(() => (presets.dir.read as RightName[]).push("WRITE"), TypeError);
});

test("presets include each other as documented", () => {
  const { dir, file, stream, socket } = presets;
  const isIn = (small: readonly RightName[], large: readonly RightName[]) =>
    new Rights(small).isSubsetOf(large);
  assert(isIn(dir.list, dir.read) && isIn(dir.append, dir.create));
  assert(isIn(dir.read, dir.readWrite) && isIn(dir.create, dir.readWrite));
  assert(isIn(file.read, file.readWrite) && isIn(file.write, file.readWrite));
  assert(isIn(socket.connection, socket.listener));
  for (const right of ["WRITE", "CREATE", "UNLINKAT"] as const) assert(!new Rights(dir.read).has(right));
  for (const right of ["READ", "SEEK", "FTRUNCATE"] as const) assert(!new Rights(file.append).has(right));
  for (const right of ["READ", "UNLINKAT", "RENAMEAT_SOURCE"] as const) {
    assert(!new Rights(dir.create).has(right));
  }
  for (const rights of Object.values(stream)) assert(new Rights(rights).has("IOCTL"));
  for (const rights of Object.values({ ...dir, ...file, ...socket })) {
    assert(!new Rights(rights).has("IOCTL"));
  }
});

/** The operations below that work with each preset of a directory. */
const works: Record<keyof typeof presets.dir, string> = {
  list: "list stat read",
  read: "list stat read seek",
  create: "stat write append mkdir chmod utime",
  append: "stat append",
  readWrite: "list stat read seek write append mkdir chmod utime rename remove truncate lock",
};

test.capsicum("each preset of a directory permits the documented operations, and no others", async () => {
  using fixture = new Fixture();
  const permitted = await inChild(
    ({ openDirSync, presets, enter, isNotCapable }, base) => {
      using top = openDirSync(base);
      for (const name of Object.keys(presets.dir)) {
        top.mkdirSync(name);
        top.writeTextFileSync(`${name}/file`, "text");
        top.writeTextFileSync(`${name}/victim`, "text");
        top.writeTextFileSync(`${name}/log`, "text");
      }
      enter();
      type D = typeof top;
      const operations: Record<string, (dir: D) => unknown> = {
        list: (dir) => dir.listSync(),
        stat: (dir) => dir.statSync("file"),
        read: (dir) => dir.readTextFileSync("file"),
        seek: (dir) => {
          using file = dir.openSync("file");
          file.seekSync(1, Deno.SeekMode.Start);
        },
        write: (dir) => dir.writeTextFileSync("new", "text"),
        append: (dir) => dir.writeTextFileSync("log", "text", { append: true }),
        mkdir: (dir) => dir.mkdirSync("sub"),
        chmod: (dir) => dir.chmodSync("file", 0o600),
        utime: (dir) => dir.utimeSync("file", 1, 1),
        rename: (dir) => dir.renameSync("file", "renamed"),
        remove: (dir) => dir.removeSync("victim"),
        truncate: (dir) => {
          using file = dir.openSync("log", { read: true, write: true });
          file.truncateSync(1);
        },
        lock: (dir) => {
          using file = dir.openSync("log", { read: true });
          file.lockSync();
        },
        symlink: (dir) => dir.symlinkSync("file", "link"),
        chown: (dir) => dir.chownSync("log", null, null),
      };
      return Object.entries(presets.dir).map(([name, rights]) => {
        using dir = top.openDirSync(name, { limit: rights });
        const worked = Object.entries(operations).filter(([, operation]) => {
          try {
            operation(dir);
            return true;
          } catch (error) {
            if (!isNotCapable(error)) throw error;
            return false;
          }
        });
        return [name, worked.map(([operation]) => operation).join(" ")];
      });
    },
    fixture.path,
  );
  assertEquals(Object.fromEntries(permitted), works);
});

test.capsicum("a file opened for appending can't be read or overwritten, and one opened for reading can't be written", async () => {
  using fixture = new Fixture({ log: "old\n", data: "data" });
  const errors = await inChild(
    ({ sandbox, caught, libc }, base) => {
      using box = sandbox({
        files: { log: { path: `${base}/log`, append: true }, data: { path: `${base}/data` } },
      });
      const { log, data } = box.files, byte = new Uint8Array([0x21]);
      log.writeAllSync(new TextEncoder().encode("new\n"));
      return [
        data.readAllSync().length,
        caught(() => libc.pwrite(log, byte, 1, 0))?.missing,
        caught(() => log.truncateSync())?.missing,
        caught(() => libc.fcntl(log, libc.F_SETFL, 0))?.missing,
        caught(() => data.writeSync(byte))?.code,
        caught(() => libc.ioctl(data, 0x4004667f, new Uint8Array(4)))?.code,
      ];
    },
    fixture.path,
  );
  assertEquals(errors as unknown, [4, ["SEEK"], ["FTRUNCATE"], ["FCNTL"], "ENOTCAPABLE", "ENOTCAPABLE"]);
  assertEquals(fixture.read("log"), "old\nnew\n");
});

test.capsicum("a listener and its connections work with the preset, and have no other rights", async () => {
  const result = await inChild(async ({ sandbox, getRights, presets }, url) => {
    const { libc, must, bind } = await import(url);
    const AF_INET = 2, STREAM = 1;
    // struct sockaddr_in: length 16, AF_INET, any port, 127.0.0.1
    const address = new Uint8Array([16, 2, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const room = new Uint8Array(new Uint32Array([16]).buffer);
    const listener = must("socket", AF_INET, STREAM, 0), client = must("socket", AF_INET, STREAM, 0);
    must("bind", listener, address, 16);
    must("listen", listener, 1);
    must("getsockname", listener, address, room);
    must("connect", client, address, 16);
    for (const name of ["accept", "getpeername"]) bind(name, [0, new Uint8Array(16), room]);
    const box = sandbox({
      fds: { listener: { fd: listener, rights: "listener" }, client: { fd: client, rights: "connection" } },
      permissions: { revoke: [] },
    });
    const accepted = must("accept", listener, new Uint8Array(16), room);
    must("write", client, "hello", 5);
    const text = new Uint8Array(5);
    must("read", accepted, text, 5);
    must("getpeername", accepted, new Uint8Array(16), room);
    return [
      box.sandboxed,
      new TextDecoder().decode(text),
      getRights(accepted).equals(presets.socket.listener),
      getRights(client).equals(presets.socket.connection),
      libc("accept", client, new Uint8Array(16), room).errno,
    ];
  }, new URL("../../_libc.ts", import.meta.url).href);
  assertEquals(result, [true, "hello", true, true, 93]);
});
