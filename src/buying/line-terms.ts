import type { ApprovalLine } from "../domain/approval.ts";
import { formatMoney } from "../domain/money.ts";
import { digestOf, type TermsContext, termsOf } from "../domain/terms.ts";
import type { LoadedLine } from "./lines.ts";
import type { Ports, SellerRecord } from "./ports.ts";

/** What a line's terms hold that its quote does not say, from the desk and the seller's protocol. */
export function termsContext(
  ports: Ports,
  record: SellerRecord,
  campaign: string | null,
  poNumber: string | null,
): TermsContext {
  const { name, sandbox, advertiser } = ports.settings;
  const cancellation = ports.directory.connect(record).cancellation;
  return {
    desk: name,
    sandbox,
    advertiser,
    origin: record.origin,
    protocol: record.protocol,
    campaign,
    poNumber,
    cancellation,
  };
}

/** A line as it would be approved now: its exact terms, their digest, and names to read it by. */
export async function approvalLine(ports: Ports, loaded: LoadedLine, poNumber: string | null): Promise<ApprovalLine> {
  const { quote, request, quotedCpm } = loaded.line;
  const record = await ports.directory.find(quote.sellerId);
  const terms = termsOf(quote, request, termsContext(ports, record, loaded.line.campaign, poNumber));
  return {
    ref: loaded.ref,
    digest: digestOf(terms),
    terms,
    productName: quote.product.name,
    sellerName: record.name,
    listCpm: quote.listCpm && formatMoney(quote.listCpm),
    quotedCpm: quotedCpm && formatMoney(quotedCpm),
  };
}
