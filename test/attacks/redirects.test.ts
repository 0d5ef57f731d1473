import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { balancesOf } from "../e2e/booking-fixtures.ts";
import { approving, at, type Connection } from "../e2e/client.ts";
import { flight } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";
import {
  changed,
  type HostileDesk,
  HostileSeller,
  hostileDesk,
  hostileKey,
  hostileProduct,
  type Step,
} from "./hostile-seller.ts";

/** A seller that answers "over there": nobody follows, whatever there is, and neither key nor booking goes along. */
let stage: HostileDesk;
let there: HostileSeller;
let model: Connection;
let impressions = 300_000;
beforeAll(async () => {
  there = await HostileSeller.open();
  stage = await hostileDesk();
  model = await stage.desk.connect({ person: approving });
});
beforeEach(() => {
  stage.hostile.straighten();
  there.straighten();
});
afterAll(async () => {
  await stage.close();
  await there.close();
});

const to = (step: Step, status: number, location: string) =>
  stage.hostile.twist(step, () => ({ status, headers: { location }, text: "" }));
const items = () => {
  impressions += 1;
  return [{ product: hostileProduct, flight: flight(), impressions, deal_type: "PG" }];
};

describe("a redirect", () => {
  test.each([301, 302, 303, 307, 308])(
    "%i of a read is not followed, to another origin or to its own",
    async (status) => {
      verifies("connection.auth.per_origin");
      for (const location of [`${there.origin}/products`, "/elsewhere", `${stage.hostile.origin}/elsewhere`]) {
        to("products", status, location);
        const kit = await model.ok("get_media_kit", { refresh: true });
        const row = kit.list("sellers").find((one) => at(one, "seller_id") === "hostile");
        expect(row).toMatchObject({ status: "invalid_answer" });
        expect(String(at(row, "why"))).toContain("redirected");
        // The other seller's products are there all the same.
        expect(kit.text).toContain("northbeam ok");
      }
      expect(there.seen).toEqual([]);
      expect(stage.hostile.count("other")).toBe(0);
    },
  );

  test.each([
    ["this machine's metadata", "http://169.254.169.254/latest/meta-data/"],
    ["a file", "file:///etc/passwd"],
    ["the same host over another scheme", "ftp://127.0.0.1/"],
    ["nowhere", ""],
    ["many at once", "http://127.0.0.1:1/, http://127.0.0.1:2/"],
  ])("of a card to %s costs only that seller", async (_what, location) => {
    to("card", 302, location);
    const found = await model.ok("discover_sellers", { refresh: true });
    expect(found.list("sellers").map((one) => at(one, "seller_id"))).toEqual(["northbeam"]);
    expect(found.at("kept_out", 0)).toMatchObject({ seller_id: "hostile", status: "invalid_answer" });
  });

  test("of a quote takes neither the key nor the buyer's name anywhere", async () => {
    verifies("connection.auth.per_origin");
    to("quote", 307, `${there.origin}/api/v1/quotes`);
    const reply = await model.ok("request_quote", { items: items() });
    expect(reply.at("failed", 0)).toMatchObject({ code: "seller_invalid_answer" });
    expect(there.seen).toEqual([]);
    expect(JSON.stringify(stage.hostile.seen)).toContain(hostileKey);
  });

  test("of a booking is an unknown outcome: nothing is sent on, its money stays held, and it is no success", async () => {
    verifies("promise.compared");
    const ref = (await model.ok("request_quote", { items: items() })).string("quotes", 0, "quote_id");
    to("deal", 307, `${there.origin}/api/v1/deals`);
    // It would have the booking come in over there: here its quote stays open.
    stage.hostile.twist("quote-read", (honest) => ({
      json: changed(honest, "quote", { status: "available", deal_id: null }),
    }));
    const reply = await model.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reply.at("status"), reply.text).toBe("booking_unknown");
    expect(there.seen).toEqual([]);
    expect(stage.hostile.count("deal")).toBe(1);
    expect((await balancesOf(stage.desk))?.total.micros).toBeGreaterThan(0n);
  });
});
