import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Desk } from "../../src/desk.ts";
import { type RawAnswer, RawClient } from "../attacks/raw-client.ts";
import { decideAs } from "../page/visitor.ts";
import { pin } from "../people.ts";
import { verifies } from "../requirements.ts";
import { bookingDesk, kindsOf, operatorOf, sent, withMandate } from "./booking-fixtures.ts";
import { approving, clientKinds, type Person } from "./client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Servers start here, and a PIN is slow to check on purpose.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
let desk: TestDesk;
let operator: Desk;
let impressions = 300_000;
beforeAll(async () => {
  desk = await bookingDesk({ config: withMandate({ channels: { page: most } }) });
  operator = operatorOf(desk);
  await operator.people.setPin("dana", pin);
});
afterAll(async () => {
  await operator.close();
  await desk.close();
});

/** Opens the page it is given and decides there, after telling the client that it will. */
function deciding(decision: "approve" | "reject", seen: string[]): Person {
  return async (_question, url) => {
    if (url === undefined) throw new Error("no address came with the question");
    seen.push(url);
    const { origin, pathname } = new URL(url);
    const approvalId = pathname.slice("/a/".length);
    const line = (await operator.approval(approvalId)).lines.map(({ digest }) => digest);
    const heard = await decideAs(origin, approvalId, { decision, line, pin });
    expect(heard.status, heard.text).toBe(303);
    return { action: "accept" };
  };
}

async function asked(person: Person, kind: (typeof clientKinds)[number] = "2.x modern") {
  const client = await desk.connect({ kind, person, elicitation: "url" });
  impressions += 1;
  const ref = await quoteFrom(client, { impressions });
  return { ref, reply: await client.ok("create_media_buy", { lines: [{ quote_id: ref }] }) };
}

describe.each(clientKinds)("a %s client that opens addresses", (kind) => {
  test("is given the approval page's, and the decision there is what counts", async () => {
    verifies("ask.url");
    const seen: string[] = [];
    const { ref, reply } = await asked(deciding("approve", seen), kind);
    expect(seen).toEqual([expect.stringMatching(/^http:\/\/localhost:\d+\/a\/ap_/)]);
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(reply.at("decided")).toMatchObject({ by: "dana", via: "page" });
    expect(dealsOf(desk, ref)).toBe(1);
  });
});

test.each(["decline", "cancel"] as const)("a client that answers %s leaves the approval open", async (action) => {
  const { ref, reply } = await asked(() => ({ action }));
  expect(reply.at("status"), reply.text).toBe("awaiting_approval");
  expect(reply.text).toContain(`Nobody decided here: the client ${action === "decline" ? "declined" : "cancelled"}`);
  expect(reply.text).toContain("open http://localhost:");
  expect(dealsOf(desk, ref)).toBe(0);
});

test("a rejection on the page that was opened is one", async () => {
  const { ref, reply } = await asked(deciding("reject", []));
  expect(reply.at("status"), reply.text).toBe("rejected");
  expect(dealsOf(desk, ref)).toBe(0);
});

test("an agreement to open the page approves nothing, whatever comes with it", async () => {
  verifies("promise.no_approving_argument");
  const client = await desk.connect();
  impressions += 1;
  const ref = await quoteFrom(client, { impressions });
  const before = sent(desk, "deal");
  const raw = new RawClient(desk, { url: {} });
  try {
    const lines = { lines: [{ quote_id: ref }] };
    const question = await raw.call("create_media_buy", lines);
    expect(question.at("inputRequests", "page", "params", "mode"), question.text).toBe("url");
    const approved = { action: "accept", content: { decision: "approve" } };
    // Each waits for a decision on the page, and is not waited for here; the server ends with the client.
    const answers: RawAnswer[] = [];
    for (const inputResponses of [{ page: approved }, { approval: approved }, { page: approved, approval: approved }]) {
      raw
        .call("create_media_buy", lines, { inputResponses, requestState: question.state })
        .then((answer) => answers.push(answer), String);
    }
    await delay(2_000);
    for (const { status, text } of answers) expect(["booked", "sending"], text).not.toContain(status);
    expect(await kindsOf(desk, ref)).not.toContain("booking_started");
  } finally {
    await raw.close();
  }
  expect(sent(desk, "deal")).toBe(before);
  expect(dealsOf(desk, ref)).toBe(0);
});

test("a form is asked first where it counts, and no address where no page is served", async () => {
  const forms = await bookingDesk();
  try {
    const client = await forms.connect({ person: approving, elicitation: "url" });
    const ref = await quoteFrom(client, { impressions: 100_000 });
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reply.at("status"), reply.text).toBe("awaiting_approval");
    expect(client.questions).toEqual([]);
  } finally {
    await forms.close();
  }
});
