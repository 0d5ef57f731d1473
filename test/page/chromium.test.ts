import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { statementText } from "../../src/domain/decision.ts";
import { verifyPasskey } from "../../src/people/passkey.ts";
import { type Bench, openBench, pin } from "./bench.ts";
import { chromiumIsHere, launch, virtualAuthenticator, watched } from "./chromium.ts";
import { lineOf, threeLines } from "./lines.ts";

const lines = threeLines.map(({ digest }) => digest);
const inChromium = test.runIf(chromiumIsHere);
let browser: Browser;
let bench: Bench;
beforeAll(async () => {
  if (chromiumIsHere) browser = await launch();
});
afterAll(async () => {
  if (chromiumIsHere) await browser.close();
});
beforeEach(async () => {
  bench = await openBench({ people: ["dana", "lee"] });
});
afterEach(() => bench.close());

/** Opens an address in a browser of its own; whatever it complains about fails the test. */
async function visit<T>(path: string, work: (page: Page) => Promise<T>, options: object = {}): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 900, height: 1400 }, ...options });
  const { page, complaints } = await watched(context);
  try {
    await page.goto(bench.origin + path);
    const result = await work(page);
    expect(complaints).toEqual([]);
    return result;
  } finally {
    await context.close();
  }
}

const banner = (page: Page) => page.getByRole("status").innerText();
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

/** Adds a passkey for dana on the page that is open, with the PIN. */
async function addPasskey(page: Page): Promise<void> {
  await page.goto(`${bench.origin}/passkeys`);
  await page.getByLabel("PIN").fill(pin);
  await button(page, "Add with the PIN").click();
  await page.getByText("since 20 Nov 2026").waitFor();
}

describe("in a browser", () => {
  inChromium("a person approves with the PIN", async () => {
    const id = await bench.ask(threeLines);
    await visit(`/a/${id}`, async (page) => {
      expect(await page.title()).toBe("Approve 62,222.18 USD?");
      await page.getByLabel("You decide as").selectOption("lee");
      await page.getByLabel("PIN").fill(pin);
      await button(page, "Approve the ticked lines").click();
      await page.waitForURL(`${bench.origin}/a/${id}`);
      expect(await banner(page)).toContain("Approved: all 3 lines");
    });
    expect(bench.decided).toMatchObject([{ approvalId: id, decision: "approve", by: "lee", via: "page" }]);
  });

  inChromium("or some of the lines, whose sum is told while they are ticked", async () => {
    const id = await bench.ask(threeLines);
    await visit(`/a/${id}`, async (page) => {
      await page.getByLabel("Run of Network").uncheck();
      expect(await page.locator("#ticked").innerText()).toBe("2 of 3 lines ticked, 57,222.18 USD together");
      await page.getByLabel("PIN").fill(pin);
      await button(page, "Approve the ticked lines").click();
      expect(await banner(page)).toContain("Approved: 2 of 3 lines");
    });
    expect(bench.decided[0]?.digests).toEqual(lines.slice(0, 2).sort());
  });

  inChromium("or rejects", async () => {
    const id = await bench.ask(threeLines);
    await visit(`/a/${id}`, async (page) => {
      await page.getByLabel("PIN").fill(pin);
      await page.getByLabel("Note").fill("too dear");
      await button(page, "Reject").click();
      expect(await banner(page)).toMatch(/Rejected[\s\S]*Nothing was booked\.[\s\S]*too dear/);
    });
    expect(bench.decided).toMatchObject([{ decision: "reject", digests: [], note: "too dear" }]);
  });

  inChromium("all of it works without JavaScript, passkeys apart", async () => {
    const [one, two] = [await bench.ask(threeLines), await bench.ask([lineOf()])];
    await bench.people.addPasskey("dana", {
      id: "x",
      publicKey: "AA",
      counter: 0,
      transports: [],
      addedAt: "2026-11-01",
    });
    const decide = (path: string, name: string, untick?: string) =>
      visit(
        path,
        async (page) => {
          expect(await page.locator("#passkey").isVisible()).toBe(false);
          expect(await page.getByText("Passkeys need JavaScript").isVisible()).toBe(true);
          if (untick) await page.getByLabel(untick).uncheck();
          await page.getByLabel("PIN").fill(pin);
          await button(page, name).click();
          return banner(page);
        },
        { javaScriptEnabled: false },
      );
    expect(await decide(`/a/${one}`, "Approve the ticked lines", "Run of Network")).toContain("2 of 3 lines");
    expect(await decide(`/a/${two}`, "Reject")).toContain("Rejected");
  });

  inChromium("a wrong PIN is said, and pressing Enter in a field decides nothing", async () => {
    const id = await bench.ask([lineOf()]);
    const context = await browser.newContext();
    const { page } = await watched(context);
    await page.goto(`${bench.origin}/a/${id}`);
    await page.getByLabel("PIN").fill(pin);
    await page.getByLabel("PIN").press("Enter");
    await page.getByLabel("Note").fill("kept");
    await page.getByLabel("Note").press("Enter");
    expect(bench.decided).toEqual([]);
    await page.getByLabel("PIN").fill("wrong wrong");
    await button(page, "Approve").click();
    expect(await banner(page)).toContain("That is not the PIN of dana");
    expect(await page.getByLabel("PIN").inputValue()).toBe("");
    expect(await page.getByLabel("Note").inputValue()).toBe("kept");
    await context.close();
    expect(bench.decided).toEqual([]);
  });

  inChromium("another page can neither frame it nor send its form", async () => {
    const id = await bench.ask([lineOf()]);
    const other = await openBench({ people: [] });
    const context = await browser.newContext();
    const { page } = await watched(context);
    await page.goto(`${bench.origin}/a/${id}`);
    const token = await page.locator("input[name=token]").inputValue();
    // The page of another port of this computer: the same site to a browser, with the same cookies.
    await page.route(`${other.origin}/evil`, (route) => {
      const fields = { token, person: "dana", decision: "approve", pin, line: lineOf().digest };
      const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
      const body = `<iframe src="${bench.origin}/a/${id}"></iframe>
        <form method="post" action="${bench.origin}/a/${id}">${inputs.join("")}<button>send</button></form>`;
      return route.fulfill({ contentType: "text/html", body });
    });
    await page.goto(`${other.origin}/evil`);
    await expect.poll(() => page.frames().map((frame) => frame.url())).toContain("chrome-error://chromewebdata/");
    await page.getByRole("button", { name: "send" }).click();
    await page.getByRole("heading", { name: "Not from here" }).waitFor();
    expect(bench.decided).toEqual([]);
    await context.close();
    await other.close();
  });

  inChromium("injected names run nothing and stay inside their line", async () => {
    const name = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    const id = await bench.ask([lineOf({ product: { id: "p", name, channel: "ctv" } })]);
    await visit(`/a/${id}`, async (page) => {
      expect(await page.title()).toBe("Approve 47,222.20 USD?");
      expect(await page.locator(".name").innerText()).toBe(`“${name}”`);
    });
  });
});

describe("with a passkey", () => {
  inChromium("a person registers one, and decides with it; the signature holds later", async () => {
    const id = await bench.ask(threeLines);
    await visit("/", async (page) => {
      await virtualAuthenticator(page);
      await addPasskey(page);
      await page.goto(`${bench.origin}/a/${id}`);
      await page.getByLabel("Evening Drama CTV").uncheck();
      await button(page, "Approve with a passkey").click();
      await page.getByText("Approved: 2 of 3 lines").waitFor();
      expect(await banner(page)).toContain("with a passkey on the approval page");
    });
    const [decision] = bench.decided;
    const [passkey] = await bench.people.passkeys("dana");
    if (decision?.signature.kind !== "passkey" || !passkey) throw new Error("no passkey signature");
    expect(decision.digests).toEqual([lines[0] ?? "", lines[2] ?? ""].sort());
    const text = (approvalId: string) =>
      statementText({
        v: 1,
        desk: "acme",
        approval_id: approvalId,
        decision: "approve",
        digests: decision.digests,
        via: "passkey",
        by: "dana",
        note: null,
        decided_at: decision.decidedAt,
        expires_at: "2026-11-21T09:28:00.000Z",
      });
    expect(await verifyPasskey(decision.signature, text(id), passkey, bench.origin)).toEqual({
      counter: passkey.counter,
    });
    expect(await verifyPasskey(decision.signature, text("ap_other"), passkey, bench.origin)).toBeNull();
  });

  inChromium("an older one lets in a second, and a person can reject with it", async () => {
    const id = await bench.ask(threeLines);
    await visit("/", async (page) => {
      const { cdp, authenticatorId } = await virtualAuthenticator(page);
      await addPasskey(page);
      // The first one cannot be made twice on one authenticator: a second device joins.
      await cdp.send("WebAuthn.addVirtualAuthenticator", {
        options: { protocol: "ctap2", transport: "usb", hasUserVerification: true, isUserVerified: true },
      });
      expect(authenticatorId).not.toBe("");
      await button(page, "Add with an older passkey").click();
      await page.getByText("since 20 Nov 2026").nth(1).waitFor();
      await page.goto(`${bench.origin}/a/${id}`);
      await button(page, "Reject with a passkey").click();
      await page.getByText("Rejected").first().waitFor();
    });
    expect(bench.decided).toMatchObject([{ decision: "reject", via: "passkey" }]);
  });

  inChromium("an unverified user, an answer for another approval and a late one decide nothing", async () => {
    const [one, two] = [await bench.ask(threeLines), await bench.ask(threeLines)];
    const context = await browser.newContext();
    const { page } = await watched(context);
    const { cdp, authenticatorId } = await virtualAuthenticator(page);
    await addPasskey(page);

    const said = page.locator("#says");
    await page.goto(`${bench.origin}/a/${one}`);
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await button(page, "Approve with a passkey").click();
    await expect.poll(() => said.innerText()).toContain("was not used");
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });

    // What the browser signs for one approval is sent for the other, by a page that lies about which it shows.
    let heldAnswer = "";
    await page.route("**/passkey", async (route) => {
      heldAnswer = route.request().postData() ?? "";
      await route.fulfill({ status: 409, json: { error: "held back" } });
    });
    await button(page, "Approve with a passkey").click();
    await expect.poll(() => said.innerText()).toBe("held back");
    await page.unroute("**/passkey");
    await page.goto(`${bench.origin}/a/${two}`);
    await page.route("**/passkey", (route) => {
      const own = JSON.parse(route.request().postData() ?? "{}");
      return route.continue({ postData: JSON.stringify({ ...own, answer: JSON.parse(heldAnswer).answer }) });
    });
    await button(page, "Approve with a passkey").click();
    await expect.poll(() => said.innerText()).toContain("no passkey of dana for this decision");
    await page.unroute("**/passkey");

    await page.route("**/passkey", (route) => {
      bench.later(4);
      return route.continue();
    });
    await button(page, "Approve with a passkey").click();
    await expect.poll(() => said.innerText()).toContain("took too long");
    await context.close();
    expect(bench.decided).toEqual([]);
  });
});
