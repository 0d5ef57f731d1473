import type { RequestListener } from "node:http";
import { beforeEach, describe, expect, test } from "vitest";
import { openPublicFetch } from "../../src/sellers/public-fetch.ts";
import { signingKeys } from "../../src/sellers/signing-keys.ts";
import { json, serve, silent } from "./loopback.ts";
import { mapCache } from "./map-cache.ts";

const key = { kid: "k1", kty: "OKP", crv: "Ed25519", x: "abc", adcp_use: "request-signing" };
let pages: Record<string, RequestListener>;
let clock = 0;
beforeEach(() => {
  pages = {};
});

async function bench() {
  const { origin, got } = await serve((incoming, outgoing) => {
    const page = pages[incoming.url ?? ""];
    if (page) page(incoming, outgoing);
    else outgoing.writeHead(404).end();
  });
  const cache = mapCache(() => clock);
  const fetchText = openPublicFetch({ local: { origins: [origin], allowed: true }, log: silent });
  const ask = (more: object = {}) =>
    signingKeys({ agentUrl: `${origin}/mcp`, brandJsonUrl: `${origin}/brand.json`, fetchText, cache, ...more });
  return { origin, got, ask };
}

describe("a seller's signing keys", () => {
  test.each<[string, (agent: object) => object]>([
    ["of an agent", (agent) => ({ agents: [agent] })],
    ["of a house", (agent) => ({ house: { domain: "x.example", name: "X", agents: [agent] }, brands: [] })],
    ["of a brand", (agent) => ({ house: { domain: "x.example" }, brands: [{ id: "x", agents: [5, agent] }] })],
  ])("are read from the brand.json %s, without what is secret, and kept for five minutes", async (_, brand) => {
    const { origin, got, ask } = await bench();
    pages["/brand.json"] = json(brand({ type: "sales", id: "s", url: `${origin}/mcp/`, jwks_uri: `${origin}/keys` }));
    pages["/keys"] = json({ keys: [{ ...key, d: "secret" }, { kid: 5 }] });
    expect(await ask()).toEqual({ ok: true, keys: [key] });
    expect(await ask()).toEqual({ ok: true, keys: [key] });
    expect(got).toHaveLength(2);
    clock += 301_000;
    await ask();
    expect(got).toHaveLength(4);
  });

  test("are at the usual place where the entry names none", async () => {
    const { origin, ask } = await bench();
    pages["/brand.json"] = json({ agents: [{ url: `${origin}/mcp` }] });
    pages["/.well-known/jwks.json"] = json({ keys: [key] });
    expect(await ask()).toEqual({ ok: true, keys: [key] });
  });

  const entry = (origin: string) => ({ url: `${origin}/mcp`, jwks_uri: `${origin}/keys` });
  test.each<[string, (origin: string) => unknown, RegExp]>([
    ["another agent's", (origin) => ({ agents: [{ ...entry(origin), url: `${origin}/other` }] }), /just once/],
    ["the agent twice", (origin) => ({ agents: [entry(origin), entry(origin)] }), /just once/],
    ["only another place", (origin) => ({ authoritative_location: `${origin}/b.json` }), /just once/],
    ["no JSON object", () => [], /just once/],
    [
      "keys inside our network",
      (origin) => ({ agents: [{ ...entry(origin), jwks_uri: "https://10.0.0.8/k" }] }),
      /not a public address/,
    ],
    ["keys nowhere", (origin) => ({ agents: [{ ...entry(origin), jwks_uri: "keys" }] }), /no address of its keys/],
    [
      "keys that are not there",
      (origin) => ({ agents: [{ ...entry(origin), jwks_uri: `${origin}/none` }] }),
      /HTTP 404/,
    ],
    ["no set of keys", (origin) => ({ agents: [entry(origin)] }), /key set cannot be read/],
  ])("are none where the brand.json holds %s", async (_, brand, why) => {
    const { origin, ask } = await bench();
    pages["/brand.json"] = json(brand(origin));
    pages["/keys"] = json({ keys: "k1" });
    expect(await ask()).toEqual({ ok: false, why: expect.stringMatching(why) });
  });

  test("are not looked for at another operator's, nor where the brand.json leads elsewhere", async () => {
    const { origin, got, ask } = await bench();
    pages["/moved.json"] = (_, outgoing) => outgoing.writeHead(302, { location: "/brand.json" }).end();
    for (const [agentUrl, brandJsonUrl] of [
      ["https://ads.seller.example/mcp", "https://evil.example/brand.json"],
      ["https://ads.seller.example/mcp", "https://x.ads.seller.example/brand.json"],
      ["https://ads.seller.example/mcp", "https://eller.example/brand.json"],
      ["https://ads.seller.example/mcp", "https://example/brand.json"],
    ])
      expect(await ask({ agentUrl, brandJsonUrl })).toEqual({
        ok: false,
        why: expect.stringMatching(/another operator/),
      });
    expect(await ask({ brandJsonUrl: `${origin}/moved.json` })).toMatchObject({
      why: expect.stringMatching(/not followed/),
    });
    expect(got).toHaveLength(1);
    // The same host, the host above and its www. are asked; these lead nowhere here.
    for (const host of ["ads.seller.invalid", "seller.invalid", "www.seller.invalid"])
      expect(
        await ask({ agentUrl: "https://ads.seller.invalid/mcp", brandJsonUrl: `https://${host}/brand.json` }),
      ).toEqual({
        ok: false,
        why: expect.stringMatching(/could not be read/),
      });
  });
});
