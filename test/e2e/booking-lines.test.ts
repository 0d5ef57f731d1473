import { describe, expect, test, vi } from "vitest";
import { formDecision, signedDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, kindsOf, operatorOf, seller, until } from "./booking-fixtures.ts";
import { approving } from "./client.ts";
import { dealsOf, quoteFrom, startDesk } from "./fixtures.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000 });

const lines = (...refs: readonly string[]) => ({ lines: refs.map((ref) => ({ quote_id: ref })) });

describe("several lines under one decision", () => {
  test.concurrent("of two sellers, one of which hangs: the other's is booked meanwhile", async () => {
    verifies("booking.parallel", "flow.campaign.many_deals", "approval.approve_all", "error.one_blocks_none");
    const desk = await startDesk({
      sandbox: { sellers: ["northbeam", "harborview"] },
      config: (standard) => ({ ...standard, timeouts: { booking_s: 8 }, booking: { settle_after_s: 300 } }),
    });
    try {
      const client = await desk.connect({ person: approving });
      const slow = await quoteFrom(client, { impressions: 100_000 });
      const quick = await quoteFrom(client, {
        product: "harborview/prod-a31c6f02",
        impressions: 100_000,
        deal_type: "PD",
      });
      desk.sandbox.fault("northbeam", { kind: "hang", operation: "deal", uses: 1 });
      const buying = client.ok("create_media_buy", lines(slow, quick));
      await until("the quick one is booked", async () => (await kindsOf(desk, quick)).includes("booking_confirmed"));
      expect(await kindsOf(desk, slow)).not.toContain("booking_unknown");
      const reply = await buying;
      expect(reply.at("status"), reply.text).toBe("booking_unknown");
      expect(reply.text).toContain(`${quick} | booked`);
      expect(client.questions).toHaveLength(1);
      expect(dealsOf(desk, quick)).toBe(1);
      expect(dealsOf(desk, slow)).toBe(0);
    } finally {
      await desk.close();
    }
  });

  test.concurrent("one of which the seller gave up before it was sent: partly booked, and each line says which", async () => {
    verifies("flow.campaign.many_deals", "tool.buy_status");
    const desk = await bookingDesk();
    const operator = operatorOf(desk);
    try {
      const client = await desk.connect();
      const [good, gone] = [
        await quoteFrom(client, { impressions: 100_000 }),
        await quoteFrom(client, { impressions: 100_001 }),
      ];
      const asked = await client.ok("create_media_buy", lines(good, gone));
      const approvalId = asked.string("approval", "approval_id");
      desk.sandbox.expireQuote(seller, gone.split("/")[1] ?? "");
      await operator.decideOnly(approvalId, formDecision());
      const reply = await client.ok("approve", { approval_id: approvalId, wait_s: 20 });
      expect(reply.at("status"), reply.text).toBe("partly_booked");
      expect(reply.text).toContain(`${good} | booked`);
      expect(reply.text).toContain(`${gone} was not bought: quote_expired`);
      expect(dealsOf(desk, good)).toBe(1);
      expect(dealsOf(desk, gone)).toBe(0);
      // Only the line that was booked is still counted.
      const [deal] = desk.sandbox.deals(seller);
      expect((await balancesOf(desk))?.total.micros).toBe(BigInt(deal?.cpm_micros ?? 0) * 100n);
    } finally {
      await operator.close();
      await desk.close();
    }
  });

  test.concurrent("some of which are bought already: only the others are asked about", async () => {
    verifies("quote.status_booked", "flow.deal.from_quote");
    const desk = await bookingDesk();
    try {
      const client = await desk.connect({ person: approving });
      const [first, second] = [
        await quoteFrom(client, { impressions: 100_000 }),
        await quoteFrom(client, { impressions: 100_001 }),
      ];
      expect((await client.ok("create_media_buy", lines(first))).at("status")).toBe("booked");
      const both = await client.ok("create_media_buy", lines(first, second, first));
      expect(both.at("status"), both.text).toBe("booked");
      expect(both.list("media_buys")).toHaveLength(2);
      expect(client.questions).toHaveLength(2);
      expect(client.questions[1]).toContain("1 line,");
      for (const ref of [first, second]) expect(dealsOf(desk, ref)).toBe(1);
    } finally {
      await desk.close();
    }
  });
});

test.concurrent("one seller that hangs does not hold up what was decided in the terminal for another line", async () => {
  verifies("error.one_blocks_none", "ask.terminal_does_not_send");
  const desk = await bookingDesk({ bookingSeconds: 15 });
  const operator = operatorOf(desk);
  try {
    const client = await desk.connect();
    const [slow, quick] = [
      await quoteFrom(client, { impressions: 100_000 }),
      await quoteFrom(client, { impressions: 100_001 }),
    ];
    const ids = [];
    for (const ref of [slow, quick]) {
      const asked = await client.ok("create_media_buy", lines(ref));
      ids.push(asked.string("approval", "approval_id"));
    }
    const [first, second] = [
      await signedDecision(operator, ids[0] ?? ""),
      await signedDecision(operator, ids[1] ?? ""),
    ];
    desk.sandbox.fault(seller, { kind: "hang", operation: "deal", uses: 1 });
    await operator.decideOnly(ids[0] ?? "", first);
    await until("the slow one is being sent", () => desk.sandbox.faults(seller).length === 0);
    await operator.decideOnly(ids[1] ?? "", second);
    await until(
      "the quick one is booked",
      async () => (await kindsOf(desk, quick)).includes("booking_confirmed"),
      14_000,
    );
    expect(await kindsOf(desk, slow)).not.toContain("booking_unknown");
  } finally {
    await operator.close();
    await desk.close();
  }
});
