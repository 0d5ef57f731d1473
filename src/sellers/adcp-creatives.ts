import { BuyingError } from "../domain/errors.ts";
import { type Creative, type CreativeResult, creativeActions, whyUnfit } from "../domain/creative.ts";
import type { Accounts } from "./adcp-accounts.ts";
import type { Catalogue } from "./adcp-catalogue.ts";
import { unreadable } from "./adcp-refusals.ts";
import { type Session, versioned } from "./adcp-session.ts";
import { type Access, type CreativesAsk, SellerFailure, type SyncedCreatives } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { creativesAnswer, type WireMediaBuy, type WireProduct, type WireSyncedCreative } from "./wire/adcp.ts";

/** How a format goes on the wire: by the agent that defines it, or by its kind and the product's own option of it. */
interface WireFormat {
  readonly format: string;
  readonly products: string[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * `sync_creatives` of one seller (AdCP 3.0 and 3.1): into its library, with assignments to packages. Each creative has
 * an outcome of its own, and some may fail while others are taken.
 * @param readBuys reads media buys by id, for the state of review of what is assigned
 * @throws SellerFailure `unsupported` where the seller keeps no library; BuyingError for what does not fit its formats
 */
export async function syncCreatives(
  session: Session,
  accounts: Accounts,
  catalogue: Catalogue,
  ask: CreativesAsk,
  key: string,
  access: Access,
  readBuys: (args: Readonly<Record<string, unknown>>, access: Access) => AsyncGenerator<WireMediaBuy>,
): Promise<SyncedCreatives> {
  const { sellerId } = session;
  const { said, version } = await session.capabilities(access);
  if (said.creative?.has_creative_library !== true) {
    const message = `${sellerId} keeps no library of creatives. Creatives inside create_media_buy are not supported by this release; hand them to the seller directly.`;
    throw new SellerFailure(sellerId, "unsupported", message, { definite: true });
  }
  const { reference } = await accounts.current(access);
  const offered = await catalogue.offered(ask.brief, { account: reference }, access);
  const wires = [...offered.products.values()]
    .map(({ wire }) => wire)
    .filter(({ product_id: id }) => ask.products === null || ask.products.includes(id));
  const formats = formatsOf(wires);
  const unfit = whyUnfit(ask.creatives, ask.assignments, formats);
  if (unfit) {
    const { why, field, candidates } = unfit;
    throw new BuyingError("invalid_arguments", `${why}. Nothing was sent.`, "fix_arguments", { field, candidates });
  }
  const args = {
    idempotency_key: key,
    account: reference,
    creatives: ask.creatives.map((one) => onWire(one, formats)),
    ...(ask.assignments.length > 0
      ? {
          assignments: ask.assignments.map(({ creativeId, packageId }) => ({
            creative_id: creativeId,
            package_id: packageId,
          })),
        }
      : {}),
    // The rest is taken where one creative is not.
    validation_mode: "lenient",
  };
  const body = JSON.stringify(versioned(args, version));
  const envelope = await session.send("the creatives", "sync_creatives", body, access);
  const read = creativesAnswer.safeParse(envelope);
  if (!read.success) throw unreadable(sellerId, "sync_creatives", "its results cannot be read");
  const taskId = checkedId(read.data.task_id);
  if (read.data.creatives.length === 0) {
    if (taskId === null) throw unreadable(sellerId, "sync_creatives", "it names neither results nor a task");
    return { results: [], taskId };
  }
  const results = ask.creatives.map(({ creativeId }) =>
    resultOf(
      creativeId,
      read.data.creatives.find((one) => one.creative_id === creativeId),
    ),
  );
  return { results: await reviewed(results, ask, reference, readBuys, access), taskId };
}

function formatsOf(wires: readonly WireProduct[]): readonly WireFormat[] {
  const found = new Map<string, WireFormat>();
  const add = (format: string, product: string, fields: WireFormat["fields"]) => {
    const known = found.get(format);
    if (known) known.products.push(product);
    else found.set(format, { format, products: [product], fields });
  };
  for (const { product_id: product, format_ids: ids, format_options: options } of wires) {
    for (const { id, agent_url: agent } of ids) {
      if (agent !== null) add(id, product, { format_id: { agent_url: agent, id } });
    }
    for (const { format_option_id: option, format_kind: kind } of options) {
      const name = option ?? kind;
      if (name === null || kind === null || found.get(name)?.products.includes(product)) continue;
      const reference = option === null ? {} : { format_option_ref: { scope: "product", format_option_id: option } };
      add(name, product, { format_kind: kind, ...reference });
    }
  }
  return [...found.values()];
}

function onWire({ creativeId, name, format, assets }: Creative, formats: readonly WireFormat[]) {
  const { fields = {} } = formats.find((one) => one.format === format) ?? {};
  return { creative_id: creativeId, name, ...fields, assets };
}

/** A creative the seller does not name has no known outcome, which is not success. */
function resultOf(creativeId: string, wire: WireSyncedCreative | undefined): CreativeResult {
  const words = [...(wire?.errors.map(({ code, message }) => `${code} ${message}`) ?? []), ...(wire?.warnings ?? [])];
  return {
    creativeId,
    action: creativeActions.find((action) => action === wire?.action) ?? "not_said",
    status: sellerText(wire?.status, 40) || null,
    sellerSaid: words.slice(0, 5).map((one) => sellerText(one, 200)),
    assignedTo: (wire?.assigned_to ?? []).flatMap((id) => checkedId(id) ?? []),
    notAssigned: Object.entries(wire?.assignment_errors ?? {}).flatMap(([id, said]) => {
      const packageId = checkedId(id);
      return packageId === null ? [] : [{ packageId, sellerSaid: sellerText(said, 200) }];
    }),
  };
}

/** The state of review as the buy has it now: a repeated call is answered as the first was, however old that is. */
async function reviewed(
  results: readonly CreativeResult[],
  { dealId }: CreativesAsk,
  account: unknown,
  readBuys: (args: Readonly<Record<string, unknown>>, access: Access) => AsyncGenerator<WireMediaBuy>,
  access: Access,
): Promise<readonly CreativeResult[]> {
  if (dealId === null) return results;
  const states = new Map<string, string>();
  try {
    for await (const buy of readBuys({ account, media_buy_ids: [dealId] }, access)) {
      if (buy.media_buy_id !== dealId) continue;
      for (const { creative_approvals: approvals } of buy.packages) {
        for (const one of approvals) {
          if (one.creative_id !== null) states.set(one.creative_id, sellerText(one.approval_status, 40));
        }
      }
    }
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
  }
  return results.map((one) => ({ ...one, status: states.get(one.creativeId) || one.status }));
}
