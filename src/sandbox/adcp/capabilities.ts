import { type AdcpCall, replaySeconds } from "./call.ts";
import type { Json } from "./state.ts";

/** get_adcp_capabilities: what the seller speaks, sells and promises about repeated calls. */
export function capabilities({ seller }: AdcpCall<"get_adcp_capabilities">): Json {
  const { profile } = seller;
  const is31 = seller.version === "3.1";
  const isGuaranteed = profile.products.some((product) => product.delivery === "guaranteed");
  const models = [...new Set(profile.products.flatMap((product) => product.options.map((option) => option.model)))];
  const idempotency = seller.is("no-idempotency")
    ? { supported: false }
    : { supported: true, replay_ttl_seconds: seller.is("short-replay") ? 1 : replaySeconds };
  return {
    adcp: {
      major_versions: [3],
      idempotency,
      ...(is31 ? { supported_versions: ["3.1"], build_version: "3.1.19" } : {}),
    },
    supported_protocols: ["media_buy"],
    account: { require_operator_auth: false, supported_billing: profile.billing, sandbox: true },
    media_buy: {
      supported_pricing_models: models,
      ...(is31 ? { buying_modes: ["brief", "wholesale", "refine"], supports_proposals: profile.plans.length > 0 } : {}),
      features: { inline_creative_management: true, property_list_filtering: false },
      execution: { targeting: { geo_countries: true } },
      portfolio: {
        publisher_domains: seller.publisherDomains(),
        primary_channels: [...new Set(profile.products.flatMap((product) => product.channels))],
        primary_countries: [...new Set(profile.products.flatMap((product) => product.countries))],
        description: profile.about,
        advertising_policies: profile.policies,
      },
    },
    creative: { has_creative_library: true },
    webhook_signing: {
      supported: true,
      profile: "adcp/webhook-signing/v1",
      algorithms: ["ed25519"],
      legacy_hmac_fallback: true,
    },
    // The schema wants https here; on loopback there is none.
    ...(is31 ? { identity: { brand_json_url: `${seller.url}/.well-known/brand.json` } } : {}),
    specialisms: [isGuaranteed ? "sales-guaranteed" : "sales-non-guaranteed"],
    last_updated: "2026-10-01T00:00:00Z",
    message: `${profile.name} speaks AdCP ${seller.version}.`,
  };
}
