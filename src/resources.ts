import { type McpServer, ResourceTemplate, UriTemplate } from "@modelcontextprotocol/server";
import type { Desk } from "./desk.ts";
import { committed, type LineStatus } from "./domain/media-buy.ts";
import { formatMoney, type Money } from "./domain/money.ts";
import { buyRow } from "./tools/buy-report.ts";
import { cardText } from "./card/text.ts";
import { chatView } from "./card/view.ts";
import { planOfUri, planPicture } from "./tools/plan-report.ts";
import { CARD_URI } from "./tools/tool.ts";

/** Read once: a request of the 2026 era has a server of its own. */
const addresses = {
  seller: new UriTemplate("buyer://seller/{seller}"),
  quote: new UriTemplate("buyer://quote/{seller}/{id}"),
  buy: new UriTemplate("buyer://media-buy/{seller}/{id}"),
  approval: new UriTemplate("buyer://approval/{id}"),
  plan: new UriTemplate("buyer://media-plan/{by}/{of}"),
};

/** What can be read and watched by address: sellers, quotes, media buys, approvals, plans. Ids complete from the ledger. */
export function registerResources(server: McpServer, desk: Desk): void {
  const sellerIds = async (prefix: string) =>
    (await desk.sellers()).map(({ id }) => id).filter((id) => id.startsWith(prefix));
  /** Ends of references that begin with what was typed, of the seller chosen before if one was. */
  const refs = async (statuses: readonly LineStatus[], typed: string, seller: string | undefined) => {
    const lines = await desk.buys({ ids: [], campaign: null, statuses, limit: 500, before: null });
    return lines
      .filter(({ line }) => seller === undefined || line.quote.sellerId === seller)
      .map(({ ref }) => ref.slice(ref.indexOf("/") + 1))
      .filter((id) => id.startsWith(typed));
  };
  const text = (uri: URL, body: unknown) => ({
    contents: [
      {
        uri: uri.href,
        mimeType: "application/json",
        text: JSON.stringify(body, (_key, value: unknown) => (isMoney(value) ? formatMoney(value) : value), 1),
      },
    ],
  });

  server.registerResource(
    "approval-card",
    CARD_URI,
    { title: "Approval card", description: "Shows an approval in clients that render apps", mimeType: APP },
    async (uri) => ({ contents: [{ uri: uri.href, mimeType: APP, text: chatView, _meta: appMeta }] }),
  );
  server.registerResource(
    "seller",
    new ResourceTemplate(addresses.seller, { list: undefined, complete: { seller: sellerIds } }),
    {
      title: "Seller",
      description: "A seller as this desk knows it, with its card, supply chain, and what public files say of it",
      mimeType: "application/json",
    },
    async (uri, { seller }) => text(uri, await explained(desk, desk.sellerDetails(one(seller)))),
  );
  server.registerResource(
    "quote",
    new ResourceTemplate(addresses.quote, {
      list: undefined,
      complete: {
        seller: sellerIds,
        id: (typed, context) => refs(["open", "awaiting_approval"], typed, context?.arguments?.["seller"]),
      },
    }),
    { title: "Quote", description: "An offer and everything that came of it", mimeType: "application/json" },
    async (uri, { seller, id }) => text(uri, (await explained(desk, desk.line(`${one(seller)}/${one(id)}`))).line),
  );
  server.registerResource(
    "media-buy",
    new ResourceTemplate(addresses.buy, {
      list: undefined,
      complete: {
        seller: sellerIds,
        id: (typed, context) => refs([...committed, "cancelled"], typed, context?.arguments?.["seller"]),
      },
    }),
    { title: "Media buy", description: "What was bought from one seller, with deal IDs", mimeType: "application/json" },
    async (uri, { seller, id }) => text(uri, buyRow(await explained(desk, desk.buyById(`${one(seller)}/${one(id)}`)))),
  );
  server.registerResource(
    "approval",
    new ResourceTemplate(addresses.approval, {
      list: undefined,
      complete: {
        id: async (typed) =>
          (await desk.inbox()).approvals.map(({ approvalId }) => approvalId).filter((id) => id.startsWith(typed)),
      },
    }),
    { title: "Approval", description: "What a person is asked to decide", mimeType: "text/plain" },
    async (uri, { id }) => {
      const approval = await explained(desk, desk.approval(one(id)));
      return {
        contents: [
          { uri: uri.href, mimeType: "text/plain", text: `${approval.status}\n${cardText(approval, desk.settings)}` },
        ],
      };
    },
  );
  server.registerResource(
    "media-plan",
    new ResourceTemplate(addresses.plan, {
      list: undefined,
      complete: { by: (typed) => ["campaign", "ids"].filter((one) => one.startsWith(typed)) },
    }),
    { title: "Media plan", description: "Lines by week as a picture, by campaign or by ids", mimeType: SVG },
    async (uri, { by, of }) => {
      const wanted = planOfUri(one(by), one(of));
      if (!wanted) throw new Error("invalid_arguments: a plan is read by campaign or by ids.");
      return { contents: [{ uri: uri.href, mimeType: SVG, text: await explained(desk, planPicture(desk, wanted)) }] };
    },
  );
}

const SVG = "image/svg+xml";
/** What the apps extension calls a document for a host to show. */
const APP = "text/html;profile=mcp-app";
/** The card reaches no other origin. */
const appMeta = { ui: { csp: { connectDomains: [], resourceDomains: [] }, prefersBorder: false } };

/** Amounts read as everywhere else, `"31.50 USD"`: a reader slips by a thousand in micros. */
function isMoney(value: unknown): value is Money {
  return typeof value === "object" && value !== null && "micros" in value && typeof value.micros === "bigint";
}

function one(value: string | string[] | undefined): string {
  return Array.isArray(value) ? (value[0] ?? "") : (value ?? "");
}

/** Only our own sentences leave through a resource error, never a stack or a path. */
async function explained<T>(desk: Desk, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const known = desk.explain(error);
    throw new Error(`${known.code}: ${known.message}`);
  }
}
