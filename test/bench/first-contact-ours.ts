import { adcp } from "../../src/sellers/adcp.ts";

/** Our first contact with a seller that nothing is known of: its card, which is what it can do, and its first products. */
export async function firstContact(url: string): Promise<number> {
  const nothing = async () => undefined;
  const seller = adcp.connect({
    sellerId: "bench",
    ...{ origin: new URL(url).origin, url, carrier: "mcp", credentials: {}, account: null, publishers: new Map() },
    ...{ cache: { get: nothing, set: nothing, delete: nothing, clear: nothing }, cacheSeconds: 0 },
    ...{ allowLoopback: true, log: { debug: () => undefined, warn: () => undefined } },
  });
  const nobody = { tier: "public", identity: {} } as const;
  await seller.card(nobody);
  const query = { query: null, brief: "Premium video in spring", limit: 100 };
  return (await seller.catalogue(query, nobody)).products.length;
}
