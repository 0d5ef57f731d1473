import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { chatView } from "../../src/card/view.ts";
import { bookingDesk, operatorOf, withMandate } from "../e2e/booking-fixtures.ts";
import { at, type Connection } from "../e2e/client.ts";
import { dealsOf, type TestDesk } from "../e2e/fixtures.ts";
import { chromiumIsHere, launch } from "../page/chromium.ts";
import { pin } from "../people.ts";
import { verifies } from "../requirements.ts";
import { askedFor } from "./asked.ts";
import { cardUri, openHost, type Host, type HostOptions } from "./host.ts";

// Servers and a browser start here, and a PIN is slow to check on purpose.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
const small = { per_buy: "5000.00 USD", per_day: "1000000.00 USD" };
const inChromium = test.runIf(chromiumIsHere);

let browser: Browser;
/** A click on the card counts here up to 5,000 a buy. */
let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  if (chromiumIsHere) browser = await launch();
  desk = await bookingDesk({ config: withMandate({ channels: { card: small, page: most } }) });
  client = await desk.connect({ apps: true });
});
afterAll(async () => {
  if (chromiumIsHere) await browser.close();
  await desk.close();
});

async function inHost<T>(result: unknown, work: (host: Host) => Promise<T>, options: HostOptions = {}): Promise<T> {
  const host = await openHost(browser, client, options);
  try {
    await host.show(result);
    await host.frame.waitForSelector(".hero");
    const done = await work(host);
    expect(host.complaints).toEqual([]);
    return done;
  } finally {
    await host.close();
  }
}

const button = ({ frame }: Host, name: string) => frame.getByRole("button", { name, exact: true });

describe("the card in a chat", () => {
  test("is a document of its own, small, that loads nothing from anywhere", async () => {
    const { contents } = await client.sdk.client.readResource({ uri: await cardUri(client) });
    expect(contents).toMatchObject([{ mimeType: "text/html;profile=mcp-app", text: chatView }]);
    expect(Buffer.byteLength(chatView)).toBeLessThan(30_000);
    expect(chatView).not.toMatch(/https?:|@import|url\(|fetch\(|<link|<img|innerHTML/);
    expect(at(contents, 0, "_meta", "ui", "csp")).toEqual({ connectDomains: [], resourceDomains: [] });
  });

  inChromium("shows the same card as the page, and leads to it where a click does not count", async () => {
    verifies("ask.app");
    // Two lines of about 3,000 USD: more than a click may decide.
    const { refs, result, approvalId, card } = await askedFor(client, 2);
    expect(at(card, "token")).toBeNull();
    const operator = operatorOf(desk);
    await operator.people.setPin("dana", pin);
    await inHost(result, async (host) => {
      const { frame, page, opened, told, calls } = host;
      expect(await frame.locator(".hero").innerText()).toMatch(/Approve\s+5,\d{3}\.\d\d USD\s+net to Northbeam/);
      expect(
        await frame.getByText("A click here decides nothing: channels.card.per_buy is 5,000.00 USD").isVisible(),
      ).toBe(true);
      expect(await button(host, "Approve").count()).toBe(0);
      await button(host, "Decide on the approval page").click();
      await expect.poll(() => opened.length).toBe(1);
      expect(opened[0]).toMatch(new RegExp(`^http://localhost:\\d+/a/${approvalId}$`));

      const approvalPage = await page.context().newPage();
      await approvalPage.goto(opened[0] ?? "");
      await approvalPage.getByLabel("PIN").fill(pin);
      await approvalPage.getByRole("button", { name: "Approve the ticked lines" }).click();
      // The card waits with the same call a model has, and shows what came of it.
      await frame.getByText("Approved: all 2 lines").waitFor({ timeout: 30_000 });
      await frame.getByText(/Booked: deal ID DEMO-\w+ and DEMO-/).waitFor({ timeout: 30_000 });
      expect(calls.map(({ name }) => name)).toEqual(expect.arrayContaining(["approve"]));
      expect(calls.map(({ name }) => name)).not.toContain("decide_on_card");
      await expect.poll(() => told.join("\n")).toContain("booked: booked as approved.");
    });
    await operator.close();
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([1, 1]);
  });

  inChromium("decides by a click up to the amount of its own limit, and the decision says so", async () => {
    const { refs, result, approvalId } = await askedFor(client, 1);
    await inHost(result, async (host) => {
      await host.frame.getByLabel("Note").fill("as discussed");
      await button(host, "Approve").click();
      await host.frame.getByText("Approved: 1 line").waitFor();
      await host.frame.getByText(/Booked: deal ID DEMO-/).waitFor();
      await expect.poll(() => host.told.join("\n")).toContain("booked: booked as approved.");
    });
    const reply = await client.ok("approve", { approval_id: approvalId, wait_s: 0 });
    expect(reply.at("decided")).toEqual({ by: "e2e 1.0.0 user", via: "card", note: "as discussed" });
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([1]);
  });

  inChromium("rejects by a click", async () => {
    const { refs, result } = await askedFor(client, 1);
    await inHost(result, async (host) => {
      await button(host, "Reject").click();
      await host.frame.getByText("Rejected").first().waitFor();
    });
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([0]);
  });

  inChromium("says what cannot be opened, and a click whose token is not its own decides nothing", async () => {
    const { refs, result } = await askedFor(client, 1);
    await inHost(
      result,
      async (host) => {
        await button(host, "Decide on the approval page").click();
        await host.frame.getByText("Copy the address above into your browser.").waitFor();
        await button(host, "Approve").click();
        await host.frame.getByText("signature_invalid: This does not come from a card").waitFor();
        expect(await button(host, "Approve").isEnabled()).toBe(true);
      },
      {
        opensLinks: false,
        meddle: (params) =>
          params.name === "decide_on_card"
            ? { ...params, arguments: { ...params.arguments, token: "v1.a.b" } }
            : params,
      },
    );
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([0]);
  });

  inChromium("runs nothing that came in its markup", async () => {
    const { result } = await askedFor(client, 1);
    const card = Object(at(result, "_meta", "media-buyer-mcp/card"));
    const evil = `<h1 class="hero" onclick="document.title='owned'">x</h1><img src="x" onerror="document.title='owned'">
      <script>document.title='owned'</script><svg><a xlink:href="javascript:document.title='owned'">y</a></svg>`;
    const forged = { ...Object(result), _meta: { "media-buyer-mcp/card": { ...card, html: evil } } };
    await inHost(forged, async ({ frame }) => {
      await frame.locator("h1").click();
      expect(await frame.locator("img, script:not(body > script)").count()).toBe(0);
      expect(await frame.title()).toBe("Approval");
    });
  });
});
