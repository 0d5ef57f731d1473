import type { BehaviourChange } from "../../src/sandbox/opendirect/behaviour.ts";
import type { BookedLine } from "../../src/sandbox/opendirect/control.ts";
import { approving, type Connection, type ConnectOptions } from "./client.ts";
import { type ConfigFile, flight, startDesk, type TestDesk } from "./fixtures.ts";

/** The sandbox's OpenDirect seller; every test that needs it to misbehave has a desk of its own. */
export const seller = "citylight";
/** 25.00 USD CPM, guaranteed, booked without a creative. */
export const product = `${seller}/888899`;

export interface OpenDirectDesk {
  readonly desk: TestDesk;
  readonly client: Connection;
  /** The lines and orders in the seller's books, whatever its answers said. */
  readonly lines: () => readonly BookedLine[];
  readonly orders: () => readonly { readonly id: string }[];
  /** What the seller was sent, as `POST /accounts/…/orders`, below its base and with ids left out. */
  readonly sent: (...methods: readonly string[]) => readonly string[];
  readonly behave: (change: BehaviourChange) => void;
}

/** A desk that buys from this seller alone, and looks at what is open every second, with a client whose person approves. */
export async function onOpenDirect<T>(
  work: (scene: OpenDirectDesk) => Promise<T>,
  options: ConnectOptions & { readonly config?: (standard: ConfigFile) => ConfigFile } = {},
): Promise<T> {
  const { config = (standard) => standard, ...client } = options;
  const desk = await startDesk({
    sandbox: { sellers: [], opendirect: [seller] },
    config: (standard) =>
      config({
        ...standard,
        timeouts: { booking_s: 1 },
        booking: { settle_after_s: 1, follow_every_s: 1 },
        sellers: [entryIn(standard)],
      }),
  });
  const { opendirect: hand } = desk.sandbox;
  try {
    return await work({
      desk,
      client: await desk.connect({ person: approving, ...client }),
      lines: () => hand.lines(seller),
      orders: () => hand.orders(seller),
      sent: (...methods) =>
        desk.sandbox
          .requests(seller)
          .filter(({ method }) => methods.includes(method))
          .map(({ method, target }) => `${method} ${target.replace("/api/v2.1", "").replace(/\/\d+/g, "/…")}`),
      behave: (change) => hand.behave(seller, change),
    });
  } finally {
    await desk.close();
  }
}

/** The seller as an operator writes it, out of what the standard config has for it. */
export function entryIn(standard: ConfigFile): ConfigFile {
  const [one] = Array.isArray(standard["sellers"]) ? standard["sellers"] : [];
  return {
    ...Object(one),
    protocol: "opendirect",
    opendirect: { advertiser_id: "1234987", buyer_id: "34587", brand_id: "123456" },
  };
}

let thousands = 100;

/** An open quote, for a volume of its own. */
export async function quoted(client: Connection, item: Record<string, unknown> = {}): Promise<string> {
  thousands += 1;
  const asked = { product, flight: flight(), impressions: thousands * 1_000, ...item };
  const reply = await client.ok("request_quote", { items: [asked] });
  return reply.string("quotes", 0, "quote_id");
}

export const buy = (client: Connection, quoteId: string) =>
  client.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });

/** A buy as the seller has it by now. */
export const nowOf = (client: Connection, quoteId: string) =>
  client.ok("get_media_buys", { ids: [quoteId], refresh: true });
