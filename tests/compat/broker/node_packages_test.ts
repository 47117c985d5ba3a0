import { assertEquals, assertMatch } from "@std/assert";
import { Fixture } from "../../_fixture.ts";
import { RunningModule } from "../../_child.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

/** A server for one mail, without TLS; it returns the lines of its client. */
async function receiveMail(listener: Deno.Listener): Promise<string[]> {
  const connection = await listener.accept(), lines: string[] = [];
  const answer = (line: string) => connection.write(new TextEncoder().encode(`${line}\r\n`));
  await answer("220 mail.example ESMTP");
  let rest = "", isData = false;
  for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\r\n");
    rest = parts.pop()!;
    for (const line of parts) {
      lines.push(line);
      if (isData) {
        isData = line !== ".";
        if (!isData) await answer("250 queued");
      } else if (line === "DATA") {
        isData = true;
        await answer("354 go on");
      } else await answer(line === "QUIT" ? "221 bye" : "250 ok");
    }
  }
  return lines;
}

const at = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);

/** How the program is confined, and what makes its sockets: on FreeBSD, connections of a broker lack FCNTL. */
const means: Record<string, [confine: string, make: string]> = {
  "a sandbox": [`sandbox({ stdio: true, limitOthers: true, warmUp: { tls: true } });`, "nodeSocket(file)"],
  // It refuses Deno's own calls that capability mode refuses.
  "the filter for capability mode": [
    `warmUp({ tls: true });
    isSupported() ? enter() : refuse();`,
    "streamOver(file, false)",
  ],
};

for (const [where, [confine, make]] of Object.entries(means)) {
  test(`in ${where}, packages for Node use connections and listeners of a broker`, async () => {
    const data = new URL("../../data/tls/", import.meta.url);
    const [cert, key, ca] = ["server.pem", "server.key", "authority.pem"].map((name) =>
      Deno.readTextFileSync(new URL(name, data))
    );
    using mail = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await using secure = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert: cert!, key: key!, onListen() {} },
      () => new Response("over TLS"),
    );
    const received = receiveMail(mail);
    using fixture = new Fixture({
      "main.ts": `
        import * as http from "node:http";
        import * as https from "node:https";
        import { connect } from "node:tls";
        import { createTransport } from "npm:nodemailer@10.6.1";
        import { broker, nodeSocket } from ${at("compat/broker/mod.ts")};
        import { streamOver } from ${at("compat/broker/node_stream.ts")};
        import { enter, isSupported, sandbox, warmUp } from ${at("mod.ts")};
        import { refuse } from ${at("tests/_capmode_filter.ts")};
        const [mailPort, securePort] = Deno.args.map(Number);
        const ports = [mailPort, securePort].map((port) => "127.0.0.1:" + port);
        const net = await broker({ connect: ports, listen: ["127.0.0.1:0"] });
        const socketTo = async (port) => {
          const file = await net.connect({ hostname: "127.0.0.1", port });
          return ${make};
        };
        ${confine}

        const connection = await socketTo(mailPort);
        const transport = createTransport({ connection, name: "sandbox.example", ignoreTLS: true });
        const message = { from: "a@example.org", to: "b@example.org", subject: "From a sandbox", text: "hello" };
        console.error("mail: " + (await transport.sendMail(message)).response);

        if ("_connectionListener" in http) {
          const socket = await socketTo(securePort), host = "localhost";
          const createConnection = () => connect({ socket, host, servername: host, ca: ${
        JSON.stringify(ca)
      } });
          const answer = await new Promise((resolve, reject) =>
            https.get({ host, createConnection }, resolve).on("error", reject)
          );
          let text = "";
          for await (const bytes of answer) text += bytes;
          console.error("tls: " + text);

          const listener = await net.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr;
          const server = http.createServer((_request, response) => response.end("from " + port));
          server.listen({ fd: listener.take() }, () => console.error("http: " + port + "."));
        } else console.error("tls: none\\nhttp: none.");`,
    });
    await using child = new RunningModule(fixture.at("main.ts"), {
      args: [mail.addr, secure.addr].map(({ port }) => String(port)),
    });
    await child.said(/^mail: 250 queued$/m);
    await child.said(/^tls: (over TLS|none)$/m);
    const [, port] = await child.said(/^http: (\w+)\.$/m);
    if (port === "none") console.log("skipped: node:tls and node:http of this Deno can't use a descriptor");
    else {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
      assertEquals(await response.text(), `from ${port}`);
    }
    await child.stop();
    const lines = await received;
    assertMatch(lines[0]!, /^(EHLO|HELO) sandbox\.example$/);
    assertEquals(lines.slice(1, 4), ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA"]);
    assertEquals(lines.includes("Subject: From a sandbox"), true);
  }, {
    skip: where !== "a sandbox" && Deno.build.arch !== "x86_64" && !kernel.hasCapsicum &&
      "needs FreeBSD, or Linux on x86_64, whose calls the filter knows",
  });
}
