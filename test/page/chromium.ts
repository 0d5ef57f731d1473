import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";

const file = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** A real browser is on this computer, or the tests that need one do not run, and say so. */
export const chromiumIsHere = existsSync(file);
if (!chromiumIsHere)
  process.stderr.write(`No Chromium at ${file} (set CHROMIUM): the page is not tested in a browser.\n`);

/** Starts the browser. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: file, args: ["--no-sandbox", "--disable-gpu"] });
}

/** A page of a context, with everything it complained about. */
export async function watched(context: BrowserContext): Promise<{ page: Page; complaints: readonly string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  return { page, complaints };
}

/** An authenticator like the one in a laptop, that verifies its user; it belongs to this page until that is closed. */
export async function virtualAuthenticator(page: Page): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { cdp, authenticatorId };
}
