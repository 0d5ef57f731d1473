import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach } from "vitest";
import { noCache } from "./no-cache.ts";
import { iabSellerAgent } from "../../src/sellers/iab-seller-agent.ts";
import type { ConnectOptions } from "../../src/sellers/protocol.ts";
import type { Access, Seller } from "../../src/sellers/seller.ts";

/** An answer: JSON, or plain text with its status. */
export type Stubbed =
  | { readonly status?: number; readonly json: unknown; readonly date?: string }
  | { readonly status: number; readonly text: string };

export interface StubSeller {
  readonly seller: Seller;
  readonly origin: string;
  /** Method and path with query of each request, in order. */
  readonly seen: readonly string[];
  /** The body of each. */
  readonly bodies: readonly string[];
  close(): Promise<void>;
}

export const anonymous: Access = { tier: "public", identity: {} };
export const agency: Access = { tier: "agency", identity: {} };

/**
 * A seller on loopback that answers as the test says, for what no sandbox seller would: `"GET /products"` names an
 * answer, or a function of the query. What is not named does not exist.
 */
async function stubSeller(
  answers: Readonly<Record<string, Stubbed | ((query: URLSearchParams) => Stubbed)>>,
  settings: Pick<ConnectOptions, "proposals"> = {},
): Promise<StubSeller> {
  const seen: string[] = [];
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(await text(request));
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://stub");
    seen.push(`${request.method} ${request.url}`);
    const named = answers[`${request.method} ${pathname}`] ?? { status: 404, json: { detail: "Not Found" } };
    const answer = typeof named === "function" ? named(searchParams) : named;
    const isText = "text" in answer;
    response.writeHead(answer.status ?? 200, {
      "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
      ...("date" in answer && answer.date ? { date: answer.date } : {}),
    });
    response.end(isText ? answer.text : JSON.stringify(answer.json));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const seller = iabSellerAgent.connect({
    ...settings,
    sellerId: "stub",
    ...{ origin, url: origin, carrier: null, account: null, publishers: new Map(), cache: noCache, cacheSeconds: 0 },
    credentials: { agency: { apiKey: "key" } },
    allowLoopback: true,
    log: { debug: () => undefined, warn: () => undefined },
  });
  return {
    seller,
    origin,
    seen,
    bodies,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const open: StubSeller[] = [];
afterEach(async () => {
  for (const made of open.splice(0)) await made.close();
});

/** As {@link stubSeller}, ended with the test. */
export async function stub(...asked: Parameters<typeof stubSeller>): Promise<StubSeller> {
  const made = await stubSeller(...asked);
  open.push(made);
  return made;
}
