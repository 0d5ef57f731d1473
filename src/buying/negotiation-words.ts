import { displayMoney } from "../domain/money.ts";
import { askedPrice, pricesOf, type Quote } from "../domain/quote.ts";
import type { RefineAsk, Refined } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { loadLine } from "./lines.ts";
import { type Ended, notNegotiable, record, type Talk } from "./negotiation-moves.ts";
import { SellerFailure } from "../sellers/seller.ts";

/**
 * One round in words, or the wish for a firm offer. What the seller says it did proves nothing: the price before and
 * after is what counts, and both are kept.
 */
export async function talkInWords(talk: Talk, ask: RefineAsk): Promise<Ended> {
  const { ports, item, seller, tier } = talk;
  const { line } = await loadLine(ports, item.ref);
  const refined = await seller.refine(line.quote, line.request, ask, accessAs(ports, tier)).catch((error: unknown) => {
    if (error instanceof SellerFailure && error.kind === "unsupported") throw notNegotiable(error, tier);
    throw error;
  });
  const after = askedPrice(refined.quote);
  const round = { n: line.rounds.length + 1, move: "counter", we: null, they: after, theirAction: "counter" } as const;
  await record(ports, item.ref, { kind: "negotiation_round", v: 1, round });
  await record(ports, item.ref, { kind: "quote_read", v: 1, quote: refined.quote });
  const measured = changeWords(line.quote, refined);
  const sellerSaid = refined.said || null;
  if (!ask.finalize) return { outcome: "countered", why: measured, sellerSaid };
  const why = `the seller committed itself until ${refined.quote.expiresAt.slice(0, 16)} UTC; ${measured}`;
  await record(ports, item.ref, { kind: "negotiation_ended", v: 1, status: "agreed", cpm: null, why });
  return { outcome: "agreed", why, sellerSaid };
}

const claims = { applied: "done", partial: "done in part", unable: "not possible", not_said: "" } as const;

/** The measured change beside the claimed one; of several products, product by product. */
function changeWords(before: Quote, { quote: after, applied }: Refined): string {
  const claim = claims[applied];
  const said = claim ? `; the seller calls it ${claim}` : "";
  const [was, is] = [pricesOf(before), pricesOf(after)];
  const changes = is.map((now, at) => {
    const old = was[at];
    const [from, to] = [old?.product === now.product ? displayMoney(old.price) : "not known", displayMoney(now.price)];
    const what = is.length > 1 ? `the price of ${now.product}` : "the price";
    return from === to ? `${what} is ${to}, as before` : `${what} was ${from} and is ${to}`;
  });
  return `${changes.join("; ")}${said}`;
}
