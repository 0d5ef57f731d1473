import type { FrozenRequest } from "../domain/media-buy.ts";
import { formatAmount, type Money, parseMoney } from "../domain/money.ts";
import type { Quote, QuoteRequest } from "../domain/quote.ts";
import { type Terms, totalOf } from "../domain/terms.ts";
import { uuidFrom } from "../domain/ids.ts";
import { targetingOf } from "./adcp-quotes.ts";
import { type Version, versioned, versions } from "./adcp-session.ts";
import { pushConfigOf } from "./adcp-webhooks.ts";
import type { WebhookAddress } from "./protocol.ts";
import type { Acceptance } from "./seller.ts";
import { moneyFromNumber } from "./wire/money.ts";

/**
 * What we write into a request that commits, and what we look for in answers: one mark for the buy, and one for each
 * package. They are a function of the key, which itself is a secret.
 */
export interface Marks {
  readonly buy: string;
  readonly package: (at: number) => string;
}

/** The marks of the request that was sent under a key. */
export function marksOf(key: string): Marks {
  const buy = uuidFrom("buy", key);
  return { buy, package: (at) => `${buy}-${at + 1}` };
}

/** An exact amount as JSON writes it. @throws RangeError for one that a JSON number cannot carry */
export function wireNumber(amount: Money): number {
  const number = Number(formatAmount(amount));
  if (moneyFromNumber(number, amount.currency)?.micros === amount.micros) return number;
  throw new RangeError("an amount beyond what JSON can carry exactly");
}

/**
 * The exact bytes of `create_media_buy` for these terms: from the quote's frozen protocol facts and the terms alone, so
 * that it can be made without asking anybody. A flight that has begun starts as soon as possible.
 */
export function buyRequest(
  terms: Terms,
  quote: Quote,
  key: string,
  accepted: Acceptance,
  webhooks: WebhookAddress | null = null,
): FrozenRequest {
  const { wire } = quote;
  if (!wire || !terms.packages) throw new RangeError(`${quote.ref} has no protocol facts to book it with`);
  const marks = marksOf(key);
  const version = versionOf(wire.version);
  const { start, end } = terms.flight;
  const total = totalOf(terms);
  const { insertionOrder } = wire;
  const body = {
    idempotency_key: key,
    account: JSON.parse(wire.account) as unknown,
    brand: JSON.parse(wire.brand) as unknown,
    start_time: Date.parse(start) <= Date.parse(accepted.at) ? "asap" : start,
    end_time: end,
    ...(wire.proposalId === null
      ? { packages: packagesOf(terms, marks) }
      : { proposal_id: wire.proposalId, total_budget: { amount: wireNumber(total), currency: total.currency } }),
    ...(insertionOrder
      ? { io_acceptance: { io_id: insertionOrder.id, accepted_at: accepted.at, signatory: accepted.by } }
      : {}),
    ...(terms.po_number === null ? {} : { po_number: terms.po_number }),
    ...(webhooks ? { push_notification_config: pushConfigOf(webhooks, quote.ref, key, version) } : {}),
    context: { correlation_id: marks.buy },
  };
  const args = allowed(versioned(body, version), wire.accepts);
  return { method: "POST", path: "create_media_buy", body: JSON.stringify(args) };
}

function packagesOf(terms: Terms, marks: Marks): readonly unknown[] {
  const { overlay } = targetingOf(
    terms.targeting && {
      geo: terms.targeting.geo,
      audience: terms.targeting.audience,
      frequencyCap: terms.targeting.frequency_cap,
    },
  );
  return (terms.packages ?? []).map((one, at) => ({
    product_id: one.product,
    pricing_option_id: one.pricing_option,
    budget: wireNumber(parseMoney(one.budget)),
    ...(one.is_bid ? { bid_price: wireNumber(parseMoney(one.unit_price)) } : {}),
    ...(overlay ? { targeting_overlay: overlay } : {}),
    ...(one.creatives.length > 0
      ? { creative_assignments: one.creatives.map((creative_id) => ({ creative_id })) }
      : {}),
    context: { buyer_ref: marks.package(at) },
  }));
}

/** What a seller's own schema forbids and the buy can do without; all else is sent, and the seller may refuse it. */
const dispensable = ["adcp_version", "adcp_major_version", "context", "account", "push_notification_config"];

/** Arguments without what this seller would refuse them for. @param accepts null = it takes any */
export function allowed(
  args: Readonly<Record<string, unknown>>,
  accepts: readonly string[] | null,
): Readonly<Record<string, unknown>> {
  if (accepts === null) return args;
  return Object.fromEntries(
    Object.entries(args).filter(([name]) => accepts.includes(name) || !dispensable.includes(name)),
  );
}

/** The edition a quote was made in. */
export function versionOf(text: string): Version {
  return versions.find((version) => version === text) ?? "3.0";
}

/** What a frozen request says of itself, read back from its bytes. */
export function sentIn({ body }: FrozenRequest): {
  readonly key: string;
  readonly start: string;
  readonly end: string;
} {
  const read: unknown = JSON.parse(body);
  const field = (name: string) =>
    typeof read === "object" && read !== null
      ? String(Object.entries(read).find(([key]) => key === name)?.[1] ?? "")
      : "";
  return { key: field("idempotency_key"), start: field("start_time"), end: field("end_time") };
}

/** Who and when, for questions about products: the account, so that prices are ours, and the flight. */
export function askedFor(request: QuoteRequest, account: Readonly<Record<string, unknown>>, brand: unknown) {
  return {
    account,
    brand,
    filters: { start_date: request.flight.start, end_date: request.flight.end },
  };
}
