import type { Assignment, Creative, CreativesSynced } from "../domain/creative.ts";
import { BuyingError } from "../domain/errors.ts";
import { type Ref, sha256, streams } from "../domain/ids.ts";
import type { Line } from "../domain/media-buy.ts";
import { canonicalJson } from "../domain/terms.ts";
import { type CreativesAsk, SellerFailure, type SyncedCreatives } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { loadBuy } from "./flight.ts";
import { appendLine, decideAndAppend } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** What is handed to a seller's library: for one of our media buys, or for the seller alone. */
export interface CreativesRequest {
  readonly sellerId: string | null;
  readonly buyId: Ref | null;
  readonly creatives: readonly Creative[];
  /** A package by its id, or by its product. */
  readonly assignments: readonly { readonly creativeId: string; readonly package: string }[];
  readonly by: string;
}

export interface CreativesOutcome extends SyncedCreatives {
  readonly sellerId: string;
  readonly ref: Ref | null;
}

const KEY_SECONDS = 3_600;

/**
 * Hands creatives to a seller's library and notes it in the ledger, whatever came of it. Safe to repeat: the library
 * keeps one of each id, and the same content within the hour goes out under the same key.
 * @throws BuyingError where they do not fit, or the seller keeps no library; SellerFailure as the seller fails
 */
export async function syncCreatives(ports: Ports, ask: CreativesRequest): Promise<CreativesOutcome> {
  const bought = ask.buyId === null ? null : await loadBuy(ports, ask.buyId);
  const record = await ports.directory.find(bought?.line.quote.sellerId ?? ask.sellerId ?? "");
  const seller = ports.directory.connect(record);
  const handed: CreativesAsk = {
    brief: bought?.line.request.buys?.brief ?? null,
    dealId: bought?.line.deal?.dealId ?? null,
    products: bought && (bought.line.quote.packages ?? [bought.line.quote]).map(({ product }) => product.id),
    creatives: ask.creatives,
    assignments: ask.assignments.map((one, at) => assignmentOf(one, bought?.line ?? null, at)),
  };
  const access = accessAs(ports, bought?.line.quote.shownAs ?? "advertiser");
  const key = await keyFor(ports, record.id, handed);
  const note = (done: SyncedCreatives | null, failed: string | null) =>
    noteSynced(ports, bought?.ref ?? null, {
      ...{ kind: "creatives_synced", v: 1, sellerId: record.id, by: ask.by },
      creatives: handed.creatives.map(({ creativeId }) => creativeId),
      assignments: handed.assignments.map(({ creativeId, packageId }) => ({ creativeId, packageId })),
      results: (done?.results ?? []).map(({ creativeId, action, status }) => ({ creativeId, action, status })),
      taskId: done?.taskId ?? null,
      failed,
    });
  try {
    const done = await seller.syncCreatives(handed, key, access);
    await note(done, null);
    return { ...done, sellerId: record.id, ref: bought?.ref ?? null };
  } catch (error) {
    if (error instanceof SellerFailure) await note(null, error.message);
    throw error;
  }
}

function assignmentOf(asked: CreativesRequest["assignments"][number], line: Line | null, at: number): Assignment {
  // What is bought by volume is one package, under the deal's own id.
  const whole = line?.deal ? [{ packageId: line.deal.dealId, productId: line.deal.productId }] : [];
  const packages = line?.deal?.packages ?? whole;
  const asRef = (id: string | null) => (line && id !== null ? `${line.quote.sellerId}/${id}` : null);
  const found = packages.filter(({ packageId, productId }) =>
    [packageId, productId, asRef(productId)].includes(asked.package),
  );
  const [only] = found;
  if (only && found.length === 1 && only.productId !== null)
    return { creativeId: asked.creativeId, packageId: only.packageId, productId: only.productId };
  const candidates = packages.map(({ packageId }) => packageId);
  const why = !line
    ? "Assignments need the media_buy_id of their packages"
    : `${line.quote.ref} has ${found.length > 1 ? "several packages" : "no package"} ${JSON.stringify(asked.package.slice(0, 60))}; it has ${candidates.join(", ") || "none yet"}`;
  const field = `assignments[${at}].package`;
  throw new BuyingError("invalid_arguments", `${why}. Nothing was sent.`, "fix_arguments", { field, candidates });
}

/** A fresh key, unless the very same was handed over last: then its key, so that a lost answer is asked for again. */
async function keyFor(ports: Ports, sellerId: string, handed: CreativesAsk): Promise<string> {
  const digest = sha256(canonicalJson(JSON.parse(JSON.stringify(handed, asText))));
  const name = `creatives ${sellerId}`;
  const last = await ports.cache.get(name);
  if (typeof last === "object" && last !== null && "digest" in last && "key" in last) {
    if (last.digest === digest && typeof last.key === "string") return last.key;
  }
  const key = ports.newId();
  await ports.cache.set(name, { digest, key }, KEY_SECONDS);
  return key;
}

/** Numbers of assets may be fractions, for which there is no canonical form here. */
function asText(_key: string, value: unknown): unknown {
  return typeof value === "number" ? String(value) : value;
}

async function noteSynced(ports: Ports, ref: Ref | null, entry: CreativesSynced): Promise<void> {
  if (ref !== null) {
    await appendLine(ports, ref, () => [entry]);
    return;
  }
  const flowId = ports.newId();
  const row = { stream: streams.ask(flowId), version: 1, kind: "ask", status: "done", flowId, entries: [entry] };
  await decideAndAppend(ports, async () => ({ rows: [row], result: undefined }));
}
