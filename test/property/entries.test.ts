import fc from "fast-check";
import { expect, test } from "vitest";
import { type Balances, decisionChannels, type Holding } from "../../src/domain/spend.ts";
import { noMark } from "../../src/domain/anchor.ts";
import { decodeEntries, encodeEntries, type Entry } from "../../src/ledger/entries.ts";
import { booking, deal, quote, quoted } from "../unit/sample.ts";
import { amounts, currencies } from "./arbitraries.ts";

const text = fc.string({ unit: "binary", maxLength: 12 });
const money = amounts();
const holdings: fc.Arbitrary<Holding> = fc.record({
  ref: text,
  attempt: fc.nat(),
  amount: money,
  day: text,
  via: fc.constantFrom(...decisionChannels),
  sellerId: text,
  channel: fc.option(text),
  campaign: fc.option(text),
});
const balances: fc.Arbitrary<Balances> = fc.record({
  currency: currencies,
  total: money,
  perDay: fc.dictionary(text, money, { noNullPrototype: true }),
  perDayAndVia: fc.dictionary(text, money, { noNullPrototype: true }),
  perCampaign: fc.dictionary(text, money, { noNullPrototype: true }),
  perSeller: fc.dictionary(text, money, { noNullPrototype: true }),
  perChannel: fc.dictionary(text, money, { noNullPrototype: true }),
  incidents: fc.array(text),
});

const entries: fc.Arbitrary<Entry> = fc
  .record({ holding: holdings, by: money, why: text, balances, attempt: fc.nat(), note: fc.option(text) })
  .chain(({ holding, by, why, balances: after, attempt, note }) =>
    fc.constantFrom<Entry[]>(
      quoted,
      { kind: "reserved", v: 1, holding },
      { kind: "released", v: 1, holding, why },
      { kind: "overspent", v: 1, holding, by, why },
      { kind: "balances", v: 1, balances: after },
      { kind: "quote_read", v: 1, quote: { ...quote, cpm: by, dealId: note } },
      {
        kind: "negotiation_round",
        v: 1,
        round: { n: attempt, move: "counter", we: by, they: null, theirAction: "counter" },
      },
      { kind: "booking_started", v: 1, booking: { ...booking(attempt, note), holding } },
      {
        kind: "booking_confirmed",
        v: 1,
        attempt,
        deal: { ...deal, cpm: by, openrtb: deal.openrtb && { ...deal.openrtb, bidfloor: null } },
      },
      { kind: "deal_claimed", v: 1, ref: why },
      { kind: "anchored", v: 1, heads: [{ stream: why, version: attempt, hash: why }], covers: noMark },
    ),
  );

test("decoding undoes encoding, money and all", () => {
  fc.assert(
    fc.property(fc.array(entries, { maxLength: 5 }), (list) => {
      expect(decodeEntries(encodeEntries(list))).toEqual({ entries: list, unknown: null });
    }),
    { numRuns: 300 },
  );
});

test("encoding is stable: what was read is written as it was", () => {
  fc.assert(
    fc.property(fc.array(entries, { maxLength: 5 }), (list) => {
      const written = encodeEntries(list);
      expect(encodeEntries(decodeEntries(written).entries)).toBe(written);
    }),
  );
});
