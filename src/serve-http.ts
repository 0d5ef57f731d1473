import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { toNodeHandler } from "@modelcontextprotocol/node";
import {
  classifyInboundRequest,
  createMcpHandler,
  InMemoryServerEventBus,
  validateHostHeader,
  validateOriginHeader,
} from "@modelcontextprotocol/server";
import { ConfigError } from "./config.ts";
import { type HttpSettings, isLoopback, loopbackNames, type TokenHolder, whyNotServed } from "./config-http.ts";
import type { Desk } from "./desk.ts";
import { localPrincipal, type Principal } from "./domain/principal.ts";
import type { Refusal } from "./http/answers.ts";
import { refuse } from "./http/answers.ts";
import { BODY_BYTES } from "./http/body.ts";
import { type Endpoint, going, listen } from "./http/listener.ts";
import { RateLimits } from "./http/rate.ts";
import type { SessionLimits } from "./http/sessions.ts";
import { Shares } from "./http/shares.ts";
import { holderOf } from "./http/tokens.ts";
import { ResourceChanges, whyNotWatched } from "./resource-changes.ts";
import { listening } from "./resource-updates.ts";
import { createServer, type ServerFor } from "./server.ts";
import { webhookHandler } from "./serve-http-webhooks.ts";
import { type Exchange, exchangeOf, withReferences } from "./serve-http-exchange.ts";
import { legacySessions } from "./serve-http-sessions.ts";

/** How long calls under way may take to end once the server is being stopped; after it their state is in the ledger. */
const DRAIN_MS = 10_000;
/** Clients of the 2026 era that may wait for changes at once. */
const MOST_LISTENS = 1_024;
/** Without a token, whoever asks: every program on this machine together. */
const OPEN_PER_MINUTE = 6_000;

/** What it is put together of, where a caller has parts of its own. */
export interface ServedParts {
  /** Makes the server of one connection or request. */
  readonly serverFor?: ServerFor;
  /** Carries what changed to the clients of the 2026 era that wait for it. */
  readonly heard?: InMemoryServerEventBus;
  readonly sessions?: SessionLimits;
  /** How many clients of the 2026 era may wait for changes at once, all principals together. */
  readonly mostListens?: number;
}

/**
 * Serves many clients at one address, in both protocol eras: requests of the 2026 era one by one, without a session, so that
 * any process of the desk can answer; 2025 clients in sessions, so that they can be asked on the open connection. Who
 * calls is known by a token, or is the local principal where the desk is served openly on this machine.
 * @param ending aborted to end it: nobody is let in, calls under way end, the desk is closed; what did not end in time
 * is in the ledger
 * @returns once all that is done
 * @throws ConfigError when it may not be served like that
 * @throws Error when it cannot listen there
 */
export async function serveOverHttp(
  desk: Desk,
  settings: HttpSettings,
  ending: AbortSignal,
  {
    serverFor = createServer,
    heard = new InMemoryServerEventBus(),
    sessions: limits,
    mostListens = MOST_LISTENS,
  }: ServedParts = {},
): Promise<void> {
  const { host, port, principals } = settings;
  const issues = whyNotServed(settings, desk.settings.sandbox, desk.settings.command);
  if (issues.length > 0) throw new ConfigError("This config over HTTP", issues);
  const known = new Map<string, Principal>([localPrincipal, ...principals].map((one) => [one.name, one]));
  const changes = new ResourceChanges(desk, (uris) => {
    for (const uri of uris) heard.publish({ kind: "resource_updated", uri });
  });
  const faults = withReferences(desk.log);
  const modern = createMcpHandler(
    async ({ authInfo }) => {
      try {
        const principal = known.get(authInfo?.clientId ?? "");
        if (!principal) throw new Error("a request without a principal");
        return await serverFor(desk, principal, "modern");
      } catch (error) {
        // Whoever calls this says that something failed, and not what.
        faults.note(error, authInfo);
        throw error;
      }
    },
    {
      legacy: "reject",
      bus: heard,
      // Shared out below; the SDK's own limit is one for all callers.
      maxSubscriptions: mostListens,
      maxRequestBodySize: BODY_BYTES,
      onerror: ({ message }) => desk.log("http", { error: message }),
    },
  );
  const answerModern = toNodeHandler(faults.guarded(modern.fetch), faults.options);
  const sessions = legacySessions(desk, serverFor, faults, Math.max(1, principals.length), limits);
  const sweeping = setInterval(() => sessions.endIdle(), 60_000).unref();
  const calls = new Set<Promise<void>>();
  const listens = new Shares(mostListens, principals.length);
  let watching = 0;
  /** Answers a request that stays open for changes, until it ends, however it does. */
  const hear = async (exchange: Exchange, response: ServerResponse, caller: Principal, message: object) => {
    const asked = listening.safeParse(message).data;
    const uris = asked?.params.notifications.resourceSubscriptions ?? [];
    const why = whyNotWatched(new Set(uris));
    if (asked && why !== null) return refuse(response, { status: 400, code: -32_602, message: why, id: asked.id });
    const giveBack = listens.take(caller.name);
    if (!giveBack) {
      const text = `Too many streams wait for changes: ${caller.name} may have ${listens.each}. This one was not begun; end another, then try again.`;
      return refuse(response, { status: 429, message: text, headers: { "retry-after": "60" } });
    }
    // The ledger is asked only while somebody listens.
    if (uris.length > 0) watching += 1;
    try {
      // Acknowledged once the point is known from which on changes are told: none is missed in between.
      if (uris.length > 0) await changes.start();
      await answerModern(exchange, response, message);
    } finally {
      giveBack();
      if (uris.length > 0) watching -= 1;
      if (watching === 0) changes.stop();
    }
  };

  const endpoint: Endpoint<Principal> = {
    log: desk.log,
    whyNotForUs: guardOf(settings),
    callerOf: callerOf(settings),
    ready: () => desk.newest(),
    webhook: desk.takeWebhooks() ? webhookHandler(desk) : null,
    session: (request, response, caller) =>
      sessions.answer(exchangeOf(request, response, caller), response, caller, undefined),
    async post(request, response, caller, message) {
      if (ending.aborted) return refuse(response, going);
      const exchange = exchangeOf(request, response, caller);
      const legacy = isLegacy(request, message);
      // What waits for changes has no end of its own, and is not waited for.
      if (!legacy && "method" in message && message.method === "subscriptions/listen")
        return hear(exchange, response, caller, message);
      const answering = legacy
        ? sessions.answer(exchange, response, caller, message)
        : answerModern(exchange, response, message);
      calls.add(answering);
      await answering.finally(() => calls.delete(answering));
    },
  };
  const listener = await listen({ host, port }, endpoint);
  const at = `http://${host}:${listener.port}/mcp`;
  desk.log("serving over http", { at, principals: principals.map(({ name }) => name) });
  if (principals.length === 0)
    desk.log("no token is asked for: every program on this machine is served as local", { at });
  desk.watch();

  if (!ending.aborted) await once(ending, "abort");
  listener.refuseNew();
  clearInterval(sweeping);
  await within(Promise.allSettled([...calls]), DRAIN_MS);
  changes.stop();
  await Promise.all([modern.close(), sessions.endAll()]);
  await listener.close();
  await desk.close();
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, delay(ms, undefined, { signal: over.signal }).catch(() => undefined)]);
  over.abort();
}

/** Host and Origin, before anything else is looked at: another site's name may resolve to this machine. */
function guardOf(settings: HttpSettings): (request: IncomingMessage) => Refusal | null {
  const own = isLoopback(settings) ? loopbackNames : [];
  const hosts = [...own, ...settings.allowed_hosts];
  const origins = [...own, ...settings.allowed_origins];
  return ({ headers }) => {
    const host = validateHostHeader(headers.host, hosts);
    if (!host.ok) return { status: 403, message: host.message };
    const origin = validateOriginHeader(headers.origin, origins);
    return origin.ok ? null : { status: 403, message: origin.message };
  };
}

function callerOf({ principals }: HttpSettings): (request: IncomingMessage) => Principal | Refusal {
  const rates = new RateLimits(() => performance.now());
  const perMinute = (caller: Principal | TokenHolder) =>
    "requestsPerMinute" in caller ? caller.requestsPerMinute : OPEN_PER_MINUTE;
  return ({ headers }) => {
    const caller = principals.length === 0 ? localPrincipal : holderOf(principals, headers.authorization);
    if (!caller) {
      const challenge = 'Bearer realm="media-buyer-mcp"';
      const message = "Unauthorized: a bearer token of this desk is needed";
      return { status: 401, message, headers: { "www-authenticate": challenge } };
    }
    const wait = rates.take(caller.name, perMinute(caller));
    if (wait === 0) return caller;
    const message = `Too many requests: ${caller.name} has ${perMinute(caller)} a minute; try again in ${wait} s. Nothing was booked by this request.`;
    return { status: 429, message, headers: { "retry-after": String(wait) } };
  };
}

/** A header that names a revision of 2026 or later. */
const modernVersion = /^20(2[6-9]|[3-9]\d)-/;

/** Whether a POST is of the 2025 protocol, as the SDK tells it. */
function isLegacy({ headers }: IncomingMessage, body: object): boolean {
  const named = (name: string) => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const [version, method, tool] = ["mcp-protocol-version", "mcp-method", "mcp-name"].map(named);
  // No message under such a header is of 2025, whatever else is wrong with it; the modern leg says what.
  if (version !== undefined && modernVersion.test(version) && "method" in body) return false;
  const { kind } = classifyInboundRequest({
    httpMethod: "POST",
    ...(version === undefined ? {} : { protocolVersionHeader: version }),
    ...(method === undefined ? {} : { mcpMethodHeader: method }),
    ...(tool === undefined ? {} : { mcpNameHeader: tool }),
    body,
  });
  return kind === "legacy";
}
