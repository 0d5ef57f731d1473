import { chooseCarrier } from "./adcp-probe.ts";
import { isObject } from "./adcp-answers.ts";
import { createHttp, type HttpAnswer } from "./http.ts";
import { kindOfStatus } from "./http-failures.ts";
import { casingOf, entriesIn } from "./opendirect-dialect.ts";
import { basePathOf } from "./opendirect-session.ts";
import type { ConnectOptions } from "./protocol.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { cardAnswer, productsAnswer } from "./wire/iab-seller-agent.ts";

/** What a seller speaks, as it was found out. */
export interface Spoken {
  readonly protocol: "iab-seller-agent" | "adcp" | "opendirect";
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
 * to tools of AdCP; else, where there is no card at all, the catalogue of an IAB seller agent, or of an OpenDirect seller. A
 * card that names OpenDirect and nothing of an IAB seller agent leads to the catalogue at once: it shows which of the two
 * it is, and one that is closed to strangers is no IAB seller agent's. A card that says nothing either way is taken for an
 * IAB seller agent's where nothing of AdCP is found.
 * @throws SellerFailure, definite, with why nothing was found out
 */
export async function probeProtocol(options: ConnectOptions): Promise<Probed> {
  const { sellerId, url } = options;
  const base = basePathOf(url);
  const http = createHttp(options);
  const get = (path: string) => http.send({ method: "GET", path, phase: "discovery" }, anonymous);
  const answer = await get("/.well-known/agent.json");
  if (answer.status >= 500) {
    const message = `${sellerId} answered for its card with HTTP ${answer.status}.`;
    throw new SellerFailure(sellerId, kindOfStatus(answer.status), message, { definite: true, status: answer.status });
  }
  const card = cardIn(answer);
  const iab = { protocol: "iab-seller-agent", carrier: null, card } as const;
  const openDirect = { protocol: "opendirect", carrier: null, card: null } as const;
  const productsAt = (path: string) => get(`${path}/products?limit=1&offset=0`);
  if (isIabCard(card)) return iab;
  if (namesOpenDirect(card)) {
    const products = await productsAt(base);
    const isClosed = products.status === 401 || products.status === 403;
    return isClosed || isOpenDirect(products) ? openDirect : iab;
  }
  const carrier = await adcpCarrier(options);
  if (!(carrier instanceof SellerFailure)) return { protocol: "adcp", carrier, card: null };
  if (card !== null) return iab;
  // An IAB seller agent is at its origin, whatever path the config has.
  for (const path of new Set([base, ""])) {
    const products = await productsAt(path);
    if (isOpenDirect(products)) return openDirect;
    if (products.status === 200 && productsAnswer.safeParse(products.json).success) return iab;
  }
  const message = `What ${sellerId} speaks at ${url} could not be found out: it shows no card, and no catalogue of an IAB seller agent or an OpenDirect seller. ${carrier.message} The config can say it (protocol).`;
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
  const { supported_deal_types: deals, inventory_types: kinds } = card;
  return Array.isArray(deals) || Array.isArray(kinds);
}

/** IAB seller agents name it as well: their catalogue serves its paths, with names of their own. */
function namesOpenDirect(card: unknown): boolean {
  const capabilities = isObject(card) ? card["capabilities"] : null;
  const spoken = isObject(capabilities) ? capabilities["protocols"] : null;
  return Array.isArray(spoken) && spoken.some((one) => typeof one === "string" && /^opendirect/i.test(one));
}

/** Products in the names of OpenDirect, whatever their case. */
function isOpenDirect({ status, json }: HttpAnswer): boolean {
  const casing = status === 200 ? casingOf(entriesIn(json, "products")?.[0]) : null;
  return casing !== null && casing !== "iab";
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
