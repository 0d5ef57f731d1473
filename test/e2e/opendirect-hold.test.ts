import { expect, test, vi } from "vitest";
import { balancesOf, until } from "./booking-fixtures.ts";
import { type ConnectOptions, type Person, rejecting } from "./client.ts";
import type { ConfigFile } from "./fixtures.ts";
import { buy, nowOf, onOpenDirect, quoted, seller } from "./opendirect-desk.ts";

vi.setConfig({ testTimeout: 60_000 });

/** Decides nothing yet: the approval stays open. */
const thinking: Person = () => ({ action: "decline" });

/** Inventory is reserved before the person is asked, by the operator's wish. */
const holding = (standard: ConfigFile): ConfigFile => ({
  ...standard,
  booking: { ...Object(standard["booking"]), hold_before_approval: true },
});
const onHold = (work: Parameters<typeof onOpenDirect>[0], options: ConnectOptions = {}) =>
  onOpenDirect(work, { ...options, config: holding });

test("the approved rate is the reserved one, and only the booking is left to be written", async () => {
  await onHold(async ({ client, lines, behave, sent }) => {
    const quoteId = await quoted(client);
    behave({ repriceOnReserve: 1.1 });
    const bought = await buy(client, quoteId);
    expect(bought.string("status"), bought.text).toBe("booked");
    expect(bought.at("media_buys", 0, "packages", 0, "price")).toBe("27.50 USD CPM");
    expect(lines()).toMatchObject([{ status: "Booked", rateMicros: 27_500_000 }]);
    expect(lines()[0]?.history).toEqual(["Draft", "Reserved", "Booked"]);
    expect(sent("POST").filter((one) => /orders/.test(one))).toHaveLength(2);
    const history = await client.ok("get_history", { media_buy_id: quoteId });
    expect(history.text).toMatch(/reserved at the seller at 27\.50 USD CPM[\s\S]*a person was asked for/);
  });
});

test("a person's no gives the reservation back", async () => {
  await onHold(
    async ({ client, lines, orders, desk }) => {
      const quoteId = await quoted(client);
      const answer = await buy(client, quoteId);
      expect(answer.string("status"), answer.text).toBe("rejected");
      expect(lines().filter(({ status }) => status !== "Draft")).toEqual([]);
      expect(orders()).toEqual([]);
      expect((await balancesOf(desk))?.total.micros ?? 0n).toBe(0n);
      const history = await client.ok("get_history", { media_buy_id: quoteId });
      expect(history.text).toContain("no longer held: rejected by a person");
    },
    { person: rejecting },
  );
});

test("a reservation that runs out while the person thinks is refused, and a fresh quote is to be had", async () => {
  await onHold(
    async ({ client, lines, desk }) => {
      const quoteId = await quoted(client);
      const asked = await buy(client, quoteId);
      expect(asked.string("status"), asked.text).toBe("awaiting_approval");
      expect(lines()).toMatchObject([{ status: "Reserved" }]);
      desk.sandbox.opendirect.expireReservation(seller);
      const again = await client.call("create_media_buy", { lines: [{ quote_id: quoteId }] });
      expect(again.text).toMatch(/quote_expired/);
      expect(again.text).toContain(`request_quote {"quote_ids":["${quoteId}"]}`);
      const fresh = await client.ok("request_quote", { quote_ids: [quoteId] });
      const renewed = await buy(client, fresh.string("quotes", 0, "quote_id"));
      expect(renewed.string("status"), renewed.text).toBe("awaiting_approval");
      expect(lines().filter(({ status }) => status === "Reserved")).toHaveLength(1);
    },
    { person: thinking },
  );
});

test.each(["order", "line", "reserve"] as const)(
  "the answer to %s that is lost is found: one line is held",
  async (step) => {
    await onHold(
      async ({ client, lines, orders, desk }) => {
        const quoteId = await quoted(client);
        desk.sandbox.opendirect.lose(seller, step);
        const asked = await buy(client, quoteId);
        expect(asked.string("status"), asked.text).toBe("awaiting_approval");
        expect(orders()).toHaveLength(1);
        expect(lines().map(({ status }) => status)).toEqual(["Reserved"]);
      },
      { person: thinking },
    );
  },
);

test("a seller whose people decide about reservations is asked again, and then the person", async () => {
  await onHold(
    async ({ client, lines, behave, desk }) => {
      const quoteId = await quoted(client);
      behave({ decides: "by-hand" });
      const early = await client.call("create_media_buy", { lines: [{ quote_id: quoteId }] });
      expect(early.text).toContain("was not reserved: the seller's people decide about the reservation");
      expect(lines()).toMatchObject([{ status: "PendingReservation" }]);
      desk.sandbox.opendirect.decide(seller, "accept");
      await until("the claim to reserve is over", async () => {
        const asked = await client.call("create_media_buy", { lines: [{ quote_id: quoteId }] });
        return asked.text.includes("awaiting_approval");
      });
      expect(lines()).toMatchObject([{ status: "Reserved" }]);
      expect((await nowOf(client, quoteId)).at("media_buys", 0, "status")).toBe("awaiting_approval");
    },
    { person: thinking },
  );
});
