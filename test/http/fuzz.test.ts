import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { flight, mainFile, quoteFrom, startDesk, type TestDesk } from "../e2e/fixtures.ts";
import { type HttpServer, listeningOf, principal, tokens } from "../e2e/http-server.ts";
import { type Case, caseOf, type Material } from "./fuzz-cases.ts";
import { callOver, send } from "./wire.ts";

const LONG = process.env["LONG"] === "1";
const CASES = LONG ? 20_000 : 300;
/** `SEED=… npx vitest run --config test/vitest.config.ts test/http/fuzz` replays a run; a failure names its cases. */
const SEED = Number(process.env["SEED"] ?? (LONG ? Date.now() % 1_000_000 : 4));
const AT_ONCE = 16;
/** How long a whole request may take to be answered: longer than any call may wait for sellers or people (50 s). */
const PATIENCE_MS = 60_000;
/** How long an open stream may say nothing before it is left. */
const QUIET_MS = 300;

let desk: TestDesk;
let server: HttpServer;
let material: Material;
beforeAll(async () => {
  const all = { requests_per_minute: 100_000 };
  const http = {
    principals: [
      principal("maker", ["buy:read", "buy:quote", "buy:write"], all),
      principal("checker", ["buy:read", "buy:quote", "buy:write", "buy:approve"], all),
    ],
  };
  desk = await startDesk({ config: (standard) => ({ ...standard, http }) });
  server = await desk.spawnHttp();
  material = await materialOf();
});
afterAll(() => desk.close());

/** Real references, sessions and states, so that what is wrong with a case is seldom that nothing was meant by it. */
async function materialOf(): Promise<Material> {
  const client = await desk.connect({ over: listeningOf(server, tokens.maker) });
  const quote = await quoteFrom(client);
  const asked = await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  const approval = /\bap_[0-9a-f]+/.exec(asked.text)?.[0] ?? "";
  // What is asked of somebody who may decide carries a state: good for that one alone.
  const question = await callOver(server.port, tokens.checker, "approve", { approval_id: approval });
  const state = String(question.at("requestState"));
  expect(state.length, question.text).toBeGreaterThan(20);
  const other = await quoteFrom(client, { impressions: 1_100_000 });
  const sessions = await Promise.all([tokens.maker, tokens.checker].map(begin));
  const words = {
    quote_id: [quote, other, "northbeam/none"],
    quotes: [[quote], [other]],
    approval_id: [approval, "none"],
    product: ["northbeam/prod-53e78a97", "CTV Sports Live", "northbeam/none"],
    sellers: ["northbeam", "harborview"],
    seller: ["northbeam", "nobody"],
    flight: [flight()],
    impressions: [1_000, 1_000_000],
    deal_type: ["PG", "PD"],
    wait_s: [0],
    campaign: ["fuzz"],
    media_buy_id: [quote],
    url: ["http://127.0.0.1:1/", "https://evil.example"],
  };
  return { token: tokens.maker, sessions, states: [state, `${state}x`, state.split(".")[0] ?? "", "e30.e30"], words };
}

async function begin(token: string): Promise<string> {
  const clientInfo = { name: "fuzz", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${token}`,
  };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  return String((await send(server.port, { headers, body })).headers["mcp-session-id"]);
}

/** Everything that came back until the connection ended; null when a whole request was left without an answer. */
function outcomeOf({ parts, whole }: Case): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(server.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    const text = () => Buffer.concat(chunks).toString("utf8");
    let quiet: NodeJS.Timeout | undefined;
    const done = (given: string | null) => {
      clearTimeout(timer);
      clearTimeout(quiet);
      socket.destroy();
      resolve(given);
    };
    const timer = setTimeout(() => done(chunks.length > 0 ? text() : null), PATIENCE_MS);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      // A stream that nothing comes on any more has been answered with its head; what is asked on it is nobody's here.
      clearTimeout(quiet);
      if (/^HTTP\/1.1 200[\s\S]*text\/event-stream/i.test(text())) quiet = setTimeout(() => done(text()), QUIET_MS);
    });
    // A connection that is reset has ended as well.
    socket.on("error", () => done(text()));
    socket.on("close", () => done(text()));
    const write = async () => {
      for (const [n, part] of parts.entries()) {
        if (n > 0) await pause(5);
        if (!socket.destroyed) socket.write(part);
      }
      // What was cut short waits for the rest, and the server with it, until somebody goes.
      if (!whole) setTimeout(() => done(text()), 60).unref();
    };
    write().catch(() => done(text()));
  });
}

/** What is wrong with an answer; empty when nothing is. */
function wrongWith(given: string | null, log: () => string): readonly string[] {
  if (given === null) return ["no answer, and no end"];
  // The command by which a person decides names the files of this desk; it is meant to be told.
  const files = `${desk.directory}/config.json --data-dir ${desk.directory}/data`;
  const answer = given.replaceAll(`node ${mainFile} --config ${files}`, "the command");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
  const wrong: string[] = [];
  if (/\\n {4}at |node_modules|dist\/|\.[jt]s:\d/.test(answer)) wrong.push("a stack");
  if (answer.includes(desk.directory)) wrong.push("a path");
  if (secrets().some((secret) => answer.includes(secret))) wrong.push("a secret");
  if (/x-injected: 1/i.test(answer.split("\r\n\r\n")[0] ?? "")) wrong.push("a header of the caller's");
  if (/Something failed on our side/.test(answer)) wrong.push("a fault of ours");
  if (status >= 500 && !(status === 503 && answer.includes("Too many sessions"))) {
    const reference = /reference ([0-9a-f-]{36})/.exec(answer)?.[1];
    wrong.push(reference && log().includes(reference) ? `${status}` : `${status} without a reference in the log`);
  }
  return wrong;
}

/** As much of a text as tells what it is: a header may be long on purpose. */
function shown(text: string): string {
  return text.length < 2_000 ? text : `${text.slice(0, 200)} […] ${text.slice(-1_600)}`;
}

let known: readonly string[] | undefined;
function secrets(): readonly string[] {
  known ??= [
    ...Object.values(tokens),
    ...desk.sandbox.sellers.flatMap(({ keys }) => Object.values(keys)),
    readFileSync(`${desk.directory}/data/acme/state.key`, "utf8").trim(),
  ];
  return known;
}

/** Files and connections the process holds, where the system tells. */
function held(): number {
  const folder = `/proc/${server.pid}/fd`;
  return existsSync(folder) ? readdirSync(folder).length : 0;
}

function residentMb(): number {
  const file = `/proc/${server.pid}/status`;
  return existsSync(file) ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1]) / 1024 : 0;
}

test(`${CASES} malformed requests of seed ${SEED}: answered or refused, nothing told, nothing booked`, {
  timeout: LONG ? 900_000 : 30_000,
}, async () => {
  const before = { held: held(), mb: residentMb() };
  const failures: string[] = [];
  const statuses = new Map<string, number>();
  let next = 0;
  const worker = async () => {
    while (next < CASES && failures.length < 20) {
      next += 1;
      const number = next;
      const one = caseOf(SEED, number, material);
      const answer = await outcomeOf(one);
      const status = `${one.kind} ${/^HTTP\/1\.1 (\d{3})/.exec(answer ?? "")?.[1] ?? "cut off"}`;
      const said = answer?.includes('"isError":true')
        ? " refused by a tool"
        : answer?.includes('"structuredContent"')
          ? " done"
          : "";
      statuses.set(status + said, (statuses.get(status + said) ?? 0) + 1);
      for (const wrong of wrongWith(answer, server.log))
        failures.push(
          `seed ${SEED}, case ${number} (${one.kind}): ${wrong}
${shown(one.parts.join(""))}
${shown(answer ?? "")}`,
        );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(failures).toEqual([]);
  if (LONG) process.stdout.write(`${JSON.stringify(Object.fromEntries([...statuses].sort()))}\n`);
  // Not all of it stops at the door: many get as far as a tool, and are refused there or answered.
  const reached = (kind: string) =>
    [...statuses].filter(([status]) => status.startsWith(kind)).reduce((sum, [, count]) => sum + count, 0);
  for (const kind of ["tool 200 refused by a tool", "tool 200 done", "legacy 200", "forged 200"])
    expect(reached(kind), kind).toBeGreaterThan(CASES / 100);

  expect((await send(server.port, { method: "GET", path: "/healthz" })).text).toBe("ok\n");
  for (const { id } of desk.sandbox.sellers) {
    expect(desk.sandbox.deals(id)).toEqual([]);
    expect(desk.sandbox.requests(id).filter(({ method, target }) => method === "POST" && /deals/.test(target))).toEqual(
      [],
    );
  }
  // What was begun and never ended is let go; some files are opened with the first call that needs them.
  await expect.poll(held, { timeout: 10_000 }).toBeLessThan(before.held + 30);
  expect(residentMb()).toBeLessThan(before.mb + 250);
});
