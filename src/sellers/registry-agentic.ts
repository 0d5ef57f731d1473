import { canonicalAgentUrl } from "./adagents-names.ts";
import type { Registry, RegistryOptions } from "./registry.ts";
import { notRead, registryReader } from "./registry-http.ts";
import { listed, registryIdOf } from "./registry-listings.ts";
import { agenticAgent, agentList } from "./wire/registry.ts";

/**
 * The registry of AgenticAdvertising.org: AdCP agents that its members have listed. It is an index and no anchor of trust: who is
 * listed is registered, who passed its checks of buying media is verified, and nobody is preferred.
 */
export function agenticRegistry(options: RegistryOptions): Registry {
  const { name, timeoutMs, maxTrust } = options;
  const read = registryReader(options);
  return {
    name,
    timeoutMs,
    async list() {
      // What it found out about an agent is left out unless it is asked for (registry API 1.0.0, `listAgents`).
      const query = { type: "sales", compliance: "true" };
      const entries = agentList.safeParse(await read("/api/registry/agents", query));
      if (!entries.success) throw notRead(name, "/api/registry/agents with something that is no list of agents");
      return listed(entries.data, maxTrust, (entry) => {
        const agent = agenticAgent.safeParse(entry).data;
        if (!agent) return undefined;
        if (agent.type !== "sales") return null;
        const { verified, verified_roles: roles } = agent.compliance ?? {};
        const carrier = agent.protocol ?? null;
        return {
          ...{ name: agent.name, domain: null, carrier, tags: [] },
          url: carrier === "mcp" ? endpointOf(agent.url, agent.mcp_endpoint) : agent.url,
          protocol: carrier && ("adcp" as const),
          trust: verified === true && (roles?.includes("media-buy") ?? true) ? "verified" : "registered",
          registryId: registryIdOf(agent.member?.slug),
        };
      });
    },
  };
}

/** Where its tasks are called: at the agent's own origin, or else at the address it is listed under. */
function endpointOf(url: string, endpoint: string | null | undefined): string {
  if (!endpoint || canonicalAgentUrl(endpoint) === null || canonicalAgentUrl(url) === null) return url;
  return new URL(endpoint).origin === new URL(url).origin ? endpoint : url;
}
