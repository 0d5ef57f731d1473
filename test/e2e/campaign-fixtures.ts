import type { Connection, Reply } from "./client.ts";
import { flight } from "./fixtures.ts";

/** A brief as a client hands it in, complete. */
export function brief(change: Record<string, unknown> = {}): Record<string, unknown> {
  const { start, end } = flight(30, 89);
  return {
    ...{ name: "Trail shoes", objective: "awareness", budget: "120000 USD", start, end },
    ...{ channels: ["ctv", "audio"], geo: ["US"], demographics: ["A25-54"], po_number: "PO-77", wait_s: 20 },
    ...change,
  };
}

/** Calls until the campaign is in one of these statuses; fails with what it says otherwise. */
export async function until(client: Connection, campaignId: string, ...statuses: readonly string[]): Promise<Reply> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const reply = await client.ok("plan_campaign", { campaign_id: campaignId, action: "status", wait_s: 1 });
    if (statuses.includes(reply.string("status"))) return reply;
    if (Date.now() > deadline) throw new Error(`waited for ${statuses.join(", ")}:\n${reply.text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Quote ids of a campaign's lines. */
export function linesIn(reply: Reply): readonly string[] {
  return reply.list("lines").map((_line, index) => reply.string("lines", index, "quote_id"));
}

/** An amount of an answer in micros. */
export function micros(text: string): bigint {
  const [whole = "", fraction = ""] = (text.split(" ")[0] ?? "").split(".");
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
}
