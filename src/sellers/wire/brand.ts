import * as z from "zod";

/** What we read of brand.json (AdCP 3.1.19, `brand.json`) and of the key sets it names (RFC 7517). */

const agent = z.object({ url: z.string(), jwks_uri: z.string().optional() });
/** Entries of other forms are no agents of anybody. */
const agents = z
  .array(agent.nullable().catch(null))
  .catch([])
  .transform((all) => all.filter((one) => one !== null));
const holder = z.object({ agents }).catch({ agents: [] });

/** All agents a brand.json declares, wherever it does. One that only points elsewhere has none. */
export const brandAgents = z
  .object({ agents, house: holder, brands: z.array(holder).catch([]) })
  .transform(({ agents: own, house, brands }) => [...own, ...house.agents, ...brands.flatMap((brand) => brand.agents)]);

/** Only what is public of a key; whoever publishes more is not helped to keep it. */
const publicKey = z.object({
  kid: z.string(),
  kty: z.string(),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  use: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
  adcp_use: z.string().optional(),
  revoked_at: z.string().optional(),
});

/** Keys that cannot be read are left out: nothing can be verified with them. */
export const keySet = z.object({
  keys: z
    .array(publicKey.nullable().catch(null))
    .max(100)
    .transform((all) => all.filter((one) => one !== null)),
});

export type PublicKey = z.infer<typeof publicKey>;
