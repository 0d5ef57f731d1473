import * as z from "zod";
import type { NegotiationReport } from "../buying/negotiate.ts";
import { costOfImpressions, displayMoney, formatAmount, formatMoney, mulDiv } from "../domain/money.ts";
import { pricesWords } from "../card/words.ts";
import { pricesOf, totalOfQuote } from "../domain/quote.ts";
import { amount, fields, oneLine } from "./fields.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer, heardFrom, sellerOf } from "./tool.ts";

export const negotiate = defineTool({
  name: "negotiate",
  title: "Negotiate",
  effect: "negotiate",
  description:
    "Bring open quotes down, several sellers at once. auto plays the strategy to its end; counter, accept and walk_away make one move; firm asks an AdCP seller to commit to its proposal. Never offers above max_cpm, the quote or the mandate. Books nothing.",
  input: z.strictObject({
    quotes: z
      .array(
        z.strictObject({
          quote_id: fields.quoteId,
          target_cpm: fields.money("CPM to aim for").optional(),
          max_cpm: fields.moneyToo("Highest CPM to accept").optional(),
          offer_cpm: fields.moneyToo("CPM of this one counter").optional(),
          ask: oneLine(600).optional().describe("In words, for AdCP sellers; the price change is measured"),
        }),
      )
      .min(1)
      .max(20),
    strategy: z.enum(["threshold"]).optional(),
    move: z.enum(["auto", "counter", "accept", "walk_away", "firm"]).optional(),
    step: fields.moneyToo("How far each offer rises").optional(),
    max_rounds: z.number().int().min(1).max(20).optional(),
    deadline_s: fields.deadline.optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    negotiations: z.array(z.looseObject({ quote_id: z.string(), status: z.string() })),
    nothing_booked: z.literal(true),
  }),
}).run(async (input, desk) => {
  const reports = await desk.negotiate({
    items: input.quotes.map((one, index) => ({
      ref: one.quote_id,
      targetCpm: amount(one.target_cpm, `quotes[${index}].target_cpm`),
      maxCpm: amount(one.max_cpm, `quotes[${index}].max_cpm`),
      offerCpm: amount(one.offer_cpm, `quotes[${index}].offer_cpm`),
      words: one.ask ?? null,
    })),
    strategy: input.strategy ?? "threshold",
    move: input.move ?? "auto",
    step: amount(input.step, "step"),
    maxRounds: input.max_rounds ?? 5,
    deadlineMs: (input.deadline_s ?? 40) * 1000,
  });
  const negotiations = reports.map(rowOf);
  // What a seller of budgets answers is its price from then on; elsewhere a counter is only that.
  const bookable = negotiations.filter(
    ({ status, by_budget: byBudget }) =>
      ["agreed", "walked_away", "rejected", "not_negotiable"].includes(status) || (byBudget && status === "countered"),
  );
  const next =
    bookable.length > 0 ? ["create_media_buy {lines: [{quote_id}]}"] : ["negotiate again with the same quotes"];
  const columns = ["quote_id", "status", "price", "total", "saved", "rounds", "why"];
  const rows = negotiations.map((one) => [
    one.quote_id,
    one.status,
    one.price,
    one.total,
    one.saved,
    one.rounds_text,
    one.why,
  ]);
  const said = reports.flatMap(({ ref, sellerSaid }) =>
    sellerSaid ? [`${ref}: the seller said (its words): "${sellerSaid}"`] : [],
  );
  return heardFrom(
    answer(
      desk,
      { negotiations, nothing_booked: true as const },
      next,
      table(columns, rows),
      said.join("\n"),
      "Nothing was booked.",
    ),
    negotiations.map((one) => `${sellerOf(one.quote_id)} ${one.status}`),
  );
});

function rowOf({ ref, outcome, talked, loaded, saved, why, sellerSaid, error }: NegotiationReport) {
  const quote = loaded?.line.quote ?? null;
  const { rounds: played = [], quotedCpm: quoted = null } = talked?.line ?? {};
  const rounds = played.map((round) => ({
    n: round.n,
    move: round.move,
    we: round.we ? formatMoney(round.we) : null,
    they: round.they ? formatMoney(round.they) : null,
    their_action: round.theirAction,
  }));
  const total = quote && totalOfQuote(quote);
  const before = quoted && quote?.impressions ? costOfImpressions(quoted, quote.impressions) : null;
  // Tenths of a percent, in integers.
  const tenths = saved && before && before.micros > 0n ? mulDiv(saved.micros, 1000n, before.micros) : null;
  return {
    quote_id: ref,
    status: outcome,
    why,
    rounds,
    rounds_text: played
      .map(
        ({ n, move, we, they }) =>
          `${n}: ${move === "accept" ? "accept" : we ? formatAmount(we) : "-"} → ${they ? formatAmount(they) : "-"}`,
      )
      .join("; "),
    price: quote && pricesWords(pricesOf(quote)),
    cpm: quote?.cpm ? formatMoney(quote.cpm) : null,
    total: total ? formatMoney(total) : null,
    saved: saved && tenths !== null ? savedWords(displayMoney(saved), tenths, quote?.packages !== undefined) : null,
    by_budget: quote?.packages !== undefined,
    expires_at: quote?.expiresAt ?? null,
    seller_said: sellerSaid,
    error_code: error?.code ?? null,
  };
}

/** A budget stays what it is: what is saved on its price buys more. */
function savedWords(amount: string, tenths: bigint, isBudget: boolean): string {
  const percent = `${tenths / 10n}.${tenths % 10n} %`;
  return isBudget ? `${percent} off the price; the same budget buys more` : `${amount} (${percent} on the quote)`;
}
