import * as z from "zod";
import { BuyingError } from "../domain/errors.ts";
import type { Row } from "../ledger/ledger.ts";
import { describeEntry } from "./describe-entry.ts";
import { fields } from "./fields.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer } from "./tool.ts";

export const getHistory = defineTool({
  name: "get_history",
  title: "What happened",
  effect: "read",
  description:
    "The events, oldest first: who asked, what a seller answered, who decided, what was sent and booked. Filter by campaign, flow, buy or deal.",
  input: z.strictObject({
    campaign: fields.campaign.optional(),
    flow_id: z.string().max(60).optional(),
    media_buy_id: z.string().max(400).optional(),
    deal_id: z.string().max(400).optional().describe("seller/deal_id"),
    kind: z.string().max(40).optional().describe("e.g. booking_confirmed"),
    since: z.string().max(40).optional().describe("UTC instant or day"),
    cursor: z.string().max(40).optional(),
    limit: z.number().int().min(1).max(200).optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    events: z.array(z.looseObject({ seq: z.number(), at: z.string(), kind: z.string(), what: z.string() })),
    next_cursor: z.string().optional(),
  }),
}).run(async (input, desk) => {
  const wanted = input.deal_id ?? input.media_buy_id;
  const buy = wanted ? (await desk.buyById(wanted)).ref : null;
  const found = await desk.history({
    campaign: input.campaign ?? null,
    flowId: input.flow_id ?? null,
    buy,
    kind: input.kind ?? null,
    since: instantOf(input.since),
    after: cursorOf(input.cursor),
    limit: input.limit ?? 50,
  });
  const events = found.rows.flatMap(eventsOf);
  const more = found.more ? `s${found.rows.at(-1)?.seq ?? 0}` : null;
  return answer(
    desk,
    { events, ...(more ? { next_cursor: more } : {}) },
    more ? [`get_history {cursor: "${more}"}`] : ["get_inbox {}"],
    events.length === 0
      ? "Nothing is recorded for that."
      : table(
          ["at (UTC)", "about", "what happened"],
          events.map((one) => [one.at.slice(0, 19), one.about, one.what]),
        ),
  );
});

function eventsOf(row: Row) {
  return row.entries
    .filter(({ kind }) => kind !== "balances" && kind !== "anchored")
    .map((entry) => ({
      seq: row.seq,
      at: row.at,
      kind: entry.kind,
      about: row.stream.slice(row.stream.indexOf("/") + 1),
      flow_id: row.flowId,
      what: describeEntry(entry),
    }));
}

function instantOf(since: string | undefined): string | null {
  if (since === undefined) return null;
  const ms = Date.parse(since);
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new BuyingError(
    "invalid_arguments",
    "since is not an instant like 2026-11-20 or 2026-11-20T09:00:00Z. Nothing was booked.",
    "fix_arguments",
    { field: "since" },
  );
}

function cursorOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const match = /^s(\d{1,15})$/.exec(cursor);
  if (match) return Number(match[1]);
  throw new BuyingError(
    "invalid_arguments",
    "That cursor is not one of this server's. Nothing was booked.",
    "fix_arguments",
    { field: "cursor" },
  );
}
