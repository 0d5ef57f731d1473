import * as z from "zod";
import type { ItemTerms, QuoteItem, QuoteOutcome } from "../buying/quote.ts";
import type { QuoteReport } from "../buying/quote-report.ts";
import { BuyingError } from "../domain/errors.ts";
import { flightOf } from "../domain/flight.ts";
import { goals } from "../domain/identity.ts";
import { pricesWords, volumeWords } from "../card/words.ts";
import { compare, formatMoney } from "../domain/money.ts";
import { type AccountScope, pricesOf, type QuoteAccount } from "../domain/quote.ts";
import { amount, fields, oneLine, required } from "./fields.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer, heardFrom, sellerOf } from "./tool.ts";

const words = z.array(oneLine(80)).max(20);

/** For sellers that sell budgets (AdCP). */
const budgetTerms = {
  max_bid: fields.moneyToo("In an auction, the most per unit").optional(),
  pricing_option: z.string().max(200).optional(),
  creative_ids: z.array(z.string().max(200)).max(50).optional(),
};

const item = z.strictObject({
  product: z.string().max(400).describe('Reference like "northbeam/prod-53e78a97", or a unique name'),
  flight: fields.flight,
  budget: fields.money("Impressions are computed, rounded down").optional(),
  impressions: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().describe("Instead of a budget"),
  offer_cpm: fields.money("Own CPM to put to the seller (IAB)").optional(),
  deal_type: fields.dealType.optional(),
  targeting: z
    .strictObject({ geo: words.optional(), audience: words.optional(), frequency_cap: oneLine(60).optional() })
    .optional()
    .describe("What the seller will not honour comes back in not_honoured"),
  ...budgetTerms,
  with: z
    .array(
      z.strictObject({
        product: z.string().max(400),
        budget: z.string().max(40),
        ...budgetTerms,
      }),
    )
    .max(19)
    .optional()
    .describe("More products of the same AdCP seller, bought in one media buy"),
  brief: oneLine(2000).optional().describe("The brief the AdCP product or proposal was offered for"),
});

export const requestQuote = defineTool({
  name: "request_quote",
  title: "Request quotes",
  effect: "record",
  description:
    "Ask for priced, expiring offers, several at once; AdCP by budget, auctions with max_bid. offer_cpm proposes your own price. Books nothing. The same item while its quote is open returns that quote. quote_ids renews quotes at the same terms, and looks at what waits for a seller.",
  input: z.strictObject({
    campaign: fields.campaign.optional(),
    items: z.array(item).min(1).max(20).optional(),
    quote_ids: z.array(z.string().max(400)).min(1).max(20).optional().describe("Renew these instead"),
    goal: z.enum(goals).optional(),
    deadline_s: fields.deadline.optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    quotes: z.array(
      z.looseObject({
        quote_id: z.string(),
        rank: z.number(),
        status: z.string(),
        price: z.string(),
        total: z.string(),
      }),
    ),
    failed: z.array(z.looseObject({ item: z.string(), code: z.string(), message: z.string() })),
    nothing_booked: z.literal(true),
  }),
}).run(async (input, desk, call) => {
  if ((input.items === undefined) === (input.quote_ids === undefined)) {
    throw new BuyingError(
      "invalid_arguments",
      "Give items for new quotes, or quote_ids to renew, not both. Nothing was booked.",
      "fix_arguments",
      { field: "items" },
    );
  }
  const deadlineMs = (input.deadline_s ?? 20) * 1000;
  const by = call.principal.name;
  const outcomes = input.quote_ids
    ? await desk.renew(input.quote_ids, by, deadlineMs)
    : await desk.quote({
        campaign: input.campaign ?? null,
        items: (input.items ?? []).map((one, index) => itemOf(one, `items[${index}]`)),
        goal: input.goal ?? null,
        by,
        deadlineMs,
      });
  const got = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.report] : [])).sort(byCpm);
  const quotes = got.map((report, index) => quoteRow(report, index + 1));
  const failed = outcomes.flatMap(failedRow);
  // A column that says nothing of any of these quotes is left out.
  const columns = quoteColumns.filter(([, cell]) => quotes.some((one) => cell(one) !== null));
  const rows = quotes.map((one) => columns.map(([, cell]) => cell(one)));
  const next =
    quotes.length > 0
      ? ["negotiate {quotes: [{quote_id, target_cpm, max_cpm}]}", "create_media_buy {lines: [{quote_id}]}"]
      : ["get_media_kit {}"];
  return heardFrom(
    answer(
      desk,
      { quotes, failed, nothing_booked: true as const },
      next,
      quotes.length > 0 &&
        table(
          columns.map(([title]) => title),
          rows,
        ),
      notes(quotes),
      failed.length > 0 &&
        `No quote:\n${table(
          ["item", "code", "message"],
          failed.map((one) => [
            one.item,
            one.code,
            one.message + (one.seller_said ? ` The seller said (its words): "${one.seller_said}"` : ""),
          ]),
        )}`,
      "Nothing was booked.",
    ),
    [...quotes.map((one) => [one.quote_id, "ok"]), ...failed.map((one) => [one.item, one.code])].map(
      ([about = "", outcome]) => `${sellerOf(about)} ${outcome}`,
    ),
  );
});

type Item = z.output<typeof item>;

/** What to ask a seller for, from arguments. @throws BuyingError `invalid_arguments`, its field below `at` */
export function itemOf(given: Item, at: string): QuoteItem {
  if ((given.budget === undefined) === (given.impressions === undefined)) {
    throw new BuyingError(
      "invalid_arguments",
      `${at} needs a budget or impressions, not both. Nothing was booked.`,
      "fix_arguments",
      { field: `${at}.budget` },
    );
  }
  const { geo = [], audience = [], frequency_cap: cap } = given.targeting ?? {};
  const offer = amount(given.offer_cpm, `${at}.offer_cpm`);
  return {
    ...(offer ? { offer } : {}),
    product: given.product,
    flight: flightOf(given.flight.start, given.flight.end, new Date(), `${at}.flight`),
    budget: amount(given.budget, `${at}.budget`),
    impressions: given.impressions ?? null,
    dealType: given.deal_type ?? null,
    targeting: geo.length + audience.length > 0 || cap ? { geo, audience, frequencyCap: cap ?? null } : null,
    terms: termsOf(given, at),
    with: (given.with ?? []).map((one, index) => ({
      product: one.product,
      budget: required(one.budget, `${at}.with[${index}].budget`),
      ...termsOf(one, `${at}.with[${index}]`),
    })),
    brief: given.brief ?? null,
  };
}

function termsOf(given: Pick<Item, "max_bid" | "pricing_option" | "creative_ids">, at: string): ItemTerms {
  return {
    maxBid: amount(given.max_bid, `${at}.max_bid`),
    pricingOption: given.pricing_option ?? null,
    creativeIds: given.creative_ids ?? [],
  };
}

function accountWords({ name, paymentTerms }: QuoteAccount): string {
  return `${name}${paymentTerms === null ? "" : `, payment terms ${paymentTerms}`}`;
}

const scopeWords: Readonly<Record<AccountScope, string>> = {
  operator: "which all brands of the operator share",
  brand: "which all operators of the brand share",
  operator_brand: "of this brand and operator alone",
  agent: "which everything shares that we buy there",
};

/** The account as its seller names it. */
function namedThere(id: string | null, scope: AccountScope | null): string {
  const named = [...(id === null ? [] : [id]), ...(scope === null ? [] : [scopeWords[scope]])];
  return named.length === 0 ? "" : `; the seller's account ${named.join(", ")}`;
}

function byCpm(left: QuoteReport, right: QuoteReport): number {
  const [a, b] = [left.loaded.line.quote, right.loaded.line.quote];
  if (!a.cpm || !b.cpm) return a.cpm ? -1 : b.cpm ? 1 : 0;
  if (a.cpm.currency !== b.cpm.currency) return a.cpm.currency < b.cpm.currency ? -1 : 1;
  return compare(a.cpm, b.cpm);
}

function quoteRow(report: QuoteReport, rank: number) {
  const { quote, status, campaign } = report.loaded.line;
  const { reveal, mandate } = report;
  const prices = pricesOf(quote);
  return {
    quote_id: quote.ref,
    rank,
    status,
    product: quote.product.ref,
    product_name: quote.product.name,
    products: quote.packages?.map((one) => one.product.ref) ?? [quote.product.ref],
    account: quote.account ? accountWords(quote.account) : null,
    account_id: quote.account?.id ?? null,
    account_scope: quote.account?.scope ?? null,
    deal_type: quote.dealType,
    guaranteed: quote.guaranteed,
    price: pricesWords(prices),
    volume: prices.map(volumeWords).join(" + "),
    cpm: quote.cpm && formatMoney(quote.cpm),
    list_cpm: quote.listCpm && formatMoney(quote.listCpm),
    effective_cpm: quote.cpm && formatMoney(quote.cpm),
    impressions: quote.impressions,
    flight: quote.flight,
    total: formatMoney(report.total),
    basis: "net",
    available: report.avails?.available ?? null,
    avails: report.avails && {
      available: report.avails.available,
      guaranteed: report.avails.guaranteed,
      estimated_cpm: report.avails.estimatedCpm ? formatMoney(report.avails.estimatedCpm) : null,
      estimated_total: report.avails.estimatedTotal ? formatMoney(report.avails.estimatedTotal) : null,
      delivery_confidence: report.avails.deliveryConfidence ?? null,
    },
    priced_as: quote.pricedAs,
    discounts: quote.discounts,
    proposal: proposalRow(report),
    seller_says: quote.rationale,
    shown_as: reveal.tier,
    shown_because: reveal.why,
    next_tier:
      reveal.next && reveal.nextSaving ? { tier: reveal.next, would_save: formatMoney(reveal.nextSaving) } : null,
    not_honoured: quote.notHonoured,
    expires_at: quote.expiresAt,
    mandate: mandate.outcome,
    mandate_because: mandate.reasons,
    warnings: report.warnings,
    campaign,
    flow_id: report.loaded.flowId,
    found_open: report.found,
    why: `${rank === 1 ? "lowest CPM" : `rank ${rank} by CPM`}, ${quote.guaranteed ? "guaranteed" : "not guaranteed"}`,
  };
}

/** Own terms put to the seller beside the quote, or those it was made for; null without any. */
function proposalRow({ loaded: { line } }: QuoteReport) {
  const { proposal, agreedAs } = line.quote;
  if (agreedAs) {
    const isKept = line.quote.cpm !== null && compare(line.quote.cpm, agreedAs.cpm) <= 0;
    const status = isKept ? "agreed" : "not_kept";
    return { proposal_id: agreedAs.proposalId, status, cpm: formatMoney(agreedAs.cpm) };
  }
  if (!proposal) return null;
  const counter = line.rounds.at(-1)?.they ?? null;
  const open = line.status === "proposed" ? "awaiting_seller" : "countered";
  return {
    proposal_id: proposal.id,
    approval_id: proposal.approvalId,
    status: line.negotiation?.status ?? open,
    cpm: formatMoney(proposal.cpm),
    seller_cpm: counter && formatMoney(counter),
    seller_said: proposal.sellerSaid || null,
  };
}

type QuoteRow = ReturnType<typeof quoteRow>;

/** What the table says of a quote. An account's prices are its own: there is no tier to name, nor units to count. */
const quoteColumns: readonly (readonly [string, (one: QuoteRow) => string | number | null])[] = [
  ["rank", (one) => one.rank],
  ["quote_id", (one) => one.quote_id],
  ["product", (one) => one.products.join(" + ")],
  ["deal type", (one) => one.deal_type],
  ["price", (one) => one.price],
  ["list", (one) => (one.account !== null || one.list_cpm === null ? null : one.list_cpm)],
  ["volume", (one) => one.volume],
  ["total", (one) => one.total],
  ["free in the flight", availableWords],
  ["priced as", (one) => (one.account === null ? one.priced_as : null)],
  ["expires (UTC)", (one) => one.expires_at.slice(0, 16)],
  ["mandate", (one) => one.mandate],
];

function availableWords({ available, impressions, account }: QuoteRow): string | number | null {
  if (available === null) return account === null ? "not reported" : null;
  return impressions !== null && available >= impressions ? "all of it" : available;
}

/** What a table cannot say: identity, what is not honoured, warnings, refusals. */
function notes(quotes: readonly QuoteRow[]): string {
  return quotes
    .flatMap((one) => [
      one.account !== null
        ? `${one.quote_id}: bought as ${one.account}${namedThere(one.account_id, one.account_scope)}`
        : `${one.quote_id}: priced as ${one.priced_as}; shown ${one.shown_as} (${one.shown_because.join("; ")})${one.next_tier ? `; ${one.next_tier.tier} would save about ${one.next_tier.would_save}` : ""}`,
      ...(one.seller_says === ""
        ? []
        : [`${one.quote_id}: the seller explains its price (its words): "${one.seller_says}"`]),
      ...(one.proposal?.seller_said
        ? [`${one.quote_id}: the seller said of your terms (its words): "${one.proposal.seller_said}"`]
        : []),
      ...(one.not_honoured.length > 0
        ? [`${one.quote_id}: the seller will not honour ${one.not_honoured.join(", ")}`]
        : []),
      ...one.warnings.map((warning) => `${one.quote_id}: warning: ${warning}`),
      ...(one.mandate === "allowed"
        ? []
        : [`${one.quote_id}: mandate ${one.mandate.replaceAll("_", " ")}: ${one.mandate_because.join("; ")}`]),
    ])
    .join("\n");
}

function failedRow(outcome: QuoteOutcome) {
  if (outcome.ok) return [];
  const { code, message, recovery, details } = outcome.error;
  return [
    {
      item: outcome.item,
      code,
      message,
      recovery,
      field: details.field ?? null,
      candidates: details.candidates ?? [],
      seller_said: details.sellerSaid ?? null,
    },
  ];
}
