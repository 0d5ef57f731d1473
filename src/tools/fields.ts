import * as z from "zod";
import { BuyingError } from "../domain/errors.ts";
import { channels, dealTypes } from "../domain/inventory.ts";
import { type Money, parseMoney } from "../domain/money.ts";

/**
 * Words that a person reads before deciding: one line, and nothing in it that is not seen. What a caller says of its own
 * buy stands in the question, in a terminal too, and must not be able to write another question over it.
 */
export function oneLine(most: number): z.ZodString {
  return z
    .string()
    .max(most)
    .refine(
      (text) => !/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(text),
      "one line, of characters that can be seen",
    );
}

/** Parameters that several tools share, with the words a model reads about them. */
export const fields = {
  money: (what: string) => z.string().max(40).describe(`${what}: "31.50 USD"`),
  /** An amount beside another that shows how amounts are written. */
  moneyToo: (what: string) => z.string().max(40).describe(what),
  channels: z.array(z.enum(channels)).max(channels.length),
  dealType: z.enum(dealTypes),
  day: z.string().max(10).describe("YYYY-MM-DD"),
  flight: z.strictObject({ start: z.string().max(10).describe("YYYY-MM-DD"), end: z.string().max(10) }),
  quoteId: z.string().max(400).describe('e.g. "northbeam/qt-14ecda2ec6a9"'),
  campaign: oneLine(120).min(1).describe("The planner's label; find all of it by that"),
  deadline: z.number().min(1).max(50).describe("Seconds; the same call collects the rest"),
} as const;

/** An optional amount of the arguments. @throws BuyingError `invalid_arguments` naming the field */
export function amount(text: string | undefined, field: string): Money | null {
  if (text === undefined) return null;
  try {
    return parseMoney(text);
  } catch (error) {
    if (!(error instanceof BuyingError)) throw error;
    throw new BuyingError(error.code, error.message, error.recovery, { field });
  }
}

/** An amount that must be there. @throws BuyingError `invalid_arguments` naming the field */
export function required(text: string, field: string): Money {
  const read = amount(text, field);
  if (read) return read;
  throw new RangeError(`${field} was checked to be there`);
}
