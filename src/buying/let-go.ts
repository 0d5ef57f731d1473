import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import type { Placed } from "../domain/placed.ts";
import type { Quote } from "../domain/quote.ts";
import { SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { appendLine } from "./lines.ts";
import type { Ports } from "./ports.ts";

/**
 * Gives up at the seller what a booking that does not go on had placed there, once, and records what became of it. The
 * line itself must have let go of it before: nobody goes on with what is given up. Never throws for a seller's fault.
 */
export async function letGo(ports: Ports, ref: Ref, quote: Quote, placed: Placed): Promise<void> {
  const left = await giveUp(ports, quote);
  ports.log("given up at the seller", { ref, order: placed.orderId, left });
  await appendLine(ports, ref, () => [{ kind: "let_go", v: 1, placed, left }]);
}

async function giveUp(ports: Ports, quote: Quote): Promise<string | null> {
  try {
    const seller = ports.directory.connect(await ports.directory.find(quote.sellerId));
    return (await seller.letGo?.(quote, accessAs(ports, quote.shownAs))) ?? null;
  } catch (error) {
    if (error instanceof SellerFailure || error instanceof BuyingError) return error.message;
    throw error;
  }
}
