import type { FrozenRequest } from "../domain/media-buy.ts";
import type { CarrierChoice } from "./adcp-probe.ts";
import { createSession, type Session, versioned } from "./adcp-session.ts";
import { checkGovernance } from "./governance.ts";
import type { SellerLog, Timeouts } from "./http.ts";
import type { Credential, SellerRecord } from "./records.ts";
import { type Access, SellerFailure } from "./seller.ts";

export interface GovernanceOptions {
  /** The whole address of the agent. */
  readonly url: string;
  readonly carrier: "mcp" | "a2a" | null;
  readonly credential: Credential | null;
  readonly planId: string;
  /** The address of the one who asks: the buyer's agent, as the plan knows it. */
  readonly caller: string;
  readonly timeouts: Timeouts;
  readonly allowLoopback: boolean;
  readonly log: SellerLog;
}

/** The operator's governance agent, called with the first question. */
export interface GovernanceAgent {
  /**
   * Asks about one request to a seller. Only AdCP's own are asked about; all others pass.
   * @returns null when it is approved; else our sentence, which labels the agent's words
   */
  whyNot(record: SellerRecord, request: FrozenRequest, phase: "purchase" | "modification"): Promise<string | null>;
  close(): Promise<void>;
}

/** What the agent is called in sentences and logs. */
const NAME = "the governance agent";

/** Prepares the agent; nothing is sent yet. */
export function governanceAgent(options: GovernanceOptions): GovernanceAgent {
  const { url, planId, caller, credential, timeouts, allowLoopback, log } = options;
  const access: Access = { tier: credential ? "seat" : "public", identity: {} };
  let opened: Promise<{ readonly choice: CarrierChoice; readonly session: Session }> | undefined;

  const open = () => {
    opened ??= import("./adcp-probe.ts").then(({ chooseCarrier }) => {
      const told = options.carrier === null ? {} : { carrier: options.carrier };
      const credentials = credential ? { seat: credential } : {};
      const choice = chooseCarrier({ sellerId: NAME, url, credentials, timeouts, allowLoopback, log, ...told });
      return { choice, session: createSession(NAME, (asked) => choice.carrier(asked), log) };
    });
    return opened;
  };

  return {
    async whyNot(record, request, phase) {
      if (record.protocol !== "adcp") return null;
      try {
        const { choice, session } = await open();
        const carrier = await choice.carrier(access);
        const answer = await checkGovernance({
          ...{ carrier, planId, caller, phase, access, version: await editionOf(session, access) },
          tool: request.path,
          payload: JSON.parse(request.body) as Readonly<Record<string, unknown>>,
        });
        if (answer.kind === "approved") return null;
        return answer.said === null ? answer.why : `${answer.why} (Its words: “${answer.said}”.)`;
      } catch (error) {
        if (!(error instanceof SellerFailure)) throw error;
        return `The governance agent could not be asked, so this is not approved: ${error.message}`;
      }
    },
    async close() {
      await (await opened)?.choice.close();
    },
  };
}

/** The edition it is asked in. One that names no capabilities is asked in what every 3.x understands. */
async function editionOf(session: Session, access: Access): Promise<Readonly<Record<string, unknown>>> {
  try {
    return versioned({}, (await session.capabilities(access)).version);
  } catch (error) {
    if (error instanceof SellerFailure && !["unreachable", "timeout", "circuit_open"].includes(error.kind))
      return versioned({}, "3.0");
    throw error;
  }
}
