import { audit } from "../../src/audit/audit.ts";
import { anchor } from "../../src/buying/anchor.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import { verifyAnchors, verifyChain } from "../../src/ledger/verify.ts";
import { committed } from "../../src/domain/media-buy.ts";
import { isBeyond } from "./laws-booking.ts";
import type { ModelDeal, ModelSeller } from "./model-seller.ts";
import { signatures } from "./signatures.ts";
import { keyOf } from "./spend-book.ts";
import type { World } from "./world.ts";

/** What must hold once everything has come to rest: the books against the table, and the table against the sellers. */
export async function endLaws(world: World): Promise<void> {
  const { witness, rows } = world;
  const stored = await memoryLedger({ rows }).history({});
  for (const finding of [...verifyChain(stored), ...verifyAnchors(stored)])
    witness.accuse("the chain verifies", `${finding.stream}@${finding.version} ${finding.what}`);
  const hashes = new Set(stored.map(({ hash }) => hash));
  for (const row of witness.kept)
    if (!hashes.has(row.hash)) witness.accuse("an acknowledged entry stays", `${row.stream}@${row.version} is gone`);
  heldLaws(world);
  for (const seller of world.sellers) for (const quoteId of seller.quotes.keys()) truthLaws(world, seller, quoteId);
  await auditLaws(world);
}

/** What the desk's own audit says of the ledger, once a server has noted where it stands, as each does every ten minutes. */
async function auditLaws({ witness, rows, processes }: World): Promise<void> {
  const [first] = processes;
  if (!first) return;
  const ledger = memoryLedger({ rows, now: first.ports.now, newId: () => `audit-${rows.length}` });
  await anchor({ ...first.ports, ledger }, "watch");
  const { name } = first.ports.settings;
  const { findings } = await audit(name, await ledger.history({}), { signatures, mandate: null, noted: [] });
  for (const { stream, version, what } of findings)
    witness.accuse("the audit finds nothing wrong", `${stream}@${version} ${what}`);
}

/** Every hold is a deal, or over. */
function heldLaws({ witness }: World): void {
  const expected = new Map<string, bigint>();
  for (const [ref, line] of witness.lines) {
    if (line.status === "terms_mismatch" && !witness.spend.incidents.has(ref))
      witness.accuse("a difference is an incident", `${ref} differs for ever, and there is no incident left to clear`);
    if (["booked", "terms_mismatch"].includes(line.status)) {
      if (line.booking) expected.set(keyOf(line.booking.holding), line.booking.holding.amount.micros);
    } else if (committed.includes(line.status) || line.status === "awaiting_approval")
      witness.accuse("nothing is held for ever", `${ref} is still ${line.status}`);
  }
  for (const [key, micros] of witness.spend.held)
    if (expected.get(key) !== micros)
      witness.accuse("nothing is held for ever", `${key} holds ${micros}, and is no booked line`);
  for (const key of expected.keys())
    if (!witness.spend.held.has(key)) witness.accuse("balances are the sum", `${key} is booked, and holds nothing`);
  const pending = [...witness.approvals].filter(([, { status }]) => status === "pending");
  for (const [id] of pending) witness.accuse("nothing is held for ever", `${id} is still pending`);
}

/** What stands at the seller is what the ledger says. */
function truthLaws({ witness }: World, seller: ModelSeller, quoteId: string): void {
  const ref = `${seller.id}/${quoteId}`;
  const line = witness.lines.get(ref);
  const deals = [...seller.deals.values()].filter((deal) => deal.quoteId === quoteId);
  const standing = deals.filter(({ stands }) => stands);
  const sends = new Set(standing.map(({ send }) => send.n));
  if (sends.size > 1)
    witness.accuse(
      "never two commitments for one line",
      `${ref} stands ${standing.length} times, by sends ${[...sends].join()}`,
    );
  // One request that the seller itself turned into two deals: which of them it remembers is its own affair.
  const ownDouble = deals.length > new Set(deals.map(({ send }) => send.n)).size;
  const isBooked = line !== undefined && ["booked", "terms_mismatch"].includes(line.status);
  const known = (deal: ModelDeal) => deal.deal.dealId === line?.deal?.dealId;
  if (standing.length > 0 && !(isBooked && (ownDouble || standing.some(known))))
    if (!(ownDouble && deals.some(known)))
      witness.accuse(
        "what a seller booked is recorded",
        `${ref} stands as ${standing.map(({ deal }) => deal.dealId).join()}, and is ${line?.status ?? "unknown"} here`,
      );
  if (isBooked && !deals.some((deal) => known(deal) && (deal.stands || ownDouble)))
    witness.accuse(
      "nothing is held for ever",
      `${ref} is ${line.status} here, and ${line.deal?.dealId ?? "nothing"} does not stand at its seller`,
    );
  if (isBooked && line.deal && witness.owners.get(`${seller.id}/${line.deal.dealId}`) === undefined)
    witness.accuse("what a seller booked is recorded", `${line.deal.dealId} of ${ref} is nobody's`);
  const own = standing.find(known);
  if (isBooked && own && line.booking && line.deal?.sellerStatus !== "as told by a person") {
    if (isBeyond(line.booking.terms, own.deal) && line.differences.length === 0)
      witness.accuse("a difference is an incident", `${ref} is booked beyond its terms without a word`);
  }
}
