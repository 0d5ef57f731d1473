import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { FaultSpec } from "../../src/sandbox/faults.ts";
import { few } from "../long.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, kill, kindsOf, seller, sent, until } from "./booking-fixtures.ts";
import { approving, at, type Connection } from "./client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000 });

async function booked(
  work: (scene: { desk: TestDesk; client: Connection; ref: string; dealId: string }) => Promise<void>,
  { bookingSeconds = 5, toBeKilled = false } = {},
) {
  const desk = await bookingDesk({ bookingSeconds });
  try {
    const client = await (toBeKilled ? desk.spawn({ person: approving }) : desk.connect({ person: approving }));
    const ref = await quoteFrom(client);
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reply.at("status"), reply.text).toBe("booked");
    await work({ desk, client, ref, dealId: reply.string("media_buys", 0, "packages", 0, "deal_id") });
  } finally {
    await desk.close();
  }
}

const cancel = (client: Connection, ref: string) =>
  client.call("update_media_buy", { media_buy_id: ref, action: "cancel" });
const statusAt = (desk: TestDesk) => desk.sandbox.deals(seller)[0]?.status;
const total = async (desk: TestDesk) => (await balancesOf(desk))?.total.micros ?? 0n;

describe("the order after the deal", () => {
  const failures: readonly { readonly name: string; readonly fault: FaultSpec }[] = [
    { name: "a 500", fault: { kind: "error-text", operation: "order" } },
    { name: "a lost answer", fault: { kind: "drop-answer", operation: "order" } },
    { name: "no answer at all", fault: { kind: "hang", operation: "order" } },
  ];

  test.concurrent.each(few(failures, "a lost answer"))(
    "$name: the buy stays booked, and the answer says what is missing",
    async ({ fault }) => {
      verifies("order.failure_keeps_deal", "order.from_deal");
      const desk = await bookingDesk({ bookingSeconds: 2 });
      try {
        const client = await desk.connect({ person: approving });
        const ref = await quoteFrom(client);
        desk.sandbox.fault(seller, fault);
        const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
        expect(reply.at("status"), reply.text).toBe("booked");
        expect(reply.at("media_buys", 0, "order_id")).toBe(null);
        expect(reply.text).toContain("the deal stands, but the seller's order could not be placed");
        expect(dealsOf(desk, ref)).toBe(1);
        expect(await kindsOf(desk, ref)).toContain("order_failed");
      } finally {
        await desk.close();
      }
    },
  );

  test.concurrent("a process that died before the order's answer came: the next one says that nobody knows", async () => {
    verifies("order.failure_keeps_deal");
    const desk = await bookingDesk({ bookingSeconds: 1 });
    try {
      const first = await desk.spawn({ person: approving });
      const ref = await quoteFrom(first);
      desk.sandbox.fault(seller, { kind: "hang", operation: "order", uses: 1 });
      const buying = first.call("create_media_buy", { lines: [{ quote_id: ref }] }).catch(() => "died");
      await until("the order is asked for", () => sent(desk, "order") === 1);
      kill(first);
      await buying;
      // The dead sender's claim: twice the booking time and ten seconds more.
      await delay(12_300);
      const second = await desk.connect();
      await until("said", async () => {
        const reply = await second.ok("get_media_buys", { ids: [ref] });
        return (
          reply.at("media_buys", 0, "status") === "booked" && reply.text.includes("nobody recorded what became of it")
        );
      });
      expect(sent(desk, "order")).toBe(1);
      expect(dealsOf(desk, ref)).toBe(1);
    } finally {
      await desk.close();
    }
  });
});

describe("cancelling", () => {
  test.concurrent("believed when a read says so; the money comes back once, however often and from wherever it is asked", async () => {
    verifies("tool.update_media_buy.cancel");
    await booked(async ({ desk, client, ref, dealId }) => {
      expect(await total(desk)).toBeGreaterThan(0n);
      const other = await desk.connect();
      const replies = await Promise.all([
        cancel(client, ref),
        cancel(other, ref),
        cancel(client, `${seller}/${dealId}`),
      ]);
      for (const reply of replies) expect(reply.at("media_buy", "status"), reply.text).toBe("cancelled");
      expect(statusAt(desk)).toBe("cancelled");
      expect(await total(desk)).toBe(0n);
      await cancel(client, ref);
      expect(await total(desk)).toBe(0n);
      expect((await kindsOf(desk, ref)).filter((kind) => kind === "cancel_confirmed")).toHaveLength(1);
      // Cancelled is not open: the quote was booked once, and that was it.
      const again = await client.call("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(at(again.error, "code"), again.text).toBe("already_booked");
      expect(sent(desk, "deal")).toBe(1);
    });
  });

  test.concurrent("refused: the deal and its money stand, and the answer says so", async () => {
    await booked(async ({ desk, client, ref }) => {
      const held = await total(desk);
      await client.close();
      const file = join(desk.directory, "config.json");
      // The seller withdrew our keys.
      writeFileSync(file, readFileSync(file, "utf8").replaceAll(/"api_key":"[^"]+"/g, '"api_key":"withdrawn"'));
      const later = await desk.connect();
      const refused = await cancel(later, ref);
      expect(at(refused.error, "code"), refused.text).toBe("credential_missing");
      expect(at(refused.error, "nothing_booked")).toBe(false);
      expect(refused.text).toContain("the deal stands");
      expect(refused.text).not.toContain("Nothing was booked");
      expect((await later.ok("get_media_buys", { ids: [ref] })).at("media_buys", 0, "status")).toBe("booked");
      expect(await total(desk)).toBe(held);
      expect(statusAt(desk)).toBe("proposed");
    });
  });

  const losses: readonly { readonly name: string; readonly fault: FaultSpec }[] = [
    { name: "the seller fails before it acts", fault: { kind: "error-text", operation: "cancel", uses: 1 } },
    { name: "the answer is dropped", fault: { kind: "drop-answer", operation: "cancel", uses: 1 } },
    {
      name: "the answer is a 500 after the fact",
      fault: { kind: "error-500-after-commit", operation: "cancel", uses: 1 },
    },
    {
      name: "the seller acts after we gave up",
      fault: { kind: "late-commit", operation: "cancel", uses: 1, ms: 3_000 },
    },
    { name: "the deal cannot be read afterwards", fault: { kind: "error-text", operation: "deal-read", uses: 1 } },
  ];

  test.concurrent.each(few(losses, "the answer is dropped", "the seller acts after we gave up"))(
    "$name: unknown with its money held, until asking again settles it",
    async ({ fault }) => {
      verifies("tool.update_media_buy.cancel", "promise.no_silence");
      await booked(
        async ({ desk, client, ref }) => {
          const held = await total(desk);
          desk.sandbox.fault(seller, fault);
          const lost = await cancel(client, ref);
          expect(at(lost.error, "code"), lost.text).toBe("booking_unknown");
          expect(at(lost.error, "nothing_booked")).toBe(false);
          expect(lost.text).toContain("money stays held");
          expect(await total(desk)).toBe(held);
          const seen = await client.ok("get_media_buys", { ids: [ref] });
          expect(seen.at("media_buys", 0, "status")).toBe("cancel_unknown");
          await until("settled", async () => (await cancel(client, ref)).at("media_buy", "status") === "cancelled");
          expect(await total(desk)).toBe(0n);
          expect(statusAt(desk)).toBe("cancelled");
        },
        { bookingSeconds: 2 },
      );
    },
  );

  test.concurrent("a seller that is gone when asked again does not make an unknown cancellation a refused one", async () => {
    const desk = await bookingDesk();
    try {
      const client = await desk.connect({ person: approving });
      const ref = await quoteFrom(client);
      await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      desk.sandbox.fault(seller, { kind: "drop-answer", operation: "cancel", uses: 1 });
      await cancel(client, ref);
      await desk.sandbox.close();
      const again = await cancel(client, ref);
      expect(at(again.error, "code"), again.text).toBe("booking_unknown");
      const seen = await client.ok("get_media_buys", { ids: [ref] });
      expect(seen.at("media_buys", 0, "status")).toBe("cancel_unknown");
    } finally {
      await desk.close();
    }
  });

  test.concurrent("a seller that cannot be reached is said to be so, and the deal stands", async () => {
    await booked(async ({ desk, client, ref }) => {
      const held = await total(desk);
      await desk.sandbox.close();
      const down = await cancel(client, ref);
      expect(at(down.error, "code"), down.text).toBe("seller_unavailable");
      expect(down.text).toContain("the deal stands");
      expect(at(down.error, "nothing_booked")).toBe(false);
      expect((await client.ok("get_media_buys", { ids: [ref] })).at("media_buys", 0, "status")).toBe("booked");
      expect(await total(desk)).toBe(held);
    });
  });

  test.concurrent("a process killed while cancelling: asking again ends it", async () => {
    await booked(
      async ({ desk, client, ref }) => {
        desk.sandbox.fault(seller, { kind: "slow", operation: "cancel", uses: 1, ms: 600 });
        const cancelling = cancel(client, ref).catch(() => "died");
        await until("the cancellation is sent", () => sent(desk, "cancel") === 1);
        kill(client);
        await cancelling;
        const second = await desk.connect();
        const inbox = await second.ok("get_inbox");
        expect(inbox.text).toContain(ref);
        const done = await cancel(second, ref);
        expect(done.at("media_buy", "status"), done.text).toBe("cancelled");
        expect(await total(desk)).toBe(0n);
      },
      { toBeKilled: true },
    );
  });
});
