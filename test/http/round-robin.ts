import { createServer, request } from "node:http";
import type { Listening } from "../e2e/client.ts";
import type { HttpServer } from "../e2e/http-server.ts";

/** A load balancer without a memory, in this process. */
export interface RoundRobin {
  readonly url: URL;
  /** Ports that answered calls of a tool, in order. */
  readonly calls: readonly number[];
  close(): void;
}

/** Hands each request to the next server; a 2026 call has its tool in a header, as for balancers that route by it. */
export async function roundRobin(servers: readonly HttpServer[]): Promise<RoundRobin> {
  const calls: number[] = [];
  let next = 0;
  const balancer = createServer((incoming, outgoing) => {
    const { port = 0 } = servers[next % servers.length] ?? {};
    next += 1;
    if (incoming.headers["mcp-method"] === "tools/call") calls.push(port);
    const { method, url, headers } = incoming;
    const onward = request({ host: "127.0.0.1", port, path: url, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
    outgoing.on("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => balancer.listen(0, "127.0.0.1", resolve));
  const address = balancer.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    calls,
    close: () => {
      balancer.close();
      balancer.closeAllConnections();
    },
  };
}

/** A balancer as a client is told of it. */
export function behind({ url }: RoundRobin, token: string): Listening {
  return { url, pid: 0, log: () => "", token };
}
