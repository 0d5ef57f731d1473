import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { type Desk, openDesk } from "../../src/desk.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { localPrincipal } from "../../src/domain/principal.ts";
import { createServer } from "../../src/server.ts";
import { at, Reply } from "../e2e/client.ts";
import { flight, standardConfig } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";

/** How long a 2025 client is kept waiting for its person. The server runs in this process, so that its clock can be turned. */
let directory: string;
let sandbox: Sandbox;
let desk: Desk;
let client: Client;
let asked: () => void;
let click: (decision: string) => void;
let question: Promise<void>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "mbm-ask-"));
  sandbox = await startSandbox();
  const config = parseConfig(JSON.stringify(standardConfig(sandbox)), "config", {});
  desk = openDesk({ config, dataHome: directory, log: () => undefined, sandboxSellers: null });
  const server = await createServer(desk, localPrincipal, "legacy");
  client = new Client({ name: "patient", version: "1.0.0" }, { capabilities: { elicitation: { form: {} } } });
  question = new Promise((resolve) => {
    asked = resolve;
  });
  client.setRequestHandler("elicitation/create", () => {
    asked();
    return new Promise((resolve) => {
      click = (decision) => resolve({ action: "accept", content: { decision } });
    });
  });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(ours);
  await client.connect(theirs);
});

afterEach(async () => {
  vi.useRealTimers();
  await client.close();
  await desk.close();
  await sandbox.close();
  rmSync(directory, { recursive: true, force: true });
});

async function quoteId(): Promise<string> {
  const items = [{ product: "northbeam/prod-53e78a97", flight: flight(), impressions: 100_000, deal_type: "PG" }];
  return new Reply(await client.callTool({ name: "request_quote", arguments: { items } })).string(
    "quotes",
    0,
    "quote_id",
  );
}

/** Only what waits for a person is turned forward: reading files and calling sellers go on as always. */
function turnTheClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
}

test("without a progress token asking stops at 50 seconds, before the client gives up at 60", async () => {
  verifies("approval.awaiting", "approval.silence_is_no_answer");
  const lines = [{ quote_id: await quoteId() }];
  turnTheClock();
  let answered = false;
  const call = client.callTool({ name: "create_media_buy", arguments: { lines } }).finally(() => {
    answered = true;
  });
  await question;
  await vi.advanceTimersByTimeAsync(49_000);
  expect(answered).toBe(false);
  await vi.advanceTimersByTimeAsync(1_500);
  const reply = new Reply(await call);
  expect(reply.at("status"), reply.text).toBe("awaiting_approval");
  expect(reply.text).toContain("no answer came within 50 seconds");
  expect(reply.at("nothing_booked")).toBe(true);
  expect(sandbox.deals("northbeam")).toEqual([]);
});

test("with a progress token the person has ten minutes, and the client hears every 15 seconds", async () => {
  verifies("ask.form");
  const lines = [{ quote_id: await quoteId() }];
  turnTheClock();
  const heard: unknown[] = [];
  const call = client.callTool(
    { name: "create_media_buy", arguments: { lines } },
    { onprogress: (progress) => heard.push(progress), resetTimeoutOnProgress: true },
  );
  await question;
  for (let minute = 0; minute < 9; minute += 1) await vi.advanceTimersByTimeAsync(60_000);
  expect(heard.length).toBe(36);
  expect(at(heard, 35)).toEqual({ progress: 36, message: "waiting for the person" });
  vi.useRealTimers();
  click("approve");
  const reply = new Reply(await call);
  expect(reply.at("status"), reply.text).toBe("booked");
  expect(sandbox.deals("northbeam").length).toBe(1);
});
