import { BuyingError } from "./errors.ts";

/** An exact amount: integer millionths of the currency's major unit (1.00 USD = 1,000,000 micros) and an ISO 4217 code. */
export interface Money {
  readonly micros: bigint;
  readonly currency: string;
}

const MICROS = 1_000_000n;
/** Far above any media budget, far below what could overflow a seller's 64-bit integer. */
const LARGEST = 1_000_000_000_000n * MICROS;

/** Minor-unit digits of every active ISO 4217 currency that are not the usual two. */
const digitsOf: ReadonlyMap<string, number> = new Map([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map((code) => [code, 0] as const),
  ..."BHD IQD JOD KWD LYD OMN TND".split(" ").map((code) => [code, 3] as const),
  ..."CLF UYW".split(" ").map((code) => [code, 4] as const),
]);

const twoDigitCodes = new Set(
  (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP " +
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR " +
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN " +
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP " +
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
  ).split(" "),
);

/** True for an active ISO 4217 code in capitals; anything else is refused rather than guessed. */
export function isCurrency(code: string): boolean {
  return digitsOf.has(code) || twoDigitCodes.has(code);
}

/** Digits after the decimal point that the currency is paid in: 2 for USD, 0 for JPY, 3 for KWD (ISO 4217). */
export function minorUnitDigits(currency: string): number {
  return digitsOf.get(currency) ?? 2;
}

/** An amount from integer micros. @throws BuyingError `invalid_arguments` for an unknown currency or an absurd amount. */
export function money(micros: bigint, currency: string): Money {
  if (!isCurrency(currency)) throw unreadable(currency, "is no ISO 4217 currency");
  if (micros > LARGEST || micros < -LARGEST) throw unreadable(`${micros} micros`, "is beyond any amount we handle");
  return { micros, currency };
}

/** Zero in a currency. */
export function zero(currency: string): Money {
  return money(0n, currency);
}

/**
 * Reads `"31.50 USD"`: digits, optionally grouped by commas in threes, at most six decimals, one space, a currency.
 * Negative amounts, exponents, bare numbers and unknown currencies are refused.
 * @throws BuyingError `invalid_arguments`
 */
export function parseMoney(text: string): Money {
  const match = /^(\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d{1,6}))? ([A-Z]{3})$/.exec(text.trim());
  if (!match) throw unreadable(text, 'is not an amount like "31.50 USD"');
  const [, whole = "0", fraction = "", currency = ""] = match;
  const micros = BigInt(whole.replaceAll(",", "")) * MICROS + BigInt(fraction.padEnd(6, "0"));
  return money(micros, currency);
}

/** Writes `"31.50 USD"`: at least the currency's minor unit, and as many of six decimals as the amount needs. */
export function formatMoney(amount: Money): string {
  return `${formatAmount(amount)} ${amount.currency}`;
}

/** The number of {@link formatMoney} without its currency, for table cells whose heading names the currency. */
export function formatAmount(amount: Money): string {
  const digits = minorUnitDigits(amount.currency);
  const sign = amount.micros < 0n ? "-" : "";
  const absolute = amount.micros < 0n ? -amount.micros : amount.micros;
  const fraction = (absolute % MICROS).toString().padStart(6, "0");
  const kept = fraction.replace(/0+$/, "").padEnd(digits, "0");
  return `${sign}${absolute / MICROS}${kept === "" ? "" : `.${kept}`}`;
}

/** For a person's eyes only: `"62,222.20 USD"`. */
export function displayMoney(amount: Money): string {
  const [whole = "0", fraction] = formatAmount(amount).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${grouped}${fraction === undefined ? "" : `.${fraction}`} ${amount.currency}`;
}

/** @throws BuyingError `currency_mismatch` */
export function add(left: Money, right: Money): Money {
  return money(left.micros + sameCurrency(left, right).micros, left.currency);
}

/** May be negative. @throws BuyingError `currency_mismatch` */
export function subtract(left: Money, right: Money): Money {
  return money(left.micros - sameCurrency(left, right).micros, left.currency);
}

/** Negative, zero or positive, like a sort function. @throws BuyingError `currency_mismatch` */
export function compare(left: Money, right: Money): number {
  const difference = left.micros - sameCurrency(left, right).micros;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The smaller of two amounts. @throws BuyingError `currency_mismatch` */
export function min(left: Money, right: Money): Money {
  return compare(left, right) <= 0 ? left : right;
}

/**
 * As much of an amount as a total can take and still be an amount. For figures that others made up: what is far past
 * every limit stays past it. @throws BuyingError `currency_mismatch`
 */
export function asMuchAsFits(amount: Money, total: Money): Money {
  sameCurrency(amount, total);
  return min(amount, money(LARGEST - total.micros, total.currency));
}

/** The sum, zero in `currency` for an empty list. @throws BuyingError `currency_mismatch` */
export function sum(amounts: readonly Money[], currency: string): Money {
  return amounts.reduce(add, zero(currency));
}

/** `value × numerator ÷ denominator`, rounded half away from zero. The denominator must be positive. */
export function mulDiv(value: bigint, numerator: bigint, denominator: bigint): bigint {
  const product = value * numerator;
  const magnitude = product < 0n ? -product : product;
  const rounded = (2n * magnitude + denominator) / (2n * denominator);
  return product < 0n ? -rounded : rounded;
}

/** Whole percents of an amount, rounded down to what can be paid. */
export function percentOf(amount: Money, percent: number): Money {
  const step = minorUnit(amount.currency);
  return money(((amount.micros * BigInt(percent)) / 100n / step) * step, amount.currency);
}

/** Rounds half up to what the currency can be paid in. */
export function toMinorUnit(amount: Money): Money {
  const step = minorUnit(amount.currency);
  return money(mulDiv(amount.micros, 1n, step) * step, amount.currency);
}

/**
 * What `impressions` cost at a CPM (price per 1,000 impressions): exact, then rounded once, half up to the minor unit.
 * @throws BuyingError `invalid_arguments` when `impressions` is no count
 */
export function costOfImpressions(cpm: Money, impressions: number): Money {
  if (!Number.isSafeInteger(impressions) || impressions < 0) {
    throw unreadable(String(impressions), "is no number of impressions");
  }
  const step = minorUnit(cpm.currency);
  return money(mulDiv(cpm.micros, BigInt(impressions), 1000n * step) * step, cpm.currency);
}

/**
 * The most impressions a budget buys at a CPM, rounded down, so that {@link costOfImpressions} of the answer never
 * exceeds the budget. @throws BuyingError for a price of zero, a budget below zero or mixed currencies.
 */
export function impressionsForBudget(budget: Money, cpm: Money): number {
  sameCurrency(budget, cpm);
  if (cpm.micros <= 0n) throw unreadable(formatMoney(cpm), "is no price to divide a budget by");
  if (budget.micros < 0n) throw unreadable(formatMoney(budget), "is no budget");
  const step = minorUnit(budget.currency);
  // A budget cut to payable units cannot be passed by rounding the cost half up.
  const payable = (budget.micros / step) * step;
  const impressions = (payable * 1000n) / cpm.micros;
  if (impressions > BigInt(Number.MAX_SAFE_INTEGER))
    throw unreadable(formatMoney(budget), "buys more impressions than we can count");
  return Number(impressions);
}

/** The smallest amount a currency is paid in, in micros: 10,000 for a cent. */
export function minorUnit(currency: string): bigint {
  return 10n ** BigInt(6 - minorUnitDigits(currency));
}

function sameCurrency(left: Money, right: Money): Money {
  if (left.currency === right.currency) return right;
  throw new BuyingError(
    "currency_mismatch",
    `${left.currency} and ${right.currency} cannot be combined; nothing is converted here. Nothing was booked.`,
    "fix_arguments",
  );
}

function unreadable(what: string, why: string): BuyingError {
  return new BuyingError(
    "invalid_arguments",
    `${JSON.stringify(what.slice(0, 40))} ${why}. Nothing was booked.`,
    "fix_arguments",
  );
}
