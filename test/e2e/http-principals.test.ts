import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approved, RawClient } from "../attacks/raw-client.ts";
import { callOver } from "../http/wire.ts";
import { verifies } from "../requirements.ts";
import { bookingDesk, kindsOf, ledgerOf, operatorOf, sent, withMandate } from "./booking-fixtures.ts";
import { approving, at, clientKinds, type Connection, type ConnectOptions } from "./client.ts";
import { type ConfigFile, dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";
import { type HttpServer, listeningOf, principals, type TokenName, tokens } from "./http-server.ts";

const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
let desk: TestDesk;
let server: HttpServer;
let impressions = 100_000;
beforeAll(async () => {
  const channels = { form: most, card: most, terminal: most };
  const config = (standard: ConfigFile) => ({ ...withMandate({ channels })(standard), http: { principals } });
  desk = await bookingDesk({ bookingSeconds: 10, config });
  server = await desk.serveHttp();
});
afterAll(() => desk.close());

const as = (name: TokenName, options: ConnectOptions = {}) =>
  desk.connect({ ...options, over: listeningOf(server, tokens[name]) });
const quote = (from: Connection) => {
  impressions += 1_000;
  return quoteFrom(from, { impressions });
};
const buy = (ref: string) => ({ lines: [{ quote_id: ref }] });

async function nothingCameOf(ref: string): Promise<void> {
  expect(await kindsOf(desk, ref)).not.toContain("booking_started");
  expect(dealsOf(desk, ref)).toBe(0);
}

const reading = [
  ...["discover_sellers", "get_media_kit", "compare_quotes"],
  ...["get_inbox", "get_media_buys", "get_delivery", "get_history"],
];
const quoting = ["request_quote", "negotiate"];
const buying = ["plan_campaign", "create_media_buy", "approve", "update_media_buy", "sync_creatives"];

describe.each(clientKinds)("a %s client", (kind) => {
  test.each([
    ["agent", [...reading, ...quoting, ...buying, "decide_on_card"]],
    ["maker", [...reading, ...quoting, ...buying]],
    ["reader", reading],
    ["decider", ["approve", "decide_on_card"]],
  ] as const)("sees as %s what its scopes are for", async (name, expected) => {
    verifies("server.http");
    const client = await as(name, { kind });
    const { tools } = await client.sdk.client.listTools();
    expect(tools.map((tool) => tool.name).toSorted()).toEqual([...expected].toSorted());
    const { resources } = client.sdk.client.getServerCapabilities() ?? {};
    expect(resources !== undefined).toBe(name !== "decider");
  });

  test("without buy:approve is never asked, and is told why and what else can be done", async () => {
    verifies("approval.gate", "approval.awaiting");
    const maker = await as("maker", { kind, person: approving });
    const ref = await quote(maker);
    const reply = await maker.ok("create_media_buy", buy(ref));
    expect(reply.at("status"), reply.text).toBe("awaiting_approval");
    expect(reply.text).toContain("maker does not hold buy:approve, so its answers decide nothing");
    const approvalId = reply.string("approval", "approval_id");
    expect(reply.list("approval", "person_can").join()).toContain(`approve ${approvalId}`);
    const again = await maker.ok("approve", { approval_id: approvalId });
    expect(again.at("status"), again.text).toBe("awaiting_approval");
    expect(maker.questions).toEqual([]);
    await nothingCameOf(ref);
  });

  test("is not asked about what it asked for itself, and is about another's", async () => {
    verifies("approval.gate");
    const checker = await as("checker", { kind, person: approving });
    const own = await quote(checker);
    const reply = await checker.ok("create_media_buy", buy(own));
    expect(reply.at("status"), reply.text).toBe("awaiting_approval");
    expect(reply.text).toContain("checker asked for this itself, and approves_own is not set for it");
    await checker.ok("approve", { approval_id: reply.string("approval", "approval_id") });
    expect(checker.questions).toEqual([]);
    await nothingCameOf(own);

    const maker = await as("maker");
    const ref = await quote(maker);
    const asked = await maker.ok("create_media_buy", buy(ref));
    const booked = await checker.ok("approve", { approval_id: asked.string("approval", "approval_id") });
    expect(booked.at("status"), booked.text).toBe("booked");
    expect(booked.at("decided")).toEqual({ by: "checker (token)", via: "form", note: null });
    expect(checker.questions).toHaveLength(1);
    expect(dealsOf(desk, ref)).toBe(1);
  });
});

test("a deal is cancelled by who asked for it or decides, and by no other token", async () => {
  const [maker, agent] = [await as("maker"), await as("agent", { person: approving })];
  const ref = await quote(agent);
  expect((await agent.ok("create_media_buy", buy(ref))).at("status")).toBe("booked");
  const cancel = { media_buy_id: ref, action: "cancel" };
  const refused = await maker.call("update_media_buy", cancel);
  expect(at(refused.error, "code"), refused.text).toBe("outside_mandate");
  expect(refused.text).toContain("maker neither asked for this buy nor holds buy:approve. Nothing was changed.");
  expect((await maker.ok("get_media_buys", { ids: [ref] })).at("media_buys", 0, "status")).toBe("booked");
  const checker = await as("checker");
  expect((await checker.ok("update_media_buy", cancel)).at("media_buy", "status")).toBe("cancelled");
});

describe("answers nobody was asked for", () => {
  test("from a token without buy:approve count for nothing, with a state or without", async () => {
    verifies("approval.gate", "promise.exact_terms");
    const maker = await as("maker");
    const ref = await quote(maker);
    const before = sent(desk, "deal");
    const asked = await maker.ok("create_media_buy", buy(ref));
    const approval = { approval_id: asked.string("approval", "approval_id") };
    // A state of the same approval, as a checker who was really asked about it has it.
    const stolen = (await callOver(server.port, tokens.checker, "approve", approval)).state;
    for (const [name, args] of [
      ["create_media_buy", buy(ref)],
      ["approve", approval],
    ] as const) {
      for (const smuggled of [{}, { requestState: "" }, { requestState: stolen }, { requestState: `${stolen}x` }]) {
        const answer = await callOver(server.port, tokens.maker, name, args, { inputResponses: approved, ...smuggled });
        expect(answer.isQuestion, answer.text).toBe(false);
        expect(["booked", "sending"], answer.text).not.toContain(answer.status);
      }
    }
    await nothingCameOf(ref);
    expect(sent(desk, "deal")).toBe(before);
  });

  test.each(["agent", "maker", "reader"] as const)(
    "with a state stolen from another principal, as %s",
    async (thief) => {
      const maker = await as("maker");
      const ref = await quote(maker);
      const asked = await maker.ok("create_media_buy", buy(ref));
      const approval = { approval_id: asked.string("approval", "approval_id") };
      const { state } = await callOver(server.port, tokens.checker, "approve", approval);
      const smuggled = { inputResponses: approved, requestState: state };
      const answer = await callOver(server.port, tokens[thief], "approve", approval, smuggled);
      expect(answer.text).toMatch(/-32602|invalid_request_state/);
      await nothingCameOf(ref);
      // In the hand it was given to it is good, once.
      const booked = await callOver(server.port, tokens.checker, "approve", approval, smuggled);
      expect(booked.status, booked.text).toBe("booked");
      expect(dealsOf(desk, ref)).toBe(1);
    },
  );

  test("over stdio with a state of a token's principal, and over HTTP with one of stdio", async () => {
    const maker = await as("maker");
    const ref = await quote(maker);
    const asked = await maker.ok("create_media_buy", buy(ref));
    const approval = { approval_id: asked.string("approval", "approval_id") };
    const stdio = new RawClient(desk);
    try {
      const { state: ofToken } = await callOver(server.port, tokens.checker, "approve", approval);
      const { state: ofLocal } = await stdio.call("approve", approval);
      const local = await stdio.call("approve", approval, { inputResponses: approved, requestState: ofToken });
      const token = await callOver(server.port, tokens.checker, "approve", approval, {
        inputResponses: approved,
        requestState: ofLocal,
      });
      for (const answer of [local, token]) expect(answer.text).toMatch(/-32602|invalid_request_state/);
      await nothingCameOf(ref);
    } finally {
      await stdio.close();
    }
  });

  test("not even by the verb that records decisions", async () => {
    const maker = await as("maker");
    const ref = await quote(maker);
    const asked = await maker.ok("create_media_buy", buy(ref));
    const approvalId = asked.string("approval", "approval_id");
    const operator = operatorOf(desk);
    const said = { digests: null, by: "a person", wordOf: "client", note: null, signature: null } as const;
    try {
      for (const principal of ["maker", "reader", "somebody whose token was taken back"]) {
        for (const via of ["form", "card"] as const) {
          for (const decision of ["approve", "reject"] as const) {
            const decidedAt = new Date().toISOString();
            const deciding = operator.decide(approvalId, { ...said, decision, via, principal, decidedAt }, 1_000);
            await expect(deciding).rejects.toMatchObject({ code: "outside_mandate" });
          }
        }
      }
      expect((await operator.approval(approvalId)).status).toBe("pending");
    } finally {
      await operator.close();
    }
    await nothingCameOf(ref);
  });

  test("a tool that was not offered is not there", async () => {
    const reader = await as("reader");
    const maker = await as("maker");
    const ref = await quote(maker);
    for (const [name, args] of [
      ["create_media_buy", buy(ref)],
      ["request_quote", { quote_ids: [ref] }],
      ["update_media_buy", { media_buy_id: ref, action: "cancel" }],
    ] as const) {
      const answer = await callOver(server.port, tokens.reader, name, args);
      expect(answer.text).toMatch(/-32602|not found/i);
    }
    await expect(reader.ok("get_inbox")).resolves.toMatchObject({ isError: false });
    expect((await reader.ok("get_inbox")).at("principal")).toBe("reader");
    expect(await kindsOf(desk, ref)).toEqual(["quoted"]);
  });
});

describe("the approval card over HTTP", () => {
  const cardIn = (client: Connection, name: string, args: Record<string, unknown>) => {
    if (client.sdk.line !== "2.x") throw new Error("a 2.x client was asked for");
    return client.sdk.client
      .callTool({ name, arguments: args })
      .then((result) => at(result._meta, "media-buyer-mcp/card"));
  };

  test("holds a token only for who may decide, and is good in that hand alone", async () => {
    verifies("approval.gate");
    const maker = await as("maker", { apps: true });
    const ref = await quote(maker);
    const shown = await cardIn(maker, "create_media_buy", buy(ref));
    expect(at(shown, "token")).toBeNull();
    expect(String(at(shown, "html"))).toContain("maker does not hold buy:approve");
    const approvalId = String(at(shown, "approval_id"));
    const checker = await as("checker", { apps: true });
    const card = await cardIn(checker, "approve", { approval_id: approvalId });
    const [digest = ""] = /[0-9a-f]{64}/.exec(String(at(card, "html"))) ?? [];
    const click = { approval_id: approvalId, token: at(card, "token"), decision: "approve", lines: [digest], note: "" };
    // The tool is not offered to the maker, and a token of the checker is not good for the agent.
    expect((await callOver(server.port, tokens.maker, "decide_on_card", click)).text).toMatch(/-32602|not found/i);
    const agent = await as("agent", { apps: true });
    expect((await agent.call("decide_on_card", click)).error).toMatchObject({ code: "signature_invalid" });
    await nothingCameOf(ref);
    const booked = await checker.ok("decide_on_card", click);
    expect(booked.at("decided")).toEqual({ by: "checker (token)", via: "card", note: null });
    expect(dealsOf(desk, ref)).toBe(1);
  });

  test("holds none for what the same principal asked for", async () => {
    const checker = await as("checker", { apps: true });
    const shown = await cardIn(checker, "create_media_buy", buy(await quote(checker)));
    expect(at(shown, "token")).toBeNull();
    expect(String(at(shown, "html"))).toContain("approves_own is not set for it");
  });
});

test("every entry says on whose behalf it was made", async () => {
  verifies("events.what_when_why");
  const [maker, checker] = await Promise.all([as("maker"), as("checker", { person: approving })]);
  const ref = await quote(maker);
  const asked = await maker.ok("create_media_buy", buy(ref));
  const approvalId = asked.string("approval", "approval_id");
  await checker.ok("approve", { approval_id: approvalId });
  const ledger = await ledgerOf(desk);
  const entries = (await ledger.read(`approval/${approvalId}`)).flatMap((row) => row.entries);
  const acts = entries.map((entry) => [
    entry.kind,
    "principal" in entry ? entry.principal : "proposer" in entry ? entry.proposer : null,
  ]);
  await ledger.close();
  expect(acts).toEqual([
    ["approval_opened", "maker"],
    ["approval_not_answered", "maker"],
    ["approval_asked", "checker"],
    ["approval_decided", "checker"],
  ]);
});
