import { describe, expect, test } from "vitest";
import { type Config, ConfigError, parseConfig } from "../src/config.ts";

const parse = (adcp: object, more: object = {}, environment: Record<string, string> = {}): Config =>
  parseConfig(JSON.stringify({ desk: "acme", advertiser: "Acme Outdoor", adcp, ...more }), "config.json", environment);

function refusal(adcp: object, more: object = {}): string {
  try {
    parse(adcp, more);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return expect.fail("it was accepted");
}

const behindProxy = { http: { allowed_hosts: ["desk.example.com"] } };
const webhooks = { base_url: "https://desk.example.com" };
const governance = { url: "https://gov.example/mcp", plan_id: "plan-1", caller: "https://buyer.example" };

describe("webhooks in the config", () => {
  test("need an address that the HTTP server is reached by; a secret is optional", () => {
    expect(parse({}).webhooks).toBeNull();
    const at = { baseUrl: "https://desk.example.com/buyer", hmacSecret: null };
    expect(parse({ webhooks: { base_url: "https://desk.example.com/buyer/" } }, behindProxy).webhooks).toEqual(at);
    const secret = "s".repeat(32);
    const named = { webhooks: { ...webhooks, hmac_secret: "env:HOOK" } };
    expect(parse(named, behindProxy, { HOOK: secret }).webhooks?.hmacSecret).toBe(secret);
  });

  test.each([
    ["a host nobody is let in by", { base_url: "https://other.example" }, "must be among http.allowed_hosts"],
    ["plain http", { base_url: "http://desk.example.com" }, "over https only"],
    ["a query", { base_url: "https://desk.example.com/?a=1" }, "without user, query and fragment"],
    ["a password", { base_url: "https://a:b@desk.example.com" }, "without user, query and fragment"],
    ["capitals", { base_url: "https://desk.example.com/Buyer" }, "in lower case"],
    ["a default port", { base_url: "https://desk.example.com:443" }, "without default port"],
    ["a short secret", { ...webhooks, hmac_secret: "too-short" }, "shorter than 32 characters"],
    ["a secret that is not set", { ...webhooks, hmac_secret: "env:NO_SUCH" }, "NO_SUCH is not set"],
  ])("do not take %s", (_, written, why) => {
    expect(refusal({ webhooks: written }, behindProxy)).toContain(`adcp.webhooks.`);
    expect(refusal({ webhooks: written }, behindProxy)).toContain(why);
  });
});

describe("a governance agent in the config", () => {
  test("has a plan and a caller, and a secret that prints as none", () => {
    expect(parse({}).governance).toBeNull();
    const config = parse(
      { governance: { ...governance, credential: { bearer: "env:GOV" } } },
      {},
      { GOV: "k-secret-1" },
    );
    expect(config.governance).toMatchObject({ planId: "plan-1", carrier: null, credential: { kind: "bearer" } });
    expect(config.governance?.credential?.secret.reveal()).toBe("k-secret-1");
    expect(JSON.stringify(config.governance)).not.toContain("k-secret-1");
  });

  test("is none without its plan, or with a secret that is not set", () => {
    expect(refusal({ governance: { ...governance, plan_id: undefined } })).toContain("adcp.governance.plan_id");
    expect(refusal({ governance: { ...governance, credential: { bearer: "env:NO_SUCH" } } })).toContain("NO_SUCH");
  });
});

test("a seller's protocol is open until the config says it, and a carrier says AdCP", () => {
  const entry = (more: object) => ({ sellers: [{ id: "s", url: "https://s.example", trust: "verified", ...more }] });
  const protocolOf = (more: object) => parse({}, entry(more)).sellers[0]?.protocol;
  expect([protocolOf({}), protocolOf({ carrier: "a2a" }), protocolOf({ protocol: "iab-seller-agent" })]).toEqual([
    null,
    "adcp",
    "iab-seller-agent",
  ]);
});
