import { committed, type LineStatus } from "../domain/media-buy.ts";
import type { QuoteRequest } from "../domain/quote.ts";
import { canonicalJson } from "../domain/terms.ts";
import { type LoadedLine, loadLine } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** By what asks are told apart, beside what is asked for. */
export interface Asking {
  readonly campaign: string | null;
  /** Asked in order to buy: what this campaign has bought of it already is that buy, or a repeated call would buy twice. */
  readonly toBuy?: boolean | undefined;
}

/** The line that stands for an ask: what was bought of it, where it is asked in order to buy; else the quote that is open. */
export async function standingFor(
  ports: Ports,
  request: QuoteRequest,
  { campaign, toBuy }: Asking,
): Promise<LoadedLine | undefined> {
  const isSame = ({ line }: LoadedLine) =>
    line.campaign === campaign && !line.quote.changes && essenceOf(line.request) === essenceOf(request);
  const bought = toBuy ? await linesOfSeller(ports, request, committed) : [];
  const open = await linesOfSeller(ports, request, ["open", "proposed", "awaiting_approval"]);
  return bought.find(isSame) ?? open.find((one) => isLive(ports, one) && isSame(one));
}

/** True for a quote that can still be negotiated or bought, with the two minutes that deciding takes. */
export function isLive(ports: Ports, { line }: LoadedLine): boolean {
  // Terms that wait go on after the quote they were put beside.
  if (line.status === "proposed") return true;
  const isOpen = line.status === "open" || line.status === "awaiting_approval";
  return isOpen && Date.parse(line.quote.expiresAt) - 120_000 > ports.now().getTime();
}

/** What makes two asks one. A budget decides the volume, so with one budget they are one whatever volume they came to. */
export function essenceOf({ budget, impressions, ...rest }: QuoteRequest): string {
  const volume = budget ? `${budget.micros} ${budget.currency}` : `${impressions}`;
  return canonicalJson(
    JSON.parse(
      JSON.stringify({ ...rest, volume }, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
    ),
  );
}

/** Newest first. */
async function linesOfSeller(
  ports: Ports,
  { product }: QuoteRequest,
  statuses: readonly LineStatus[],
): Promise<readonly LoadedLine[]> {
  const heads = await ports.ledger.heads({ kind: "quote", statuses });
  const prefix = `quote/${product.split("/")[0]}/`;
  const ours = heads.filter(({ stream }) => stream.startsWith(prefix));
  return Promise.all(ours.map(({ stream }) => loadLine(ports, stream.slice("quote/".length))));
}
