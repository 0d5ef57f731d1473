import * as z from "zod";
import type { LoadedLine } from "../buying/lines.ts";
import type { Desk } from "../desk.ts";
import type { ChangeAsk } from "../domain/change.ts";
import { BuyingError } from "../domain/errors.ts";
import { localPrincipal, whyMayNotCancel } from "../domain/principal.ts";
import { buyRow, buysText, reportBuy } from "./buy-report.ts";
import { Question, type State, type ToolCall } from "./call.ts";
import { BOOKING_WAIT_MS, settle } from "./create-media-buy.ts";
import { amount, fields } from "./fields.ts";
import { type Answer, answer, defineTool, everyAnswer } from "./tool.ts";

const money = z.string().max(40);
const input = z.strictObject({
  media_buy_id: z.string().max(400).describe("media_buy_id or seller/deal_id"),
  action: z.enum(["cancel", "pause", "resume", "change"]),
  packages: z
    .array(
      z.strictObject({
        package: z.string().max(400).describe("package_id or product"),
        budget: money.describe("New, in whole").optional(),
        max_bid: money.optional(),
        impressions: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().describe("New volume"),
        daily_cap: money.optional(),
      }),
    )
    .max(50)
    .optional(),
  start: z.string().max(10).optional(),
  end: fields.day.optional(),
});
type Input = z.output<typeof input>;

export const updateMediaBuy = defineTool({
  name: "update_media_buy",
  title: "Change a media buy",
  effect: "spend",
  shownBy: "model and card",
  description:
    "Cancel, pause, resume, or change budgets, bids, volume and dates; read back. Anything above what was approved, or a shift between packages, asks the person anew. Safe to repeat.",
  input,
  output: z.looseObject({
    ...everyAnswer,
    media_buy: z.looseObject({ media_buy_id: z.string(), status: z.string(), total: z.string() }),
  }),
}).run(async (given, desk, call) => {
  const named = await desk.buyById(given.media_buy_id);
  const { changes } = named.line.quote;
  const buy = changes ? await desk.line(changes.buy) : named;
  const unentitled = whyMayNotCancel(call.principal, buy.line.booking?.holding.proposer ?? localPrincipal.name);
  if (unentitled) {
    const what = given.action === "cancel" ? "cancelled" : "changed";
    const message = `This is not ${what}: ${unentitled}. Nothing was changed.`;
    throw new BuyingError("outside_mandate", message, "ask_person", { nothingBooked: false });
  }
  if (given.action === "cancel") return cancel(buy, desk, call);
  const asked = await askedAbout(buy, desk, call);
  if (asked) return withBuy(await settle(desk, call, asked.approvalId, [asked.ref]), buy.ref, desk);
  const outcome = await desk.change(buy.ref, askOf(given, buy), call.principal.name, BOOKING_WAIT_MS);
  if (outcome.ref === null) {
    const said = `${buy.ref} is already as it was asked for; nothing was sent.`;
    return answer(desk, { media_buy: buyRow(buy) }, ["get_media_buys {}"], said, buysText([buy]));
  }
  if (outcome.approvalId !== null)
    return withBuy(await settle(desk, call, outcome.approvalId, [outcome.ref]), buy.ref, desk);
  const under = "It is within what was approved, so no new approval was needed.";
  return withBuy(await reportBuy(desk, [outcome.ref], null, under), buy.ref, desk);
});

async function cancel(buy: LoadedLine, desk: Desk, call: ToolCall) {
  const after = await desk.cancel(buy.ref, call.principal.name);
  if (after.line.status === "cancel_unknown") {
    const message = `Whether ${after.ref} was cancelled is not known: ${after.line.cancelWhy ?? "the answer was lost"}. Its money stays held; ask again to find out.`;
    throw new BuyingError("booking_unknown", message, "retry_later", { nothingBooked: false });
  }
  return answer(
    desk,
    { media_buy: buyRow(after) },
    ["get_media_buys {}"],
    `${after.ref} is ${after.line.status}.`,
    buysText([after]),
  );
}

type Reported = Awaited<ReturnType<typeof reportBuy>>;

/** The report on the change, with the buy as it stands after it. */
async function withBuy(given: Reported | Question, ref: string, desk: Desk) {
  if (given instanceof Question) return given;
  const buy = await desk.line(ref);
  const data = { ...given.data, media_buy: buyRow(buy) };
  const said: Answer<typeof data> = { ...given, data, text: `${given.text}\n\nThe buy now:\n${buysText([buy])}` };
  return said;
}

/** The approval this call, made again with a person's answer, was asked about: of a change of this very buy. */
async function askedAbout(buy: LoadedLine, desk: Desk, call: ToolCall) {
  const { mcpReq } = call.mcp;
  const state = mcpReq.inputResponses === undefined ? undefined : mcpReq.requestState<State>();
  if (!state) return null;
  const { lines, approvalId } = await desk.approval(state.approvalId);
  const [only] = lines;
  return only && lines.length === 1 && only.terms.changes?.media_buy === buy.ref ? { approvalId, ref: only.ref } : null;
}

function askOf(given: Input, buy: LoadedLine): ChangeAsk {
  const { action, packages = [], start = null, end = null } = given;
  if (action === "cancel") throw new RangeError("a cancellation is no change");
  const refuse = (message: string, field: string) =>
    new BuyingError("invalid_arguments", `${message} Nothing was changed.`, "fix_arguments", { field });
  if (action !== "change" && (packages.length > 0 || start !== null || end !== null))
    throw refuse(`${action} takes neither packages nor dates.`, "packages");
  if (action === "change" && packages.length === 0 && start === null && end === null)
    throw refuse("Say what is to change: packages, start or end.", "packages");
  return {
    action,
    start,
    end,
    packages: packages.map((one, at) => {
      const field = `packages[${at}]`;
      if (one.daily_cap !== undefined) {
        const message = `${buy.line.quote.sellerId} takes no cap a day: its protocol has no field for one. A lower budget or bid, or a pause, holds it, and needs no approval. Nothing was changed.`;
        throw new BuyingError("unsupported_by_seller", message, "choose_another", { field: `${field}.daily_cap` });
      }
      const packageId = packageOf(buy, one.package, field);
      const { impressions = null } = one;
      if (one.budget === undefined && one.max_bid === undefined && impressions === null)
        throw refuse(`${one.package} needs a budget, a max_bid or, bought by volume, impressions.`, field);
      const bid = amount(one.max_bid, `${field}.max_bid`);
      return { packageId, budget: amount(one.budget, `${field}.budget`), bid, impressions };
    }),
  };
}

function packageOf({ ref, line }: LoadedLine, name: string, field: string): string {
  const packages = line.deal?.packages ?? [];
  const { sellerId } = line.quote;
  const found = packages.filter(
    ({ packageId, productId }) => packageId === name || productId === name || `${sellerId}/${productId}` === name,
  );
  const [only] = found;
  if (only && found.length === 1) return only.packageId;
  // A buy by volume is one package, its deal. Whether it can be changed at all is its seller's to say.
  if (packages.length === 0) {
    const { ref: product, id } = line.quote.product;
    return line.deal && [id, product, ref].includes(name) ? line.deal.dealId : name;
  }
  const candidates = packages.map(({ packageId }) => packageId);
  const message = `${ref} has ${found.length > 1 ? "several packages" : "no package"} ${JSON.stringify(name.slice(0, 60))}; it has ${candidates.join(", ")}. Nothing was changed.`;
  throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: `${field}.package`, candidates });
}
