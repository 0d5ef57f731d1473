import {
  Client as NewClient,
  StreamableHTTPClientTransport as NewHttpTransport,
  type PriorDiscovery,
} from "@modelcontextprotocol/client";
import { StdioClientTransport as NewTransport } from "@modelcontextprotocol/client/stdio";
import { StdioServerTransport as Pipes } from "@modelcontextprotocol/server/stdio";
import type { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import * as z from "zod";
import { expect } from "vitest";
import type { ServedHere } from "./served-here.ts";

/** The clients that are out there: both eras of the current SDK, and the former single package. */
export const clientKinds = ["2.x modern", "2.x legacy", "1.x"] as const;
export type ClientKind = (typeof clientKinds)[number];

/** What a person (or a client on its own) does with a form. `content` is whatever comes back, fitting or not. */
export interface FormAnswer {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Record<string, string | number | boolean | string[]>;
}

/**
 * Answers a form; `question` is the text shown, `url` the address to open where that is what is asked. A throw is an error
 * of the client, a promise that stays open silence.
 */
export type Person = (question: string, url?: string) => FormAnswer | Promise<FormAnswer>;

export const approving: Person = () => ({ action: "accept", content: { decision: "approve" } });
export const rejecting: Person = () => ({ action: "accept", content: { decision: "reject", note: "too dear" } });

export interface ConnectOptions {
  /** Default `2.x modern`. */
  readonly kind?: ClientKind;
  /** Who answers forms; absent: the client declares no elicitation at all. */
  readonly person?: Person;
  /** Which elicitation is declared when there is a person; default `form`. `empty` is `{}`: forms, as of 2025-06-18. */
  readonly elicitation?: "form" | "empty" | "url";
  /** Whether the client says that it renders MCP Apps, such as the approval card. */
  readonly apps?: boolean;
  /** What the client calls itself. */
  readonly info?: { readonly name: string; readonly version: string };
  /** A server that listens, to be called over HTTP; absent: one is started for this client alone, over pipes. */
  readonly over?: Listening;
}

/** A server that listens for clients. */
export interface Listening {
  readonly url: URL;
  /** Of its process; 0 for a server in this one. */
  readonly pid: number;
  readonly log: () => string;
  /** The bearer token to call it with. */
  readonly token?: string;
}

/** How the server is started for one client. */
export interface ServerStart {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

export interface CallOptions {
  /** The client's own request time-out; default 60 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const toolResult = z.looseObject({
  isError: z.boolean().optional(),
  content: z.array(z.looseObject({ text: z.string().optional() })),
  structuredContent: z.unknown().optional(),
  _meta: z.record(z.string(), z.unknown()).optional(),
});

/** An answer of a tool, with steps into its structure that fail with words instead of `undefined`. */
export class Reply {
  readonly isError: boolean;
  /** All a text-only host shows its model. */
  readonly text: string;
  readonly structured: unknown;
  /** `_meta["media-buyer-mcp/error"]`; undefined on success. */
  readonly error: unknown;
  /** What the approval card is handed beside the answer; undefined for clients that render none. */
  readonly card: unknown;

  constructor(result: unknown) {
    const { isError, content, structuredContent, _meta } = toolResult.parse(result);
    this.isError = isError ?? false;
    this.text = content.map(({ text = "" }) => text).join("\n");
    this.structured = structuredContent;
    this.error = _meta?.["media-buyer-mcp/error"];
    this.card = _meta?.["media-buyer-mcp/card"];
  }

  /** What is at a path of the structured content, or undefined. */
  at(...path: readonly (string | number)[]): unknown {
    return at(this.structured, ...path);
  }

  /** The string at a path; fails the test when there is none, showing the answer's text. */
  string(...path: readonly (string | number)[]): string {
    const found = this.at(...path);
    if (typeof found === "string") return found;
    throw new Error(`${path.join(".")} is ${JSON.stringify(found)} in:\n${this.text}`);
  }

  /** The list at a path. */
  list(...path: readonly (string | number)[]): readonly unknown[] {
    const found = this.at(...path);
    if (Array.isArray(found)) return found;
    throw new Error(`${path.join(".")} is ${JSON.stringify(found)} in:\n${this.text}`);
  }
}

/** A value inside a value, by its keys. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = Reflect.get(here, key);
  }
  return here;
}

/** The SDK's own client, for what only it can do. */
export type Sdk =
  | { readonly line: "2.x"; readonly client: NewClient }
  | { readonly line: "1.x"; readonly client: OldClient };

/** What a connection knows of its server. */
interface Server {
  readonly pid: number;
  readonly log: () => string;
  readonly stop?: () => Promise<void>;
}

/** One client connected to a server, its own or one that many share. */
export class Connection {
  readonly kind: ClientKind;
  readonly sdk: Sdk;
  /** Of the server's process; 0 for a server in this one. */
  readonly pid: number;
  /** What the server wrote to stderr: one JSON line a call. */
  readonly log: () => string;
  /** Every question that was shown, in order. */
  readonly questions: readonly string[];
  readonly #server: Server;

  constructor(kind: ClientKind, sdk: Sdk, server: Server, questions: readonly string[]) {
    this.kind = kind;
    this.sdk = sdk;
    this.pid = server.pid;
    this.log = server.log;
    this.questions = questions;
    this.#server = server;
  }

  async call(name: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Reply> {
    const { timeoutMs: timeout, signal } = options;
    const request = { ...(timeout === undefined ? {} : { timeout }), ...(signal ? { signal } : {}) };
    const params = { name, arguments: args };
    const { sdk } = this;
    try {
      if (sdk.line === "2.x") return new Reply(await sdk.client.callTool(params, request));
      return new Reply(await sdk.client.callTool(params, undefined, request));
    } catch (error) {
      // A server that died says why on stderr, or nowhere.
      if (!/closed|not connected/i.test(String(error))) throw error;
      throw new Error(`${String(error)}; the server's last words: ${this.log().slice(-2_000)}`, { cause: error });
    }
  }

  /** Like {@link call}, for a call that must succeed. */
  async ok(name: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Reply> {
    const reply = await this.call(name, args, options);
    expect(reply.isError, `${name} answered ${reply.text}`).toBe(false);
    return reply;
  }

  /** Closes the client; a server in this process ends with it, as a process does that loses its stdin. */
  async close(): Promise<void> {
    await this.sdk.client.close();
    await this.#server.stop?.();
  }
}

const standardInfo = { name: "e2e", version: "1.0.0" };

/** Connects a client of the kind asked for: to a server in this process, to a process started for it, or to one that listens. */
export async function connect(to: ServerStart | ServedHere, options: ConnectOptions): Promise<Connection> {
  const { kind = "2.x modern", person, elicitation = "form", apps = false, info = standardInfo } = options;
  const declared = { form: { form: {} }, empty: {}, url: { url: {} } }[elicitation];
  const renders = { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } } };
  const capabilities = { ...(person ? { elicitation: declared } : {}), ...(apps ? renders : {}) };
  const questions: string[] = [];
  const answer = async ({ message: question, ...rest }: { readonly message: string; readonly url?: string }) => {
    questions.push(question);
    if (!person) throw new Error("a client that declared no elicitation was asked");
    const { action, content } = await person(question, rest.url);
    return { action, ...(content ? { content } : {}) };
  };
  let log = "";
  const keep = (chunk: Buffer) => {
    log += chunk.toString("utf8");
  };
  const { over } = options;
  const headers = over?.token === undefined ? {} : { authorization: `Bearer ${over.token}` };
  const serverWith = (pid: number): Server => over ?? ("log" in to ? { pid: 0, ...to } : { pid, log: () => log });
  if (kind === "1.x") {
    // Loaded where it is asked for: most tests need one client, and this is another SDK.
    const { connectOld } = await import("./old-client.ts");
    const client = await connectOld(info, capabilities, person ? answer : null, over ? { ...over, headers } : to, keep);
    return new Connection(kind, { line: "1.x", client: client.client }, serverWith(client.pid), questions);
  }
  const mode = kind === "2.x modern" ? { pin: "2026-07-28" } : ("legacy" as const);
  const client = new NewClient(info, { capabilities, versionNegotiation: { mode } });
  if (person) client.setRequestHandler("elicitation/create", ({ params }) => answer(params));
  if (over) {
    await client.connect(new NewHttpTransport(over.url, { requestInit: { headers } }));
    return new Connection(kind, { line: "2.x", client }, over, questions);
  }
  const prior = kind === "2.x modern" && discovered ? { prior: discovered } : {};
  if ("log" in to) {
    await client.connect(new Pipes(to.output, to.input), prior);
    noteDiscovery(client);
    return new Connection(kind, { line: "2.x", client }, serverWith(0), questions);
  }
  const transport = new NewTransport({ ...to, stderr: "pipe" });
  transport.stderr?.on("data", keep);
  // Left to itself the client finds out what a server speaks by starting a second one; once a test file is enough.
  await client.connect(transport, prior);
  noteDiscovery(client);
  return new Connection(kind, { line: "2.x", client }, serverWith(transport.pid ?? 0), questions);
}

function noteDiscovery(client: NewClient): void {
  const discover = client.getDiscoverResult();
  if (discover) discovered = { kind: "modern", discover };
}

/** What the product said of itself when it was first asked in this process; it says so always. */
let discovered: PriorDiscovery | null = null;
