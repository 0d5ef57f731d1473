import process from "node:process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { approving, at, type Connection, type Person, type Reply } from "./client.ts";
import { type ConfigFile, flight } from "./fixtures.ts";
import { type RegistryDesk, registryDesk } from "./registries.ts";

/** What registries say may change at any moment; what is bought rests on what they say directly before. */

/** A quote from a seller that only a registry knows, for so many impressions. */
async function quoteFor(model: Connection, seller: string, impressions: number): Promise<string> {
  const item = { product: `${seller}/prod-53e78a97`, flight: flight(), impressions, deal_type: "PG" };
  const quoted = await model.ok("request_quote", { items: [item] });
  expect(quoted.at("failed") ?? [], quoted.text).toEqual([]);
  return quoted.string("quotes", 0, "quote_id");
}

const buy = (model: Connection, quote: string): Promise<Reply> =>
  model.call("create_media_buy", { lines: [{ quote_id: quote }] });

const withMandate =
  (change: ConfigFile) =>
  (standard: ConfigFile): ConfigFile => ({ ...standard, mandate: { ...Object(standard["mandate"]), ...change } });

describe.each(["aamp-legacy", "aamp"] as const)("trust that is taken back, by %s", (kind) => {
  let stage: RegistryDesk;
  let url: string;
  let id: string;
  let model: Connection;
  let whenAsked: () => void = () => undefined;
  let impressions = 1_000_000;
  const person: Person = (question) => {
    whenAsked();
    return approving(question);
  };
  beforeAll(async () => {
    stage = await registryDesk([{ id: "iab", kind, entry: { timeout_s: 5 } }]);
    model = await stage.desk.connect({ person });
    stage.registry("iab").list(stage.agent("northbeam", "verified"));
    url = stage.sellers.seller("northbeam").url;
    id = (await model.ok("discover_sellers")).string("sellers", 0, "seller_id");
  });
  beforeEach(() => {
    whenAsked = () => undefined;
    impressions += 10_000;
  });
  afterEach(async () => {
    stage.registry("iab").clearFaults();
    stage.registry("iab").trust(url, "verified");
    await model.ok("discover_sellers", { refresh: true });
  });
  afterAll(() => stage.close());

  const nothingBooked = (quote: string) =>
    expect(stage.sellers.deals("northbeam", quote.slice(id.length + 1))).toEqual([]);

  test("between quote and approval: it is not asked about, and the seller is not called again", async () => {
    const quote = await quoteFor(model, id, impressions);
    stage.registry("iab").trust(url, "blocked");
    stage.sellers.clearRequests();
    const refused = await buy(model, quote);
    expect(at(refused.error, "code"), refused.text).toBe("seller_blocked");
    expect(refused.text).toMatch(/is blocked \(iab, 20.* UTC\); it was not contacted\. Nothing was booked\./);
    expect(stage.sellers.requests()).toEqual([]);
    nothingBooked(quote);
  });

  test("while the person decides: the approval counts for nothing", async () => {
    const quote = await quoteFor(model, id, impressions);
    whenAsked = () => {
      stage.registry("iab").trust(url, "blocked");
      stage.sellers.clearRequests();
    };
    const refused = await buy(model, quote);
    expect(at(refused.error, "code"), refused.text).toBe("seller_blocked");
    expect(stage.sellers.requests()).toEqual([]);
    nothingBooked(quote);
  });

  test("between approval and sending: what was approved is not sent, and its money is given back", async () => {
    const quote = await quoteFor(model, id, impressions);
    // Asked once more for the decision, it still vouches.
    whenAsked = () => stage.registry("iab").trustAfter(1, url, "blocked");
    const refused = await buy(model, quote);
    expect(refused.text).toMatch(/is blocked \(iab, .*it was not contacted/);
    nothingBooked(quote);
    const history = await model.ok("get_history", { media_buy_id: quote });
    expect(history.text).toMatch(/APPROVED/);
    expect(history.text).toMatch(/not booked \(seller_blocked\): .* is blocked \(iab, .*nothing was sent/);
    expect((await model.ok("get_inbox")).text).toContain("Mandate: 0.00 USD committed today");
    expect(stage.sellers.requests().filter(({ operation }) => operation === "deal")).toEqual([]);
  });

  test("and is not listed, read or asked for a quote any more", async () => {
    verifies("trust.blocked", "trust.verify");
    stage.registry("iab").trust(url, "blocked");
    if (kind === "aamp-legacy") await buy(model, await quoteFor(model, id, impressions));
    else await model.ok("discover_sellers", { refresh: true });
    stage.sellers.clearRequests();
    const found = await model.ok("discover_sellers", { url });
    expect(found.at("kept_out", 0, "status"), found.text).toBe("blocked");
    const kit = await model.ok("get_media_kit", { sellers: [id], refresh: true });
    expect(kit.list("products")).toEqual([]);
    const item = { product: `${id}/prod-53e78a97`, flight: flight(), impressions: 77_000, deal_type: "PG" };
    const quoted = await model.ok("request_quote", { items: [item] });
    expect(quoted.at("failed", 0, "code"), quoted.text).toBe("seller_blocked");
    expect(stage.sellers.requests()).toEqual([]);
  });

  test("the registry is down at that moment: its last word counts, and the person is told so", async () => {
    const quote = await quoteFor(model, id, impressions);
    stage.registry("iab").down();
    let asked = "";
    whenAsked = () => {
      asked = model.questions.at(-1) ?? "";
    };
    const bought = await buy(model, quote);
    expect(bought.text).toMatch(/^booked: /);
    expect(stage.sellers.deals("northbeam", quote.slice(id.length + 1))).toHaveLength(1);
    expect(model.log()).toMatch(/trust rests on what registries said last/);
    expect(asked).toMatch(/verified by iab, last known of .* UTC: it does not answer now/);
  });

  test("down after it said blocked: blocked it stays", async () => {
    const quote = await quoteFor(model, id, impressions);
    stage.registry("iab").trust(url, "blocked");
    await buy(model, quote);
    stage.registry("iab").down();
    stage.sellers.clearRequests();
    const refused = await buy(model, quote);
    expect(at(refused.error, "code"), refused.text).toBe("seller_blocked");
    expect(refused.text).toMatch(/last known of .*it does not answer now/);
    expect(stage.sellers.requests()).toEqual([]);
  });
});

describe("whose word counts", () => {
  let stage: RegistryDesk;
  let model: Connection;
  beforeAll(async () => {
    const two = [
      { id: "iab", kind: "aamp-legacy", entry: { timeout_s: 5 } },
      { id: "club", kind: "agenticadvertising", entry: { timeout_s: 5 } },
      { id: "modest", kind: "aamp-legacy", entry: { timeout_s: 5, max_trust: "registered" } },
    ] as const;
    // Listed by the operator: harborview as it was known before, civicstream as one that is kept out.
    stage = await registryDesk(two, (standard, sellers) => ({
      ...withMandate({ sellers: { blocked_domains: ["blocked.example"] } })(standard),
      sellers: [
        { id: "harborview", trust: "registered", url: sellers.seller("harborview").url },
        { id: "civicstream", trust: "blocked", url: sellers.seller("civicstream").url },
      ],
    }));
    model = await stage.desk.connect({ person: approving });
  });
  beforeEach(async () => {
    for (const id of ["iab", "club", "modest"]) {
      stage.registry(id).clearFaults();
      stage.registry(id).list();
    }
  });
  afterAll(() => stage.close());

  const discover = () => model.ok("discover_sellers", { refresh: true });
  const called = (found: Reply, name: string) =>
    [...found.list("sellers"), ...found.list("kept_out")].find(
      (one) => at(one, "seller_id") === name || at(one, "name") === name,
    );
  const northbeam = (found: Reply) => called(found, "Northbeam Media");

  test("of several the best vouching one, by name", async () => {
    stage.registry("iab").list(stage.agent("northbeam", "registered"));
    stage.registry("club").list(stage.agent("northbeam", "verified"));
    expect(northbeam(await discover())).toMatchObject({
      ...{ trust: "verified", trust_by: expect.stringMatching(/^club, /) },
      registries: [
        { registry: "iab", trust: "registered" },
        { registry: "club", trust: "verified" },
      ],
    });
  });

  test("a registry counts for no more than the operator lets it", async () => {
    stage.registry("modest").list(stage.agent("northbeam", "preferred"));
    expect(northbeam(await discover())).toMatchObject({
      trust: "registered",
      trust_by: expect.stringMatching(/^modest/),
    });
  });

  test("one that blocks is enough, also for a seller of the config", async () => {
    for (const seller of ["northbeam", "harborview"]) {
      stage.registry("iab").list(stage.agent("northbeam", "preferred"), stage.agent("harborview", "preferred"));
      stage.registry("modest").list(stage.agent(seller, "blocked"));
      stage.sellers.clearRequests();
      const { url } = stage.sellers.seller(seller);
      const found = await model.ok("discover_sellers", { url, refresh: true });
      expect(found.at("kept_out", 0), found.text).toMatchObject({ status: "blocked", trust: "blocked" });
      expect(found.string("kept_out", 0, "why")).toMatch(/blocked \(modest, /);
      expect(stage.sellers.requests(seller)).toEqual([]);
      // Said once, it is known to whoever asks next, also where the list is silent about it.
      expect(called(await discover(), found.string("kept_out", 0, "seller_id"))).toMatchObject({ status: "blocked" });
      stage.registry("modest").list(stage.agent(seller, "registered"));
      await discover();
    }
  });

  test("the operator's trust is not raised, and whom the operator blocks stays blocked", async () => {
    stage.registry("iab").list(stage.agent("harborview", "preferred"), stage.agent("civicstream", "preferred"));
    stage.sellers.clearRequests();
    const found = await discover();
    expect(called(found, "harborview")).toMatchObject({
      ...{ trust: "registered", trust_by: "the operator's config", is_registered: true },
      registries: [{ registry: "iab", trust: "preferred" }],
    });
    expect(called(found, "civicstream")).toMatchObject({
      status: "blocked",
      why: expect.stringContaining("operator's config"),
    });
    expect(stage.sellers.requests("civicstream")).toEqual([]);
    // They are the operator's, under the operator's names, and not once more under a registry's.
    const names = found.list("sellers").map((one) => at(one, "name"));
    expect(names).toContain("harborview");
    expect(names).not.toContain("Harborview Audio & Outdoor");
  });

  test("another agent at the same place is trusted no further than the operator's own, and blocked with it", async () => {
    const beside = (seller: string) => {
      const { url } = stage.sellers.seller(seller);
      return stage.agent(seller, "preferred", { url: `${url}/second/agent`, name: `Second ${seller}` });
    };
    stage.registry("iab").list(beside("harborview"), beside("civicstream"));
    stage.sellers.clearRequests();
    const found = await discover();
    expect(called(found, "Second harborview") ?? found.text).toMatchObject({
      ...{ trust: "registered", trust_by: "as harborview: the operator's config" },
    });
    const out = found.list("kept_out").find((one) => String(at(one, "why")).startsWith("blocked (as civicstream"));
    expect(out, found.text).toMatchObject({ status: "blocked" });
    expect(stage.sellers.requests("civicstream")).toEqual([]);
  });

  test("what is only remembered raises nobody: of those that answer the best counts", async () => {
    stage.registry("iab").list(stage.agent("northbeam", "preferred"));
    stage.registry("club").list(stage.agent("northbeam", "registered"));
    expect(northbeam(await discover())).toMatchObject({ trust: "preferred" });
    stage.registry("iab").down();
    expect(northbeam(await discover())).toMatchObject({
      trust: "registered",
      trust_by: expect.stringMatching(/^club, /),
    });
    // Nobody answers: the last that is known, said so.
    stage.registry("club").down();
    const found = await discover();
    expect(northbeam(found)).toMatchObject({
      trust: "preferred",
      trust_by: expect.stringMatching(/^iab, last known of .* UTC: it does not answer now$/),
    });
  });
});

describe("the operator's own limits", () => {
  test("count for a seller of a registry once a person has approved it, and not while its registry is silent", async () => {
    const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
    const auto = withMandate({ channels: { form: most, auto: most }, min_trust: "verified" });
    const stage = await registryDesk([{ id: "iab", kind: "aamp-legacy", entry: { timeout_s: 5 } }], auto);
    try {
      const registry = stage.registry("iab");
      const { url } = stage.sellers.seller("northbeam");
      registry.list(stage.agent("northbeam", "verified"));
      const questions: string[] = [];
      const person: Person = (question) => {
        questions.push(question);
        return approving(question);
      };
      const model = await stage.desk.connect({ person });
      const id = (await model.ok("discover_sellers")).string("sellers", 0, "seller_id");
      expect((await buy(model, await quoteFor(model, id, 1_000_000))).text).toMatch(/^booked: /);
      expect(questions).toHaveLength(1);
      expect(questions[0]).toMatch(/is known from iab alone, and nobody has approved a buy from it yet/);
      expect((await buy(model, await quoteFor(model, id, 1_100_000))).text).toMatch(/^booked: /);
      expect(questions).toHaveLength(1);

      // Under its id at another address: another seller, and a person decides again.
      const elsewhere = stage.sellers.seller("harborview").url;
      registry.list({ ...stage.agent("northbeam", "verified"), url: elsewhere });
      const moved = await model.ok("discover_sellers", { url: elsewhere, refresh: true });
      const other = moved.string("sellers", 0, "seller_id");
      expect(other).not.toBe(id);
      const item = { product: `${other}/prod-a31c6f02`, flight: flight(), impressions: 1_000_000, deal_type: "PG" };
      const offered = await model.ok("request_quote", { items: [item] });
      await buy(model, offered.string("quotes", 0, "quote_id"));
      expect(questions.pop()).toMatch(/under the id of 127\S+, which was approved at http:\S+: it moved/);
      registry.list(stage.agent("northbeam", "verified"));
      await model.ok("discover_sellers", { refresh: true });

      registry.down();
      expect((await buy(model, await quoteFor(model, id, 1_200_000))).text).toMatch(/^booked: /);
      expect(questions).toHaveLength(2);
      expect(questions[1]).toMatch(/last known of .*: it does not answer now/);
      registry.clearFaults();

      // Trust that falls below what the mandate asks for ends it, also between the decision and the sending.
      const quote = await quoteFor(model, id, 1_300_000);
      registry.trustAfter(1, url, "registered");
      const refused = await buy(model, quote);
      expect(refused.text).toMatch(/min_trust is verified, and .* is registered by now \(iab, /);
      expect(stage.sellers.deals("northbeam")).toHaveLength(3);

      // A registry that forgets it does not make this desk forget what it bought.
      registry.list();
      expect((await buy(model, quote)).text).toMatch(/min_trust is verified, .* is unknown/);
      const delivery = await model.ok("get_media_buys", { refresh: true });
      expect(delivery.list("media_buys")).toHaveLength(4);
      const kept = (await model.ok("discover_sellers", { refresh: true })).list("kept_out");
      const forgotten = kept.find((one) => at(one, "seller_id") === id);
      expect(forgotten).toMatchObject({ trust: "unknown", why: expect.stringMatching(/no registry vouches/) });
    } finally {
      await stage.close();
    }
  });
});

// The settling time and the watcher's pauses are waited for.
describe.runIf(process.env["LONG"] === "1")("after a lost answer", () => {
  test("a booking is not sent again to a seller that was blocked meanwhile", { timeout: 30_000 }, notSentAgain);
});

async function notSentAgain(): Promise<void> {
  const soon = (standard: ConfigFile) => ({
    ...standard,
    booking: { settle_after_s: 1 },
    timeouts: { booking_s: 0.3 },
  });
  const stage = await registryDesk([{ id: "iab", kind: "aamp-legacy", entry: { timeout_s: 5 } }], soon);
  try {
    const { url } = stage.sellers.seller("northbeam");
    stage.registry("iab").list(stage.agent("northbeam", "verified"));
    const model = await stage.desk.connect({ person: approving });
    const id = (await model.ok("discover_sellers")).string("sellers", 0, "seller_id");
    const quote = await quoteFor(model, id, 1_000_000);
    // The request is taken and nothing is done with it.
    stage.sellers.fault("northbeam", { kind: "hang", operation: "deal", uses: 1 });
    expect((await buy(model, quote)).text).toMatch(/^unknown|booking_unknown/);
    stage.registry("iab").trust(url, "blocked");
    const sent = () => stage.sellers.requests("northbeam").filter(({ operation }) => operation === "deal").length;
    expect(sent()).toBe(1);
    await expect.poll(() => model.log(), { timeout: 15_000, interval: 100 }).toMatch(/"why":"[^"]* is blocked \(iab/);
    expect(sent()).toBe(1);
    expect((await model.ok("get_media_buys")).text).toContain("booking_unknown");
  } finally {
    await stage.close();
  }
}
