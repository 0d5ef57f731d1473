import { BuyingError } from "../domain/errors.ts";
import { type Seller, SellerFailure } from "../sellers/seller.ts";
import type { Ports, SellerRecord } from "./ports.ts";

/** The seller to look at; null where the operator keeps it out by now, and only a person can settle. */
export async function sellerNow(
  ports: Ports,
  sellerId: string,
): Promise<{ record: SellerRecord; seller: Seller } | null> {
  try {
    const record = await ports.directory.find(sellerId);
    return { record, seller: ports.directory.connect(record) };
  } catch (error) {
    if (!(error instanceof BuyingError) && !(error instanceof SellerFailure)) throw error;
    ports.log("an unknown booking cannot be looked up", { seller: sellerId, why: error.code ?? error.message });
    return null;
  }
}

/** What a look gave; null where the seller could not be read. */
export async function look<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SellerFailure) return null;
    throw error;
  }
}
