import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { askedInBody } from "../adcp/asked.ts";
import { adcpDesk, type RawSeller, rawSeller } from "../e2e/adcp-sellers.ts";
import { approving, type Connection } from "../e2e/client.ts";
import type { TestDesk } from "../e2e/fixtures.ts";

/** What an AdCP task was answered, as JSON: the envelope. */
export type Envelope = Record<string, unknown>;

/** Changes an answer to a task, in place or as another; `hang` is no answer at all. */
export type Lie = (task: string, envelope: Envelope, args: Readonly<Record<string, unknown>>) => Envelope | "hang";

/** An AdCP seller over MCP that answers whatever a test wants, and what is otherwise a sandbox seller. */
export interface HostileAdcp {
  /** The seller behind it: its books are the truth. */
  readonly behind: RawSeller;
  readonly desk: TestDesk;
  /** A client whose person approves everything. */
  readonly client: Connection;
  /** From now on it lies so; null: it is honest. */
  lie(how: Lie | null): void;
  close(): Promise<void>;
}

/** Opens a desk that knows one AdCP seller, `hostile`, and whose person approves everything. */
export async function hostileAdcp(profile: RawSeller["profile"]): Promise<HostileAdcp> {
  const behind = await rawSeller("hostile", profile);
  let how: Lie | null = null;
  const server = createServer(async (incoming, outgoing) => {
    const body = (await buffer(incoming)).toString();
    // What belongs to this connection is not passed on: `fetch` sets its own, and refuses a length given to it.
    const { host: _host, connection: _connection, "content-length": _length, ...headers } = incoming.headers;
    const passed = Object.entries(headers).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value]] : [],
    );
    const answer = await fetch(String(behind.entry["url"]), {
      ...{ method: incoming.method ?? "POST", headers: Object.fromEntries(passed) },
      ...(body === "" ? {} : { body }),
    });
    const text = await answer.text();
    const asked = incoming.method === "POST" ? askedInBody(body) : null;
    const told = asked && how ? lied(how, asked.task, asked.args, text) : text;
    if (told === null) return;
    outgoing.writeHead(answer.status, { "content-type": "application/json" }).end(told);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  for (const domain of Object.keys(Object(behind.entry["publishers"]))) authorize(behind, domain, url);
  const desk = await adcpDesk([{ ...behind, entry: { ...behind.entry, url } }]);
  const client = await desk.connect({ person: approving });
  return {
    ...{ behind, desk, client },
    lie: (next) => {
      how = next;
    },
    async close() {
      await desk.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await behind.close();
    },
  };
}

function lied(how: Lie, task: string, args: Readonly<Record<string, unknown>>, text: string): string | null {
  const reply: { result?: { structuredContent?: Envelope; content?: unknown; isError?: boolean } } = JSON.parse(text);
  if (!reply.result?.structuredContent) return text;
  const envelope = how(task, reply.result.structuredContent, args);
  if (envelope === "hang") return null;
  const { isError: _isError, ...rest } = reply.result;
  const failed = "adcp_error" in envelope ? { isError: true } : {};
  const result = { ...rest, ...failed, content: [{ type: "text", text: "done" }], structuredContent: envelope };
  return JSON.stringify({ ...reply, result });
}

function authorize(seller: RawSeller, domain: string, url: string): void {
  const named = { property_id: "main", property_type: "website", name: domain, publisher_domain: domain };
  const properties = [{ ...named, identifiers: [{ type: "domain", value: domain }], tags: ["sold_by_agent"] }];
  const agent = { url, authorized_for: "All", authorization_type: "property_ids", property_ids: ["main"] };
  const file = { contact: { name: domain }, properties, authorized_agents: [agent] };
  seller.sandbox.adcp.publish(seller.profile, domain, file);
}
