import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp, type Socket } from "node:net";
import { afterEach } from "vitest";
import { createHttp, type HttpCall, type HttpOptions } from "../../src/sellers/http.ts";
import type { Access } from "../../src/sellers/seller.ts";

/** Real servers on loopback, for tests of the way out; they end with each test. */

export const silent = { debug: () => undefined, warn: () => undefined };
export const anonymous: Access = { tier: "public", identity: {} };
export const asAgency: Access = { tier: "agency", identity: { agency_id: "ag-1" } };
export const read: HttpCall = { method: "GET", path: "/products", phase: "discovery" };
export const write: HttpCall = { method: "POST", path: "/api/v1/deals", body: '{"a":1}', phase: "booking" };

export const open: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

export async function listen(server: Server | ReturnType<typeof createTcp>): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A real HTTP server on loopback; gives its origin and the requests it got. */
export async function serve(answer: RequestListener): Promise<{ origin: string; got: IncomingMessage[] }> {
  const got: IncomingMessage[] = [];
  const server = createServer((incoming, outgoing) => {
    got.push(incoming);
    answer(incoming, outgoing);
  });
  open.push(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { origin: await listen(server), got };
}

/** A real TCP server that talks as the test says. */
export async function tcp(
  talk: (socket: Socket, n: number) => void,
): Promise<{ origin: string; connections: () => number }> {
  let n = 0;
  const alive = new Set<Socket>();
  const server = createTcp((socket) => {
    n += 1;
    alive.add(socket);
    socket.on("error", () => undefined);
    talk(socket, n);
  });
  open.push(async () => {
    for (const socket of alive) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return { origin: await listen(server), connections: () => n };
}

/** A socket is only used again once its last answer is fully taken in; and a connection is seen only once accepted. */
export const untilSettled = () => new Promise((done) => setTimeout(done, 50));

export function to(origin: string, more: Partial<HttpOptions> = {}) {
  return createHttp({ sellerId: "northbeam", origin, credentials: {}, allowLoopback: true, log: silent, ...more });
}

export const json =
  (body: unknown): RequestListener =>
  (_, outgoing) => {
    outgoing.writeHead(200, { "content-type": "application/json", date: "Fri, 20 Nov 2026 08:00:00 GMT" });
    outgoing.end(JSON.stringify(body));
  };
