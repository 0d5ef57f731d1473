import { describe, expect, test, vi } from "vitest";
import { verifies } from "../requirements.ts";
import { inLong } from "../long.ts";
import { balancesOf, kill, until } from "./booking-fixtures.ts";
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

const writes = ["order", "line", "reserve", "book"] as const;

describe.each(writes)("the answer to %s that is lost", (step) => {
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

describe("a product that is booked only with a creative", () => {
  const video = {
    creative_id: "trail-15",
    name: "Trail shoe, 15 s",
    format: "Pre-roll",
    assets: {
      clip: {
        ...{ asset_type: "video", url: "https://cdn.acmeoutdoor.example/trail-15.mp4", mime_type: "video/mp4" },
        duration_ms: 15_000,
      },
    },
  };
  const item = { product: `${seller}/888803`, creative_ids: ["trail-15"] };

  test("is bought with one of the library, which a person saw, and which is assigned before anything is held", async () => {
    await onOpenDirect(async ({ desk, client, lines, sent }) => {
      const none = await client.call("request_quote", { items: [{ ...item, flight: flight(), impressions: 150_000 }] });
      expect(none.text).toContain("has no creative trail-15 of ours; hand it over with sync_creatives first");
      const handed = await client.ok("sync_creatives", { seller, creatives: [video] });
      expect(handed.at("creatives", 0), handed.text).toMatchObject({ action: "created", status: "approved" });
      const again = await client.ok("sync_creatives", { seller, creatives: [video] });
      expect(again.at("creatives", 0)).toMatchObject({ action: "unchanged" });

      const bought = await buy(client, await quoted(client, item));
      expect(client.questions.at(-1)).toContain("; creatives trail-15;");
      expect(bought.string("status"), bought.text).toBe("booked");
      expect(lines().map(({ status }) => status)).toEqual(["Booked"]);
      const writes = sent("POST", "PATCH").filter((one) => /accounts\/…\//.test(one));
      expect(writes).toEqual([
        "POST /accounts/…/creatives",
        "POST /accounts/…/orders",
        "POST /accounts/…/orders/…/lines",
        "POST /accounts/…/assignments",
        "PATCH /accounts/…/orders/…/lines/…?action=reserve",
        "PATCH /accounts/…/orders/…/lines/…?action=book",
      ]);
      const ad = desk.sandbox.requests(seller).find(({ target }) => target.endsWith("/creatives"))?.body;
      expect(JSON.parse(ad ?? "{}")).toMatchObject({
        name: expect.stringMatching(/^Trail shoe, 15 s #[0-9a-f]{8}-[0-9a-f]{8}$/),
        ad: { id: "trail-15", video: { mime: ["video/mp4"], dur: 15, curl: video.assets.clip.url } },
      });
    });
  });

  test("waits for nothing that the seller has not approved: it is said before, and refused by its words", async () => {
    await onOpenDirect(async ({ client, behave, lines }) => {
      behave({ creatives: "by-hand" });
      const handed = await client.ok("sync_creatives", { seller, creatives: [video] });
      expect(handed.at("creatives", 0)).toMatchObject({ action: "created", status: "pending_review" });
      const asked = await client.ok("request_quote", {
        items: [{ ...item, flight: flight(), impressions: 150_000 }],
      });
      expect(asked.text).toContain("creative trail-15 is not approved by the seller yet");
      const refused = await buy(client, asked.string("quotes", 0, "quote_id"));
      expect(refused.string("status")).toBe("refused");
      expect(refused.text).toContain("its words: “No creative of this line is approved.”");
      expect(lines().filter(({ status }) => status !== "Draft")).toEqual([]);
    });
  });

  test("and one that needs none gets its creative after the booking", async () => {
    await onOpenDirect(async ({ client, sent }) => {
      const quoteId = await quoted(client);
      await buy(client, quoteId);
      const banner = {
        ...{ creative_id: "trail-mrec", name: "Trail shoe", format: "Medium rectangle" },
        assets: {
          image: { asset_type: "image", url: "https://cdn.acmeoutdoor.example/m.png", width: 300, height: 250 },
          click: { asset_type: "url", url: "https://acmeoutdoor.example/trail" },
        },
      };
      const handed = await client.ok("sync_creatives", {
        media_buy_id: quoteId,
        creatives: [banner],
        assignments: [{ creative_id: "trail-mrec", package: product }],
      });
      expect(handed.list("creatives", 0, "assigned_to"), handed.text).toHaveLength(1);
      expect(sent("POST").filter((one) => one.endsWith("/assignments"))).toHaveLength(1);
      const wrong = { ...banner, format: "Skyscraper" };
      const refused = await client.call("sync_creatives", { seller, creatives: [wrong] });
      expect(refused.text).toMatch(/is of format Skyscraper, which is not taken there; taken are .*Medium rectangle/);
    });
  });
});

/** Each takes as long as a claim to send lasts. */
test.concurrent.each(inLong ? writes : [])(
  "a server that is killed while the seller is at work on %s: the next one goes on, to one booking",
  async (step) => {
    verifies("promise.never_two");
    await onOpenDirect(async ({ desk, client, lines, orders, sent }) => {
      await client.close();
      const first = await desk.spawn({ person: approving });
      const quoteId = await quoted(first);
      desk.sandbox.fault(seller, { kind: "slow", operation: step, ms: 700, uses: 1 });
      const buying = buy(first, quoteId).catch(() => null);
      const at = { order: /orders$/, line: /lines$/, reserve: /reserve$/, book: /book$/ }[step];
      await until("the seller has it", () => sent("POST", "PATCH").some((one) => at.test(one)));
      kill(first);
      await buying;
      const second = await desk.connect({ person: approving });
      const isBooked = async () => (await nowOf(second, quoteId)).at("media_buys", 0, "status") === "booked";
      await until("booked", isBooked, 50_000, 500);
      expect(lines().map(({ status }) => status)).toEqual(["Booked"]);
      expect(orders()).toHaveLength(1);
      expect(sent("PATCH")).toHaveLength(2);
    });
  },
);
