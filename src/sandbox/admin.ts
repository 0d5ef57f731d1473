import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import { adcpOrder, obeyAdcp } from "./adcp/orders.ts";
import type { SandboxControl } from "./control.ts";
import { faultSpec } from "./faults.ts";
import { obeyOpenDirect, openDirectOrder } from "./opendirect/admin-orders.ts";
import { proposalHabits } from "./proposal-desk.ts";
import { bodyOf, type Loopback, openLoopback } from "./loopback.ts";

/** Where the hand behind a sandbox is reached, and the token that proves it is ours. */
export interface AdminAddress {
  readonly url: string;
  readonly token: string;
}

const faultOrder = z.object({ seller: z.string(), fault: faultSpec });
const expiryOrder = z.object({ seller: z.string(), quote_id: z.string(), gone: z.boolean().default(false) });
const proposalOrder = z.strictObject({
  seller: z.string(),
  habits: proposalHabits.optional(),
  decide: z.enum(["approve", "reject", "counter"]).optional(),
  words: z.string().optional(),
  cpm: z.number().positive().optional(),
});
const settingsOrder = z.strictObject({
  locked: z.boolean().optional(),
  gapMs: z.number().int().min(0).max(60_000).optional(),
  quoteTtlMs: z.number().int().min(1).optional(),
});

type Order = (control: SandboxControl, body: unknown, query: URLSearchParams) => unknown;

const orders: Readonly<Record<string, Order>> = {
  "GET /health": (control) => ({ ok: true, sellers: control.sellers }),
  "GET /faults": (control) =>
    Object.fromEntries(control.sellers.map((seller) => [seller.id, control.faults(seller.id)])),
  "POST /faults": (control, body) => {
    const order = faultOrder.parse(body);
    control.fault(order.seller, order.fault);
    return { faults: control.faults(order.seller) };
  },
  "DELETE /faults": (control, _body, query) => {
    control.clearFaults(query.get("seller") ?? undefined);
    return { faults: [] };
  },
  "GET /requests": (control, _body, query) => ({ requests: control.requests(query.get("seller") ?? undefined) }),
  "GET /stray-requests": (control) => ({ requests: control.strayRequests() }),
  "DELETE /requests": (control) => {
    control.clearRequests();
    return { requests: [] };
  },
  "GET /deals": (control, _body, query) => ({
    deals: control.deals(query.get("seller") ?? "", query.get("quote_id") ?? undefined),
  }),
  "POST /adcp": (control, body) => obeyAdcp(control.adcp, adcpOrder.parse(body)),
  "POST /opendirect": (control, body) => obeyOpenDirect(control.opendirect, openDirectOrder.parse(body)),
  "POST /proposals": (control, body) => {
    const { seller, habits, decide, words, cpm } = proposalOrder.parse(body);
    if (habits) control.proposalHabits(seller, habits);
    if (decide) control.decideProposal(seller, decide, words, cpm);
    return control.proposals(seller);
  },
  "POST /expire": (control, body) => {
    const order = expiryOrder.parse(body);
    control.expireQuote(order.seller, order.quote_id, order.gone);
    return { expired: order.quote_id };
  },
  "POST /settings": (control, body) => {
    const { locked, gapMs, quoteTtlMs } = settingsOrder.parse(body);
    control.configure({
      ...(locked === undefined ? {} : { locked }),
      ...(gapMs === undefined ? {} : { gapMs }),
      ...(quoteTtlMs === undefined ? {} : { quoteTtlMs }),
    });
    return { ok: true };
  },
};

/** What the admin endpoint needs to know of its sandbox. */
export interface AdminDuties {
  readonly control: SandboxControl;
  readonly token: string;
  /** Somebody called: the sandbox is in use. */
  readonly onRequest: () => void;
  /** Somebody asked the sandbox to end. */
  readonly onStop: () => void;
}

async function obey(duties: AdminDuties, request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  if (request.headers.authorization !== `Bearer ${duties.token}`) return { status: 401, body: { error: "token" } };
  duties.onRequest();
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://admin.example");
  const name = `${request.method} ${pathname}`;
  const text = await bodyOf(request);
  if (name === "POST /stop") {
    duties.onStop();
    return { status: 200, body: { ok: true } };
  }
  const order = orders[name];
  if (!order) return { status: 404, body: { error: `no order ${name}` } };
  try {
    return { status: 200, body: order(duties.control, text === "" ? null : JSON.parse(text), searchParams) };
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

/** Opens the admin endpoint on a loopback port of its own. Without the token nothing is told or done. */
export async function openAdmin(wishedPort: number, duties: AdminDuties): Promise<Loopback> {
  return openLoopback(wishedPort, (request: IncomingMessage, response: ServerResponse) => {
    obey(duties, request).then(
      ({ status, body }) => {
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify(body));
      },
      () => response.destroy(),
    );
  });
}
