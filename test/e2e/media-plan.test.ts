import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseMoney, sum } from "../../src/domain/money.ts";
import { chromiumIsHere, launch } from "../page/chromium.ts";
import { verifies } from "../requirements.ts";
import { approving, at, type Connection, type Reply } from "./client.ts";
import { flight, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";

vi.setConfig({ testTimeout: 60_000 });

let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await startDesk();
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

const campaign = "Q1/Q2, 100 % <bold>";
const planOf = (of: object): Promise<Reply> => client.ok("get_media_buys", { plan: true, ...of });
const lines = (reply: Reply) => reply.list("plan", 0, "rows").map((one) => at(one, "media_buy_id"));

async function picture(uri: string): Promise<string> {
  const { contents } = await client.sdk.client.readResource({ uri });
  expect(at(contents, 0, "mimeType")).toBe("image/svg+xml");
  return String(at(contents, 0, "text"));
}

describe("a media plan", () => {
  test("of a campaign is its open quotes, and once something is bought or asked for, that", async () => {
    verifies("tool.media_plan");
    const [first, second, third] = [
      await quoteFrom(client, { campaign, impressions: 500_000 }),
      await quoteFrom(client, { campaign, product: "harborview/prod-a31c6f02", deal_type: "PD" }),
      await quoteFrom(client, { campaign, product: "northbeam/prod-c642fc9b", deal_type: "PD" }),
    ];
    expect(lines(await planOf({ campaign })).toSorted()).toEqual([first, second, third].toSorted());

    await client.ok("create_media_buy", { lines: [{ quote_id: first }], campaign });
    const pending = await (await desk.connect()).ok("create_media_buy", { lines: [{ quote_id: second }], campaign });
    const plan = await planOf({ campaign });
    expect(lines(plan).toSorted()).toEqual([first, second].toSorted());
    expect(
      plan
        .list("plan", 0, "rows")
        .map((one) => at(one, "status"))
        .toSorted(),
    ).toEqual(["awaiting_approval", "booked"]);

    const approvalId = pending.string("approval", "approval_id");
    expect(lines(await planOf({ ids: [approvalId, third] })).toSorted()).toEqual([second, third].toSorted());
    const svg = await picture(plan.string("picture"));
    expect(svg).toContain("Q1/Q2, 100 % &lt;bold&gt;");
    expect(svg).toContain("Dashed: not bought yet");
  });

  test("is a table whose rows and columns add up, in the text too", async () => {
    verifies("tool.media_plan", "money.exact");
    const reply = await planOf({ campaign });
    const money = (...path: (string | number)[]) =>
      reply.list("plan", 0, ...path).map((one) => parseMoney(String(one)));
    const total = parseMoney(reply.string("plan", 0, "total"));
    expect(sum(money("totals"), "USD")).toEqual(total);
    reply.list("plan", 0, "rows").forEach((row, n) => {
      expect(sum(money("rows", n, "cells"), "USD")).toEqual(parseMoney(String(at(row, "total"))));
    });
    const [head = "", ...body] =
      reply.text
        .slice(reply.text.indexOf("\nline |") + 1)
        .split("\n\n")[0]
        ?.split("\n") ?? [];
    expect(head).toMatch(/^line \| product \(seller's words\) \| channel \| status \| \d+ \w{3} \|.*\| total$/);
    expect(body).toHaveLength(3);
    const numbers = (row = "") =>
      row
        .split(" | ")
        .slice(4)
        .map((cell) => parseMoney(`${cell === "-" ? "0" : cell} USD`));
    for (const row of body) expect(sum(numbers(row).slice(0, -1), "USD")).toEqual(numbers(row).at(-1));
    expect(numbers(body.at(-1)).at(-1)).toEqual(total);
  });

  test("follows what is cancelled: it leaves the plan, unless it is named", async () => {
    const label = { campaign: "Given up" };
    const bought = await quoteFrom(client, { ...label, impressions: 510_000 });
    await client.ok("create_media_buy", { lines: [{ quote_id: bought }] });
    expect(lines(await planOf(label))).toEqual([bought]);
    await client.ok("update_media_buy", { media_buy_id: bought, action: "cancel" });
    const after = await planOf(label);
    expect(after.list("plan")).toEqual([]);
    expect(after.text).toContain("There is nothing to plan with");
    expect(await picture(after.string("picture"))).toContain("nothing planned yet");
    expect(lines(await planOf({ ids: [bought] }))).toEqual([bought]);
  });

  test("of what is not there is said in a sentence", async () => {
    expect((await client.call("get_media_buys", { plan: true, ids: ["ap_nothing"] })).text).toMatch(
      /^unknown_approval: /,
    );
    for (const [uri, code] of [
      ["buyer://media-plan/ids/northbeam%2Fqt-nothing", /unknown_media_buy/],
      ["buyer://media-plan/week/1", /invalid_arguments/],
      ["buyer://media-plan/campaign/%zz", /invalid_arguments/],
    ] as const)
      await expect(client.sdk.client.readResource({ uri })).rejects.toThrow(code);
  });

  test.runIf(chromiumIsHere)("is drawn so that nothing lies over anything else, in a real browser", async () => {
    verifies("tool.media_plan");
    const name = { product: "northbeam/prod-53e78a97", flight: flight(20, 180) };
    const asked = await client.ok("request_quote", { campaign: "Long", items: [{ ...name, budget: "199999.99 USD" }] });
    expect(asked.list("quotes"), asked.text).toHaveLength(1);
    const browser = await launch();
    try {
      const page = await browser.newPage();
      for (const of of [{ campaign }, { campaign: "Long" }]) {
        const svg = await picture((await planOf(of)).string("picture"));
        await page.goto(`data:image/svg+xml,${encodeURIComponent(svg)}`);
        const drawn = await page.locator("svg").boundingBox();
        const boxes = await Promise.all((await page.locator("text").all()).map((one) => one.boundingBox()));
        const texts = boxes.flatMap((box) => box ?? []);
        expect(texts.length).toBeGreaterThan(20);
        expect(texts).toHaveLength(boxes.length);
        const { width = 0, height = 0 } = drawn ?? {};
        expect(texts.filter((box) => box.x < 0 || box.x + box.width > width || box.y + box.height > height)).toEqual(
          [],
        );
        // A box has room for letters that go below the line; there are none in figures.
        const isOver = (a: (typeof texts)[number], b: (typeof texts)[number]) =>
          a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
        expect(texts.flatMap((a, n) => texts.slice(n + 1).filter((b) => isOver(a, b)))).toEqual([]);
      }
    } finally {
      await browser.close();
    }
  });
});
