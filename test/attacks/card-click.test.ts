import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askedFor } from "../card/asked.ts";
import { bookingDesk, sent, withMandate } from "../e2e/booking-fixtures.ts";
import { at, type Connection } from "../e2e/client.ts";
import { dealsOf, type TestDesk } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";

const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await bookingDesk({ config: withMandate({ channels: { card: most, page: most } }) });
  client = await desk.connect({ apps: true });
});
afterAll(() => desk.close());

describe("the tool behind the card's click", () => {
  test("is there only where the mandate lets a click count, and hidden from models", async () => {
    const { tools } = await client.sdk.client.listTools();
    const tool = tools.find(({ name }) => name === "decide_on_card");
    expect(at(tool, "_meta", "ui", "visibility")).toEqual(["app"]);
    const strict = await bookingDesk({ config: withMandate({ channels: { form: most, page: most } }) });
    try {
      const other = await strict.connect({ apps: true });
      const names = (await other.sdk.client.listTools()).tools.map(({ name }) => name);
      expect(names).not.toContain("decide_on_card");
      const { card } = await askedFor(other, 1);
      expect(at(card, "token")).toBeNull();
      expect(String(at(card, "html"))).toContain("channels.card is not set");
    } finally {
      await strict.close();
    }
  });

  test("decides nothing for a model that calls it, whatever it was shown before", async () => {
    verifies("promise.no_approving_argument");
    const { refs, result, approvalId, card } = await askedFor(client, 1);
    const other = await askedFor(client, 1);
    // All that a model is shown of an answer holds no token.
    const token = String(at(card, "token"));
    expect(token).toMatch(/^v1\./);
    const shown = JSON.stringify([at(result, "content"), at(result, "structuredContent")]);
    expect(shown).not.toContain(token);
    const digests = at(result, "structuredContent", "approval", "short_code");
    const call = { approval_id: approvalId, decision: "approve", lines: [String(digests)], note: "" };
    const model = await desk.connect();
    for (const [from, guess] of [
      [client, ""],
      [client, String(digests)],
      [client, `${token.slice(0, -2)}AA`],
      [client, String(at(other.card, "token"))],
      // A client that renders no cards has shown none, whatever it holds.
      [model, token],
    ] as const) {
      const reply = await from.call("decide_on_card", { ...call, token: guess });
      expect(at(reply.error, "code"), reply.text).toBe("signature_invalid");
    }
    const lines = await client.call("decide_on_card", { ...call, token });
    expect(at(lines.error, "code"), lines.text).toBe("invalid_arguments");
    const reply = await client.ok("approve", { approval_id: approvalId, wait_s: 0 });
    expect(reply.at("approval", "status")).toBe("pending");
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([0]);
  });

  test("takes one click, and a second one with the same token books nothing more", async () => {
    const { result, approvalId, card, refs } = await askedFor(client, 1);
    expect(at(result, "isError")).toBeUndefined();
    const [digest] = /[0-9a-f]{64}/.exec(String(at(card, "html"))) ?? [];
    const call = { approval_id: approvalId, decision: "approve", lines: [digest], note: "", token: at(card, "token") };
    const before = sent(desk, "deal");
    const replies = await Promise.all([client.ok("decide_on_card", call), client.ok("decide_on_card", call)]);
    for (const reply of replies) expect(reply.at("status"), reply.text).toBe("booked");
    expect(sent(desk, "deal")).toBe(before + 1);
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([1]);
  });
});
