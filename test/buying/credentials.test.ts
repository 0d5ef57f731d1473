import { beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import type { ConfigFile } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";
import {
  asking,
  bytesOf,
  discovery,
  errorIn,
  item,
  kit,
  negotiated,
  products,
  quoted,
  reportIn,
  sharedBench,
  withSeller,
} from "./desk-bench.ts";

const ids = ["northbeam", "harborview", "civicstream"] as const;

describe("whom a key is sent to", () => {
  const bench = sharedBench();
  beforeEach(() => {
    bench.sandbox.clearFaults();
    bench.sandbox.clearRequests();
  });

  test("each seller gets its own keys, and never another's", async () => {
    verifies("connection.many_sellers", "connection.auth.per_origin");
    await bench.desk.discover(discovery({ refresh: true, countries: ["US"] }));
    await bench.desk.mediaKit(kit({ refresh: true, query: "radio" }));
    const items = [products.sports, products.radio, products.local].map((one) =>
      item(one, { budget: "150000 USD", dealType: "PG" }),
    );
    for (const outcome of await bench.desk.quote(asking(items)))
      await negotiated(bench.desk, { ref: reportIn(outcome).loaded.ref });
    for (const id of ids) {
      const received = bench.sandbox.requests(id);
      const keys = new Set(received.flatMap(({ credential }) => credential.key ?? []));
      expect(keys.size).toBeGreaterThan(0);
      for (const key of keys) expect(key.startsWith(`sandbox-${id}-`)).toBe(true);
      for (const other of ids.filter((one) => one !== id)) {
        for (const request of received) expect(bytesOf(request)).not.toContain(`sandbox-${other}-`);
      }
    }
  });

  test.each(["card", "catalogue", "quote", "avails"] as const)(
    "a redirect of its %s is not followed, with or without the key",
    async (operation) => {
      verifies("connection.auth.per_origin");
      bench.sandbox.fault("northbeam", { kind: "redirect", operation });
      await bench.desk.discover(discovery({ refresh: true }));
      await bench.desk.mediaKit(kit({ sellers: ["northbeam"], refresh: true }));
      await bench.desk.quote(asking([item(products.display, { budget: "150000 USD" })], { campaign: operation }));
      expect(bench.sandbox.requests("northbeam").some(({ faults }) => faults.includes("redirect"))).toBe(true);
      expect(bench.sandbox.strayRequests()).toEqual([]);
    },
  );

  test("a seller that moved to another address does not get the key by its old name", async () => {
    const { url } = bench.sandbox.seller("northbeam");
    const desk = bench.other(withSeller("northbeam", { url: bench.sandbox.seller("harborview").url, credentials: {} }));
    const { sellers } = await desk.mediaKit(kit({ sellers: ["northbeam"] }));
    expect(sellers[0]?.record.origin).not.toBe(url);
    expect(bench.sandbox.requests("northbeam")).toEqual([]);
    for (const request of bench.sandbox.requests("harborview"))
      expect(request.credential).toEqual({ via: null, key: null });
  });
});

describe("how a key is sent", () => {
  const bench = sharedBench(undefined, { sellers: ["northbeam"] });
  beforeEach(() => bench.sandbox.clearRequests());
  const sport = item(products.sports, { budget: "10000 USD", dealType: "PD" });
  const headers = () =>
    bench.sandbox
      .requests()
      .filter(({ operation }) => operation === "quote")
      .map(({ headers: sent }) => [sent["authorization"] ?? null, sent["x-api-key"] ?? null]);

  test.each<[string, ConfigFile, (string | null)[]]>([
    [
      "a token as a bearer token, and no key beside it",
      { seat: { bearer: "sandbox-northbeam-seat" } },
      ["Bearer sandbox-northbeam-seat", null],
    ],
    ["a key as X-Api-Key", { seat: { api_key: "sandbox-northbeam-seat" } }, [null, "sandbox-northbeam-seat"]],
    ["none without authentication", {}, [null, null]],
  ])("%s", async (_what, credentials, wanted) => {
    verifies("connection.auth.bearer_first", "connection.auth.api_key_second", "connection.auth.none_last");
    const { loaded } = await quoted(bench.other(withSeller("northbeam", { credentials })), sport);
    expect(loaded.line.quote.pricedAs).toBe(Object.keys(credentials).length > 0 ? "seat" : "public");
    expect(new Set(headers().map((pair) => JSON.stringify(pair)))).toEqual(new Set([JSON.stringify(wanted)]));
  });

  test("one tier has a token or a key, not both", () => {
    verifies("connection.auth.bearer_first");
    const seller = {
      id: "s",
      url: "https://s.example",
      trust: "registered",
      credentials: { seat: { bearer: "b", api_key: "k" } },
    };
    const text = JSON.stringify({ desk: "d", advertiser: "A", sellers: [seller] });
    expect(() => parseConfig(text, "config.json", {})).toThrow(/one of bearer, api_key and access_token/);
  });

  test("from the environment, where the config names a variable", async () => {
    verifies("config.from_environment");
    const change = withSeller("northbeam", { credentials: { seat: { bearer: "env:NORTHBEAM_TOKEN" } } });
    await quoted(bench.other(change, { NORTHBEAM_TOKEN: "sandbox-northbeam-seat" }), sport);
    expect(headers()[0]).toEqual(["Bearer sandbox-northbeam-seat", null]);
    expect(() => bench.other(change, {})).toThrow(/sellers\.northbeam\.credentials\.seat.*NORTHBEAM_TOKEN is not set/s);
  });

  test("one that the seller does not accept is said, and the quote is not asked again without it", async () => {
    const desk = bench.other(withSeller("northbeam", { credentials: { seat: { api_key: "stale-key" } } }));
    const [outcome] = await desk.quote(asking([sport]));
    expect(errorIn(outcome)).toMatchObject({
      code: "credential_missing",
      recovery: "ask_person",
      message: expect.stringMatching(/northbeam.*HTTP 401.*Nothing was booked/),
    });
    expect(headers()).toEqual([[null, "stale-key"]]);
    expect(errorIn(outcome).message).not.toContain("stale-key");
  });
});
