import { displayMoney } from "./money.ts";
import type { PricingOption } from "./package.ts";

/** What to bid, in words, from the floor and from what won before; the reason is given with it. Figures are the seller's. */
export function bidAdvice({ floor, guidance }: Pick<PricingOption, "floor" | "guidance">): string {
  const from = floor ? `The floor is ${displayMoney(floor)}` : "The seller names no floor";
  const { p25, p50, p75 } = guidance ?? { p25: null, p50: null, p75: null };
  if (!p50 && !p75) return `${from}, and it does not say what bids win.`;
  const steps = [
    p25 && `${displayMoney(p25)} would have won a quarter of auctions`,
    p50 && `${displayMoney(p50)} half`,
    p75 && `${displayMoney(p75)} three quarters`,
  ].filter((one) => one);
  const top = p75 ?? p50;
  return `${from}; ${steps.join(", ")} (the seller's figures).${top ? ` A bid above ${displayMoney(top)} mostly pays more for the same.` : ""}`;
}
