import * as z from "zod";
import type { Desk } from "../desk.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import type { ToolCall } from "./call.ts";
import { fields } from "./fields.ts";
import { itemOf } from "./request-quote.ts";
import { isOffered } from "./tool.ts";

/** How long sellers have to quote what is bought directly; their booking comes after it. */
const QUOTE_MS = 20_000;

/** What a line says instead of a quote: a product, its flight and how much of it. */
export const directly = {
  product: z.string().max(400).optional().describe("Instead of quote_id, with flight and budget or impressions"),
  flight: fields.flight.optional(),
  budget: z.string().max(40).optional(),
  impressions: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  deal_type: fields.dealType.optional(),
};

type DirectLine = z.output<z.ZodObject<typeof directly>> & {
  readonly quote_id?: string | undefined;
  readonly max_bid?: string | undefined;
  readonly creative_ids?: string[] | undefined;
};

/**
 * The quotes of lines, in their order: those named, and for products bought directly those that stand, or are asked for now.
 * The same line of the same campaign is the same quote, and once it is bought the same buy: repeating a call buys nothing
 * twice. A quote that cannot be had ends it all, before anything is bought.
 * @throws BuyingError as the quote fails, its field below the line
 */
export async function quotesOf(
  lines: readonly DirectLine[],
  campaign: string | null,
  desk: Desk,
  call: ToolCall,
): Promise<readonly Ref[]> {
  const items = lines.map((line, index) => productOf(line, `lines[${index}]`));
  const wanted = items.filter((item) => item !== null);
  if (wanted.length > 0 && !isOffered(call.principal, "record")) {
    const message = "This token may buy quotes and not ask for them: name a quote_id. Nothing was booked.";
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "lines" });
  }
  const by = call.principal.name;
  const ask = { campaign, items: wanted, goal: null, by, deadlineMs: QUOTE_MS, toBuy: true };
  const quoted = wanted.length === 0 ? [] : [...(await desk.quote(ask))];
  return lines.map((line, index) => {
    if (line.quote_id !== undefined) return line.quote_id;
    const outcome = quoted.shift();
    if (outcome?.ok) return outcome.report.loaded.ref;
    if (!outcome) throw new RangeError("a product was asked for and brought no outcome");
    const { code, message, recovery, details } = outcome.error;
    const field = `lines[${index}].${details.field ?? "product"}`;
    throw new BuyingError(code, `lines[${index}]: ${message}`, recovery, { ...details, field });
  });
}

function productOf({ quote_id: quoteId, product, flight, ...rest }: DirectLine, at: string) {
  const refused = (message: string, field: string) =>
    new BuyingError("invalid_arguments", `${at} ${message} Nothing was booked.`, "fix_arguments", { field });
  if (quoteId !== undefined) {
    const { budget, impressions, deal_type: dealType } = rest;
    const more = [product, flight, budget, impressions, dealType].some((given) => given !== undefined);
    if (more)
      throw refused("has a quote_id, whose product, flight and volume are those of the quote.", `${at}.quote_id`);
    return null;
  }
  if (product === undefined) throw refused("needs a quote_id, or a product with its flight.", `${at}.quote_id`);
  if (flight === undefined) throw refused("needs the flight of its product.", `${at}.flight`);
  return itemOf({ product, flight, ...rest }, at);
}
