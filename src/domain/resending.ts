import type { Line } from "./media-buy.ts";

/** More repeats than any outage needs. */
const MOST_REPLAYS = 40;

/**
 * Whether a booking whose answer was lost is sent no more, so that only a look at the seller or a person settles it: after
 * its one re-send or the end of its quote; where the seller answers a repeat as it did at first, and said for how long,
 * after that time or forty repeats.
 * @param at when it would arrive at the latest
 */
export function isSentNoMore({ claims, quote }: Pick<Line, "claims" | "quote">, at: Date): boolean {
  const [first] = claims;
  if (!first) return false;
  if (!quote.wire) return claims.some(({ resend }) => resend) || at.getTime() >= Date.parse(quote.expiresAt);
  return claims.length > MOST_REPLAYS || at.getTime() >= Date.parse(first.at) + quote.wire.replaySeconds * 1000;
}
