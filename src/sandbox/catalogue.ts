import { civicstream } from "./catalogue-civicstream.ts";
import { harborview } from "./catalogue-harborview.ts";
import { northbeam } from "./catalogue-northbeam.ts";

/** The inventory types of the seller agent's contract. */
export type InventoryType = "audio" | "ctv" | "display" | "dooh" | "linear_tv" | "mobile_app" | "native" | "video";

/** Guaranteed, preferred deal, private auction. */
export type DealType = "PG" | "PD" | "PA";

/** One thing a seller sells. Prices are dollars CPM; `base: null` is sold on request, `cap: null` has no ceiling. */
export interface CatalogueProduct {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly type: InventoryType;
  readonly base: number | null;
  readonly floor: number | null;
  readonly cap: number | null;
  readonly minimum: number;
  readonly deals: readonly DealType[];
  readonly content?: Readonly<Record<string, readonly string[]>>;
  readonly audience?: Readonly<Record<string, readonly string[]>>;
  readonly geo: readonly string[];
}

/** A bundle of the media kit. It cannot be quoted: a buyer quotes the products placed in it. */
export interface CataloguePackage {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly formats: readonly string[];
  readonly categories: readonly string[];
  readonly segments: readonly string[];
  readonly tags: readonly string[];
  readonly geo: readonly string[];
  readonly base: number;
  readonly floor: number;
  readonly featured: boolean;
  readonly products: readonly string[];
}

/** A sandbox seller: who it says it is, which edition of the contract it serves, and what it sells. */
export interface SellerProfile {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly domain: string;
  readonly version: string;
  /** `per-proposal`: only `POST /proposals/{id}/counter`, and only for agency and advertiser keys. */
  readonly negotiation: "messages" | "per-proposal";
  readonly products: readonly CatalogueProduct[];
  readonly packages: readonly CataloguePackage[];
}

/** The three sandbox sellers, in the order a buyer meets them. */
export const sellerProfiles: readonly SellerProfile[] = [northbeam, harborview, civicstream];

/** OpenRTB device types an inventory type runs on. */
export const deviceTypes: Readonly<Record<InventoryType, readonly number[]>> = {
  audio: [2, 4, 5, 6],
  ctv: [3, 7],
  display: [2, 4, 5],
  dooh: [8],
  linear_tv: [7],
  mobile_app: [4, 5],
  native: [2, 4, 5],
  video: [2, 4, 5],
};
