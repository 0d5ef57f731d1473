import * as z from "zod";
import type { LoadedLine } from "../buying/lines.ts";
import type { Desk } from "../desk.ts";
import { costOfDeal } from "../domain/booked.ts";
import type { Delivery, PackageDelivery } from "../domain/delivery.ts";
import { displayMoney, formatMoney, type Money } from "../domain/money.ts";
import { type Approved, judge, type Judgement, type Moment, percent } from "../domain/pacing.ts";
import { promiseWords, shareWords } from "../domain/package.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer, heardFrom } from "./tool.ts";

export const getDelivery = defineTool({
  name: "get_delivery",
  title: "How buys deliver",
  effect: "read",
  description: "Delivery as sellers report it: spend, effective CPM, promises, win rate, pacing, advice.",
  input: z.strictObject({
    ids: z.array(z.string().max(400)).max(20).optional().describe("Default: all booked"),
    campaign: z.string().max(120).optional(),
    daily: z.boolean().optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    deliveries: z.array(
      z.looseObject({
        media_buy_id: z.string(),
        packages: z.array(z.looseObject({ package_id: z.string(), pacing: z.string() })),
      }),
    ),
  }),
}).run(async (input, desk) => {
  const lines = input.ids
    ? await Promise.all(input.ids.map((id) => desk.buyById(id)))
    : await desk.buys({
        ...{ ids: [], statuses: ["booked", "terms_mismatch"], limit: 20, before: null },
        campaign: input.campaign ?? null,
      });
  const outcomes = await Promise.all(lines.map((loaded) => read(desk, loaded)));
  const found = outcomes.flatMap((one) => (one.ok ? [one] : []));
  const failed = outcomes.flatMap((one) =>
    one.ok ? [] : [{ media_buy_id: one.loaded.ref, code: one.code, message: one.message }],
  );
  const seen = found.map(({ loaded, delivery }) => ({ delivery, rows: rowsOf(loaded, delivery), ref: loaded.ref }));
  const [behind] = seen.filter(({ rows }) => rows.some(({ judged }) => judged.advice.length > 0));
  const data = {
    deliveries: seen.map(({ ref, delivery, rows }) => dataOf(ref, delivery, rows, input.daily === true)),
    failed,
  };
  const next = [
    ...(behind ? [`update_media_buy {media_buy_id: "${behind.ref}", action: "change", packages: [...]}`] : []),
    ...(found.length > 0 && !input.daily ? ["get_delivery {daily: true}"] : []),
    "get_media_buys {}",
  ];
  return heardFrom(
    answer(
      desk,
      data,
      next,
      ...seen.map(({ ref, delivery, rows }) => textOf(ref, delivery, rows, input.daily === true)),
      failed.map((one) => `${one.media_buy_id}: ${one.code}: ${one.message}`).join("\n"),
      outcomes.length === 0 && "No booked media buy matches.",
    ),
    outcomes.map((one) => `${one.loaded.line.quote.sellerId} ${one.ok ? "ok" : one.code}`),
  );
});

/** One seller that cannot be read must not hide the others. */
async function read(desk: Desk, loaded: LoadedLine) {
  try {
    const delivery = await desk.delivery(loaded.ref);
    if (delivery) return { ok: true, loaded, delivery } as const;
    const message = "there is no booked deal that could deliver";
    return { ok: false, loaded, code: "not_booked", message } as const;
  } catch (error) {
    const { code, message } = desk.explain(error);
    return { ok: false, loaded, code, message } as const;
  }
}

interface Row {
  readonly packageId: string;
  readonly product: string;
  readonly budget: Money;
  readonly reported: PackageDelivery;
  readonly judged: Judgement;
}

const DAY_MS = 86_400_000;

function rowsOf({ line }: LoadedLine, delivery: Delivery): readonly Row[] {
  const { quote, deal } = line;
  const at = Date.parse(delivery.asOf ?? new Date().toISOString());
  const end = Date.parse(deal?.flight.end ?? `${quote.flight.end}T23:59:59Z`);
  const over = ["completed", "canceled", "cancelled", "rejected"].includes(delivery.sellerStatus ?? "");
  const moment: Moment = {
    daysLeft: Math.max(0, Math.ceil((end - at) / DAY_MS)),
    hasBegun: at >= Date.parse(deal?.flight.start ?? `${quote.flight.start}T00:00:00Z`),
    isOver: over || delivery.isFinal === true || at >= end,
  };
  if (delivery.packages.length === 0) {
    const reported = { ...delivery, ...ofTheBuy(deal?.dealId ?? "") };
    const approved = approvedOf({ line }, reported);
    return [row(quote.product.ref, approved, reported, moment)];
  }
  return delivery.packages.map((reported) => {
    const asked = quote.packages?.find(({ product }) => product.id === reported.productId);
    return row(
      asked?.product.ref ?? reported.productId ?? "not told",
      approvedOf({ line }, reported),
      reported,
      moment,
    );
  });
}

/** Of a seller that reports no packages: the buy is the one there is. */
function ofTheBuy(packageId: string) {
  return { packageId, productId: null, model: null, rate: null, pacingIndex: null, paused: null, daily: [] };
}

function row(product: string, approved: Approved, reported: PackageDelivery, moment: Moment): Row {
  const { packageId } = reported;
  return { packageId, product, budget: approved.budget, reported, judged: judge(approved, reported, moment) };
}

/** What the terms hold of a package, with the budget and the bid that its seller has now. */
function approvedOf({ line }: Pick<LoadedLine, "line">, reported: PackageDelivery): Approved {
  const { quote, deal, booking } = line;
  const asked = quote.packages?.find(({ product }) => product.id === reported.productId);
  const terms = booking?.terms.packages?.find(({ product }) => product === reported.productId);
  const booked = deal?.packages?.find(({ packageId }) => packageId === reported.packageId);
  return {
    budget:
      booked?.budget ?? asked?.budget ?? (deal && booking && costOfDeal(booking.terms, deal)) ?? totalOfQuote(quote),
    price: booked?.bid ?? asked?.price ?? quote.cpm,
    isBid: asked?.kind === "auction",
    model: asked?.model ?? "cpm",
    guaranteed: asked?.guaranteed ?? quote.guaranteed,
    standards: terms?.standards ?? [],
    guidance: asked?.guidance ?? null,
  };
}

const unsaid = "not reported";

function dataOf(ref: string, delivery: Delivery, rows: readonly Row[], daily: boolean) {
  return {
    media_buy_id: ref,
    seller_status: delivery.sellerStatus,
    from: delivery.from,
    as_of: delivery.asOf,
    is_final: delivery.isFinal,
    billing_grade: delivery.isFinal === true,
    impressions: delivery.impressions,
    spend: amount(delivery.spend),
    seller_says_pacing: delivery.pacing,
    fill_rate_percent: delivery.fillRatePercent,
    note: delivery.note,
    packages: rows.map(({ packageId, product, budget, reported, judged }) => ({
      package_id: packageId,
      product,
      impressions: reported.impressions,
      spend: amount(reported.spend),
      clicks: reported.clicks,
      completed_views: reported.completedViews,
      budget: formatMoney(budget),
      budget_used_percent: judged.budgetUsedPercent,
      effective_cpm: amount(judged.effectiveCpm),
      completion_rate: reported.completionRate,
      viewable_rate: reported.viewableRate,
      win_rate: reported.winRate,
      clearing_price: amount(reported.clearingPrice),
      pacing_index: reported.pacingIndex,
      pacing: judged.words,
      promises: judged.promises.map((one) => ({ ...one, promise: promiseWords(one.promise) })),
      advice: judged.advice,
      ...(daily
        ? { daily: reported.daily.map(({ day, impressions, spend }) => ({ day, impressions, spend: amount(spend) })) }
        : {}),
    })),
  };
}

function amount(value: Money | null): string | null {
  return value && formatMoney(value);
}

function textOf(ref: string, delivery: Delivery, rows: readonly Row[], daily: boolean): string {
  const final = delivery.isFinal === true ? "final figures" : "not billing-grade: the seller may still change them";
  const status = delivery.sellerStatus ? `${delivery.sellerStatus}, ` : "";
  const columns = [
    ...["package_id", "product", "impressions", "spend", "budget used", "effective CPM", "completion"],
    ...["win rate", "clearing price", "pacing"],
  ];
  const cells = rows.map(({ packageId, product, budget, reported, judged }) => [
    packageId,
    product,
    reported.impressions?.toLocaleString("en-US") ?? unsaid,
    shown(reported.spend),
    judged.budgetUsedPercent === null ? unsaid : `${judged.budgetUsedPercent} % of ${displayMoney(budget)}`,
    shown(judged.effectiveCpm),
    reported.completionRate === null ? unsaid : percent(reported.completionRate),
    reported.winRate === null ? unsaid : percent(reported.winRate),
    shown(reported.clearingPrice),
    judged.words,
  ]);
  const said = [
    ...(delivery.pacing ? [`the seller's word on pacing: "${delivery.pacing}"`] : []),
    ...(delivery.fillRatePercent ? [`fill ${delivery.fillRatePercent} %`] : []),
    ...(delivery.note ? [`note: ${delivery.note}`] : []),
  ];
  const promises = rows.flatMap(({ packageId, judged }) =>
    judged.promises.map(
      ({ promise, delivered, kept }) =>
        `${packageId}: promised ${promiseWords(promise)}: ${kept === null ? unsaid : `${kept ? "kept" : "NOT KEPT"} so far, ${shareWords(delivered ?? "")}`}`,
    ),
  );
  const advice = rows.flatMap(({ packageId, judged }) => judged.advice.map((one) => `${packageId}: advice: ${one}`));
  const days = daily
    ? table(
        ["package_id", "day", "impressions", "spend"],
        rows.flatMap(({ packageId, reported }) =>
          reported.daily.map((one) => [packageId, one.day, one.impressions ?? unsaid, shown(one.spend)]),
        ),
      )
    : "";
  const heading = `${ref}: ${status}as of ${delivery.asOf?.slice(0, 16) ?? unsaid} UTC, ${final}.`;
  return [heading, table(columns, cells), ...said, ...promises, ...advice, ...(days ? [days] : [])].join("\n");
}

function shown(value: Money | null): string {
  return value ? displayMoney(value) : unsaid;
}
