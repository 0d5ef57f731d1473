import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { startDesk, type ConfigFile, type TestDesk } from "../e2e/fixtures.ts";

/** What a request is for: the place at which a test can twist the answer. */
export type Step =
  | "card"
  | "products"
  | "product"
  | "packages"
  | "avails"
  | "quote"
  | "quote-read"
  | "negotiation"
  | "message"
  | "deal"
  | "deal-read"
  | "order"
  | "bulk"
  | "supply-chain"
  | "other";

/** An answer: JSON, text as it is, or whatever a test does to the response itself. */
export interface Given {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly send?: (response: ServerResponse) => void;
}

/** Makes something else of the honest answer. */
export type Twist = (honest: unknown, body: unknown) => Given;

/** A request as it arrived. */
export interface Seen {
  readonly step: Step;
  readonly method: string;
  /** Path and query, undecoded. */
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** The key this seller gave the desk; long and odd enough to be found wherever it leaks to. */
export const hostileKey = "hk-4f1d0c9e7b-do-not-show";
/** What it honestly sells, at 20.00 USD. */
export const hostileProduct = "hostile/prod-1";

/**
 * A seller that speaks just enough of the IAB seller agent's protocol to be quoted and bought from, over real HTTP on
 * loopback, and lies where a test says so: for what no sandbox fault does.
 */
export class HostileSeller {
  readonly origin: string;
  readonly seen: Seen[] = [];
  readonly #close: () => Promise<void>;
  readonly #twists = new Map<Step, Twist>();
  readonly #quotes = new Map<string, Record<string, unknown>>();
  readonly #deals = new Map<string, Record<string, unknown>>();
  #minted = 0;

  private constructor(origin: string, close: () => Promise<void>) {
    this.origin = origin;
    this.#close = close;
  }

  static async open(): Promise<HostileSeller> {
    const server = createServer((request, response) => {
      answering.answer(request, response).catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const answering = new HostileSeller(`http://127.0.0.1:${port}`, async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    });
    return answering;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** From now on the answers of a step are what `how` makes of the honest ones. */
  twist(step: Step, how: Twist): void {
    this.#twists.set(step, how);
  }

  /** Tells the truth again and forgets what it was sent. */
  straighten(): void {
    this.#twists.clear();
    this.seen.length = 0;
  }

  /** How often a step was asked for. */
  count(step: Step): number {
    return this.seen.filter((one) => one.step === step).length;
  }

  /** Deals that stand in its books. */
  get deals(): number {
    return this.#deals.size;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(Buffer.from(part));
    const body = Buffer.concat(parts).toString("utf8");
    const { method = "GET", url: target = "/", headers } = request;
    const step = stepOf(method, target);
    this.seen.push({ step, method, target, headers, body });
    const said: unknown = body === "" ? {} : JSON.parse(body);
    const honest = this.#honest(step, target, Object(said));
    const given = this.#twists.get(step)?.(honest.json, said) ?? honest;
    if (given.send) {
      given.send(response);
      return;
    }
    const type = given.text === undefined ? "application/json" : "text/plain";
    response.writeHead(given.status ?? 200, { "content-type": type, ...given.headers });
    response.end(given.text ?? JSON.stringify(given.json));
  }

  #honest(step: Step, target: string, said: Record<string, unknown>): Given {
    const id = decodeURIComponent(target.split("?")[0]?.split("/").at(-1) ?? "");
    switch (step) {
      case "card":
        return { json: { ...card, url: this.origin } };
      case "products":
        return { json: { products: [product], total_count: 1 } };
      case "product":
        return { json: { ...product, product_id: id } };
      case "packages":
        return { json: { packages: [] } };
      case "avails":
        return { json: { productid: said["productid"], availableImpressions: 9_000_000, estimatedCpm: 20 } };
      case "quote": {
        const quote = this.#quoteFor(said);
        this.#quotes.set(String(quote["quote_id"]), quote);
        return { json: { quote } };
      }
      case "quote-read": {
        const quote = this.#quotes.get(id);
        return quote ? { json: { quote } } : notFound("quote_not_found");
      }
      case "message": {
        const round = { seller_price: usd(19_000_000), action: "counter", rationale: "A fair price." };
        return { json: { status: "active", round, rounds_remaining: 3 } };
      }
      case "deal": {
        const deal = this.#dealFor(String(said["quote_id"]));
        return deal ? { json: { deal } } : notFound("quote_not_found");
      }
      case "deal-read": {
        const deal = this.#deals.get(id);
        return deal ? { json: { deal } } : notFound("deal_not_found");
      }
      case "order":
        return { json: { order_id: "ORD-1", status: "draft" } };
      case "bulk":
        return { json: { results: [{ success: true }] } };
      case "supply-chain":
        return { json: { seller_type: "PUBLISHER", is_direct: true, schain: [] } };
      default:
        return { status: 404, json: { detail: "Nothing there." } };
    }
  }

  #quoteFor(said: Record<string, unknown>): Record<string, unknown> {
    this.#minted += 1;
    const terms = {
      impressions: said["impressions"],
      flight_start: said["flight_start"],
      flight_end: said["flight_end"],
      guaranteed: true,
    };
    return {
      quote_id: `qt-${this.#minted}`,
      status: "available",
      deal_type: said["deal_type"],
      product: { product_id: said["product_id"], name: product.name, inventory_type: "ctv" },
      pricing: { base_cpm: usd(20_000_000), final_cpm: usd(20_000_000), pricing_model: "cpm", rationale: "List." },
      terms,
      availability: { inventory_available: true },
      buyer_tier: "seat",
      expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      deal_id: null,
    };
  }

  #dealFor(quoteId: string): Record<string, unknown> | null {
    const quote = this.#quotes.get(quoteId);
    if (!quote) return null;
    const deal = {
      ...quote,
      deal_id: `DEAL-${quoteId}`,
      status: "proposed",
      activation_instructions: { ttd: "Enter the deal ID." },
      openrtb_params: { id: `DEAL-${quoteId}`, bidfloor: usd(20_000_000), at: 1, wseat: [] },
    };
    this.#quotes.set(quoteId, { ...quote, status: "booked", deal_id: deal.deal_id });
    this.#deals.set(deal.deal_id, deal);
    return deal;
  }
}

/** An amount as this protocol writes it. */
export function usd(micros: number): { readonly amount_micros: number; readonly currency: string } {
  return { amount_micros: micros, currency: "USD" };
}

/** An answer with fields of it replaced, e.g. `changed(honest, "quote", { status: "booked" })`; deeper by more names. */
export function changed(honest: unknown, ...rest: readonly (string | Record<string, unknown>)[]): unknown {
  const [first, ...more] = rest;
  const whole: Record<string, unknown> = Object(honest);
  if (typeof first !== "string") return { ...whole, ...first };
  return { ...whole, [first]: changed(whole[first], ...more) };
}

const card = {
  name: "Hostile Media",
  version: "2.4.2",
  inventory_types: ["ctv"],
  supported_deal_types: ["pg", "preferred_deal"],
  skills: [{ id: "discovery" }, { id: "pricing" }, { id: "negotiation" }, { id: "deals" }],
};

/** The one product it honestly has, as the wire says it. */
export const product = {
  product_id: "prod-1",
  name: "Evening CTV",
  description: "Prime time.",
  base_price: usd(20_000_000),
  pricing_model: "cpm",
  ad_formats: ["ctv"],
  content_targeting: {},
  ad_product_targeting: { geo: ["US"] },
  available_impressions: 9_000_000,
  ext: { inventory_type: "ctv", floor_cpm: 10, minimum_impressions: 1, deal_types: ["pg", "preferred_deal"] },
};

function notFound(error: string): Given {
  return { status: 404, json: { detail: { error, message: "It is not here." } } };
}

function stepOf(method: string, target: string): Step {
  const path = target.split("?")[0] ?? "";
  const exact = steps[`${method} ${path}`];
  if (exact) return exact;
  if (method !== "GET") return "other";
  if (/^\/products\/[^/]+$/.test(path)) return "product";
  if (/^\/api\/v1\/quotes\/[^/]+$/.test(path)) return "quote-read";
  if (/^\/api\/v1\/deals\/[^/]+$/.test(path)) return "deal-read";
  return /^\/proposals\/[^/]+\/negotiation$/.test(path) ? "negotiation" : "other";
}

const steps: Readonly<Record<string, Step>> = {
  "GET /.well-known/agent.json": "card",
  "GET /products": "products",
  "GET /packages": "packages",
  "GET /media-kit": "packages",
  "POST /products/avails": "avails",
  "POST /api/v1/quotes": "quote",
  "POST /api/v1/negotiations/messages": "message",
  "POST /api/v1/deals": "deal",
  "POST /api/v1/orders": "order",
  "POST /api/v1/deals/bulk": "bulk",
  "GET /api/v1/supply-chain": "supply-chain",
};

/** A desk that buys from an honest sandbox seller and from a hostile one beside it. */
export interface HostileDesk {
  readonly desk: TestDesk;
  readonly hostile: HostileSeller;
  close(): Promise<void>;
}

/**
 * Starts both. Nothing is cached, so that a twist counts at once.
 * @param change the config, of which `sellers` holds northbeam and then the hostile one
 */
export async function hostileDesk(
  change: (standard: ConfigFile, hostile: HostileSeller) => ConfigFile = (standard) => standard,
): Promise<HostileDesk> {
  const hostile = await HostileSeller.open();
  const listed = {
    id: "hostile",
    name: "Hostile Media",
    domain: "hostile.example",
    url: hostile.origin,
    trust: "verified",
    relationship: "established",
    credentials: { seat: { api_key: hostileKey } },
  };
  const desk = await startDesk({
    sandbox: { sellers: ["northbeam"], gapMs: 0 },
    config: (standard) =>
      change(
        {
          ...standard,
          sellers: [...[standard["sellers"]].flat(), listed],
          cache: { ttl_s: 0 },
          timeouts: { discovery_s: 5, media_kit_s: 5, booking_s: 5 },
          booking: { settle_after_s: 3600 },
        },
        hostile,
      ),
  }).catch(async (error: unknown) => {
    await hostile.close();
    throw error;
  });
  return {
    desk,
    hostile,
    async close() {
      await desk.close();
      await hostile.close();
    },
  };
}
