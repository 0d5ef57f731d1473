import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { formDecision, signedWord } from "../people.ts";
import { verifies } from "../requirements.ts";
import {
  balancesIn,
  balancesOf,
  bookingDesk,
  kindsIn,
  ledgerOf,
  operatorOf,
  seller,
  sent,
  statusOf,
  until,
} from "./booking-fixtures.ts";
import { approving, at, type Connection } from "./client.ts";
import { type ConfigFile, dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000 });

/** A computer that sleeps, a debugger, a full disk: a sender that stops for longer than its claim, and then goes on. */
test.concurrent("a sender that wakes up after its claim ended neither sends nor undoes what another process does", async () => {
  verifies("promise.never_two");
  const desk = await bookingDesk({ bookingSeconds: 1 });
  const ledger = await ledgerOf(desk);
  try {
    const frozen = await desk.spawn({ person: approving });
    const ref = await quoteFrom(frozen, { impressions: 100_000 });
    desk.sandbox.fault(seller, { kind: "slow", operation: "quote-read", ms: 400 });
    const buying = frozen.call("create_media_buy", { lines: [{ quote_id: ref }] });
    await until("the claim", async () => (await kindsIn(ledger, ref)).includes("send_claimed"));
    process.kill(frozen.pid, "SIGSTOP");
    desk.sandbox.clearFaults();
    expect(sent(desk, "deal")).toBe(0);

    const other = await desk.connect();
    desk.sandbox.fault(seller, { kind: "slow", operation: "deal", ms: 800, uses: 1 });
    // The asking itself sends, and returns only when the seller has answered.
    const settled = until("booked", async () => (await statusOf(other, ref)) === "booked", 40_000);
    await until("the other process sends", () => sent(desk, "deal") === 1, 40_000);
    process.kill(frozen.pid, "SIGCONT");
    const late = await buying;
    expect(["sending", "booking_unknown", "booked"], late.text).toContain(late.at("status"));
    await settled;
    expect(await kindsIn(ledger, ref)).not.toContain("booking_refused");
    expect(sent(desk, "deal")).toBe(1);
    expect(dealsOf(desk, ref)).toBe(1);
  } finally {
    await ledger.close();
    await desk.close();
  }
});

interface Scene {
  readonly desk: TestDesk;
  readonly client: Connection;
  readonly ref: string;
  readonly sellerQuoteId: string;
}

/** A booking whose outcome nobody knows: the seller failed before it acted. */
async function unknown(work: (scene: Scene) => Promise<void>): Promise<void> {
  const desk = await bookingDesk({ bookingSeconds: 1 });
  try {
    const client = await desk.connect({ person: approving });
    const ref = await quoteFrom(client, { impressions: 100_000 });
    desk.sandbox.fault(seller, { kind: "error-text", operation: "deal", uses: 1 });
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reply.at("status"), reply.text).toBe("booking_unknown");
    expect((await balancesOf(desk))?.total.micros).toBeGreaterThan(0n);
    await work({ desk, client, ref, sellerQuoteId: ref.split("/")[1] ?? "" });
  } finally {
    await desk.close();
  }
}

describe("a booking that stays unknown", () => {
  test.concurrent("holds its money, is sent no second time once its quote is over, and a person ends it", async () => {
    verifies("promise.booking_unknown", "promise.never_two");
    await unknown(async ({ desk, client, ref, sellerQuoteId }) => {
      desk.sandbox.expireQuote(seller, sellerQuoteId);
      // Past the claim and the settling time, when an open quote would be sent once more.
      await delay(14_500);
      for (let look = 0; look < 3; look += 1) expect(await statusOf(client, ref)).toBe("booking_unknown");
      expect(sent(desk, "deal")).toBe(1);
      expect((await balancesOf(desk))?.total.micros).toBeGreaterThan(0n);
      const again = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(again.at("status"), again.text).toBe("booking_unknown");
      expect((await client.ok("get_inbox")).text).toContain(ref);

      const operator = operatorOf(desk);
      await operator
        .settle(ref, await signedWord(operator, ref, { note: "they know nothing of it" }))
        .finally(() => operator.close());
      expect((await balancesOf(desk))?.total.micros).toBe(0n);
      const closed = await client.call("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(at(closed.error, "code"), closed.text).toBe("quote_expired");
      expect(sent(desk, "deal")).toBe(1);
      expect(dealsOf(desk, ref)).toBe(0);
    });
  });

  test.concurrent("is booked under the deal a person was told of, which is no other buy's", async () => {
    await unknown(async ({ desk, client, ref }) => {
      const other = await quoteFrom(client, { impressions: 100_001 });
      const bought = await client.ok("create_media_buy", { lines: [{ quote_id: other }] });
      const taken = bought.string("media_buys", 0, "packages", 0, "deal_id");
      const held = (await balancesOf(desk))?.total.micros;
      const operator = operatorOf(desk);
      try {
        const word = async (dealId: string | null) => signedWord(operator, ref, { dealId });
        await expect(operator.settle(ref, await word(taken))).rejects.toMatchObject({ code: "conflict" });
        expect(await statusOf(client, ref)).toBe("booking_unknown");
        await operator.settle(ref, await word("DEMO-BY-MAIL"));
        await expect(operator.settle(ref, await word(null))).rejects.toMatchObject({ code: "conflict" });
      } finally {
        await operator.close();
      }
      const found = await client.ok("get_media_buys", { ids: [`${seller}/DEMO-BY-MAIL`] });
      expect(found.at("media_buys", 0, "media_buy_id")).toBe(ref);
      expect(found.at("media_buys", 0, "status")).toBe("booked");
      expect((await balancesOf(desk))?.total.micros).toBe(held);
      expect(sent(desk, "deal")).toBe(2);
    });
  });

  test.concurrent("of a seller that is blocked since is not looked at, and the other buys can still be listed", async () => {
    verifies("trust.blocked", "promise.no_silence");
    await unknown(async ({ desk, client, ref }) => {
      await client.close();
      const file = join(desk.directory, "config.json");
      const config: ConfigFile = Object(JSON.parse(readFileSync(file, "utf8")));
      const mandate = { ...Object(config["mandate"]), sellers: { blocked: [seller] } };
      writeFileSync(file, JSON.stringify({ ...config, mandate }));
      desk.sandbox.clearRequests();
      const later = await desk.connect();
      expect(await statusOf(later, ref)).toBe("booking_unknown");
      await delay(2_500);
      expect(desk.sandbox.requests(seller)).toEqual([]);
    });
  });
});

test.concurrent("a deal that is found just after a person settled that there is none is counted, and stops approvals", async () => {
  verifies("promise.no_silence");
  const desk = await bookingDesk({ bookingSeconds: 1 });
  const ledger = await ledgerOf(desk);
  const operator = operatorOf(desk);
  try {
    const client = await desk.connect({ person: approving });
    const ref = await quoteFrom(client, { impressions: 100_000 });
    // Signed beforehand: the moment in which nobody knows is short, and a PIN is slow to check on purpose.
    const word = await signedWord(operator, ref);
    desk.sandbox.fault(seller, { kind: "slow", operation: "quote-read", ms: 1_500 });
    desk.sandbox.fault(seller, { kind: "drop-answer", operation: "deal", uses: 1 });
    const buying = client.call("create_media_buy", { lines: [{ quote_id: ref }] });
    await until("unknown", async () => (await kindsIn(ledger, ref)).includes("booking_unknown"), 20_000);
    const held = (await balancesIn(ledger))?.total;
    await operator.settle(ref, word);
    await buying;
    await until("the incident", async () => (await balancesIn(ledger))?.incidents.includes(ref) === true, 20_000);
    expect((await balancesIn(ledger))?.total).toEqual(held);
    expect(dealsOf(desk, ref)).toBe(1);
    desk.sandbox.clearFaults();
    expect((await client.ok("get_inbox")).text).toContain("approvals are stopped");
  } finally {
    await operator.close();
    await ledger.close();
    await desk.close();
  }
});

test.concurrent("a booked deal of a seller that is blocked since: cancelling begins nothing", async () => {
  const desk = await bookingDesk();
  try {
    const client = await desk.connect({ person: approving });
    const ref = await quoteFrom(client, { impressions: 100_000 });
    await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    await client.close();
    const file = join(desk.directory, "config.json");
    const config: ConfigFile = Object(JSON.parse(readFileSync(file, "utf8")));
    writeFileSync(
      file,
      JSON.stringify({ ...config, mandate: { ...Object(config["mandate"]), sellers: { blocked: [seller] } } }),
    );
    const later = await desk.connect();
    const refused = await later.call("update_media_buy", { media_buy_id: ref, action: "cancel" });
    expect(at(refused.error, "code"), refused.text).toBe("seller_blocked");
    expect((await later.ok("get_media_buys", { ids: [ref] })).at("media_buys", 0, "status")).toBe("booked");
    expect(sent(desk, "cancel")).toBe(0);
  } finally {
    await desk.close();
  }
});

test.concurrent("a refusal of yesterday is not told beside today's question", async () => {
  const desk = await bookingDesk();
  const operator = operatorOf(desk);
  try {
    const client = await desk.connect();
    const ref = await quoteFrom(client, { impressions: 100_000 });
    const asked = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    const approvalId = asked.string("approval", "approval_id");
    desk.sandbox.fault(seller, { kind: "error-text", operation: "quote-read", uses: 1 });
    await operator.decideOnly(approvalId, formDecision());
    const refused = await client.ok("approve", { approval_id: approvalId, wait_s: 20 });
    expect(refused.list("not_bought"), refused.text).toHaveLength(1);
    const again = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(again.at("status")).toBe("awaiting_approval");
    expect(again.list("not_bought")).toEqual([]);
    // The second attempt is a booking of its own: approved anew, and sent under a key of its own.
    await operator.decideOnly(again.string("approval", "approval_id"), formDecision());
    await until("booked", async () => (await statusOf(client, ref)) === "booked");
    expect(dealsOf(desk, ref)).toBe(1);
  } finally {
    await operator.close();
    await desk.close();
  }
});
