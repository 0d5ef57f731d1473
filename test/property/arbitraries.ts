import fc from "fast-check";
import { type Money, money } from "../../src/domain/money.ts";

/** Currencies with two, no, three and four minor digits. */
export const currencies = fc.constantFrom("USD", "EUR", "JPY", "KWD", "CLF");

/** Amounts from zero to `max` micros, in one currency or any. */
export function amounts(currency?: string, max = 10n ** 17n): fc.Arbitrary<Money> {
  const micros = fc.oneof(fc.bigInt({ min: 0n, max }), fc.bigInt({ min: 0n, max: 100_000_000n }));
  const code = currency === undefined ? currencies : fc.constant(currency);
  return fc.tuple(micros, code).map(([value, of]) => money(value, of));
}

/** CPMs in whole cents, 0.01 to 100.00 USD. */
export const cpms: fc.Arbitrary<Money> = fc
  .bigInt({ min: 1n, max: 10_000n })
  .map((cents) => money(cents * 10_000n, "USD"));
