import { atCpm } from "../../src/domain/quote.ts";
import { beforeEach, describe, expect, test } from "vitest";
import type { Desk } from "../../src/desk.ts";
import { formatMoney } from "../../src/domain/money.ts";
import { formDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import {
  errorIn,
  errorOf,
  item,
  negotiated,
  openBench,
  products,
  quoted,
  reportIn,
  sharedBench,
} from "./desk-bench.ts";

const sport = item(products.sports, { budget: "40000 USD", dealType: "PD" });
const later = 10_000;
const approve = formDecision();

async function askedToBuy(desk: Desk, ref: string): Promise<string> {
  const { approvalId } = await desk.buy({ refs: [ref], poNumber: "PO-7", campaign: null, by: "local" }, later);
  return approvalId ?? "none";
}

describe("renewing a quote", () => {
  const bench = sharedBench();
  let asks = 0;
  const fresh = () => {
    asks += 1;
    return { campaign: `renewal ${asks}` };
  };
  beforeEach(() => bench.sandbox.clearFaults());

  test("brings a fresh one for the same thing, which takes its place", async () => {
    verifies("tool.request_quote.renews", "events.quote");
    const targeting = { geo: ["US"], audience: [], frequencyCap: null };
    const old = (await quoted(bench.desk, { ...sport, targeting }, { ...fresh(), goal: "consideration" })).loaded;
    const [outcome] = await bench.desk.renew([old.ref], "dana", later);
    const { loaded, found } = reportIn(outcome);
    expect(found).toBe(false);
    expect(loaded.ref).not.toBe(old.ref);
    expect(loaded.flowId).toBe(old.flowId);
    expect(loaded.line).toMatchObject({ status: "open", campaign: old.line.campaign, request: old.line.request });
    expect(loaded.line.quote).toMatchObject({
      impressions: old.line.quote.impressions,
      cpm: atCpm(old.line.quote).cpm,
      notHonoured: ["geo"],
    });
    expect((await bench.desk.line(old.ref)).line).toMatchObject({ status: "superseded", supersededBy: loaded.ref });
    const error = await errorOf(askedToBuy(bench.desk, old.ref));
    expect(error).toMatchObject({ code: "quote_superseded", details: { candidates: [loaded.ref] } });
    const { rows } = await bench.desk.history({
      campaign: old.line.campaign,
      flowId: null,
      buy: null,
      kind: null,
      since: null,
      after: 0,
      limit: 50,
    });
    const entries = rows.flatMap((row) => row.entries.map((entry) => [row.stream, entry]));
    expect(entries).toMatchObject([
      [`quote/${old.ref}`, { kind: "quoted", by: "test", renews: null }],
      [`quote/${loaded.ref}`, { kind: "quoted", by: "dana", renews: old.ref }],
      [`quote/${old.ref}`, { kind: "superseded", by: loaded.ref }],
    ]);
  });

  test("again brings the newest of the chain, without asking the seller", async () => {
    const first = (await quoted(bench.desk, sport, fresh())).loaded.ref;
    const second = reportIn((await bench.desk.renew([first], "test", later))[0]).loaded.ref;
    const third = reportIn((await bench.desk.renew([second], "test", later))[0]).loaded.ref;
    bench.sandbox.clearRequests();
    const again = reportIn((await bench.again().renew([first], "test", later))[0]);
    expect([again.found, again.loaded.ref]).toEqual([true, third]);
    expect(bench.sent("northbeam", "quote")).toBe(0);
  });

  test("many at once, of which some fail, each with its reason", async () => {
    const one = await quoted(bench.desk, sport, fresh());
    const other = await quoted(bench.desk, item(products.local), fresh());
    bench.sandbox.fault("civicstream", { kind: "error-text", operation: "quote" });
    const refs = [one.loaded.ref, other.loaded.ref, "northbeam/qt-none"];
    const [good, down, unknown] = await bench.desk.renew(refs, "test", later);
    expect(good?.ok).toBe(true);
    expect(errorIn(down).code).toBe("seller_unavailable");
    expect(errorIn(unknown).code).toBe("unknown_quote");
    expect((await bench.desk.line(other.loaded.ref)).line.status).toBe("open");
  });

  test("twice at the same moment, in one process or two, is renewed once", async () => {
    const { ref } = (await quoted(bench.desk, sport, fresh())).loaded;
    const other = bench.again();
    bench.sandbox.clearRequests();
    const outcomes = await Promise.all([
      bench.desk.renew([ref, ref], "test", later),
      other.renew([ref], "test", later),
    ]);
    const refs = new Set(outcomes.flat().map((outcome) => reportIn(outcome).loaded.ref));
    expect(refs.size).toBe(1);
    expect(bench.sent("northbeam", "quote")).toBeLessThanOrEqual(2);
    expect((await bench.desk.line(ref)).line.supersededBy).toBe([...refs][0]);
  });

  test("a booked one is refused: it is bought", async () => {
    const { ref } = (await quoted(bench.desk, sport, fresh())).loaded;
    await bench.desk.decide(await askedToBuy(bench.desk, ref), approve, later);
    const [outcome] = await bench.desk.renew([ref], "test", later);
    expect(errorIn(outcome)).toMatchObject({
      code: "already_booked",
      message: expect.stringMatching(/booked and is not renewed/),
    });
  });
});

describe("while a person is asked about it", () => {
  const bench = sharedBench(undefined, { sellers: ["northbeam"] });
  let asks = 0;
  const asked = async (negotiate = false) => {
    asks += 1;
    const { ref } = (await quoted(bench.desk, sport, { campaign: `asked ${asks}` })).loaded;
    if (negotiate) expect(await negotiated(bench.desk, { ref })).toMatchObject({ outcome: "agreed" });
    return { ref, approvalId: await askedToBuy(bench.desk, ref) };
  };
  const renewed = async (ref: string) => reportIn((await bench.desk.renew([ref], "test", later))[0]).loaded;
  beforeEach(() => bench.sandbox.clearFaults());

  test("on equal terms the question stays, and its answer books the new one", async () => {
    const { ref, approvalId } = await asked();
    const fresh = await renewed(ref);
    expect(fresh.line).toMatchObject({ status: "awaiting_approval", approvalId });
    expect(await bench.desk.approval(approvalId)).toMatchObject({ status: "pending", lines: [{ ref: fresh.ref }] });
    await bench.desk.decide(approvalId, approve, later);
    expect((await bench.desk.line(fresh.ref)).line.status).toBe("booked");
    expect(bench.sandbox.deals("northbeam").map(({ quote_id: id }) => `northbeam/${id}`)).toEqual([fresh.ref]);
  });

  test("at a lower price too, and the lower price is booked", async () => {
    bench.sandbox.fault("northbeam", { kind: "quote-drift", factor: 1.02, uses: 1 });
    const { ref, approvalId } = await asked();
    const [shown] = (await bench.desk.approval(approvalId)).lines;
    expect(shown?.terms.unit_price).toBe("32.13 USD");
    const fresh = await renewed(ref);
    expect(fresh.line).toMatchObject({ status: "awaiting_approval", approvalId });
    await bench.desk.decide(approvalId, approve, later);
    const { line } = await bench.desk.line(fresh.ref);
    expect([line.status, line.deal?.cpm && formatMoney(line.deal.cpm)]).toEqual(["booked", "31.50 USD"]);
  });

  test("on worse terms the question is void, and says so", async () => {
    const { ref, approvalId } = await asked(true);
    const fresh = await renewed(ref);
    expect(fresh.line).toMatchObject({ status: "open", approvalId: null });
    expect(await bench.desk.approval(approvalId)).toMatchObject({
      status: "void",
      voidWhy: expect.stringMatching(/was renewed on other terms/),
    });
    expect((await bench.desk.line(ref)).line.status).toBe("superseded");
    const error = await errorOf(bench.desk.decide(approvalId, approve, later));
    expect(error).toMatchObject({ code: "terms_changed", message: expect.stringMatching(/Nothing was booked/) });
    expect(bench.sandbox.deals("northbeam", ref.split("/")[1])).toEqual([]);
  });

  test("whoever is faster wins: one approved meanwhile is not renewed away", async () => {
    const { ref, approvalId } = await asked();
    bench.sandbox.fault("northbeam", { kind: "slow", ms: 400, operation: "quote", uses: 1 });
    const renewing = bench.desk.renew([ref], "test", later);
    await bench.again().decideOnly(approvalId, approve);
    const [outcome] = await renewing;
    expect(errorIn(outcome)).toMatchObject({ code: "already_booked", message: expect.stringContaining(ref) });
    expect((await bench.desk.line(ref)).line.status).toBe("approved");
  });
});

describe("a quote that is over", () => {
  test("is not bought, and a fresh one at its terms is offered", async () => {
    verifies("quote.ttl");
    const bench = await openBench(undefined, { sellers: ["northbeam"], quoteTtlMs: 60_000 });
    try {
      const { ref, line } = (await quoted(bench.desk, sport)).loaded;
      const error = await errorOf(askedToBuy(bench.desk, ref));
      expect(error).toMatchObject({
        code: "quote_expired",
        message: expect.stringContaining(`request_quote {"quote_ids":["${ref}"]}`),
      });
      bench.sandbox.configure({ quoteTtlMs: 86_400_000 });
      const fresh = reportIn((await bench.desk.renew([ref], "test", later))[0]).loaded;
      expect(fresh.line.quote).toMatchObject({
        cpm: atCpm(line.quote).cpm,
        impressions: line.quote.impressions,
        flight: line.quote.flight,
      });
      expect(await askedToBuy(bench.desk, fresh.ref)).toMatch(/^ap_/);
    } finally {
      await bench.close();
    }
  });

  test("at the seller alone is found out before a person is asked, and can be renewed", async () => {
    verifies("quote.read_back", "quote.status_available");
    const bench = await openBench(undefined, { sellers: ["northbeam"] });
    try {
      const { ref } = (await quoted(bench.desk, sport)).loaded;
      bench.sandbox.expireQuote("northbeam", ref.split("/")[1] ?? "");
      const error = await errorOf(askedToBuy(bench.desk, ref));
      expect(error).toMatchObject({ code: "quote_expired" });
      expect((await bench.desk.line(ref)).line.status).toBe("declined");
      expect((await bench.desk.renew([ref], "test", later))[0]?.ok).toBe(true);
    } finally {
      await bench.close();
    }
  });
});
