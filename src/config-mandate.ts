import { displayMoney, type Money } from "./domain/money.ts";

/** As much of a parsed mandate as the checks between its lines need. */
interface Lines {
  readonly currency: string;
  readonly per_buy: Money;
  readonly per_day: Money;
  readonly per_campaign?: Money | undefined;
  readonly total?: Money | undefined;
  readonly max_cpm: Money;
  readonly two_persons_above?: Money | undefined;
  readonly concentration: {
    readonly seller_percent?: number | undefined;
    readonly channel_percent?: number | undefined;
  };
  readonly people: readonly { readonly name: string; readonly role: string }[];
  readonly roles: Readonly<Record<string, unknown>>;
}

/**
 * What is wrong between the lines of a mandate: an amount in another currency, anywhere; a smaller limit above a larger
 * one, which is how a slip between cents and dollars shows; a share of nothing; a role nobody defined.
 */
export function mandateProblems(mandate: Lines): readonly string[] {
  const { currency, per_buy: perBuy, per_day: perDay, total } = mandate;
  const foreign = amountsIn(mandate).filter((one) => one.currency !== currency);
  if (foreign.length > 0)
    return [`every amount of the mandate must be in ${currency}; ${displayMoney(foreign[0] ?? perBuy)} is not`];
  const order: readonly (readonly [string, Money | undefined, string, Money | undefined])[] = [
    ["max_cpm", mandate.max_cpm, "per_buy", perBuy],
    ["per_buy", perBuy, "per_day", perDay],
    ["per_buy", perBuy, "per_campaign", mandate.per_campaign],
    ["per_campaign", mandate.per_campaign, "total", total],
    ["per_day", perDay, "total", total],
  ];
  const reversed = order.flatMap(([small, lesser, large, greater]) =>
    lesser && greater && lesser.micros > greater.micros
      ? [
          `${small} (${displayMoney(lesser)}) is above ${large} (${displayMoney(greater)}): check the figures and their units`,
        ]
      : [],
  );
  const shares = mandate.concentration.seller_percent ?? mandate.concentration.channel_percent;
  const nameless = mandate.people
    .filter(({ role }) => !(role in mandate.roles))
    .map(({ name, role }) => `people: ${name} has the role ${role}, which roles does not define`);
  const zero = amountsIn(mandate).some(({ micros }) => micros < 0n) ? ["an amount is below zero"] : [];
  return [
    ...reversed,
    ...(shares !== undefined && !total ? ["concentration is a share of total, which is not set"] : []),
    ...nameless,
    ...zero,
  ];
}

function amountsIn(value: unknown): readonly Money[] {
  if (typeof value !== "object" || value === null) return [];
  if (
    "micros" in value &&
    typeof value.micros === "bigint" &&
    "currency" in value &&
    typeof value.currency === "string"
  ) {
    return [{ micros: value.micros, currency: value.currency }];
  }
  return Object.values(value).flatMap(amountsIn);
}
