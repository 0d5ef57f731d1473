import type { Incoming, Routed } from "../http-seller.ts";
import { keysOf } from "../identity.ts";
import type { SandboxSeller } from "../sandbox-seller.ts";
import { SellerServer } from "../seller-server.ts";
import { answer } from "../wire.ts";
import { a2aRoute, agentCard } from "./a2a.ts";
import { deskRoute } from "./desk-page.ts";
import { mcpRoute } from "./mcp.ts";
import { authorizationOf, publisherAt, publisherOrigins } from "./publishers.ts";
import type { AdcpRuntime } from "./runtime.ts";
import { brandFile, keySet } from "./webhooks.ts";

/** A seller that speaks AdCP: its agents, its desk's pages and its publishers' files behind one HTTP server. */
export class AdcpServer extends SellerServer<AdcpRuntime> {
  /** How a buyer needs to know it. */
  describe(): SandboxSeller {
    const { id, name, domain } = this.runtime.profile;
    const { agents, version } = this.runtime;
    const carrier = agents.mcp === undefined ? "a2a" : "mcp";
    const url = agents[carrier] ?? this.runtime.url;
    const publishers = publisherOrigins(this.runtime);
    return { id, name, domain, protocol: "adcp", url, version, keys: keysOf(id), carrier, agents, publishers };
  }

  protected route(incoming: Incoming): Routed {
    return routed(this.runtime, incoming);
  }
}

const notFound = answer({ error: "Not found" }, 404);

function routed(seller: AdcpRuntime, incoming: Incoming): Routed {
  const { method, path } = incoming;
  const { agents } = seller;
  if (path === "/mcp" && agents.mcp !== undefined) return mcpRoute(seller, incoming);
  if (path === "/a2a" && agents.a2a !== undefined) return a2aRoute(seller, incoming);
  if (path === "/.well-known/agent-card.json" && agents.a2a !== undefined && method === "GET") {
    return { operation: "card", handle: () => answer(agentCard(seller)) };
  }
  if (path === "/.well-known/brand.json" && method === "GET") {
    return { operation: "authorization", handle: () => answer(brandFile(seller)) };
  }
  if (path === "/.well-known/jwks.json" && method === "GET") {
    return { operation: "authorization", handle: () => answer(keySet(seller)) };
  }
  const publisher = publisherAt(path);
  if (publisher !== null && method === "GET") {
    const handle = () => {
      const file = authorizationOf(seller, publisher);
      return file === null ? notFound : answer(file);
    };
    return { operation: "authorization", handle };
  }
  return deskRoute(seller, incoming) ?? { operation: null, handle: () => notFound };
}
