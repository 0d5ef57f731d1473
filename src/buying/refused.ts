import { streams } from "../domain/ids.ts";
import type { AskEvent } from "../ledger/entries.ts";
import { decideAndAppend } from "./lines.ts";
import type { Ports } from "./ports.ts";
import type { QuoteOutcome } from "./quote.ts";

/**
 * Notes which asks got no quote and why, so that the history of a flow shows them beside those that did. What is only
 * late is not refused, and a ledger that cannot be written costs nobody the quotes it holds already.
 */
export async function noteRefused(
  ports: Ports,
  flowId: string,
  ask: { readonly campaign: string | null; readonly by: string },
  outcomes: readonly QuoteOutcome[],
): Promise<void> {
  const entries = outcomes.flatMap((outcome): AskEvent[] => {
    if (outcome.ok || outcome.error.recovery === "wait") return [];
    const { code, message } = outcome.error;
    const { campaign, by } = ask;
    return [{ kind: "quote_refused", v: 1, item: outcome.item.slice(0, 400), code, why: message, campaign, by }];
  });
  if (entries.length === 0) return;
  const row = { stream: streams.ask(flowId), version: 1, kind: "ask", status: "refused", flowId, entries };
  await decideAndAppend(ports, async () => ({ rows: [row], result: undefined })).catch((error: unknown) =>
    ports.log("refused asks not noted", { flowId, error: String(error) }),
  );
}
