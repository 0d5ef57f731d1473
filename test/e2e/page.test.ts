import { expect, test, vi } from "vitest";
import { pin } from "../people.ts";
import { verifies } from "../requirements.ts";
import { decideAs } from "../page/visitor.ts";
import { bookingDesk, operatorOf, sent, withMandate } from "./booking-fixtures.ts";
import { at } from "./client.ts";
import { dealsOf, quoteFrom } from "./fixtures.ts";

// Several servers start at once here, and a PIN is slow to check on purpose.
vi.setConfig({ testTimeout: 60_000 });

const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };

test("two of three lines approved on the page with the PIN: those are booked, and the waiting call says so", async () => {
  verifies("ask.page", "approval.approve_some");
  const desk = await bookingDesk({ config: withMandate({ channels: { page: most } }) });
  const operator = operatorOf(desk);
  try {
    await operator.people.setPin("dana", pin);
    const client = await desk.connect();
    const refs = [];
    for (const impressions of [100_000, 100_001, 100_002]) refs.push(await quoteFrom(client, { impressions }));
    const asked = await client.ok("create_media_buy", { lines: refs.map((ref) => ({ quote_id: ref })) });
    expect(asked.at("status"), asked.text).toBe("awaiting_approval");
    const approvalId = asked.string("approval", "approval_id");
    const [first] = asked.list("approval", "person_can");
    expect(first).toMatch(/^open http:\/\/localhost:\d+\/a\/ap_/);
    const url = new URL(String(first).split(" ")[1] ?? "");
    expect(url.pathname).toBe(`/a/${approvalId}`);

    const digests = (await operator.approval(approvalId)).lines.map(({ digest }) => digest);
    const chosen = { decision: "approve", line: digests.slice(0, 2) };
    const wrong = await decideAs(url.origin, approvalId, { ...chosen, pin: "not the one" });
    expect(wrong.status).toBeGreaterThanOrEqual(400);
    expect((await operator.approval(approvalId)).status).toBe("pending");
    expect(sent(desk, "deal")).toBe(0);

    const waiting = client.ok("approve", { approval_id: approvalId, wait_s: 40 });
    const heard = await decideAs(url.origin, approvalId, { ...chosen, pin, note: "without the third" });
    expect(heard.status, heard.text).toBe(303);
    const reply = await waiting;
    expect(reply.at("status"), reply.text).toBe("partly_booked");
    expect(reply.at("decided")).toMatchObject({ by: "dana", via: "page", note: "without the third" });
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([1, 1, 0]);
    // The third was not turned down by anybody: it can be asked about again.
    const again = await client.ok("create_media_buy", { lines: [{ quote_id: refs[2] }] });
    expect(again.at("status"), again.text).toBe("awaiting_approval");
    expect(at(again.structured, "approval", "approval_id")).not.toBe(approvalId);
  } finally {
    await operator.close();
    await desk.close();
  }
});
