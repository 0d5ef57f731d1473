import { describe, expect, test } from "vitest";
import { parseConfig, type SellerConfig } from "../src/config.ts";
import { ConfigError } from "../src/config.ts";
import { verifies } from "./requirements.ts";

const least = { desk: "acme", advertiser: "Acme Outdoor" };
const base = "https://api.citylight.example/api/v2.1";

function sellersIn(environment: Record<string, string>, sellers: readonly object[] = []): readonly SellerConfig[] {
  return parseConfig(JSON.stringify({ ...least, sellers }), "config.json", environment).sellers;
}

const held = ({ credentials }: SellerConfig) =>
  Object.values(credentials).map(({ kind, secret }) => [kind, secret.reveal()]);

describe("sellers of the environment", () => {
  test("are the OpenDirect seller at OPENDIRECT_BASE_URL, its path kept, with its token or else its key", () => {
    verifies("connection.base_url", "connection.token_setting", "connection.api_key_setting");
    const both = { OPENDIRECT_BASE_URL: base, OPENDIRECT_TOKEN: "a-token", OPENDIRECT_API_KEY: "a-key" };
    const [one, ...more] = sellersIn(both);
    expect(more).toEqual([]);
    expect(one).toMatchObject({ id: "api.citylight.example", url: base, protocol: "opendirect", trust: "registered" });
    expect(one && held(one)).toEqual([["bearer", "a-token"]]);
    const [other] = sellersIn({ OPENDIRECT_BASE_URL: base, OPENDIRECT_API_KEY: "a-key" });
    expect(other && held(other)).toEqual([["api_key", "a-key"]]);
    const [bare] = sellersIn({ OPENDIRECT_BASE_URL: `${base}/` });
    expect(bare && held(bare)).toEqual([]);
    expect(sellersIn({ OPENDIRECT_TOKEN: "a-token" })).toEqual([]);
  });

  test("are those of SELLER_ENDPOINTS, blanks and empty parts apart, without the secret of another", () => {
    verifies("connection.seller_endpoints");
    const endpoints = " https://one.example/a2a , ,https://two.example,, https://one.example/b ,";
    const found = sellersIn({
      SELLER_ENDPOINTS: `${endpoints}${base}`,
      OPENDIRECT_BASE_URL: base,
      OPENDIRECT_TOKEN: "a-token",
    });
    expect(found.map(({ id, url, protocol }) => [id, url, protocol])).toEqual([
      ["api.citylight.example", base, "opendirect"],
      ["one.example", "https://one.example/a2a", null],
      ["two.example", "https://two.example", null],
      ["one.example-2", "https://one.example/b", null],
    ]);
    expect(found.flatMap(held)).toEqual([["bearer", "a-token"]]);
  });

  test("give way to what the config says of the same address; only its missing credential is taken from there", () => {
    const listed = { id: "citylight", url: base, protocol: "opendirect", trust: "verified" };
    const environment = { OPENDIRECT_BASE_URL: base, OPENDIRECT_TOKEN: "a-token", SELLER_ENDPOINTS: base };
    const [one, ...more] = sellersIn(environment, [listed]);
    expect(more).toEqual([]);
    expect(one).toMatchObject({ id: "citylight", trust: "verified" });
    expect(one && held(one)).toEqual([["bearer", "a-token"]]);
    const [own] = sellersIn(environment, [{ ...listed, credentials: { seat: { access_token: "its-own" } } }]);
    expect(own && held(own)).toEqual([["access_token", "its-own"]]);
  });

  test("that are no addresses end the start with the variable's name", () => {
    for (const name of ["OPENDIRECT_BASE_URL", "SELLER_ENDPOINTS"])
      expect(() => sellersIn({ [name]: "ftp://nowhere.example" })).toThrow(ConfigError);
    expect(() => sellersIn({ SELLER_ENDPOINTS: "not an address" })).toThrow(/SELLER_ENDPOINTS: "not an address"/);
  });
});
