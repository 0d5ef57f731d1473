/** Creatives for a seller's library, and what became of them. Nothing here commits money. */

/**
 * One asset: its `asset_type`, and what it is made of, such as `url`, `mime_type`, `width`, `duration_ms` or `content`. Its
 * id is its name among the creative's assets.
 */
export type Asset = Readonly<Record<string, string | number | boolean>>;

/** A creative as it is handed over. Its id is the planner's; the same id replaces what the seller has under it. */
export interface Creative {
  readonly creativeId: string;
  readonly name: string;
  /** A format of the product it is for, by the seller's id. */
  readonly format: string;
  /** By the asset ids of the format. */
  readonly assets: Readonly<Record<string, Asset>>;
}

export interface Assignment {
  readonly creativeId: string;
  readonly packageId: string;
  readonly productId: string;
}

export const creativeActions = ["created", "updated", "unchanged", "failed", "deleted", "not_said"] as const;

/** What became of one creative. A seller's words are cleaned. `status` is a hint: the seller's review may go on. */
export interface CreativeResult {
  readonly creativeId: string;
  readonly action: (typeof creativeActions)[number];
  /** Its state of review, e.g. `pending_review`, as last read; null where the seller does not say. */
  readonly status: string | null;
  /** Why it failed, or what it warns of. */
  readonly sellerSaid: readonly string[];
  readonly assignedTo: readonly string[];
  readonly notAssigned: readonly { readonly packageId: string; readonly sellerSaid: string }[];
}

/** What was handed over in one call, for the history; of a queued or a lost one there are no results. */
export interface CreativesSynced {
  readonly kind: "creatives_synced";
  readonly v: 1;
  readonly sellerId: string;
  readonly by: string;
  readonly creatives: readonly string[];
  readonly assignments: readonly { readonly creativeId: string; readonly packageId: string }[];
  readonly results: readonly Pick<CreativeResult, "creativeId" | "action" | "status">[];
  readonly taskId: string | null;
  /** Why nothing is known of it, our sentence; null where the seller answered. */
  readonly failed: string | null;
}

/** A format of a seller, and the products that take it, by their seller's ids. */
export interface TakenFormat {
  readonly format: string;
  readonly products: readonly string[];
}

/**
 * Why creatives do not fit, before anything is sent: a format that no product in question takes, or not the product it
 * is assigned to; an id given twice; an asset without type or address; an assignment of what is not among them. Null when
 * all fit.
 */
export function whyUnfit(
  creatives: readonly Creative[],
  assignments: readonly Assignment[],
  taken: readonly TakenFormat[],
): { readonly why: string; readonly field: string; readonly candidates: readonly string[] } | null {
  const byId = new Map<string, Creative>();
  for (const [at, creative] of creatives.entries()) {
    const { creativeId, format } = creative;
    if (byId.has(creativeId))
      return { why: `${creativeId} is given twice`, field: `creatives[${at}].creative_id`, candidates: [] };
    byId.set(creativeId, creative);
    const asset = unfitAsset(creative);
    if (asset)
      return { why: `${creativeId}: ${asset.why}`, field: `creatives[${at}].assets.${asset.field}`, candidates: [] };
    if (taken.some((one) => one.format === format)) continue;
    const candidates = taken.map((one) => one.format);
    const why = `${creativeId} is of format ${format}, which is not taken there; taken are ${candidates.join(", ") || "none that can be read"}`;
    return { why, field: `creatives[${at}].format`, candidates };
  }
  for (const [at, { creativeId, packageId, productId }] of assignments.entries()) {
    const creative = byId.get(creativeId);
    const field = `assignments[${at}].creative_id`;
    if (!creative) return { why: `${creativeId} is assigned and not among the creatives`, field, candidates: [] };
    const candidates = taken.filter(({ products }) => products.includes(productId)).map(({ format }) => format);
    if (candidates.includes(creative.format)) continue;
    const why = `${creativeId} is of format ${creative.format}, and package ${packageId} takes ${candidates.join(", ") || "none that can be read"}`;
    return { why, field, candidates };
  }
  return null;
}

/** Assets that are a file or a page elsewhere, so that without an address there is nothing (AdCP 3.1, core/assets). */
const elsewhere: readonly string[] = ["video", "image", "audio", "zip", "url"];

/** The first asset that says too little of itself, or contradicts itself. */
function unfitAsset({ assets }: Creative): { readonly why: string; readonly field: string } | null {
  for (const [id, { asset_type: type, url, mime_type: mime }] of Object.entries(assets)) {
    if (typeof type !== "string" || !/^[a-z_]{1,40}$/.test(type))
      return { why: `asset ${id} needs an asset_type, such as video`, field: `${id}.asset_type` };
    if (url === undefined && elsewhere.includes(type))
      return { why: `asset ${id} is a ${type} and needs its url`, field: `${id}.url` };
    if (url !== undefined && !(typeof url === "string" && /^https?:/i.test(url) && URL.canParse(url)))
      return { why: `the url of asset ${id} is no web address`, field: `${id}.url` };
    if (mime === undefined) continue;
    const [, kind] = /^([a-z]+)\/[a-z0-9][a-z0-9.+-]*$/.exec(String(mime)) ?? [];
    if (kind === undefined)
      return { why: `the mime_type of asset ${id} is none; one is video/mp4`, field: `${id}.mime_type` };
    if (["video", "image", "audio"].includes(type) && kind !== type)
      return {
        why: `asset ${id} is a ${type} by its asset_type and ${kind} by its mime_type`,
        field: `${id}.mime_type`,
      };
  }
  return null;
}
