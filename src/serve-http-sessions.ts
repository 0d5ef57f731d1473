import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { isInitializeRequest, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import type { Desk } from "./desk.ts";
import type { Principal } from "./domain/principal.ts";
import { refuse } from "./http/answers.ts";
import { BODY_BYTES } from "./http/body.ts";
import { type SessionLimits, Sessions } from "./http/sessions.ts";
import { ResourceUpdates } from "./resource-updates.ts";
import type { Exchange, Faults } from "./serve-http-exchange.ts";
import type { ServerFor } from "./server.ts";

/** The leg of 2025 clients. */
export interface LegacySessions {
  /** Answers a request of a session, or the one that begins it. @param message of a POST; undefined for GET and DELETE */
  answer(request: Exchange, response: ServerResponse, caller: Principal, message: object | undefined): Promise<void>;
  endIdle(): Promise<void>;
  endAll(): Promise<void>;
}

/**
 * Sessions for clients of the 2025 protocol, which can be asked only on a connection that stays: answers are streams, never
 * single JSON bodies, and a question travels on the stream of the call it belongs to. Nothing that counts is in a
 * session; whoever loses one begins another and goes on by the ids it was given.
 */
export function legacySessions(
  desk: Desk,
  serverFor: ServerFor,
  faults: Faults,
  principals: number,
  limits?: SessionLimits,
): LegacySessions {
  const sessions = new Sessions<WebStandardStreamableHTTPServerTransport>(principals, () => performance.now(), limits);

  const begin = async (
    request: Exchange,
    response: ServerResponse,
    caller: Principal,
    message: object,
    giveBack: () => void,
  ) => {
    const updates = new ResourceUpdates(desk);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: BODY_BYTES,
      onsessioninitialized: (id) => sessions.begin(id, caller.name, transport, giveBack),
    });
    transport.onclose = () => {
      updates.close();
      if (transport.sessionId !== undefined) sessions.forget(transport.sessionId);
    };
    try {
      const server = await serverFor(desk, caller, "legacy");
      await (caller.scopes.includes("buy:read") ? updates.serve(server, "legacy") : server).connect(transport);
      await handlerOf(transport)(request, response, message);
    } finally {
      // A handshake that was refused, or failed, begins nothing.
      if (transport.sessionId === undefined) {
        giveBack();
        await transport.close();
      }
    }
  };
  const handlerOf = (transport: WebStandardStreamableHTTPServerTransport) =>
    toNodeHandler(
      faults.guarded((request, options) => transport.handleRequest(request, options)),
      faults.options,
    );

  return {
    async answer(request, response, caller, message) {
      const id = request.headers["mcp-session-id"];
      if (typeof id !== "string") {
        if (message === undefined) {
          const allow = { allow: "POST" };
          return refuse(response, { status: 405, message: "Method not allowed without a session.", headers: allow });
        }
        if (!isInitializeRequest(message))
          return refuse(response, { status: 400, message: "Bad Request: a session begins with initialize" });
        const giveBack = await sessions.reserve(caller.name);
        if (!giveBack) {
          const headers = { "retry-after": "60" };
          return refuse(response, { status: 503, message: "Too many sessions are open", headers });
        }
        return begin(request, response, caller, message, giveBack);
      }
      const transport = sessions.find(id, caller.name);
      if (!transport) return refuse(response, { status: 404, code: -32_001, message: "Session not found" });
      await sessions.during(id, () => handlerOf(transport)(request, response, message));
    },
    endIdle: () => sessions.endIdle(),
    endAll: () => sessions.endAll(),
  };
}
