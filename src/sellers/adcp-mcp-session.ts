import type { Client } from "@modelcontextprotocol/client";
import * as z from "zod";
import { credentialTier } from "./adcp-answers.ts";
import type { AgentOptions } from "./adcp-carrier.ts";
import { createMcpTransport, type McpTransport, SESSION_GONE } from "./adcp-mcp-transport.ts";
import { isRpcError, redone, rpcRefusal } from "./adcp-refusals.ts";
import { noLongerThan } from "./adcp-waiting.ts";
import { createHttp, type Phase } from "./http.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { createSellerClock } from "./seller-clock.ts";

/** The package's own timer, put out of the way: the deadline of the phase ends every exchange. */
const NEVER_MS = 2 ** 31 - 1;
const GOODBYE_MS = 1_000;

/** What a request to the package is sent with, so that the transport knows what it is for. */
export interface Sending {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: number;
}

/** The one session with a seller that all calls share. */
export interface McpSessions {
  /**
   * Runs one request in the session; once more in a new one where the seller forgot it and the phase is no booking.
   * @throws SellerFailure, or what the package throws for a reply it cannot take
   */
  run<Result>(
    phase: Phase,
    access: Access,
    request: (client: Client, sending: Sending) => Promise<Result>,
  ): Promise<Result>;
  aheadMs(): number;
  close(): Promise<void>;
}

interface Session {
  readonly client: Client;
  readonly transport: McpTransport;
}

/**
 * A session is opened with the first call, and anew after the seller forgot it. No call closes it, so that none can end
 * another's. Before a booking goes into one that is not new, a ping finds out whether the seller still knows it.
 */
export function createMcpSessions(options: AgentOptions): McpSessions {
  const { url, ...rest } = options;
  const { sellerId, timeouts } = rest;
  const { origin, pathname, search } = new URL(url);
  const http = createHttp({ ...rest, origin });
  const clock = createSellerClock();
  const ours: Access = { tier: credentialTier(http), identity: {} };
  const path = pathname === "/" ? "/mcp" : pathname + search;
  let opening: Promise<Session> | null = null;

  async function connect(): Promise<Session> {
    const { Client } = await import("@modelcontextprotocol/client");
    const transport = createMcpTransport({ sellerId, http, path, timeouts, access: ours, clock });
    // Nothing is ever answered, and then sent again, on our behalf.
    const inputRequired = { autoFulfill: false };
    const client = new Client({ name: "media-buyer-mcp", version: "1" }, { inputRequired });
    try {
      await client.connect(transport, { timeout: NEVER_MS });
      return { client, transport };
    } catch (error) {
      throw redone(mcpFailure(sellerId, "the handshake of MCP", error), { definite: true });
    }
  }

  function current(): Promise<Session> {
    if (opening) return opening;
    const one = connect();
    opening = one;
    one.catch(() => {
      if (opening === one) opening = null;
    });
    return one;
  }

  async function forget(held: Session): Promise<void> {
    const one = opening;
    if (one && (await one.catch(() => null)) === held && opening === one) opening = null;
  }

  async function send<Result>(
    { client, transport }: Session,
    phase: Phase,
    access: Access,
    request: (client: Client, sending: Sending) => Promise<Result>,
  ): Promise<Result> {
    const { headers, done } = transport.markFor({ phase, access });
    try {
      return await request(client, { headers, timeout: NEVER_MS });
    } finally {
      done();
    }
  }

  /** The session as the seller knows it now. @throws SellerFailure, definite */
  async function known(): Promise<Session> {
    const isNew = opening === null;
    const held = await current();
    if (isNew || held.transport.sessionId === undefined) return held;
    try {
      await send(held, "discovery", ours, (client, sending) =>
        client.request({ method: "ping" }, z.looseObject({}), sending),
      );
      return held;
    } catch (error) {
      if (isGone(error)) {
        await forget(held);
        return current();
      }
      // Any other answer, be it a refusal, says that somebody is there; only silence ends it here.
      if (!(error instanceof SellerFailure) || error.status !== null) return held;
      throw redone(error, { definite: true });
    }
  }

  return {
    async run(phase, access, request) {
      const held = phase === "booking" ? await known() : await noLongerThan(sellerId, current(), access.signal);
      try {
        return await send(held, phase, access, request);
      } catch (error) {
        if (!isGone(error)) throw error;
        await forget(held);
        if (phase === "booking") throw error;
      }
      return send(await noLongerThan(sellerId, current(), access.signal), phase, access, request);
    },
    aheadMs: clock.aheadMs,
    async close() {
      const held = await opening?.catch(() => null);
      opening = null;
      await held?.transport.leave(GOODBYE_MS);
      await held?.client.close();
    },
  };
}

function isGone(error: unknown): boolean {
  return error instanceof SellerFailure && error.code === SESSION_GONE;
}

/** What the package throws, as a failure in our words. */
export function mcpFailure(sellerId: string, task: string, error: unknown): SellerFailure {
  if (error instanceof SellerFailure) return error;
  if (isRpcError(error)) {
    const refused = rpcRefusal(sellerId, task, error);
    if ("failure" in refused) return refused.failure;
  }
  if (error instanceof Error && "code" in error && error.code === "CONNECTION_CLOSED") {
    const message = `${task} to ${sellerId} was given up: the connection was closed on our side.`;
    return new SellerFailure(sellerId, "unreachable", message, { code: "stopped", cause: error });
  }
  const message = `${sellerId} answered ${task} with something that MCP does not allow or we do not know.`;
  return new SellerFailure(sellerId, "invalid_answer", message, { cause: error });
}
