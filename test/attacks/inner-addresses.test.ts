import { hostname } from "node:os";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { at, type Connection } from "../e2e/client.ts";
import { startDesk, type TestDesk } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";
import { HostileSeller } from "./hostile-seller.ts";

/**
 * An address that leads into this machine or its network, in every spelling: nothing is called there, by the planner's
 * word or by the config, unless the operator allowed this machine, and then only for sellers the config lists.
 */
let inside: HostileSeller;
let desk: TestDesk;
let model: Connection;
let port: string;
beforeAll(async () => {
  inside = await HostileSeller.open();
  port = new URL(inside.origin).port;
  desk = await startDesk({
    sandbox: { sellers: ["northbeam"] },
    // Northbeam is on this machine as well, and this desk does not allow that.
    config: (standard) => ({
      ...standard,
      allow_loopback: false,
      cache: { ttl_s: 0 },
      sellers: [
        ...[standard["sellers"]].flat(),
        ...[`http://localhost:${port}`, `https://[::1]:${port}`, `http://2130706433:${port}`].map((url, index) => ({
          id: `inner-${index}`,
          url,
          trust: "verified",
          credentials: { seat: { api_key: "a key for nobody here" } },
        })),
      ],
    }),
  });
  model = await desk.connect();
});
beforeEach(() => inside.straighten());
afterAll(async () => {
  await desk.close();
  await inside.close();
});

/** Nobody on this machine heard anything. */
function nobodyWasCalled(): void {
  expect(inside.seen).toEqual([]);
  expect(desk.sandbox.requests()).toEqual([]);
  expect(desk.sandbox.strayRequests()).toEqual([]);
}

const spellings: readonly (readonly [string, string])[] = [
  ["loopback", "127.0.0.1"],
  ["loopback by another number", "127.8.8.8"],
  ["loopback by name", "localhost"],
  ["loopback by a name below", "seller.localhost"],
  ["loopback by a name that ends with a dot", "localhost."],
  ["loopback in decimal", "2130706433"],
  ["loopback in octal", "0177.0.0.01"],
  ["loopback in hex", "0x7f000001"],
  ["loopback, shortened", "127.1"],
  ["loopback in wide digits", "１２７.０.０.１"],
  ["no address at all", "0.0.0.0"],
  ["IPv6 loopback", "[::1]"],
  ["IPv6 without an address", "[::]"],
  ["IPv4 inside IPv6", "[::ffff:127.0.0.1]"],
  ["IPv4 inside IPv6, in hex", "[::ffff:7f00:1]"],
  ["IPv4 behind NAT64", "[64:ff9b::7f00:1]"],
  ["IPv4 in 6to4", "[2002:7f00:1::]"],
  ["a cloud's metadata", "169.254.169.254"],
  ["a cloud's metadata in decimal", "2852039166"],
  ["a cloud's metadata inside IPv6", "[::ffff:169.254.169.254]"],
  ["link-local IPv6", "[fe80::1]"],
  ["a private network", "10.0.0.1"],
  ["another private network", "172.16.0.1"],
  ["a third", "192.168.1.1"],
  ["a carrier's network", "100.64.0.1"],
  ["a unique local IPv6 address", "[fd00::1]"],
];

describe("a seller met by its address", () => {
  test.each(spellings)("%s (%s) is not called, over http or https", async (_what, host) => {
    verifies("connection.auth.per_origin");
    for (const url of [`http://${host}:${port}`, `https://${host}:${port}/.well-known/agent.json`]) {
      const found = await model.ok("discover_sellers", { url });
      expect(found.list("sellers"), url).toEqual([]);
      expect(found.at("kept_out", 0, "status"), found.text).toBe("unreachable");
      expect(found.string("kept_out", 0, "why")).toContain("was not called");
    }
    nobodyWasCalled();
  });

  test("the name this machine has in its own network leads to nobody either", async () => {
    const found = await model.ok("discover_sellers", { url: `https://${hostname()}:${port}`, deadline_s: 3 });
    expect(found.list("sellers")).toEqual([]);
    nobodyWasCalled();
  });

  test("plain http is for this machine alone, so that nothing is sent in the clear", async () => {
    const found = await model.ok("discover_sellers", { url: "http://93.184.215.14" });
    expect(found.string("kept_out", 0, "why")).toContain("does not use https");
  });

  test.each([
    "file:///etc/passwd",
    "ftp://127.0.0.1",
    "gopher://127.0.0.1",
    "data:text/plain,hi",
    "javascript:1",
    "//127.0.0.1",
    "http://",
    "127.0.0.1",
  ])("%s is no address of a seller", async (url) => {
    const refused = await model.call("discover_sellers", { url });
    expect(at(refused.error, "code"), refused.text).toBe("invalid_arguments");
    expect(refused.text).toContain("Nothing was contacted.");
    nobodyWasCalled();
  });

  test("what stands before the host, or after it, is no way in", async () => {
    for (const url of [
      `https://northbeam.example@127.0.0.1:${port}/`,
      `https://127.0.0.1:${port}#northbeam.example`,
      `https:\\\\127.0.0.1:${port}`,
      ` https://127.0.0.1:${port} `,
      `https://127.0.0.1:${port}\t/..//`,
    ]) {
      const found = await model.call("discover_sellers", { url });
      expect(found.at("sellers") ?? [], url).toEqual([]);
    }
    nobodyWasCalled();
  });
});

describe("a seller of the config", () => {
  test("on this machine is not called on a desk that does not allow it: no card, no kit, no key", async () => {
    const found = await model.ok("discover_sellers", { refresh: true });
    expect(found.list("sellers")).toEqual([]);
    expect(found.list("kept_out")).toHaveLength(4);
    for (const one of found.list("kept_out")) expect(String(at(one, "why"))).toContain("on this machine");
    const kit = await model.ok("get_media_kit", { refresh: true });
    expect(kit.list("products")).toEqual([]);
    nobodyWasCalled();
  });
});
