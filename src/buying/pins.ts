import { streams } from "../domain/ids.ts";
import { saidBy } from "../domain/trust.ts";
import type { SellerPinned } from "../ledger/entries.ts";
import type { NewRow, Row } from "../ledger/ledger.ts";
import type { Ports, SellerRecord } from "./ports.ts";

/**
 * Sellers that only registries know are met with care: a person approves the first buy, and with it where the seller is reached. That
 * is kept as a pin. From then on the operator's own limits may count for it, until something about it changes.
 */

/** More sellers than a desk buys from without putting them into its config. */
const MOST = 500;

/** Why a person has to decide about buying from these sellers, whatever the operator's limits allow: one sentence a reason. */
export async function whyPersonDecides(ports: Ports, sellerIds: readonly string[]): Promise<readonly string[]> {
  const known = await registrySellers(ports, sellerIds);
  if (known.length === 0) return [];
  const pins = await pinned(ports);
  return known.flatMap((record) => [
    ...whyNotPinned(record, pins),
    ...record.cautions.map((caution) => `${record.id}: ${caution}`),
    ...record.words.filter(({ stale }) => stale).map((word) => `${record.id} is ${record.trust} by ${saidBy(word)}`),
  ]);
}

function whyNotPinned(record: SellerRecord, pins: readonly SellerPinned[]): readonly string[] {
  const { id, origin, protocol, words } = record;
  const pin = pins.find(({ sellerId }) => sellerId === id);
  if (pin) {
    if (pin.protocol === protocol) return [];
    return [`${id} spoke ${pin.protocol} when it was first approved, and speaks ${protocol} now`];
  }
  const moved = pins.find(({ registryIds }) =>
    words.some(({ registry, registryId }) => registryId !== null && registryIds[registry] === registryId),
  );
  if (moved)
    return [
      `${id} is listed at ${origin} under the id of ${moved.sellerId}, which was approved at ${moved.origin}: it moved`,
    ];
  const by = words.map(({ registry }) => registry).join(", ") || "a registry";
  return [`${id} is known from ${by} alone, and nobody has approved a buy from it yet`];
}

/** The rows that pin these sellers as they are reached now, where that is not on record. @param by the person who approved */
export async function pinRows(
  ports: Ports,
  sellerIds: readonly string[],
  approved: { readonly approvalId: string; readonly by: string; readonly flowId: string },
): Promise<readonly NewRow[]> {
  const known = await registrySellers(ports, sellerIds);
  const rows = await Promise.all(
    known.map(async ({ id, name, domain, origin, url, protocol, words }): Promise<NewRow | null> => {
      const stream = streams.seller(id);
      const head = await ports.ledger.head(stream);
      const [before] = pinIn(head);
      if (before?.protocol === protocol) return null;
      const ids = words.flatMap(({ registry, registryId }) => (registryId === null ? [] : [[registry, registryId]]));
      const pin: SellerPinned = {
        ...{ kind: "seller_pinned", v: 1, sellerId: id, name, domain, origin, url, protocol },
        ...{ registryIds: Object.fromEntries(ids), approvalId: approved.approvalId, by: approved.by },
      };
      const place = { stream, version: (head?.version ?? 0) + 1, kind: "seller", status: "pinned" };
      return { ...place, flowId: approved.flowId, entries: [pin] };
    }),
  );
  return rows.filter((row) => row !== null);
}

async function pinned(ports: Ports): Promise<readonly SellerPinned[]> {
  return (await ports.ledger.heads({ kind: "seller", limit: MOST })).flatMap(pinIn);
}

function pinIn(row: Row | undefined): readonly SellerPinned[] {
  return (row?.entries ?? []).filter((entry) => entry.kind === "seller_pinned");
}

async function registrySellers(ports: Ports, sellerIds: readonly string[]): Promise<readonly SellerRecord[]> {
  const ids = new Set(sellerIds);
  return (await ports.directory.all()).filter(({ id, fromRegistry }) => fromRegistry && ids.has(id));
}
