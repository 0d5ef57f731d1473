import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../src/config.ts";
import { type Desk, openDesk } from "../../src/desk.ts";
import type { Brief } from "../../src/domain/brief.ts";
import { goals } from "../../src/domain/identity.ts";
import type { Channel } from "../../src/domain/inventory.ts";
import { parseMoney } from "../../src/domain/money.ts";
import type { CatalogueProduct, InventoryType, SellerProfile } from "../../src/sandbox/catalogue.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { Random } from "../simulation/random.ts";

/** A market of sandbox sellers and briefs for it, all of one seed. */

/** What products of a kind cost about, in dollars CPM, and the channel we know it by. */
const kinds: readonly (readonly [InventoryType, Channel, number, number])[] = [
  ["ctv", "ctv", 18, 42],
  ["video", "online_video", 9, 26],
  ["display", "display", 2, 12],
  ["audio", "audio", 8, 24],
  ["mobile_app", "mobile_app", 3, 14],
  ["native", "native", 4, 12],
];
const places = [["US"], ["US"], ["US"], ["US-CA"], ["US", "GB"], ["GB"]];

/** Sellers with four to eight products each; the same seed makes the same ones. */
export function marketOf(seed: number, count: number): readonly SellerProfile[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_one, index) => {
    const id = `seller${String(index + 1).padStart(2, "0")}`;
    const products = Array.from({ length: random.between(4, 8) }, (_two, at) => productOf(random, `${id}-${at}`));
    const negotiation = random.chance(0.7) ? "messages" : "per-proposal";
    return {
      ...{
        id,
        name: `Seller ${index + 1}`,
        about: "A seller of the bench.",
        domain: `${id}.example`,
        version: "2.4.2",
      },
      ...{ negotiation, products, packages: [] },
    };
  });
}

function productOf(random: Random, id: string): CatalogueProduct {
  const [type, , low, high] = random.pick(kinds);
  const base = random.between(low * 4, high * 4) / 4;
  const deals = random.pick([["PG"], ["PD"], ["PG", "PD"], ["PD", "PA"]] as const);
  return {
    ...{ id: `prod-${id}`, name: `${type} ${id}`, about: "Inventory of the bench.", type, base, deals: [...deals] },
    floor: Math.round(base * random.between(70, 92)) / 100,
    cap: random.chance(0.5) ? random.between(1, 20) * 1_000_000 : null,
    minimum: random.pick([10_000, 25_000, 100_000, 250_000]),
    geo: random.pick(places),
  };
}

/** The share of a product's impressions that runs in the United States, as its geo says, in percent. */
export function inUs({ geo }: CatalogueProduct): number {
  return Math.round((100 * geo.filter((place) => place.startsWith("US")).length) / geo.length);
}

/** Briefs over two to four channels, between 20,000 and 400,000 dollars. */
export function briefsOf(seed: number, count: number): readonly Brief[] {
  const random = new Random(seed);
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  return Array.from({ length: count }, (_one, index) => {
    const channels = new Set<Channel>();
    const wanted = random.between(2, 4);
    while (channels.size < wanted) channels.add(random.pick(kinds)[1]);
    const start = random.between(20, 60);
    return {
      ...{ name: `Brief ${index + 1}`, objective: random.pick(goals), kpis: [], basis: { kind: "net" } },
      budget: parseMoney(`${random.between(20, 400) * 1000} USD`),
      flight: { start: day(start), end: day(start + random.between(20, 80)) },
      ...{ audience: { demographics: [], interests: [] }, geo: ["US"], channels: [...channels], maxCpm: null },
      ...{
        frequencyCap: null,
        brandSafety: [],
        preferredSellers: [],
        excludedSellers: [],
        poNumber: null,
        words: null,
      },
    };
  });
}

/** Sellers that run, and desks on them that know nothing of each other. */
export interface Market {
  readonly sandbox: Sandbox;
  desk(): Desk;
  close(): Promise<void>;
}

/** Starts the sellers of a market. */
export async function openMarket(sellers: readonly SellerProfile[]): Promise<Market> {
  const sandbox = await startSandbox({ gapMs: 0, sellers });
  const home = mkdtempSync(join(tmpdir(), "mbm-market-"));
  const most = { per_buy: "1000000.00 USD", per_day: "100000000.00 USD" };
  const trust = ["preferred", "verified", "registered", "registered"];
  const config = JSON.stringify({
    ...{ desk: "bench", advertiser: "Bench", allow_loopback: true },
    buyer: { seat_id: "seat-1", agency_id: "agency-1", advertiser_id: "adv-1" },
    sellers: sandbox.sellers.map(({ id, name, domain, url, keys }, index) => ({
      ...{ id, name, domain, url, trust: trust[index % trust.length], relationship: "established" },
      credentials: Object.fromEntries(Object.entries(keys).map(([tier, key]) => [tier, { api_key: key }])),
    })),
    mandate: {
      ...{ currency: "USD", ...most, max_cpm: "80.00 USD", min_trust: "registered", time_zone: "UTC" },
      channels: { form: most },
    },
  });
  let opened = 0;
  return {
    sandbox,
    desk() {
      opened += 1;
      const parsed = parseConfig(config, "bench.json", {});
      return openDesk({
        config: parsed,
        dataHome: join(home, `${opened}`),
        log: () => undefined,
        sandboxSellers: null,
      });
    },
    async close() {
      await sandbox.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
