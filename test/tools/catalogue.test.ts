import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { instructions } from "../../src/server.ts";
import { approving, at, clientKinds, type Connection } from "../e2e/client.ts";
import { dealsOf, flight, quoteFrom, startDesk, type TestDesk } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";

/**
 * Every argument of every tool, by its path. Whoever adds one has to come here and answer: can a model approve with it?
 */
const allArguments: Readonly<Record<string, readonly string[]>> = {
  discover_sellers: [
    "capability",
    "channels[]",
    "countries[]",
    "deadline_s",
    "min_trust",
    "protocol",
    "query",
    "refresh",
    "url",
  ],
  get_media_kit: [
    "brief",
    "channels[]",
    "cursor",
    "deadline_s",
    "deal_type",
    "formats[]",
    "geo[]",
    "limit",
    "max_cpm",
    "query",
    "refresh",
    "sellers[]",
  ],
  request_quote: [
    "campaign",
    "deadline_s",
    "goal",
    "items[].brief",
    "items[].budget",
    "items[].creative_ids[]",
    "items[].deal_type",
    "items[].flight.end",
    "items[].flight.start",
    "items[].impressions",
    "items[].max_bid",
    "items[].offer_cpm",
    "items[].pricing_option",
    "items[].product",
    "items[].targeting.audience[]",
    "items[].targeting.frequency_cap",
    "items[].targeting.geo[]",
    "items[].with[].budget",
    "items[].with[].creative_ids[]",
    "items[].with[].max_bid",
    "items[].with[].pricing_option",
    "items[].with[].product",
    "quote_ids[]",
  ],
  compare_quotes: ["campaign", "formats[]", "quotes[]"],
  negotiate: [
    "deadline_s",
    "max_rounds",
    "move",
    "quotes[].ask",
    "quotes[].max_cpm",
    "quotes[].offer_cpm",
    "quotes[].quote_id",
    "quotes[].target_cpm",
    "step",
    "strategy",
  ],
  create_media_buy: [
    "campaign",
    "lines[].budget",
    "lines[].creative_ids[]",
    "lines[].deal_type",
    "lines[].flight.end",
    "lines[].flight.start",
    "lines[].impressions",
    "lines[].max_bid",
    "lines[].product",
    "lines[].quote_id",
    "po_number",
  ],
  approve: ["approval_id", "wait_s"],
  plan_campaign: [
    "action",
    "basis",
    "brand_safety[]",
    "brief",
    "budget",
    "campaign_id",
    "channels[]",
    "commission",
    "deal_types[]",
    "demographics[]",
    "end",
    "excluded_sellers[]",
    "frequency_cap",
    "geo[]",
    "interests[]",
    "kpis[]",
    "max_cpm",
    "name",
    "objective",
    "po_number",
    "preferred_sellers[]",
    "quote_id",
    "seller_share",
    "start",
    "wait_s",
  ],
  get_inbox: [],
  get_media_buys: ["campaign", "delivery", "ids[]", "limit", "plan", "refresh", "status[]"],
  get_delivery: ["campaign", "daily", "ids[]"],
  update_media_buy: [
    "action",
    "end",
    "media_buy_id",
    "packages[].budget",
    "packages[].daily_cap",
    "packages[].impressions",
    "packages[].max_bid",
    "packages[].package",
    "start",
  ],
  sync_creatives: [
    "assignments[].creative_id",
    "assignments[].package",
    "creatives[].assets",
    "creatives[].creative_id",
    "creatives[].format",
    "creatives[].name",
    "media_buy_id",
    "seller",
  ],
  get_history: ["campaign", "cursor", "deal_id", "flow_id", "kind", "limit", "media_buy_id", "since"],
};

/** Where a schema is `{}`: anything at all. An object without named fields has an empty `properties`, which is none. */
function emptySchemas(within: object, path: readonly string[] = []): string[] {
  return Object.entries(within).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value !== "object" || value === null) return [];
    const here = [...path, key];
    if (Object.keys(value).length > 0) return emptySchemas(value, here);
    return Array.isArray(value) || key === "properties" ? [] : [here.join(".")];
  });
}

const readTools = [
  ...["discover_sellers", "get_media_kit", "compare_quotes"],
  ...["get_inbox", "get_media_buys", "get_delivery", "get_history"],
];

/** Words that no argument may be called by: with one of them a model might decide, or hold what a person holds. */
const forbidden =
  /(^|_)(approve[sd]?|decision|decided?|confirm(ed)?|consent|authori[sz]e[d]?|pin|passphrase|password|token|secret|credential[s]?|key|override|force|auto|skip|human|person)(_|$)/;

/** What a tool needs besides an argument nobody knows; nothing here exists, so nothing can happen. */
const leastArguments: Readonly<Record<string, Record<string, unknown>>> = {
  request_quote: { items: [{ product: "northbeam/prod-53e78a97", flight: flight(), impressions: 100_000 }] },
  negotiate: { quotes: [{ quote_id: "northbeam/qt-nothing" }] },
  create_media_buy: { lines: [{ quote_id: "northbeam/qt-nothing" }] },
  approve: { approval_id: "ap_nothing" },
  plan_campaign: { campaign_id: "cp_nothing" },
  update_media_buy: { media_buy_id: "northbeam/qt-nothing", action: "cancel" },
  sync_creatives: { seller: "northbeam", creatives: [{ creative_id: "a", name: "A", format: "video", assets: {} }] },
};

let desk: TestDesk;
let client: Connection;

beforeAll(async () => {
  desk = await startDesk();
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

async function listed(from: Connection = client) {
  const { tools } = await from.sdk.client.listTools();
  return tools;
}

describe("the list of tools", () => {
  test("has these tools, in this order, in both eras, well under twenty and 24,000 bytes", async () => {
    verifies("tool.list_size", "server.eras");
    for (const kind of clientKinds) {
      const from = await desk.connect({ kind });
      const tools = await listed(from);
      expect(tools.map(({ name }) => name)).toEqual(Object.keys(allArguments));
      expect(tools.length).toBeLessThan(20);
      expect(Buffer.byteLength(JSON.stringify({ tools }))).toBeLessThan(24_000);
    }
  });

  test("says of each tool in four annotations what it does to the world", async () => {
    verifies("tool.annotations");
    const read = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true };
    const record = { ...read, readOnlyHint: false };
    const spend = { ...record, destructiveHint: true };
    const annotations = (await listed()).map((tool) => [tool.name, tool.annotations]);
    expect(Object.fromEntries(annotations)).toEqual({
      discover_sellers: read,
      get_media_kit: read,
      request_quote: record,
      compare_quotes: read,
      negotiate: { ...record, idempotentHint: false },
      create_media_buy: spend,
      approve: spend,
      plan_campaign: spend,
      get_inbox: read,
      get_media_buys: read,
      get_delivery: read,
      update_media_buy: spend,
      sync_creatives: spend,
      get_history: read,
    });
  });

  test("gives each tool a title, a description, and object schemas for input and output", async () => {
    verifies("tool.annotations");
    for (const { name, title, description, inputSchema, outputSchema } of await listed()) {
      expect(title, name).toMatch(/^[A-Z]/);
      expect(description?.length ?? 0, name).toBeGreaterThan(40);
      for (const schema of [inputSchema, outputSchema]) {
        expect(schema?.type, name).toBe("object");
        // Hosts refuse or mangle unions at the root.
        for (const union of ["anyOf", "oneOf", "allOf"]) expect(Object.keys(schema ?? {}), name).not.toContain(union);
      }
      expect(inputSchema["additionalProperties"], name).toBe(false);
      expect(outputSchema?.required, name).toEqual(expect.arrayContaining(["advertiser", "sandbox", "next"]));
    }
  });

  test("has no schema that says nothing, which hosts read each in their own way", async () => {
    for (const { name, inputSchema, outputSchema } of await listed())
      expect(emptySchemas({ inputSchema, outputSchema }), name).toEqual([]);
    expect(emptySchemas({ a: { additionalProperties: {} }, b: [{ items: {} }], properties: {} })).toEqual([
      "a.additionalProperties",
      "b.0.items",
    ]);
  });

  test("has no argument with which a model could approve", async () => {
    verifies("promise.no_approving_argument", "connection.auth.not_an_argument");
    const found = (await listed()).map(({ name, inputSchema }) => [name, argumentsOf(inputSchema).toSorted()]);
    expect(Object.fromEntries(found)).toEqual(allArguments);
    for (const { name, inputSchema } of await listed()) {
      for (const path of argumentsOf(inputSchema)) {
        for (const part of path.split(/[.[\]]+/)) expect(part, `${name}.${path}`).not.toMatch(forbidden);
      }
      // A read may filter by `approved`; a tool that acts must not take such a word.
      const words = readTools.includes(name) ? [] : enumsOf(inputSchema);
      for (const word of words) expect(word, name).not.toMatch(/^(approved?|reject(ed)?|confirm(ed)?|yes)$/);
    }
  });

  test("the rule would catch such an argument", () => {
    verifies("promise.no_approving_argument");
    const bad = [
      "approve",
      "approved",
      "auto_approve",
      "human_decision",
      "confirm",
      "pin",
      "api_key",
      "force",
      "token",
    ];
    for (const name of bad) expect(name).toMatch(forbidden);
    for (const name of ["approval_id", "wait_s", "move", "quote_id"]) expect(name).not.toMatch(forbidden);
    const hidden = {
      type: "object",
      properties: { a: { anyOf: [{ properties: { approved: { type: "boolean" } } }] } },
    };
    expect(argumentsOf(hidden)).toEqual(["a.approved"]);
  });
});

test("the instructions stay under 1 kB, and reach the client", () => {
  verifies("server.instructions");
  expect(Buffer.byteLength(instructions)).toBeLessThan(1_000);
  expect(client.sdk.client.getInstructions()).toBe(instructions);
});

test.each(readTools)("%s answers to an empty argument object, and to none", async (name) => {
  verifies("tool.reads_take_nothing");
  const reply = await client.ok(name, {});
  expect(reply.at("advertiser")).toBe("Acme Outdoor");
  const { sdk } = client;
  const bare = await sdk.client.callTool({ name });
  expect(at(bare, "isError") ?? false).toBe(false);
});

test.each(Object.keys(allArguments))("%s refuses an argument it does not know", async (name) => {
  verifies("promise.no_approving_argument", "tool.error_shape");
  const least = leastArguments[name] ?? {};
  for (const extra of [{ approved: true }, { auto_approve: true }, { decision: "approve" }, { pin: "12345678" }]) {
    const reply = await client.call(name, { ...least, ...extra });
    expect(reply.isError, reply.text).toBe(true);
    expect(reply.text).toMatch(/^invalid_arguments: /);
    expect(reply.text).toContain(Object.keys(extra)[0]);
    expect(reply.text).toContain("Nothing was booked.");
    expect(reply.error).toMatchObject({
      code: "invalid_arguments",
      recovery: "fix_arguments",
      nothing_booked: true,
    });
  }
});

test("an argument nobody knows is refused inside a line too, and nothing is asked or booked", async () => {
  verifies("promise.no_approving_argument", "approval.gate");
  const quoteId = await quoteFrom(client, { impressions: 111_000 });
  const asked = client.questions.length;
  const reply = await client.call("create_media_buy", { lines: [{ quote_id: quoteId, approved: true }] });
  expect(reply.text).toMatch(/^invalid_arguments: lines\.0: .*approved/);
  expect(client.questions.length).toBe(asked);
  expect(dealsOf(desk, quoteId)).toBe(0);
});

/** Both SDKs check structured content against the listed output schema, once they have the list. */
test.each(clientKinds)("every answer fits its output schema, as a %s client checks", async (kind) => {
  verifies("tool.annotations", "tool.echo");
  const from = await desk.connect({ kind, person: approving });
  await listed(from);
  const impressions = 200_000 + 1_000 * clientKinds.indexOf(kind);
  const quoteId = await quoteFrom(from, { impressions, campaign: `Schema ${kind}` });
  const first = await quoteFrom(from, { impressions: impressions + 500 });
  const renewed = await from.ok("request_quote", { quote_ids: [first] });
  const spare = renewed.string("quotes", 0, "quote_id");
  const replies = [
    await from.ok("discover_sellers"),
    await from.ok("get_media_kit", { limit: 50 }),
    renewed,
    await from.ok("compare_quotes"),
    await from.ok("negotiate", { quotes: [{ quote_id: quoteId, target_cpm: "28.00 USD" }] }),
    await from.ok("create_media_buy", { lines: [{ quote_id: quoteId }] }),
    await from.ok("get_inbox"),
    await from.ok("get_media_buys", { delivery: true, refresh: true }),
    await from.ok("get_media_buys", { plan: true }),
    await from.ok("get_delivery", { daily: true }),
    await from.ok("update_media_buy", { media_buy_id: quoteId, action: "cancel" }),
    await from.ok("get_history", { limit: 200 }),
  ];
  const pending = await (await desk.connect({ kind })).ok("create_media_buy", { lines: [{ quote_id: spare }] });
  replies.push(pending, await from.ok("approve", { approval_id: pending.string("approval", "approval_id") }));
  for (const reply of replies) {
    expect(reply.at("advertiser")).toBe("Acme Outdoor");
    expect(reply.at("sandbox")).toBe(false);
    const next = reply.list("next");
    expect(next.length).toBeGreaterThan(0);
    expect(next.length).toBeLessThanOrEqual(3);
    expect(reply.text.trimEnd().endsWith(`Next: ${next.join(" | ")}`), reply.text).toBe(true);
  }
});

/** Paths of all leaves of an input schema, wherever a schema may hide properties. */
function argumentsOf(schema: unknown): string[] {
  const below = (path: string, inner: unknown) => {
    const deeper = argumentsOf(inner);
    return deeper.length === 0 ? [path] : deeper.map((one) => (one.startsWith("[]") ? path + one : `${path}.${one}`));
  };
  const properties = Object.entries(at(schema, "properties") ?? {}).flatMap(([name, inner]) => below(name, inner));
  const items = at(schema, "items");
  const inItems = items === undefined ? [] : below("[]", items);
  const unions = ["anyOf", "oneOf", "allOf", "prefixItems"].flatMap((key) => at(schema, key) ?? []);
  return [...properties, ...inItems, ...unions.flatMap(argumentsOf)];
}

/** Every closed word an input schema offers. */
function enumsOf(schema: unknown): readonly unknown[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = at(schema, "enum");
  return [...(Array.isArray(own) ? own : []), ...Object.values(schema).flatMap(enumsOf)];
}
