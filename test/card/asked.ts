import { at, type Connection } from "../e2e/client.ts";
import { quoteFrom } from "../e2e/fixtures.ts";

let impressions = 100_000;

/** An approval asked for over so many lines of about 3,000 USD: the answer as it came, and the card beside it. */
export async function askedFor(client: Connection, lines: number) {
  const refs: string[] = [];
  while (refs.length < lines) {
    // Another volume each time: the same item would bring the same quote back.
    impressions += 1;
    refs.push(await quoteFrom(client, { impressions, campaign: "Acme Q1" }));
  }
  const args = { lines: refs.map((ref) => ({ quote_id: ref })), campaign: "Acme Q1" };
  const result = await client.sdk.client.callTool({ name: "create_media_buy", arguments: args });
  const approvalId = String(at(result, "structuredContent", "approval", "approval_id"));
  return { refs, result, approvalId, card: at(result, "_meta", "media-buyer-mcp/card") };
}
