import { readPublisherFile } from "./adagents-file.ts";
import { canonicalAgentUrl, domainOf } from "./adagents-names.ts";
import type { ReadingContext } from "./adagents-file.ts";
import type { Evidence } from "./records.ts";
import { SellerFailure, type SupplyNode } from "./seller.ts";
import { sellersFile } from "./wire/sellers-json.ts";

/** Whose files are looked at, and what they are compared with. */
export interface EvidenceAsk {
  /** The address of the seller's agent, as it is called. */
  readonly agentUrl: string;
  /** Domains it is said to sell for: its own, and the one it is listed under. */
  readonly domains: readonly string[];
  /** Its supply chain as it tells it, the publisher's end last. */
  readonly chain: readonly SupplyNode[];
}

/** Longer chains are not followed to their end: each node is a file of somebody else's. */
const MOST_NODES = 5;

/**
 * What public files say of a seller, whoever vouches for it: adagents.json of its domains (AdCP), sellers.json of each system in its
 * supply chain (IAB sellers.json 1.0), and ads.txt of its domains (IAB ads.txt 1.1). It is shown, and raises no trust.
 */
export async function evidenceOf(ask: EvidenceAsk, context: ReadingContext): Promise<readonly Evidence[]> {
  const domains = [...new Set(ask.domains.flatMap((domain) => domainOf(domain) ?? []))];
  const nodes = ask.chain.slice(0, MOST_NODES);
  return Promise.all([
    ...domains.map((domain) => byAdagents(domain, ask.agentUrl, context)),
    ...nodes.map((node) => bySellersJson(node, context)),
    ...domains.flatMap((domain) => nodes.map((node) => byAdsTxt(domain, node, context))),
  ]);
}

async function byAdagents(domain: string, agentUrl: string, context: ReadingContext): Promise<Evidence> {
  const of = "adagents.json";
  const reading = await readPublisherFile(domain, context);
  if (!reading.ok) return { of, domain, holds: null, says: reading.why };
  const holds = reading.file.agents.some(({ url }) => url !== null && url === canonicalAgentUrl(agentUrl));
  return { of, domain, holds, says: `The adagents.json of ${domain} ${holds ? "lists" : "does not list"} this agent.` };
}

async function bySellersJson(
  { system, sellerId, domain: named }: SupplyNode,
  context: ReadingContext,
): Promise<Evidence> {
  const of = "sellers.json";
  const domain = domainOf(system) ?? system;
  const whose = `The sellers.json of ${domain}`;
  const found = domainOf(system) === null ? null : await textOf(`${baseOf(domain, context)}/sellers.json`, context);
  const file = sellersFile.safeParse(found === null ? null : jsonOf(found)).data;
  if (!file) return { of, domain, holds: null, says: `${whose} could not be read.` };
  const entry = file.sellers.find((one) => one.seller_id === sellerId);
  if (!entry) return { of, domain, holds: false, says: `${whose} does not list the seller id of this supply chain.` };
  const listed = entry.domain?.toLowerCase() ?? null;
  if (listed !== null && named !== null && listed !== named.toLowerCase())
    return {
      of,
      domain,
      holds: false,
      says: `${whose} lists that seller id for another domain than this supply chain does.`,
    };
  return {
    of,
    domain,
    holds: true,
    says: `${whose} lists the seller id of this supply chain${listed === null ? ", without a domain" : ""}.`,
  };
}

async function byAdsTxt(domain: string, { system, sellerId }: SupplyNode, context: ReadingContext): Promise<Evidence> {
  const of = "ads.txt";
  const text = await textOf(`${baseOf(domain, context)}/ads.txt`, context);
  if (text === null) return { of, domain, holds: null, says: `The ads.txt of ${domain} could not be read.` };
  const lines = text.split(/\r?\n/).map((line) => (line.split("#")[0] ?? "").split(",").map((part) => part.trim()));
  const line = lines.find(([where, id]) => where?.toLowerCase() === system.toLowerCase() && id === sellerId);
  const how = line?.[2]?.toUpperCase();
  const holds = how === "DIRECT" || how === "RESELLER";
  const says = holds
    ? `lets the seller id of this supply chain sell (${how})`
    : "does not name the seller id of this supply chain";
  return { of, domain, holds, says: `The ads.txt of ${domain} ${says}.` };
}

async function textOf(url: string, { fetchText, signal }: ReadingContext): Promise<string | null> {
  try {
    const { status, text } = await fetchText(url, signal);
    return status === 200 ? text : null;
  } catch (error) {
    if (error instanceof SellerFailure) return null;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function baseOf(domain: string, { bases }: ReadingContext): string {
  return (bases.get(domain) ?? `https://${domain}`).replace(/\/$/, "");
}
