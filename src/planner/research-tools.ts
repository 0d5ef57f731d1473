import * as z from "zod";
import type { ChannelTask } from "../buying/specialist.ts";
import type { Brief } from "../domain/brief.ts";
import { formatMoney, min, parseMoney } from "../domain/money.ts";
import { onOneLine } from "./words.ts";

export type Arguments = Readonly<Record<string, unknown>>;

/** A tool that research may use, if the server offers it. */
export interface ResearchTool {
  readonly name: string;
  /** For progress, in our words. */
  readonly doing: string;
  /**
   * Arguments that the model neither sees nor may set, as paths. Whatever is worded for a seller is the brief's own, so that
   * no seller's words can talk the model into telling one what it may pay; nor is an address called that one made up.
   */
  readonly withheld: readonly string[];
  /** The arguments with what is withheld filled in, or what is wrong with them. */
  fill(given: Arguments, task: ChannelTask): Arguments | string;
}

const items = z.array(z.looseObject({ product: z.string() }));
const quotes = z.array(z.looseObject({ max_cpm: z.string().optional() }));
const offered = z.looseObject({ offer_cpm: z.string() });

/** All that research needs. What buys, asks or decides is not here; nor would the server offer it. */
export const researchTools: readonly ResearchTool[] = [
  {
    name: "discover_sellers",
    doing: "looking for sellers",
    withheld: ["url", "query", "deadline_s"],
    fill: (given) => given,
  },
  {
    name: "get_media_kit",
    doing: "reading media kits",
    withheld: ["brief", "query", "channels", "deadline_s"],
    fill: (given, { channel, brief }) => ({ ...given, channels: [channel], brief: wordsOf(brief) }),
  },
  {
    name: "request_quote",
    doing: "asking for quotes",
    withheld: [
      ...["campaign", "goal", "deadline_s", "items[].flight", "items[].targeting", "items[].brief"],
      ...["items[].creative_ids", "items[].with[].creative_ids"],
    ],
    fill: (given, { brief }) => {
      if (given["items"] === undefined) return given;
      const parsed = items.safeParse(given["items"]);
      if (!parsed.success) return "items must be a list of {product, budget}";
      const excluded = parsed.data.find(({ product }) => brief.excludedSellers.includes(product.split("/")[0] ?? ""));
      if (excluded) return `the brief excludes the seller of ${JSON.stringify(excluded.product.slice(0, 100))}`;
      const { start, end } = brief.flight;
      const own = { flight: { start, end }, ...targetingOf(brief), brief: wordsOf(brief) };
      const filled = parsed.data.map((one) => ({ ...one, ...offerWithin(one, brief), ...own }));
      return { ...given, campaign: brief.name, goal: brief.objective, items: filled };
    },
  },
  {
    name: "negotiate",
    doing: "negotiating",
    withheld: ["quotes[].ask", "deadline_s"],
    fill: (given, { brief }) => {
      const parsed = quotes.safeParse(given["quotes"]);
      if (!parsed.success) return "quotes must be a list of {quote_id, target_cpm, max_cpm}";
      return { ...given, quotes: parsed.data.map((one) => ({ ...one, max_cpm: ceiling(one.max_cpm, brief) })) };
    },
  },
  {
    name: "compare_quotes",
    doing: "comparing quotes",
    withheld: ["campaign"],
    fill: (given, { brief }) => ({ ...given, campaign: brief.name }),
  },
];

/** The lower of an amount of the model's and the brief's highest CPM. What is no amount is left for the server to refuse. */
function ceiling(given: string | undefined, { maxCpm }: Brief): string | undefined {
  if (!maxCpm) return given;
  if (given === undefined) return formatMoney(maxCpm);
  try {
    return formatMoney(min(parseMoney(given), maxCpm));
  } catch {
    return given;
  }
}

/** A price of its own that is put to a seller with the request. */
function offerWithin(item: Arguments, brief: Brief): Arguments {
  const own = offered.safeParse(item);
  return own.success ? { offer_cpm: ceiling(own.data.offer_cpm, brief) } : {};
}

function targetingOf({ geo, audience, frequencyCap }: Brief): Arguments {
  const wanted = [...audience.demographics, ...audience.interests];
  if (geo.length + wanted.length === 0 && frequencyCap === null) return {};
  const words = (list: readonly string[]) => list.slice(0, 20).map((one) => onOneLine(one, 80));
  const cap = frequencyCap === null ? {} : { frequency_cap: onOneLine(frequencyCap, 60) };
  return { targeting: { geo: words(geo), audience: words(wanted), ...cap } };
}

/** What sellers are told of a brief in words: what it is for and whom it is to reach, never what may be paid. */
function wordsOf({ name, objective, audience, geo }: Brief): string {
  const wanted = [...audience.demographics, ...audience.interests];
  return onOneLine([name, objective, ...(wanted.length > 0 ? [wanted.join(", ")] : []), ...geo].join("; "), 2_000);
}
