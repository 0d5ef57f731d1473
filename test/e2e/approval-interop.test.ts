import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { few, inLong } from "../long.ts";
import { verifies } from "../requirements.ts";
import {
  approving,
  clientKinds,
  type ConnectOptions,
  type Connection,
  type FormAnswer,
  type Person,
  type Reply,
  rejecting,
} from "./client.ts";
import { dealsOf, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";
import { listeningOf, principals, tokens } from "./http-server.ts";

/** What a client may do with the question that is no decision of a person, and what the answer says of it. */
const noDecisions: readonly { readonly name: string; readonly does: FormAnswer; readonly says: string }[] = [
  { name: "declines", does: { action: "decline" }, says: "the client declined the question" },
  { name: "cancels", does: { action: "cancel" }, says: "the client cancelled the question" },
  { name: "accepts an empty form", does: { action: "accept", content: {} }, says: "did not fit the form" },
  {
    name: "accepts with another word",
    does: { action: "accept", content: { decision: "yes" } },
    says: "did not fit the form",
  },
  {
    name: "accepts with a truth value",
    does: { action: "accept", content: { decision: true, approved: true } },
    says: "did not fit the form",
  },
  {
    name: "declines with an approving content",
    does: { action: "decline", content: { decision: "approve" } },
    says: "the client declined the question",
  },
];

/** Each client over stdio with a server of its own, and over HTTP with one server for all. */
const matrix = (["stdio", "HTTP"] as const)
  .flatMap((transport) => clientKinds.map((kind) => [kind, transport] as const))
  // Over HTTP one kind of client stands for the others, which the long form has.
  .filter(([kind, transport]) => inLong || transport === "stdio" || kind === "1.x");

describe.each(matrix)("a %s client over %s", (kind, transport) => {
  let desk: TestDesk;
  let client: Connection;
  let person: Person = approving;
  let impressions = 100_000;

  let over: Pick<ConnectOptions, "over"> = {};
  /** Who answers forms here, as entries name it: over stdio the client, over HTTP the token. */
  const user = transport === "HTTP" ? "agent (token)" : "e2e 1.0.0 user";
  const connect = (options: ConnectOptions) => desk.connect({ kind, ...over, ...options });

  beforeAll(async () => {
    desk = await startDesk({ config: (standard) => ({ ...standard, http: { principals } }) });
    if (transport === "HTTP") over = { over: listeningOf(await desk.serveHttp(), tokens.agent) };
    client = await connect({ person: (question) => person(question) });
  });
  afterAll(() => desk.close());

  /** A quote nobody asked for yet. */
  const freshQuote = () => {
    impressions += 1_000;
    return quoteFrom(client, { impressions });
  };
  const buy = (quoteId: string, from = client) => from.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });

  /** The approval stays open: the answer says so, names the terminal, and nothing is at the seller. */
  function staysOpen(reply: Reply, quoteId: string): string {
    const approvalId = reply.string("approval", "approval_id");
    expect(reply.at("status"), reply.text).toBe("awaiting_approval");
    expect(reply.at("approval", "status")).toBe("pending");
    expect(reply.at("nothing_booked")).toBe(true);
    expect(reply.at("media_buys")).toEqual([]);
    expect(reply.list("approval", "person_can")).toContainEqual(
      expect.stringMatching(new RegExp(`^run in a terminal: .+ approve ${approvalId}$`)),
    );
    expect(reply.text).toContain(` approve ${approvalId}`);
    expect(reply.text).toContain("Nothing was booked.");
    expect(dealsOf(desk, quoteId)).toBe(0);
    return approvalId;
  }

  /** A later approving answer books, once, however often the calls are made again. */
  async function booksOnce(approvalId: string, quoteId: string, from = client): Promise<void> {
    person = approving;
    const reply = await from.ok("approve", { approval_id: approvalId });
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(reply.at("nothing_booked")).toBe(false);
    expect(reply.at("decided", "via")).toBe("form");
    const again = await from.ok("approve", { approval_id: approvalId });
    const rebought = await buy(quoteId, from);
    const deals = [reply, again, rebought].map((one) => one.string("media_buys", 0, "packages", 0, "deal_id"));
    expect(new Set(deals).size).toBe(1);
    expect(dealsOf(desk, quoteId)).toBe(1);
  }

  test("approve in the form books, and replaying the call books nothing more", async () => {
    verifies("ask.form", "server.eras", "promise.spent_once", "quote.status_booked");
    person = () => ({ action: "accept", content: { decision: "approve", note: "go ahead" } });
    const quoteId = await freshQuote();
    const before = client.questions.length;
    const reply = await buy(quoteId);
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(reply.at("decided")).toEqual({ by: user, via: "form", note: "go ahead" });
    const replayed = await buy(quoteId);
    expect(replayed.at("media_buys")).toEqual(reply.at("media_buys"));
    expect(client.questions.length - before).toBe(1);
    expect(dealsOf(desk, quoteId)).toBe(1);
  });

  test("the question shows the money first, and what is bought", async () => {
    verifies("ask.card");
    const quoteId = await freshQuote();
    await buy(quoteId);
    const [headline, , line] = (client.questions.at(-1) ?? "").split("\n");
    expect(headline).toMatch(/^Approve [\d,]+\.\d\d USD net to Northbeam Media\?$/);
    expect(line).toContain(`${impressions.toLocaleString("en-US")} impressions`);
    expect(line).toContain("“CTV Sports Live” (prod-53e78a97) from Northbeam Media: PG, guaranteed");
  });

  test("reject in the form rejects: nothing is booked and the quote can be asked for again", async () => {
    verifies("approval.reject");
    person = rejecting;
    const quoteId = await freshQuote();
    const reply = await buy(quoteId);
    expect(reply.at("status"), reply.text).toBe("rejected");
    expect(reply.at("nothing_booked")).toBe(true);
    expect(reply.at("decided")).toMatchObject({ via: "form", note: "too dear" });
    const approvalId = reply.string("approval", "approval_id");
    // The decision is spent: nobody can turn it around.
    person = approving;
    const after = await client.ok("approve", { approval_id: approvalId });
    expect(after.at("status"), after.text).toBe("rejected");
    expect(dealsOf(desk, quoteId)).toBe(0);
    const inbox = await client.ok("get_inbox");
    expect(inbox.list("open_quotes")).toContainEqual(expect.objectContaining({ quote_id: quoteId }));
  });

  // What an answer means is decided in one place: one kind of client gives all of them, the others a few.
  const answers =
    kind === "2.x modern"
      ? noDecisions
      : few(noDecisions, "accepts an empty form", "declines with an approving content");

  test.each(answers)("that $name decides nothing", async ({ does, says }) => {
    verifies("approval.silence_is_no_answer", "approval.awaiting");
    person = () => does;
    const quoteId = await freshQuote();
    const reply = await buy(quoteId);
    expect(reply.text).toContain(says);
    const approvalId = staysOpen(reply, quoteId);
    await booksOnce(approvalId, quoteId);
  });

  test("that throws decides nothing", async () => {
    verifies("approval.silence_is_no_answer");
    person = () => {
      throw new Error("the form broke");
    };
    const quoteId = await freshQuote();
    if (kind === "2.x modern") {
      // The question is the client's own business in this era: it fails its call and tells the server nothing.
      await expect(buy(quoteId)).rejects.toThrow();
    } else {
      expect((await buy(quoteId)).text).toContain("the client could not show the question");
    }
    const approvalId = await openApproval(client, quoteId);
    const asked = client.questions.length;
    const reply = await client.ok("approve", { approval_id: approvalId, wait_s: 0 });
    expect(client.questions.length).toBe(asked);
    staysOpen(reply, quoteId);
    await booksOnce(approvalId, quoteId);
  });

  test("that gives up on its call decides nothing, and another call decides", async () => {
    verifies("approval.silence_is_no_answer", "promise.spent_once");
    let answerLate: (answer: FormAnswer) => void = () => undefined;
    person = () =>
      new Promise((resolve) => {
        answerLate = resolve;
      });
    const quoteId = await freshQuote();
    const asked = client.questions.length;
    const stop = new AbortController();
    const lines = [{ quote_id: quoteId }];
    const call = client.call("create_media_buy", { lines }, { signal: stop.signal, timeoutMs: 5_000 });
    const gaveUp = expect(call).rejects.toThrow();
    await expect.poll(() => client.questions.length, { timeout: 10_000 }).toBe(asked + 1);
    stop.abort(new Error("the user moved on"));
    const approvalId = await openApproval(client, quoteId);
    staysOpen(await client.ok("approve", { approval_id: approvalId, wait_s: 0 }), quoteId);
    await booksOnce(approvalId, quoteId);
    // The first form is still on the screen. What is clicked there now changes nothing.
    answerLate({ action: "accept", content: { decision: "reject" } });
    await gaveUp;
    await delay(150);
    const after = await client.ok("approve", { approval_id: approvalId, wait_s: 1 });
    expect(after.at("status"), after.text).toBe("booked");
    expect(dealsOf(desk, quoteId)).toBe(1);
  });

  test("whose person takes longer than its time-out books once, and a new call collects it", async () => {
    verifies("approval.silence_is_no_answer", "tool.approve", "booking.poll");
    let click: (answer: FormAnswer) => void = () => undefined;
    person = () =>
      new Promise((resolve) => {
        click = resolve;
      });
    const quoteId = await freshQuote();
    const asked = client.questions.length;
    const lines = [{ quote_id: quoteId }];
    // A question is a call of its own in the 2026 era, and part of the call in the earlier one.
    const timeoutMs = kind === "2.x modern" ? 1_500 : 300;
    const call = client.call("create_media_buy", { lines }, { timeoutMs }).then(
      () => "answered",
      () => "timed out",
    );
    await expect.poll(() => client.questions.length, { timeout: 10_000 }).toBe(asked + 1);
    await delay(timeoutMs + 100);
    const approvalId = await openApproval(client, quoteId);
    click({ action: "accept", content: { decision: "approve" } });
    expect(await call).toBe(kind === "2.x modern" ? "answered" : "timed out");
    const reply = await client.ok("approve", { approval_id: approvalId, wait_s: 10 });
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(dealsOf(desk, quoteId)).toBe(1);
  });

  test("that shows no forms is told the other ways, and is never asked", async () => {
    verifies("approval.awaiting", "approval.gate");
    const formless = await connect({});
    const quoteId = await freshQuote();
    const reply = await buy(quoteId, formless);
    expect(reply.text).toContain("this client shows no forms");
    const approvalId = staysOpen(reply, quoteId);
    staysOpen(await formless.ok("approve", { approval_id: approvalId }), quoteId);
    expect(formless.questions).toEqual([]);
    await booksOnce(approvalId, quoteId);
  });

  test("that opens addresses only is not asked either", async () => {
    verifies("approval.awaiting");
    const urlOnly = await connect({ person: approving, elicitation: "url" });
    const quoteId = await freshQuote();
    const approvalId = staysOpen(await buy(quoteId, urlOnly), quoteId);
    expect(urlOnly.questions).toEqual([]);
    await booksOnce(approvalId, quoteId);
  });

  test("that declares elicitation without modes, as in 2025-06-18, is asked with a form", async () => {
    verifies("ask.form");
    const early = await connect({ person: approving, elicitation: "empty" });
    const quoteId = await freshQuote();
    const reply = await buy(quoteId, early);
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(early.questions.length).toBe(1);
    expect(dealsOf(desk, quoteId)).toBe(1);
  });
});

async function openApproval(client: Connection, quoteId: string): Promise<string> {
  const inbox = await client.ok("get_inbox");
  const index = inbox.list("approvals").findIndex((one) => JSON.stringify(one).includes(quoteId));
  return inbox.string("approvals", index, "approval_id");
}
