import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody } from "./body.ts";
import { openChallenges } from "./challenges.ts";
import type { Answer, Ask } from "./context.ts";
import { browserOf, pageHeaders, whyNotOurs } from "./guard.ts";
import { type Listening, listenLocally } from "./listen.ts";
import { notePage } from "./notes.ts";
import type { PageDesk } from "./page-desk.ts";
import { rememberedPorts } from "./ports-file.ts";
import { routesOf } from "./routes.ts";
import { written } from "./layout.ts";
import { styleHash } from "../card/style.ts";

export interface ApprovalPageOptions {
  readonly desk: PageDesk;
  /** File of the desk in which ports are remembered. */
  readonly portsFile: string;
  /** The port to listen on; null takes one it had before, or any. Another one when it is taken. */
  readonly port: number | null;
}

/** The approval page of a desk: nothing listens before it is first asked for. */
export interface ApprovalPage {
  /** Where it is, such as `http://localhost:7788`; starts it. @throws Error when it cannot listen */
  origin(): Promise<string>;
  /** Where one approval can be read and decided; starts the page. The address is no secret and decides nothing. */
  urlOf(approvalId: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * A page for people, at `http://localhost` alone: reached by no other computer, and by no other site's name. Anybody on
 * this computer may look; deciding takes a person's PIN or passkey.
 */
export function approvalPage({ desk, portsFile, port }: ApprovalPageOptions): ApprovalPage {
  const ports = rememberedPorts(portsFile);
  let starting: Promise<Listening> | undefined;
  let closed = false;
  const start = async (): Promise<Listening> => {
    const routes = routesOf(desk, openChallenges(desk.now));
    const wished = [...(port === null ? [] : [port]), ...(await ports.all())];
    const listening = await listenLocally([...new Set(wished)], (request, response) => {
      respond(routes, request, response).catch((error: unknown) => {
        desk.log("approval page failed", { error: String(error) });
        response.destroy();
      });
    });
    await ports.add(listening.port).catch((error: unknown) => {
      desk.log("the page's port is not remembered", { error: String(error) });
    });
    desk.log("approval page", { at: `http://localhost:${listening.port}` });
    return listening;
  };
  const origin = async () => {
    if (closed) throw new Error("the approval page was closed");
    starting ??= start();
    try {
      return `http://localhost:${(await starting).port}`;
    } catch (error) {
      starting = undefined;
      throw error;
    }
  };
  return {
    origin,
    urlOf: async (approvalId) => `${await origin()}/a/${approvalId}`,
    close: async () => {
      closed = true;
      await (await starting?.catch(() => undefined))?.close();
    },
  };
}

async function respond(
  routes: (ask: Ask) => Promise<Answer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "", headers, socket } = request;
  const { browser, setCookie } = browserOf(headers);
  const nonce = randomBytes(16).toString("base64url");
  const answer = await answerTo(routes, `localhost:${socket.localPort}`, browser, request);
  const { status, page, json, to } = answer;
  const text = page ? written(page, nonce) : json ? JSON.stringify(json) : "";
  const closing = status === 413 ? { connection: "close" } : {};
  response.writeHead(status, {
    ...pageHeaders(styleHash, page?.script ? nonce : null),
    "content-type": json ? "application/json; charset=utf-8" : "text/html; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    ...(to === undefined ? {} : { location: to }),
    ...(status === 405 ? { allow: "GET, HEAD, POST" } : {}),
    // A stranger's request is told nothing and given nothing to keep.
    ...(setCookie === null || status === 403 ? {} : { "set-cookie": setCookie }),
    ...closing,
  });
  response.end(method === "HEAD" ? undefined : text);
}

async function answerTo(
  routes: (ask: Ask) => Promise<Answer>,
  host: string,
  browser: string,
  request: IncomingMessage,
): Promise<Answer> {
  const { method = "", headers, url = "/" } = request;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") return notePage(405);
  if (whyNotOurs(method, headers, host) !== null) return notePage(403);
  const path = url.split("?")[0] ?? "/";
  const origin = `http://${host}`;
  if (method !== "POST") return routes({ method: "GET", path, browser, origin, body: null });
  const body = await readBody(request);
  if (typeof body === "number") return notePage(body);
  return routes({ method: "POST", path, browser, origin, body });
}
