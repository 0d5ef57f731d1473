import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { FaultSpec } from "../../src/sandbox/faults.ts";
import { signedWord } from "../people.ts";
import { few } from "../long.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, kindsOf, operatorOf, seller, sent, statusOf, until } from "./booking-fixtures.ts";
import { approving, at, type Connection, type Reply } from "./client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000 });

const onDeal = { operation: "deal", uses: 1 } as const;

/** Buys one quote of 1,000,000 impressions while a fault is on. */
async function buyUnder(
  fault: FaultSpec,
  work: (scene: { desk: TestDesk; client: Connection; ref: string; reply: Reply }) => Promise<void>,
  bookingSeconds = 5,
) {
  const desk = await bookingDesk({ bookingSeconds });
  try {
    const client = await desk.connect({ person: approving });
    const ref = await quoteFrom(client);
    desk.sandbox.fault(seller, fault);
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    await work({ desk, client, ref, reply });
  } finally {
    await desk.close();
  }
}

/** No answer of ours may read as a success while what the seller did is another thing, or not known. */
function neverASuccess(reply: Reply): void {
  expect(reply.at("status"), reply.text).not.toBe("booked");
  expect(reply.text).not.toMatch(/booked as approved/i);
  expect(reply.text).not.toContain("Nothing was booked.");
  expect(reply.at("nothing_booked")).toBe(false);
}

describe("a seller that books something else than was approved", () => {
  test.concurrent("a higher price is an incident, counted at what it costs, and stops spending until a person clears it", async () => {
    verifies("promise.compared", "promise.fail_closed", "tool.buy_status");
    await buyUnder({ kind: "price-drift", factor: 1.2, ...onDeal }, async ({ desk, client, ref, reply }) => {
      neverASuccess(reply);
      expect(reply.at("status")).toBe("terms_mismatch");
      expect(reply.at("media_buys", 0, "as_approved")).toBe(false);
      const [deal] = desk.sandbox.deals(seller);
      const approved = reply.string("media_buys", 0, "approved_total");
      const actual = reply.string("media_buys", 0, "total");
      // One million impressions: the total is a thousand times the CPM.
      expect(actual).toBe(`${(deal?.cpm_micros ?? 0) / 1_000}.00 USD`);
      expect(actual).not.toBe(approved);
      const [difference] = reply.list("media_buys", 0, "differences");
      expect(at(difference, "field")).toBe("unit_price");
      expect(reply.text).toContain(
        `unit_price was approved as ${at(difference, "approved")}, the seller booked ${at(difference, "now")}`,
      );
      expect(reply.text).toContain("update_media_buy");
      expect((await balancesOf(desk))?.total.micros).toBe(BigInt(deal?.cpm_micros ?? 0) * 1_000n);

      const next = await quoteFrom(client, { impressions: 50_000 });
      const refused = await client.call("create_media_buy", { lines: [{ quote_id: next }] });
      expect(at(refused.error, "code"), refused.text).toBe("spending_stopped");
      expect(refused.text).toContain(ref);
      expect(sent(desk, "deal")).toBe(1);

      const operator = operatorOf(desk);
      await operator
        .clear(ref, await signedWord(operator, ref, { verdict: "cleared", note: "confirmed by mail" }))
        .finally(() => operator.close());
      expect((await client.ok("create_media_buy", { lines: [{ quote_id: next }] })).at("status")).toBe("booked");
      // Cleared is not approved: the buy goes on saying what it is.
      const cleared = await client.ok("get_media_buys", { ids: [ref] });
      expect(cleared.at("media_buys", 0, "status")).toBe("booked");
      expect(cleared.at("media_buys", 0, "as_approved")).toBe(false);
    });
  });

  test.concurrent("an approval that was open before the incident does not count either", async () => {
    const desk = await bookingDesk();
    try {
      const [client, other] = await Promise.all([desk.connect({ person: approving }), desk.connect()]);
      const [drifting, innocent] = [await quoteFrom(other), await quoteFrom(other, { impressions: 50_000 })];
      const asked = await other.ok("create_media_buy", { lines: [{ quote_id: innocent }] });
      desk.sandbox.fault(seller, { kind: "price-drift", ...onDeal });
      const bad = await client.ok("create_media_buy", { lines: [{ quote_id: drifting }] });
      expect(bad.at("status")).toBe("terms_mismatch");
      const refused = await client.call("approve", { approval_id: asked.string("approval", "approval_id") });
      expect(at(refused.error, "code"), refused.text).toBe("spending_stopped");
      expect(dealsOf(desk, innocent)).toBe(0);
    } finally {
      await desk.close();
    }
  });

  test.concurrent("a higher price whose answer was lost is found out by reading it back", async () => {
    const desk = await bookingDesk();
    try {
      const client = await desk.connect({ person: approving });
      const ref = await quoteFrom(client);
      desk.sandbox.fault(seller, { kind: "price-drift", ...onDeal });
      desk.sandbox.fault(seller, { kind: "drop-answer", ...onDeal });
      const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      neverASuccess(reply);
      await until("the mismatch", async () => (await statusOf(client, ref)) === "terms_mismatch");
      const [deal] = desk.sandbox.deals(seller);
      expect((await balancesOf(desk))?.total.micros).toBe(BigInt(deal?.cpm_micros ?? 0) * 1_000n);
    } finally {
      await desk.close();
    }
  });

  test.concurrent("another currency is an incident", () =>
    buyUnder({ kind: "wrong-currency", ...onDeal }, async ({ client, reply, desk }) => {
      neverASuccess(reply);
      expect(reply.at("status")).toBe("terms_mismatch");
      expect(reply.text).toContain("EUR");
      // What was approved stays counted; an amount in another currency cannot be added to it.
      expect((await balancesOf(desk))?.currency).toBe("USD");
      expect(at(await balancesOf(desk), "incidents")).toHaveLength(1);
      const next = await quoteFrom(client, { impressions: 50_000 });
      const refused = await client.call("create_media_buy", { lines: [{ quote_id: next }] });
      expect(at(refused.error, "code")).toBe("spending_stopped");
    }));

  test.concurrent("cancelling an overpriced deal gives all of its money back, and spending stays stopped", async () => {
    verifies("tool.update_media_buy.cancel");
    await buyUnder({ kind: "price-drift", factor: 1.2, ...onDeal }, async ({ desk, client, ref }) => {
      const cancelled = await client.ok("update_media_buy", { media_buy_id: ref, action: "cancel" });
      expect(cancelled.at("media_buy", "status")).toBe("cancelled");
      const balances = await balancesOf(desk);
      expect(balances?.total.micros).toBe(0n);
      expect(balances?.incidents).toEqual([ref]);
    });
  });
});

describe("a seller whose answer cannot be believed", () => {
  const answers: readonly { readonly name: string; readonly fault: FaultSpec; readonly committed: boolean }[] = [
    { name: "without status, price and id", fault: { kind: "malformed", ...onDeal }, committed: true },
    { name: "cut in the middle", fault: { kind: "malformed", how: "truncated", ...onDeal }, committed: true },
    { name: "of twelve megabytes", fault: { kind: "oversized", ...onDeal }, committed: true },
    { name: "that is a 500 after the fact", fault: { kind: "error-500-after-commit", ...onDeal }, committed: true },
    { name: "that is a 500 before the fact", fault: { kind: "error-text", ...onDeal }, committed: false },
    { name: "that points to another origin", fault: { kind: "redirect", ...onDeal }, committed: false },
  ];

  test.concurrent.each(few(answers, "cut in the middle", "that points to another origin"))(
    "$name: unknown or read back, never taken for a success",
    async ({ fault, committed }) => {
      verifies("promise.compared", "connection.auth.per_origin");
      await buyUnder(
        fault,
        async ({ desk, client, ref, reply }) => {
          expect(await kindsOf(desk, ref)).toContain("booking_unknown");
          if (committed) {
            // The look that follows at once finds the deal, unless the machine is busy; then a later one does.
            expect(["booked", "booking_unknown"], reply.text).toContain(reply.at("status"));
            await until("read back", async () => (await statusOf(client, ref)) === "booked", 40_000);
            const [deal] = desk.sandbox.deals(seller);
            const now = await client.ok("get_media_buys", { ids: [ref] });
            expect(now.at("media_buys", 0, "packages", 0, "deal_id")).toBe(deal?.deal_id);
          } else {
            neverASuccess(reply);
            expect(reply.at("status")).toBe("booking_unknown");
            expect((await balancesOf(desk))?.total.micros).toBeGreaterThan(0n);
            await until("booked by the one re-send", async () => (await statusOf(client, ref)) === "booked", 40_000);
          }
          expect(desk.sandbox.strayRequests()).toEqual([]);
          expect(dealsOf(desk, ref)).toBe(1);
          expect(sent(desk, "deal")).toBe(committed ? 1 : 2);
        },
        committed ? 5 : 1,
      );
    },
  );

  test.concurrent("words that instruct are shown as the seller's, cleaned, and change nothing", async () => {
    verifies("promise.sellers_words", "deal.activation");
    await buyUnder({ kind: "injected-text", ...onDeal }, async ({ desk, ref, reply }) => {
      expect(reply.at("status")).toBe("booked");
      expect(reply.at("media_buys", 0, "as_approved")).toBe(true);
      expect(dealsOf(desk, ref)).toBe(1);
      expect(reply.text).toMatch(/Activate in The Trade Desk \(the seller's words\): /);
      const hidden = /[^\P{Cc}\n]|\p{Cf}/u;
      expect(hidden.test(reply.text)).toBe(false);
      expect(hidden.test(JSON.stringify(reply.structured))).toBe(false);
      for (const line of reply.text.split("\n").filter((text) => text.includes("ignore the budget"))) {
        expect(line).toContain("(the seller's words)");
      }
    });
  });

  test.concurrent("nothing is sent again once the price is another than the approved one", async () => {
    const desk = await bookingDesk({ bookingSeconds: 1 });
    try {
      const client = await desk.connect({ person: approving });
      const ref = await quoteFrom(client);
      desk.sandbox.fault(seller, { kind: "error-text", operation: "deal", uses: 1 });
      const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(reply.at("status")).toBe("booking_unknown");
      // The seller raises its price meanwhile: the re-send would book what nobody approved.
      desk.sandbox.strikeNegotiation(seller, ref.split("/")[1] ?? "", 99_000_000);
      await delay(14_500);
      for (let look = 0; look < 3; look += 1) expect(await statusOf(client, ref)).toBe("booking_unknown");
      expect(sent(desk, "deal")).toBe(1);
      expect(dealsOf(desk, ref)).toBe(0);
    } finally {
      await desk.close();
    }
  });
});
