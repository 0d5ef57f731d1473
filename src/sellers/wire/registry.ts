import * as z from "zod";

/**
 * Answers of agent registries, as far as they are read. Entries of a list are read one by one, so that a malformed one
 * loses itself alone; the hosted AAMP registry writes `null` for what is not set.
 */

const text = z.string().nullish().catch(null);
const words = z.array(z.unknown()).nullish().catch(null);

/** A list of agents with its entries unread: bare, or `{agents}`, or in the envelope `{success, data}`. */
export const agentList = z.union([
  z.array(z.unknown()),
  z.object({ agents: z.array(z.unknown()) }).transform(({ agents }) => agents),
  z
    .object({ success: z.literal(true), data: z.object({ agents: z.array(z.unknown()) }) })
    .transform(({ data }) => data.agents),
]);

/** An entry of `GET /agents` (AAMP, earlier edition). */
export const legacyAgent = z.object({
  agent_id: z.union([z.string(), z.number()]).nullish(),
  agent_type: text,
  name: text,
  url: z.string(),
  trust_level: text,
  trust_status: text,
  capabilities: words,
});

/** The answer of `GET /verify?agent_url=`. */
export const verification = z.object({
  is_registered: z.boolean(),
  trust_level: text,
  registry_id: z.union([z.string(), z.number()]).nullish(),
});

/** An entry of `GET /api/agents` (AAMP). Agents that are not `remote` have no address to call. */
export const aampAgent = z.object({
  id: z.union([z.string(), z.number()]).nullish(),
  agent_name: z.string(),
  primary_domain: text,
  type: text,
  endpoint_url: z.string().nullish(),
  industry_roles: words,
  capabilities: words,
  iab_capabilities: words,
  verification_status: text,
});

/** An entry of `GET /api/registry/agents` (AgenticAdvertising.org, registry API 1.0.0). */
export const agenticAgent = z.object({
  url: z.string(),
  name: z.string(),
  type: z.string(),
  protocol: z.enum(["mcp", "a2a"]).nullish().catch(null),
  mcp_endpoint: text,
  member: z.object({ slug: text }).nullish().catch(null),
  compliance: z
    .object({ verified: z.boolean().nullish(), verified_roles: z.array(z.string()).nullish() })
    .nullish()
    .catch(null),
});
