import type { Channel, Product, SellerProposal } from "../domain/inventory.ts";
import { productOf, proposalOf } from "./adcp-products.ts";
import { namesNoCapabilities, type Session } from "./adcp-session.ts";
import type { Access, CatalogueAnswer, CatalogueQuery } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { productShape, productsAnswer, type WireProduct, type WireProposal } from "./wire/adcp.ts";

/** Products and bundles as one answer gave them; the wire forms are kept for what only a purchase needs. */
export interface Offered {
  readonly products: ReadonlyMap<string, { readonly wire: WireProduct; readonly product: Product }>;
  readonly proposals: ReadonlyMap<string, { readonly wire: WireProposal; readonly proposal: SellerProposal }>;
  readonly unreadable: number;
  /** Our sentences on what is missing, and why. */
  readonly notes: readonly string[];
  /** What the seller says it did with each wish, in the order of the wishes; empty where it does not say. */
  readonly applied: readonly { readonly status: string | null; readonly notes: string | null }[];
  /** What the seller says while its people look at the wish, instead of an offer; null where it answered. Not cleaned. */
  readonly waits: string | null;
}

/** `get_products` of one seller (AdCP 3.0 and 3.1): by brief, wholesale, or refined. */
export interface Catalogue {
  list(query: CatalogueQuery, access: Access): Promise<CatalogueAnswer>;
  /** @param more account, brand, filters and the like; `refine` makes it a refinement */
  offered(brief: string | null, more: Readonly<Record<string, unknown>>, access: Access): Promise<Offered>;
}

/** Pages beyond which a seller is not believed to come to an end. */
const MOST_PAGES = 20;
const PAGE = 100;
/** What a seller may take over a brief, below our own limit for a page. */
const TIME_BUDGET = { interval: 12, unit: "seconds" };

/** The catalogue behind a session. */
export function createCatalogue(session: Session): Catalogue {
  const { sellerId } = session;

  async function mode(brief: string | null, more: Readonly<Record<string, unknown>>, access: Access) {
    if ("refine" in more) return { buying_mode: "refine" };
    const modes: readonly string[] = await session.capabilities(access).then(
      ({ said }) => said.media_buy?.buying_modes ?? [],
      (error: unknown): readonly string[] => {
        if (namesNoCapabilities(error)) return [];
        throw error;
      },
    );
    if (brief === null && (modes.length === 0 || modes.includes("wholesale"))) return { buying_mode: "wholesale" };
    return { buying_mode: "brief", brief: brief ?? "Everything that is for sale", time_budget: TIME_BUDGET };
  }

  async function offered(
    brief: string | null,
    more: Readonly<Record<string, unknown>>,
    access: Access,
  ): Promise<Offered> {
    const shared = { ...(await mode(brief, more, access)), ...more };
    const products = new Map<string, { wire: WireProduct; product: Product }>();
    const proposals = new Map<string, { wire: WireProposal; proposal: SellerProposal }>();
    const notes: string[] = [];
    let applied: Offered["applied"] = [];
    let waits: string | null = null;
    let unreadable = 0;
    let cursor: string | null = null;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const pagination: Readonly<Record<string, unknown>> = {
        max_results: PAGE,
        ...(cursor === null ? {} : { cursor }),
      };
      const args = "refine" in more ? shared : { ...shared, pagination };
      const answer = await session.read("its products", "get_products", args, productsAnswer, access);
      for (const entry of answer.products ?? answer.partial_results) {
        const wire = productShape.safeParse(entry);
        const product = wire.success ? productOf(sellerId, wire.data) : null;
        if (wire.success && product) products.set(product.productId, { wire: wire.data, product });
        else unreadable += 1;
      }
      if (answer.status === "submitted" && answer.products === undefined) waits = answer.message ?? "";
      else if (answer.products === undefined) notes.push("it asks back before it offers anything");
      for (const wire of answer.proposals) {
        const proposal = proposalOf(sellerId, wire, null);
        if (proposal) proposals.set(proposal.proposalId, { wire, proposal });
      }
      for (const { description } of answer.incomplete) {
        notes.push(`part of it is missing (its words: “${sellerText(description, 120)}”)`);
      }
      applied = answer.refinement_applied;
      const next = answer.pagination?.has_more === true ? answer.pagination.cursor : null;
      // A seller that gives the same page for ever ends here.
      if (next === null || next === cursor || "refine" in more) break;
      cursor = next;
    }
    return { products, proposals, unreadable, notes, applied, waits };
  }

  return {
    offered,
    async list({ brief, limit }, access) {
      const found = await offered(brief, {}, access);
      const products = [...found.products.values()].map(({ product }) => product).slice(0, limit);
      const proposals = [...found.proposals.values()].map(({ proposal }) => proposal);
      return { products, unreadable: found.unreadable, notes: found.notes, proposals };
    },
  };
}

/** The channels a catalogue's products run on. */
export function channelsIn(products: readonly Product[]): readonly Channel[] {
  return [...new Set(products.flatMap(({ channel }) => channel ?? []))];
}
