import * as z from "zod";
import { naive } from "./negotiation.ts";
import { storedOrder } from "./routes-orders.ts";
import { type Call, mintCapitalId, type Route } from "./runtime.ts";
import { optional, parseBody } from "./validate.ts";
import { type Answer, answer, coded, crashed } from "./wire.ts";

/** Change requests: IAB seller agent 2.4.2. They change nothing: a "cancellation" cancels neither order nor deal. */

const changeTypes = ["flight_dates", "impressions", "pricing", "creative", "targeting", "cancellation", "other"];

const minorShiftMs = 3 * 86_400_000;

const changeRequest = z.object({
  order_id: z.string(),
  change_type: z.string(),
  diffs: z
    .array(
      z.object({
        field: z.string(),
        old_value: z.unknown().optional(),
        new_value: z.unknown().optional(),
      }),
    )
    .default([]),
  proposed_values: optional(z.record(z.string(), z.unknown())),
  reason: z.string().default(""),
  requested_by: z.string().default("system"),
});

type Change = z.output<typeof changeRequest>;

function severityOf(change: Change): "minor" | "material" | "critical" {
  if (change.change_type === "pricing" || change.change_type === "cancellation") return "critical";
  if (change.change_type === "creative") return "minor";
  if (change.change_type !== "flight_dates") return "material";
  const small = change.diffs.some(({ old_value, new_value }) => {
    const shift = Math.abs(Date.parse(String(old_value)) - Date.parse(String(new_value)));
    return shift <= minorShiftMs;
  });
  return small ? "minor" : "material";
}

function isBlocked(status: string, changeType: string): boolean {
  if (["completed", "cancelled", "failed"].includes(status)) return true;
  return changeType === "cancellation" && ["rejected", "syncing", "unbooked"].includes(status);
}

function postChange(call: Call): Answer {
  const { seller } = call;
  call.caller();
  const change = parseBody(changeRequest, call.body);
  if (!changeTypes.includes(change.change_type)) {
    const message = `Unknown change type '${change.change_type}'.`;
    throw coded(400, "invalid_change_type", message, { valid_types: changeTypes });
  }
  const order = storedOrder(seller, change.order_id);
  // The real seller's model wants a deal id here and fails without one.
  if (order.deal_id === null) throw crashed();
  const id = mintCapitalId("CR-", 12);
  if (isBlocked(order.status, change.change_type)) {
    throw coded(422, "validation_failed", "", {
      message: undefined,
      change_request_id: id,
      validation_errors: [`Cannot modify order in '${order.status}' status.`],
    });
  }
  const severity = severityOf(change);
  const at = naive(seller.now());
  const isMinor = severity === "minor";
  const stored = {
    change_request_id: id,
    order_id: order.order_id,
    deal_id: order.deal_id,
    status: isMinor ? "approved" : "pending_approval",
    change_type: change.change_type,
    severity,
    requested_by: change.requested_by,
    requested_at: at,
    reason: change.reason,
    diffs: change.diffs,
    proposed_values: change.proposed_values ?? {},
    validation_errors: [],
    pricing_impact: null,
    availability_check: null,
    approved_by: isMinor ? "system:auto-approve" : "",
    approved_at: isMinor ? at : null,
    rejection_reason: "",
    applied_at: null,
    applied_by: "",
    rollback_snapshot: order,
  };
  seller.state.changes[id] = stored;
  seller.commit();
  return answer(stored);
}

/** Asking for a change and reading what was asked. */
export const changeRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v1/change-requests", operation: "order", handle: postChange },
  {
    method: "GET",
    path: "/api/v1/change-requests",
    operation: "order-read",
    handle: ({ seller, query }) => {
      const change_requests = Object.values(seller.state.changes).filter((change) =>
        ["order_id", "status"].every((key) => !query.has(key) || change[key] === query.get(key)),
      );
      return answer({ change_requests, count: change_requests.length });
    },
  },
  {
    method: "GET",
    path: "/api/v1/change-requests/{id}",
    operation: "order-read",
    handle: ({ seller, params }) => {
      const id = params["id"] ?? "";
      const change = seller.state.changes[id];
      if (!change) throw coded(404, "change_request_not_found", `Change request '${id}' not found.`);
      return answer(change);
    },
  },
];
