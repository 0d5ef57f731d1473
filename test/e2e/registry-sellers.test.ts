import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { approving, at, type Connection } from "./client.ts";
import { flight } from "./fixtures.ts";
import { type RegistryDesk, registryDesk } from "./registries.ts";

/** Sellers that only a registry knows: found, trusted as far as it vouches, quoted and bought. */
describe.each(["aamp", "aamp-legacy"] as const)("a registry that speaks %s", (kind) => {
  let stage: RegistryDesk;
  let model: Connection;
  beforeAll(async () => {
    stage = await registryDesk([{ id: "iab", kind, entry: { timeout_s: 5 } }]);
    stage.registry("iab").list(stage.agent("northbeam", "verified"), stage.agent("harborview", "registered"));
    model = await stage.desk.connect({ person: approving });
  });
  afterAll(() => stage.close());

  test("its sellers are listed, with trust, who says so and when, and what that means", async () => {
    verifies("discovery.registry.query", "discovery.registry.url", "trust.registry_id", "trust.recommendation");
    verifies("trust.is_registered");
    const found = await model.ok("discover_sellers");
    expect(found.at("sources")).toMatchObject([
      { name: "config", status: "empty" },
      { name: "iab", status: "ok", listed: 2, unreadable: 0 },
    ]);
    const [northbeam, harborview] = found.list("sellers");
    expect(northbeam).toMatchObject({
      seller_id: expect.stringMatching(/^127\.0\.0\.1-\d+-[0-9a-f]{8}$/),
      ...{ name: "Northbeam Media", trust: "verified", protocol: "iab-seller-agent", is_registered: true },
      ...{ registry_id: "ag-northbeam", recommendation: "may be shown up to the agency", from_registry: true },
      trust_by: expect.stringMatching(/^iab, 20\d\d-\d\d-\d\d \d\d:\d\d UTC$/),
      registries: [{ registry: "iab", trust: "verified", stale: false }],
    });
    // No credential of anybody is sent to a seller that nobody configured.
    expect(northbeam).toMatchObject({ reveal_up_to: "public", relationship: "new", bought_before: 0 });
    expect(at(harborview, "recommendation")).toBe("start with the seat");
    expect(found.text).toMatch(/verified \(iab, .* UTC\), may be shown up to the agency; iab id ag-northbeam/);
  });

  test("without anybody having looked for them, all kits are all of theirs too", async () => {
    verifies("kit.parallel");
    const other = await registryDesk([{ id: "iab", kind, entry: { timeout_s: 5 } }]);
    try {
      other.registry("iab").list(other.agent("northbeam", "verified"), other.agent("harborview", "unknown"));
      const kit = await (await other.desk.connect()).ok("get_media_kit", {});
      const northbeam = new URL(other.sellers.seller("northbeam").url).host.replace(":", "-");
      const sellers = kit.list("sellers").map((one) => String(at(one, "seller_id")));
      const registered = kind === "aamp" ? 2 : 1;
      expect(sellers).toHaveLength(registered);
      expect(sellers.some((id) => id.startsWith(`${northbeam}-`))).toBe(true);
      expect(kit.list("products").length).toBeGreaterThan(0);
    } finally {
      await other.close();
    }
  });

  test("one of them is read, quoted, approved by a person and booked as any other", async () => {
    const found = await model.ok("discover_sellers", { query: "northbeam" });
    const id = found.string("sellers", 0, "seller_id");
    const product = `${id}/prod-53e78a97`;
    const kit = await model.ok("get_media_kit", { sellers: [id] });
    expect(kit.list("products").map((one) => at(one, "product"))).toContain(product);
    const item = { product, flight: flight(), impressions: 1_000_000, deal_type: "PG" };
    const quoted = await model.ok("request_quote", { items: [item] });
    const quote = quoted.string("quotes", 0, "quote_id");
    const bought = await model.ok("create_media_buy", { lines: [{ quote_id: quote }] });
    expect(bought.text).toMatch(/^booked: /);
    expect(stage.sellers.deals("northbeam")).toHaveLength(1);
    expect(stage.sellers.requests("northbeam").flatMap(({ credential }) => credential.key ?? [])).toEqual([]);
    // What was approved of it is on record, and the ledger with it stands up to an audit.
    expect((await model.ok("get_history")).text).toMatch(
      /is known from registries alone, and was approved at http.* by /,
    );
    const audited = await stage.desk.run("audit", "--verify");
    expect([audited.code, audited.stdout + audited.stderr]).toEqual([0, expect.stringMatching(/\S/)]);
  });
});
