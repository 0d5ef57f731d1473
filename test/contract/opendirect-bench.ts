import type { BehaviourChange } from "../../src/sandbox/opendirect/behaviour.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { openDirect } from "../../src/sellers/opendirect.ts";
import { mapCache } from "../sellers/map-cache.ts";
import { requestFor, type SellerBench, type Step } from "./seller-bench.ts";

const silent = { debug: () => undefined, warn: () => undefined };
const sellerId = "citylight";
/** 25.00 USD CPM, guaranteed, and booked without a creative. */
const productId = "888899";

/** A quote is made of avails; the fourth write commits, and the line is what is read back. */
const steps: Readonly<Partial<Record<Step, "avails" | "book" | "line-read">>> = {
  quote: "avails",
  deal: "book",
  "deal-read": "line-read",
};

const sold = ["Booked", "InFlight", "Finished", "Canceled", "Stopped"];

export interface OpenDirectBench extends SellerBench {
  readonly sandbox: Sandbox;
}

/** The sandbox's OpenDirect seller, behaving as it is told, and the protocol connected to it. */
export async function openDirectBench(behaviour: BehaviourChange): Promise<OpenDirectBench> {
  const sandbox = await startSandbox({ sellers: [], opendirect: [sellerId] });
  sandbox.opendirect.behave(sellerId, behaviour);
  const { url, keys } = sandbox.seller(sellerId);
  const seller = openDirect.connect({
    ...{ sellerId, url, origin: new URL(url).origin },
    ...{ carrier: null, account: null, publishers: new Map(), cache: mapCache(Date.now), cacheSeconds: 60 },
    openDirect: { accountId: null, advertiserId: "1234987", buyerId: "34587", brandId: "123456" },
    credentials: { advertiser: { bearer: keys.advertiser } },
    timeouts: { discovery: 8_000, media_kit: 8_000, booking: 1_500 },
    allowLoopback: true,
    log: silent,
  });
  const posted = (end: RegExp) =>
    sandbox
      .requests(sellerId)
      .flatMap(({ method, target, body }) => (method === "POST" && end.test(target) ? [body] : []));
  return {
    seller,
    sandbox,
    productId,
    ask: { ...requestFor(sellerId, productId), dealType: "PG" },
    notHonoured: ["geo"],
    // One frozen text holds what is written in two.
    sentBookings: () => {
      const lines = posted(/\/lines$/);
      return posted(/\/orders$/).map((order, at) => `{"order":${order},"line":${lines[at] ?? ""}}`);
    },
    trouble(kind, step) {
      // What the line itself says is read afresh, so that an answer to a write is malformed only where it is no JSON.
      const how = kind === "malformed" ? ({ how: "truncated" } as const) : {};
      sandbox.fault(sellerId, step ? { kind, operation: steps[step] ?? step, uses: 1, ...how } : { kind });
    },
    requests: () => sandbox.requests(sellerId),
    stray: () => sandbox.strayRequests().length,
    booked: () =>
      sandbox.opendirect
        .lines(sellerId)
        .filter(({ status }) => sold.includes(status))
        .map(({ id, orderId, status }) => ({
          dealId: `${orderId}/${id}`,
          status: status === "Canceled" ? "cancelled" : status,
        })),
    expire: () => undefined,
    close: () => sandbox.close(),
  };
}
