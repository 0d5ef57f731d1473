import { test } from "vitest";
import { launch, virtualAuthenticator } from "./chromium.ts";
import { openBench, pin } from "./bench.ts";
import { threeLines, lineOf } from "./lines.ts";
test("shots", async () => {
  const bench = await openBench({ people: ["dana", "lee"] });
  const sand = await openBench({
    sandbox: true,
    shortfall: (via) => (via === "page" ? "channels.page.per_buy is 10,000.00 USD, this is 47,222.20 USD" : null),
  });
  const browser = await launch();
  await bench.people.addPasskey("dana", {
    id: "abcdefgh123",
    publicKey: "AA",
    counter: 0,
    transports: [],
    addedAt: "2026-11-01T00:00:00Z",
  });
  const id = await bench.ask(threeLines);
  for (const scheme of ["light", "dark"] as const) {
    const page = await browser.newPage({ viewport: { width: 860, height: 1200 }, colorScheme: scheme });
    await page.goto(`${bench.origin}/a/${id}`);
    await page.screenshot({ path: `docs/images/approval-page${scheme === "dark" ? "-dark" : ""}.png`, fullPage: true });
    if (scheme === "light") {
      await page.emulateMedia({ media: "print" });
      await page.pdf({ path: "/tmp/shots/print.pdf" });
      await page.screenshot({ path: "/tmp/shots/print.png", fullPage: true });
      await page.emulateMedia({ media: "screen" });
      await page.goto(`${bench.origin}/passkeys`);
      await page.screenshot({ path: "/tmp/shots/passkeys.png" });
      const sid = await sand.ask([lineOf()]);
      await page.goto(`${sand.origin}/a/${sid}`);
      await page.fill("#pin", "nope nope");
      await page.click("button.yes");
      await page.screenshot({ path: "/tmp/shots/sandbox.png", fullPage: true });
      await page.fill("#pin", pin);
      await page.click("button.no");
      await page.screenshot({ path: "/tmp/shots/rejected.png", fullPage: true });
      await page.goto(`${sand.origin}/nope`);
      await page.screenshot({ path: "/tmp/shots/nope.png" });
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(`${bench.origin}/a/${id}`);
      await page.screenshot({ path: "/tmp/shots/phone.png" });
    }
  }
  await browser.close();
  await bench.close();
  await sand.close();
}, 60000);
