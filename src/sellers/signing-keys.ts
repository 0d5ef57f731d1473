import type { Cache } from "../ledger/cache.ts";
import { canonicalAgentUrl } from "./adagents-names.ts";
import type { FetchText } from "./public-fetch.ts";
import { SellerFailure } from "./seller.ts";
import { brandAgents, keySet, type PublicKey } from "./wire/brand.ts";

/** What is asked; see {@link signingKeys}. */
export interface SigningKeysAsk {
  /** The address of the seller's agent, as it is called. */
  readonly agentUrl: string;
  /** `identity.brand_json_url` of the agent's own capabilities. */
  readonly brandJsonUrl: string;
  readonly fetchText: FetchText;
  readonly cache: Cache;
  readonly signal?: AbortSignal | undefined;
}

export type SigningKeys =
  | { readonly ok: true; readonly keys: readonly PublicKey[] }
  | { readonly ok: false; readonly why: string };

/** A key that is taken back must stop counting soon; AdCP recommends five minutes. */
const KEYS_SECONDS = 300;
const REFUSED_SECONDS = 60;

class NotShown extends Error {}

/**
 * The public keys by which a seller signs what it sends us: from the agent to the brand.json of the same operator, and from its
 * entry for this very agent to the key set (AdCP security, "discovering an agent's signing keys"). Nothing is followed, and a
 * brand.json of another operator is not believed.
 */
export async function signingKeys(ask: SigningKeysAsk): Promise<SigningKeys> {
  const { agentUrl, brandJsonUrl, cache, signal } = ask;
  const key = `signing-keys:${agentUrl} ${brandJsonUrl}`;
  // Written below, and by nobody else.
  const held = (await cache.get(key)) as SigningKeys | undefined;
  if (held !== undefined) return held;
  const fresh = await read(ask);
  if (fresh.ok || signal?.aborted !== true) await cache.set(key, fresh, fresh.ok ? KEYS_SECONDS : REFUSED_SECONDS);
  return fresh;
}

async function read(ask: SigningKeysAsk): Promise<SigningKeys> {
  try {
    return { ok: true, keys: await find(ask) };
  } catch (error) {
    if (error instanceof NotShown) return { ok: false, why: error.message };
    if (error instanceof SellerFailure)
      return { ok: false, why: `The seller's keys could not be read: ${error.message}` };
    throw error;
  }
}

async function find({ agentUrl, brandJsonUrl, fetchText, signal }: SigningKeysAsk): Promise<readonly PublicKey[]> {
  const agent = canonicalAgentUrl(agentUrl);
  if (agent === null || canonicalAgentUrl(brandJsonUrl) === null)
    throw new NotShown("The seller's agent or its brand.json has no address.");
  if (!isOfSameOperator(new URL(agentUrl).hostname, new URL(brandJsonUrl).hostname))
    throw new NotShown("The seller names the brand.json of another operator.");
  const json = async (url: string, what: string) => {
    const { status, json: body } = await fetchText(url, signal);
    if (status !== 200) throw new NotShown(`The seller's ${what} could not be read (HTTP ${status}).`);
    return body;
  };
  const declared = brandAgents.safeParse(await json(brandJsonUrl, "brand.json")).data ?? [];
  const mine = declared.filter(({ url }) => canonicalAgentUrl(url) === agent);
  const [entry] = mine;
  if (!entry || mine.length > 1) throw new NotShown("The seller's brand.json does not list this agent just once.");
  const at = entry.jwks_uri ?? `${new URL(agentUrl).origin}/.well-known/jwks.json`;
  if (canonicalAgentUrl(at) === null) throw new NotShown("The seller's brand.json names no address of its keys.");
  const set = keySet.safeParse(await json(at, "key set")).data;
  if (!set) throw new NotShown("The seller's key set cannot be read.");
  return set.keys;
}

/** The same host, or an agent below the brand's: whoever holds a domain holds what is below it, and not the reverse. */
function isOfSameOperator(agentHost: string, brandHost: string): boolean {
  const brand = brandHost.replace(/^www\./, "");
  return agentHost === brandHost || agentHost === brand || (brand.includes(".") && agentHost.endsWith(`.${brand}`));
}
