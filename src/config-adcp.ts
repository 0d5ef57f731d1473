import * as z from "zod";
import {
  credential,
  type GivenCredential,
  givenCredential,
  type SecretSource,
  secretText,
} from "./config-credentials.ts";

/** A domain as settings write it. */
export const domain = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/, "a domain in lower case");

/** Under whose name is bought, as it is written. */
export const buyingAccount = z.strictObject({
  brand: domain.describe("Domain of the brand that is advertised"),
  brand_id: z.string().min(1).max(100).optional().describe("Which brand of that domain, where it has several"),
  operator: domain.describe("Domain of who buys for the brand; the brand's own where nobody does"),
  billing: z.enum(["operator", "agent", "advertiser"]).describe("Who is invoiced"),
  payment_terms: z
    .enum(["net_15", "net_30", "net_45", "net_60", "net_90", "prepay"])
    .optional()
    .describe("Asked of every seller; absent = the seller's own"),
});

/** Where the account at one seller differs, as it is written. */
export const ownAccount = buyingAccount
  .partial()
  .extend({ account_id: z.string().min(1).max(200).optional() })
  .optional();

/** The `adcp` settings of a config. */
export const adcpSettings = z
  .strictObject({
    account: buyingAccount
      .optional()
      .describe(
        "Under whose name is bought from AdCP sellers; they learn it with the first quote. Absent = nothing is",
      ),
    webhooks: z
      .strictObject({
        base_url: z
          .url({ protocol: /^https?$/ })
          .describe("Public address of this desk's HTTP server, e.g. https://desk.example.com"),
        hmac_secret: z
          .string()
          .min(1)
          .optional()
          .describe(
            'For sellers that sign with a shared secret: at least 32 characters, or "env:NAME"; absent = they sign with keys of their own',
          ),
      })
      .optional()
      .describe(
        "With `--http`: sellers are asked to tell when a decision of theirs is made; absent = they are polled alone",
      ),
    governance: z
      .strictObject({
        url: z.url({ protocol: /^https?$/ }).describe("Address of the agent"),
        plan_id: z.string().min(1).max(200).describe("The plan it judges by"),
        caller: z.url({ protocol: /^https?$/ }).describe("Address by which the plan knows this desk's agent"),
        credential: credential
          .optional()
          .describe('{"bearer": …} or {"api_key": …}; "env:NAME" reads an environment variable'),
        carrier: z.enum(["mcp", "a2a"]).optional().describe("What carries it; absent = found out"),
      })
      .optional()
      .describe(
        "Your own governance agent. It is asked with every purchase from an AdCP seller, before a person is asked and again before it is sent; it can only forbid",
      ),
  })
  .default({})
  .describe("What AdCP sellers need to know to sell to this desk");

export type AdcpSettings = z.output<typeof adcpSettings>;

/** Under whose name a seller that sells to accounts is bought from. */
export interface SellerAccount {
  readonly brand: string;
  readonly brandId: string | null;
  readonly operator: string;
  readonly billing: "operator" | "agent" | "advertiser";
  readonly paymentTerms: string | null;
  readonly accountId: string | null;
}

/** The desk's account as a seller knows it: the desk's own, with what the seller's entry says otherwise; null for half a one. */
export function accountOf(shared: AdcpSettings["account"], own: z.output<typeof ownAccount>): SellerAccount | null {
  const { account_id: _theirs, ...ours } = own ?? {};
  const whole = buyingAccount.safeParse({ ...shared, ...ours });
  if (!whole.success) return null;
  const { brand, brand_id: brandId = null, operator, billing, payment_terms: paymentTerms = null } = whole.data;
  return { brand, brandId, operator, billing, paymentTerms, accountId: own?.account_id ?? null };
}

/** The operator's governance agent, and the plan it judges by. */
export interface GovernanceConfig {
  readonly url: string;
  readonly planId: string;
  /** The address of the one who asks. */
  readonly caller: string;
  readonly credential: GivenCredential | null;
  readonly carrier: "mcp" | "a2a" | null;
}

/** The governance agent as it is written, its secret read; null where there is none. */
export function governanceOf(written: AdcpSettings["governance"], source: SecretSource): GovernanceConfig | null {
  if (!written) return null;
  const { url, plan_id: planId, caller, credential: given, carrier = null } = written;
  const held = given ? givenCredential("adcp.governance.credential", given, source) : null;
  return { url, planId, caller, credential: held, carrier };
}

/** Where sellers may send webhooks, and from what their secrets are made. */
export interface WebhooksConfig {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly hmacSecret: string | null;
}

/** The webhooks as they are written, checked; null where there are none. @param hosts names the HTTP server is reached by */
export function webhooksOf(
  written: AdcpSettings["webhooks"],
  hosts: readonly string[],
  allowLoopback: boolean,
  source: SecretSource,
): WebhooksConfig | null {
  if (!written) return null;
  const where = "adcp.webhooks";
  const { protocol, hostname, pathname, search, hash, username } = new URL(written.base_url);
  const baseUrl = written.base_url.replace(/\/+$/, "");
  const problem = (text: string) => source.issues.push(`${where}.base_url: ${text}`);
  if (protocol !== "https:" && !allowLoopback) problem("sellers send over https only");
  if (search !== "" || hash !== "" || username !== "") problem("an address without user, query and fragment");
  // Signers spell such addresses differently, and the spelling is what is signed.
  const plain = new URL(baseUrl).href.replace(/\/+$/, "");
  if (baseUrl !== plain || /[A-Z%]/.test(pathname))
    problem(`in lower case, without default port and percent-encoding, as ${plain.toLowerCase()}`);
  if (!hosts.includes(hostname)) problem(`${hostname} must be among http.allowed_hosts`);
  if (written.hmac_secret === undefined) return { baseUrl, hmacSecret: null };
  const hmacSecret = secretText(`${where}.hmac_secret`, written.hmac_secret, source);
  if (hmacSecret !== "" && hmacSecret.length < 32)
    source.issues.push(`${where}.hmac_secret: shorter than 32 characters`);
  return { baseUrl, hmacSecret };
}
