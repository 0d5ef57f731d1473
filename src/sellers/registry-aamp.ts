import type { Trust } from "../domain/identity.ts";
import { lowerTrust } from "../domain/trust.ts";
import type { Registry, RegistryOptions } from "./registry.ts";
import { notRead, registryReader } from "./registry-http.ts";
import { listed, registryIdOf, tagsOf, trustNamed } from "./registry-listings.ts";
import { aampAgent, agentList, legacyAgent, verification } from "./wire/registry.ts";

/** The IAB Tech Lab's agent registry (AAMP), in its two editions. */

/**
 * `GET /agents` and `GET /verify`, which tells trust by address. Blocked agents are left out of its list, so only the second says so.
 */
export function aampLegacyRegistry(options: RegistryOptions): Registry {
  const { name, timeoutMs, maxTrust } = options;
  const read = registryReader(options);
  return {
    name,
    timeoutMs,
    async list() {
      const entries = agentList.safeParse(await read("/agents", { agent_type: "seller" }));
      if (!entries.success) throw notRead(name, "/agents with something that is no list of agents");
      return listed(entries.data, maxTrust, (entry) => {
        const agent = legacyAgent.safeParse(entry).data;
        if (!agent) return undefined;
        if (agent.agent_type && agent.agent_type !== "seller") return null;
        return {
          ...{ url: agent.url, name: agent.name ?? "", domain: null, protocol: null, carrier: null },
          trust: trustNamed(agent.trust_level ?? agent.trust_status),
          registryId: registryIdOf(agent.agent_id),
          tags: tagsOf(agent.capabilities),
        };
      });
    },
    async verify(url) {
      const said = verification.safeParse(await read("/verify", { agent_url: url })).data;
      if (!said) throw notRead(name, "/verify with something that is no verification");
      const trust = lowerTrust(trustNamed(said.trust_level), maxTrust);
      if (!said.is_registered && trust !== "blocked") return null;
      return { trust, registryId: registryIdOf(said.registry_id) };
    },
  };
}

/** Words of `verification_status` that take trust back. */
const takenBack: readonly string[] = ["blocked", "suspended", "revoked", "rejected"];

/** `GET /api/agents`: who is in its list is registered, and verified where the registry has verified it. */
export function aampRegistry(options: RegistryOptions): Registry {
  const { name, timeoutMs, maxTrust } = options;
  const read = registryReader(options);
  return {
    name,
    timeoutMs,
    async list() {
      const entries = agentList.safeParse(await read("/api/agents"));
      if (!entries.success) throw notRead(name, "/api/agents with something that is no list of agents");
      return listed(entries.data, maxTrust, (entry) => {
        const agent = aampAgent.safeParse(entry).data;
        if (!agent) return undefined;
        const roles = tagsOf(agent.industry_roles);
        if (!agent.endpoint_url || (roles.length > 0 && !roles.some((role) => /sell|publish|supply|ssp/.test(role))))
          return null;
        return {
          ...{ url: agent.endpoint_url, name: agent.agent_name, domain: agent.primary_domain },
          ...{ protocol: null, carrier: null },
          trust: trustByStatus(agent.verification_status),
          registryId: registryIdOf(agent.id),
          tags: tagsOf(agent.capabilities, agent.iab_capabilities),
        };
      });
    },
  };
}

function trustByStatus(status: string | null | undefined): Trust {
  const word = status?.toLowerCase() ?? "";
  if (takenBack.includes(word)) return "blocked";
  return word === "active" ? "verified" : "registered";
}
