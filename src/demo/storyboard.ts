import type { Flight } from "../domain/flight.ts";
import { formatMoney, type Money, parseMoney, sum } from "../domain/money.ts";
import { briefFor } from "./brief.ts";

/** The two ways AdCP sells, each with the sandbox seller that sells so. */
export const storyboards = ["guaranteed", "auction"] as const;
export type Storyboard = (typeof storyboards)[number];

/** One product of the buy; the ids of the sandbox sellers never change. */
export interface Part {
  readonly product: string;
  readonly budget: string;
  /** In an auction: the bid to make once the advice is heard. */
  readonly maxBid: string | null;
  readonly because: string;
}

/** What a storyboard's planner wants, and from whom. */
export interface Story {
  readonly board: Storyboard;
  readonly title: string;
  readonly seller: string;
  readonly campaign: string;
  readonly poNumber: string;
  readonly flight: Flight;
  /** The person's words. */
  readonly words: string;
  /** What the seller is told of it. */
  readonly brief: string;
  readonly parts: readonly [Part, ...Part[]];
  /** A bid below the floor, for the first part; null where nothing is auctioned. */
  readonly lowBid: string | null;
  /** What to ask of the seller in words; null where bids decide. */
  readonly ask: string | null;
}

/** The story of a storyboard; its flight is that of the demo's brief. */
export function storyOf(board: Storyboard, now: Date): Story {
  const { flight } = briefFor(now);
  const days = `${flight.start} to ${flight.end}`;
  if (board === "guaranteed") {
    return {
      board,
      title: "a guaranteed buy from an AdCP seller",
      seller: "streamhaus",
      campaign: "Trail shoe launch",
      poNumber: "PO-4712",
      flight,
      words: `"Trail shoe launch for Acme Outdoor, United States, ${days}. 50,000 USD on video that is certain to run: pre-roll at sports publishers for reach, connected TV around outdoor life for the story. One order. Ask for a better price, and ask me before you book. PO-4712."`,
      brief: "Guaranteed premium video for adults at sports and outdoor publishers: pre-roll and connected TV",
      parts: [
        {
          product: "streamhaus/sports_preroll_q2_guaranteed",
          budget: "30000 USD",
          maxBid: null,
          because: "reach, at the lower price",
        },
        {
          product: "streamhaus/outdoor_ctv_q2_guaranteed",
          budget: "20000 USD",
          maxBid: null,
          because: "the big screen, where 95 % watch to the end",
        },
      ],
      lowBid: null,
      ask: "5 % off both prices for one order over 50,000 USD",
    };
  }
  return {
    board,
    title: "an auction buy from an AdCP seller",
    seller: "openbid",
    campaign: "Trail shoe sale",
    poNumber: "PO-4713",
    flight,
    words: `"Trail shoe sale for Acme Outdoor, United States, ${days}. 15,000 USD on sports and outdoor sites, two thirds of it video, the rest display. No guarantees needed; pay as little as wins. Ask me before you book. PO-4713."`,
    brief: "Display and online video auctions on sports and outdoor sites",
    parts: [
      {
        product: "openbid/sports_display_auction",
        budget: "5000 USD",
        maxBid: "7.50 USD",
        because: "wins half of the auctions, so the seller says",
      },
      {
        product: "openbid/outdoor_video_auction",
        budget: "10000 USD",
        maxBid: "18.00 USD",
        because: "the same; above 23.00 USD a bid mostly pays more for the same",
      },
    ],
    lowBid: "3.00 USD",
    ask: null,
  };
}

/** What the parts cost together. */
export function budgetOf({ parts }: Story): Money {
  return sum(
    parts.map(({ budget }) => parseMoney(budget)),
    "USD",
  );
}

/** The arguments with which the story's quote is asked for: several products, one media buy. */
export function quoteItem(story: Story, firstBid: string | null = story.parts[0].maxBid) {
  const [first, ...others] = story.parts;
  const terms = ({ product, budget }: Part, bid: string | null) => ({
    product,
    budget: formatMoney(parseMoney(budget)),
    ...(bid === null ? {} : { max_bid: bid, pricing_option: "cpm_auction" }),
  });
  return {
    ...terms(first, firstBid),
    flight: story.flight,
    with: others.map((part) => terms(part, part.maxBid)),
    brief: story.brief,
  };
}
