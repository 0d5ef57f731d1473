import { randomUUID } from "node:crypto";
import * as z from "zod";
import { requireOperator } from "./identity.ts";
import { naive } from "./negotiation.ts";
import { type Call, mintCapitalId, type Route, type SellerRuntime, zulu } from "./runtime.ts";
import type { OrderTransition, StoredOrder } from "./state.ts";
import { optional, parseBody } from "./validate.ts";
import { type Answer, answer, coded } from "./wire.ts";

/**
 * Orders: IAB seller agent 2.4.2. A note beside the deal that nothing checks; a buyer makes one and reads it, only
 * the seller's staff moves it along.
 */

const nextStatuses: Readonly<Record<string, readonly string[]>> = {
  draft: ["submitted", "cancelled"],
  submitted: ["pending_approval", "approved", "cancelled", "failed"],
  pending_approval: ["approved", "rejected", "cancelled"],
  approved: ["in_progress", "cancelled"],
  in_progress: ["syncing", "failed", "cancelled"],
  syncing: ["booked", "failed"],
  booked: ["completed", "unbooked"],
  rejected: ["draft"],
  failed: ["draft"],
  unbooked: ["draft"],
  completed: [],
  cancelled: [],
};

const orderRequest = z.object({
  deal_id: optional(z.string()),
  quote_id: optional(z.string()),
  metadata: optional(z.record(z.string(), z.unknown())),
});

const transitionRequest = z.object({
  to_status: z.string(),
  actor: z.string().default("system"),
  reason: z.string().default(""),
  metadata: optional(z.record(z.string(), z.unknown())),
});

/** The order of that id, or 404. */
export function storedOrder(seller: SellerRuntime, id: string): StoredOrder {
  const order = seller.state.orders[id];
  if (!order) throw coded(404, "order_not_found", `Order '${id}' not found.`);
  return order;
}

function postOrder(call: Call): Answer {
  const { seller } = call;
  call.caller();
  const request = parseBody(orderRequest, call.body);
  const id = mintCapitalId("ORD-", 12);
  const order: StoredOrder = {
    order_id: id,
    status: "draft",
    audit_log: { order_id: id, transitions: [] },
    deal_id: request.deal_id,
    quote_id: request.quote_id,
    created_at: zulu(seller.now()),
    metadata: request.metadata ?? {},
  };
  seller.state.orders[id] = order;
  seller.commit();
  return answer(order);
}

function postTransition(call: Call): Answer {
  const { seller, params } = call;
  requireOperator(call.caller());
  const request = parseBody(transitionRequest, call.body);
  const order = storedOrder(seller, params["id"] ?? "");
  if (!(request.to_status in nextStatuses)) {
    const extras = { valid_statuses: Object.keys(nextStatuses) };
    throw coded(400, "invalid_status", `Unknown status '${request.to_status}'.`, extras);
  }
  const allowed = nextStatuses[order.status] ?? [];
  if (!allowed.includes(request.to_status)) {
    const message = `Cannot go from '${order.status}' to '${request.to_status}'.`;
    const extras = { current_status: order.status, allowed_transitions: allowed };
    throw coded(409, "invalid_transition", message, extras);
  }
  const transition: OrderTransition = {
    transition_id: randomUUID(),
    from_status: order.status,
    to_status: request.to_status,
    timestamp: naive(seller.now()),
    actor: request.actor,
    reason: request.reason,
    metadata: request.metadata ?? {},
  };
  const transitions = [...order.audit_log.transitions, transition];
  const audit_log = { order_id: order.order_id, transitions };
  seller.state.orders[order.order_id] = { ...order, status: request.to_status, audit_log };
  seller.commit();
  const allowed_next = nextStatuses[request.to_status] ?? [];
  return answer({ order_id: order.order_id, status: request.to_status, transition, allowed_next });
}

/** Orders: made by anyone, read by everyone, moved by the seller. */
export const orderRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v1/orders", operation: "order", handle: postOrder },
  {
    method: "GET",
    path: "/api/v1/orders",
    operation: "order-read",
    handle: ({ seller, query }) => {
      const status = query.get("status");
      const all = Object.values(seller.state.orders);
      const orders = status === null ? all : all.filter((order) => order.status === status);
      return answer({ orders, count: orders.length });
    },
  },
  {
    method: "GET",
    path: "/api/v1/orders/{id}",
    operation: "order-read",
    handle: ({ seller, params }) => answer(storedOrder(seller, params["id"] ?? "")),
  },
  {
    method: "GET",
    path: "/api/v1/orders/{id}/history",
    operation: "order-read",
    handle: ({ seller, params }) => {
      const order = storedOrder(seller, params["id"] ?? "");
      const { transitions } = order.audit_log;
      const { order_id, status: current_status } = order;
      return answer({ order_id, current_status, transitions, transition_count: transitions.length });
    },
  },
  {
    method: "GET",
    path: "/api/v1/orders/{id}/audit",
    operation: "order-read",
    handle: ({ seller, params }) => {
      const order = storedOrder(seller, params["id"] ?? "");
      const { transitions } = order.audit_log;
      const { order_id, status: current_status, created_at } = order;
      const change_requests = Object.values(seller.state.changes).filter((change) => change["order_id"] === order_id);
      const transition_count = transitions.length;
      const change_request_count = change_requests.length;
      const counted = { transitions, transition_count, change_requests, change_request_count };
      return answer({ order_id, current_status, created_at, ...counted });
    },
  },
  { method: "POST", path: "/api/v1/orders/{id}/transition", operation: "order", handle: postTransition },
];
