import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../docs/pages.ts";
import { startSandboxDesk, type TestDesk } from "../e2e/fixtures.ts";
import type { HttpServer } from "../e2e/http-server.ts";
import { verifies } from "../requirements.ts";
import { send, type WireAnswer } from "./wire.ts";

let desk: TestDesk;
let server: HttpServer;
beforeAll(async () => {
  desk = startSandboxDesk();
  server = await desk.spawnHttp();
});
afterAll(() => desk.close());

/** The requests of the page, as curl would send them. */
const requests = [
  ...readFileSync(join(root, "docs/http.md"), "utf8").matchAll(/^curl [^\n]*\\\n(?:.*\\\n)*.*-d '([^']+)'/gm),
];

function sendIt([text = "", body = ""]: RegExpMatchArray, session: string): Promise<WireAnswer> {
  const lines = [...text.matchAll(/-H (?:'([^']+)'|"([^"]+)")/g)].map(([, single, double]) => single ?? double ?? "");
  const headers = lines.map((line) => line.replace("$SESSION", session).split(": "));
  return send(server.port, { headers: Object.fromEntries(headers), body });
}

test("the requests of docs/http.md work as they stand", async () => {
  verifies("server.http");
  expect(requests).toHaveLength(3);
  const [modern, begin, within] = requests;
  if (!modern || !begin || !within) throw new Error("the page has lost a request");
  const answers = [await sendIt(modern, ""), await sendIt(begin, "")];
  answers.push(await sendIt(within, String(answers[1]?.headers["mcp-session-id"])));
  for (const { status, text } of answers) expect(status, text).toBe(200);
  for (const { text } of [answers[0], answers[2]].flatMap((one) => one ?? [])) expect(text).toContain("as local");
});
