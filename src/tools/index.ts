import { approve } from "./approve.ts";
import { compareQuotes } from "./compare-quotes.ts";
import { createMediaBuy } from "./create-media-buy.ts";
import { decideOnCard } from "./decide-on-card.ts";
import { discoverSellers } from "./discover-sellers.ts";
import { getDelivery } from "./get-delivery.ts";
import { getHistory } from "./get-history.ts";
import { getInbox } from "./get-inbox.ts";
import { getMediaBuys } from "./get-media-buys.ts";
import { getMediaKit } from "./get-media-kit.ts";
import { negotiate } from "./negotiate.ts";
import { planCampaign } from "./plan-campaign.ts";
import { requestQuote } from "./request-quote.ts";
import { syncCreatives } from "./sync-creatives.ts";
import type { Tool } from "./tool.ts";
import { updateMediaBuy } from "./update-media-buy.ts";

/** Everything a model can call, in the order it is listed. */
export const tools: readonly Tool[] = [
  discoverSellers,
  getMediaKit,
  requestQuote,
  compareQuotes,
  negotiate,
  createMediaBuy,
  approve,
  decideOnCard,
  planCampaign,
  getInbox,
  getMediaBuys,
  getDelivery,
  updateMediaBuy,
  syncCreatives,
  getHistory,
];
