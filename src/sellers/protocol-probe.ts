import { chooseCarrier } from "./adcp-probe.ts";
import { isObject } from "./adcp-answers.ts";
import { createHttp, type HttpAnswer } from "./http.ts";
import { kindOfStatus } from "./http-failures.ts";
import type { ConnectOptions } from "./protocol.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { cardAnswer, productsAnswer } from "./wire/iab-seller-agent.ts";

/** What a seller speaks, as it was found out. */
export interface Spoken {
  readonly protocol: "iab-seller-agent" | "adcp";
  readonly carrier: "mcp" | "a2a" | null;
}

/** {@link Spoken}, with the card that was read for it: it serves the next look at the card. */
export interface Probed extends Spoken {
  readonly card: unknown;
}

const anonymous: Access = { tier: "public", identity: {} };

/**
 * Finds out what a seller speaks, without showing anything of the buyer: the card of an IAB seller agent
 * (`/.well-known/agent.json`, the one request at such a seller); else an A2A card that names AdCP, or an MCP handshake that leads
 * to tools of AdCP; else, where there is no card at all, the catalogue of an IAB seller agent. A card that says nothing either
 * way is taken for an IAB seller agent's where nothing of AdCP is found.
 * @throws SellerFailure, definite, with why nothing was found out
 */
export async function probeProtocol(options: ConnectOptions): Promise<Probed> {
  const { sellerId, url } = options;
  const http = createHttp(options);
  const get = (path: string) => http.send({ method: "GET", path, phase: "discovery" }, anonymous);
  const answer = await get("/.well-known/agent.json");
  if (answer.status >= 500) {
    const message = `${sellerId} answered for its card with HTTP ${answer.status}.`;
    throw new SellerFailure(sellerId, kindOfStatus(answer.status), message, { definite: true, status: answer.status });
  }
  const card = cardIn(answer);
  const iab = { protocol: "iab-seller-agent", carrier: null, card } as const;
  if (isIabCard(card)) return iab;
  const carrier = await adcpCarrier(options);
  if (!(carrier instanceof SellerFailure)) return { protocol: "adcp", carrier, card: null };
  if (card !== null) return iab;
  const products = await get("/products?limit=1&offset=0");
  if (products.status === 200 && productsAnswer.safeParse(products.json).success) return iab;
  const message = `What ${sellerId} speaks at ${url} could not be found out: it shows no card and no catalogue of an IAB seller agent. ${carrier.message} The config can say it (protocol).`;
  throw new SellerFailure(sellerId, carrier.kind, message, {
    definite: true,
    code: "protocol_unknown",
    status: answer.status,
    cause: carrier,
  });
}

function cardIn({ status, json }: HttpAnswer): unknown {
  return status >= 200 && status < 300 && isObject(json) && cardAnswer.safeParse(json).success ? json : null;
}

/** What only an IAB seller agent says of itself. A2A cards have the rest as well. */
function isIabCard(card: unknown): boolean {
  if (!isObject(card)) return false;
  const { capabilities, supported_deal_types: deals, inventory_types: kinds } = card;
  const spoken = isObject(capabilities) ? capabilities["protocols"] : null;
  return Array.isArray(deals) || Array.isArray(kinds) || (Array.isArray(spoken) && spoken.includes("opendirect21"));
}

async function adcpCarrier(options: ConnectOptions): Promise<"mcp" | "a2a" | SellerFailure> {
  const { carrier: _told, ...agent } = options;
  const choice = chooseCarrier(agent);
  try {
    return (await choice.carrier(anonymous)).name;
  } catch (error) {
    if (error instanceof SellerFailure) return error;
    throw error;
  } finally {
    await choice.close();
  }
}
