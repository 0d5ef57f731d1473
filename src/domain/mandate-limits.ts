import { trustLevels } from "./identity.ts";
import { channels } from "./inventory.ts";
import type { Mandate, MandateFacts, PriceCaps } from "./mandate.ts";
import { add, compare, displayMoney, type Money, mulDiv, parseMoney, subtract, sum, zero } from "./money.ts";
import { countsImpressions, type LinePrice, perWords } from "./package.ts";
import { heldUnder, spentOn } from "./spend.ts";
import { pricesIn, stakeOf, type Terms, totalOf } from "./terms.ts";

/** Why one line may not be bought whatever else is bought with it; each sentence names the line of the mandate. */
export function lineRefusals(mandate: Mandate, line: Terms, facts: MandateFacts): readonly string[] {
  const seller = line.seller.id;
  if (line.currency !== mandate.currency)
    return [`currency is ${mandate.currency}, ${seller} sells in ${line.currency}`];
  return [
    ...priceRefusals(mandate, line),
    ...sellerRefusals(mandate, seller, facts),
    ...flightRefusals(mandate, line, facts),
  ];
}

/** Why lines may not be bought together, by what they come to with what is committed already. */
export function totalRefusals(mandate: Mandate, lines: readonly Terms[], facts: MandateFacts): readonly string[] {
  const { balances, day } = facts;
  const { currency } = mandate;
  const reasons: string[] = [];
  const total = sum(lines.map(totalOf), currency);
  const stake = sum(lines.map(stakeOf), currency);
  if (compare(stake, mandate.perBuy) > 0)
    reasons.push(`per_buy is ${displayMoney(mandate.perBuy)}, this would cost ${displayMoney(stake)}`);
  const within = (name: string, cap: Money | null, before: Money, when: string, own = total) => {
    const after = add(before, own);
    if (!cap || compare(after, cap) <= 0) return;
    reasons.push(
      `${name} is ${displayMoney(cap)}, ${displayMoney(before)} is committed ${when} and this would make it ${displayMoney(after)}`,
    );
  };
  within("per_day", mandate.perDay, spentOn(balances, day), "today");
  for (const campaign of new Set(lines.map((line) => line.campaign ?? ""))) {
    // What is bought under no label counts together: leaving the label out is no way round the limit.
    const own = sum(lines.filter((line) => (line.campaign ?? "") === campaign).map(totalOf), currency);
    within(
      "per_campaign",
      mandate.perCampaign,
      heldUnder(balances.perCampaign, campaign, currency),
      campaign ? `for ${campaign}` : "without a campaign",
      own,
    );
  }
  within("total", mandate.total, balances.total, "in all");
  const { seller, channel } = mandate.concentration;
  reasons.push(
    ...shareRefusals(
      mandate,
      "concentration.seller_percent",
      seller,
      lines.map((line) => ({ key: line.seller.id, total: totalOf(line) })),
      balances.perSeller,
    ),
  );
  reasons.push(
    ...shareRefusals(
      mandate,
      "concentration.channel_percent",
      channel,
      lines.flatMap(committedByChannel),
      balances.perChannel,
    ),
  );
  return reasons;
}

/** What a line commits on each channel; of a change what each package is raised by, which is never less than that. */
function committedByChannel(line: Terms): readonly { readonly key: string; readonly total: Money }[] {
  return pricesIn(line).map(({ channel, total }, at) => {
    const before = line.changes?.packages[at];
    const more = before ? subtract(total, parseMoney(before.budget)) : total;
    return { key: channel ?? "other", total: more.micros > 0n ? more : zero(line.currency) };
  });
}

function priceRefusals(mandate: Mandate, line: Terms): readonly string[] {
  return pricesIn(line).flatMap((price) => priceRefusal(mandate, line.seller.id, price));
}

/** Only a CPM has a cap that every mandate sets; a price per anything else is refused until one is set for it. */
function priceRefusal(
  mandate: Mandate,
  seller: string,
  { price, channel, model, isBid }: LinePrice,
): readonly string[] {
  const named = channels.find((one) => one === channel);
  const key = model === "vcpm" ? "cpm" : model;
  const { all } = mandate.maxPrices;
  const own = named ? capsOf(mandate, named) : {};
  const caps: readonly (readonly [string, Money | undefined])[] = [
    ["max_cpm", countsImpressions({ model }) ? mandate.maxCpm : undefined],
    [`max_prices.all.${key}`, all[key]],
    [`max_prices.by_channel.${named}.${key}`, own[key]],
    ...(isBid
      ? ([
          ["max_prices.all.max_bid", all.max_bid],
          [`max_prices.by_channel.${named}.max_bid`, own.max_bid],
        ] as const)
      : []),
  ];
  if (!caps.slice(0, 3).some(([, cap]) => cap)) {
    return [`max_prices.all.${key} is not set, and ${seller} asks ${displayMoney(price)} ${perWords[model]}`];
  }
  return caps.flatMap(([name, cap]) =>
    cap && compare(price, cap) > 0 ? [`${name} is ${displayMoney(cap)}, ${seller} asks ${displayMoney(price)}`] : [],
  );
}

function capsOf(mandate: Mandate, channel: (typeof channels)[number]): PriceCaps {
  return mandate.maxPrices.byChannel[channel] ?? {};
}

function sellerRefusals(mandate: Mandate, seller: string, facts: MandateFacts): readonly string[] {
  const reasons: string[] = [];
  if (mandate.blockedSellers.includes(seller)) reasons.push(`sellers.blocked holds ${seller}`);
  if (mandate.allowedSellers && !mandate.allowedSellers.includes(seller))
    reasons.push(`sellers.allowed does not hold ${seller}`);
  const domain = facts.domain(seller);
  const bad = mandate.blockedDomains.find((blocked) => domain === blocked || domain.endsWith(`.${blocked}`));
  if (bad) reasons.push(`sellers.blocked_domains holds ${bad}`);
  const trust = facts.trust(seller);
  if (trust === "blocked") reasons.push(`${seller} is blocked`);
  if (trustLevels.indexOf(trust) < trustLevels.indexOf(mandate.minTrust))
    reasons.push(`min_trust is ${mandate.minTrust}, ${seller} is ${trust}`);
  return reasons;
}

function flightRefusals(mandate: Mandate, line: Terms, { day }: MandateFacts): readonly string[] {
  const [start, end] = [line.flight.start.slice(0, 10), line.flight.end.slice(0, 10)];
  const reasons = mandate.blackouts
    .filter(({ from, to }) => start <= to && end >= from)
    .map(({ from, to }) => `blackouts holds ${from} to ${to}, the flight is ${start} to ${end}`);
  const ahead = Math.floor((Date.parse(start) - Date.parse(day)) / 86_400_000);
  if (mandate.flightWithinDays !== null && ahead > mandate.flightWithinDays) {
    reasons.push(`flight_within_days is ${mandate.flightWithinDays}, the flight starts in ${ahead}`);
  }
  if (!mandate.guaranteed && line.guaranteed) reasons.push("guaranteed is false, this deal is guaranteed");
  return reasons;
}

function shareRefusals(
  mandate: Mandate,
  name: string,
  percent: number | null,
  parts: readonly { readonly key: string; readonly total: Money }[],
  before: Readonly<Record<string, Money>>,
): readonly string[] {
  if (percent === null) return [];
  // Checked when the config is read: a share needs a whole to be a share of. Fails closed all the same.
  if (!mandate.total) return [`${name} needs total to be set`];
  const most = { micros: mulDiv(mandate.total.micros, BigInt(percent), 100n), currency: mandate.currency };
  return [...new Set(parts.map(({ key }) => key))].flatMap((key) => {
    const own = sum(
      parts.filter((part) => part.key === key).map(({ total }) => total),
      mandate.currency,
    );
    const after = add(heldUnder(before, key, mandate.currency), own);
    if (compare(after, most) <= 0) return [];
    return [`${name} is ${percent} % of total, ${displayMoney(most)}; ${key} would have ${displayMoney(after)}`];
  });
}
