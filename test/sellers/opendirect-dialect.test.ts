import { describe, expect, test } from "vitest";
import { casingOf, entriesIn, folded, word, written } from "../../src/sellers/opendirect-dialect.ts";
import { dealOf, termsOfLine } from "../../src/sellers/opendirect-lines.ts";
import { SellerFailure } from "../../src/sellers/seller.ts";
import { statsIn } from "../../src/sellers/opendirect-stats.ts";
import { quote } from "../unit/sample.ts";
import { lineShape, productShape } from "../../src/sellers/wire/opendirect.ts";

const line = {
  ...{ id: "1", orderid: "2", productid: "3", startdate: "2027-01-04", enddate: "2027-01-31" },
  ...{ bookingstatus: "Draft", rate: 25, qty: 1_000, cost: 25 },
};

describe("names", () => {
  test("of every dialect become the specification's, typing errors of it among them", () => {
    const spec = { baseprice: 25, qty: 5, statechangereason: "x", deliverytype: "guaranteed", adunit: [{ name: "a" }] };
    for (const one of [
      spec,
      { basePrice: 25, quantity: 5, stateChangeReason: "x", deliveryType: "guaranteed", adUnits: [{ name: "a" }] },
      { BasePrice: 25, Quantity: 5, StateChangedReason: "x", DeliveryYype: "guaranteed", AdUnit: [{ Name: "a" }] },
      { base_price: 25, QTY: 5, "state-change-reason": "x", delivery_type: "guaranteed", ad_unit: [{ NAME: "a" }] },
    ])
      expect(folded(one)).toEqual(spec);
  });

  test("that become one and differ leave no value that anybody takes: neither key wins", () => {
    expect(lineShape.safeParse(folded(line)).success).toBe(true);
    // A public server answers so once a draft's status was posted to it.
    const both = { ...line, bookingStatus: "Booked" };
    expect(lineShape.safeParse(folded(both)).success).toBe(false);
    expect(lineShape.safeParse(folded({ ...line, Rate: 24 })).success).toBe(false);
    expect(lineShape.safeParse(folded({ ...line, quantity: 999 })).success).toBe(false);
    expect(lineShape.safeParse(folded({ ...line, Rate: 25, Cost: 25 })).success).toBe(true);
    expect(lineShape.safeParse(folded({ ...line, COST: 26, Cost: 25 })).success).toBe(false);
  });

  test("of a seller are those of its first product", () => {
    expect(casingOf({ id: "1", baseprice: 1 })).toBe("lower");
    expect(casingOf({ id: "1", publisherId: "p" })).toBe("camel");
    expect(casingOf({ Id: "1", RateType: "CPM" })).toBe("pascal");
    expect(casingOf({ product_id: "1", base_price: { amount_micros: 1 } })).toBe("iab");
    for (const one of [{ id: "1", name: "x" }, null, [], "x"]) expect(casingOf(one)).toBeNull();
  });

  test("in bodies are a seller's own, one casing and never two", () => {
    const body = { accountid: "1", advertiserbrandid: "b", qty: 5, name: "x", providerdata: { campaignid: "c" } };
    expect(written("lower", body)).toEqual(body);
    expect(Object.keys(written("camel", body))).toEqual(["accountId", "brandId", "quantity", "name", "providerData"]);
    expect(written("pascal", body)).toEqual({
      ...{ AccountId: "1", AdvertiserBrandId: "b", Quantity: 5, Name: "x", ProviderData: { CampaignId: "c" } },
    });
  });

  test("of states are compared without case, blanks and underscores", () => {
    for (const one of ["PendingBooking", "Pending Booking", "pending_booking", "PENDING-BOOKING"])
      expect(word(one)).toBe("pendingbooking");
  });
});

describe("collections", () => {
  test("are found under their plural in any case, bare, under a usual name, or as one object", () => {
    const items = [{ id: "1" }, { id: "2" }];
    for (const json of [{ products: items }, { Products: items }, items, { items, total: 2 }, { data: items }])
      expect(entriesIn(json, "products")).toEqual(items);
    expect(entriesIn({ id: "1" }, "products")).toEqual([{ id: "1" }]);
    expect(entriesIn({ products: [] }, "products")).toEqual([]);
  });

  test("that are not there are no empty ones", () => {
    for (const json of [null, undefined, {}, { products: null }, { status: "ok" }, "x", 5])
      expect(entriesIn(json, "products")).toBeNull();
  });
});

describe("figures", () => {
  test("may be text, and amounts keep every digit", () => {
    const product = { id: 7, currency: "USD", baseprice: "25.100000", ratetype: "CPM" };
    expect(productShape.parse(product)).toMatchObject({ id: "7", baseprice: "25.100000" });
    expect(productShape.safeParse({ ...product, baseprice: -1 }).success).toBe(false);
    expect(productShape.safeParse({ ...product, baseprice: "about 25" }).success).toBe(false);
  });

  test("of a line that come to no amount, or not to each other, are no price that was approved", () => {
    const own = { ...quote, product: { ...quote.product, id: "3" } };
    const read = (rest: object) => lineShape.parse(folded({ ...line, ...rest }));
    const usd = (micros: bigint) => ({ micros, currency: "USD" });
    expect(dealOf(own, "2", read({})).cpm).toEqual(usd(25_000_000n));
    // The cost is what is paid: 30.00 for a thousand.
    expect(dealOf(own, "2", read({ cost: 30 })).cpm).toEqual(usd(30_000_000n));
    expect(() => termsOfLine(own, read({ cost: 30 }))).toThrow(/its cost is not its rate for its volume/);
    for (const rest of [
      { rate: 1_000_000_000_000, qty: 900_000_000_000_000, cost: undefined },
      { rate: 25, qty: 1, cost: 900_000_000_000_000 },
      { rate: 0.000_000_1, cost: undefined },
    ]) {
      expect(dealOf(own, "2", read(rest)).cpm?.micros ?? 0n).toBe(0n);
      expect(() => termsOfLine(own, read(rest))).toThrow(SellerFailure);
    }
    expect(dealOf(own, "2", read({ ratetype: "CPC" })).cpm).toBeNull();
  });

  test("of delivery are read in each of their shapes, and what is missing is no zero", () => {
    const usd = (micros: bigint) => ({ micros, currency: "USD" });
    const one = { reportdate: "2027-01-07T18:00:00.000Z", impressions: 2_853_232, clicks: 25_434, spend: 71_330.8 };
    const said = {
      impressions: 2_853_232,
      clicks: 25_434,
      spend: usd(71_330_800_000n),
      asOf: "2027-01-07T18:00:00.000Z",
    };
    expect(statsIn({ stats: [one] }, "USD", 3_000_000)).toMatchObject(said);
    expect(statsIn([one], "USD", 3_000_000)).toMatchObject(said);
    const flat = { lineId: "1", impressionsDelivered: 225_000, amountSpent: "7875.00", pacingStatus: "On Track" };
    expect(statsIn(flat, "USD", 500_000)).toMatchObject({
      impressions: 225_000,
      spend: usd(7_875_000_000n),
      pacing: "On Track",
    });
    expect(statsIn({ stats: [{ reportdate: "2027-01-07", spend: 1 }] }, "USD", 1)).toMatchObject({ impressions: null });
    for (const none of [{ stats: [] }, {}, null, { stats: [{ reportdate: "2027-01-07" }] }])
      expect(statsIn(none, "USD", 1)).toBeNull();
  });

  test("of several days are added up, unless each is the sum so far", () => {
    const rows = (...counts: readonly number[]) => ({
      stats: counts.map((impressions, at) => ({
        reportdate: `2027-01-0${at + 1}`,
        impressions,
        spend: impressions / 100,
      })),
    });
    expect(statsIn(rows(100, 150, 120), "USD", 1_000)?.impressions).toBe(370);
    expect(statsIn(rows(400, 700, 990), "USD", 1_000)).toMatchObject({
      impressions: 990,
      asOf: "2027-01-03T23:59:59.000Z",
    });
  });
});
