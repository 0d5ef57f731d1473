import { describe, expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import { reply, stubMcp } from "../sellers/adcp-stubs.ts";
import { open, serve } from "../sellers/loopback.ts";
import { asking, type Change, discovery, errorIn, item, openBench, quoted, sellersIn, timed } from "./desk-bench.ts";

/** Whoever is asked: no entry of the config says what it speaks. */
const silentConfig: Change = (standard) => ({
  ...standard,
  sellers: sellersIn(standard).map(({ protocol: _said, ...rest }) => rest),
});

/** A desk with one IAB seller and, under another id, one at an address. */
async function benchWith(url: string, more: Record<string, unknown> = {}, timeouts = {}) {
  const bench = await openBench(
    (standard) => ({
      ...standard,
      timeouts,
      sellers: [
        ...sellersIn(standard),
        { id: "other", url, trust: "registered", credentials: { seat: { api_key: "k-other-seat" } }, ...more },
      ],
    }),
    { sellers: ["northbeam"] },
  );
  open.push(() => bench.close());
  return bench;
}

const terms = { maxBid: parseMoney("9.00 USD"), pricingOption: null, creativeIds: [] };

async function silentBench(adcp: readonly string[] = ["openbid"]) {
  const bench = await openBench(silentConfig, { sellers: ["northbeam"], adcp });
  open.push(() => bench.close());
  return bench;
}

const protocols = (found: Awaited<ReturnType<Awaited<ReturnType<typeof silentBench>>["desk"]["discover"]>>) =>
  Object.fromEntries(found.sellers.map(({ record }) => [record.id, record.protocol]));

describe("what a seller speaks is found out", () => {
  test("of an IAB seller agent by the one card that discovery reads anyway", async () => {
    const bench = await silentBench();
    const found = await bench.desk.discover(discovery());
    expect(protocols(found)).toEqual({ northbeam: "iab-seller-agent", openbid: "adcp" });
    expect(bench.sandbox.requests("northbeam").map(({ target }) => target)).toEqual(["/.well-known/agent.json"]);
    await bench.desk.discover(discovery({ refresh: true }));
    expect(bench.sent("northbeam", "card")).toBe(2);
  });

  test("at its first use, and of no other seller", async () => {
    const bench = await silentBench();
    await quoted(bench.desk, item("northbeam/prod-53e78a97"));
    expect(bench.sent("northbeam", "card")).toBe(1);
    expect(bench.sandbox.requests("openbid")).toEqual([]);
    await quoted(bench.desk, item("openbid/sports_display_auction", { budget: "5000 USD", terms }));
    expect((await bench.desk.seller("openbid")).protocol).toBe("adcp");
  });

  test("once, for the next process as well", async () => {
    const bench = await silentBench();
    await bench.desk.discover(discovery());
    bench.sandbox.clearRequests();
    const desk = bench.again();
    expect((await desk.sellers()).map(({ protocol }) => protocol)).toEqual(["iab-seller-agent", "adcp"]);
    await quoted(desk, item("northbeam/prod-53e78a97"));
    expect(bench.sent("northbeam", "card")).toBe(0);
  });

  test("over A2A where that is what there is", async () => {
    const bench = await openBench(silentConfig, { sellers: ["northbeam"], adcp: ["openbid"] });
    open.push(() => bench.close());
    bench.sandbox.adcp.modes("openbid", "a2a-only");
    const found = await bench.desk.discover(discovery());
    expect(protocols(found)["openbid"]).toBe("adcp");
  });

  test("of an OpenDirect seller by its card and its closed catalogue, without a word of the buyer", async () => {
    const bench = await openBench(silentConfig, { sellers: ["northbeam"], opendirect: ["citylight"] });
    open.push(() => bench.close());
    const found = await bench.desk.discover(discovery());
    expect(protocols(found)).toEqual({ northbeam: "iab-seller-agent", citylight: "opendirect" });
    const [card, catalogue] = bench.sandbox.requests("citylight");
    expect([card?.target, catalogue?.target]).toEqual([
      "/.well-known/agent.json",
      "/api/v2.1/products?limit=1&offset=0",
    ]);
    for (const one of [card, catalogue]) expect(one?.headers).not.toHaveProperty("authorization");
  });

  test.each(["baseprice", "basePrice", "BasePrice"])(
    "of an OpenDirect seller without a card by how it writes its products: %s",
    async (price) => {
      const { origin } = await serve((incoming, outgoing) => {
        const isCatalogue = incoming.url?.startsWith("/api/v2.1/products");
        const products = [{ [price]: 25, ...(price === "BasePrice" ? { Id: "1" } : { id: "1" }) }];
        outgoing.writeHead(isCatalogue ? 200 : 404, { "content-type": "application/json" });
        outgoing.end(JSON.stringify(isCatalogue ? { products } : {}));
      });
      const bench = await benchWith(`${origin}/api/v2.1`);
      expect(protocols(await bench.desk.discover(discovery()))["other"]).toBe("opendirect");
    },
  );

  test("and not asked for where the config says it", async () => {
    const { url, got } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, { result: {} }));
    const bench = await benchWith(url, { carrier: "mcp" });
    await bench.desk.discover(discovery());
    expect((await bench.desk.seller("other")).protocol).toBe("adcp");
    expect(got.some(({ url: path }) => path?.endsWith(".json"))).toBe(false);
  });
});

describe("a seller of whom it is not known", () => {
  test("is named with the reason, is not bought from, and costs the others nothing", async () => {
    const { origin } = await serve((_, outgoing) => outgoing.writeHead(404).end());
    const bench = await benchWith(origin);
    const found = await bench.desk.discover(discovery());
    expect(protocols(found)).toEqual({ northbeam: "iab-seller-agent" });
    expect(found.keptOut).toMatchObject([{ record: { id: "other", protocol: "unknown" }, status: "refused" }]);
    expect(found.keptOut[0]?.why).toMatch(/^What other speaks at .+ could not be found out: .+ The config can say it/);
    const [outcome] = await bench.desk.quote(asking([item("other/prod-1")]));
    expect(errorIn(outcome).message).toContain("could not be found out");
  });

  test("and that is down, is unreachable; once it is back it is found", async () => {
    let isDown = true;
    const { origin } = await serve((incoming, outgoing) => {
      if (isDown) return outgoing.destroy();
      const card = { name: "Other", version: "2.4.2", supported_deal_types: ["pg"] };
      const isCard = incoming.url === "/.well-known/agent.json";
      return outgoing.writeHead(isCard ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(card));
    });
    const bench = await benchWith(origin);
    const down = await bench.desk.discover(discovery());
    expect(down.keptOut).toMatchObject([{ record: { id: "other" }, status: "unreachable" }]);
    isDown = false;
    const back = await bench.desk.discover(discovery());
    expect(protocols(back)["other"]).toBe("iab-seller-agent");
  });

  test("and that says nothing, is waited for once, and the discovery time at most", async () => {
    const { origin } = await serve(() => undefined);
    const bench = await benchWith(origin, {}, { discovery_s: 2 });
    const first = await timed(bench.desk.discover(discovery()));
    expect(first.value.keptOut).toMatchObject([{ record: { id: "other" }, status: "timeout" }]);
    expect(first.ms).toBeLessThan(4_000);
    const second = await timed(bench.desk.seller("other"));
    expect(second.value.protocol).toBe("unknown");
    expect(second.ms).toBeLessThan(1_800);
    // Another's use does not wait at all.
    const other = await timed(quoted(bench.desk, item("northbeam/prod-53e78a97")));
    expect(other.ms).toBeLessThan(1_500);
  });

  test("is not contacted at all where it is blocked", async () => {
    const { origin, got } = await serve((_, outgoing) => outgoing.writeHead(404).end());
    const bench = await benchWith(origin, { trust: "blocked" });
    const found = await bench.desk.discover(discovery());
    expect(found.keptOut).toMatchObject([{ record: { id: "other" }, status: "blocked" }]);
    expect(got).toEqual([]);
  });
});
