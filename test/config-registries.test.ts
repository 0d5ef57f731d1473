import { expect, test } from "vitest";
import { type Config, ConfigError, parseConfig } from "../src/config.ts";
import { verifies } from "./requirements.ts";

const parse = (registries: readonly object[], environment: Record<string, string> = {}): Config =>
  parseConfig(JSON.stringify({ desk: "acme", advertiser: "Acme Outdoor", registries }), "config.json", environment);

const least = { id: "iab", kind: "aamp", url: "https://registry.example/agent-registry" };

test("a registry needs a name, a dialect and an address; the rest has defaults", () => {
  verifies("discovery.registry.url", "discovery.registry.timeout");
  expect(parse([]).registries).toEqual([]);
  const plain = { ...least, timeout_s: 15, max_trust: "preferred", credential: null };
  expect(parse([least]).registries).toEqual([plain]);
  const secret = { ...least, timeout_s: 3, max_trust: "verified", credential: { bearer: "env:REGISTRY" } };
  const { registries } = parse([secret], { REGISTRY: "a-secret-token" });
  expect(registries[0]).toMatchObject({ timeout_s: 3, max_trust: "verified" });
  expect(registries[0]?.credential?.secret.reveal()).toBe("a-secret-token");
  expect(JSON.stringify(registries)).not.toContain("a-secret-token");
});

test.each([
  ["two of one name", [least, least], "registries: iab is there twice"],
  ["another dialect", [{ ...least, kind: "dns" }], "registries.0.kind"],
  ["another kind of address", [{ ...least, url: "file:///etc/passwd" }], "registries.0.url"],
  ["no time at all", [{ ...least, timeout_s: 0 }], "registries.0.timeout_s"],
  ["a trust that only blocks", [{ ...least, max_trust: "blocked" }], "registries.0.max_trust"],
  ["a secret that is not set", [{ ...least, credential: { bearer: "env:NO_SUCH" } }], "NO_SUCH is not set"],
  ["a misspelt key", [{ ...least, timeout: 3 }], "timeout"],
])("%s ends the start", (_what, registries, why) => {
  try {
    parse(registries);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(why);
    return;
  }
  expect.fail("it was accepted");
});
