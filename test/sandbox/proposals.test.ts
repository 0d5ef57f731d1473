import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { at, get, post } from "./calls.ts";

/** Proposals at a sandbox seller, as IAB seller agent 2.4.2 takes them. */

let sandbox: Sandbox;
let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sandbox-proposals-"));
  sandbox = await started();
});
afterEach(async () => {
  await sandbox.close();
  rmSync(directory, { recursive: true, force: true });
});

const started = () => startSandbox({ sellers: ["northbeam"], gapMs: 0, stateFile: join(directory, "sandbox.json") });
const seller = () => sandbox.seller("northbeam");

/** CTV Sports Live: list 35, floor 28, at most 20 million. */
async function proposed(change: object = {}) {
  const terms = {
    ...{ product_id: "prod-53e78a97", deal_type: "programmaticguaranteed", price: 28, impressions: 1_000_000 },
    ...{ start_date: "2027-01-04", end_date: "2027-01-31" },
  };
  const { status, body } = await post(seller(), "/proposals", { ...terms, ...change }, { tier: "advertiser" });
  expect(status).toBe(200);
  return body;
}

test("accepts at or above the floor, at the buyer's own price, and counters below it or beyond what there is", async () => {
  expect(await proposed()).toMatchObject({ status: "accepted", recommendation: "accept", counter_terms: null });
  const below = await proposed({ price: 20 });
  expect(below).toMatchObject({
    status: "counter_pending",
    counter_terms: { proposed_price: 28, floor_price: 28, round_number: 1, action: "counter" },
  });
  const history = await get(seller(), `/proposals/${at(below, "proposal_id")}/negotiation`);
  expect(history.body).toMatchObject({ status: "active", rounds: [{ buyer_price: 20, seller_price: 28 }] });
  expect(await proposed({ impressions: 30_000_000 })).toMatchObject({ counter_terms: { max_impressions: 20_000_000 } });
  expect(await proposed({ price: 0 })).toMatchObject({
    status: "counter_pending",
    counter_terms: { action: "reject" },
  });
  sandbox.proposalHabits("northbeam", { counterWord: "counter_offered" });
  expect(await proposed({ price: 20 })).toMatchObject({ status: "counter_offered" });
});

test("is negotiated under its own id", async () => {
  const id = at(await proposed({ price: 20 }), "proposal_id");
  const buyer_price = { amount_micros: 28_000_000, currency: "USD" };
  const message = { idempotency_key: "k", proposal_id: id, action: "accept", buyer_price };
  const { body } = await post(seller(), "/api/v1/negotiations/messages", message, { tier: "advertiser" });
  expect(body).toMatchObject({ status: "accepted", round: { seller_price: buyer_price } });
});

test("turns down, and fails within a 200, when told to or where the product is unknown", async () => {
  expect(await proposed({ product_id: "prod-0" })).toMatchObject({
    status: "failed",
    errors: [{ stage: "validate_product", code: "product_not_found" }],
  });
  sandbox.proposalHabits("northbeam", { fails: "internal" });
  expect(await proposed()).toMatchObject({ status: "failed", errors: [{ code: "internal" }] });
  sandbox.proposalHabits("northbeam", { fails: null, rejects: "No." });
  expect(await proposed()).toMatchObject({ status: "rejected", counter_terms: { reason: "No." } });
});

test("waits for its people from a deal value on; anybody with a key reads and may decide; a restart forgets nothing", async () => {
  sandbox.proposalHabits("northbeam", { approvalAbove: 28_000 });
  expect(await proposed({ impressions: 999_999 })).toMatchObject({ status: "accepted" });
  const waiting = await proposed();
  expect(waiting).toMatchObject({ status: "pending_approval" });
  const path = `/approvals/${at(waiting, "approval_id")}`;
  expect((await get(seller(), path)).status).toBe(401);
  const before = await get(seller(), path, { tier: "seat" });
  expect(before.body).toMatchObject({
    request: { status: "pending", proposal_id: at(waiting, "proposal_id") },
    response: null,
  });

  await sandbox.close();
  sandbox = await started();
  expect((await get(seller(), path, { tier: "seat" })).body).toEqual(before.body);
  sandbox.decideProposal("northbeam", "counter", "Dearer.", 28.75);
  const { body } = await get(seller(), path, { tier: "seat" });
  expect(body).toMatchObject({
    response: { decision: "counter", reason: "Dearer.", modifications: { proposed_price: 28.75 } },
  });
  expect(() => sandbox.decideProposal("northbeam", "approve")).toThrow();

  const next = await proposed();
  const decide = `/approvals/${at(next, "approval_id")}/decide`;
  expect((await post(seller(), decide, { decision: "maybe" }, { tier: "seat" })).body).toMatchObject({
    decision: "reject",
  });
  expect(sandbox.requests("northbeam").filter(({ operation }) => operation === "approval-decide")).toHaveLength(1);
});

test("answers a deal of any proposal and keeps none, unless it really makes them", async () => {
  const stub = await post(seller(), "/deals", { proposal_id: "made-up" });
  expect(stub.body).toMatchObject({ price: 15, deal_type: "preferreddeal" });
  expect((await get(seller(), `/api/v1/deals/${at(stub.body, "deal_id")}`)).status).toBe(404);

  sandbox.proposalHabits("northbeam", { makesDeals: true });
  const proposal_id = at(await proposed({ price: 29.5 }), "proposal_id");
  const made = await post(seller(), "/deals", { proposal_id });
  const read = await get(seller(), `/api/v1/deals/${at(made.body, "deal_id")}`);
  expect(read.body).toMatchObject({
    deal: {
      ...{ deal_type: "PG", quote_id: null, pricing: { final_cpm: { amount_micros: 29_500_000, currency: "USD" } } },
      terms: { impressions: 1_000_000, flight_start: "2027-01-04", flight_end: "2027-01-31" },
    },
  });
  expect((await post(seller(), "/deals", { proposal_id })).status).toBe(400);
  const open = at(await proposed({ price: 20 }), "proposal_id");
  expect((await post(seller(), "/deals", { proposal_id: open })).status).toBe(400);
});

test("quotes at a target price come at what it makes of them", async () => {
  const ask = { product_id: "prod-53e78a97", deal_type: "PG", impressions: 1_000_000 };
  const quoted = async (key: string) => {
    const target_cpm = { amount_micros: 28_500_000, currency: "USD" };
    const { body } = await post(seller(), "/api/v1/quotes", { ...ask, target_cpm, idempotency_key: key });
    return at(body, "quote", "pricing", "final_cpm", "amount_micros");
  };
  expect(await quoted("a")).toBe(28_500_000);
  sandbox.proposalHabits("northbeam", { targetFactor: 1.2 });
  expect(await quoted("b")).toBe(34_200_000);
});
