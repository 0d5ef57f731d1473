import type { Struck } from "./faults.ts";
import type { Incoming, Routed } from "./http-seller.ts";
import { callerOf, keysOf } from "./identity.ts";
import { match } from "./path.ts";
import { availsRoutes } from "./routes-avails.ts";
import { catalogueRoutes } from "./routes-catalogue.ts";
import { changeRoutes } from "./routes-changes.ts";
import { dealRoutes } from "./routes-deals.ts";
import { mediaKitRoutes } from "./routes-media-kit.ts";
import { negotiationRoutes } from "./routes-negotiation.ts";
import { orderRoutes } from "./routes-orders.ts";
import { proposalRoutes } from "./routes-proposals.ts";
import { quoteRoutes } from "./routes-quotes.ts";
import type { Route, SellerRuntime } from "./runtime.ts";
import type { SandboxSeller } from "./sandbox-seller.ts";
import { SellerServer } from "./seller-server.ts";
import { type Answer, answer, unprocessable } from "./wire.ts";

const routes: readonly Route[] = [
  ...catalogueRoutes,
  ...mediaKitRoutes,
  ...availsRoutes,
  ...quoteRoutes,
  ...proposalRoutes,
  ...negotiationRoutes,
  ...dealRoutes,
  ...orderRoutes,
  ...changeRoutes,
];

type Found = { readonly route: Route; readonly params: Record<string, string> } | { readonly answer: Answer };

function find(method: string, path: string): Found {
  const matching = routes.flatMap((route) => {
    const params = match(route.path, path);
    return params ? [{ route, params }] : [];
  });
  const exact = matching.find((item) => item.route.method === method);
  if (exact) return exact;
  if (matching.length > 0) {
    const allow = matching.map((item) => item.route.method).join(", ");
    return { answer: { status: 405, body: { detail: "Method Not Allowed" }, headers: { Allow: allow } } };
  }
  if (path.length > 1 && path.endsWith("/") && !("answer" in find(method, path.slice(0, -1)))) {
    return { answer: { status: 307, text: "", headers: { Location: path.slice(0, -1) } } };
  }
  return { answer: answer({ detail: "Not Found" }, 404) };
}

function parsed(body: string): unknown {
  if (body === "") return null;
  try {
    return JSON.parse(body);
  } catch {
    const ctx = { error: "Expecting value" };
    throw unprocessable([{ type: "json_invalid", loc: ["body", 0], msg: "JSON decode error", input: {}, ctx }]);
  }
}

/** A seller of the IAB seller agent contract: its endpoints behind an HTTP server that faults can strike. */
export class IabServer extends SellerServer<SellerRuntime> {
  /** How a buyer needs to know it. */
  describe(): SandboxSeller {
    const { id, name, domain, version } = this.runtime.profile;
    return { id, name, domain, protocol: "iab-seller-agent", url: this.runtime.url, version, keys: keysOf(id) };
  }

  protected route(incoming: Incoming): Routed {
    return routed(this.runtime, incoming);
  }
}

function routed(seller: SellerRuntime, { method, path, query, key, body: text }: Incoming): Routed {
  const found = find(method, path);
  if ("answer" in found) return { operation: null, handle: () => found.answer };
  const { route, params } = found;
  const caller = () => callerOf(seller.profile.id, key);
  const handle = (faults: Struck["faults"]) => {
    const body = method === "POST" ? parsed(text) : null;
    return route.handle({ seller, params, query, body, faults, caller });
  };
  return { operation: route.operation, handle };
}
