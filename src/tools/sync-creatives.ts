import * as z from "zod";
import { BuyingError } from "../domain/errors.ts";
import { localPrincipal, whyMayNotCancel } from "../domain/principal.ts";
import { oneLine } from "./fields.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer, heardFrom } from "./tool.ts";

const id = z.string().max(200);
const key = z.string();
/** Bounded, so that its schema has a branch for each type: a list of types is not read by every host. */
const assetValue = z.union([z.string().max(100_000), z.number(), z.boolean()]);

export const syncCreatives = defineTool({
  name: "sync_creatives",
  title: "Hand over creatives",
  effect: "traffic",
  description:
    "Put creatives into a seller's library and on packages. Each has its own outcome; repeat to see its review. Spends nothing.",
  input: z.strictObject({
    seller: id.optional(),
    media_buy_id: z.string().max(400).optional().describe("Needed for assignments"),
    creatives: z
      .array(
        z.strictObject({
          creative_id: id.describe("Yours; the same id replaces"),
          name: oneLine(200),
          format: id,
          assets: z.record(key, z.record(key, assetValue)).describe('{"video": {"asset_type": "video", "url": …}}'),
        }),
      )
      .min(1)
      .max(100),
    assignments: z
      .array(z.strictObject({ creative_id: id, package: z.string().max(400).describe("package_id or product") }))
      .max(500)
      .optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    creatives: z.array(z.looseObject({ creative_id: z.string(), action: z.string() })),
  }),
}).run(async (input, desk, call) => {
  if ((input.seller === undefined) === (input.media_buy_id === undefined)) {
    const message = "Give the media_buy_id, or a seller, not both. Nothing was sent.";
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "media_buy_id" });
  }
  if (input.media_buy_id !== undefined) {
    const { line } = await desk.buyById(input.media_buy_id);
    const unentitled = whyMayNotCancel(call.principal, line.booking?.holding.proposer ?? localPrincipal.name);
    if (unentitled) {
      throw new BuyingError("outside_mandate", `Nothing was sent: ${unentitled}.`, "ask_person", {});
    }
  }
  const done = await desk.syncCreatives({
    sellerId: input.seller ?? null,
    buyId: input.media_buy_id ?? null,
    creatives: input.creatives.map(({ creative_id: creativeId, ...rest }) => ({ creativeId, ...rest })),
    assignments: (input.assignments ?? []).map((one) => ({ creativeId: one.creative_id, package: one.package })),
    by: call.principal.name,
  });
  const creatives = done.results.map((one) => ({
    creative_id: one.creativeId,
    action: one.action,
    status: one.status,
    seller_said: one.sellerSaid,
    assigned_to: one.assignedTo,
    not_assigned: one.notAssigned.map(({ packageId, sellerSaid }) => ({
      package_id: packageId,
      seller_said: sellerSaid,
    })),
  }));
  const failed = creatives.filter(({ action }) => action === "failed").length;
  const rows = creatives.map((one) => [one.creative_id, one.action, one.status, one.assigned_to.join(", ")]);
  const words = creatives.flatMap((one) => [
    ...one.seller_said.map((said) => `${one.creative_id}: the seller said (its words): "${said}"`),
    ...one.not_assigned.map(
      ({ package_id, seller_said: said }) =>
        `${one.creative_id}: not assigned to ${package_id}; the seller said (its words): "${said}"`,
    ),
    ...(one.action === "not_said" ? [`${one.creative_id}: the seller said nothing of it; ask again`] : []),
  ]);
  const waits = creatives.some(({ status }) => status === "pending_review" || status === "processing");
  return heardFrom(
    answer(
      desk,
      { seller_id: done.sellerId, media_buy_id: done.ref, task_id: done.taskId, creatives },
      [...(waits || done.results.length === 0 ? ["sync_creatives with the same arguments"] : []), "get_media_buys {}"],
      done.results.length === 0
        ? `${done.sellerId} has queued them (task ${done.taskId}); nothing is known of them yet.`
        : `${creatives.length - failed} of ${creatives.length} creatives were taken by ${done.sellerId}.`,
      table(["creative_id", "action", "review", "assigned to"], rows),
      words.join("\n"),
      waits && "Some are under review: they do not run before the seller approves them.",
    ),
    [`${done.sellerId} ${failed > 0 ? `${failed} failed` : "ok"}`],
  );
});
