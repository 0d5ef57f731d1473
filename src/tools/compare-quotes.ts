import * as z from "zod";
import type { LoadedLine } from "../buying/lines.ts";
import { type Ranked, shares } from "../domain/comparison.ts";
import { formatMoney } from "../domain/money.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { fields, oneLine } from "./fields.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer } from "./tool.ts";

/** How long sellers may take over what they publish; without it an offer is compared all the same. */
const SELLERS_MS = 8_000;

export const compareQuotes = defineTool({
  name: "compare_quotes",
  title: "Compare quotes",
  effect: "read",
  description:
    "Open quotes of several sellers made comparable and ranked, with the reasons: expected price per 1,000 impressions, guarantee, free volume, formats. What cannot be compared is listed with why.",
  input: z.strictObject({
    quotes: z.array(z.string().max(400)).max(40).optional().describe("quote_ids; default: all open"),
    campaign: fields.campaign.optional(),
    formats: z.array(oneLine(40)).max(10).optional().describe("Wanted"),
  }),
  output: z.looseObject({
    ...everyAnswer,
    ranked: z.array(z.looseObject({ quote_id: z.string(), score: z.string(), why: z.string() })),
    apart: z.array(z.looseObject({ quote_id: z.string(), why: z.string() })),
  }),
}).run(async (input, desk) => {
  const { quotes = [], campaign = null, formats = [] } = input;
  const { comparison, lines, currency } = await desk.compare({ quotes, campaign, formats, deadlineMs: SELLERS_MS });
  const rows = comparison.ranked.flatMap((one) => {
    const loaded = lines.get(one.ref);
    return loaded ? [rowOf(one, loaded)] : [];
  });
  const apart = comparison.apart.map(({ ref, why }) => ({ quote_id: ref, why }));
  const best = rows[0]?.quote_id;
  return answer(
    desk,
    { currency, ranked: rows, apart, weights },
    best
      ? [`negotiate {quotes: [{quote_id: "${best}"}]}`, `create_media_buy {lines: [{quote_id: "${best}"}]}`]
      : ["request_quote {items: [{product, flight, budget}]}", "get_inbox {}"],
    rows.length === 0
      ? "There is no open quote to compare."
      : table(
          [
            "rank",
            "quote_id",
            "product",
            "deal type",
            "effective CPM",
            "compares at",
            "score",
            "total",
            "expires (UTC)",
          ],
          rows.map((one) => [
            ...[one.rank, one.quote_id, one.products.join(" + "), one.deal_type, one.effective_cpm, one.compares_at],
            ...[one.score, one.total, one.expires_at.slice(0, 16)],
          ]),
        ),
    rows.map((one) => `${one.rank}. ${one.quote_id}: ${one.why}`).join("\n"),
    apart.length > 0 &&
      `Not compared:\n${table(
        ["quote_id", "why"],
        apart.map((one) => [one.quote_id, one.why]),
      )}`,
    rows.length > 0 &&
      `Prices are net, in ${currency}; no seller states fees, so none are in them. Score: 100 for the best, 50 for one that compares at twice its price.`,
  );
});

/** Percent of the price that each part counts; negative = compares cheaper. */
const weights = Object.fromEntries(Object.entries(shares).map(([part, share]) => [part, share / 100]));

function rowOf({ ref, rank, score, effectiveCpm, comparesAt, parts, assumes, why }: Ranked, { line }: LoadedLine) {
  const { quote } = line;
  return {
    ...{ rank, quote_id: ref, score: `${Math.floor(score / 100)}.${String(score % 100).padStart(2, "0")}` },
    seller_id: quote.sellerId,
    products: quote.packages?.map(({ product }) => product.ref) ?? [quote.product.ref],
    ...{ deal_type: quote.dealType, guaranteed: quote.guaranteed, status: line.status },
    ...{ effective_cpm: formatMoney(effectiveCpm), compares_at: formatMoney(comparesAt), assumes, why },
    parts: parts.map(({ what, share }) => ({ what, percent: share / 100 })),
    ...{ impressions: quote.impressions, total: formatMoney(totalOfQuote(quote)), expires_at: quote.expiresAt },
  };
}
