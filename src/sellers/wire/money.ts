import * as z from "zod";
import { BuyingError } from "../../domain/errors.ts";
import { type Money, money } from "../../domain/money.ts";

/**
 * The three ways sellers write money, read without float arithmetic: integer micros, JSON numbers in major units, and
 * display strings.
 */

/** `{"amount_micros": 12110000, "currency": "USD"}` with a safe integer and an ISO 4217 code. */
export const microsMoney = z
  .object({ amount_micros: z.int(), currency: z.string() })
  .transform(({ amount_micros, currency }, context) => {
    const read = tryMoney(BigInt(amount_micros), currency);
    if (read) return read;
    context.addIssue({ code: "custom", message: "is no amount of money" });
    return z.NEVER;
  });

/**
 * A JSON number of major units, e.g. `21.25`, taken by its shortest decimal text. Decimals beyond the sixth are float
 * noise (`10.200000000000001`) and are rounded half up. Null for what is no amount: NaN, exponents of huge numbers.
 */
export function moneyFromNumber(value: number | null, currency: string): Money | null {
  if (value === null) return null;
  const micros = microsFromText(String(value));
  return micros === null ? null : tryMoney(micros, currency);
}

/** {@link moneyFromNumber} for integer micros. */
export function moneyFromMicros(micros: bigint, currency: string): Money | null {
  return tryMoney(micros, currency);
}

/** {@link moneyFromNumber} for a decimal that is text already. */
export function moneyFromText(text: string | null | undefined, currency: string): Money | null {
  const micros = microsFromText(text ?? "");
  return micros === null ? null : tryMoney(micros, currency);
}

/** A non-negative decimal in micros, half up beyond the sixth decimal; null where the text is no plain decimal. */
function microsFromText(text: string): bigint | null {
  const match = /^(\d{1,15})(?:\.(\d+))?$/.exec(text);
  if (!match) return null;
  const [, whole = "0", fraction = ""] = match;
  const kept = BigInt(whole) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  return (fraction[6] ?? "0") >= "5" ? kept + 1n : kept;
}

/** Signs that name one currency at the sellers we know; `¥` names two and is not read. */
const signs: Readonly<Record<string, string>> = { $: "USD", "€": "EUR", "£": "GBP" };

/**
 * A display string such as `"$28-$42 CPM"` or `"$21 CPM"` (IAB seller agent 2.4.2, public packages, whose amounts are
 * US dollars) as its lowest and highest amount; null where it is none.
 */
export function moneyRange(text: string | null): { readonly low: Money; readonly high: Money } | null {
  const one = "([$€£]|[A-Z]{3} ?)(\\d[\\d,]*(?:\\.\\d+)?)";
  const match = new RegExp(`^\\s*${one}(?:\\s*[-–]\\s*${one})?(?:\\s+CPM)?\\s*$`).exec(text ?? "");
  if (!match) return null;
  const [, sign = "", from = "", highSign = sign, to = from] = match;
  const low = amount(sign, from);
  const high = amount(highSign, to);
  return low && high && low.currency === high.currency && low.micros <= high.micros ? { low, high } : null;
}

function amount(sign: string, digits: string): Money | null {
  const micros = microsFromText(digits.replaceAll(",", ""));
  return micros === null ? null : tryMoney(micros, signs[sign] ?? sign.trim());
}

function tryMoney(micros: bigint, currency: string): Money | null {
  try {
    return money(micros, currency);
  } catch (error) {
    if (error instanceof BuyingError) return null;
    throw error;
  }
}
