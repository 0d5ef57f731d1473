import { isObject } from "./adcp-answers.ts";
import { redone, unreadable } from "./adcp-refusals.ts";
import type { Http } from "./http.ts";
import { kindOfStatus } from "./http-failures.ts";
import { type Access, SellerFailure } from "./seller.ts";

/** What AdCP calls itself among the extensions of A2A; what follows the name is its version. */
export const ADCP_EXTENSION = "https://adcontextprotocol.org/extensions/adcp/v3";
const EXTENSION_FAMILY = "https://adcontextprotocol.org/extensions/adcp/";
/** Tasks by which an agent is known to sell by AdCP, where nothing else says so. */
export const adcpSigns = ["get_adcp_capabilities", "get_products", "create_media_buy"];

/** What an agent card says of how the agent is reached. */
export interface AgentCard {
  /** 1.0 has its own method names, headers and spelling of parts. */
  readonly version: "0.3" | "1.0";
  /** The endpoint on the seller's origin. */
  readonly path: string;
  /** To be named in every request of 1.0, where the card gives one. */
  readonly tenant: string | null;
  readonly skills: ReadonlySet<string>;
  readonly namesExtension: boolean;
}

/** Whether an agent says in its card that it speaks AdCP. */
export function speaksAdcp(card: AgentCard): boolean {
  return card.namesExtension || adcpSigns.some((task) => card.skills.has(task));
}

/**
 * Fetches the card of the agent at an address: below its path, then at the root, then under its older name. An address
 * that ends in `.json` is the card's own.
 * @throws SellerFailure, definite, as no task has been sent; `not_found` where there is no card
 * @see https://a2a-protocol.org/latest/topics/agent-discovery/
 */
export async function fetchCard(sellerId: string, http: Http, url: string, access: Access): Promise<AgentCard> {
  const { origin, pathname } = new URL(url);
  const below = pathname.replace(/\/+$/, "");
  const paths = pathname.endsWith(".json")
    ? [pathname]
    : [...new Set([`${below}/.well-known/agent-card.json`, "/.well-known/agent-card.json", "/.well-known/agent.json"])];
  let status = 404;
  for (const path of paths) {
    const answer = await http.send({ method: "GET", path, phase: "discovery" }, access).catch((error: unknown) => {
      throw error instanceof SellerFailure ? redone(error, { definite: true }) : error;
    });
    status = answer.status;
    // Anything but "not here" is an answer about this card, and no reason to look for another.
    if ([404, 405, 410].includes(status)) continue;
    if (status < 200 || status >= 300) break;
    if (answer.json === undefined && path !== paths.at(-1)) continue;
    return readCard(sellerId, origin, answer.json);
  }
  const message = `${sellerId} shows no agent card at ${origin} (HTTP ${status}).`;
  throw new SellerFailure(sellerId, kindOfStatus(status), message, { definite: true, status });
}

/** Reads a card of A2A 0.3 or 1.0. @throws SellerFailure, also where it points to another origin */
export function readCard(sellerId: string, origin: string, json: unknown): AgentCard {
  const useless = (why: string) => redone(unreadable(sellerId, "with an agent card", why), { definite: true });
  if (!isObject(json)) throw useless("it is not a JSON object");
  const found = interfacesOf(json).find(({ version }) => version !== null);
  if (!found?.version) throw useless("it offers no JSON-RPC of A2A 0.3 or 1.0");
  const endpoint = URL.canParse(found.url, origin) ? new URL(found.url, origin) : null;
  if (endpoint?.origin !== origin) {
    const message = `${sellerId} shows an agent card that points to another origin; it was not followed.`;
    throw new SellerFailure(sellerId, "redirected", message, { definite: true, code: "other_origin" });
  }
  const skills = listOf(json["skills"]).flatMap(({ id }) => (typeof id === "string" ? [id] : []));
  const { capabilities } = json;
  const extensions = isObject(capabilities) ? listOf(capabilities["extensions"]) : [];
  return {
    version: found.version,
    path: endpoint.pathname + endpoint.search,
    tenant: found.tenant,
    skills: new Set(skills),
    namesExtension: extensions.some(({ uri }) => typeof uri === "string" && uri.startsWith(EXTENSION_FAMILY)),
  };
}

interface Interface {
  readonly url: string;
  /** Null for what we do not speak. */
  readonly version: AgentCard["version"] | null;
  readonly tenant: string | null;
}

/** The ways a card offers, best first: JSON-RPC of 1.0, then of 0.3. */
function interfacesOf(card: Readonly<Record<string, unknown>>): readonly Interface[] {
  const { url, preferredTransport, protocolVersion } = card;
  const current = listOf(card["supportedInterfaces"]).map((one) =>
    interfaceOf(one["url"], one["protocolBinding"], one["protocolVersion"], one["tenant"]),
  );
  const older = [
    interfaceOf(url, preferredTransport ?? "JSONRPC", protocolVersion ?? "0.3", null),
    ...listOf(card["additionalInterfaces"]).map((one) => interfaceOf(one["url"], one["transport"], "0.3", null)),
  ];
  const all = [...current, ...older];
  return [...all.filter(({ version }) => version === "1.0"), ...all.filter(({ version }) => version === "0.3")];
}

function interfaceOf(url: unknown, binding: unknown, version: unknown, tenant: unknown): Interface {
  const spoken = binding === "JSONRPC" && typeof url === "string" && typeof version === "string";
  const known = /^1\./.test(String(version)) ? "1.0" : /^0\.[23](\.|$)/.test(String(version)) ? "0.3" : null;
  const place = typeof tenant === "string" && tenant !== "" ? tenant : null;
  return { url: typeof url === "string" ? url : "", version: spoken ? known : null, tenant: place };
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
