import type { Ref } from "../domain/ids.ts";
import { canonicalJson } from "../domain/terms.ts";
import type { Quote } from "../domain/quote.ts";
import { SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { appendLine, type LoadedLine, loadLine } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** A quote as its seller has it at this moment, price after any negotiation it holds to be accepted. */
export async function readNow(ports: Ports, loaded: LoadedLine): Promise<Quote> {
  const { quote, request } = loaded.line;
  const record = await ports.directory.find(quote.sellerId);
  const access = accessAs(ports, quote.shownAs);
  const read = await ports.directory.connect(record).readQuote(quote, request, access);
  // What the first answer said about honouring the targeting stands, and what it was made for; a plain read repeats neither.
  const { notHonoured, product, proposal, agreedAs } = quote;
  return { ...read.quote, notHonoured, product, ...(proposal ? { proposal } : {}), ...(agreedAs ? { agreedAs } : {}) };
}

/**
 * Reads an open quote again and keeps what changed, so that what a person is asked about is what the seller holds now.
 * A quote the seller no longer has is closed here. @throws SellerFailure when the seller cannot be read
 */
export async function readOpenQuote(ports: Ports, ref: Ref): Promise<LoadedLine> {
  const loaded = await loadLine(ports, ref);
  try {
    const now = await readNow(ports, loaded);
    if (now.state === "expired" || now.state === "declined")
      return await declined(ports, ref, now.state, `the seller says it is ${now.state}`);
    if (now.state === "booked")
      return await declined(ports, ref, now.state, "the seller says somebody booked it, and it was not this desk");
    if (sameOffer(loaded.line.quote, now)) return loaded;
    return await appendLine(ports, ref, ({ line }) =>
      ["open", "awaiting_approval"].includes(line.status) ? [{ kind: "quote_read", v: 1, quote: now }] : [],
    );
  } catch (error) {
    if (error instanceof SellerFailure && ["gone", "not_found"].includes(error.kind))
      return declined(ports, ref, "expired", "the seller no longer has it");
    throw error;
  }
}

/** Closes an open quote; of one that is waiting for a person it is noted, and whoever decides next voids the approval. */
async function declined(ports: Ports, ref: Ref, state: Quote["state"], why: string): Promise<LoadedLine> {
  return appendLine(ports, ref, ({ line: { status, quote } }) => {
    if (status === "open") return [{ kind: "quote_declined", v: 1, why }];
    if (status !== "awaiting_approval" || quote.state === state) return [];
    return [{ kind: "quote_read", v: 1, quote: { ...quote, state } }];
  });
}

/** True where two readings of a quote are alike in everything. */
export function sameOffer(left: Quote, right: Quote): boolean {
  const essence = (quote: Quote) =>
    canonicalJson(
      JSON.parse(JSON.stringify(quote, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value))),
    );
  return essence(left) === essence(right);
}
