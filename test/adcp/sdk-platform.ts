import {
  type Account,
  AdcpError,
  type DecisioningPlatform,
  refAccountId,
  type SalesCorePlatform,
  type SalesIngestionPlatform,
  type SyncAccountsResultRow,
} from "@adcp/sdk/server";
import { type Books, validated } from "./sdk-books.ts";
import { type Channels, formatsOf, offers, productsOf } from "./sdk-catalogue.ts";

type Meta = Record<string, never>;

interface PlatformOptions {
  readonly origin: string;
  readonly publisherDomain: string;
  readonly channels?: Channels | undefined;
}

/** The accounts of a seller whose people may have to let a buyer in first. */
function accountsOf(books: Books, origin: string): DecisioningPlatform<Meta, Meta>["accounts"] {
  const setupOf = (id: string) => ({
    url: `https://desk.thirdparty.example/accounts/${id}`,
    message: "Sign the credit application to open this account",
    expires_at: new Date(Date.now() + 7 * 86_400_000).toISOString(),
  });
  const wire = (known: NonNullable<ReturnType<Books["account"]>>): Account<Meta> => ({
    id: known.id,
    name: known.brand,
    status: known.status,
    brand: { domain: known.brand },
    operator: known.operator,
    payment_terms: known.paymentTerms,
    account_scope: "operator_brand",
    ...(known.status === "pending_approval" ? { setup: setupOf(known.id) } : {}),
    ctx_metadata: {},
  });
  return {
    async resolve(ref) {
      // Without an account anybody may look at the shop window; nothing else of this seller needs no account.
      if (!ref) return { id: "guest", name: `guest of ${origin}`, status: "active", ctx_metadata: {} };
      const known = books.account(
        "account_id" in ref ? { id: refAccountId(ref) ?? "" } : { ...ref, brand: ref.brand.domain },
      );
      return known ? wire(known) : null;
    },
    async upsert(refs) {
      return refs.map((ref): SyncAccountsResultRow => {
        if ("account_id" in ref)
          throw new AdcpError("INVALID_REQUEST", { message: "An account is opened by brand and operator" });
        const asked = { brand: ref.brand.domain, operator: ref.operator };
        const before = books.account(asked);
        const { id, name, status, payment_terms, account_scope, setup } = wire(before ?? books.openAccount(asked));
        return {
          ...{ account_id: id, name, status, brand: ref.brand, operator: ref.operator, billing: "operator" },
          ...{ action: before ? "unchanged" : "created" },
          ...(payment_terms ? { payment_terms } : {}),
          ...(account_scope ? { account_scope } : {}),
          ...(setup ? { setup } : {}),
        };
      });
    },
    async list() {
      return { items: books.accounts().map(wire), has_more: false };
    },
  };
}

function salesOf(
  books: Books,
  { origin, publisherDomain, channels }: PlatformOptions,
): SalesCorePlatform<Meta> & SalesIngestionPlatform<Meta> {
  return {
    async getProducts({ filters }) {
      const wanted = filters?.delivery_type;
      const products = productsOf(origin, publisherDomain, channels);
      return { products: wanted ? products.filter(({ delivery_type }) => delivery_type === wanted) : products };
    },

    async listCreativeFormats() {
      return { formats: formatsOf(origin) };
    },

    async createMediaBuy(request, ctx) {
      if (ctx.account.status !== "active")
        throw new AdcpError("ACCOUNT_SETUP_REQUIRED", {
          message: "This account is not open yet",
          details: { ...(ctx.account.setup ? { setup: ctx.account.setup } : {}) },
        });
      const packages = validated(request.packages ?? []);
      const needsSignature = packages.some(({ product_id }) => "fixed" in (offers[product_id]?.price ?? {}));
      if (!needsSignature) {
        const buy = books.book(ctx.account.id, request, packages);
        return books.receipt(buy);
      }
      const io = books.awaitSignature();
      const handed = ctx.handoffToTask(async (task) => {
        io.taskId(task.id);
        await io.signed;
        return books.receipt(books.book(ctx.account.id, request, packages));
      });
      return handed;
    },

    async updateMediaBuy(id, patch, ctx) {
      const { buy, touched } = books.update(id, ctx.account.id, patch);
      const { media_buy_id, status, revision, valid_actions } = books.receipt(buy);
      return {
        media_buy_id,
        ...(status ? { status } : {}),
        ...(revision ? { revision } : {}),
        ...(valid_actions ? { valid_actions } : {}),
        affected_packages: touched,
      };
    },

    async getMediaBuys({ media_buy_ids, include_snapshot }, ctx) {
      return { media_buys: books.listed(ctx.account.id, media_buy_ids, include_snapshot === true) };
    },

    async getMediaBuyDelivery({ media_buy_ids, start_date, end_date }, ctx) {
      return books.delivery(ctx.account.id, media_buy_ids, start_date, end_date);
    },

    async syncCreatives(creatives) {
      return creatives.map(({ creative_id, format_id }) => {
        if (!formatsOf(origin).some((known) => known.format_id.id === format_id.id))
          return {
            creative_id,
            action: "failed" as const,
            errors: [{ code: "CREATIVE_REJECTED", message: `There is no format ${format_id.id} here` }],
          };
        return { creative_id, action: books.keepCreative(creative_id), status: "approved" as const };
      });
    },
  };
}

/** The seller's business, for `createAdcpServerFromPlatform`: guaranteed buys wait for a signature, auctions book at once. */
export function platformOf(books: Books, options: PlatformOptions) {
  return {
    capabilities: {
      specialisms: ["sales-guaranteed", "sales-non-guaranteed"] as const,
      channels: ["olv", "ctv", "display"] as const,
      pricingModels: ["cpm"] as const,
      supportedBillings: ["operator"] as const,
      requireOperatorAuth: false,
      config: {},
    },
    accounts: accountsOf(books, options.origin),
    sales: salesOf(books, options),
  } satisfies DecisioningPlatform<Meta, Meta>;
}
