import { activeAccount } from "./accounts.ts";
import type { AdcpCall } from "./call.ts";
import { countedBuy } from "./flight.ts";
import { page } from "./page.ts";
import { formatOnWire } from "./product-wire.ts";
import { formats } from "./profile.ts";
import { refusal } from "./refusal.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json, StoredBuy, StoredCreative } from "./state.ts";

type Wished = AdcpCall<"sync_creatives">["args"]["creatives"][number];

const names = ["video_30s", "video_15s", "display_300x250", "display_970x250"] as const;

/** list_creative_formats. */
export function listFormats({ seller, args }: AdcpCall<"list_creative_formats">): Json {
  const wanted = args.format_ids?.map((format) => format.id);
  const sold = names.filter((name) => seller.profile.products.some((product) => product.format === name));
  const { items, pagination } = page(
    sold.filter((name) => wanted?.includes(name) ?? true),
    args.pagination,
  );
  return { formats: items.map((name) => formatOnWire(seller, name)), pagination };
}

function faultIn(seller: AdcpRuntime, creative: Wished): Json | null {
  const { format_id: format, format_kind: kind, assets } = creative;
  const correctable = { recovery: "correctable" };
  if ((format === undefined) === (kind === undefined)) {
    return { code: "VALIDATION_ERROR", message: "Give either format_id or format_kind.", ...correctable };
  }
  if (format && !(format.id in formats)) {
    return {
      code: "CREATIVE_REJECTED",
      message: `We do not know the format ${format.id}.`,
      field: "format_id",
      ...correctable,
    };
  }
  if (format && format.agent_url.replace(/\/$/, "") !== seller.url) {
    return {
      code: "CREATIVE_REJECTED",
      message: "This format is another agent's.",
      field: "format_id.agent_url",
      ...correctable,
    };
  }
  if (Object.keys(assets).length === 0) {
    return { code: "CREATIVE_REJECTED", message: "The creative has no assets.", field: "assets", ...correctable };
  }
  return null;
}

function synced(seller: AdcpRuntime, accountId: string, creative: Wished, isDry: boolean): Json {
  const { creative_id: id } = creative;
  const error = faultIn(seller, creative);
  if (error) return { creative_id: id, action: "failed", errors: [error] };
  const name = `${accountId}|${id}`;
  const known = seller.books.creatives[name];
  const content = JSON.stringify(creative);
  const stored: StoredCreative = { id, accountId, name: creative.name, content, status: "approved" };
  if (!isDry) seller.books.creatives[name] = stored;
  const action = known === undefined ? "created" : known.content === content ? "unchanged" : "updated";
  return { creative_id: id, action, status: stored.status };
}

function assign(seller: AdcpRuntime, accountId: string, creativeId: string, packageId: string): string | null {
  const buy = Object.values(seller.books.buys).find(
    (candidate) => candidate.accountId === accountId && candidate.packages.some((pack) => pack.id === packageId),
  );
  if (!buy) return "There is no such package.";
  if (!seller.books.creatives[`${accountId}|${creativeId}`]) return "There is no such creative.";
  const counted = countedBuy(seller, buy);
  const packages = counted.packages.map((pack) =>
    pack.id === packageId ? { ...pack, creatives: [...new Set([...pack.creatives, creativeId])] } : pack,
  );
  const changed: StoredBuy = { ...counted, packages, revision: counted.revision + 1, updatedAt: seller.now() };
  seller.books.buys[buy.id] = changed;
  return null;
}

/** sync_creatives: each creative and each assignment stands by itself. */
export function syncCreatives({ seller, args }: AdcpCall<"sync_creatives">): Json {
  const account = activeAccount(seller, args.account);
  const isDry = args.dry_run === true;
  // A creative that comes later may be what a package waits for: what ran without it is counted first.
  for (const buy of Object.values(seller.books.buys)) seller.books.buys[buy.id] = countedBuy(seller, buy);
  const results = args.creatives.map((creative) => synced(seller, account.id, creative, isDry));
  if (results.every((result) => result["action"] === "failed") && args.validation_mode === "strict") {
    throw refusal("CREATIVE_REJECTED", "None of the creatives was taken.");
  }
  const wished = isDry ? [] : (args.assignments ?? []);
  const outcomes = wished.map(({ creative_id: id, package_id: pack }) => ({
    id,
    pack,
    error: assign(seller, account.id, id, pack),
  }));
  const creatives = results.map((result) => {
    const mine = outcomes.filter((outcome) => outcome.id === result["creative_id"]);
    const done = mine.flatMap((outcome) => (outcome.error === null ? [outcome.pack] : []));
    const wrong = mine.flatMap((outcome) => (outcome.error === null ? [] : [[outcome.pack, outcome.error] as const]));
    return {
      ...result,
      ...(done.length > 0 ? { assigned_to: done } : {}),
      ...(wrong.length > 0 ? { assignment_errors: Object.fromEntries(wrong) } : {}),
    };
  });
  return { creatives, ...(isDry ? { dry_run: true } : {}), sandbox: true };
}
