import { type Json, wrong } from "./refusal.ts";

/**
 * The spellings of OpenDirect's names. Inside, everything has the lower-case names of 2.1; only what comes in and goes
 * out is respelled. A name in another spelling than the seller's is refused, as by servers that read one only.
 */

/** The spellings, see `Behaviour.dialect`. */
export const dialects = ["lower", "camel", "pascal"] as const;

/** One of {@link dialects}. */
export type Dialect = (typeof dialects)[number];

/** Every name on the wire, in camel case: the other two follow from it. */
const names = (
  "id name description status currency " +
  // Collections and paging.
  "products avails accounts advertiserBrands organizations orders lines placements creatives assignments " +
  "changeRequests stats paging offset count totalRecords countLimit " +
  // Products and avails.
  "publisherId basePrice rateType deliveryType minSpend minFlight maxFlight leadTime allowNoCreative estDailyAvails " +
  "domain producttags productTags adUnit spec reservedExpiryTime gpid tz languages activeDate retirementDate " +
  "productIds productId startDate endDate availability price availsStatus reason comment context productTargeting " +
  "availabilityFields grouping requestedImpressions budget availableImpressions guaranteedImpressions estimatedCpm " +
  "totalCost deliveryConfidence availableTargeting " +
  // Organizations and accounts.
  "organizationId organizationType advertiserId buyerId intermediaryId accountId advertiserBrandId " +
  // Orders and lines.
  "brand orderStatus orderExpiryDate preferredBillingMethod packageOnly contacts providerData specialInstructions " +
  "campaignId campaignName poNumber salesOrderReference other orderId rate qty cost bookingStatus stateChangeReason " +
  "reservedExpiryDate frequencyCount frequencyInterval targeting pmp ext type value dataSource target targetValues " +
  "selectable count minimum maximum increment default firstName lastName email phone fax title address honorific " +
  // Creatives, changes, stats.
  "ad creativeApprovals creativeId placementId lineId adUnitId sov requesterId comments webhook reportDate impressions " +
  "clicks ctr spend impressionsDelivered targetImpressions deliveryRate amountSpent effectiveCpm pacingStatus lastUpdated " +
  "errors"
).split(" ");

/** Where a family has a word of its own. The buyer clients and 1.5.1 say `quantity` for `qty`. */
const own: Readonly<Record<Dialect, Readonly<Record<string, string>>>> = {
  lower: {},
  camel: { qty: "quantity", ad: "creativeAsset" },
  pascal: { qty: "Quantity", impressions: "ImpressionsServed" },
};

function spelled(name: string, dialect: Dialect): string {
  const special = own[dialect][name.toLowerCase()];
  if (special) return special;
  if (dialect === "lower") return name.toLowerCase();
  return dialect === "camel" ? name : name.charAt(0).toUpperCase() + name.slice(1);
}

function spellings(dialect: Dialect): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), spelled(name, dialect)]));
}

const outward: Readonly<Record<Dialect, ReadonlyMap<string, string>>> = {
  lower: spellings("lower"),
  camel: spellings("camel"),
  pascal: spellings("pascal"),
};

function inverted(map: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...map].map(([name, word]) => [word, name]));
}

/** The buyer clients write an order's brand as `brandId`. */
const inward: Readonly<Record<Dialect, ReadonlyMap<string, string>>> = {
  lower: inverted(outward.lower),
  camel: new Map([...inverted(outward.camel), ["brandId", "advertiserbrandid"]]),
  pascal: inverted(outward.pascal),
};

/** What is below these is not OpenDirect's to name: extensions, AdCOM, what a tag server understands. */
const foreign = new Set(["ext", "ad", "spec", "creativeapprovals", "context"]);

/** The name as a seller of this dialect writes it. */
export function wireName(dialect: Dialect, name: string): string {
  return outward[dialect].get(name) ?? name;
}

/** The name that a word of this dialect stands for; undefined when the dialect has no such word. */
export function nameOf(dialect: Dialect, word: string): string | undefined {
  return inward[dialect].get(word);
}

/** An answer in the seller's spelling. */
export function spoken(dialect: Dialect, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => spoken(dialect, item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      wireName(dialect, name),
      foreign.has(name) ? item : spoken(dialect, item),
    ]),
  );
}

function understood(dialect: Dialect, value: unknown, path: string): unknown {
  if (Array.isArray(value)) return value.map((item, index) => understood(dialect, item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([word, item]) => {
      const here = path === "" ? word : `${path}.${word}`;
      const name = nameOf(dialect, word);
      if (name === undefined) throw wrong("UnknownField", `There is no field ${here}.`);
      // The flat avails take targeting as a free object, everything else as a list.
      const free = foreign.has(name) || (name === "targeting" && !Array.isArray(item));
      return [name, free ? item : understood(dialect, item, here)];
    }),
  );
}

/** A body under the names of 2.1. Throws a refusal (400) when it is no object or has a name of another spelling. */
export function heard(dialect: Dialect, body: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw wrong("InvalidJson", "The body is not JSON.");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw wrong("InvalidJson", "The body is not a JSON object.");
  }
  return Object(understood(dialect, parsed, ""));
}
