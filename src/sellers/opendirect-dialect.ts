import { isObject } from "./adcp-answers.ts";
import { frequencyCapIn } from "./frequency-cap.ts";

/**
 * OpenDirect 2.1 as it is spoken: its names are lower case in the specification, camel case in the buyer agents of the IAB
 * Tech Lab and in what was built for them, Pascal case in 1.5 and in the UK's out-of-home profile. Everything is read;
 * a seller is written to in its own.
 */

export const casings = ["lower", "camel", "pascal"] as const;
export type Casing = (typeof casings)[number];

/** Another name for the same, after folding: typing errors of the specification among them. */
const aliases: Readonly<Record<string, string>> = {
  quantity: "qty",
  adunits: "adunit",
  statechangedreason: "statechangereason",
  deliveryyype: "deliverytype",
  descripion: "description",
  brandid: "advertiserbrandid",
  agencyid: "buyerid",
  impressionsdelivered: "impressions",
  impressionsserved: "impressions",
  amountspent: "spend",
};

/** Two keys of one object that are the same name and say different things. No schema takes it for a value. */
const clash = Symbol("said twice, differently");

/**
 * JSON with every key in the specification's own writing: lower case, no underscores and dashes, one name for each thing.
 * Where two keys become one and differ, neither counts: a line that reads both `Draft` and `Booked` has no status.
 */
export function folded(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(folded);
  if (!isObject(json)) return json;
  const found = new Map<string, unknown>();
  for (const [key, value] of Object.entries(json)) {
    const name = nameOf(key);
    const inner = folded(value);
    found.set(name, found.has(name) && !isSame(found.get(name), inner) ? clash : inner);
  }
  return Object.fromEntries(found);
}

function nameOf(key: string): string {
  const plain = key.toLowerCase().replace(/[_-]/g, "");
  return Object.hasOwn(aliases, plain) ? (aliases[plain] ?? plain) : plain;
}

function isSame(left: unknown, right: unknown): boolean {
  return left !== clash && JSON.stringify(left) === JSON.stringify(right);
}

/**
 * The entries of a collection: under its plural, else an array of its own, else under a usual name, else one bare object.
 * Null where there is none of these: that is no empty collection. @param json folded or not
 */
export function entriesIn(json: unknown, plural: string): readonly unknown[] | null {
  if (Array.isArray(json)) return json;
  if (!isObject(json)) return null;
  const keys = Object.keys(json);
  for (const name of [plural, "items", "data", "results"]) {
    const inner = json[keys.find((key) => nameOf(key) === name) ?? ""];
    if (Array.isArray(inner)) return inner;
    if (isObject(inner)) return [inner];
  }
  return keys.some((key) => nameOf(key) === "id") ? [json] : null;
}

/** In which names a product is written; `iab` = those of the IAB seller agent, which is another protocol. Null = not told. */
export function casingOf(product: unknown): Casing | "iab" | null {
  if (!isObject(product)) return null;
  const has = (...names: readonly string[]) => names.some((name) => Object.hasOwn(product, name));
  if (has("product_id", "base_price")) return "iab";
  if (has("baseprice", "publisherid", "ratetype")) return "lower";
  if (has("basePrice", "publisherId", "rateType")) return "camel";
  return has("BasePrice", "PublisherId", "RateType") ? "pascal" : null;
}

/** What of the specification's names is more than one word, or another word in camel or Pascal case. */
const otherNames: Readonly<Record<string, readonly [camel: string, pascal: string]>> = {
  accountid: ["accountId", "AccountId"],
  orderid: ["orderId", "OrderId"],
  requesterid: ["requesterId", "RequesterId"],
  publisherid: ["publisherId", "PublisherId"],
  advertiserid: ["advertiserId", "AdvertiserId"],
  buyerid: ["buyerId", "BuyerId"],
  advertiserbrandid: ["brandId", "AdvertiserBrandId"],
  startdate: ["startDate", "StartDate"],
  enddate: ["endDate", "EndDate"],
  providerdata: ["providerData", "ProviderData"],
  campaignid: ["campaignId", "CampaignId"],
  campaignname: ["campaignName", "CampaignName"],
  ponumber: ["poNumber", "PoNumber"],
  productid: ["productId", "ProductId"],
  productids: ["productIds", "ProductIds"],
  ratetype: ["rateType", "RateType"],
  qty: ["quantity", "Quantity"],
  frequencycount: ["frequencyCount", "FrequencyCount"],
  frequencyinterval: ["frequencyInterval", "FrequencyInterval"],
  requestedimpressions: ["requestedImpressions", "RequestedImpressions"],
  creativeid: ["creativeId", "CreativeId"],
  placementid: ["placementId", "PlacementId"],
  lineid: ["lineId", "LineId"],
  ad: ["creativeAsset", "Ad"],
};

/** What is below it is AdCOM's to name. */
const foreign = "ad";

/** A body of ours in a seller's names. @param body in the specification's */
export function written(casing: Casing, body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const name = (key: string) => {
    if (casing === "lower") return key;
    const [camel, pascal] = otherNames[key] ?? [key, `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`];
    return casing === "camel" ? camel : pascal;
  };
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      name(key),
      isObject(value) && key !== foreign ? written(casing, value) : value,
    ]),
  );
}

/** A frequency cap as avails and lines have it (OpenDirect 2.1, Line); nothing for none, or one that it has no words for. */
export function capFields(text: string | null): {
  readonly frequencycount?: number;
  readonly frequencyinterval?: string;
} {
  const cap = frequencyCapIn(text);
  if (!cap || cap.unit === "minute") return {};
  return { frequencycount: cap.most, frequencyinterval: `${cap.unit.slice(0, 1).toUpperCase()}${cap.unit.slice(1)}` };
}

/** A word of a seller's vocabulary as it is compared: `Pending Booking`, `pending_booking` and `PendingBooking` are one. */
export function word(text: string | null | undefined): string {
  return (text ?? "").toLowerCase().replace(/[^a-z0-9]/g, "");
}
