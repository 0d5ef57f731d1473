import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A publisher on loopback, whose adagents.json says who may sell for it (AdCP 3.0, adagents.json). */
export interface Publisher {
  /** Where its files lie, without a trailing slash. */
  readonly base: string;
  /** From now on these agents may sell all that is here; nobody: the file is there and lists no agent. */
  authorize(...agentUrls: readonly string[]): void;
  close(): Promise<void>;
}

/** Opens a publisher that authorizes nobody yet. */
export async function openPublisher(domain: string): Promise<Publisher> {
  let agents: readonly string[] = [];
  const server = createServer((request, response) => {
    if (request.url !== "/.well-known/adagents.json") return response.writeHead(404).end();
    const properties = [{ property_type: "website", name: domain, identifiers: [{ type: "domain", value: domain }] }];
    const file = {
      contact: { name: domain },
      properties: properties.map((property) => ({ ...property, property_id: "main", publisher_domain: domain })),
      authorized_agents: agents.map((url) => ({
        ...{ url, authorized_for: "everything here", authorization_type: "property_ids", property_ids: ["main"] },
      })),
    };
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(file));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorize: (...urls) => {
      agents = urls;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
