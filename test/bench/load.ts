import { Pool } from "undici";
import type { ConfigFile } from "../e2e/fixtures.ts";
import { principal } from "../e2e/http-server.ts";
import { modernBody, modernHeaders } from "../http/wire.ts";

/** A request that is made over and over. */
export interface Repeated {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What every answer must hold: a fast refusal is no throughput. */
  readonly holds: string;
}

/** What is read: a page of one seller's kit that is in the cache. No seller is called for it. */
export const kitPage = { sellers: ["northbeam"] };

/** A call of the 2026 era. */
export function callOf(name: string, args: Record<string, unknown>, holds: string, token: string | null): Repeated {
  const body = modernBody("tools/call", { name, arguments: args });
  return { headers: modernHeaders("tools/call", name, token), body, holds };
}

/** The config of a desk on which nothing but the processor slows a caller down, and what is cached stays. */
export function servedWithoutLimit(standard: ConfigFile): ConfigFile {
  const agent = principal("agent", ["buy:read"], { requests_per_minute: 100_000 });
  return { ...standard, cache: { ttl_s: 3_600 }, http: { principals: [agent] } };
}

/** Where the product says that it listens. */
export const listensAt = /"at":"http:\/\/[^"]+:(\d+)\/mcp","principals"/;

/** A whole session of the 2025 era. */
export async function beginAndEnd(load: Load, token: string): Promise<void> {
  const plain = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${token}`,
  };
  const clientInfo = { name: "bench", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  const begun = await load.send("POST", plain, JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }));
  const session = { ...plain, "mcp-session-id": begun.session, "mcp-protocol-version": "2025-11-25" };
  const list = await load.send("POST", session, '{"jsonrpc":"2.0","id":2,"method":"prompts/list"}');
  const ended = await load.send("DELETE", session);
  if (begun.status !== 200 || !list.text.includes("plan_a_buy") || ended.status !== 200)
    throw new Error(`a session went wrong: ${begun.text} ${list.text} ${ended.text}`);
}

/** Requests over keep-alive connections, each connection with one under way at a time. */
export class Load {
  readonly #pool: Pool;
  readonly #connections: number;

  constructor(port: number, connections = 16) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
    this.#connections = connections;
  }

  async send(method: "POST" | "DELETE", headers: Readonly<Record<string, string>>, body?: string) {
    const answer = await this.#pool.request({ path: "/mcp", method, headers, body: body ?? null });
    const text = await answer.body.text();
    return { status: answer.statusCode, text, session: String(answer.headers["mcp-session-id"] ?? "") };
  }

  /** One request. @returns the bytes of its answer. @throws Error when it is not what it should be */
  async one({ headers, body, holds }: Repeated): Promise<number> {
    const { status, text } = await this.send("POST", headers, body);
    if (status !== 200 || !text.includes(holds)) throw new Error(`answered ${status}: ${text.slice(0, 300)}`);
    return Buffer.byteLength(text);
  }

  /** As many as are answered in the time. */
  async during(ms: number, repeated: Repeated): Promise<{ readonly answered: number; readonly seconds: number }> {
    const started = performance.now();
    let answered = 0;
    await this.#each(async () => {
      while (performance.now() - started < ms) {
        await this.one(repeated);
        answered += 1;
      }
    });
    return { answered, seconds: (performance.now() - started) / 1000 };
  }

  /** So many times, each connection going on as soon as it is done with one. */
  async times(count: number, work: (n: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    await this.#each(async () => {
      while (next < count) {
        next += 1;
        await work(next);
      }
    });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #each(work: () => Promise<void>): Promise<void> {
    await Promise.all(Array.from({ length: this.#connections }, work));
  }
}
