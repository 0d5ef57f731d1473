import { BuyingError } from "../domain/errors.ts";
import { atMost, type Goal, masked, type Reveal, reveal, type Tier, trustCap } from "../domain/identity.ts";
import type { DealType } from "../domain/inventory.ts";
import type { Money } from "../domain/money.ts";
import type { Access } from "../sellers/seller.ts";
import type { Ports, SellerRecord } from "./ports.ts";

export interface AccessPlan {
  readonly access: Access;
  readonly reveal: Reveal;
}

/**
 * What a seller is shown for one deal, and the access that shows just that. Nothing of the buyer leaves before this.
 * @throws BuyingError `seller_blocked`
 */
export function planAccess(
  ports: Ports,
  record: SellerRecord,
  deal: { dealType: DealType; goal: Goal | null; value: Money | null },
): AccessPlan {
  if (record.byAccount) return byAccount(ports, record);
  const { revealFrom } = ports.settings;
  const sameCurrency = deal.value !== null && revealFrom !== null && deal.value.currency === revealFrom.agency.currency;
  const revealed = revealFrom
    ? reveal({
        trust: record.trust,
        relationship: record.relationship,
        dealType: deal.dealType,
        goal: deal.goal,
        dealValue: sameCurrency ? deal.value : null,
        credentials: record.credentials,
        thresholds: revealFrom,
      })
    : publicOnly(record);
  if (record.blocked || revealed === null) throw blocked(record);
  return { reveal: revealed, access: accessAs(ports, revealed.tier) };
}

/**
 * Sellers that sell to accounts learn brand and operator whatever the deal: the operator's config says under whose name,
 * and no seller is told it that nobody vouches for.
 */
function byAccount(ports: Ports, record: SellerRecord): AccessPlan {
  if (record.blocked || trustCap[record.trust] === null) throw blocked(record);
  const told = isToldAccount(record);
  const tier = told ? "advertiser" : "public";
  const why = told
    ? "it sells to accounts, and this desk's settings name brand and operator for it"
    : "nobody vouches for it enough to be told brand and operator";
  return { access: accessAs(ports, tier), reveal: { tier, why: [why], withoutCredential: null, next: null } };
}

/**
 * Whether a seller that sells to accounts may learn brand and operator. Putting it into the config is the leave for it; to one that
 * only registries know the name of the advertiser is told where their trust goes so far.
 */
export function isToldAccount({ trust, fromRegistry }: SellerRecord): boolean {
  return fromRegistry ? trustCap[trust] === "advertiser" : trust !== "unknown";
}

/** The access for looking around: a seller that knows its buyers by account is told nothing before something is quoted. */
export function browseAccess(ports: Ports, record: SellerRecord): Access {
  if (record.byAccount) return accessAs(ports, "public");
  return planAccess(ports, record, { dealType: "PD", goal: null, value: null }).access;
}

/** The access that shows the fields of one tier and uses that tier's credential. */
export function accessAs(ports: Ports, tier: Tier): Access {
  return { tier, identity: masked(ports.settings.buyer, tier) };
}

/** The highest tier this seller may ever be shown here: by trust, and by the credentials configured. Null = no contact. */
export function highestTier(record: SellerRecord): Tier | null {
  const cap = trustCap[record.trust];
  if (cap === null || record.blocked) return null;
  if (record.byAccount) return isToldAccount(record) ? "advertiser" : "public";
  const held: readonly Tier[] = ["public", ...record.credentials];
  return held
    .filter((tier) => atMost(tier, cap))
    .reduce<Tier>((best, tier) => (atMost(best, tier) ? tier : best), "public");
}

/** @returns the error for a seller that is kept out; it was not contacted */
export function blocked(record: SellerRecord): BuyingError {
  return new BuyingError(
    "seller_blocked",
    `${record.id} is blocked (${record.trustBy}); it was not contacted. Nothing was booked.`,
    "choose_another",
  );
}

function publicOnly(record: SellerRecord): Reveal | null {
  if (trustCap[record.trust] === null) return null;
  return { tier: "public", why: ["no mandate, so nothing of the buyer is shown"], withoutCredential: null, next: null };
}
