import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import type { Line } from "../domain/media-buy.ts";
import type { Money } from "../domain/money.ts";
import type { BudgetAsk, QuoteRequest } from "../domain/quote.ts";
import { accessAs } from "./access.ts";
import { voidRows } from "./approve.ts";
import { appendLine, decideAndAppend, loadApproval, loadLine } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** What the planner chooses when a quote is bought: a bid, creatives; null and none leave it as it was quoted. */
export interface Choice {
  readonly ref: Ref;
  readonly maxBid: Money | null;
  readonly creativeIds: readonly string[];
}

/**
 * Puts a choice into an open quote, at the seller's price for it. A person who is being asked about the quote as it was
 * is asked no more: the terms are others.
 * @throws BuyingError `invalid_arguments` where the quote takes no such choice; as the seller's quote refuses it
 */
export async function chooseTerms(ports: Ports, choice: Choice): Promise<void> {
  const { ref } = choice;
  const loaded = await loadLine(ports, ref);
  const { line } = loaded;
  const request = requestWith(ref, line, choice);
  if (!request || !["open", "awaiting_approval"].includes(line.status)) return;
  const record = await ports.directory.find(line.quote.sellerId);
  const seller = ports.directory.connect(record);
  const { quote } = await seller.readQuote(line.quote, request, accessAs(ports, line.quote.shownAs));
  const { approvalId } = line;
  if (line.status === "awaiting_approval" && approvalId !== null) {
    await decideAndAppend(ports, async () => {
      const approval = await loadApproval(ports, approvalId);
      return { rows: await voidRows(ports, approval, "another bid or other creatives were chosen"), result: undefined };
    });
  }
  await appendLine(ports, ref, ({ line: latest }) =>
    latest.status === "open" ? [{ kind: "terms_chosen", v: 1, request, quote }] : [],
  );
}

/** The request with the choice in it; null where it holds the choice already. */
function requestWith(ref: Ref, { request }: Line, { maxBid, creativeIds }: Choice): QuoteRequest | null {
  if (!maxBid && creativeIds.length === 0) return null;
  const { buys } = request;
  const [only] = buys?.packages ?? [];
  if (!buys || !only || buys.packages.length !== 1) {
    const message = `${ref} takes no bid or creatives here: it ${buys ? "buys several products; give them with request_quote" : "is bought by volume at a CPM"}. Nothing was booked.`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "lines" });
  }
  const bid = maxBid ?? only.maxBid;
  const creatives = creativeIds.length > 0 ? creativeIds : only.creativeIds;
  const same = bid?.micros === only.maxBid?.micros && bid?.currency === only.maxBid?.currency;
  if (same && creatives.join("\n") === only.creativeIds.join("\n")) return null;
  const chosen: BudgetAsk = { ...buys, packages: [{ ...only, maxBid: bid, creativeIds: creatives }] };
  return { ...request, buys: chosen };
}
