import { type Tier, tiers } from "../domain/identity.ts";
import type { Channel, DealType } from "../domain/inventory.ts";

/** The vocabularies of IAB seller agents, and the one word we have for each thing. */

/** What a vocabulary has for a seller's word. Every object also has a `constructor`, which is no word of any of them. */
export function entryOf<Meaning>(words: Readonly<Record<string, Meaning>>, word: string): Meaning | undefined {
  return Object.hasOwn(words, word) ? words[word] : undefined;
}

const channelWords: Readonly<Record<string, Channel>> = {
  ctv: "ctv",
  streaming: "ctv",
  video: "online_video",
  online_video: "online_video",
  olv: "online_video",
  display: "display",
  banner: "display",
  mobile_app: "mobile_app",
  mobile: "mobile_app",
  native: "native",
  audio: "audio",
  podcast: "audio",
  dooh: "dooh",
  ooh: "dooh",
  linear_tv: "linear_tv",
  linear: "linear_tv",
};

/** Our channel for a seller's inventory type, or null for one we have no word for. */
export function channelOf(inventoryType: string | null): Channel | null {
  return entryOf(channelWords, (inventoryType ?? "").toLowerCase()) ?? null;
}

/** Three spellings of the same three: quotes and deals, proposals, agent cards and supply chains. */
const dealTypeWords: Readonly<Record<string, DealType>> = {
  pg: "PG",
  programmaticguaranteed: "PG",
  pd: "PD",
  preferreddeal: "PD",
  pa: "PA",
  pmp: "PA",
  privateauction: "PA",
};

/** How proposals spell a deal type (IAB seller agent 2.4.2, `POST /proposals`). */
export const proposedDealType: Readonly<Record<DealType, string>> = {
  PG: "programmaticguaranteed",
  PD: "preferreddeal",
  PA: "privateauction",
};

/** PG, PD or PA for any of a seller's spellings, or null. */
export function dealTypeOf(text: string): DealType | null {
  return entryOf(dealTypeWords, text.toLowerCase().replaceAll(/[_ -]/g, "")) ?? null;
}

/** The tier a seller says it knew us as; one it has no known word for counts as public. */
export function tierOf(text: string | null): Tier {
  return tiers.find((tier) => tier === text) ?? "public";
}

/** OpenRTB 2.6 device types (AdCOM list "Device Types"). */
const deviceWords: Readonly<Record<number, string>> = {
  1: "mobile",
  2: "desktop",
  3: "ctv",
  4: "phone",
  5: "tablet",
  6: "connected_device",
  7: "set_top_box",
  8: "dooh",
};

/** Words for OpenRTB device codes; unknown codes are left out. */
export function deviceWordsOf(codes: readonly number[]): readonly string[] {
  return distinct(codes.flatMap((code) => deviceWords[code] ?? []));
}

const dspNames: Readonly<Record<string, string>> = {
  ttd: "The Trade Desk",
  dv360: "Display & Video 360",
  xandr: "Xandr",
  amazon: "Amazon DSP",
};

/** A DSP's own name for the key a seller writes; other keys are given back. */
export function dspName(key: string): string {
  return entryOf(dspNames, key.toLowerCase()) ?? key;
}

/** A seller's moment as a UTC instant; one without a zone is UTC (IAB seller agent 2.4.2 mixes both). Null if none. */
export function instantOf(text: string | null): string | null {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/.exec(text ?? "");
  if (!match) return null;
  const [, day = "", time = "", fraction = "", zone = "Z"] = match;
  const at = new Date(`${day}T${time}${fraction.slice(0, 4)}${zone}`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** Each value once, in the order it came. */
export function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
