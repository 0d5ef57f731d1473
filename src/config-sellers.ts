import * as z from "zod";
import { relationships, type Tier, tiers, trustLevels } from "./domain/identity.ts";
import { accountOf, type AdcpSettings, domain, ownAccount, type SellerAccount } from "./config-adcp.ts";
import { credential, type GivenCredential, givenCredential, type SecretSource } from "./config-credentials.ts";

/** What a desk calls a seller. */
export const sellerId = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, "lower-case letters, digits, dots and dashes");

/** A seller as the config writes it. */
export const seller = z.strictObject({
  id: sellerId.describe("What this desk calls the seller"),
  url: z.url({ protocol: /^https?$/ }).describe("Base address of its agent"),
  name: z.string().optional().describe("What people call it; default: its id"),
  domain: z.string().optional().describe("Its own domain; default: the host of its address"),
  protocol: z
    .enum(["iab-seller-agent", "adcp", "opendirect"])
    .optional()
    .describe(
      "What it speaks; absent = it is asked at first use: its card, an A2A card or an MCP handshake of AdCP, its products",
    ),
  carrier: z
    .enum(["mcp", "a2a"])
    .optional()
    .describe("AdCP only: what carries it; absent = found out from its agent card and its address"),
  account: ownAccount.describe(
    "AdCP only: where the account at this seller differs from `adcp.account`; `account_id` of accounts it gives",
  ),
  opendirect: z
    .strictObject({
      account_id: z.string().min(1).max(100).optional().describe("The account to buy under; absent = found, or opened"),
      advertiser_id: z.string().min(1).max(100).optional().describe("The advertiser's id there"),
      buyer_id: z.string().min(1).max(100).optional().describe("The buying organization's id there"),
      brand_id: z.string().min(1).max(100).optional().describe("The advertiser brand's id there"),
    })
    .default({})
    .describe("OpenDirect only: who buys, in the ids the seller gave"),
  publishers: z
    .record(domain, z.url({ protocol: /^http$/, hostname: /^(127\.0\.0\.1|localhost)$/ }))
    .default({})
    .describe(
      "AdCP, with `allow_loopback`: publishers whose adagents.json is served on this machine, for your own tests",
    ),
  proposals: z
    .enum(["quote", "deal"])
    .default("quote")
    .describe(
      "IAB seller agent only: how an agreed proposal is bought. `deal` where this seller is known to make deals of proposals; the agent as published (2.4.2) does not, and then it is bought by a quote at the agreed price",
    ),
  trust: z
    .enum(trustLevels)
    .describe("How far this desk trusts it, as the operator knows: registered, verified, preferred…"),
  relationship: z
    .enum(relationships)
    .default("new")
    .describe("A trusted seller sees one step more of the buyer, a new one starts at the seat"),
  credentials: z
    .partialRecord(z.enum(tiers).exclude(["public"]), credential)
    .default({})
    .describe(
      'By tier (seat, agency, advertiser): {"bearer": …}, {"api_key": …} or, for OpenDirect, {"access_token": …}; "env:NAME" reads an environment variable',
    ),
});

/** Who buys at an OpenDirect seller, in its own ids; null = it is found out. */
export interface OpenDirectIds {
  readonly accountId: string | null;
  readonly advertiserId: string | null;
  readonly buyerId: string | null;
  readonly brandId: string | null;
}

/** A seller of the config, whole: what was left out is filled in, and its secrets are read. */
export interface SellerConfig {
  readonly id: string;
  readonly url: string;
  readonly name: string;
  readonly domain: string;
  /** Null = the seller is asked. */
  readonly protocol: string | null;
  readonly carrier: "mcp" | "a2a" | null;
  readonly account: SellerAccount | null;
  readonly openDirect?: OpenDirectIds | undefined;
  /** Publisher's domain → where its files lie: only a sandbox's are not at their own domains. */
  readonly publishers: ReadonlyMap<string, string>;
  /** How an agreed proposal is bought here. */
  readonly proposals: "quote" | "deal";
  readonly trust: (typeof trustLevels)[number];
  readonly relationship: (typeof relationships)[number];
  readonly credentials: Readonly<Partial<Record<Tier, GivenCredential>>>;
}

/** The sellers as they are written, made whole. @param shared the desk's own account */
export function sellersOf(
  written: readonly z.output<typeof seller>[],
  shared: AdcpSettings["account"],
  source: SecretSource,
): readonly SellerConfig[] {
  return written.map((one): SellerConfig => {
    const domain = one.domain ?? new URL(one.url).hostname;
    const credentials = Object.fromEntries(
      Object.entries(one.credentials).map(([tier, given]) => [
        tier,
        givenCredential(`sellers.${one.id}.credentials.${tier}`, given, source),
      ]),
    );
    const account = accountOf(shared, one.account);
    if (one.account && !account)
      source.issues.push(`sellers.${one.id}.account: brand, operator and billing must be here or in adcp.account`);
    const carrier = one.carrier ?? null;
    const { opendirect: ids, ...rest } = one;
    return {
      ...rest,
      name: one.name ?? one.id,
      domain,
      credentials,
      carrier,
      protocol: one.protocol ?? (carrier === null ? null : "adcp"),
      account,
      openDirect: {
        ...{ accountId: ids.account_id ?? null, advertiserId: ids.advertiser_id ?? null },
        ...{ buyerId: ids.buyer_id ?? null, brandId: ids.brand_id ?? null },
      },
      publishers: new Map(Object.entries(one.publishers)),
    };
  });
}
