import type { RequestListener } from "node:http";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { type AuthorizationAsk, isAuthorized } from "../../src/sellers/adagents.ts";
import { managerIn } from "../../src/sellers/adagents-file.ts";
import { canonicalAgentUrl, domainCovers, domainOf } from "../../src/sellers/adagents-names.ts";
import { openPublicFetch } from "../../src/sellers/public-fetch.ts";
import { json, serve, silent } from "./loopback.ts";
import { mapCache } from "./map-cache.ts";

/** Publishers on loopback: each has a folder of one server, and a map that says so. */
const agent = "https://agent.example/mcp";
const other = "https://other.example/mcp";
const file = "/.well-known/adagents.json";
const site = (id: string, more: object = {}) => ({
  property_id: id,
  property_type: "website",
  name: id,
  identifiers: [{ type: "domain", value: "sports.example" }],
  ...more,
});
const may = (more: object = {}) => ({
  url: agent,
  authorized_for: "all",
  authorization_type: "property_ids",
  property_ids: ["site"],
  ...more,
});

let pages: Record<string, RequestListener>;
let clock: number;
let cache: ReturnType<typeof mapCache>;
beforeEach(() => {
  pages = {};
  clock = Date.parse("2026-11-20T12:00:00Z");
  cache = mapCache(() => clock);
});

/** Puts the publisher's file in its place: the usual one, changed where the test says. */
function publish(more: object = {}, at = `/sports${file}`): void {
  pages[at] = json({ authorized_agents: [may()], properties: [site("site")], ...more });
}

/** @param patience milliseconds */
async function bench(patience = 10_000): Promise<{
  ask: (more?: Partial<AuthorizationAsk>) => Promise<unknown>;
  got: string[];
  origin: string;
}> {
  const { origin, got } = await serve((incoming, outgoing) => {
    const page = pages[incoming.url ?? ""];
    if (page) page(incoming, outgoing);
    else outgoing.writeHead(404).end();
  });
  const names = ["sports", "manager", "news"];
  const bases = new Map(names.map((name) => [`${name}.example`, `${origin}/${name}`]));
  const fetchText = openPublicFetch({
    local: { origins: [origin], allowed: true },
    timeouts: { discovery: patience },
    log: silent,
  });
  const usual: AuthorizationAsk = {
    agentUrl: agent,
    publishers: [{ domain: "sports.example", propertyIds: ["site"] }],
    countries: ["US"],
    at: new Date("2027-01-01T00:00:00Z"),
    fetchText,
    cache,
    ttlSeconds: 3_600,
    bases,
    now: () => new Date(clock),
  };
  return {
    origin,
    ask: async (more = {}) => {
      const answer = await isAuthorized({ ...usual, ...more });
      return answer.ok ? answer.checkedAt : answer.why;
    },
    get got() {
      return got.map(({ url }) => url ?? "");
    },
  };
}
const yes = "2026-11-20T12:00:00.000Z";

describe("a seller that the publisher lists", () => {
  test("may sell what the file says, under any spelling of its address, and under no other address", async () => {
    publish();
    const { ask } = await bench();
    for (const agentUrl of [agent, "HTTPS://Agent.Example:443/mcp/", "https://agent.example/x/../%6dcp#top"])
      expect(await ask({ agentUrl })).toBe(yes);
    for (const agentUrl of ["http://agent.example/mcp", "https://agent.example/MCP", "https://agent.example:8443/mcp"])
      expect(await ask({ agentUrl })).toMatch(/^sports.example does not list this seller/);
    expect(await ask({ agentUrl: "https://agent.example/a2a" })).toBe(
      "sports.example does not list this seller (https://agent.example/a2a) in its adagents.json with anything that can be read; it lists https://agent.example/mcp, which is another address.",
    );
    for (const agentUrl of ["https://u:p@agent.example/mcp", "agent.example", "ftp://agent.example/mcp"])
      expect(await ask({ agentUrl })).toMatch(/^The seller's agent has no address/);
  });

  const all = [site("site"), site("app", { tags: ["ctv"] })];
  test.each<[string, object, object, true | RegExp]>([
    ["an id it lists", {}, {}, true],
    ["another id", { properties: all }, { propertyIds: ["app"] }, /but not for property "app"\.$/],
    [
      "an id the file does not declare",
      { authorized_agents: [may({ property_ids: ["x"] })] },
      { propertyIds: ["x"] },
      /not for property "x"/,
    ],
    ["two ids, of which one is its", { properties: all }, { propertyIds: ["site", "app"] }, /not for property "app"/],
    ["all, of which one is its", { properties: all }, { propertyIds: [] }, /not for property "app"/],
    [
      "all by ids",
      { properties: all, authorized_agents: [may(), may({ property_ids: ["app"] })] },
      { propertyIds: [] },
      true,
    ],
    [
      "a tag by tag",
      { properties: all, authorized_agents: [may({ authorization_type: "property_tags", property_tags: ["ctv"] })] },
      { propertyIds: [], propertyTags: ["ctv"] },
      true,
    ],
    [
      "a tag on nothing",
      { properties: all, authorized_agents: [may({ authorization_type: "property_tags", property_tags: ["web"] })] },
      { propertyIds: [], propertyTags: ["web"] },
      /not for what is tagged "web"/,
    ],
    [
      "a tag of which one property is not its",
      { properties: [site("site", { tags: ["ctv"] }), all[1]] },
      { propertyIds: [], propertyTags: ["ctv"] },
      /not for property "app"/,
    ],
    [
      "inline",
      {
        properties: undefined,
        authorized_agents: [may({ authorization_type: "inline_properties", properties: [site("site")] })],
      },
      {},
      true,
    ],
    [
      "another's inline",
      {
        properties: undefined,
        authorized_agents: [
          may({ authorization_type: "inline_properties", properties: [site("app")] }),
          may({ url: other, authorization_type: "inline_properties", properties: [site("site")] }),
        ],
      },
      {},
      /not for property "site"/,
    ],
    [
      "the publisher by name",
      {
        properties: undefined,
        authorized_agents: [
          may({
            authorization_type: "publisher_properties",
            publisher_properties: [{ publisher_domains: ["news.example", "sports.example"], selection_type: "all" }],
          }),
        ],
      },
      { propertyIds: [] },
      true,
    ],
    [
      "another publisher by name",
      {
        properties: undefined,
        authorized_agents: [
          may({
            authorization_type: "publisher_properties",
            publisher_properties: [{ publisher_domain: "news.example", selection_type: "all" }],
          }),
        ],
      },
      {},
      /does not list this seller/,
    ],
    [
      "a selector with two addresses",
      {
        properties: undefined,
        authorized_agents: [
          may({
            authorization_type: "publisher_properties",
            publisher_properties: [
              { publisher_domain: "sports.example", publisher_domains: ["sports.example"], selection_type: "all" },
            ],
          }),
        ],
      },
      {},
      /does not list/,
    ],
    ["an entry of no kind", { authorized_agents: [{ url: agent, authorized_for: "all" }] }, {}, /does not list/],
    [
      "an entry for signals",
      {
        authorized_agents: [{ url: agent, authorized_for: "all", authorization_type: "signal_ids", signal_ids: ["a"] }],
      },
      {},
      /does not list/,
    ],
    ["nobody", { authorized_agents: [] }, {}, /does not list/],
    [
      "a property of another publisher",
      { properties: [site("site", { publisher_domain: "news.example" })] },
      {},
      /not for property "site"/,
    ],
    [
      "a placement that is its",
      { authorized_agents: [may({ placement_ids: ["top"] })] },
      { placementIds: ["top"] },
      true,
    ],
    [
      "a placement that is not",
      { authorized_agents: [may({ placement_ids: ["top"] })] },
      { placementIds: ["top", "end"] },
      /only in certain placements, not in "end"/,
    ],
    ["placements not said", { authorized_agents: [may({ placement_ids: ["top"] })] }, {}, /does not say which it uses/],
    [
      "a placement by its tag",
      { placements: [{ placement_id: "top", tags: ["open"] }], authorized_agents: [may({ placement_tags: ["open"] })] },
      { placementIds: ["top"] },
      true,
    ],
    [
      "a placement named like a method",
      { authorized_agents: [may({ placement_tags: ["open"] })] },
      { placementIds: ["constructor"] },
      /not in "constructor"/,
    ],
    [
      "a collection that is its",
      { authorized_agents: [may({ collections: [{ publisher_domain: "sports.example", collection_ids: ["s1"] }] })] },
      { collections: ["sports.example/s1"] },
      true,
    ],
    [
      "a collection that is not",
      { authorized_agents: [may({ collections: [{ publisher_domain: "sports.example", collection_ids: ["s1"] }] })] },
      { collections: ["sports.example/s2"] },
      /not with "sports.example\/s2"/,
    ],
  ])("%s", async (_, content, scope, expected) => {
    publish(content);
    const { ask } = await bench();
    const answer = await ask({ publishers: [{ domain: "sports.example", propertyIds: ["site"], ...scope }] });
    if (expected === true) expect(answer).toBe(yes);
    else expect(answer).toMatch(expected);
  });

  test("only in its countries, and only in its time, from the first day to the last", async () => {
    publish({
      authorized_agents: [
        may({
          countries: ["US", "CA"],
          effective_from: "2026-12-01T00:00:00Z",
          effective_until: "2027-06-30T23:59:59Z",
        }),
      ],
    });
    const { ask } = await bench();
    expect(await ask({ countries: ["US", "CA"], until: new Date("2027-06-30T00:00:00Z") })).toBe(yes);
    expect(await ask({ countries: ["US", "DE"] })).toMatch(/only in US, CA, not in "DE"\.$/);
    expect(await ask({ countries: [] })).toMatch(/only in US, CA, and this does not say where it runs\.$/);
    expect(await ask({ at: new Date("2026-11-30T23:59:59Z") })).toMatch(/only from 2026-12-01 on\.$/);
    expect(await ask({ until: new Date("2027-07-01T00:00:00Z") })).toMatch(/only until 2027-06-30\.$/);
    // An end before the beginning is no end.
    const [at, until] = [new Date("2027-07-10T00:00:00Z"), new Date("2026-12-15T00:00:00Z")];
    expect(await ask({ at, until })).toMatch(/only until 2027-06-30\.$/);
    expect(await ask({ at: new Date(Number.NaN) })).toMatch(/not known when/);
  });

  test("limits that cannot be read are not taken for none", async () => {
    const { ask } = await bench();
    for (const limit of [
      { countries: ["usa"] },
      { countries: null },
      { effective_until: "soon" },
      { placement_ids: "top" },
    ]) {
      await cache.clear();
      publish({ authorized_agents: [may(limit)] });
      expect(await ask()).toMatch(/does not list this seller .* with anything that can be read\.$/);
    }
  });

  test("not where the publisher says that it is another's alone", async () => {
    const { ask } = await bench();
    const said = /says that property "site" may be bought from another seller only \(exclusive\)\.$/;
    const premium = { url: other, exclusive: true, placement_tags: ["premium"] };
    const placements = [
      { placement_id: "top", tags: ["premium"] },
      { placement_id: "end", tags: ["open"] },
    ];
    const cases: [object, string[], RegExp | typeof yes][] = [
      [{ authorized_agents: [may(), may({ url: other, exclusive: true })] }, [], said],
      [{ authorized_agents: [may({ exclusive: true }), may({ url: other })] }, [], yes],
      [{ authorized_agents: [may(), may({ url: other, exclusive: true, countries: ["DE"] })] }, [], yes],
      [
        { authorized_agents: [may(), may({ url: other, exclusive: true, effective_until: "2026-12-01T00:00:00Z" })] },
        [],
        yes,
      ],
      [{ authorized_agents: [may(), { url: other, exclusive: true, authorization_type: "new" }] }, [], said],
      [{ authorized_agents: [may(), "other", null, []] }, [], yes],
      [{ authorized_agents: [may(), { url: other, exclusive: true, authorization_type: "signal_ids" }] }, [], yes],
      [{ authorized_agents: [may(), may(premium)], placements }, ["end"], yes],
      [{ authorized_agents: [may(), may(premium)], placements }, ["top"], said],
      [{ authorized_agents: [may(), may(premium)], placements }, [], said],
    ];
    for (const [content, placementIds, expected] of cases) {
      await cache.clear();
      publish(content);
      expect(await ask({ publishers: [{ domain: "sports.example", propertyIds: ["site"], placementIds }] })).toMatch(
        expected,
      );
    }
  });

  test("not unless every publisher of the product says so", async () => {
    publish();
    publish({ authorized_agents: [] }, `/news${file}`);
    const { ask } = await bench();
    const publishers = ["sports.example", "news.example"].map((domain) => ({ domain, propertyIds: ["site"] }));
    expect(await ask({ publishers })).toMatch(/^news.example does not list/);
    const many = Array.from({ length: 300 }, (_, n) => `p${n}`);
    const wide = [{ domain: "sports.example", propertyIds: many, placementIds: many }];
    expect(await ask({ publishers: wide })).toMatch(/too much to be checked/);
    expect(await ask({ publishers: [] })).toMatch(/^The product names no publisher/);
    expect(await ask({ publishers: Array.from({ length: 101 }, () => ({ domain: "sports.example" })) })).toMatch(/100/);
  });
});

describe("a file that shows nothing", () => {
  const elsewhere: RequestListener = (_, outgoing) => outgoing.writeHead(302, { location: `/news${file}` }).end();
  const big: RequestListener = (_, outgoing) =>
    outgoing.writeHead(200, { "content-type": "application/json" }).end(Buffer.alloc(5 << 20, 32));
  const text =
    (type: string, body: string): RequestListener =>
    (_, outgoing) =>
      outgoing.writeHead(200, { "content-type": type }).end(body);
  test.each<[string, RequestListener, RegExp]>([
    ["moved", elsewhere, /could not be read: .* redirected .* it was not followed/],
    ["no JSON", text("application/json", "{"), /is not JSON/],
    ["a page", text("text/html", "<h1>"), /is not JSON/],
    ["another JSON", json([1]), /does not have the form/],
    ["too large", big, /more than 4 MB/],
    ["an error", (_, outgoing) => outgoing.writeHead(503).end(), /HTTP 503/],
    ["silence", () => undefined, /did not answer .* within 0.3 s/],
    ["a broken line", (incoming) => incoming.socket.destroy(), /could not be read: /],
    [
      "a broken property",
      json({ authorized_agents: [may()], properties: [{ property_id: 5 }] }),
      /does not have the form/,
    ],
    [
      "superseded",
      json({ authorized_agents: [may()], properties: [site("site")], superseded_by: "https://x.example/" }),
      /another file has taken its place/,
    ],
    [
      "revoked",
      json({
        authorized_agents: [may()],
        properties: [site("site")],
        revoked_publisher_domains: [{ publisher_domain: "sports.example", revoked_at: "2026-11-01T00:00:00Z" }],
      }),
      /says that sports.example has left it/,
    ],
    [
      "a pointer that also lists",
      json({ authoritative_location: 5, authorized_agents: [may()], properties: [site("site")] }),
      /does not have the form/,
    ],
  ])("%s", async (what, page, why) => {
    publish({}, `/news${file}`);
    pages[`/sports${file}`] = page;
    const { ask } = await bench(what === "silence" ? 300 : undefined);
    expect(await ask()).toMatch(why);
  });

  test("that of a name which is no domain, or leads to this machine without permission, is not read", async () => {
    publish();
    const table = await bench();
    const { ask, origin } = table;
    for (const domain of [
      "127.0.0.1",
      "localhost",
      "sports.example:8443",
      "sports.example/x",
      "a b.example",
      "",
      "1.2.3.4",
      "[::1]",
      "x@y.example",
    ])
      expect(await ask({ publishers: [{ domain }] })).toBe("The product names a publisher that is no domain.");
    const fetchText = openPublicFetch({ local: { origins: [origin], allowed: false }, log: silent });
    expect(await ask({ fetchText })).toMatch(/was not called: its address is on this machine/);
    expect(table.got).toEqual([]);
  });
});

describe("a file elsewhere", () => {
  test("is read where the publisher points to, once", async () => {
    const { ask, origin } = await bench();
    pages[`/sports${file}`] = json({ authoritative_location: `${origin}/cdn/a.json?v=1` });
    publish({}, "/cdn/a.json?v=1");
    expect(await ask()).toBe(yes);
  });

  test.each<[string, (origin: string) => string, RegExp]>([
    ["http", () => "http://cdn.example/a.json", /no https address/],
    ["with a password", () => "https://u:p@cdn.example/a.json", /no https address/],
    ["no address", () => "adagents.json", /no https address/],
    ["an inner address", () => "https://10.0.0.8/a.json", /was not called: its address is not a public address/],
    ["this machine", () => "https://127.0.0.1:1/a.json", /was not called: its address is on this machine/],
    ["itself", (origin) => `${origin}/sports${file}`, /points to itself/],
    ["a pointer", (origin) => `${origin}/cdn/pointer.json`, /points on to another/],
    ["nothing", (origin) => `${origin}/cdn/none.json`, /does not exist \(HTTP 404\)/],
  ])("not where it points to %s", async (_, location, why) => {
    const { ask, origin } = await bench();
    pages[`/sports${file}`] = json({ authoritative_location: location(origin) });
    pages["/cdn/pointer.json"] = json({ authoritative_location: `${origin}/cdn/a.json` });
    expect(await ask()).toMatch(why);
  });

  test("a pointer that changes is believed after a day", async () => {
    const { ask, origin } = await bench();
    publish({}, "/cdn/a.json");
    publish({}, "/cdn/b.json");
    pages[`/sports${file}`] = json({ authoritative_location: `${origin}/cdn/a.json` });
    expect(await ask()).toBe(yes);
    pages[`/sports${file}`] = json({ authoritative_location: `${origin}/cdn/b.json` });
    clock += 3_601_000;
    expect(await ask()).toMatch(/has begun to point to another place .* from 2026-11-21T13:00:01.000Z on\.$/);
    clock += 86_399_000;
    expect(await ask()).toMatch(/has begun to point/);
    clock += 61_000;
    expect(await ask()).toBe(new Date(clock).toISOString());
  });

  const ads =
    (text: string): RequestListener =>
    (_, outgoing) =>
      outgoing.writeHead(200, { "content-type": "text/plain" }).end(text);
  const named = { properties: [site("site", { publisher_domain: "sports.example" })] };

  test("is its manager's where it has none and its ads.txt names one that names it", async () => {
    const { ask } = await bench();
    pages["/sports/ads.txt"] = ads("# x\nads.example, 1, DIRECT\nMANAGERDOMAIN=manager.example # since 2026\n");
    publish(named, `/manager${file}`);
    expect(await ask()).toBe(yes);
    await cache.clear();
    // A name by a domain identifier is a name as well; a property of nobody is not.
    publish({}, `/manager${file}`);
    expect(await ask()).toBe(yes);
    await cache.clear();
    publish({ properties: [site("site", { identifiers: [] })] }, `/manager${file}`);
    expect(await ask()).toMatch(/its manager manager.example does not name sports.example\.$/);
  });

  test.each<[string, string, RegExp]>([
    ["a comment", "# MANAGERDOMAIN=manager.example", /names no manager/],
    ["one taken back", "MANAGERDOMAIN=manager.example #noagents", /names no manager/],
    ["an address", "MANAGERDOMAIN=https://manager.example/", /names no manager/],
    ["one of a country only", "MANAGERDOMAIN=manager.example, US", /names no manager/],
    ["itself", "MANAGERDOMAIN=Sports.example", /names itself/],
    ["one without a file", "MANAGERDOMAIN=news.example", /news.example does not exist either/],
    [
      "the last of two",
      "MANAGERDOMAIN=manager.example\nMANAGERDOMAIN=news.example",
      /news.example does not exist either/,
    ],
  ])("no manager: %s", async (_, text, why) => {
    const { ask } = await bench();
    pages["/sports/ads.txt"] = ads(text);
    publish(named, `/manager${file}`);
    expect(await ask()).toMatch(why);
  });

  test("no manager where the publisher's own file only fails, and no second hop", async () => {
    const { ask, origin } = await bench();
    pages["/sports/ads.txt"] = ads("MANAGERDOMAIN=manager.example");
    publish(named, `/manager${file}`);
    for (const status of [403, 410, 500]) {
      await cache.clear();
      pages[`/sports${file}`] = (_, outgoing) => outgoing.writeHead(status).end();
      expect(await ask()).toMatch(new RegExp(`HTTP ${status}`));
    }
    await cache.clear();
    delete pages[`/sports${file}`];
    pages[`/manager${file}`] = json({ authoritative_location: `${origin}/cdn/a.json` });
    expect(await ask()).toMatch(/points on to another/);
  });

  test("without an ads.txt, nothing is shown", async () => {
    const { ask } = await bench();
    expect(await ask()).toMatch(/^sports.example publishes no adagents.json \(HTTP 404\) and no ads.txt/);
  });
});

describe("what was read", () => {
  test("is believed for its time, and a refusal for a minute", async () => {
    const table = await bench();
    const { ask } = table;
    expect(await ask()).toMatch(/HTTP 404/);
    const before = table.got.length;
    clock += 59_000;
    expect(await ask()).toMatch(/HTTP 404/);
    expect(table.got).toHaveLength(before);
    clock += 2_000;
    publish({ authorized_agents: [] });
    expect(await ask()).toMatch(/does not list/);
    publish();
    clock += 61_000;
    const read = new Date(clock).toISOString();
    expect(await ask()).toBe(read);
    publish({ authorized_agents: [] });
    clock += 3_599_000;
    expect(await ask()).toBe(read);
    clock += 2_000;
    expect(await ask()).toMatch(/does not list/);
  });

  test("a revocation is remembered for a week, also when an old file comes back", async () => {
    const { ask } = await bench();
    publish({
      revoked_publisher_domains: [{ publisher_domain: "sports.example", revoked_at: "2026-11-01T00:00:00Z" }],
    });
    expect(await ask()).toMatch(/has left it/);
    publish();
    clock += 6 * 86_400_000;
    expect(await ask()).toMatch(/said in the last 7 days that sports.example has left it/);
    clock += 86_400_000;
    expect(await ask()).toBe(new Date(clock).toISOString());
  });

  test("what the caller gave up says nothing", async () => {
    publish();
    const { ask } = await bench();
    expect(await ask({ signal: AbortSignal.abort() })).toMatch(/could not be read/);
    expect(await ask()).toBe(yes);
  });

  test("a file that many publishers share is read once", async () => {
    const table = await bench();
    const shared = `${table.origin}/cdn/a.json`;
    for (const name of ["sports", "news"]) pages[`/${name}${file}`] = json({ authoritative_location: shared });
    publish({}, "/cdn/a.json");
    const publishers = ["sports.example", "news.example"].map((domain) => ({ domain, propertyIds: ["site"] }));
    expect(await table.ask({ publishers })).toBe(yes);
    expect(table.got.filter((path) => path === "/cdn/a.json")).toHaveLength(1);
  });
});

describe("names", () => {
  test.each([
    [
      "example.com",
      "example.com www.example.com m.example.com",
      "news.example.com xexample.com example.com.x.example www.m.example.com",
    ],
    ["news.example.com", "news.example.com", "www.news.example.com example.com"],
    ["*.example.com", "news.example.com a.b.example.com www.example.com", "example.com xexample.com"],
    ["example.co.uk", "example.co.uk www.example.co.uk m.example.co.uk", "co.uk www.co.uk news.example.co.uk"],
    ["EXAMPLE.com", "example.com www.example.com", "example.org"],
    ["*.", "", "example.com"],
  ])("%s", (pattern, covered, not) => {
    const domains = (text: string) => text.split(" ").filter((domain) => domain !== "");
    expect(domains(covered).filter((domain) => !domainCovers(pattern, domain))).toEqual([]);
    expect(domains(not).filter((domain) => domainCovers(pattern, domain))).toEqual([]);
  });

  test("a canonical address is canonical, and its own", () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (url) => {
        const one = canonicalAgentUrl(url);
        expect(one).not.toBeNull();
        expect(canonicalAgentUrl(one ?? "")).toBe(one);
        expect(new URL(one ?? "").host).toBe(new URL(url).host);
      }),
    );
  });

  test("whatever an ads.txt holds, its manager is a domain, and never of a comment", () => {
    const parts = fc.constantFrom(
      "MANAGERDOMAIN=",
      "#",
      "\n",
      " ",
      "a.example",
      "noagents",
      ",",
      "=",
      "https://",
      "\r",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (words) => {
        const text = words.join("");
        const manager = managerIn(text);
        if (manager === null) return;
        expect(domainOf(manager)).toBe(manager);
        expect(text.split(/\r?\n/).some((line) => line.split("#")[0]?.includes(manager))).toBe(true);
      }),
    );
  });
});
