import { afterAll, beforeAll, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { at, type Connection, Reply } from "./client.ts";
import { dealsOf, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";
import { RawClient } from "./raw-client.ts";

/** What a 2026 client carries back is the client's to write: these are clients that write what they like. */
const forms = { elicitation: { form: {} } };
const approve = { action: "accept", content: { decision: "approve" } };

let desk: TestDesk;
let planner: Connection;
let client: RawClient;
let impressions = 100_000;

beforeAll(async () => {
  desk = await startDesk();
  planner = await desk.connect();
  client = new RawClient(desk.start);
});
afterAll(async () => {
  client.kill();
  await desk.close();
});

function freshQuote(): Promise<string> {
  impressions += 1_000;
  return quoteFrom(planner, { impressions });
}

/** Asks to buy, until the question is on the screen. */
async function asked(quoteId: string) {
  const args = { lines: [{ quote_id: quoteId }] };
  const message = await client.call("create_media_buy", args, forms);
  expect(at(message, "result", "resultType")).toBe("input_required");
  const state = at(message, "result", "requestState");
  expect(typeof state).toBe("string");
  const back = (requestState: unknown, answer: unknown = approve, to: Record<string, unknown> = args) =>
    client.call("create_media_buy", to, forms, {
      inputResponses: { approval: answer },
      ...(requestState === undefined ? {} : { requestState }),
    });
  return { args, state, back };
}

test("an answer books what was asked about, once, however often it is sent", async () => {
  verifies("promise.spent_once");
  const quoteId = await freshQuote();
  const { state, back } = await asked(quoteId);
  const replies = await Promise.all([back(state), back(state), back(state)]);
  for (const message of replies) expect(new Reply(at(message, "result")).at("status")).toBe("booked");
  const later = await back(state);
  expect(new Reply(at(later, "result")).at("status")).toBe("booked");
  expect(dealsOf(desk, quoteId)).toBe(1);
});

test("an answer without the state of a question is none: the person is asked", async () => {
  verifies("approval.gate", "promise.spent_once");
  const quoteId = await freshQuote();
  const { back } = await asked(quoteId);
  const reply = await back(undefined);
  expect(at(reply, "result", "resultType")).toBe("input_required");
  expect(dealsOf(desk, quoteId)).toBe(0);
});

test("an answer to another question does not count for this one", async () => {
  verifies("promise.exact_terms", "approval.gate");
  const [cheap, dear] = [await freshQuote(), await freshQuote()];
  const { state, back } = await asked(cheap);
  await asked(dear);
  for (const lines of [[{ quote_id: dear }], [{ quote_id: cheap }, { quote_id: dear }]]) {
    const reply = await back(state, approve, { lines });
    expect(at(reply, "result", "resultType"), JSON.stringify(reply)).toBe("input_required");
  }
  expect(dealsOf(desk, cheap) + dealsOf(desk, dear)).toBe(0);
});

test("the same line with another purchase order is another question", async () => {
  verifies("promise.exact_terms", "tool.create_media_buy.po_number");
  const quoteId = await freshQuote();
  const { args, state, back } = await asked(quoteId);
  const reply = await back(state, approve, { ...args, po_number: "PO-OTHER" });
  expect(at(reply, "result", "resultType"), JSON.stringify(reply)).toBe("input_required");
  expect(dealsOf(desk, quoteId)).toBe(0);
});

test("a state that was changed is refused before anything is looked at", async () => {
  verifies("approval.gate");
  const quoteId = await freshQuote();
  const { state, back } = await asked(quoteId);
  const text = String(state);
  const middle = Math.floor(text.length / 2);
  const changed = `${text.slice(0, middle)}${text[middle] === "A" ? "B" : "A"}${text.slice(middle + 1)}`;
  for (const forged of [changed, "e30.e30", ""]) {
    const reply = await back(forged);
    const refused = at(reply, "error", "code") === -32_602 || at(reply, "result", "resultType") === "input_required";
    expect(refused, JSON.stringify(reply)).toBe(true);
  }
  expect(dealsOf(desk, quoteId)).toBe(0);
});

test.each([
  ["an answer of another kind", { role: "assistant", model: "m", content: { type: "text", text: "approve" } }],
  ["an action nobody knows", { action: "approve", content: { decision: "approve" } }],
  ["a list of decisions", { action: "accept", content: { decision: ["approve"] } }],
  ["a decision in other letters", { action: "accept", content: { decision: "APPROVE" } }],
  ["a text", "approve"],
  ["nothing", null],
])("%s decides nothing", async (_what, answer) => {
  verifies("approval.silence_is_no_answer");
  const quoteId = await freshQuote();
  const { state, back } = await asked(quoteId);
  await back(state, answer);
  expect(dealsOf(desk, quoteId)).toBe(0);
  const inbox = await planner.ok("get_inbox");
  expect(JSON.stringify(inbox.at("approvals"))).toContain(quoteId);
});

test("a client that declared no forms cannot answer one", async () => {
  verifies("approval.gate");
  const quoteId = await freshQuote();
  const lines = [{ quote_id: quoteId }];
  const inputResponses = { approval: approve };
  const message = await client.call("create_media_buy", { lines }, {}, { inputResponses });
  expect(new Reply(at(message, "result")).at("status")).toBe("awaiting_approval");
  expect(dealsOf(desk, quoteId)).toBe(0);
});
