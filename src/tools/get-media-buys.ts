import * as z from "zod";
import { lineStatuses } from "../domain/media-buy.ts";
import type { Delivery } from "../domain/delivery.ts";
import { buyRow, buysText, refusalsText } from "./buy-report.ts";
import { fields } from "./fields.ts";
import { planAnswer } from "./plan-report.ts";
import { answer, defineTool, everyAnswer } from "./tool.ts";

export const getMediaBuys = defineTool({
  name: "get_media_buys",
  title: "List media buys",
  effect: "read",
  description:
    "Media buys with deal IDs, activation steps and state as last seen. refresh looks at the seller for open outcomes; delivery adds what the seller reports of it. plan shows the media plan instead: money by line and week, exact.",
  input: z.strictObject({
    ids: z
      .array(z.string().max(400))
      .max(20)
      .optional()
      .describe("media_buy_id or seller/deal_id; for a plan quote_id or approval_id too"),
    campaign: fields.campaign.optional(),
    status: z.array(z.enum(lineStatuses)).max(13).optional(),
    refresh: z.boolean().optional(),
    delivery: z.boolean().optional(),
    plan: z.boolean().optional(),
    limit: z.number().int().min(1).max(50).optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    media_buys: z.array(z.looseObject({ media_buy_id: z.string(), status: z.string(), total: z.string() })),
  }),
}).run(async (input, desk) => {
  if (input.plan) return planAnswer(desk, { ids: input.ids ?? [], campaign: input.campaign ?? null });
  const load = () =>
    input.ids
      ? Promise.all(input.ids.map((id) => desk.buyById(id)))
      : desk.buys({
          ids: [],
          campaign: input.campaign ?? null,
          statuses: input.status ?? [],
          limit: input.limit ?? 20,
          before: null,
        });
  const first = await load();
  if (input.refresh)
    await desk.refresh(
      first
        .filter(({ line }) => ["sending", "booking_unknown", "awaiting_seller"].includes(line.status))
        .map(({ ref }) => ref),
    );
  const lines = input.refresh ? await load() : first;
  const delivery = new Map<string, Delivery | null>();
  if (input.delivery) await Promise.all(lines.map(async ({ ref }) => delivery.set(ref, await desk.delivery(ref))));
  const buys = lines.map((one) => {
    const seen = delivery.get(one.ref);
    return {
      ...buyRow(one),
      ...(seen
        ? {
            delivery: {
              served: seen.impressions,
              fill_rate_percent: seen.fillRatePercent,
              pacing: seen.pacing,
              as_of: seen.asOf,
              note: seen.note,
            },
          }
        : {}),
    };
  });
  const standing = buys.find(({ status }) => !["open", "awaiting_approval", "cancelled"].includes(status));
  const delivered = [...delivery].flatMap(([ref, seen]) => (seen ? [`${ref}: ${deliveryText(seen)}`] : []));
  return answer(
    desk,
    { media_buys: buys },
    buys.some(({ status }) => status === "awaiting_seller")
      ? ["get_media_buys {refresh: true}", "get_history {}"]
      : standing
        ? [`update_media_buy {media_buy_id: "${standing.media_buy_id}", action: "cancel"}`, "get_history {}"]
        : ["get_inbox {}"],
    buys.length === 0 ? "No media buy matches." : buysText(lines),
    refusalsText(lines),
    delivered.length > 0 && `Delivery:\n${delivered.join("\n")}`,
  );
});

function deliveryText(seen: Delivery): string {
  if (seen.note) return `not reported (${seen.note})`;
  const served = seen.impressions === null ? "not reported" : seen.impressions.toLocaleString("en-US");
  return `served ${served}, fill ${seen.fillRatePercent ?? "not reported"}, pacing ${seen.pacing ?? "not reported"}, as of ${seen.asOf ?? "not reported"}`;
}
