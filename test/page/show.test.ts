import { afterEach, describe, expect, test } from "vitest";
import { Html, html } from "../../src/card/html.ts";
import { leftWords, rangeWords } from "../../src/card/words.ts";
import { type Bench, type BenchOptions, openBench } from "./bench.ts";
import { lineOf, sellers, threeLines } from "./lines.ts";
import { Visitor } from "./visitor.ts";

const benches: Bench[] = [];
const bench = async (options: BenchOptions = {}): Promise<Bench> => {
  const opened = await openBench(options);
  benches.push(opened);
  return opened;
};
afterEach(async () => {
  for (const one of benches.splice(0)) await one.close();
});
const seen = async (origin: string, path: string) => (await new Visitor(origin).open(path)).text;

describe("the card", () => {
  test("says money first, and all a person must know before deciding", async () => {
    const { origin, ask } = await bench();
    const text = await seen(origin, `/a/${await ask(threeLines)}`);
    const inOrder = [
      "62,222.18",
      "net to Northbeam Media and Harborview Television?",
      "4 Jan to 28 Mar 2027",
      "campaign Acme Q1",
      "order PO-4711",
      "21 Nov 2026, 09:28 UTC",
      "1 day from when this was shown",
      "“CTV Sports Live”",
      "47,222.20 USD",
      "1,587,301 impressions",
      "29.75 USD CPM",
      "list 35.00",
      "quoted 31.50",
      "The seller will not honour: audience, frequency cap",
      "northbeam/prod-53e78a97",
      "Names in quotation marks are the sellers’ own words",
      "channels.auto is not set: a person decides every buy",
      "15,000.00 USD of 100,000.00 USD committed; 22,777.82 USD left after this",
      "your agency and seat",
      "ask the seller in writing",
      "Claude Desktop, 20 Nov 2026, 09:05 UTC",
      "Your decision",
    ];
    const places = inOrder.map((words) => text.replaceAll("<b>", "").indexOf(words));
    expect(inOrder.filter((_, at) => (places[at] ?? -1) < 0)).toEqual([]);
    expect(places).toEqual([...places].sort((left, right) => left - right));
    expect(text.match(/type="checkbox" name="line"[^>]* checked/g)).toHaveLength(3);
    expect(text).not.toContain("Sandbox, no real money");
  });

  test("one line needs no box; a sandbox desk says so", async () => {
    const { origin, ask } = await bench({ sandbox: true });
    const text = await seen(origin, `/a/${await ask([lineOf()])}`);
    expect(text).not.toContain('type="checkbox"');
    expect(text).toContain(`<input type="hidden" name="line" value="${lineOf().digest}">`);
    expect(text).toContain("Sandbox, no real money");
  });

  test("shows words from elsewhere as words, with what was hidden in them", async () => {
    const { origin, ask } = await bench();
    const evil = `</span><script>alert(1)</script>"onfocus='x'`;
    const product = { id: "prod-1", name: `${evil}\u202Egnp.exe\u200B`, channel: "ctv" };
    const line = lineOf({ product, seller: { id: "northbeam", name: `<b>${evil}` } });
    const id = await ask([line, lineOf()], {
      campaign: `<img src=x>${evil}`,
      poNumber: "<i>PO",
      proposer: "<u>who",
      why: ["<em>why"],
    });
    for (const path of [`/a/${id}`, "/"]) {
      const text = await seen(origin, path);
      expect(text).not.toContain("<script>alert");
      expect(text).not.toMatch(/<(b|i|u|em|img)[ >](?!<)[^<]*(PO|who|why|src)/);
      expect(text).not.toContain("onfocus='");
      expect(text).not.toMatch(/[\u202A-\u202E\u200B]/);
      expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    }
    expect(await seen(origin, `/a/${id}`)).toContain("\uFFFDgnp.exe\uFFFD");
  });

  test("warns where a way to decide would not count, in the mandate's words", async () => {
    const why = "channels.page.per_buy is 10,000.00 USD, this is 47,222.20 USD";
    const { origin, ask } = await bench({ shortfall: (via) => (via === "page" ? why : null) });
    expect(await seen(origin, `/a/${await ask([lineOf()])}`)).toContain(`With the PIN this would not count: ${why}.`);
  });

  test("says who approved first, and ticks their lines alone", async () => {
    const { origin, ask, append } = await bench({ people: ["dana", "lee"] });
    const id = await ask(threeLines);
    const digests = threeLines.slice(0, 1).map(({ digest }) => digest);
    const about = { via: "page", by: "dana", note: null, decidedAt: "2026-11-20T09:06:00Z", signature: null } as const;
    await append(id, { kind: "approval_endorsed", v: 1, digests, ...about });
    const text = await seen(origin, `/a/${id}`);
    expect(text).toContain("dana approved 1 of 3 lines");
    expect(text.match(/type="checkbox" name="line"[^>]* checked/g)).toHaveLength(1);
    expect(await seen(origin, "/")).toContain("approved by dana, one more needed");
  });

  test("without anybody who could decide, says how to become one", async () => {
    const { origin, ask } = await bench({ people: [] });
    const text = await seen(origin, `/a/${await ask([lineOf()])}`);
    expect(text).toContain("media-buyer-mcp pin");
    expect(text).not.toContain("<form");
  });
});

describe("the list", () => {
  test("has what waits, newest first, and nothing that is over", async () => {
    const { origin, ask, append, later } = await bench();
    const empty = await seen(origin, "/");
    expect(empty).toContain("Nothing is waiting.");
    const soon = await ask([lineOf()], { expiresAt: "2026-11-20T09:10:00.000Z" });
    const open = await ask(threeLines);
    const gone = await ask([lineOf({ seller: sellers.harborview })]);
    await append(gone, { kind: "approval_voided", v: 1, why: "changed" });
    const text = await seen(origin, "/");
    expect(text.indexOf(open)).toBeGreaterThan(0);
    expect(text.indexOf(soon)).toBeGreaterThan(text.indexOf(open));
    expect(text).toContain("5 minutes left");
    later(6);
    expect(await seen(origin, "/")).not.toContain(soon);
  });
});

describe("words and markup", () => {
  test("a template escapes everything but itself", () => {
    const inner = html`<b>${"<&>\"'"}</b>`;
    expect(inner.text).toBe("<b>&lt;&amp;&gt;&quot;&#39;</b>");
    expect(html`${inner}${null}${false}${[inner, "<"]}${3}`.text).toBe(`${inner.text}${inner.text}&lt;3`);
    expect(inner).toBeInstanceOf(Html);
    expect(html`${"a\u0000b\u009Bc\nd\uD800"}`.text).toBe("a\uFFFDb\uFFFDc\nd\uFFFD");
  });

  test("time left is rounded down, days are told once a year", () => {
    const minute = 60_000;
    expect([-1, 30_000, 61 * minute, 24 * 60 * minute, 49 * 60 * minute + 5 * minute].map(leftWords)).toEqual([
      "less than a minute",
      "less than a minute",
      "1 hour 1 minute",
      "1 day",
      "2 days 1 hour",
    ]);
    expect(rangeWords("2026-12-28T00:00:00Z", "2027-01-03T23:59:59Z")).toBe("28 Dec 2026 to 3 Jan 2027");
    expect(rangeWords("2027-01-04", "2027-01-04")).toBe("4 Jan 2027");
  });
});
