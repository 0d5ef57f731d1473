import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { approving, at, type Connection, type Reply } from "./client.ts";
import { flight } from "./fixtures.ts";
import { type RegistryDesk, registryDesk } from "./registries.ts";

/** Registries that are down, slow, lying, empty or silent; what is found all the same, and what is said of it. */

const names = (found: Reply) => found.list("sellers").map((one) => at(one, "name"));
const source = (found: Reply, name: string) => found.list("sources").find((one) => at(one, "name") === name);
const keptOut = (found: Reply) => found.list("kept_out");

describe("several registries", () => {
  let stage: RegistryDesk;
  let model: Connection;
  beforeAll(async () => {
    stage = await registryDesk([
      { id: "good", kind: "aamp", entry: { timeout_s: 5 } },
      { id: "dead", kind: "aamp-legacy", entry: { timeout_s: 5 } },
      { id: "slow", kind: "agenticadvertising", entry: { timeout_s: 30 } },
      { id: "liar", kind: "aamp", entry: { timeout_s: 5 } },
    ]);
  });
  beforeEach(async () => {
    model = await stage.desk.connect();
    for (const id of ["good", "dead", "slow", "liar"]) {
      stage.registry(id).clearFaults();
      stage.registry(id).malformed([]);
      stage.registry(id).list();
    }
    stage.sellers.clearRequests();
  });
  afterAll(() => stage.close());

  test("one dead, one slow, one lying: the right sellers, in time, and each registry by its own words", async () => {
    verifies("discovery.registry.down", "discovery.card.malformed");
    const { url } = stage.sellers.seller("harborview");
    stage.registry("good").list(stage.agent("northbeam", "verified"), stage.agent("harborview", "registered"));
    stage.registry("dead").down();
    stage.registry("slow").fault({ kind: "slow", ms: 20_000 });
    const lie = (name: string, address: string, change = {}) => ({
      ...{ name, url: address, id: name, trust: "verified" as const, ...change },
    });
    stage.registry("liar").list(
      lie("Cloud metadata", "http://169.254.169.254/latest"),
      lie("The network inside", "https://10.1.2.3"),
      lie("Nobody", "http://127.0.0.1:9"),
      // Another's address under a name of its own, and a domain that is not its own.
      lie("Northbeam, cheaper", url),
      lie("Northbeam Media", stage.sellers.seller("civicstream").url, { domain: "northbeam.example", id: "twice" }),
      lie("Again", "https://again.invalid", { id: "twice" }),
    );
    stage.registry("liar").malformed();
    const began = performance.now();
    const found = await model.ok("discover_sellers", { refresh: true, deadline_s: 5 });
    expect(performance.now() - began).toBeLessThan(5_500);

    expect(source(found, "good")).toMatchObject({ status: "ok", listed: 2, unreadable: 0 });
    expect(source(found, "dead")).toMatchObject({ status: "unreachable", listed: 0, stale: false });
    expect(source(found, "slow")).toMatchObject({ status: "timeout", why: expect.stringMatching(/within 2.5 s/) });
    expect(source(found, "liar")).toMatchObject({ status: "ok", listed: 6, unreadable: 5 });
    expect(found.text).toMatch(/dead unreachable \(dead broke off GET .*no earlier list is known\)/);

    // What it is called is what the first registry calls it; an address is one seller, whoever lists it.
    expect(names(found).sort()).toEqual(["Harborview Audio & Outdoor", "Northbeam Media", "Northbeam Media"]);
    const impostor = found
      .list("sellers")
      .find((one) => String(at(one, "domain")) === "127.0.0.1" && at(one, "cautions", 0));
    expect(at(impostor, "cautions")).toEqual([
      expect.stringMatching(/^listed under northbeam\.example, and its agent is elsewhere/),
    ]);
    expect(at(impostor, "registry_id")).toBe(null);
    const why = keptOut(found).map((one) => `${at(one, "status")}: ${at(one, "why")}`);
    expect(why).toEqual([
      expect.stringMatching(/^unreachable: .*is not a public address/),
      expect.stringMatching(/^unreachable: .*is not a public address/),
      expect.stringMatching(/^unreachable: .*could not be reached/),
      expect.stringMatching(/^unreachable: .*again\.invalid/),
    ]);
  });

  test("none there, and none found by the filter, are other answers than a registry that is down", async () => {
    verifies("discovery.registry.down", "discovery.registry.filter", "discovery.filter.filtered_out");
    // The last lists that are known are empty ones.
    await model.ok("discover_sellers", { refresh: true });
    stage.registry("good").list(stage.agent("northbeam", "verified", { capabilities: ["ctv", "display"] }));
    stage.registry("liar").fault("error-text");
    stage.registry("dead").down();
    const found = await model.ok("discover_sellers", { refresh: true, channels: ["dooh"], deadline_s: 2 });
    expect(found.list("sellers")).toEqual([]);
    expect(keptOut(found)).toMatchObject([{ status: "filtered", why: "listed for ctv, display" }]);
    expect(found.list("sources").map((one) => `${at(one, "name")} ${at(one, "status")}`)).toEqual([
      "config empty",
      "good ok",
      "dead unreachable",
      "slow empty",
      "liar unreachable",
    ]);
    // The filter is ours: what is fetched is the same, and a seller that is not asked for is not called.
    expect(stage.sellers.requests("northbeam")).toEqual([]);
    expect(names(await model.ok("discover_sellers", { channels: ["ctv"] }))).toEqual(["Northbeam Media"]);
    const asked = stage.registry("good").requests().length;
    expect(names(await model.ok("discover_sellers", { capability: "negotiate" }))).toEqual(["Northbeam Media"]);
    expect(stage.registry("good").requests()).toHaveLength(asked);
    const spoken = await model.ok("discover_sellers", { protocol: "adcp" });
    expect(keptOut(spoken)).toMatchObject([{ why: "speaks iab-seller-agent" }]);
  });

  test("one that goes down is still known by its last good list, which is said to be old", async () => {
    verifies("discovery.registry.fallback");
    stage.registry("dead").list(stage.agent("harborview", "verified"));
    expect(names(await model.ok("discover_sellers", { refresh: true }))).toEqual(["Harborview Audio & Outdoor"]);
    stage.registry("dead").down();
    const found = await model.ok("discover_sellers", { refresh: true });
    expect(found.at("sellers", 0)).toMatchObject({
      ...{ name: "Harborview Audio & Outdoor", trust: "verified" },
      trust_by: expect.stringMatching(/^dead, last known of .*does not answer now$/),
      registries: [{ stale: true }],
    });
    expect(source(found, "dead")).toMatchObject({ status: "unreachable", stale: true, listed: 1 });
    expect(found.text).toMatch(/the last known list of 20\d\d-.* is used, 1 listed/);
    // Another process, started while it is down, knows as much.
    const later = await (await stage.desk.connect()).ok("discover_sellers", { refresh: true });
    expect(at(source(later, "dead"), "stale")).toBe(true);
    expect(names(later)).toEqual(["Harborview Audio & Outdoor"]);
    // An answer that is no list is as good as none, and takes the last good one from nobody.
    stage.registry("dead").clearFaults();
    stage.registry("dead").fault({ kind: "malformed", how: "truncated" });
    const broken = await model.ok("discover_sellers", { refresh: true });
    expect(source(broken, "dead")).toMatchObject({ status: "invalid_answer", stale: true });
    expect(names(broken)).toEqual(["Harborview Audio & Outdoor"]);
  });

  test("without its id, by a tacit list: trust is asked for each address, before the seller is called", async () => {
    verifies("trust.verify", "trust.before_contact");
    const registry = stage.registry("dead");
    registry.listsTrust = false;
    registry.list(
      stage.agent("northbeam", "verified"),
      stage.agent("harborview", "blocked"),
      stage.agent("civicstream", "unknown"),
    );
    const found = await model.ok("discover_sellers", { refresh: true });
    expect(names(found)).toEqual(["Northbeam Media"]);
    expect(registry.requests().map(({ target }) => target.split("?")[0])).toContain("/verify");
    expect(keptOut(found)).toMatchObject([{ status: "filtered", why: expect.stringMatching(/no registry vouches/) }]);
    expect(stage.sellers.requests("civicstream")).toEqual([]);
    registry.listsTrust = true;
  });

  test("a seller met by its address has the trust that registries give it, and can be bought from", async () => {
    verifies("discovery.card.direct", "trust.is_registered");
    const { url } = stage.sellers.seller("civicstream");
    const registry = stage.registry("dead");
    const listed = stage.agent("civicstream", "verified");
    registry.list();
    const unknown = await model.ok("discover_sellers", { url: "https://nobody.invalid", refresh: true });
    expect(unknown.at("kept_out", 0, "trust")).toBe("unknown");
    registry.list(listed);
    registry.malformed([]);
    const found = await model.ok("discover_sellers", { url, refresh: true });
    expect(found.at("sellers", 0), found.text).toMatchObject({
      trust: "verified",
      is_registered: true,
      registry_id: "ag-civicstream",
    });
    const id = found.string("sellers", 0, "seller_id");
    const kit = await model.ok("get_media_kit", { sellers: [id] });
    expect(kit.list("products").length).toBeGreaterThan(0);
  });
});

describe("how a registry is reached", () => {
  test("its time-out and its credential are settings, and the credential goes nowhere else", async () => {
    verifies("discovery.registry.timeout", "discovery.registry.url");
    const stage = await registryDesk([
      { id: "quick", kind: "aamp", entry: { timeout_s: 2, credential: { bearer: "registry-token-12345" } } },
    ]);
    try {
      const model = await stage.desk.connect();
      const registry = stage.registry("quick");
      registry.list(stage.agent("northbeam", "verified"));
      expect(names(await model.ok("discover_sellers"))).toEqual(["Northbeam Media"]);
      expect(registry.requests().map(({ headers }) => headers["authorization"])).toEqual([
        "Bearer registry-token-12345",
      ]);
      const sent = stage.sellers.requests().map(({ rawHeaders, target }) => [target, ...rawHeaders].join("\n"));
      expect(sent.join("\n")).not.toContain("registry-token-12345");

      registry.fault("hang");
      const found = await model.ok("discover_sellers", { refresh: true });
      expect(source(found, "quick")).toMatchObject({ status: "timeout", why: expect.stringMatching(/within 2 s/) });
      expect(names(found)).toEqual(["Northbeam Media"]);
      expect(model.log() + found.text).not.toContain("registry-token-12345");
    } finally {
      await stage.close();
    }
  });
});

describe("AgenticAdvertising.org", () => {
  test("its agents are found, and asked over the protocol that it says; their account is told to preferred ones alone", async () => {
    verifies("discovery.card.mcp_a2a_opendirect");
    const stage = await registryDesk(
      [
        { id: "aao", kind: "agenticadvertising" },
        { id: "iab", kind: "aamp-legacy" },
      ],
      (standard) => ({
        ...standard,
        adcp: { account: { brand: "acmeoutdoor.example", operator: "agency.example", billing: "operator" } },
      }),
      { sellers: ["northbeam"], adcp: true },
    );
    try {
      const model = await stage.desk.connect();
      stage
        .registry("aao")
        .list(
          stage.agent("streamhaus", "verified", { protocol: "mcp" }),
          stage.agent("openbid", "registered", { protocol: "a2a" }),
        );
      stage.registry("iab").list(stage.agent("northbeam", "verified"));
      const found = await model.ok("discover_sellers");
      const spoken = found
        .list("sellers")
        .map((one) => `${at(one, "name")} ${at(one, "protocol")} ${at(one, "trust")}`);
      expect(spoken.sort(), found.text).toEqual([
        expect.stringMatching(/^Northbeam Media iab-seller-agent verified$/),
        expect.stringMatching(/ adcp (registered|verified)$/),
        expect.stringMatching(/ adcp (registered|verified)$/),
      ]);
      const adcp = found.list("sellers").find((one) => at(one, "name") === stage.agent("streamhaus", "verified").name);
      expect(adcp).toMatchObject({ reveal_up_to: "public" });
      // Told nothing, they are read as anybody may read them, and not asked for a price.
      const id = String(at(adcp, "seller_id"));
      const kit = await model.ok("get_media_kit", { sellers: [id] });
      const product = kit.string("products", 0, "product");
      const item = { product, flight: flight(), budget: "20000.00 USD" };
      const refused = await model.ok("request_quote", { items: [item] });
      expect(refused.at("failed", 0, "code"), refused.text).toBe("trust_too_low");
      const sent = () =>
        stage.sellers
          .requests()
          .map(({ body }) => body)
          .join("\n");
      expect(sent()).not.toMatch(/acmeoutdoor|agency\.example/);

      // A registry whose word goes so far calls it preferred: then it is told, and asked.
      stage.registry("iab").list(stage.agent("streamhaus", "preferred"));
      const preferred = await model.ok("discover_sellers", { refresh: true, query: "streamhaus" });
      expect(preferred.at("sellers", 0), preferred.text).toMatchObject({ seller_id: id, reveal_up_to: "advertiser" });
      const asked = await model.ok("request_quote", { items: [item] });
      // It wants a key, which nobody has for a seller that nobody configured; but it was told who asks.
      expect(asked.at("failed", 0, "code"), asked.text).toBe("credential_missing");
      expect(sent()).toMatch(/acmeoutdoor/);
    } finally {
      await stage.close();
    }
  });
});

describe("sellers of a registry that look like the operator's own", () => {
  let stage: RegistryDesk;
  let model: Connection;
  const questions: string[] = [];
  beforeAll(async () => {
    stage = await registryDesk([{ id: "iab", kind: "aamp" }], (standard, sellers) => ({
      ...standard,
      sellers: [
        { id: "northbeam", domain: "northbeam.example", trust: "verified", url: sellers.seller("northbeam").url },
      ],
    }));
    model = await stage.desk.connect({
      person: (question) => {
        questions.push(question);
        return approving(question);
      },
    });
  });
  beforeEach(() => stage.sellers.clearRequests());
  afterAll(() => stage.close());

  test("by domain or by name are flagged, wherever they are named; their names find the operator's", async () => {
    const { url } = stage.sellers.seller("harborview");
    stage
      .registry("iab")
      .list(
        ...["https://northbearn.invalid", "https://xn--nrthbem-7fg4j.invalid", "https://northbeam.invalid"].map(
          (address) => ({ url: address, name: "Fine Media", id: address, trust: "verified" as const }),
        ),
        { url, name: "Nоrthbeаm", id: "ag-7", trust: "verified" },
      );
    const found = await model.ok("discover_sellers", { refresh: true });
    for (const one of found.list("kept_out"))
      expect(at(one, "cautions")).toEqual(["its domain looks like that of northbeam (northbeam.example)"]);
    expect(found.list("kept_out")).toHaveLength(3);
    const alike = found.list("sellers").find((one) => at(one, "from_registry") === true);
    expect(at(alike, "cautions")).toEqual([
      expect.stringMatching(/^its name looks like that of northbeam, which is at /),
    ]);
    expect(found.text).toMatch(/its name looks like that of northbeam/);

    // A person who is asked to buy there is told so.
    const id = String(at(alike, "seller_id"));
    const item = { product: `${id}/prod-a31c6f02`, flight: flight(), impressions: 1_000_000, deal_type: "PG" };
    const quoted = await model.ok("request_quote", { items: [item] });
    await model.ok("create_media_buy", { lines: [{ quote_id: quoted.string("quotes", 0, "quote_id") }] });
    expect(questions.at(-1)).toMatch(/its name looks like that of northbeam/);
    stage.registry("iab").list({ url, name: "northbeam", id: "ag-7", trust: "verified" });
    await model.ok("discover_sellers", { refresh: true });
    const kit = await model.ok("get_media_kit", { sellers: ["northbeam"] });
    expect(kit.list("sellers").map((one) => at(one, "seller_id"))).toEqual(["northbeam"]);
  });

  test("by the domain it is listed under: nobody's word for it is believed, and it is not called", async () => {
    stage.registry("iab").list(stage.agent("civicstream", "verified", { domain: "ads.northbeam.example" }));
    const found = await model.ok("discover_sellers", { refresh: true });
    const why = "listed under northbeam.example, which is that of northbeam; not believed: public media kit only";
    const robber = found.list("kept_out").find((one) => at(one, "why") === why);
    expect(robber, found.text).toMatchObject({ status: "filtered", trust: "unknown" });
    expect(stage.sellers.requests("civicstream")).toEqual([]);
    const id = String(at(robber, "seller_id"));
    const item = { product: `${id}/prod-e28c7f13`, flight: flight(), impressions: 1_000_000, deal_type: "PG" };
    const refused = await model.ok("request_quote", { items: [item] });
    expect(refused.at("failed", 0, "code"), refused.text).toBe("trust_too_low");
  });
});
