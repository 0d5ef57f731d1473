import type { Incoming, Routed } from "../http-seller.ts";
import { keysOf } from "../identity.ts";
import { match } from "../path.ts";
import type { SandboxSeller } from "../sandbox-seller.ts";
import { SellerServer } from "../seller-server.ts";
import { type Answer, answer } from "../wire.ts";
import { accountRoutes } from "./accounts.ts";
import { availsRoutes } from "./avails.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import type { Behaviour } from "./behaviour.ts";
import { changeRoutes } from "./changes.ts";
import { creativeRoutes } from "./creatives.ts";
import { heard, spoken } from "./dialect.ts";
import { careless, collided } from "./flaws.ts";
import { lineRoutes } from "./lines.ts";
import { orderRoutes } from "./orders.ts";
import { productRoutes } from "./products.ts";
import { notServed, OpenDirectRefusal } from "./refusal.ts";
import { refusalOnWire } from "./refusal-wire.ts";
import { basePath, type OpenDirectRuntime } from "./runtime.ts";

const routes: readonly OpenDirectRoute[] = [
  ...productRoutes,
  ...availsRoutes,
  ...accountRoutes,
  ...orderRoutes,
  ...lineRoutes,
  ...creativeRoutes,
  ...changeRoutes,
];

/** A seller that speaks OpenDirect 2.1: its endpoints behind an HTTP server that faults can strike. */
export class OpenDirectServer extends SellerServer<OpenDirectRuntime> {
  /** How a buyer needs to know it. */
  describe(): SandboxSeller {
    const { id, name, domain } = this.runtime.profile;
    const url = this.runtime.url + basePath;
    return { id, name, domain, protocol: "opendirect", url, version: "2.1", keys: keysOf(id) };
  }

  protected route(incoming: Incoming): Routed {
    return routed(this.runtime, incoming);
  }
}

/** The agent's card at the origin: it says what is spoken where, and proves nothing. */
function card({ profile, url }: OpenDirectRuntime): Answer {
  return answer({
    name: profile.name,
    description: profile.about,
    url: url + basePath,
    version: "1.0.0",
    provider: { organization: profile.name, url: `https://${profile.domain}` },
    capabilities: { protocols: ["opendirect21"], streaming: false },
    skills: [{ id: "opendirect", name: "OpenDirect 2.1", description: "Products, avails, orders, lines, stats." }],
  });
}

function isKnown(seller: OpenDirectRuntime, { headers, key }: Incoming): boolean {
  const { auth } = seller.behaviour;
  const bearer = headers.authorization === undefined ? null : key;
  const said = {
    any: key,
    bearer: headers["x-api-key"] === undefined ? bearer : null,
    "api-key": headers["x-api-key"],
    "access-token": headers["accesstoken"],
  }[auth];
  return Object.values(keysOf(seller.profile.id)).some((known) => known === said);
}

function find(method: string, path: string): { route: OpenDirectRoute; params: Record<string, string> } {
  const matching = routes.flatMap((route) => {
    const params = match(route.path, path);
    return params ? [{ route, params }] : [];
  });
  const found = matching.find(({ route }) => route.methods.includes(method));
  if (found) return found;
  throw matching.length > 0 ? notServed() : new OpenDirectRefusal(404, []);
}

/** An answer as this seller writes it. */
function told(
  behaviour: Behaviour,
  { methods, operation }: OpenDirectRoute,
  { status, body, headers = {} }: Answer,
): Answer {
  const isRead = methods.includes("GET") || operation === "catalogue" || operation === "avails";
  if (behaviour.quiet && !isRead) return { status: 204, text: "", headers };
  return { status, body: collided(behaviour, spoken(behaviour.dialect, careless(behaviour, body))), headers };
}

/** Servers that take PATCH need not take PUT, and the other way round. */
function requireMethod({ behaviour }: OpenDirectRuntime, { methods }: OpenDirectRoute, method: string): void {
  const isEither = methods.includes("PUT") && methods.includes("PATCH");
  if (isEither && behaviour.method !== "both" && behaviour.method !== method.toLowerCase()) throw notServed();
}

function refused(seller: OpenDirectRuntime, error: unknown): Answer {
  if (error instanceof OpenDirectRefusal) return refusalOnWire(seller.behaviour, error);
  throw error;
}

function routed(seller: OpenDirectRuntime, incoming: Incoming): Routed {
  const { method, path, query, search, body } = incoming;
  if (path === "/.well-known/agent.json" && method === "GET") return { operation: "card", handle: () => card(seller) };
  const below = path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : "";
  try {
    if (!isKnown(seller, incoming)) {
      throw new OpenDirectRefusal(401, [{ code: "Unauthorized", message: "The credential is not one of ours." }]);
    }
    const { route, params } = find(method, below);
    requireMethod(seller, route, method);
    const { dialect } = seller.behaviour;
    const call: OpenDirectCall = {
      ...{ seller, params, query, search, method },
      hasBody: body !== "",
      body: () => heard(dialect, body),
    };
    const { operation } = route;
    const handle = () => {
      try {
        return told(seller.behaviour, route, route.handle(call));
      } catch (error) {
        return refused(seller, error);
      }
    };
    return { operation: typeof operation === "function" ? operation(call) : operation, handle };
  } catch (error) {
    const refusal = refused(seller, error);
    return { operation: null, handle: () => refusal };
  }
}
