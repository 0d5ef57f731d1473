import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inLong } from "../long.ts";
import { verifies } from "../requirements.ts";
import { approving, at, clientKinds, type Connection } from "./client.ts";
import { quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";
import { listeningOf, principals, tokens } from "./http-server.ts";

const matrix = (["stdio", "HTTP"] as const)
  .flatMap((transport) => clientKinds.map((kind) => [kind, transport] as const))
  // Over HTTP one kind of client stands for the others, which the long form has.
  .filter(([kind, transport]) => inLong || transport === "stdio" || kind === "2.x modern");

describe.each(matrix)("for a %s client over %s", (kind, transport) => {
  let desk: TestDesk;
  let client: Connection;
  /** Another client, with a server of its own, on the same desk. */
  let other: Connection;

  beforeAll(async () => {
    desk = await startDesk({ config: (standard) => ({ ...standard, http: { principals } }) });
    const over = transport === "HTTP" ? { over: listeningOf(await desk.serveHttp(), tokens.agent) } : {};
    // One kind of client hears what a process of its own did, for all of them.
    const another = kind === "2.x modern" ? desk.spawn() : desk.connect();
    [client, other] = await Promise.all([desk.connect({ kind, person: approving, ...over }), another]);
  });
  afterAll(() => desk.close());

  async function read(uri: string): Promise<string> {
    const { contents } = await client.sdk.client.readResource({ uri });
    expect(at(contents, 0, "uri")).toBe(uri);
    return String(at(contents, 0, "text"));
  }

  async function completions(uri: string, name: string, value: string, seller?: string): Promise<readonly string[]> {
    const context = seller === undefined ? {} : { context: { arguments: { seller } } };
    const ref = { type: "ref/resource" as const, uri };
    const { completion } = await client.sdk.client.complete({ ref, argument: { name, value }, ...context });
    return completion.values;
  }

  test("there is a template for sellers, quotes, media buys, approvals and plans", async () => {
    verifies("tool.resources");
    const { resourceTemplates } = await client.sdk.client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate).sort()).toEqual([
      "buyer://approval/{id}",
      "buyer://media-buy/{seller}/{id}",
      "buyer://media-plan/{by}/{of}",
      "buyer://quote/{seller}/{id}",
      "buyer://seller/{seller}",
    ]);
  });

  test("each can be read, and its ids complete", async () => {
    verifies("tool.resources");
    const open = await quoteFrom(other, { impressions: 700_000 });
    const asked = await quoteFrom(other, { impressions: 710_000 });
    const bought = await quoteFrom(client, { impressions: 720_000 });
    const audio = await quoteFrom(other, {
      product: "harborview/prod-a31c6f02",
      impressions: 730_000,
      deal_type: "PD",
    });
    const pending = await other.ok("create_media_buy", { lines: [{ quote_id: asked }] });
    const approvalId = pending.string("approval", "approval_id");
    const booked = await client.ok("create_media_buy", { lines: [{ quote_id: bought }] });
    const dealId = booked.string("media_buys", 0, "packages", 0, "deal_id");

    const seller = JSON.parse(await read("buyer://seller/northbeam"));
    expect(JSON.stringify(seller)).toContain("Northbeam Media");
    expect(JSON.stringify(seller)).not.toContain("sandbox-northbeam-");
    const quote = JSON.parse(await read(`buyer://quote/${open}`));
    expect(at(quote, "quote", "cpm")).toBe("29.75 USD");
    const buy = JSON.parse(await read(`buyer://media-buy/${bought}`));
    expect(at(buy, "packages", 0, "deal_id")).toBe(dealId);
    expect(JSON.parse(await read(`buyer://media-buy/northbeam/${dealId}`))).toEqual(buy);
    expect(await read(`buyer://approval/${approvalId}`)).toMatch(
      /^pending\nApprove [\d,.]+ USD net to Northbeam Media\?/,
    );

    const end = (ref: string) => ref.slice(ref.indexOf("/") + 1);
    expect(await completions("buyer://seller/{seller}", "seller", "har")).toEqual(["harborview"]);
    const ofQuotes = "buyer://quote/{seller}/{id}";
    const all = [open, asked, audio].map(end);
    expect((await completions(ofQuotes, "id", "")).toSorted()).toEqual(all.toSorted());
    expect(await completions(ofQuotes, "id", "", "harborview")).toEqual([end(audio)]);
    expect(await completions(ofQuotes, "id", end(open).slice(0, -1), "northbeam")).toEqual([end(open)]);
    expect(await completions("buyer://media-buy/{seller}/{id}", "id", "qt-")).toEqual([end(bought)]);
    expect(await completions("buyer://approval/{id}", "id", "ap_")).toEqual([approvalId]);
    expect(await completions("buyer://media-plan/{by}/{of}", "by", "c")).toEqual(["campaign"]);
  });

  test("what is not there is said in a sentence, without a stack or a path", async () => {
    verifies("promise.no_silence");
    for (const uri of ["buyer://quote/northbeam/qt-nothing", "buyer://approval/ap_nothing", "buyer://seller/nobody"]) {
      const failure = await client.sdk.client.readResource({ uri }).then(
        () => "it was read",
        (error: unknown) => String(error),
      );
      expect(failure).toMatch(/(unknown_quote|unknown_approval|unknown_seller)/);
      expect(failure).not.toMatch(/\.ts|\.js|\n\s+at /);
    }
  });

  test("subscribers are told what another process changed, and only what they asked for", async () => {
    verifies("events.subscribe", "tool.resources");
    const [first, second, third] = [
      await quoteFrom(other, { impressions: 801_000 }),
      await quoteFrom(other, { impressions: 802_000 }),
      await quoteFrom(other, { impressions: 803_000 }),
    ];
    // A change may be told in two steps: what counts is which addresses were heard of.
    const told = new Set<string>();
    const uris = [`buyer://quote/${first}`, `buyer://media-buy/${second}`, `buyer://quote/${third}`];
    const end = await subscribe(client, uris, told);

    // One that nobody asked about, then one that somebody did: when the second is heard, the first was not told.
    await negotiateOnce(other, await quoteFrom(other, { impressions: 804_000 }));
    await negotiateOnce(other, first);
    await expect.poll(() => [...told], { timeout: 5_000 }).toEqual([uris[0]]);

    const pending = await other.ok("create_media_buy", { lines: [{ quote_id: second }] });
    await expect.poll(() => [...told], { timeout: 5_000 }).toEqual([uris[0], uris[1]]);

    const approvalUri = `buyer://approval/${pending.string("approval", "approval_id")}`;
    const endApproval = await subscribe(client, [approvalUri], told);
    await client.ok("approve", { approval_id: pending.string("approval", "approval_id") });
    await expect.poll(() => [...told], { timeout: 5_000 }).toContain(approvalUri);

    // After unsubscribing nothing more is heard of the first, though the third still is.
    await Promise.all([end(), endApproval()]);
    const later = new Set<string>();
    const endThird = await subscribe(client, [`buyer://quote/${third}`], later);
    await negotiateOnce(other, first);
    await negotiateOnce(other, third);
    await expect.poll(() => [...later], { timeout: 5_000 }).toEqual([uris[2]]);
    await endThird();
  });

  test("the prompt files are served, and say what was not given", async () => {
    verifies("tool.prompts");
    const { prompts } = await client.sdk.client.listPrompts();
    const plan = prompts.find(({ name }) => name === "plan_a_buy");
    expect(plan?.arguments?.map(({ name }) => name)).toEqual(["brief", "campaign"]);
    const given = { brief: "CTV sports, 50,000 USD", campaign: "Acme Q1" };
    const { messages } = await client.sdk.client.getPrompt({ name: "plan_a_buy", arguments: given });
    const text = String(at(messages, 0, "content", "text"));
    expect(text).toContain("Brief: CTV sports, 50,000 USD\nCampaign label: Acme Q1");
    const { messages: bare } = await client.sdk.client.getPrompt({ name: "plan_a_buy", arguments: {} });
    expect(String(at(bare, 0, "content", "text"))).toContain(
      "Campaign label: (not given: ask the person for campaign)",
    );
  });
});

/** Subscribes in the way of the client's era; what it hears is added to `told`. Returns what ends it. */
async function subscribe(
  { sdk, kind }: Connection,
  uris: readonly string[],
  told: Set<string>,
): Promise<() => Promise<void>> {
  if (sdk.line === "1.x") {
    sdk.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.add(params.uri));
  } else {
    sdk.client.setNotificationHandler("notifications/resources/updated", ({ params }) => void told.add(params.uri));
  }
  if (sdk.line === "2.x" && kind === "2.x modern") {
    const subscription = await sdk.client.listen({ resourceSubscriptions: [...uris] });
    expect(subscription.honoredFilter.resourceSubscriptions).toEqual(uris);
    return () => subscription.close();
  }
  for (const uri of uris) await sdk.client.subscribeResource({ uri });
  return async () => {
    for (const uri of uris) await sdk.client.unsubscribeResource({ uri });
  };
}

async function negotiateOnce(client: Connection, quoteId: string): Promise<void> {
  await client.ok("negotiate", { quotes: [{ quote_id: quoteId, offer_cpm: "28.50 USD" }], move: "counter" });
}
