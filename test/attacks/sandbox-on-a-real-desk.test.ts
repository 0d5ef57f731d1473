import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { at, type Connection, connect } from "../e2e/client.ts";
import { flight, startDesk, startSandboxDesk, type TestDesk } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";

/**
 * Sandbox sellers and real ones never meet: not by a shared data directory, not by an address, not by a quote or an
 * approval carried over, and each answer says which of the two it is of.
 *
 * What is not proved: an operator who lists a sandbox seller's address and allows loopback has one, as the fixtures of these
 * tests do. Nothing on the wire tells it from a real seller on this machine.
 */
let sandbox: TestDesk;
let play: Connection;
let real: Connection;
let played: string;
let approvalId: string;
beforeAll(async () => {
  sandbox = startSandboxDesk();
  play = await sandbox.spawn();
  const item = { product: "northbeam/prod-53e78a97", flight: flight(), impressions: 100_000, deal_type: "PG" };
  played = (await play.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
  approvalId = (await play.ok("create_media_buy", { lines: [{ quote_id: played }] })).string("approval", "approval_id");
  // A real desk on the very same data directory, while the sandbox runs.
  const file = join(sandbox.directory, "real.json");
  const most = { per_buy: "1000.00 USD", per_day: "1000.00 USD" };
  const mandate = {
    currency: "USD",
    ...most,
    max_cpm: "60.00 USD",
    min_trust: "registered",
    time_zone: "UTC",
    channels: { form: most },
  };
  writeFileSync(file, JSON.stringify({ desk: "acme", advertiser: "Acme Outdoor", sellers: [], mandate }));
  const { command, args, env } = sandbox.start;
  real = await connect({ command, args, env: { ...env, MEDIA_BUYER_CONFIG: file } }, {});
}, 60_000);
afterAll(async () => {
  await real.close();
  await sandbox.close();
});

describe("a real desk beside a running sandbox", () => {
  test("has none of its sellers, by name, domain or id, and says that it is real", async () => {
    verifies("promise.sandbox_marked");
    expect((await play.ok("discover_sellers")).list("sellers").length).toBe(5);
    const found = await real.ok("discover_sellers", { refresh: true });
    expect(found.list("sellers")).toEqual([]);
    expect(found.at("sandbox")).toBe(false);
    expect(found.text).not.toContain("sandbox");
    for (const seller of ["northbeam", "Northbeam Media", "harborview", "civicstream", "streamhaus", "openbid"]) {
      const refused = await real.call("get_media_kit", { sellers: [seller] });
      expect(at(refused.error, "code"), refused.text).toBe("unknown_seller");
    }
  });

  test("knows nothing of the sandbox's quotes, approvals and history", async () => {
    for (const [name, args, code] of [
      ["create_media_buy", { lines: [{ quote_id: played }] }, "unknown_quote"],
      ["negotiate", { quotes: [{ quote_id: played }] }, null],
      ["approve", { approval_id: approvalId, wait_s: 0 }, "unknown_approval"],
      ["get_media_buys", { ids: [played] }, null],
    ] as const) {
      const reply = await real.call(name, args);
      if (code) expect(at(reply.error, "code"), reply.text).toBe(code);
      expect(reply.text).not.toContain("Northbeam");
    }
    expect((await real.ok("get_history")).text).not.toContain(played);
    expect((await real.ok("get_inbox")).text).not.toContain(approvalId);
  });

  test("does not reach one by its address: a seller met by its address is never on this machine", async () => {
    const seller = await play.ok("discover_sellers", { refresh: true });
    expect(seller.at("sandbox")).toBe(true);
    if (play.sdk.line !== "2.x") throw new Error("this client is of the current line");
    const { contents } = await play.sdk.client.readResource({ uri: "buyer://seller/northbeam" });
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(JSON.stringify(contents))?.[0];
    expect(origin).toBeDefined();
    const found = await real.ok("discover_sellers", { url: origin });
    expect(found.list("sellers")).toEqual([]);
    expect(found.string("kept_out", 0, "why")).toContain("on this machine");
  });
});

describe("a real desk whose config lists a sandbox seller", () => {
  test("with its address and its public keys, does not call it unless this machine is allowed", async () => {
    const desk = await startDesk({
      sandbox: { sellers: ["northbeam"] },
      config: ({ allow_loopback: _allowed, ...standard }) => standard,
    });
    try {
      const model = await desk.connect();
      const found = await model.ok("discover_sellers");
      expect(found.list("sellers")).toEqual([]);
      const item = { product: "northbeam/prod-53e78a97", flight: flight(), impressions: 100_000, deal_type: "PG" };
      const quoted = await model.ok("request_quote", { items: [item] });
      expect(quoted.list("quotes")).toEqual([]);
      expect(desk.sandbox.requests()).toEqual([]);
    } finally {
      await desk.close();
    }
  });
});

describe("the sandbox itself", () => {
  test("says so in every answer, text and structure, and in the question to the person", async () => {
    verifies("promise.sandbox_marked");
    for (const [name, args] of [
      ["discover_sellers", {}],
      ["get_media_kit", {}],
      ["get_inbox", {}],
      ["get_media_buys", {}],
      ["get_history", {}],
      ["approve", { approval_id: approvalId, wait_s: 0 }],
    ] as const) {
      const reply = await play.ok(name, args);
      expect(reply.at("sandbox"), name).toBe(true);
      expect(reply.text, name).toContain("[sandbox: no real money, no real sellers]");
    }
    const asked = await play.ok("create_media_buy", { lines: [{ quote_id: played }] });
    expect(asked.text).toContain("[SANDBOX, no real money] Approve");
  });

  test("takes no seller of a config: both at once are refused before anything starts", async () => {
    const ran = await sandbox.run("pending", "--sandbox", "--config", join(sandbox.directory, "real.json"));
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining("Nothing was started.")]);
  });
});
