import { createA2aCarrier } from "./adcp-a2a.ts";
import { adcpSigns, fetchCard, speaksAdcp } from "./adcp-a2a-card.ts";
import { credentialTier } from "./adcp-answers.ts";
import type { AgentOptions, Carrier } from "./adcp-carrier.ts";
import { createMcpCarrier } from "./adcp-mcp.ts";
import { redone } from "./adcp-refusals.ts";
import { noLongerThan } from "./adcp-waiting.ts";
import { createHttp } from "./http.ts";
import { type Access, SellerFailure } from "./seller.ts";

/** The carrier of one agent, found out with the first use. */
export interface CarrierChoice {
  /** The carrier, once chosen always the same. @throws SellerFailure, definite; the next use then tries anew */
  carrier(access: Access): Promise<Carrier>;
  close(): Promise<void>;
}

export interface ChoiceOptions extends AgentOptions {
  /** What the operator says the agent speaks; absent, it is found out. */
  readonly carrier?: Carrier["name"] | undefined;
}

type Attempt = (access: Access) => Promise<Carrier>;

/**
 * Chooses how an agent is spoken to: as the operator says, else A2A where its card says that it speaks AdCP, else MCP
 * where a handshake at its address leads to tools of AdCP. An address that ends in `/mcp` is tried as MCP first.
 */
export function chooseCarrier(options: ChoiceOptions): CarrierChoice {
  const { carrier: told, ...agent } = options;
  const { sellerId, url } = agent;
  const a2a: Attempt = async () => {
    const http = createHttp({ ...agent, origin: new URL(url).origin });
    const card = await fetchCard(sellerId, http, url, { tier: credentialTier(http), identity: {} });
    if (speaksAdcp(card)) return createA2aCarrier(agent, card);
    throw foreign("shows an agent card that names no task of AdCP");
  };
  const mcp: Attempt = async (access) => {
    const carrier = createMcpCarrier(agent);
    try {
      const tasks = await carrier.tasks(access);
      if (adcpSigns.some((task) => tasks.has(task))) return carrier;
      throw foreign("speaks MCP and lists no task of AdCP");
    } catch (error) {
      await carrier.close();
      throw error;
    }
  };

  function foreign(does: string): SellerFailure {
    return new SellerFailure(sellerId, "unsupported", `${sellerId} ${does}.`, { definite: true });
  }

  /** The carrier, or why not; what the other way would not change is thrown. */
  async function attempt(way: Attempt, access: Access): Promise<Carrier | SellerFailure> {
    try {
      return await way(access);
    } catch (error) {
      if (!(error instanceof SellerFailure)) throw error;
      // Only tasks are what `definite` is about, and none was sent.
      const why = redone(error, { definite: true });
      // A server may well guard every path but its own, so a card that is refused says nothing of MCP.
      const last = way === mcp ? ["unauthorized", "forbidden"] : [];
      if (["unreachable", "timeout", "circuit_open", ...last].includes(why.kind)) throw why;
      return why;
    }
  }

  async function probe(access: Access): Promise<Carrier> {
    if (told) return told === "mcp" ? createMcpCarrier(agent) : createA2aCarrier(agent);
    const [first, second] = /\/mcp\/?$/.test(new URL(url).pathname) ? [mcp, a2a] : [a2a, mcp];
    const why = await attempt(first, access);
    if (!(why instanceof SellerFailure)) return why;
    const whyToo = await attempt(second, access);
    if (!(whyToo instanceof SellerFailure)) return whyToo;
    const message = `${sellerId} speaks AdCP at ${url} neither over A2A nor over MCP. ${why.message} ${whyToo.message}`;
    throw new SellerFailure(sellerId, "unsupported", message, { definite: true, code: "no_carrier", cause: whyToo });
  }

  let chosen: Promise<Carrier> | null = null;
  return {
    carrier({ tier, identity, signal }) {
      // Not with the caller's signal: what is found out is for all.
      const one = chosen ?? probe({ tier, identity });
      chosen = one;
      one.catch(() => {
        if (chosen === one) chosen = null;
      });
      return noLongerThan(sellerId, one, signal);
    },
    async close() {
      const carrier = await chosen?.catch(() => null);
      chosen = null;
      await carrier?.close();
    },
  };
}
