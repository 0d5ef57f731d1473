import { request } from "node:http";
import { RawAnswer, type Smuggled } from "../attacks/raw-client.ts";
import { envelope } from "../e2e/raw-client.ts";

/** An HTTP answer as it came. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A request exactly as given: whatever Host, Origin or length it claims. */
export interface WireRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request no client library would. */
export function send(port: number, given: WireRequest): Promise<WireAnswer> {
  const { method = "POST", path = "/mcp", headers = {}, body } = given;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
      });
      incoming.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Headers of a 2026 request of this method, with a token if one is given. */
export function modernHeaders(method: string, name: string | null, token: string | null): Record<string, string> {
  return {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": method,
    ...(name === null ? {} : { "mcp-name": name }),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
}

/** A 2026 request's body. */
export function modernBody(method: string, params: Record<string, unknown>): string {
  const _meta = envelope({ elicitation: { form: {} } });
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } });
}

/** Calls a tool in the 2026 era, with whatever is smuggled beside the arguments. */
export async function callOver(
  port: number,
  token: string | null,
  name: string,
  args: Record<string, unknown>,
  smuggled: Smuggled = {},
): Promise<RawAnswer & { readonly httpStatus: number }> {
  const body = modernBody("tools/call", { name, arguments: args, ...smuggled });
  const { status, text } = await send(port, { headers: modernHeaders("tools/call", name, token), body });
  return Object.assign(new RawAnswer(messageIn(text)), { httpStatus: status });
}

/** The last JSON-RPC message of an answer, a stream or a single one. */
function messageIn(text: string): unknown {
  const data = [...text.matchAll(/^data: (.+)$/gm)].at(-1)?.[1];
  return JSON.parse(data ?? text);
}
