import type { AdcpPlan, AdcpPricing, AdcpProduct } from "./profile.ts";
import { refusal } from "./refusal.ts";
import { type AdcpRuntime, isoTime } from "./runtime.ts";
import type { Json, StoredProposal } from "./state.ts";

/** Proposals: AdCP 3.1, proposals; draft until finalized, then firm until they expire. */

/** The proposals whose products are all among these, opened as drafts where they are new. */
export function proposalsFor(seller: AdcpRuntime, products: readonly AdcpProduct[]): StoredProposal[] {
  const sold = new Set(products.map((product) => product.id));
  return seller.profile.plans
    .filter((plan) => plan.shares.every((share) => sold.has(share.product)))
    .map((plan) => openProposal(seller, plan));
}

/** A draft of its own for each discovery, unless an untouched one stands. */
function openProposal(seller: AdcpRuntime, plan: AdcpPlan): StoredProposal {
  const { proposals } = seller.books;
  const mine = Object.values(proposals).filter((proposal) => proposal.planId === plan.id);
  const fresh = mine.find((proposal) => proposal.status === "draft" && proposal.off === 0);
  if (fresh) return fresh;
  const id = mine.length === 0 ? plan.id : `${plan.id}_${mine.length + 1}`;
  const ioId = `io_${id}`;
  const draft = { id, planId: plan.id, status: "draft", off: 0, firm: {}, expiresAt: 0 } as const;
  const proposal: StoredProposal = { ...draft, ioId };
  proposals[id] = proposal;
  return proposal;
}

/** The plan a proposal is of. */
export function planOf(seller: AdcpRuntime, proposal: StoredProposal): AdcpPlan {
  const plan = seller.profile.plans.find((candidate) => candidate.id === proposal.planId);
  if (!plan) throw new Error(`no plan ${proposal.planId}`);
  return plan;
}

/** A published price less what was given, under an id of its own; the same price where nothing was given. */
export function reduced(pricing: AdcpPricing, off: number): AdcpPricing {
  if (off === 0 || pricing.fixed === undefined) return pricing;
  const fixed = Math.round(pricing.fixed * (1 - off) * 10_000) / 10_000;
  return { ...pricing, id: `${pricing.id}_less_${Math.round(off * 10_000)}`, fixed };
}

/** A share's price in a proposal, remembered so that it can be bought. */
export function sharePricing(
  seller: AdcpRuntime,
  proposal: StoredProposal,
  share: AdcpPlan["shares"][number],
): { readonly product: AdcpProduct; readonly pricing: AdcpPricing } {
  const product = seller.product(share.product);
  const listed = product && seller.options(product).find((option) => option.id === share.pricing);
  if (!product || !listed) throw new Error(`plan ${proposal.planId} names what is not sold`);
  return { product, pricing: proposal.firm[product.id] ?? reduced(listed, proposal.off) };
}

/** The proposal of that id. @throws AdcpRefusal PROPOSAL_NOT_FOUND */
export function knownProposal(seller: AdcpRuntime, id: string): StoredProposal {
  const proposal = seller.books.proposals[id];
  if (!proposal)
    throw refusal("PROPOSAL_NOT_FOUND", `There is no proposal ${id}.`, "correctable", { field: "proposal_id" });
  return proposal;
}

/** Makes a proposal firm for as long as quotes stand: its prices hold whatever the catalogue says meanwhile. */
export function commitProposal(seller: AdcpRuntime, proposal: StoredProposal): StoredProposal {
  const expiresAt = seller.now() + seller.settings.quoteTtlMs;
  const firm: Record<string, AdcpPricing> = {};
  for (const share of planOf(seller, proposal).shares) {
    const { product, pricing } = sharePricing(seller, proposal, share);
    const held = { ...pricing, id: `${pricing.id}_${proposal.id}` };
    firm[product.id] = held;
    seller.books.offers[`${product.id}|${held.id}`] = { productId: product.id, pricing: held, expiresAt };
  }
  const committed: StoredProposal = { ...proposal, status: "committed", firm, expiresAt };
  seller.books.proposals[proposal.id] = committed;
  return committed;
}

interface Dates {
  readonly start_date?: string | undefined;
  readonly end_date?: string | undefined;
}

/** A proposal as it goes over the wire. The insertion order is there once the proposal is firm. */
export function proposalOnWire(seller: AdcpRuntime, proposal: StoredProposal, dates: Dates = {}): Json {
  const plan = planOf(seller, proposal);
  const isFirm = proposal.status === "committed";
  const allocations = plan.shares.map((share, index) => ({
    product_id: share.product,
    allocation_percentage: share.percent,
    pricing_option_id: sharePricing(seller, proposal, share).pricing.id,
    rationale: index === 0 ? "Carries the plan." : "Adds what the first one lacks.",
    sequence: index + 1,
  }));
  const terms = {
    publisher: seller.profile.name,
    payment_terms: "net_30",
    ...(dates.start_date ? { flight_start: `${dates.start_date}T00:00:00Z` } : {}),
    ...(dates.end_date ? { flight_end: `${dates.end_date}T23:59:59Z` } : {}),
  };
  return {
    proposal_id: proposal.id,
    name: plan.name,
    description: plan.about,
    allocations,
    proposal_status: proposal.status,
    ...(isFirm ? { expires_at: isoTime(proposal.expiresAt) } : {}),
    total_budget_guidance: { ...plan.budget, currency: "USD" },
    brief_alignment: plan.about,
    ...(plan.signature && isFirm
      ? {
          insertion_order: {
            io_id: proposal.ioId,
            terms,
            signing_url: `${seller.url}/desk/${proposal.ioId}`,
            requires_signature: true,
          },
        }
      : {}),
  };
}
