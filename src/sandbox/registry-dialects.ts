/** An agent as a sandbox registry holds it; what each dialect says of it is made from this. */
export interface RegisteredAgent {
  readonly url: string;
  readonly name: string;
  readonly id: string;
  readonly trust: "preferred" | "verified" | "registered" | "unknown" | "blocked";
  /** The domain it is registered under, true or not. */
  readonly domain?: string;
  readonly capabilities?: readonly string[];
  readonly protocol?: "mcp" | "a2a";
}

/** Entries that no reader of a list can use, beside what is wrong with each. */
export const malformedEntries: readonly unknown[] = [
  null,
  "an agent",
  { name: "No address at all" },
  { url: "not a url", name: "Not a URL", agent_name: "Not a URL", endpoint_url: "not a url", type: "sales" },
  { url: 7, agent_name: 7, endpoint_url: ["https://a.example"] },
];

/** `GET /agents` of AAMP's earlier edition. Blocked agents are left out, as the registry leaves them out. */
export function legacyList(
  agents: readonly RegisteredAgent[],
  extra: readonly unknown[],
  listsTrust: boolean,
): unknown {
  const listed = agents.filter(({ trust }) => trust !== "blocked");
  return {
    agents: [
      ...listed.map(({ url, name, id, trust, capabilities = [], protocol }) => ({
        ...{ agent_id: id, agent_type: "seller", name, url, ...(listsTrust ? { trust_level: trust } : {}) },
        protocols: protocol ? [protocol] : ["opendirect21"],
        capabilities: capabilities.map((one) => ({ name: one, description: `Sells ${one}`, tags: [] })),
      })),
      ...extra,
    ],
  };
}

/** `GET /verify?agent_url=`. */
export function verificationOf(agents: readonly RegisteredAgent[], url: string): unknown {
  const bare = (address: string) => address.replace(/\/+$/, "").toLowerCase();
  const found = agents.find((one) => bare(one.url) === bare(url));
  return {
    agent_url: url,
    is_registered: found !== undefined,
    trust_level: found?.trust ?? "unknown",
    registry_id: found?.id ?? null,
  };
}

const statuses: Readonly<Record<RegisteredAgent["trust"], string>> = {
  preferred: "active",
  verified: "active",
  registered: "pending",
  unknown: "pending",
  blocked: "suspended",
};

/** `GET /api/agents` of AAMP, which knows no preferred ones, and writes null for what is not set. */
export function aampList(agents: readonly RegisteredAgent[], extra: readonly unknown[]): unknown {
  const listed = agents.map(({ url, name, id, trust, domain, capabilities = [], protocol }) => ({
    ...{ id, agent_name: name, primary_domain: domain ?? new URL(url).hostname, type: "remote", endpoint_url: url },
    ...{ repository_url: null, industry_roles: ["seller"], protocol_type: protocol ?? null },
    ...{ capabilities, iab_capabilities: null, iab_subcategories: null, endorsements: null, iab_member: false },
    ...{ domain_verified: trust === "verified", verification_status: statuses[trust] },
  }));
  return { success: true, data: { agents: [...listed, ...extra], count: listed.length, isAdmin: false } };
}

/** `GET /api/registry/agents` of AgenticAdvertising.org, which blocks nobody; its findings only where they are asked for. */
export function agenticList(
  agents: readonly RegisteredAgent[],
  extra: readonly unknown[],
  withCompliance: boolean,
): unknown {
  const listed = agents.map(({ url, name, id, trust, protocol = "mcp" }) => {
    const verified = trust === "verified" || trust === "preferred";
    const compliance = {
      ...{ status: "passing", lifecycle_stage: "production", tracks: {}, streak_days: 3 },
      ...{ last_checked_at: null, headline: null, verified, verified_roles: verified ? ["media-buy"] : [] },
    };
    return {
      ...{ url, name, type: "sales", protocol, ...(protocol === "mcp" ? { mcp_endpoint: url } : {}) },
      member: { slug: id, display_name: name },
      ...(withCompliance ? { compliance } : {}),
    };
  });
  return { agents: [...listed, ...extra], count: listed.length };
}
