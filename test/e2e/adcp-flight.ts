import { type Asked, askedInBody } from "../adcp/asked.ts";
import type { Connection, Reply } from "./client.ts";
import { flight, type SharedDesk, sharedDesk, startDesk, type TestDesk } from "./fixtures.ts";

/** A desk with the two AdCP sellers of the sandbox, and no others, for all tests of a file. */
export function flightDesk(): SharedDesk {
  return sharedDesk(() => startDesk({ sandbox: { sellers: [], adcp: ["streamhaus", "openbid"] } }));
}

/** One product of openbid by auction, as a line of `request_quote`. */
export const display = { product: "openbid/sports_display_auction", budget: "9000.00 USD", max_bid: "6.00 USD" };

/** Books and returns the media buy's id. @param item what is bought; its flight begins tomorrow, for 30 days */
export async function book(client: Connection, item: Record<string, unknown> = display): Promise<string> {
  const asked = await client.ok("request_quote", { items: [{ flight: flight(1, 30), ...item }] });
  const quoteId = asked.string("quotes", 0, "quote_id");
  await client.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });
  return quoteId;
}

export const days = (count: number) => count * 86_400_000;

/** The first package of an answer of `get_delivery`. */
export function delivered(reply: Reply, at = 0): unknown {
  return reply.at("deliveries", 0, "packages", at);
}

/** The tasks that reached the desk's AdCP sellers, with their arguments as sent, in order. */
export function sentTo(desk: TestDesk): readonly Asked[] {
  return desk.sandbox.requests().flatMap(({ body }) => askedInBody(body) ?? []);
}
