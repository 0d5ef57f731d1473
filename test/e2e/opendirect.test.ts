import { describe, expect, test, vi } from "vitest";
import { verifies } from "../requirements.ts";
import { balancesOf, until } from "./booking-fixtures.ts";
import { approving } from "./client.ts";
import { type ConfigFile, flight } from "./fixtures.ts";
import { buy, entryIn, nowOf, onOpenDirect, product, quoted, seller } from "./opendirect-desk.ts";

// Some stories wait for the watcher's next look, and a busy machine starts servers slowly.
vi.setConfig({ testTimeout: 60_000 });

/**
 * Buying over OpenDirect 2.1, told through an MCP client: four writes, each sent once and read back. What the seller's own
 * books hold is what counts.
 */

test("search, avails, order, line, reservation, booking, stats and cancellation follow each other", async () => {
  verifies("opendirect.sequence", "server.opendirect", "booking.over_opendirect");
  verifies("opendirect.order.create", "opendirect.order.after_approval", "opendirect.line.create");
  verifies("opendirect.line.reserve", "opendirect.line.book", "opendirect.line.stats");
  await onOpenDirect(async ({ desk, client, lines, orders, sent }) => {
    const found = await client.ok("discover_sellers", {});
    expect(found.at("sellers", 0), found.text).toMatchObject({ seller_id: seller, protocol: "opendirect" });
    const kit = await client.ok("get_media_kit", { sellers: [seller], channels: ["display"] });
    expect(kit.text).toContain("Homepage MRec");
    const asked = await client.ok("request_quote", {
      items: [{ product, flight: flight(3, 32), impressions: 400_000 }],
    });
    expect(asked.at("quotes", 0), asked.text).toMatchObject({ cpm: "25.00 USD", total: "10000.00 USD" });
    expect(asked.at("quotes", 0, "account")).toMatch(/^account \d+/);
    expect(sent("POST", "PATCH").filter((one) => /orders/.test(one))).toEqual([]);

    const quoteId = asked.string("quotes", 0, "quote_id");
    const bought = await buy(client, quoteId);
    expect(bought.string("status"), bought.text).toBe("booked");
    expect(bought.at("media_buys", 0, "as_approved")).toBe(true);
    const [line] = lines();
    expect(lines()).toMatchObject([
      { status: "Booked", qty: 400_000, rateMicros: 25_000_000, costMicros: 10_000_000_000 },
    ]);
    expect(orders().length).toBe(1);
    expect(bought.string("media_buys", 0, "packages", 0, "deal_id")).toBe(`${line?.orderId}/${line?.id}`);
    expect(line?.history).toEqual(["Draft", "Reserved", "Booked"]);
    expect(sent("POST", "PATCH", "PUT", "DELETE").filter((one) => /orders/.test(one))).toEqual([
      "POST /accounts/…/orders",
      "POST /accounts/…/orders/…/lines",
      "PATCH /accounts/…/orders/…/lines/…?action=reserve",
      "PATCH /accounts/…/orders/…/lines/…?action=book",
    ]);

    const before = await client.ok("get_delivery", { ids: [quoteId] });
    expect(before.at("deliveries", 0, "impressions"), before.text).toBe(0);
    desk.sandbox.opendirect.pass(seller, 18 * 86_400_000);
    const delivery = await client.ok("get_delivery", { ids: [quoteId] });
    const [running] = lines();
    expect(running?.status).toBe("InFlight");
    expect(delivery.at("deliveries", 0, "impressions"), delivery.text).toBe(running?.impressions);

    const over = await client.ok("update_media_buy", { media_buy_id: quoteId, action: "cancel" });
    expect(over.text).toMatch(/cancelled/);
    // What is cancelled in flight is stopped, by the state diagram of the specification.
    expect(lines()[0]?.status).toBe("Stopped");
  });
});

describe.each(["order", "line", "reserve", "book"] as const)("the answer to %s that is lost", (step) => {
  test("is found again: one order, one line, one booking", async () => {
    verifies("promise.never_two");
    await onOpenDirect(async ({ desk, client, lines, orders, sent }) => {
      const quoteId = await quoted(client);
      desk.sandbox.opendirect.lose(seller, step);
      const asked = await buy(client, quoteId);
      expect(["booking_unknown", "booked", "sending"]).toContain(asked.string("status"));
      await until("booked", async () => (await nowOf(client, quoteId)).at("media_buys", 0, "status") === "booked");
      expect(lines().map(({ status }) => status)).toEqual(["Booked"]);
      expect(orders().length).toBe(1);
      expect(sent("POST").filter((one) => /orders/.test(one))).toHaveLength(2);
      expect(sent("PATCH")).toHaveLength(2);
    });
  });
});

test("a booking that the seller's people decide waits, over a restart, and is booked when they do", async () => {
  await onOpenDirect(async ({ desk, client, lines, behave }) => {
    const quoteId = await quoted(client);
    behave({ decides: "by-hand" });
    const asked = await buy(client, quoteId);
    expect(asked.string("status"), asked.text).toBe("awaiting_seller");
    expect(lines()[0]?.status).toBe("PendingReservation");
    await client.close();
    const later = await desk.connect({ person: approving });
    expect((await nowOf(later, quoteId)).at("media_buys", 0, "status")).toBe("awaiting_seller");
    desk.sandbox.opendirect.decide(seller, "accept");
    await until("the booking is asked for", () => lines()[0]?.status === "PendingBooking");
    expect((await nowOf(later, quoteId)).at("media_buys", 0, "status")).toBe("awaiting_seller");
    desk.sandbox.opendirect.decide(seller, "accept");
    const booked = await nowOf(later, quoteId);
    expect(booked.at("media_buys", 0, "status"), booked.text).toBe("booked");
    expect(lines()).toHaveLength(1);
  });
});

test.each(["status", "error"] as const)(
  "a reservation declined by %s books nothing, and gives the money back",
  async (declinesBy) => {
    await onOpenDirect(async ({ desk, client, lines, behave }) => {
      const quoteId = await quoted(client);
      behave({ declines: { reserve: "Sold out in June." }, declinesBy });
      const asked = await buy(client, quoteId);
      expect(asked.string("status"), asked.text).toBe("refused");
      expect(asked.text).toContain("Sold out in June.");
      expect((await balancesOf(desk))?.total.micros).toBe(0n);
      expect(lines().filter(({ status }) => status === "Reserved" || status === "Booked")).toEqual([]);
    });
  },
);

test("a rate that is raised at the reservation is not booked: the hold is given up", async () => {
  await onOpenDirect(async ({ desk, client, lines, behave, sent }) => {
    const quoteId = await quoted(client);
    behave({ repriceOnReserve: 1.2 });
    const asked = await buy(client, quoteId);
    expect(asked.at("status"), asked.text).toBe("terms_changed");
    expect(asked.text).toMatch(/unit_price was approved as .*25\.00 USD.* and is .*30\.00 USD/);
    expect(lines()).toEqual([]);
    expect(sent("PATCH")).toEqual([
      "PATCH /accounts/…/orders/…/lines/…?action=reserve",
      "PATCH /accounts/…/orders/…/lines/…?action=reset",
    ]);
    expect((await balancesOf(desk))?.total.micros).toBe(0n);
  });
});

test("a rate that is lowered at the reservation is what is booked, and one that is raised at the booking is an incident", async () => {
  await onOpenDirect(async ({ client, lines, behave }) => {
    const cheaper = await quoted(client);
    behave({ repriceOnReserve: 0.9 });
    const asked = await buy(client, cheaper);
    expect(asked.string("status"), asked.text).toBe("booked");
    expect(asked.at("media_buys", 0, "as_approved")).toBe(true);
    expect(lines()[0]?.rateMicros).toBe(22_500_000);

    const dearer = await quoted(client);
    behave({ repriceOnReserve: 1, repriceOnBook: 1.1 });
    const booked = await buy(client, dearer);
    expect(booked.string("status"), booked.text).toBe("terms_mismatch");
    expect(booked.text).toMatch(/unit_price.*25\.00 USD.*27\.50 USD/);
    // It stands there: the next buy waits for a person to look.
    expect(lines().map(({ status }) => status)).toEqual(["Booked", "Booked"]);
  });
});

test("a reservation that runs out while the seller's people think is bought no more", async () => {
  await onOpenDirect(async ({ desk, client, lines, behave }) => {
    const quoteId = await quoted(client);
    behave({ decides: "by-hand" });
    await buy(client, quoteId);
    await client.close();
    desk.sandbox.opendirect.decide(seller, "accept");
    desk.sandbox.opendirect.expireReservation(seller);
    const later = await desk.connect({ person: approving });
    const told = await nowOf(later, quoteId);
    expect(told.at("media_buys", 0, "status"), told.text).toBe("open");
    expect(told.text).toMatch(/was not bought: expired: .*its line is “Expired”/);
    expect(lines().map(({ status }) => status)).toEqual(["Expired"]);
    expect((await balancesOf(desk))?.total.micros).toBe(0n);
  });
});

test("an account that is not open yet is waited for, and the order goes out by itself once it is", async () => {
  await onOpenDirect(async ({ desk, client, orders, lines, behave }) => {
    behave({ accounts: "by-hand" });
    const quoteId = await quoted(client);
    const asked = await buy(client, quoteId);
    expect(asked.string("status"), asked.text).toBe("awaiting_seller");
    expect(asked.at("media_buys", 0, "seller_waits", "for")).toBe("account");
    expect(orders()).toEqual([]);
    desk.sandbox.opendirect.decideAccounts(seller, "Approved");
    await until("the line is booked", () => lines()[0]?.status === "Booked");
    expect((await nowOf(client, quoteId)).at("media_buys", 0, "status")).toBe("booked");
    expect(orders().length).toBe(1);
  });
});

test.each([
  ["bearer", "bearer"],
  ["api-key", "api_key"],
  ["access-token", "access_token"],
] as const)("a seller that reads %s alone is bought from with it, and sent nothing else", async (auth, kind) => {
  verifies("connection.auth.bearer_first", "connection.auth.api_key_second");
  const withKey = (key: string) => (standard: ConfigFile) => ({
    ...standard,
    sellers: [{ ...Object(entryIn(standard)), credentials: { seat: { [kind]: key } } }],
  });
  await onOpenDirect(
    async ({ client, behave, desk }) => {
      behave({ auth });
      expect((await buy(client, await quoted(client))).string("status")).toBe("booked");
      const headers = desk.sandbox.requests(seller).map((request) => Object.keys(request.headers));
      const name = { bearer: "authorization", "api-key": "x-api-key", "access-token": "accesstoken" }[auth];
      for (const one of headers) {
        expect(one.filter((header) => /^(authorization|x-api-key|accesstoken)$/.test(header))).toEqual([name]);
      }
    },
    { config: withKey("sandbox-citylight-seat") },
  );
});
