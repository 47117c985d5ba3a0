/**
 * Makes calls of a broker fail, in this process and in the second one, and prints what is wrong afterwards as a `Result`. Its
 * argument is a `Task` in JSON.
 *
 * @module
 */
import "./_boundary.ts";
import { findings } from "./_findings.ts";
import { failRequests } from "./_requests.ts";
import { failAnswers } from "./_scenes.ts";
import { failStarts } from "./_starts.ts";
import { task } from "./_subject.ts";

export type Result = Pick<typeof findings, "wrong" | "here" | "there">;

const parts = { answers: failAnswers, requests: failRequests, starts: failStarts };
try {
  await parts[task.part]();
} catch (error) {
  // Otherwise it counts as an unhandled rejection.
  findings.wrong.push(`${(error as Error).stack} | ${findings.what}`);
}
const { wrong, here, there } = findings;
console.log(JSON.stringify({ wrong, here, there } satisfies Result));
Deno.exit(0);
