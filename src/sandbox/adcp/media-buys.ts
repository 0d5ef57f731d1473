import { activeAccount } from "./accounts.ts";
import type { PackageRequest } from "./arguments.ts";
import { misbooked } from "./booking-faults.ts";
import { bookedOnWire } from "./buy-wire.ts";
import type { AdcpCall } from "./call.ts";
import { bookable, type Frame, startOf } from "./package-terms.ts";
import { nextId } from "./page.ts";
import { knownProposal, planOf, sharePricing } from "./proposals.ts";
import { refusal } from "./refusal.ts";
import { type AdcpRuntime, cents, isoTime } from "./runtime.ts";
import type { Json, StoredBuy, StoredProposal } from "./state.ts";
import { openTask } from "./tasks.ts";

type Args = AdcpCall<"create_media_buy">["args"];

const reviewMs = 4 * 3_600_000;

function firmProposal(seller: AdcpRuntime, args: Args, id: string): StoredProposal {
  const field = "proposal_id";
  const proposal = knownProposal(seller, id);
  if (proposal.status !== "committed") {
    throw refusal("PROPOSAL_NOT_COMMITTED", "Finalize this proposal first.", "correctable", { field });
  }
  if (seller.now() >= proposal.expiresAt) {
    throw refusal("PROPOSAL_EXPIRED", "The proposal has expired.", "correctable", { field });
  }
  if (!planOf(seller, proposal).signature) return proposal;
  if (args.io_acceptance?.io_id === proposal.ioId) return proposal;
  const details = { io_id: proposal.ioId, signing_url: `${seller.url}/desk/${proposal.ioId}` };
  throw refusal("IO_REQUIRED", "The insertion order must be accepted.", "correctable", {
    field: "io_acceptance",
    details,
  });
}

function packagesOf(seller: AdcpRuntime, args: Args): readonly PackageRequest[] {
  const { packages, proposal_id: id, total_budget: total } = args;
  if ((packages === undefined) === (id === undefined)) {
    throw refusal("INVALID_REQUEST", "Either packages or a proposal.", "correctable", { field: "packages" });
  }
  if (packages) return packages;
  const proposal = firmProposal(seller, args, id ?? "");
  const plan = planOf(seller, proposal);
  const { min } = plan.budget;
  if (!total) throw refusal("INVALID_REQUEST", "A budget is missing.", "correctable", { field: "total_budget" });
  if (total.currency !== "USD") {
    throw refusal("INVALID_REQUEST", "This proposal is in USD.", "correctable", { field: "total_budget.currency" });
  }
  if (total.amount < min) {
    throw refusal("BUDGET_TOO_LOW", `This proposal starts at ${min} USD.`, "correctable", {
      field: "total_budget.amount",
    });
  }
  return plan.shares.map((share) => ({
    product_id: share.product,
    pricing_option_id: sharePricing(seller, proposal, share).pricing.id,
    budget: cents((total.amount * share.percent) / 100),
  }));
}

function drafted(seller: AdcpRuntime, args: Args, accountId: string): StoredBuy {
  const id = nextId(seller, "mb", seller.books.buys);
  const startAt = startOf(seller, args.start_time, "start_time");
  const endAt = Date.parse(args.end_time);
  if (endAt <= startAt)
    throw refusal("INVALID_REQUEST", "The end is not after the start.", "correctable", { field: "end_time" });
  const frame: Frame = { buyId: id, accountId, startAt, endAt };
  const packages = packagesOf(seller, args).map((asked, index) =>
    bookable(seller, frame, asked, `${id}_p${index + 1}`, `packages[${index}]`),
  );
  const [currency = "USD", ...others] = new Set(packages.map((pack) => pack.pricing.currency));
  if (others.length > 0)
    throw refusal("INVALID_REQUEST", "One currency in a buy.", "correctable", { field: "packages" });
  const now = seller.now();
  return {
    id,
    accountId,
    guaranteed: packages.some((pack) => seller.product(pack.productId)?.delivery === "guaranteed"),
    standing: "open",
    reason: null,
    paused: args.paused ?? false,
    confirmedAt: now,
    revision: 1,
    currency,
    startAt,
    endAt,
    createdAt: now,
    updatedAt: now,
    canceledAt: null,
    context: args.context ?? null,
    packages,
    aheadMs: 0,
    countedTo: now,
  };
}

/** Writes a buy into the books; under a fresh id where another took its own in the meantime. */
export function writeBuy(seller: AdcpRuntime, buy: StoredBuy): StoredBuy {
  const taken = seller.books.buys[buy.id] !== undefined;
  const id = taken ? nextId(seller, "mb", seller.books.buys) : buy.id;
  const packages = buy.packages.map((pack) => ({ ...pack, id: pack.id.replace(buy.id, id) }));
  const written = { ...buy, id, packages };
  seller.books.buys[id] = written;
  return written;
}

/**
 * create_media_buy: AdCP 3.1. Auctions and firm proposals are booked at once; a guaranteed product waits for a
 * signature at the seller's desk as a task, and until then there is no media buy. The modes give the other shapes.
 */
export async function createMediaBuy({ seller, args, faults }: AdcpCall<"create_media_buy">): Promise<Json> {
  const account = activeAccount(seller, args.account);
  const wished = drafted(seller, args, account.id);
  await seller.gap();
  if (seller.is("input-required")) {
    const message = "Buys of this size need your approval first.";
    return { status: "input-required", reason: "APPROVAL_REQUIRED", message };
  }
  const buy = misbooked(seller, wished, faults);
  if (seller.is("legacy")) {
    const pending = writeBuy(seller, { ...buy, standing: "pending_approval", confirmedAt: null });
    return {
      media_buy_id: pending.id,
      status: "pending_approval",
      estimated_completion: isoTime(seller.now() + reviewMs),
      packages: pending.packages.map(({ id, productId, budget }) => ({
        package_id: id,
        product_id: productId,
        budget,
      })),
    };
  }
  if (seller.is("provisional")) return bookedOnWire(seller, writeBuy(seller, { ...buy, confirmedAt: null }));
  if (buy.guaranteed && args.proposal_id === undefined) {
    const step = `The insertion order waits for a signature at our desk. In this sandbox you sign for us: ${seller.url}/desk`;
    const { context, push_notification_config: webhook } = args;
    return openTask(seller, "create_media_buy", account.id, step, { kind: "book", buy }, { context, webhook });
  }
  return bookedOnWire(seller, writeBuy(seller, buy));
}
