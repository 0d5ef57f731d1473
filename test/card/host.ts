import type { Browser, BrowserContext, Frame, Page } from "playwright-core";
import { type Connection, at } from "../e2e/client.ts";
import { watched } from "../page/chromium.ts";

/** What the card may do in a host: run itself and nothing else. Hosts put at least this around an MCP App. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'";

export interface HostOptions {
  readonly theme?: "light" | "dark";
  /** Whether the host opens links in a browser; without it, it answers with an error. */
  readonly opensLinks?: boolean;
  /** What the host does to a call of the card before the server gets it. */
  readonly meddle?: (params: CallParams) => CallParams;
}

export interface CallParams {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

/** A chat client that renders MCP Apps, as far as a card can tell: a sandboxed frame, and messages to and from it. */
export class Host {
  readonly page: Page;
  readonly frame: Frame;
  /** What the browser complained about. */
  readonly complaints: readonly string[];
  /** Calls the card made through the host, in order. */
  readonly calls: readonly CallParams[];
  /** What the card had the host tell the model. */
  readonly told: readonly string[];
  /** Addresses the card asked to be opened. */
  readonly opened: readonly string[];
  readonly #context: BrowserContext;

  constructor(
    context: BrowserContext,
    page: Page,
    frame: Frame,
    seen: Pick<Host, "complaints" | "calls" | "told" | "opened">,
  ) {
    this.#context = context;
    this.page = page;
    this.frame = frame;
    this.complaints = seen.complaints;
    this.calls = seen.calls;
    this.told = seen.told;
    this.opened = seen.opened;
  }

  /** Hands the card an answer of the tool it belongs to. */
  async show(result: unknown): Promise<void> {
    await this.page.evaluate(`toCard({method: "ui/notifications/tool-result", params: ${JSON.stringify(result)}})`);
  }

  close(): Promise<void> {
    return this.#context.close();
  }
}

/** Puts the card's document, as the server gives it, into a host; its calls go to the server over a real client. */
export async function openHost(browser: Browser, client: Connection, options: HostOptions = {}): Promise<Host> {
  const { theme = "light", opensLinks = true, meddle = (params) => params } = options;
  const { contents } = await client.sdk.client.readResource({ uri: await cardUri(client) });
  const document = String(at(contents, 0, "text"));
  const context = await browser.newContext({ viewport: { width: 720, height: 900 } });
  const { page, complaints } = await watched(context);
  const [calls, told, opened]: [CallParams[], string[], string[]] = [[], [], []];
  await page.exposeFunction("onCall", async (params: CallParams) => {
    calls.push(params);
    return client.sdk.client.callTool(meddle(params));
  });
  await page.exposeFunction("onTold", (text: string) => told.push(text));
  await page.exposeFunction("onLink", (url: string) => {
    opened.push(url);
    return opensLinks;
  });
  await page.setContent(`<body style="margin:12px;background:${theme === "dark" ? "#262624" : "#fff"}">
<iframe id="app" sandbox="allow-scripts" style="width:100%;height:200px;border:0;display:block"></iframe></body>`);
  await page.evaluate(hostScript(theme, document.replace("<head>", `<head>${policyTag}`)));
  const frame = await (await page.waitForSelector("#app")).contentFrame();
  if (!frame) throw new Error("the card has no frame");
  await page.waitForFunction("cardIsReady");
  return new Host(context, page, frame, { complaints, calls, told, opened });
}

/** Where the tools say that their card is. */
export async function cardUri(client: Connection): Promise<string> {
  const { tools } = await client.sdk.client.listTools();
  const buy = tools.find(({ name }) => name === "create_media_buy");
  return String(at(buy, "_meta", "ui", "resourceUri"));
}

const policyTag = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;

/** The host's half of the protocol; runs in the page, and reaches the test by the functions exposed to it. */
function hostScript(theme: string, html: string): string {
  return `(() => {
const frame = document.getElementById("app");
window.cardIsReady = false;
window.toCard = (message) => frame.contentWindow.postMessage({jsonrpc: "2.0", ...message}, "*");
const answers = {
  "ui/initialize": async ({protocolVersion}) => ({
    protocolVersion,
    hostInfo: {name: "test-host", version: "1.0.0"},
    hostCapabilities: {serverTools: {}, openLinks: {}, updateModelContext: {}},
    hostContext: {theme: ${JSON.stringify(theme)}, displayMode: "inline"},
  }),
  "tools/call": onCall,
  "ui/update-model-context": async ({content}) => onTold(content[0].text),
  "ui/open-link": async ({url}) => ((await onLink(url)) ? {} : {isError: true}),
};
addEventListener("message", async ({source, data: {id, method, params}}) => {
  if (source !== frame.contentWindow) return;
  if (method === "ui/notifications/initialized") window.cardIsReady = true;
  if (method === "ui/notifications/size-changed") frame.style.height = params.height + "px";
  if (id === undefined) return;
  try {
    window.toCard({id, result: await (answers[method]?.(params) ?? {})});
  } catch (error) {
    window.toCard({id, error: {code: -32603, message: String(error)}});
  }
});
frame.srcdoc = ${JSON.stringify(html).replaceAll("<", "\\u003c")};
})()`;
}
