import { describe, expect, test } from "vitest";
import { noFigures } from "../../src/domain/delivery.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { dealIn, failureOf } from "../contract/seller-bench.ts";
import { verifies } from "../requirements.ts";
import { bought, deal, frozen, pricing, quote, request, sold, usd } from "./stub-answers.ts";
import { agency, anonymous, type Stubbed, stub } from "./stub-seller.ts";

describe("a round of negotiation", () => {
  const answered = (round: object, status = "active") => ({
    json: { negotiation_id: "neg-1", status, round: { rationale: "r", ...round }, rounds_remaining: 2 },
  });

  test.each([
    [{ seller_price: usd(12_000_000), action: "haggle" }, "active"],
    [{ seller_price: 12, action: "counter" }, "active"],
    [{ action: "counter" }, "active"],
    [{ seller_price: usd(12_000_000), action: "counter" }, "maybe"],
    [{ seller_price: { amount_micros: 1, currency: "EUR" }, action: "counter" }, "active"],
  ])("%j %s is none", async (round, status) => {
    const { seller } = await stub({
      "POST /api/v1/quotes": quote(),
      "POST /api/v1/negotiations/messages": answered(round, status),
    });
    const open = await seller.quote(request, "k", agency);
    expect(await failureOf(seller.counter(open, request, parseMoney("12 USD"), 1, "k2", agency))).toMatchObject({
      kind: "invalid_answer",
    });
  });

  test("that closes on an accepted price is read back, and the history counts", async () => {
    const accepted = answered({ seller_price: usd(12_000_000), action: "accept" }, "accepted");
    const history = { status: "rejected", rounds: [{ seller_price: 12, action: "reject" }] };
    const answers = { "POST /api/v1/quotes": quote(), "POST /api/v1/negotiations/messages": accepted };
    const contradicted = await stub({ ...answers, "GET /proposals/qt-1/negotiation": { json: history } });
    const open = await contradicted.seller.quote(request, "k", agency);
    const answer = await contradicted.seller.accept(open, request, parseMoney("12 USD"), 3, "k2", agency);
    expect(answer).toMatchObject({ status: "rejected", roundsLeft: 2, rationale: "r" });
    const unreadable = await stub({ ...answers, "GET /proposals/qt-1/negotiation": { status: 500, text: "x" } });
    expect(await unreadable.seller.accept(open, request, parseMoney("12 USD"), 3, "k2", agency)).toMatchObject({
      status: "agreed",
    });
  });
});

describe("a deal", () => {
  const booked = async (answer: Stubbed) => {
    const { seller } = await stub({ "POST /api/v1/deals": answer });
    return dealIn(await seller.book(frozen, sold, agency));
  };

  test.each([
    ["PG", 1, 3],
    ["PD", 1, 3],
    ["PD", 3, 3],
    ["PA", 3, 1],
    ["PA", 2, 2],
    ["upfront", 1, null],
  ])("%s with at %d is OpenRTB at %s", async (deal_type, at, expected) => {
    const made = await booked(deal({ deal_type, openrtb_params: { id: "DEMO-1", at } }));
    expect(made.openrtb).toEqual({ id: "DEMO-1", bidfloor: null, at: expected, wseat: [] });
  });

  test("tells the DSP's steps by the DSP's name, and leaves out seats that are no ids", async () => {
    const steps = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`dsp${n}`, "x".repeat(900)]));
    expect(await booked(deal())).toMatchObject({
      activation: [{ dsp: "The Trade Desk", steps: "Enter DEMO-1" }],
      openrtb: { wseat: ["s1"] },
    });
    const wordy = await booked(deal({ activation_instructions: { ttd: 7, dv360: null, ...steps } }));
    expect(wordy.activation.length).toBeLessThanOrEqual(12);
    expect(wordy.activation.every(({ steps: text }) => text.length <= 400)).toBe(true);
  });

  test.each([
    ["of another quote", deal({ quote_id: "qt-2" })],
    ["without an id", deal({ deal_id: null })],
    ["with an id that needs cleaning", deal({ deal_id: "DEMO 1" })],
    ["without a price", deal({ pricing: { ...pricing, final_cpm: null } })],
    ["that is no deal", { json: { ok: true } }],
    ["that is no JSON", { status: 200, text: "booked!" }],
  ])("%s may have been booked: nothing is definite", async (_, answer) => {
    expect(await failureOf(booked(answer))).toMatchObject({ kind: "invalid_answer", definite: false });
  });
});

describe("a look after a lost answer", () => {
  test.each([
    [quote({ status: "booked", deal_id: "DEMO-1" }), "booked"],
    [quote({ status: "available" }), "available"],
    [quote({ status: "expired" }), "gone"],
    [{ status: 410, json: { detail: { error: "quote_expired", message: "" } } }, "gone"],
    [{ status: 404, json: { detail: { error: "quote_not_found", message: "" } } }, "gone"],
  ])("%j is %s", async (answer, kind) => {
    const { seller } = await stub({ "GET /api/v1/quotes/qt-1": answer, "GET /api/v1/deals/DEMO-1": deal() });
    expect(await seller.findBooking(sold, frozen, agency)).toMatchObject({ kind });
  });

  test("a booked quote whose deal cannot be read is not taken for anything else", async () => {
    const answers = { "GET /api/v1/quotes/qt-1": quote({ status: "booked", deal_id: "DEMO-1" }) };
    const unreadable = await stub({
      ...answers,
      "GET /api/v1/deals/DEMO-1": { status: 500, text: "Internal Server Error" },
    });
    expect(await failureOf(unreadable.seller.findBooking(sold, frozen, agency))).toMatchObject({
      kind: "server_error",
    });
    const nameless = await stub({ "GET /api/v1/quotes/qt-1": quote({ status: "booked" }) });
    expect(await failureOf(nameless.seller.findBooking(sold, frozen, agency))).toMatchObject({
      kind: "invalid_answer",
    });
  });
});

describe("after a booking", () => {
  test("a seller that says it cancelled, while the deal says otherwise, is told on", async () => {
    verifies("tool.update_media_buy.cancel");
    const bulk = (success: boolean, error: string | null) => ({ json: { results: [{ success, error }] } });
    const lying = await stub({ "POST /api/v1/deals/bulk": bulk(true, null), "GET /api/v1/deals/DEMO-1": deal() });
    expect(await lying.seller.cancel(bought, "k", agency)).toEqual({
      kind: "refused",
      why: "The seller reported the deal as cancelled; it still reads as “proposed”.",
    });
    const refusing = await stub({
      "POST /api/v1/deals/bulk": bulk(false, "too late | sorry"),
      "GET /api/v1/deals/DEMO-1": deal({ status: "active" }),
    });
    expect(await refusing.seller.cancel(bought, "k", agency)).toEqual({
      kind: "refused",
      why: "The seller did not cancel the deal (it says: “too late ¦ sorry”); it still reads as “active”.",
    });
    const done = await stub({
      "POST /api/v1/deals/bulk": bulk(false, "already"),
      "GET /api/v1/deals/DEMO-1": deal({ status: "cancelled" }),
    });
    expect(await done.seller.cancel(bought, "k", agency)).toEqual({ kind: "cancelled" });
  });

  test("the placeholder is no delivery, real figures are, unknown is null", async () => {
    const at = "2026-11-20T06:40:23.951555Z";
    const performance = async (json: object) =>
      (await stub({ "GET /api/v1/deals/DEMO-1/performance": { json } })).seller.delivery(bought, agency);
    const constant = {
      impressions_available: 1_000_000,
      impressions_served: 0,
      fill_rate: 0,
      delivery_pacing: "not_started",
    };
    expect(await performance({ ...constant, last_updated: at })).toMatchObject({
      impressions: null,
      fillRatePercent: null,
      pacing: null,
      asOf: "2026-11-20T06:40:23.951Z",
    });
    expect((await performance(constant)).note).toContain("placeholder");
    const real = {
      impressions_available: 900,
      impressions_served: 300,
      fill_rate: 33.333333,
      delivery_pacing: "on_track",
    };
    // What its contract has no field for is not reported, and is no zero.
    const unsaid = { from: null, to: null, asOf: null, isFinal: null, sellerStatus: null, packages: [], note: null };
    expect(await performance(real)).toEqual({
      ...noFigures,
      ...unsaid,
      impressions: 300,
      fillRatePercent: "33.33",
      pacing: "on_track",
    });
    expect(await performance({})).toEqual({ ...noFigures, ...unsaid, fillRatePercent: null, pacing: null });
  });

  test("a supply chain that fails with a text 500 is not published; a refusal stays one", async () => {
    const unpublished = await stub({ "GET /api/v1/supply-chain": { status: 500, text: "Internal Server Error" } });
    expect(await unpublished.seller.supplyChain(anonymous)).toEqual({ sellerType: null, isDirect: null, nodes: 0 });
    const closed = await stub({ "GET /api/v1/supply-chain": { status: 403, json: { detail: "no" } } });
    expect(await failureOf(closed.seller.supplyChain(anonymous))).toMatchObject({ kind: "forbidden" });
  });
});
