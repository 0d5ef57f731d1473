import type { Refinement } from "./arguments.ts";
import type { AdcpCall } from "./call.ts";
import { nextId } from "./page.ts";
import { productOnWire } from "./product-wire.ts";
import { passes } from "./products-filter.ts";
import type { AdcpPricing, AdcpProduct } from "./profile.ts";
import { commitProposal, knownProposal, planOf, proposalOnWire, reduced, sharePricing } from "./proposals.ts";
import { refusal } from "./refusal.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json, StoredProposal } from "./state.ts";
import { openTask } from "./tasks.ts";

/** get_products in refine mode: asks in free words, one answer each; what counts is the price that comes back. */

type Outcome = "applied" | "partial" | "unable";

/** The reduction an ask speaks of, as a fraction: "reduce the CPM by 10%", or "22.50" against the price now. */
export function askedOff(ask: string, price: number | undefined): number {
  const percent = /(\d+(?:\.\d+)?)\s*(?:%|percent)/i.exec(ask);
  if (percent) return Number(percent[1]) / 100;
  const amount = /(\d+\.\d+|\d{2,})/.exec(ask);
  if (!amount || price === undefined) return 0;
  return Math.max(0, 1 - Number(amount[1]) / price);
}

function outcome(asked: number, given: number): Outcome {
  if (given === 0) return "unable";
  return given < asked ? "partial" : "applied";
}

interface Refined {
  readonly products: Map<string, readonly AdcpPricing[]>;
  readonly proposals: Map<string, StoredProposal>;
  readonly applied: Json[];
}

function refineProduct(seller: AdcpRuntime, item: Extract<Refinement, { scope: "product" }>, into: Refined): void {
  const { product_id: id, action = "include", ask = "" } = item;
  const product = seller.product(id);
  const said = (status: Outcome, notes: string) =>
    into.applied.push({ scope: "product", product_id: id, status, notes });
  if (!product) return void said("unable", "We do not sell this product.");
  if (action === "omit") {
    into.products.delete(id);
    return void said("applied", "Left out.");
  }
  if (action === "more_like_this") {
    for (const other of seller.profile.products) {
      if (other.channels.some((channel) => product.channels.includes(channel)))
        into.products.set(other.id, seller.options(other));
    }
    return void said("applied", "Products on the same channels.");
  }
  const asked = askedOff(ask, seller.options(product)[0]?.fixed);
  const given = Math.min(asked, product.gives);
  into.products.set(
    id,
    seller.options(product).map((option) => offered(seller, product, option, given)),
  );
  if (ask === "") return void said("applied", "Kept.");
  said(outcome(asked, given), given === 0 ? "Our price stands." : `${Math.round(given * 1_000) / 10}% less.`);
}

function offered(seller: AdcpRuntime, product: AdcpProduct, option: AdcpPricing, off: number): AdcpPricing {
  const pricing = reduced(option, off);
  if (pricing === option) return option;
  const expiresAt = seller.now() + seller.settings.quoteTtlMs;
  seller.books.offers[`${product.id}|${pricing.id}`] = { productId: product.id, pricing, expiresAt };
  return pricing;
}

function refineProposal(seller: AdcpRuntime, item: Extract<Refinement, { scope: "proposal" }>, into: Refined): void {
  const { proposal_id: id, action = "include", ask = "" } = item;
  const said = (status: Outcome, notes: string) =>
    into.applied.push({ scope: "proposal", proposal_id: id, status, notes });
  const known = knownProposal(seller, id);
  if (action === "omit") return void said("applied", "Left out.");
  const products = planOf(seller, known).shares.flatMap((share) => seller.product(share.product) ?? []);
  const asked = askedOff(ask, products[0] && seller.options(products[0])[0]?.fixed);
  const given = Math.min(asked, ...products.map((product) => product.gives));
  // What was made firm is not changed behind the buyer's back: an ask about it opens another draft.
  const draft: StoredProposal = { ...known, status: "draft", firm: {}, off: Math.max(given, known.off) };
  const other = known.status === "committed" ? nextId(seller, known.planId, seller.books.proposals) : id;
  const refined = { ...draft, id: other, ioId: `io_${other}` };
  seller.books.proposals[other] = refined;
  into.proposals.set(other, refined);
  // The prices that the shares name come with the answer.
  for (const product of products) {
    const options = seller.options(product).map((option) => offered(seller, product, option, refined.off));
    into.products.set(product.id, options);
  }
  said(
    ask === "" ? "applied" : outcome(asked, given),
    given === 0 ? "Our price stands." : `${Math.round(given * 1_000) / 10}% less.`,
  );
}

function finalize(call: AdcpCall<"get_products">, id: string): Json {
  const { seller, args } = call;
  const known = knownProposal(seller, id);
  if (seller.is("finalize-by-hand") && known.status !== "committed") {
    const { context, push_notification_config: webhook } = args;
    const step = "Our desk checks the avails.";
    return openTask(seller, "get_products", "", step, { kind: "finalize", proposalId: id }, { context, webhook });
  }
  return finalized(seller, known, args.filters);
}

/** The answer once a proposal has been made firm. */
export function finalized(
  seller: AdcpRuntime,
  known: StoredProposal,
  dates: Parameters<typeof proposalOnWire>[2] = {},
): Json {
  const proposal = known.status === "committed" ? known : commitProposal(seller, known);
  const products = planOf(seller, proposal).shares.map((share) => {
    const { product, pricing } = sharePricing(seller, proposal, share);
    return productOnWire(seller, product, [pricing]);
  });
  return {
    products,
    proposals: [proposalOnWire(seller, proposal, dates)],
    refinement_applied: [
      { scope: "proposal", proposal_id: proposal.id, status: "applied", notes: "Firm until it expires." },
    ],
  };
}

/** Answers the asks, in their order. `finalize` stands alone. */
export function refine(call: AdcpCall<"get_products">, asks: readonly Refinement[]): Json {
  const { seller, args } = call;
  const finals = asks.flatMap((item) =>
    item.scope === "proposal" && item.action === "finalize" ? [item.proposal_id] : [],
  );
  const [first] = finals;
  if (finals.length > 1)
    throw refusal("MULTI_FINALIZE_UNSUPPORTED", "One proposal at a time.", "correctable", { field: "refine" });
  if (first !== undefined && asks.length > 1) {
    throw refusal("INVALID_REQUEST", "Finalize stands alone.", "correctable", { field: "refine" });
  }
  if (first !== undefined) return finalize(call, first);
  const into: Refined = { products: new Map(), proposals: new Map(), applied: [] };
  const onlyRequest = asks.every((item) => item.scope === "request" || ("action" in item && item.action === "omit"));
  if (onlyRequest)
    for (const product of seller.profile.products) into.products.set(product.id, seller.options(product));
  for (const item of asks) {
    if (item.scope === "product") refineProduct(seller, item, into);
    else if (item.scope === "proposal") refineProposal(seller, item, into);
    // A friendly word that changes no price: only the prices tell what was given.
    else into.applied.push({ scope: "request", status: "applied", notes: "Taken into account." });
  }
  const products = [...into.products].flatMap(([id, options]) => {
    const product = seller.product(id);
    return product && passes(product, args.filters) ? [productOnWire(seller, product, options)] : [];
  });
  const proposals = [...into.proposals.values()].map((proposal) => proposalOnWire(seller, proposal, args.filters));
  return { products, ...(proposals.length > 0 ? { proposals } : {}), refinement_applied: into.applied };
}
