import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { iabSellerAgent } from "../../src/sellers/iab-seller-agent.ts";
import type { SellerBench } from "./seller-bench.ts";

const silent = { debug: () => undefined, warn: () => undefined };

export interface IabBench extends SellerBench {
  readonly sandbox: Sandbox;
}

/** A sandbox seller of the IAB dialect, and the protocol connected to it with a key for each tier. */
export async function iabBench(sellerId: string, productId: string): Promise<IabBench> {
  const sandbox = await startSandbox({ sellers: [sellerId] });
  const { url, keys } = sandbox.seller(sellerId);
  const seller = iabSellerAgent.connect({
    sellerId,
    origin: url,
    credentials: {
      seat: { apiKey: keys.seat },
      agency: { bearer: keys.agency },
      advertiser: { apiKey: keys.advertiser },
    },
    timeouts: { discovery: 8_000, media_kit: 8_000, booking: 1_500 },
    allowLoopback: true,
    log: silent,
  });
  return {
    seller,
    sandbox,
    productId,
    trouble: (kind, step) => sandbox.fault(sellerId, step ? { kind, operation: step, uses: 1 } : { kind }),
    requests: () => sandbox.requests(sellerId),
    stray: () => sandbox.strayRequests().length,
    booked: (quoteId) => sandbox.deals(sellerId, quoteId).map(({ deal_id, status }) => ({ dealId: deal_id, status })),
    expire: (quoteId) => sandbox.expireQuote(sellerId, quoteId),
    close: () => sandbox.close(),
  };
}
