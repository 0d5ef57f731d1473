import { type Asset, type Creative, type CreativeResult, whyUnfit } from "../domain/creative.ts";
import { BuyingError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import type { Product } from "../domain/inventory.ts";
import type { Accounts } from "./opendirect-accounts.ts";
import type { LineIds } from "./opendirect-actions.ts";
import type { Catalogue } from "./opendirect-catalogue.ts";
import { word } from "./opendirect-dialect.ts";
import { notHere, writeRefusalOf } from "./opendirect-errors.ts";
import { partsOf } from "./opendirect-lines.ts";
import type { Session } from "./opendirect-session.ts";
import { type Access, type CreativesAsk, SellerFailure, type SyncedCreatives } from "./seller.ts";
import { assignmentShape, creativeShape, placementShape, type WireCreative } from "./wire/opendirect.ts";

/**
 * Creatives of an account, and the lines they run on (OpenDirect 2.1, Creative and Assignment). The seller gives a creative its
 * id; ours stands in its name as a mark, with one of its content: an `ad` cannot be changed, so another content is another one.
 */
export interface Library {
  sync(ask: CreativesAsk, access: Access): Promise<SyncedCreatives>;
  /** The states of review of creatives by our ids. @throws SellerFailure for one that is not in the library */
  review(accountId: string, creativeIds: readonly string[], access: Access): Promise<readonly (string | null)[]>;
  /** Has a line run creatives of the library, by our ids; what is assigned already is left. @throws SellerFailure */
  assign(accountId: string, ids: LineIds, creativeIds: readonly string[], access: Access): Promise<void>;
}

/** @see Library */
export function createLibrary(session: Session, accounts: Accounts, catalogue: Catalogue): Library {
  const { sellerId } = session;

  const libraryOf = async (accountId: string, access: Access): Promise<readonly WireCreative[]> =>
    (await session.list("creatives", creativeShape, session.path("accounts", accountId, "creatives"), access)).entries;

  async function post(what: string, path: string, content: Readonly<Record<string, unknown>>, access: Access) {
    const call = { method: "POST", path, body: session.body(content), phase: "media_kit" } as const;
    const refusal = writeRefusalOf(sellerId, what, await session.send(call, access));
    if (refusal) throw refusal;
  }

  /** The newest of an id: lists have it last. */
  function oursIn(library: readonly WireCreative[], creativeId: string): WireCreative {
    const found = library.findLast(({ name }) => name?.includes(idMark(creativeId)));
    if (found) return found;
    throw notHere(
      sellerId,
      `${sellerId} has no creative ${creativeId} of ours; hand it over with sync_creatives first.`,
    );
  }

  /** Edition 2.1 binds creatives to the placement of a line; the buyer agents of the IAB Tech Lab to the line itself. */
  async function placementOf(accountId: string, { orderId, lineId }: LineIds, access: Access): Promise<string | null> {
    const at = session.path("accounts", accountId, "orders", orderId, "lines", lineId, "placements");
    try {
      return (await session.list("placements", placementShape, at, access)).entries[0]?.id ?? null;
    } catch (error) {
      if (error instanceof SellerFailure && ["not_found", "unsupported"].includes(error.kind)) return null;
      throw error;
    }
  }

  const assign: Library["assign"] = async (accountId, ids, creativeIds, access) => {
    if (creativeIds.length === 0) return;
    const { lineId } = ids;
    const at = session.path("accounts", accountId, "assignments");
    const library = await libraryOf(accountId, access);
    const placementId = await placementOf(accountId, ids, access);
    const where = placementId === null ? { lineid: lineId } : { placementid: placementId };
    const { entries } = await session.list("assignments", assignmentShape, at, access);
    for (const creativeId of creativeIds) {
      const { id: creativeid } = oursIn(library, creativeId);
      const isThere = entries.some(
        (one) =>
          one.creativeid === creativeid &&
          word(one.status) !== "inactive" &&
          (one.lineid === lineId || (placementId !== null && one.placementid === placementId)),
      );
      if (!isThere) await post("an assignment", at, { creativeid, ...where }, access);
    }
  };

  /** One that the seller does not take costs the others nothing. */
  async function assigned(ask: CreativesAsk, accountId: string, result: CreativeResult, access: Access) {
    const assignedTo: string[] = [];
    const notAssigned: { packageId: string; sellerSaid: string }[] = [];
    for (const { creativeId, packageId } of ask.assignments) {
      const ids = partsOf(packageId, {});
      if (creativeId !== result.creativeId || !ids) continue;
      try {
        await assign(accountId, ids, [creativeId], access);
        assignedTo.push(packageId);
      } catch (error) {
        if (!(error instanceof SellerFailure) || !error.definite) throw error;
        notAssigned.push({ packageId, sellerSaid: error.sellerSaid ?? "" });
      }
    }
    return { ...result, assignedTo, notAssigned };
  }

  return {
    assign,

    async sync(ask, access) {
      // The products first: they show in which names the seller is to be written to.
      const { products } = await catalogue.list({ query: null, brief: null, limit: 5_000 }, access);
      refuseUnfit(
        ask,
        products.filter(({ productId }) => ask.products === null || ask.products.includes(productId)),
      );
      const ads = ask.creatives.map(adOf);
      const { id: accountId } = await accounts.current(access);
      const before = await libraryOf(accountId, access);
      const refused = new Map<string, string>();
      for (const [at, creative] of ask.creatives.entries()) {
        if (before.some(({ name }) => name?.includes(contentMark(creative)))) continue;
        const content = { name: `${creative.name} ${contentMark(creative)}`, ad: ads[at] };
        try {
          await post("a place for a creative", session.path("accounts", accountId, "creatives"), content, access);
        } catch (error) {
          if (!(error instanceof SellerFailure) || !error.definite) throw error;
          refused.set(creative.creativeId, error.sellerSaid ?? error.message);
        }
      }
      const after = await libraryOf(accountId, access);
      const results = ask.creatives.map((one) => resultOf(one, before, after, refused.get(one.creativeId) ?? null));
      return {
        results: await Promise.all(results.map((result) => assigned(ask, accountId, result, access))),
        taskId: null,
      };
    },

    async review(accountId, creativeIds, access) {
      if (creativeIds.length === 0) return [];
      const library = await libraryOf(accountId, access);
      return creativeIds.map((id) => reviewOf(oursIn(library, id)));
    },
  };
}

function idMark(creativeId: string): string {
  return `#${sha256(creativeId).slice(0, 8)}-`;
}

function contentMark(creative: Creative): string {
  return `${idMark(creative.creativeId)}${sha256(JSON.stringify([creative.format, creative.assets])).slice(0, 8)}`;
}

/** @throws BuyingError where one is of a format that no product in question has an ad unit for */
function refuseUnfit({ creatives, assignments }: CreativesAsk, products: readonly Product[]): void {
  const formats = [...new Set(products.flatMap((product) => product.formats))];
  const taken = formats.map((format) => ({
    format,
    products: products.filter((product) => product.formats.includes(format)).map(({ productId }) => productId),
  }));
  const unfit = whyUnfit(creatives, assignments, taken);
  if (!unfit) return;
  const { why, field, candidates } = unfit;
  throw new BuyingError("invalid_arguments", `${why}. Nothing was sent.`, "fix_arguments", { field, candidates });
}

/** A creative as AdCOM 1.0 has it (Ad): one of video, audio, or display. @throws BuyingError for one that is none of them */
function adOf({ creativeId, assets }: Creative): Readonly<Record<string, unknown>> {
  const all = Object.values(assets);
  const of = (...types: readonly string[]) => all.find((asset) => types.includes(String(asset["asset_type"])));
  const [video, audio, image, html] = [
    of("video", "vast"),
    of("audio", "daast"),
    of("image"),
    of("html", "javascript"),
  ];
  if (video) return { id: creativeId, video: streamed(video) };
  if (audio) return { id: creativeId, audio: streamed(audio) };
  const click = of("url")?.["url"];
  const link = click === undefined ? {} : { link: { url: click } };
  if (image) {
    const { url: img, width, height } = image;
    return { id: creativeId, display: { ...sized(width, height), banner: { img, ...link } } };
  }
  if (html) return { id: creativeId, display: { ...sized(html["width"], html["height"]), adm: html["content"] } };
  const message = `${creativeId} has no video, audio, image or html asset. Nothing was sent.`;
  throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "creatives" });
}

/** Markup where there is some, else the address of it or of the file. */
function streamed({ url, content, mime_type: mime, duration_ms: ms }: Asset): Readonly<Record<string, unknown>> {
  return {
    ...(mime === undefined ? {} : { mime: [mime] }),
    ...(typeof ms === "number" ? { dur: Math.trunc(ms / 1000) } : {}),
    ...(content === undefined ? { curl: url } : { adm: content }),
  };
}

function sized(width: Asset[string] | undefined, height: Asset[string] | undefined): { w?: unknown; h?: unknown } {
  return { ...(width === undefined ? {} : { w: width }), ...(height === undefined ? {} : { h: height }) };
}

function resultOf(
  creative: Creative,
  before: readonly WireCreative[],
  after: readonly WireCreative[],
  refused: string | null,
): CreativeResult {
  const has = (library: readonly WireCreative[], mark: string) => library.some(({ name }) => name?.includes(mark));
  const found = after.findLast(({ name }) => name?.includes(contentMark(creative)));
  const kept = has(before, contentMark(creative)) ? "unchanged" : "created";
  const action = has(before, idMark(creative.creativeId)) && kept === "created" ? "updated" : kept;
  return {
    creativeId: creative.creativeId,
    action: refused !== null ? "failed" : found ? action : "not_said",
    status: found ? reviewOf(found) : null,
    sellerSaid: refused ? [refused] : [],
    assignedTo: [],
    notAssigned: [],
  };
}

/** Approvals by publisher: a map in the examples of 2.1, pairs in its table. The least of them counts. */
function reviewOf({ creativeapprovals }: WireCreative): string | null {
  const said = JSON.stringify(creativeapprovals ?? null).toLowerCase();
  const states = { rejected: "rejected", pending: "pending_review", approved: "approved" } as const;
  for (const [theirs, ours] of Object.entries(states)) if (said.includes(`"${theirs}"`)) return ours;
  return null;
}
