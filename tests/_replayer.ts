/**
 * Replays scenarios in child processes: one child for all that leave a process as it was, one for each of the others.
 *
 * @module
 */
import { runModule } from "./_child.ts";
import { Fixture, type Tree } from "./_fixture.ts";
import type { Replay, Replayed, Scenario } from "./_replay.ts";

export interface ReplayerOptions {
  /** The module that reads an array of `Replay` and writes an array of results. */
  module: URL;
  /** The release of the stand-in. */
  release: string;
  /** The `CAP_*` values, which scenarios name without their prefix. */
  rights: Record<string, string>;
}

/** What a scenario finds: files, and which directories are roots of mounts. */
export interface Surroundings {
  tree?: Tree;
  mountRoots?: string[];
}

/** The calls after which a process serves no other scenario. */
const lasting = new Set(["cap_enter", "chdir", "fchdir", "dup2", "fork", "pdfork", "procctl"]);

export class Replayer<Result extends Replayed = Replayed> {
  readonly #options: ReplayerOptions;
  readonly #all = new Map<Scenario, Surroundings>();
  #shared: Promise<Map<Scenario, Result>> | undefined;

  constructor(options: ReplayerOptions) {
    this.#options = options;
  }

  /** Adds a scenario. All are added before the first is replayed. */
  add(scenario: Scenario, surroundings: Surroundings = {}): void {
    this.#all.set(scenario, surroundings);
  }

  /** Returns the result of a scenario. */
  async result(scenario: Scenario): Promise<Result> {
    if (scenario.steps.some(({ call }) => lasting.has(call))) {
      return (await this.#run([scenario])).get(scenario)!;
    }
    const shared = [...this.#all.keys()].filter(({ steps }) => !steps.some(({ call }) => lasting.has(call)));
    this.#shared ??= this.#run(shared);
    // If a scenario ends their child, each has a child of its own, in which that one alone fails.
    const results = await this.#shared.catch(() => this.#run([scenario]));
    return results.get(scenario)!;
  }

  async #run(scenarios: Scenario[]): Promise<Map<Scenario, Result>> {
    const { module, release, rights } = this.#options;
    using fixtures = new DisposableStack();
    const roots: string[] = [];
    const replays = scenarios.map((scenario): Replay => {
      const { tree = {}, mountRoots = [] } = this.#all.get(scenario)!;
      const fixture = fixtures.use(new Fixture(tree));
      roots.push(...mountRoots.map((name) => fixture.at(name)));
      return { scenario, base: fixture.path, rights };
    });
    const { code, signal, stdout, stderr } = await runModule(module, {
      stdin: JSON.stringify(replays),
      env: { STANDIN_RELEASE: release, STANDIN_MOUNT_ROOTS: roots.join(":") },
    });
    if (code !== 0) {
      throw new Error(`the replay ended with code ${code}, signal ${signal}\n${stdout}${stderr}`);
    }
    const results: Result[] = JSON.parse(stdout);
    return new Map(scenarios.map((scenario, i) => [scenario, results[i]!]));
  }
}
