import type * as z from "zod";
import type { SecretSource } from "./config-credentials.ts";
import { seller } from "./config-sellers.ts";

/**
 * Sellers that are set up as the buyer agents of the IAB Tech Lab are: `OPENDIRECT_BASE_URL` is the OpenDirect seller, with
 * `OPENDIRECT_TOKEN` or else `OPENDIRECT_API_KEY`; `SELLER_ENDPOINTS` are more, separated by commas. A secret goes to its own
 * seller's address and to no other. They add to a config, and stand alone in none: a sandbox desk has no real sellers.
 */
export const sellerVariables = ["OPENDIRECT_BASE_URL", "SELLER_ENDPOINTS"] as const;

type Written = z.output<typeof seller>;

/** The sellers of a config with those of the environment; what the config lists itself stays as it is written there. */
export function withEnvironment(written: readonly Written[], source: SecretSource): readonly Written[] {
  const { environment, issues } = source;
  const base = environment["OPENDIRECT_BASE_URL"]?.trim() ?? "";
  const endpoints = (environment["SELLER_ENDPOINTS"] ?? "").split(",").map((one) => one.trim());
  const secret = ["OPENDIRECT_TOKEN", "OPENDIRECT_API_KEY"].find((name) => environment[name]);
  const credential =
    secret === undefined ? null : { [secret === "OPENDIRECT_TOKEN" ? "bearer" : "api_key"]: `env:${secret}` };
  const all = [...written];
  const add = (variable: string, url: string, rest: object) => {
    const id = freeId(url, all);
    const parsed = seller.safeParse({ ...{ id, url, trust: "registered" }, ...rest });
    if (parsed.success) all.push(parsed.data);
    else issues.push(`${variable}: ${JSON.stringify(url.slice(0, 80))} is not an http(s) address`);
  };
  if (base !== "") {
    const credentials = credential ? { advertiser: credential } : {};
    const listed = all.findIndex(({ url }) => addressOf(url) === addressOf(base));
    const one = all[listed];
    if (!one) add("OPENDIRECT_BASE_URL", base, { protocol: "opendirect", credentials });
    else if (Object.keys(one.credentials).length === 0) all[listed] = { ...one, credentials };
  }
  for (const url of endpoints) {
    if (url === "" || all.some((one) => addressOf(one.url) === addressOf(url))) continue;
    add("SELLER_ENDPOINTS", url, {});
  }
  return all;
}

function addressOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href.replace(/\/+$/, "") : url;
}

/** Its host's name, and a number where a seller of this desk has that. */
function freeId(url: string, taken: readonly Written[]): string {
  const host = URL.canParse(url) ? new URL(url).host : "seller";
  const name =
    host
      .toLowerCase()
      .replace(/[^a-z0-9.-]/g, "-")
      .slice(0, 60) || "seller";
  const isFree = (id: string) => taken.every((one) => one.id !== id);
  let id = name;
  for (let at = 2; !isFree(id); at += 1) id = `${name}-${at}`;
  return id;
}
