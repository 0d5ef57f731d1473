import { Agent, fetch, type Headers } from "undici";
import type { Dialect } from "../../src/sandbox/opendirect/dialect.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { at } from "./calls.ts";

/** An answer: the parsed JSON body, or the text when it is none. */
export interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

interface Saying {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

// A connection a call: a kept one may end in a sandbox that was closed in between.
const dispatcher = new Agent({ pipelining: 0 });

/** The moment it is at the sellers. */
export const today = Date.parse("2027-02-01T12:00:00Z");

/** CityLight alone, in a sandbox of its own. */
export function startCityLight(stateFile?: string, now = () => today): Promise<Sandbox> {
  return startSandbox({ sellers: [], opendirect: true, gapMs: 0, now, ...(stateFile ? { stateFile } : {}) });
}

/** Who knows where CityLight answers: its sandbox, or whoever found it. */
type AtCityLight = Pick<Sandbox, "seller">;

/** Asks CityLight, below its base path, with its agency key. */
export async function call(sandbox: AtCityLight, method: string, path: string, saying: Saying = {}): Promise<Heard> {
  const { url, keys } = sandbox.seller("citylight");
  const json = saying.body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(path.startsWith("/.") ? new URL(path, url) : url + path, {
    ...{ method, dispatcher, redirect: "manual" },
    headers: { ...json, ...(saying.headers ?? { Authorization: `Bearer ${keys.agency}` }) },
    ...(saying.body === undefined ? {} : { body: JSON.stringify(saying.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** What a test writes, by the names of 2.1, in the three spellings. */
const spellings: Readonly<Record<string, string>> = {
  advertiserid: "advertiserId",
  buyerid: "buyerId",
  publisherid: "publisherId",
  advertiserbrandid: "advertiserBrandId",
  startdate: "startDate",
  enddate: "endDate",
  providerdata: "providerData",
  campaignid: "campaignId",
  campaignname: "campaignName",
  productid: "productId",
  productids: "productIds",
  accountid: "accountId",
  orderid: "orderId",
  lineid: "lineId",
  creativeid: "creativeId",
  placementid: "placementId",
  requestedimpressions: "requestedImpressions",
  availableimpressions: "availableImpressions",
  estimatedcpm: "estimatedCpm",
  totalcost: "totalCost",
  qty: "quantity",
  bookingstatus: "bookingStatus",
  baseprice: "basePrice",
  statechangereason: "stateChangeReason",
  reservedexpirydate: "reservedExpiryDate",
  ratetype: "rateType",
};

/** A name as a seller of that dialect spells it. */
export function spelled(dialect: Dialect, name: string): string {
  if (dialect === "lower") return name;
  const camel = spellings[name] ?? name;
  return dialect === "camel" ? camel : camel.charAt(0).toUpperCase() + camel.slice(1);
}

/** An object in a dialect's spelling. */
export function inDialect(dialect: Dialect, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => inDialect(dialect, item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [spelled(dialect, name), inDialect(dialect, item)]),
  );
}

/** March 2027, with a month to go. */
export const flight = { startdate: "2027-03-05T00:00:00.000Z", enddate: "2027-03-10T23:59:59.000Z" };

/** A fresh account's path. */
export async function account(sandbox: AtCityLight, dialect: Dialect = "lower"): Promise<string> {
  const body = inDialect(dialect, { advertiserid: "1234987", buyerid: "34587", name: "Brand A" });
  const heard = await call(sandbox, "POST", "/accounts", { body });
  return `/accounts/${at(heard.body, spelled(dialect, "id"))}`;
}

/** An order to write. */
export function orderBody(more: object = {}) {
  return {
    publisherid: "7987654",
    advertiserbrandid: "123456",
    brand: "Four Wakes",
    name: "Spring 2027 #c7f1",
    currency: "USD",
    budget: 75_000,
    ...flight,
    providerdata: { campaignid: "c7f1", campaignname: "Spring 2027" },
    ...more,
  };
}

/** A line to write: the specification's 3,000,000 at 25.00. */
export function lineBody(more: object = {}) {
  return {
    name: "Line 1 #c7f1-1",
    productid: "888899",
    ...flight,
    ratetype: "CPM",
    rate: 25,
    qty: 3_000_000,
    providerdata: { campaignid: "c7f1-1", campaignname: "Spring 2027" },
    ...more,
  };
}

/** A draft in an order in an account: its path. */
export async function draft(sandbox: AtCityLight, more: object = {}, dialect: Dialect = "lower"): Promise<string> {
  const say = (value: object) => ({ body: inDialect(dialect, value) });
  const id = spelled(dialect, "id");
  const base = await account(sandbox, dialect);
  const order = await call(sandbox, "POST", `${base}/orders`, say(orderBody()));
  const path = `${base}/orders/${at(order.body, id)}/lines`;
  const line = await call(sandbox, "POST", path, say(lineBody(more)));
  return `${path}/${at(line.body, id)}`;
}
