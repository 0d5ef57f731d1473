import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { verifies } from "../requirements.ts";
import type { FaultSpec } from "../../src/sandbox/faults.ts";
import { few } from "../long.ts";
import { adcpDesk, type RawSeller, rawSeller, sdkSeller, type StorySeller, times } from "./adcp-sellers.ts";
import { balancesOf, until } from "./booking-fixtures.ts";
import { approving, type Connection } from "./client.ts";
import { flight, type TestDesk } from "./fixtures.ts";

vi.setConfig({ testTimeout: 60_000 });

/** AdCP sellers that are only read, that no publisher lets sell, and that book something else than was approved. */

const auction = (id: string, budget = "10000.00 USD") => ({
  ...{ product: `${id}/sports_display_auction`, flight: flight(), budget, max_bid: "8.50 USD" },
});

const opened: StorySeller[] = [];
const desks: TestDesk[] = [];
afterAll(async () => {
  await Promise.all(desks.map((desk) => desk.close()));
  await Promise.all(opened.map((seller) => seller.close()));
});

/** A desk with these sellers, and a client whose person approves everything. */
async function deskWith(...sellers: readonly StorySeller[]): Promise<{ desk: TestDesk; client: Connection }> {
  opened.push(...sellers);
  const desk = await adcpDesk(sellers);
  desks.push(desk);
  return { desk, client: await desk.connect({ person: approving }) };
}

describe("a seller without retry safety", () => {
  let client: Connection;
  let sellers: Readonly<Record<"mute" | "loose", RawSeller>>;
  beforeAll(async () => {
    const [mute, loose] = await Promise.all([
      rawSeller("mute", "openbid", "no-capabilities"),
      rawSeller("loose", "openbid", "no-idempotency"),
    ]);
    sellers = { mute, loose };
    ({ client } = await deskWith(mute, loose));
  });

  test.each([
    ["mute", /names no capabilities/],
    ["loose", /promises no idempotency/],
  ] as const)("is read and not bought from, and it is said why: %s", async (id, why) => {
    const found = await client.ok("discover_sellers", {});
    expect(found.text).toMatch(why);
    const kit = await client.ok("get_media_kit", { sellers: [id] });
    expect(kit.text).toContain(`${id}/sports_display_auction`);
    const reply = await client.ok("request_quote", { items: [auction(id)] });
    expect(reply.list("quotes")).toEqual([]);
    expect(reply.string("failed", 0, "message")).toMatch(/Nothing was booked\./);
    expect(times(sellers[id], "create_media_buy")).toBe(0);
  });
});

describe("an account that its seller cannot register as it is asked to", () => {
  test("stops the buy, also where it is open from before", async () => {
    verifies("adcp.account.action");
    const house = await rawSeller("house", "streamhaus");
    const item = { product: "house/sports_preroll_q2_guaranteed", flight: flight(), budget: "30000.00 USD" };
    const billedTo = async (billing: string) => {
      const desk = await adcpDesk([house], (standard) => ({
        ...standard,
        adcp: { account: { brand: "acmeoutdoor.example", operator: "agency.example", billing } },
      }));
      desks.push(desk);
      return (await desk.connect({ person: approving })).ok("request_quote", { items: [item] });
    };
    opened.push(house);
    const never = await billedTo("advertiser");
    expect(never.string("failed", 0, "message")).toMatch(/did not register the account \(“rejected” there\)/);
    expect((await billedTo("operator")).list("quotes")).toHaveLength(1);
    const open = await billedTo("advertiser");
    expect(open.list("quotes"), open.text).toEqual([]);
    expect(open.string("failed", 0, "message")).toMatch(
      /did not register the account \(“active” there\).*Nothing was booked/,
    );
    expect(open.text).toContain('The seller said (its words): "We bill operator or agent, not the advertiser."');
  });
});

describe("a publisher that does not let a seller sell", () => {
  test.each([
    ["has no such file", null],
    ["names another agent", "https://somebody-else.example/mcp"],
  ])("stops the quote before any money is spoken of: it %s", async (_what, url) => {
    const raw = await rawSeller("raw", "openbid");
    const { client } = await deskWith(raw);
    const domain = "matchday.example";
    const property = { property_id: "main", property_type: "website", name: domain, publisher_domain: domain };
    const properties = [{ ...property, identifiers: [{ type: "domain", value: domain }] }];
    const agent = { url, authorized_for: "All", authorization_type: "property_ids", property_ids: ["main"] };
    const file = { contact: { name: domain }, properties, authorized_agents: [agent] };
    raw.sandbox.adcp.publish("openbid", domain, url === null ? null : file);
    const reply = await client.ok("request_quote", { items: [auction("raw")] });
    expect(reply.list("quotes"), reply.text).toEqual([]);
    expect(reply.string("failed", 0, "code")).toBe("seller_unauthorized");
    expect(reply.string("failed", 0, "message")).toMatch(/matchday\.example.*Nothing was booked\./);
    // Another publisher's products are another question.
    const other = { ...auction("raw"), product: "raw/outdoor_video_auction", max_bid: "16.00 USD" };
    expect((await client.ok("request_quote", { items: [other] })).list("quotes")).toHaveLength(1);
  });

  test("@adcp/sdk's seller is bought from only where its publisher names it", async () => {
    const named = await sdkSeller("named", { carrier: "mcp" });
    const nameless = await sdkSeller("nameless", { carrier: "mcp" });
    nameless.publisher.authorize();
    const { client } = await deskWith(named, nameless);
    const reply = await client.ok("request_quote", { items: [auction("named"), auction("nameless")] });
    expect(reply.list("quotes"), reply.text).toHaveLength(1);
    expect(reply.string("quotes", 0, "product")).toBe("named/sports_display_auction");
    expect(reply.string("failed", 0, "message")).toContain("nameless-publisher.example");
  });
});

interface Wrong {
  readonly name: string;
  readonly fault: FaultSpec;
  /** The difference in our words. */
  readonly said: RegExp;
}

const wrongs: readonly Wrong[] = [
  {
    name: "a bigger budget",
    fault: { kind: "wrong-budget", factor: 1.2 },
    said: /budget of sports_display_auction was approved as 10000\.00 USD, the seller booked 12000\.00 USD/,
  },
  {
    name: "a package nobody ordered",
    fault: { kind: "extra-package" },
    said: /package.* was approved as .*, the seller booked/,
  },
  { name: "other dates", fault: { kind: "other-dates" }, said: /flight.* was approved as .*, the seller booked/ },
  {
    name: "a higher bid",
    fault: { kind: "price-drift", factor: 1.3 },
    said: /bid.* was approved as 8\.50 USD.* booked 11\.05 USD/,
  },
];

describe.each(few(wrongs, "a bigger budget", "other dates"))("a seller that books $name", ({ fault, said }) => {
  test("makes an incident: what it booked is told and counted, and nobody approves more until it is cleared", async () => {
    verifies("adcp.bid.acknowledged");
    const raw = await rawSeller("raw", "openbid");
    const { client, desk } = await deskWith(raw);
    raw.fault(fault);
    const reply = await client.ok("request_quote", { items: [auction("raw"), auction("raw", "9000.00 USD")] });
    const [first, second] = [0, 1].map((at) => reply.string("quotes", at, "quote_id"));
    const asked = await client.ok("create_media_buy", { lines: [{ quote_id: first }] });
    expect(asked.string("status"), asked.text).toBe("terms_mismatch");
    expect(asked.text).toMatch(said);
    expect(asked.at("media_buys", 0, "as_approved")).toBe(false);
    const booked = raw
      .buys()
      .flatMap(({ packages }) => packages)
      .reduce((sum, { budget }) => sum + budget, 0);
    expect((await balancesOf(desk))?.total.micros).toBeGreaterThanOrEqual(BigInt(booked) * 1_000_000n);
    const more = await client.call("create_media_buy", { lines: [{ quote_id: second }] });
    expect(more.text).toMatch(/incident/);
    expect(times(raw, "create_media_buy")).toBe(1);
  });
});

test("what a seller's people sign in the end is compared too", async () => {
  const house = await rawSeller("house", "streamhaus");
  const { client } = await deskWith(house);
  house.fault({ kind: "wrong-budget", factor: 2 });
  const item = { product: "house/sports_preroll_q2_guaranteed", flight: flight(), budget: "30000.00 USD" };
  const quote = (await client.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
  const asked = await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(asked.string("status"), asked.text).toBe("awaiting_seller");
  await house.sign();
  const told = await until("the signed buy is seen", async () => {
    const seen = await client.ok("get_media_buys", { ids: [quote], refresh: true });
    return seen.string("media_buys", 0, "status") === "awaiting_seller" ? null : seen;
  });
  expect(told.string("media_buys", 0, "status"), told.text).toBe("terms_mismatch");
  expect(told.text).toMatch(/30,?000.* booked 60,?000/);
});
