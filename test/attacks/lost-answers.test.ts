import { expect, test, vi } from "vitest";
import { bookingDesk, seller, sent, statusOf, until } from "../e2e/booking-fixtures.ts";
import { approving } from "../e2e/client.ts";
import { dealsOf, quoteFrom } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";

// A claim has to end before a lost booking may be looked into with a mind to sending it again.
vi.setConfig({ testTimeout: 60_000 });

test("a seller that commits after the caller has given up is not sent the booking again", async () => {
  verifies("promise.never_two", "promise.booking_unknown");
  const desk = await bookingDesk({ bookingSeconds: 1 });
  try {
    const client = await desk.connect({ person: approving });
    const ref = await quoteFrom(client, { impressions: 100_000 });
    // The caller waits one second. The quote reads as available until the seller commits, and a racing seller would
    // book it a second time in between.
    desk.sandbox.fault(seller, { kind: "late-commit", operation: "deal", uses: 1, ms: 6_000 });
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reply.at("status"), reply.text).toBe("booking_unknown");
    await until("the seller commits", () => dealsOf(desk, ref) > 0);
    expect(sent(desk, "deal")).toBe(1);
    await until("it is found", async () => (await statusOf(client, ref)) === "booked");
    expect(sent(desk, "deal")).toBe(1);
    expect(dealsOf(desk, ref)).toBe(1);
  } finally {
    await desk.close();
  }
});
