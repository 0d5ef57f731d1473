import type { Config, GivenCredential, SellerConfig } from "./config.ts";
import { tiers } from "./domain/identity.ts";
import type { Log } from "./domain/log.ts";
import { originOf } from "./sellers/directory.ts";
import { type GovernanceAgent, governanceAgent } from "./sellers/governance-agent.ts";
import type { SellerLog, Timeouts } from "./sellers/http.ts";
import type { Cache } from "./ledger/cache.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { Listing } from "./sellers/registry.ts";
import { createRegistries, type Registries } from "./sellers/registries.ts";
import { aampLegacyRegistry, aampRegistry } from "./sellers/registry-aamp.ts";
import { agenticRegistry } from "./sellers/registry-agentic.ts";
import { type Credential, type KnownSeller, sellsToAccounts, unknownProtocol } from "./sellers/records.ts";

/** How long sellers may take, in milliseconds, as the config says. */
export function timeoutsOf({ timeouts }: Config): Timeouts {
  const { discovery_s: discovery, media_kit_s: kit, booking_s: booking } = timeouts;
  return { discovery: discovery * 1000, media_kit: kit * 1000, booking: booking * 1000 };
}

/** The governance agent of the config; null where there is none. */
export function openGovernance(config: Config, log: Log): GovernanceAgent | null {
  const { governance } = config;
  if (!governance) return null;
  const { url, carrier, planId, caller, credential } = governance;
  return governanceAgent({
    ...{ url, carrier, planId, caller, timeouts: timeoutsOf(config), allowLoopback: config.allow_loopback },
    credential: credential && revealed(credential),
    log: sellerLog(log),
  });
}

function revealed({ kind, secret }: GivenCredential): Credential {
  const text = secret.reveal();
  return kind === "bearer" ? { bearer: text } : kind === "api_key" ? { apiKey: text } : { accessToken: text };
}

function sellerLog(log: Log): SellerLog {
  return { debug: () => undefined, warn: (fields: object, message: string) => log(message, { ...fields }) };
}

/** The registries of the config; null where there are none. */
export function openRegistries(config: Config, cache: Cache, log: Log): Registries | null {
  const opened = config.registries.map(({ id: name, kind, url, timeout_s: seconds, max_trust: maxTrust, credential }) =>
    registryKinds[kind]({
      ...{ name, url, maxTrust, timeoutMs: seconds * 1000, allowLoopback: config.allow_loopback, log: sellerLog(log) },
      credential: credential && revealed(credential),
    }),
  );
  return opened.length > 0 ? createRegistries(opened, cache, () => Date.now()) : null;
}

/** Sellers of registries that a person of this desk approved a buy from, as they were reached then. */
export async function boughtFrom(ledger: Ledger): Promise<readonly Listing[]> {
  const rows = await ledger.heads({ kind: "seller", limit: 500 });
  const pins = rows.flatMap(({ entries }) => entries).filter((entry) => entry.kind === "seller_pinned");
  return pins.map(({ url, name, domain, protocol }) => ({
    ...{ url, name, domain, trust: "unknown", registryId: null, carrier: null, tags: [] },
    protocol: protocol === "adcp" ? protocol : null,
  }));
}

const registryKinds = {
  aamp: aampRegistry,
  "aamp-legacy": aampLegacyRegistry,
  agenticadvertising: agenticRegistry,
} as const;

/** A seller of the config as the directory takes it. */
export function knownSeller(config: Config, one: SellerConfig): KnownSeller {
  const byMandate = config.mandate?.blockedSellers.includes(one.id) ?? false;
  const { id, name, domain, trust, relationship } = one;
  const protocol = one.protocol ?? unknownProtocol;
  const trustBy = byMandate ? "mandate" : config.sandbox ? "sandbox" : "the operator's config";
  const credentials = Object.fromEntries(
    Object.entries(one.credentials).map(([tier, given]) => [tier, revealed(given)]),
  );
  const held = tiers.filter((tier) => tier in one.credentials);
  const blocked = byMandate || trust === "blocked";
  return {
    record: {
      id,
      name,
      domain,
      origin: originOf(one.url),
      url: one.url,
      protocol,
      trust,
      trustBy,
      relationship,
      credentials: held,
      byAccount: sellsToAccounts(protocol),
      blocked,
      ...{ words: [], fromRegistry: false, cautions: [], tags: [], listedUnder: null },
    },
    credentials,
    url: one.url,
    carrier: one.carrier,
    account: one.account,
    openDirect: one.openDirect,
    publishers: one.publishers,
    proposals: one.proposals,
  };
}
