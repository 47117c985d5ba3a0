/**
 * Messages to the process of a broker, in pieces, and what it answers.
 *
 * @module
 */
import { encode } from "../../compat/broker/wire.ts";
import { descriptorsOf, kernelDeno, RawBroker, wrongWithDescriptor } from "../compat/broker/_broker.ts";
import { Fixture } from "../_fixture.ts";
import type { Random } from "../_random.ts";
import type { Target } from "./_fuzz.ts";
import { message, type Words } from "./_wire_messages.ts";

/** A message with its length, in base64, and where it is cut: the bytes before are sent first. */
interface Step {
  bytes: string;
  cut?: number;
}

const SECRET = "SECRET";
/** How many messages a program sends. */
const most = 100;
/** The id of the request that ends a program; those of its messages are below. */
const END = 2 ** 47;

const portOf = (listener: Deno.Listener) => (listener.addr as Deno.NetAddr).port;

export class WireTarget implements Target<Step> {
  readonly name = "wire";
  readonly unit = "messages";
  readonly #fixture = new Fixture({
    docs: {
      a: "inside",
      sub: { b: "inside" },
      out: { link: "../secret" },
      up: { link: ".." },
    },
    docsx: SECRET,
    out: { a: "" },
    secret: { c: SECRET },
  });
  readonly #allowed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #forbidden = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #deno: string;
  readonly #words: Words;
  #broker: { raw: RawBroker; descriptors: number } | undefined;
  /** How many connections came to the port that no rule names. */
  #intrusions = 0;
  #isRepeating = false;
  readonly #counts = { errors: 0, values: 0, awaited: 0, descriptors: 0 };

  constructor() {
    this.#deno = kernelDeno(this.#fixture, "_nobody_child.ts");
    this.#fixture.giveAway();
    // With the stand-in, the directory is the root of a mounted file system, which FreeBSD 15.1 lets ".." leave.
    Deno.env.set("STANDIN_MOUNT_ROOTS", this.#fixture.at("docs"));
    void accept(this.#allowed, () => {});
    void accept(this.#forbidden, () => this.#intrusions++);
    const top = this.#fixture.path;
    const inside = [
      // Several times: more of the requests are permitted.
      ...["docs/a", "docs/a", "docs/a", "docs/sub/b", "docs/sub/b"],
      "docs/out/c",
      "docs/up/secret/c",
      "docs",
      "docs/none",
      "docs/../secret/c",
    ];
    const outside = ["secret/c", "out/new", "out/a", "out/a", ""];
    this.#words = {
      hosts: [
        ...[
          "127.0.0.1",
          "127.0.0.1",
          "localhost",
          "0.0.0.0",
          "::1",
          "127.1",
          "::ffff:127.0.0.1",
          "[::1]",
          "example.com",
        ],
        "2130706433",
      ],
      ports: [portOf(this.#allowed), portOf(this.#allowed), portOf(this.#forbidden), 0, 1],
      paths: [
        ...[...inside, ...outside].map((path) => `${top}/${path}`),
        ...[
          "docs/a",
          ".",
          "/etc/hosts",
          "/",
          "/proc/self/environ",
          `${top}/docsx`,
          `/proc/self/root${top}/docs/a`,
        ],
      ],
    };
  }

  generate(random: Random): Step[] {
    return Array.from({ length: most }, (_, i) => {
      const bytes = message(random, i + 1, this.#words);
      return {
        bytes: bytes.toBase64(),
        ...random.chance(30) ? { cut: random.below(random.chance(50) ? 7 : bytes.length) } : {},
      };
    });
  }

  count(program: readonly Step[]): number {
    return program.length;
  }

  show({ bytes, cut }: Step): string {
    const body = new TextDecoder("latin1").decode(Uint8Array.fromBase64(bytes)).slice(4);
    return `${JSON.stringify(body).replace(/(.)\1{20,}/g, "$1\u2026")}${
      cut === undefined ? "" : `, cut at ${cut}`
    }`;
  }

  simpler({ bytes, cut }: Step): readonly Step[] {
    return cut === undefined ? [] : [{ bytes }];
  }

  /** A process whose program failed is replaced, so that the program can be repeated. */
  async run(program: readonly Step[]): Promise<string | undefined> {
    let wrong: string | undefined;
    try {
      this.#broker ??= await this.#started();
      const { raw } = this.#broker;
      wrong = await this.#answered(raw, program) ?? await this.#answered(raw, []);
      if (this.#isRepeating) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        wrong ??= await this.#answered(raw, []);
      }
    } catch (error) {
      wrong = (error as Error).message;
    }
    if (wrong === undefined) return undefined;
    this.#isRepeating = true;
    return `${wrong}${await this.#ended()}`;
  }

  /** Sends messages, and receives answers until all are read that came before the last one. */
  async #answered(raw: RawBroker, program: readonly Step[]): Promise<string | undefined> {
    const end = encode({ id: END, call: "open", path: `${this.#fixture.path}/docs/none`, options: {} });
    for (const piece of pieces([...program, { bytes: end.toBase64() }])) void raw.channel.send(piece);
    for (let wrong: string | undefined;;) {
      const { answer, fds } = await raw.next();
      for (const fd of fds) {
        this.#counts.descriptors++;
        wrong ??= wrongWithDescriptor(fd!, this.#fixture.path, [portOf(this.#allowed)]);
      }
      if ("error" in answer) this.#counts.errors++;
      else {
        this.#counts.values++;
        if (answer.value === null) this.#counts.awaited++;
      }
      if (answer.id === END) return wrong;
    }
  }

  /** Ends the process. Returns a text if it ends with an error. */
  async #ended(): Promise<string> {
    if (this.#broker === undefined) return "";
    const { raw } = this.#broker;
    this.#broker = undefined;
    raw.channel[Symbol.dispose]();
    const { code, signal } = await raw.child.status, stderr = await new Response(raw.child.stderr).text();
    return code === 0 && signal === null
      ? ""
      : `\nthe broker ends with ${signal ?? code}: ${stderr.slice(0, 2000)}`;
  }

  async #started(): Promise<{ raw: RawBroker; descriptors: number }> {
    const { path } = this.#fixture;
    const raw = await RawBroker.started({
      open: { read: [`${path}/docs`], write: [`${path}/out`] },
      connect: [`127.0.0.1:${portOf(this.#allowed)}`],
    }, this.#deno);
    return { raw, descriptors: descriptorsOf(raw.child.pid).length };
  }

  /** Ends the process, and checks that it kept no descriptor and that nothing outside has changed. */
  async finish(): Promise<string | undefined> {
    if (this.#broker === undefined) return undefined;
    const { raw, descriptors } = this.#broker;
    // Connections that were not answered yet at the end of the last program.
    for (let tries = 0; tries < 50 && descriptorsOf(raw.child.pid).length > descriptors; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const wrong = await this.run([]);
    if (wrong !== undefined) return wrong;
    const left = descriptorsOf(raw.child.pid).length - descriptors;
    // Half a message, and the end.
    await raw.channel.send(new Uint8Array([200, 0, 0, 0, 123]));
    const end = await this.#ended();
    const { errors, values, awaited, descriptors: came } = this.#counts;
    const names = `${this.#fixture.list()} ${this.#fixture.list("secret")}`;
    return left > 0
      ? `the broker has ${left} more descriptors`
      : end !== ""
      ? end
      : names !== "deno,docs,docsx,out,secret c" || this.#fixture.read("secret/c") !== SECRET
      ? `outside has changed: ${names}`
      : this.#intrusions > 0
      ? `it connected ${this.#intrusions} times to a port that no rule names`
      : came !== awaited
      ? `${came} descriptors came with ${awaited} answers`
      : errors + values > 1000 && !(errors > values && values >= came && came > errors / 50)
      ? `of ${errors + values} answers, ${values} are values and ${came} have descriptors`
      : undefined;
  }

  [Symbol.dispose](): void {
    this.#broker?.raw.channel[Symbol.dispose]();
    this.#allowed.close();
    this.#forbidden.close();
    this.#fixture[Symbol.dispose]();
  }
}

async function accept(listener: Deno.Listener, count: () => void): Promise<void> {
  for await (const connection of listener) {
    count();
    connection.close();
  }
}

/** The bytes of messages, in the pieces in which they are sent. */
function* pieces(program: readonly Step[]): Generator<Uint8Array<ArrayBuffer>> {
  let piece: number[] = [];
  for (const { bytes, cut = 0 } of program) {
    const all = Uint8Array.fromBase64(bytes);
    piece.push(...all.subarray(0, cut));
    if (cut > 0) {
      yield Uint8Array.from(piece);
      piece = [];
    }
    piece.push(...all.subarray(cut));
  }
  yield Uint8Array.from(piece);
}
