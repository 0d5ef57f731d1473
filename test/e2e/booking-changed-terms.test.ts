import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { signedDecision } from "../people.ts";
import { few } from "../long.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, kindsOf, seller, sent, until, whileItWaits } from "./booking-fixtures.ts";
import { approving, at, type Connection, type Person, rejecting } from "./client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000 });

interface Scene {
  readonly desk: TestDesk;
  readonly client: Connection;
  readonly ref: string;
  readonly sellerQuoteId: string;
}

/**
 * A desk, a quote, and a person who approves; what `meanwhile` does happens while the person reads the first question.
 * A 2025-era client is asked within the call, so the answer meets the very approval that was shown.
 */
async function whileThePersonThinks(
  meanwhile: (scene: Scene) => Promise<void> | void,
  then: (scene: Scene) => Promise<void>,
  quoteTtlMs?: number,
) {
  const desk = await bookingDesk({ bookingSeconds: 10, ...(quoteTtlMs === undefined ? {} : { quoteTtlMs }) });
  let scene: Scene | null = null;
  const person: Person = async (question) => {
    const now = scene;
    scene = null;
    if (now) await meanwhile(now);
    return approving(question);
  };
  try {
    const client = await desk.connect({ kind: "2.x legacy", person });
    const ref = await quoteFrom(client);
    scene = { desk, client, ref, sellerQuoteId: ref.split("/")[1] ?? "" };
    await then(scene);
  } finally {
    await desk.close();
  }
}

const buy = ({ client, ref }: Scene) => client.ok("create_media_buy", { lines: [{ quote_id: ref }] });

/** Nothing was sent, and nothing is held or spent. */
async function nothingHappened({ desk, ref }: Scene): Promise<void> {
  expect(sent(desk, "deal")).toBe(0);
  expect(dealsOf(desk, ref)).toBe(0);
  expect((await balancesOf(desk))?.total.micros ?? 0n).toBe(0n);
}

describe("while the person thinks", () => {
  const dearer: readonly { readonly name: string; readonly meanwhile: (scene: Scene) => void }[] = [
    {
      name: "the seller raises the price",
      meanwhile: ({ desk }) => desk.sandbox.fault(seller, { kind: "quote-drift", factor: 1.1, uses: 1 }),
    },
    {
      name: "a third party strikes the negotiation at a higher price",
      meanwhile: ({ desk, sellerQuoteId }) => desk.sandbox.strikeNegotiation(seller, sellerQuoteId, 36_500_000),
    },
  ];

  test.concurrent.each(few(dearer, "the seller raises the price"))(
    "$name: terms_changed, the approval is void, and a fresh one is for the new price",
    async ({ meanwhile }) => {
      verifies("promise.exact_terms", "ask.quote_worse", "quote.read_back");
      await whileThePersonThinks(meanwhile, async (scene) => {
        const reply = await buy(scene);
        expect(reply.at("status"), reply.text).toBe("terms_changed");
        expect(reply.at("approval", "status")).toBe("void");
        expect(reply.text).toContain("unit_price");
        expect(reply.at("nothing_booked")).toBe(true);
        await nothingHappened(scene);
        // The void one cannot be brought back to life.
        const { client, desk, ref } = scene;
        const dead = await client.ok("approve", { approval_id: reply.string("approval", "approval_id") });
        expect(dead.at("status")).toBe("terms_changed");
        await nothingHappened(scene);

        const [old = ""] = client.questions;
        const fresh = await buy(scene);
        expect(fresh.at("status"), fresh.text).toBe("booked");
        expect(fresh.at("media_buys", 0, "as_approved")).toBe(true);
        expect(fresh.at("approval", "approval_id")).not.toBe(reply.at("approval", "approval_id"));
        const [deal] = desk.sandbox.deals(seller);
        const cpm = fresh.string("media_buys", 0, "packages", 0, "cpm");
        expect(cpm).toBe(`${((deal?.cpm_micros ?? 0) / 1_000_000).toFixed(2)} USD`);
        expect(client.questions).toHaveLength(2);
        expect(client.questions[1]).toContain(cpm.replace(" USD", ""));
        expect(old).not.toContain(cpm.replace(" USD", ""));
        expect(dealsOf(desk, ref)).toBe(1);
      });
    },
  );

  test.concurrent("the price falls: what was approved is bought for less", () =>
    whileThePersonThinks(
      ({ desk, sellerQuoteId }) => desk.sandbox.strikeNegotiation(seller, sellerQuoteId, 29_000_000),
      async (scene) => {
        const reply = await buy(scene);
        expect(reply.at("status"), reply.text).toBe("booked");
        expect(reply.at("media_buys", 0, "packages", 0, "cpm")).toBe("29.00 USD");
        expect(scene.desk.sandbox.deals(seller)[0]?.cpm_micros).toBe(29_000_000);
      },
    ));

  const gone: readonly { readonly name: string; readonly meanwhile: (scene: Scene) => void }[] = [
    {
      name: "the quote expires at the seller",
      meanwhile: ({ desk, sellerQuoteId }) => desk.sandbox.expireQuote(seller, sellerQuoteId),
    },
    {
      name: "the seller forgets the quote",
      meanwhile: ({ desk, sellerQuoteId }) => desk.sandbox.expireQuote(seller, sellerQuoteId, true),
    },
  ];

  test.concurrent.each(few(gone, "the quote expires at the seller"))(
    "$name: the approval is void, nothing is sent, and a renewed quote can be bought",
    async ({ meanwhile }) => {
      verifies("quote.status_available", "quote.ttl", "tool.request_quote.renews");
      await whileThePersonThinks(meanwhile, async (scene) => {
        const reply = await buy(scene);
        expect(reply.at("status"), reply.text).toBe("terms_changed");
        expect(reply.at("approval", "status")).toBe("void");
        await nothingHappened(scene);
        const { client, desk, ref } = scene;
        const again = await client.call("create_media_buy", { lines: [{ quote_id: ref }] });
        expect(at(again.error, "code"), again.text).toBe("quote_expired");
        expect(client.questions).toHaveLength(1);
        const renewed = (await client.ok("request_quote", { quote_ids: [ref] })).string("quotes", 0, "quote_id");
        const bought = await client.ok("create_media_buy", { lines: [{ quote_id: renewed }] });
        expect(bought.at("status"), bought.text).toBe("booked");
        expect(dealsOf(desk, renewed)).toBe(1);
        expect(dealsOf(desk, ref)).toBe(0);
      });
    },
  );

  test.concurrent.each(few(dearer, "the seller raises the price"))(
    "$name, and a 2026 client repeats its call with the answer: the answer does not carry over",
    async ({ meanwhile }) => {
      verifies("promise.exact_terms");
      const desk = await bookingDesk({ bookingSeconds: 10 });
      try {
        let ref = "";
        const client: Connection = await desk.connect({
          kind: "2.x modern",
          person: (question) => {
            // Whoever is asked a second time, about the new price, has not approved it yet.
            if (client.questions.length > 1) return rejecting(question);
            meanwhile({ desk, client, ref, sellerQuoteId: ref.split("/")[1] ?? "" });
            return approving(question);
          },
        });
        ref = await quoteFrom(client);
        const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
        expect(["terms_changed", "rejected"], reply.text).toContain(reply.at("status"));
        expect(reply.at("nothing_booked")).toBe(true);
        expect(new Set(client.questions).size).toBe(client.questions.length);
        expect(sent(desk, "deal")).toBe(0);
      } finally {
        await desk.close();
      }
    },
  );

  test.concurrent("nobody is asked about a quote that has gone since the question was first put", async () => {
    const desk = await bookingDesk();
    try {
      const [silent, client] = await Promise.all([desk.connect(), desk.connect({ person: approving })]);
      const ref = await quoteFrom(silent);
      await silent.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      desk.sandbox.expireQuote(seller, ref.split("/")[1] ?? "");
      const refused = await client.call("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(at(refused.error, "code"), refused.text).toBe("quote_expired");
      expect(client.questions).toEqual([]);
    } finally {
      await desk.close();
    }
  });

  test.concurrent("the time to decide runs out: the late answer books nothing", async () => {
    verifies("approval.times_out");
    // An approval ends two minutes before its quote: here, some three seconds after it is asked.
    await whileThePersonThinks(
      () => delay(4_500),
      async (scene) => {
        const reply = await buy(scene);
        expect(reply.at("status"), reply.text).toBe("expired");
        await nothingHappened(scene);
        const approvalId = reply.string("approval", "approval_id");
        expect((await scene.client.ok("approve", { approval_id: approvalId })).at("status")).toBe("expired");
        await until("closed by the watcher", async () =>
          (await kindsOf(scene.desk, scene.ref)).includes("approval_closed"),
        );
        await nothingHappened(scene);
      },
      124_000,
    );
  });
});

describe("between the decision and the sending", () => {
  const changes: readonly {
    readonly name: string;
    readonly code: string;
    readonly change: (desk: TestDesk, id: string) => void;
  }[] = [
    {
      name: "the price rises",
      code: "terms_changed",
      change: (desk) => desk.sandbox.fault(seller, { kind: "quote-drift", uses: 1 }),
    },
    { name: "the quote expires", code: "quote_expired", change: (desk, id) => desk.sandbox.expireQuote(seller, id) },
    {
      name: "the seller cannot be read",
      code: "seller_unavailable",
      change: (desk) => desk.sandbox.fault(seller, { kind: "error-text", operation: "quote-read" }),
    },
  ];

  test.concurrent.each(few(changes, "the price rises"))(
    "$name: nothing is sent, and the money is given back",
    async ({ code, change }) => {
      verifies("ask.terminal_does_not_send", "booking.poll");
      await whileItWaits(async ({ desk, operator, client, ref, approvalId }) => {
        change(desk, ref.split("/")[1] ?? "");
        const approve = await signedDecision(operator, approvalId);
        await operator.decideOnly(approvalId, approve);
        const reply = await client.ok("approve", { approval_id: approvalId, wait_s: 20 });
        expect(["refused", "terms_changed"], reply.text).toContain(reply.at("status"));
        expect(at(reply.list("not_bought")[0], "code")).toBe(code);
        expect(at(reply.list("not_bought")[0], "was_sent")).toBe(false);
        expect(reply.at("nothing_booked")).toBe(true);
        expect(sent(desk, "deal")).toBe(0);
        expect((await balancesOf(desk))?.total.micros).toBe(0n);
        // Spent is spent: deciding it again does not start it again.
        await expect(operator.decideOnly(approvalId, approve)).rejects.toMatchObject({ code: "approval_used" });
        await delay(1_500);
        expect(sent(desk, "deal")).toBe(0);
      });
    },
  );

  test.concurrent("an approved line whose quote ends before any process serves gives its money back", async () => {
    await whileItWaits(async ({ desk, operator, client, ref, approvalId }) => {
      await client.close();
      const approve = await signedDecision(operator, approvalId);
      await operator.decideOnly(approvalId, approve);
      expect((await balancesOf(desk))?.total.micros).toBeGreaterThan(0n);
      desk.sandbox.expireQuote(seller, ref.split("/")[1] ?? "", true);
      const later = await desk.connect();
      const reply = await later.ok("approve", { approval_id: approvalId, wait_s: 20 });
      expect(reply.at("status"), reply.text).toBe("refused");
      expect((await balancesOf(desk))?.total.micros).toBe(0n);
      expect(sent(desk, "deal")).toBe(0);
    });
  });
});
