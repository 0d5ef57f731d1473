import * as z from "zod";
import { BuyingError } from "../domain/errors.ts";
import { localPrincipal, whyMayNotCancel } from "../domain/principal.ts";
import { buyRow, buysText } from "./buy-report.ts";
import { answer, defineTool, everyAnswer } from "./tool.ts";

export const updateMediaBuy = defineTool({
  name: "update_media_buy",
  title: "Change a media buy",
  effect: "spend",
  description:
    "Cancel a booked deal, verified by reading it back. Says so where a seller cannot. Never raises spend. Safe to repeat.",
  input: z.strictObject({
    media_buy_id: z.string().max(400).describe("media_buy_id or seller/deal_id"),
    action: z.enum(["cancel"]),
  }),
  output: z.looseObject({
    ...everyAnswer,
    media_buy: z.looseObject({ media_buy_id: z.string(), status: z.string(), total: z.string() }),
  }),
}).run(async (input, desk, call) => {
  const { line } = await desk.buyById(input.media_buy_id);
  const unentitled = whyMayNotCancel(call.principal, line.booking?.holding.proposer ?? localPrincipal.name);
  if (unentitled) {
    const message = `This is not cancelled: ${unentitled}. Nothing was changed.`;
    throw new BuyingError("outside_mandate", message, "ask_person", { nothingBooked: false });
  }
  const after = await desk.cancel(input.media_buy_id, call.principal.name);
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
});
