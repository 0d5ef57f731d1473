import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseConfig } from "../src/config.ts";
import { formatMoney } from "../src/domain/money.ts";

const prices = { input: "5.00 USD", output: "25.00 USD" };
const written = { api_key: "env:MODEL_KEY", model: "large", prices: { large: prices } };
const parse = (planner: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  parseConfig(JSON.stringify({ desk: "acme", advertiser: "Acme", planner, ...more }), "config", {
    MODEL_KEY: "sk-in-the-environment",
  });

test("a planner is a key, a model and what that costs; the rest has defaults", () => {
  const { planner } = parse(written);
  expect(planner).toMatchObject({ baseUrl: "https://api.anthropic.com", timeoutMs: 240_000, maxTurns: 100 });
  expect(planner?.apiKey.reveal()).toBe("sk-in-the-environment");
  expect(JSON.stringify(planner?.apiKey)).toBe('"***"');
  expect(planner?.specialist).toBe(planner?.manager);
  expect(formatMoney(planner?.maxCost ?? expect.fail())).toBe("5.00 USD");
  expect(planner?.manager.prices.cache).toBeNull();
  expect(parseConfig('{"desk":"acme","advertiser":"Acme"}', "config", {}).planner).toBeNull();
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["a key that is not there", { api_key: "env:NO_SUCH" }, /planner\.api_key: the environment variable NO_SUCH/],
  ["a model without prices", { specialist_model: "small" }, /planner\.prices: small is not there/],
  ["a free model", { prices: { large: { input: "free", output: "free" } } }, /is not an amount/],
  ["prices in two currencies", { max_cost: "5.00 EUR" }, /planner\.prices\.large: must be in EUR/],
  ["half of the cache's prices", { prices: { large: { ...prices, cache_read: "0.50 USD" } } }, /go together/],
  ["plain http to elsewhere", { base_url: "http://models.example" }, /planner\.base_url: https/],
  ["a name that begins as this machine's", { base_url: "http://localhost.evil.example" }, /planner\.base_url: https/],
  ["an address with a user", { base_url: "https://me@models.example" }, /without user/],
  ["a setting nobody knows", { temperature: 0.2 }, /temperature/],
])("%s is refused", (_what, change, words) => {
  expect(() => parse({ ...written, ...change })).toThrow(words);
});

test("plain http on this machine is let through, and a token may not have the planner's name", () => {
  expect(parse({ ...written, base_url: "http://127.0.0.1:8080" }).planner?.baseUrl).toBe("http://127.0.0.1:8080");
  const principals = [{ name: "planner", token_sha256: "0".repeat(64), scopes: ["buy:approve"] }];
  expect(() => parse(written, { http: { principals } })).toThrow(/`planner` that of the model that plans/);
});

test("what the page shows is a planner", () => {
  const page = readFileSync(new URL("../docs/planner.md", import.meta.url), "utf8");
  const [, shown = ""] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  const environment = { ANTHROPIC_API_KEY: "sk-shown", NORTHBEAM_SEAT_KEY: "shown" };
  const { planner } = parseConfig(shown, "docs/planner.md", environment);
  expect(planner?.manager.id).toBe("the-larger-model");
  expect(planner?.specialist.prices.cache).not.toBeNull();
});
