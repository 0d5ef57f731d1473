import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { iabSellerAgent } from "../../src/sellers/iab-seller-agent.ts";
import { mapCache } from "../sellers/map-cache.ts";
import { requestFor, type SellerBench } from "./seller-bench.ts";

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
    url,
    ...{ carrier: null, account: null, publishers: new Map(), cache: mapCache(Date.now), cacheSeconds: 60 },
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
    ask: requestFor(sellerId, productId),
    notHonoured: ["geo", "frequency_cap"],
    sentBookings: () =>
      sandbox
        .requests(sellerId)
        .flatMap(({ method, target, body }) => (method === "POST" && target === "/api/v1/deals" ? [body] : [])),
    trouble: (kind, step) => sandbox.fault(sellerId, step ? { kind, operation: step, uses: 1 } : { kind }),
    requests: () => sandbox.requests(sellerId),
    stray: () => sandbox.strayRequests().length,
    booked: (quote) =>
      sandbox.deals(sellerId, quote.sellerQuoteId).map(({ deal_id, status }) => ({ dealId: deal_id, status })),
    expire: (quoteId) => sandbox.expireQuote(sellerId, quoteId),
    close: () => sandbox.close(),
  };
}
