import { parseMoney } from "../../src/domain/money.ts";
import type { Quote, QuoteRequest } from "../../src/domain/quote.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { adcp } from "../../src/sellers/adcp.ts";
import { askedInBody } from "../adcp/asked.ts";
import { mapCache } from "../sellers/map-cache.ts";
import { requestFor, type SellerBench, type Step } from "./seller-bench.ts";

const silent = { debug: () => undefined, warn: () => undefined };
const sellerId = "openbid";
const productId = "viewable_display";

/** What is asked of sellers of budgets: 5,000 USD of a product at its fixed price. */
function budgetRequest(): QuoteRequest {
  const budget = parseMoney("5000.00 USD");
  const packages = [{ productId, budget, option: "vcpm_fixed", maxBid: null, creativeIds: [] }];
  return {
    ...requestFor(sellerId, productId),
    ...{ impressions: 0, budget, buys: { packages, brief: null, proposal: null } },
  };
}

/** Products and prices are one answer of an AdCP seller, and so is what a quote of ours is read from. */
const steps: Readonly<Partial<Record<Step, Step>>> = { quote: "catalogue", "quote-read": "catalogue" };

/** A sandbox seller that speaks AdCP 3.1 and books at once, over one carrier, and the protocol connected to it. */
export async function adcpBench(carrier: "mcp" | "a2a"): Promise<SellerBench> {
  const sandbox = await startSandbox({ sellers: [], adcp: [sellerId] });
  const { agents, keys, publishers = {} } = sandbox.seller(sellerId);
  const url = agents?.[carrier] ?? "";
  const seller = adcp.connect({
    ...{ sellerId, url, origin: new URL(url).origin, carrier },
    account: {
      ...{ brand: "larkspurbikes.example", brandId: null, operator: "quillon.example" },
      ...{ billing: "operator", paymentTerms: null, accountId: null },
    },
    publishers: new Map(Object.entries(publishers)),
    cache: mapCache(Date.now),
    cacheSeconds: 60,
    credentials: { advertiser: { apiKey: keys.advertiser } },
    timeouts: { discovery: 8_000, media_kit: 8_000, booking: 1_500 },
    allowLoopback: true,
    log: silent,
  });
  const booking = (body: string) => {
    const asked = askedInBody(body);
    return asked?.task === "create_media_buy" ? [JSON.stringify(asked.args)] : [];
  };
  return {
    seller,
    productId,
    ask: budgetRequest(),
    notHonoured: [],
    sentBookings: () => sandbox.requests(sellerId).flatMap(({ body }) => booking(body)),
    trouble: (kind, step) =>
      sandbox.fault(sellerId, step ? { kind, operation: steps[step] ?? step, uses: 1 } : { kind }),
    requests: () => sandbox.requests(sellerId),
    stray: () => sandbox.strayRequests().length,
    booked: ({ packages = [] }: Quote) =>
      sandbox.adcp
        .buys(sellerId)
        .filter((buy) => buy.packages.some((one) => packages.some(({ product }) => product.id === one.product_id)))
        .map(({ media_buy_id: dealId, status }) => ({ dealId, status: status === "canceled" ? "cancelled" : status })),
    expire: () => undefined,
    close: () => sandbox.close(),
  };
}
