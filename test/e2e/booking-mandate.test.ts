import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { formDecision, signedDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, kindsOf, operatorOf, seller, sent, withMandate } from "./booking-fixtures.ts";
import { approving, at, type Reply } from "./client.ts";
import { type ConfigFile, dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000 });

const limit = (perBuy: string, perDay: string) => ({ per_buy: perBuy, per_day: perDay });
const plenty = limit("250000.00 USD", "1000000.00 USD");

/** What the seller's books say was bought, in micros: 100,000 impressions a deal are a hundred CPMs. */
function bookedMicros(desk: TestDesk): bigint {
  return desk.sandbox.deals(seller).reduce((sum, deal) => sum + BigInt(deal.cpm_micros ?? 0) * 100n, 0n);
}

function codeOf(reply: Reply): unknown {
  return at(reply.error, "code");
}

describe("limits of a day, met by two processes at once", () => {
  test.concurrent("approvals whose sum is too much: what fits is booked, the rest is refused", async () => {
    verifies("promise.mandate_limits", "promise.never_two", "server.two_processes");
    const perDay = 10_000_000_000n;
    const desk = await bookingDesk({ bookingSeconds: 10, config: withMandate(limit("10000.00 USD", "10000.00 USD")) });
    try {
      const both = await Promise.all([desk.spawn({ person: approving }), desk.spawn({ person: approving })]);
      const silent = await desk.connect();
      const approvals: string[] = [];
      for (let n = 0; n < 8; n += 1) {
        const ref = await quoteFrom(silent, { impressions: 100_000, campaign: `line ${n}` });
        const asked = await silent.ok("create_media_buy", { lines: [{ quote_id: ref }] });
        approvals.push(asked.string("approval", "approval_id"));
      }
      const replies = await Promise.all(
        approvals.map((id, n) => (both[n % 2] ?? silent).call("approve", { approval_id: id })),
      );
      const booked = replies.filter((reply) => reply.at("status") === "booked");
      const refused = replies.filter((reply) => codeOf(reply) === "outside_mandate");
      expect(booked.length + refused.length, replies.map(({ text }) => text).join("\n")).toBe(8);
      const each = BigInt(desk.sandbox.deals(seller)[0]?.cpm_micros ?? 0) * 100n;
      expect(booked).toHaveLength(Number(perDay / each));
      expect(desk.sandbox.deals(seller)).toHaveLength(booked.length);
      expect(bookedMicros(desk)).toBeLessThanOrEqual(perDay);
      expect((await balancesOf(desk))?.total.micros).toBe(bookedMicros(desk));
      for (const { text } of refused) expect(text).toContain("per_day is 10,000.00 USD");
    } finally {
      await desk.close();
    }
  });

  test.concurrent("the operator's own limits book unasked, up to their day, and not a cent further", async () => {
    verifies("approval.auto_limit_configured", "approval.gate");
    const desk = await bookingDesk({
      bookingSeconds: 10,
      config: withMandate({ channels: { auto: limit("4000.00 USD", "10000.00 USD"), form: plenty } }),
    });
    const operator = operatorOf(desk);
    try {
      const both = await Promise.all([desk.spawn(), desk.spawn()]);
      // The first buy from a seller is a person's, whatever the limits.
      const first = await quoteFrom(both[0], { impressions: 100_000, campaign: "first" });
      const question = await both[0].ok("create_media_buy", { lines: [{ quote_id: first }] });
      expect(question.text).toContain("first buy from northbeam");
      await operator.decide(question.string("approval", "approval_id"), formDecision(), 10_000);
      expect(dealsOf(desk, first)).toBe(1);
      const refs: string[] = [];
      for (let n = 0; n < 6; n += 1) {
        refs.push(await quoteFrom(both[0], { impressions: 100_000, campaign: `line ${n}` }));
      }
      const replies = await Promise.all(
        refs.map((ref, n) => (both[n % 2] ?? both[0]).ok("create_media_buy", { lines: [{ quote_id: ref }] })),
      );
      const booked = replies.filter((reply) => reply.at("status") === "booked");
      const asked = replies.filter((reply) => reply.at("status") === "awaiting_approval");
      expect(booked.length + asked.length, replies.map(({ text }) => text).join("\n")).toBe(6);
      const each = BigInt(desk.sandbox.deals(seller)[0]?.cpm_micros ?? 0) * 100n;
      expect(booked).toHaveLength(Number(10_000_000_000n / each));
      expect(bookedMicros(desk) - each).toBeLessThanOrEqual(10_000_000_000n);
      for (const reply of asked) expect(reply.text).toContain("channels.auto.per_day is 10,000.00 USD");
      const history = await both[0].ok("get_history", { kind: "booking_started" });
      expect(history.text).toContain("auto");
      // A buy above the limit is asked about even on a fresh day's money.
      const large = await quoteFrom(both[0], { impressions: 500_000 });
      const reply = await both[0].ok("create_media_buy", { lines: [{ quote_id: large }] });
      expect(reply.at("status")).toBe("awaiting_approval");
      expect(reply.text).toContain("channels.auto.per_buy is 4,000.00 USD");
      expect(dealsOf(desk, large)).toBe(0);
    } finally {
      await operator.close();
      await desk.close();
    }
  });

  test.concurrent("splitting a buy into lines gains nothing", async () => {
    const desk = await bookingDesk({ config: withMandate({ per_buy: "5000.00 USD" }) });
    try {
      const client = await desk.connect({ person: approving });
      const refs = [
        await quoteFrom(client, { impressions: 100_000 }),
        await quoteFrom(client, { impressions: 100_001 }),
      ];
      const refused = await client.call("create_media_buy", { lines: refs.map((ref) => ({ quote_id: ref })) });
      expect(codeOf(refused), refused.text).toBe("outside_mandate");
      expect(refused.text).toContain("per_buy is 5,000.00 USD");
      expect(client.questions).toEqual([]);
      expect(sent(desk, "deal")).toBe(0);
    } finally {
      await desk.close();
    }
  });
});

describe("a channel counts up to its limit", () => {
  test.concurrent("a form whose limit is too low is not shown; the terminal is named, and decides", async () => {
    verifies("promise.channel_limits", "approval.auto_limit_default", "approval.awaiting");
    const desk = await bookingDesk({
      bookingSeconds: 10,
      config: withMandate({ channels: { form: limit("1000.00 USD", "1000.00 USD"), terminal: plenty } }),
    });
    const operator = operatorOf(desk);
    try {
      const client = await desk.connect({ person: approving });
      const ref = await quoteFrom(client, { impressions: 100_000 });
      const asked = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(asked.at("status")).toBe("awaiting_approval");
      expect(client.questions).toEqual([]);
      const approvalId = asked.string("approval", "approval_id");
      expect(asked.text).toContain(` approve ${approvalId}`);
      expect(asked.text).toContain("channels.form.per_buy is 1,000.00 USD");
      expect(sent(desk, "deal")).toBe(0);
      await operator.decideOnly(approvalId, await signedDecision(operator, approvalId));
      const booked = await client.ok("approve", { approval_id: approvalId, wait_s: 20 });
      expect(booked.at("status"), booked.text).toBe("booked");
    } finally {
      await operator.close();
      await desk.close();
    }
  });

  test.concurrent("a channel that is not set decides nothing, whoever says that a person answered", async () => {
    verifies("promise.channel_limits");
    const desk = await bookingDesk({ config: withMandate({ channels: {} }) });
    const operator = operatorOf(desk);
    try {
      const client = await desk.connect({ person: approving });
      const ref = await quoteFrom(client, { impressions: 100_000 });
      const asked = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(asked.at("status")).toBe("awaiting_approval");
      expect(client.questions).toEqual([]);
      const approvalId = asked.string("approval", "approval_id");
      for (const via of ["form", "terminal"] as const) {
        const decision = via === "form" ? formDecision() : await signedDecision(operator, approvalId);
        await expect(operator.decideOnly(approvalId, decision)).rejects.toMatchObject({ code: "outside_mandate" });
      }
      expect((await operator.approval(approvalId)).status).toBe("pending");
      expect(await kindsOf(desk, ref)).not.toContain("booking_started");
    } finally {
      await operator.close();
      await desk.close();
    }
  });
});

describe("limits fail closed", () => {
  const euro = {
    currency: "EUR",
    per_buy: "250000.00 EUR",
    per_day: "1000000.00 EUR",
    max_cpm: "60.00 EUR",
    channels: { form: { per_buy: "250000.00 EUR", per_day: "1000000.00 EUR" } },
  };
  const sellersWith = (trust: string) => (standard: ConfigFile) => ({
    ...standard,
    sellers: (Array.isArray(standard["sellers"]) ? standard["sellers"] : []).map((one) => ({ ...Object(one), trust })),
  });
  const changes: readonly {
    readonly name: string;
    readonly change: (standard: ConfigFile) => ConfigFile;
    readonly code: string;
    readonly says: string;
  }[] = [
    {
      name: "per buy",
      change: withMandate({ per_buy: "1000.00 USD" }),
      code: "outside_mandate",
      says: "per_buy is 1,000.00 USD",
    },
    {
      name: "per day",
      change: withMandate(limit("1000.00 USD", "1000.00 USD")),
      code: "outside_mandate",
      says: "per_day is 1,000.00 USD",
    },
    {
      name: "highest CPM",
      change: withMandate({ max_cpm: "20.00 USD" }),
      code: "outside_mandate",
      says: "max_cpm is 20.00 USD",
    },
    {
      name: "allowed sellers",
      change: withMandate({ sellers: { allowed: ["harborview"] } }),
      code: "outside_mandate",
      says: "sellers.allowed does not hold northbeam",
    },
    {
      name: "least trust",
      change: (standard) => withMandate({ min_trust: "preferred" })(sellersWith("verified")(standard)),
      code: "outside_mandate",
      says: "min_trust is preferred",
    },
    {
      name: "blocked sellers",
      change: withMandate({ sellers: { allowed: ["harborview"], blocked: ["northbeam"] } }),
      code: "seller_blocked",
      says: "it was not contacted",
    },
    {
      name: "no mandate",
      change: ({ mandate: _, ...standard }) => standard,
      code: "no_mandate",
      says: '"mandate": {"currency"',
    },
  ];

  test.concurrent("an operator who tightens the mandate after the quote, and after the question, is obeyed", async () => {
    verifies("promise.mandate_limits", "promise.fail_closed", "trust.blocked");
    const desk = await bookingDesk();
    const file = join(desk.directory, "config.json");
    const standard: ConfigFile = Object(JSON.parse(readFileSync(file, "utf8")));
    try {
      const first = await desk.connect();
      const [ref, waiting] = [
        await quoteFrom(first, { impressions: 100_000 }),
        await quoteFrom(first, { impressions: 100_001 }),
      ];
      const asked = await first.ok("create_media_buy", { lines: [{ quote_id: waiting }] });
      const approvalId = asked.string("approval", "approval_id");
      let tightened = standard;
      for (const { name, change, code, says } of changes) {
        // One limit on top of the other: whatever allowed more again would not count until a person approved it.
        tightened = change(tightened);
        writeFileSync(file, JSON.stringify(tightened));
        const client = await desk.connect({ person: approving });
        desk.sandbox.clearRequests();
        const refused = await client.call("create_media_buy", { lines: [{ quote_id: ref }] });
        expect(codeOf(refused), `${name}: ${refused.text}`).toBe(code);
        expect(refused.text, name).toContain(says);
        expect(refused.text, name).toContain("Nothing was booked.");
        const late = await client.call("approve", { approval_id: approvalId });
        expect([code, "currency_mismatch", undefined], `${name}: ${late.text}`).toContain(codeOf(late));
        if (!late.isError) expect(late.at("status"), `${name}: ${late.text}`).toBe("awaiting_approval");
        if (code === "seller_blocked") expect(desk.sandbox.requests(seller)).toEqual([]);
        expect(sent(desk, "deal"), name).toBe(0);
        await client.close();
      }
      expect(desk.sandbox.deals(seller)).toEqual([]);
      expect((await balancesOf(desk))?.total.micros ?? 0n).toBe(0n);
    } finally {
      await desk.close();
    }
  });

  test.concurrent("a mandate in another currency than the sellers' refuses", async () => {
    verifies("promise.fail_closed");
    const desk = await bookingDesk({ config: withMandate(euro) });
    try {
      const client = await desk.connect({ person: approving });
      const ref = await quoteFrom(client, { impressions: 100_000 });
      const refused = await client.call("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(codeOf(refused), refused.text).toBe("outside_mandate");
      expect(refused.text).toContain("currency is EUR");
      expect(sent(desk, "deal")).toBe(0);
    } finally {
      await desk.close();
    }
  });
});
