import { afterAll, beforeAll, expect, test } from "vitest";
import { adcpDesk, type RawSeller, rawSeller, times } from "../e2e/adcp-sellers.ts";
import { until } from "../e2e/booking-fixtures.ts";
import { approving, type Connection } from "../e2e/client.ts";
import { flight, type TestDesk } from "../e2e/fixtures.ts";

/** An AdCP seller that answers with a flood, or not at all, costs nothing but itself. */

let flood: RawSeller;
let good: RawSeller;
let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  [flood, good] = await Promise.all([rawSeller("flood", "openbid", "a2a-only"), rawSeller("good", "openbid")]);
  desk = await adcpDesk([flood, good]);
  client = await desk.connect({ person: approving });
});
afterAll(async () => {
  await desk.close();
  await Promise.all([flood.close(), good.close()]);
});

const item = (id: string, budget: string) => ({
  ...{ product: `${id}/ctv_open_auction`, flight: flight(), budget, max_bid: "24.00 USD" },
});

test("a flood of products is cut off and said; the other seller's quote is there", async () => {
  flood.fault({ kind: "oversized", operation: "catalogue", uses: 1 });
  const reply = await client.ok("request_quote", {
    items: [item("flood", "9000.00 USD"), item("good", "9000.00 USD")],
  });
  expect(reply.list("quotes"), reply.text).toHaveLength(1);
  expect(reply.string("failed", 0, "item")).toBe("flood/ctv_open_auction");
  expect(reply.string("failed", 0, "message")).toMatch(/Nothing was booked\./);
  expect(reply.text.length).toBeLessThan(5_000);
});

test("silence is given up at the deadline of the call, and the other seller's quote is there", async () => {
  flood.fault({ kind: "hang", operation: "catalogue", uses: 1 });
  const started = performance.now();
  const items = [item("flood", "9100.00 USD"), item("good", "9100.00 USD")];
  const reply = await client.ok("request_quote", { items, deadline_s: 2 });
  expect(performance.now() - started).toBeLessThan(6_000);
  expect(reply.list("quotes"), reply.text).toHaveLength(1);
  expect(reply.string("failed", 0, "item")).toBe("flood/ctv_open_auction");
});

test("a flood as the answer to a booking proves nothing: it is looked for, and is there once", async () => {
  const reply = await client.ok("request_quote", { items: [item("flood", "9200.00 USD")] });
  const quote = reply.string("quotes", 0, "quote_id");
  flood.fault({ kind: "oversized", operation: "deal", uses: 1 });
  await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  await until("it is found", async () => {
    const told = await client.ok("get_media_buys", { ids: [quote], refresh: true });
    return told.string("media_buys", 0, "status") === "booked";
  });
  expect(flood.buys()).toHaveLength(1);
});

test("an answer that is cut off in the middle, and one that is no JSON, are no booking and no refusal", async () => {
  const before = times(flood, "create_media_buy");
  for (const [budget, fault] of [
    ["9300.00 USD", { kind: "malformed", how: "truncated" }],
    ["9400.00 USD", { kind: "error-500-after-commit" }],
  ] as const) {
    const reply = await client.ok("request_quote", { items: [item("flood", budget)] });
    const quote = reply.string("quotes", 0, "quote_id");
    const buys = flood.buys().length;
    flood.fault({ ...fault, operation: "deal", uses: 1 });
    await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
    await until("it is found", async () => {
      const told = await client.ok("get_media_buys", { ids: [quote], refresh: true });
      return told.string("media_buys", 0, "status") === "booked";
    });
    expect(flood.buys()).toHaveLength(buys + 1);
  }
  expect(times(flood, "create_media_buy")).toBeGreaterThanOrEqual(before + 2);
});
