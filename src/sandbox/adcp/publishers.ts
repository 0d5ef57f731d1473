import type { AdcpRuntime } from "./runtime.ts";
import type { Json } from "./state.ts";

/** The publishers' adagents.json: who may sell what of theirs; AdCP 3.1, adagents.json. */

const base = "/publishers/";

/** Where each publisher's origin is played, by domain. */
export function publisherOrigins(seller: AdcpRuntime): Record<string, string> {
  return Object.fromEntries(seller.publisherDomains().map((domain) => [domain, `${seller.url}${base}${domain}`]));
}

/** The publisher whose adagents.json a path asks for; null for any other path. */
export function publisherAt(path: string): string | null {
  const [, domain] = /^\/publishers\/([a-z0-9.-]+)\/\.well-known\/adagents\.json$/.exec(path) ?? [];
  return domain ?? null;
}

/** What a publisher says unless the control has it say something else: this seller's agents may sell all it tagged. */
export function usualAuthorization(seller: AdcpRuntime, domain: string): Json {
  const agents = Object.values(seller.agents);
  return {
    $schema: "https://adcontextprotocol.org/schemas/v3/adagents.json",
    contact: { name: domain, domain },
    properties: [
      {
        property_id: "main",
        property_type: "website",
        name: domain,
        identifiers: [{ type: "domain", value: domain }],
        tags: ["sold_by_agent"],
        publisher_domain: domain,
      },
    ],
    tags: { sold_by_agent: { name: "Sold by agents", description: "What agents may sell." } },
    authorized_agents: agents.map((url) => ({
      url,
      authorized_for: `All inventory of ${domain}`,
      authorization_type: "property_tags",
      property_tags: ["sold_by_agent"],
    })),
    last_updated: "2026-10-01T00:00:00Z",
  };
}

/** The file as it stands; null where there is none. */
export function authorizationOf(seller: AdcpRuntime, domain: string): Json | null {
  if (!seller.publisherDomains().includes(domain)) return null;
  const said = seller.books.publishers[domain];
  return said === undefined ? usualAuthorization(seller, domain) : said;
}
