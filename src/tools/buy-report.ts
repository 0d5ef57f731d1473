import * as z from "zod";
import type { LoadedLine } from "../buying/lines.ts";
import type { Desk } from "../desk.ts";
import type { Approval } from "../domain/approval.ts";
import { costOfDeal } from "../domain/booked.ts";
import { daysOf } from "../domain/ceiling.ts";
import type { Deal } from "../domain/deal.ts";
import type { Line } from "../domain/media-buy.ts";
import { displayMoney, formatMoney } from "../domain/money.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { cardText } from "../card/text.ts";
import { rangeWords, totalOfApproval } from "../card/words.ts";
import { perWords } from "../domain/package.ts";
import { isSentNoMore } from "../domain/resending.ts";
import { waitWords } from "./describe-entry.ts";
import { spentToday } from "./spent-today.ts";
import { table } from "./table.ts";
import { type Answer, answer, everyAnswer, heardFrom } from "./tool.ts";

/** Where a request to buy stands, over all its lines. */
export const buyStatuses = [
  "booked",
  "awaiting_approval",
  "sending",
  "awaiting_seller",
  "partly_booked",
  "rejected",
  "expired",
  "refused",
  "terms_changed",
  "terms_mismatch",
  "booking_unknown",
  "cancelled",
] as const;
type BuyStatus = (typeof buyStatuses)[number];

/** The answer of `create_media_buy` and `approve`: one shape, whoever asked and however it was decided. */
export const buyAnswer = z.looseObject({
  ...everyAnswer,
  status: z.enum(buyStatuses),
  approval: z.looseObject({ approval_id: z.string(), status: z.string() }).nullable(),
  media_buys: z.array(z.looseObject({ media_buy_id: z.string(), status: z.string(), total: z.string() })),
  nothing_booked: z.boolean(),
});

/**
 * Says what became of lines that were asked to be bought, and of the approval between.
 * @param note one more sentence, e.g. why the person could not be asked here
 */
export async function reportBuy(
  desk: Desk,
  refs: readonly string[],
  approval: Approval | null,
  note: string | null,
): Promise<Answer<z.output<typeof buyAnswer>>> {
  const lines = await Promise.all(refs.map((ref) => desk.line(ref)));
  const status = overall(lines, approval);
  const buys = lines.filter(({ line }) => line.status !== "open" && line.status !== "awaiting_approval").map(buyRow);
  const waiting = approval?.status === "pending" && status === "awaiting_approval";
  const ways = waiting ? await waysToDecide(approval, desk) : [];
  const spent = await spentToday(desk);
  const nothingBooked = lines.every(({ line }) =>
    ["open", "awaiting_approval", "declined", "superseded"].includes(line.status),
  );
  const data = {
    status,
    approval: approval && {
      approval_id: approval.approvalId,
      status: approval.status,
      short_code: approval.shortCode,
      total: formatMoney(totalOfApproval(approval)),
      expires_at: approval.expiresAt,
      why: approval.why,
      person_can: ways,
    },
    decided: approval?.decided
      ? { by: approval.decided.by, via: approval.decided.via, note: approval.decided.note }
      : null,
    media_buys: buys,
    not_bought: refusals(lines),
    spent: spent && { today: spent.today, left_today: spent.leftToday },
    nothing_booked: nothingBooked,
    note,
  };
  return heardFrom(
    answer(
      desk,
      data,
      nextSteps(status, approval, refs),
      `${status}: ${sentences[status]}`,
      note,
      waiting && cardText(approval, desk.settings),
      ways.length > 0 && `The person can: ${ways.join("; or ")}. You cannot decide this, and no argument does.`,
      buys.length > 0 && buysText(lines),
      refusalsText(lines),
      spent && `Committed today ${spent.today}, left today ${spent.leftToday}.`,
      nothingBooked && "Nothing was booked.",
    ),
    lines.map(({ line }) => `${line.quote.sellerId} ${line.status}`),
  );
}

function refusals(lines: readonly LoadedLine[]) {
  return lines.flatMap(({ ref, line: { refusal } }) =>
    refusal ? [{ quote_id: ref, code: refusal.code, why: refusal.why, was_sent: refusal.sent }] : [],
  );
}

/** Why lines were asked to be bought and were not; empty where none was refused. */
export function refusalsText(lines: readonly LoadedLine[]): string {
  const say = ({ quote_id: ref, code, why, was_sent: sent }: ReturnType<typeof refusals>[number]) =>
    `${ref} was not bought: ${code}: ${why}${sent ? "" : " (nothing was sent)"}`;
  return refusals(lines).map(say).join("\n");
}

const sentences: Readonly<Record<BuyStatus, string>> = {
  booked: "booked as approved.",
  awaiting_approval: "waiting for a person's decision on exactly these terms.",
  sending: "decided; the seller is being told. Ask again with approve {approval_id, wait_s}.",
  awaiting_seller:
    "decided here; the seller still has to do its part. It is watched, for days if need be; get_media_buys tells how it stands.",
  partly_booked: "some lines are booked, some are not; each line says which.",
  rejected: "a person rejected it.",
  expired: "nobody decided in time; ask to buy again.",
  refused: "the seller refused, or was not asked; nothing of it was booked.",
  terms_changed: "the terms are no longer those that were shown; ask to buy again for a fresh decision.",
  terms_mismatch:
    "the seller booked something else than was approved. This is an incident, not a success: further approvals are stopped until a person clears it.",
  booking_unknown:
    "the seller's answer was lost, so whether it booked is not known. Each line says what is done about it; the money stays held and nothing is bought twice.",
  cancelled: "booked and cancelled since.",
};

function overall(lines: readonly LoadedLine[], approval: Approval | null): BuyStatus {
  const has = (...statuses: readonly string[]) => lines.some(({ line }) => statuses.includes(line.status));
  const all = (...statuses: readonly string[]) => lines.every(({ line }) => statuses.includes(line.status));
  if (has("terms_mismatch")) return "terms_mismatch";
  if (has("booking_unknown")) return "booking_unknown";
  if (has("approved", "sending")) return "sending";
  if (has("awaiting_seller")) return "awaiting_seller";
  if (has("awaiting_approval"))
    return approval && Date.parse(approval.expiresAt) <= Date.now() ? "expired" : "awaiting_approval";
  if (all("cancelled")) return "cancelled";
  if (all("booked", "cancelling", "cancel_unknown", "cancelled")) return "booked";
  if (has("booked")) return "partly_booked";
  if (approval?.status === "rejected") return "rejected";
  if (approval?.status === "void") return approval.voidWhy === "nobody decided in time" ? "expired" : "terms_changed";
  return lines.some(({ line }) => line.refusal?.code === "terms_changed") ? "terms_changed" : "refused";
}

/** One media buy as structured data; the same shape wherever buys are listed. */
export function buyRow({ ref, line, flowId }: LoadedLine) {
  const { quote, booking, deal } = line;
  const cost = deal && booking ? costOfDeal(booking.terms, deal) : null;
  return {
    media_buy_id: ref,
    seller_id: quote.sellerId,
    status: line.status,
    as_approved: line.status === "booked" && line.differences.length === 0,
    campaign: line.campaign,
    flow_id: flowId,
    order_id: line.orderId,
    order_status: line.orderStatus,
    order_note:
      line.orderFailure === null
        ? null
        : `the deal stands, but the seller's order could not be placed: ${line.orderFailure}`,
    total: formatMoney(cost ?? totalOfQuote(quote)),
    approved_total: booking?.terms.total ?? null,
    flight: daysOf(line),
    booked_at: line.bookedAt,
    packages: deal ? packageRows(line, deal) : [],
    seller_waits: line.wait && {
      for: line.wait.for,
      means: waitWords[line.wait.for],
      url: line.wait.url,
      expected_by: line.wait.expectedBy,
      seller_said: line.wait.sellerSaid,
    },
    confirmed_at: deal?.confirmedAt ?? null,
    creatives_due: deal?.creativesDue ?? null,
    activation: deal?.activation ?? [],
    differences: line.differences,
    unknown_because: line.status === "booking_unknown" ? unknownWords(line) : null,
    refused_because: line.refusal && { code: line.refusal.code, why: line.refusal.why, was_sent: line.refusal.sent },
    cancel_note: line.cancelWhy,
    cancellation: booking?.terms.cancellation ?? null,
    po_number: booking?.terms.po_number ?? null,
    payment_terms: booking?.terms.payment_terms ?? null,
    measurement: booking?.terms.measurement ?? null,
  };
}

/** What is known of an unknown booking, and who can still find out. */
function unknownWords(line: Line): string {
  const why = (line.unknownWhy ?? "the answer was lost").replace(/\.$/, "");
  return isSentNoMore(line, new Date())
    ? `${why}. It is not sent again, its money stays held, and the seller is still looked at; a person asks the seller whether it booked, and settles it`
    : `${why}. It is being found out; its money stays held`;
}

function packageRows({ quote }: Line, deal: Deal) {
  const shared = { deal_id: deal.dealId, deal_type: deal.dealType };
  if (deal.packages) {
    return deal.packages.map((one) => {
      const asked = quote.packages?.find(({ product }) => product.id === one.productId);
      return {
        package_id: one.packageId,
        product: asked?.product.ref ?? one.productId,
        product_name: asked?.product.name ?? null,
        ...shared,
        budget: one.budget && formatMoney(one.budget),
        price: asked
          ? `${asked.kind === "auction" ? "a bid of at most " : ""}${formatMoney(asked.price)} ${perWords[asked.model]}`
          : null,
        bid: one.bid && formatMoney(one.bid),
      };
    });
  }
  const { openrtb } = deal;
  return [
    {
      package_id: deal.dealId,
      product: quote.product.ref,
      product_name: quote.product.name,
      ...shared,
      price: deal.cpm && `${formatMoney(deal.cpm)} CPM`,
      cpm: deal.cpm && formatMoney(deal.cpm),
      impressions: deal.impressions,
      openrtb: openrtb && { ...openrtb, bidfloor: openrtb.bidfloor ? formatMoney(openrtb.bidfloor) : null },
    },
  ];
}

/** Media buys as text: deal ids ready to paste, activation steps labelled as the seller's words. */
export function buysText(lines: readonly LoadedLine[]): string {
  const rows = lines.filter(({ line }) => line.status !== "open" && line.status !== "awaiting_approval").map(buyRow);
  const columns = [
    "media_buy_id",
    "status",
    "deal_id",
    "package_id",
    "product",
    "price",
    "volume",
    "total",
    "order_id",
  ];
  const cells = rows.flatMap((one) => {
    const packages = one.packages.length > 0 ? one.packages : [null];
    return packages.map((pack, at) => [
      one.media_buy_id,
      one.status,
      pack?.deal_id,
      pack?.package_id,
      pack?.product,
      pack?.price,
      pack && ("budget" in pack ? pack.budget : pack.impressions),
      at === 0 ? one.total : "",
      one.order_id,
    ]);
  });
  const extra = rows.flatMap((one) => [
    termsText(one),
    ...one.differences.map(
      ({ field, approved, now }) =>
        `${one.media_buy_id}: ${field} was approved as ${approved}, the seller booked ${now}`,
    ),
    ...(one.seller_waits
      ? [
          `${one.media_buy_id}: ${one.seller_waits.means}${one.seller_waits.expected_by ? `, expected by ${one.seller_waits.expected_by.slice(0, 16)} UTC` : ""}${one.seller_waits.url ? `; the person can act at ${one.seller_waits.url} (the seller's page)` : ""}${one.seller_waits.seller_said ? `; the seller said (its words): "${one.seller_waits.seller_said}"` : ""}`,
        ]
      : []),
    ...(one.creatives_due ? [`${one.media_buy_id}: creatives are due by ${one.creatives_due.slice(0, 16)} UTC`] : []),
    ...(one.unknown_because ? [`${one.media_buy_id}: ${one.unknown_because}`] : []),
    ...(one.order_note ? [`${one.media_buy_id}: ${one.order_note}`] : []),
    ...(one.cancel_note ? [`${one.media_buy_id}: ${one.cancel_note}`] : []),
    ...(one.status === "booked"
      ? one.activation.map(({ dsp, steps }) => `Activate in ${dsp} (the seller's words): ${steps}`)
      : []),
  ]);
  return [table(columns, cells), ...extra].join("\n");
}

/** What an insertion order says beside the figures: when, under which order, and what was agreed; nothing that nobody stated. */
function termsText(one: ReturnType<typeof buyRow>): string {
  const said = [
    rangeWords(one.flight.start, one.flight.end),
    one.po_number && `purchase order ${one.po_number}`,
    one.payment_terms && `payment terms ${one.payment_terms}`,
    one.measurement && `measured: ${one.measurement}`,
    one.cancellation && `cancelling: ${one.cancellation}`,
  ];
  return `${one.media_buy_id}: ${said.filter((part) => part).join("; ")}`;
}

/** How a person can decide an open approval outside this conversation. */
export async function waysToDecide(approval: Approval, desk: Desk): Promise<string[]> {
  const page = await desk.pageUrl(approval.approvalId);
  return [
    ...(page ? [`open ${page}`] : []),
    `run in a terminal: ${desk.settings.command} approve ${approval.approvalId}`,
  ];
}

function nextSteps(status: BuyStatus, approval: Approval | null, refs: readonly string[]): readonly string[] {
  const again = refs.map((ref) => `{quote_id: "${ref}"}`).join(", ");
  switch (status) {
    case "awaiting_approval":
    case "sending":
      return approval ? [`approve {approval_id: "${approval.approvalId}", wait_s: 25}`] : ["get_media_buys {}"];
    case "awaiting_seller":
    case "booking_unknown":
      return ["get_media_buys {refresh: true}"];
    case "terms_mismatch":
      return refs.map((ref) => `update_media_buy {media_buy_id: "${ref}", action: "cancel"}`);
    case "expired":
    case "terms_changed":
      return [`create_media_buy {lines: [${again}]}`, `request_quote {quote_ids: [...]}`];
    case "refused":
    case "rejected":
      return ["request_quote for something else", "get_inbox {}"];
    case "booked":
    case "partly_booked":
    case "cancelled":
      return ["get_media_buys {}", "get_inbox {}"];
  }
}

/** Total of lines in words, for headings. */
export function totalText(lines: readonly LoadedLine[]): string {
  return lines.map(({ line }) => displayMoney(totalOfQuote(line.quote))).join(" + ");
}
