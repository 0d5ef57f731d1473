import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { at } from "../e2e/client.ts";
import type { TestDesk } from "../e2e/fixtures.ts";

/** What a 2026-07-28 request may carry beside a tool's arguments; whoever writes the bytes decides what. */
export interface Smuggled {
  readonly inputResponses?: unknown;
  readonly requestState?: unknown;
}

/** The answer to a raw request, as it came. */
export class RawAnswer {
  readonly message: unknown;
  constructor(message: unknown) {
    this.message = message;
  }

  at(...path: readonly (string | number)[]): unknown {
    return at(this.message, "result", ...path);
  }

  /** The status a buying tool answered with; undefined when it asked a question, or failed. */
  get status(): unknown {
    return this.at("structuredContent", "status");
  }

  /** The state handed out with a question; fails the test when no question was asked. */
  get state(): string {
    const state = this.at("requestState");
    if (typeof state === "string") return state;
    throw new Error(`no question was asked: ${this.text}`);
  }

  get isQuestion(): boolean {
    return this.at("resultType") === "input_required";
  }

  /** Everything in it, to look for words in. */
  get text(): string {
    return JSON.stringify(this.message);
  }
}

/** A server at the ends of two pipes. */
export interface Piped {
  readonly input: Writable;
  readonly output: Readable;
  readonly stop: () => Promise<unknown>;
}

/** A server process of a desk, for what is claimed of several processes. */
export function processOf(desk: TestDesk): Piped {
  const { command, args, env } = desk.start;
  const child = spawn(command, args, { env, stdio: "pipe" });
  child.stderr.resume();
  const left = once(child, "exit");
  const stop = () => {
    child.kill("SIGKILL");
    return left;
  };
  return { input: child.stdin, output: child.stdout, stop };
}

/** A client that is none: it writes JSON-RPC lines to a server of its own, and nothing it says is checked by an SDK. */
export class RawClient {
  readonly #server: Piped;
  readonly #waiting = new Map<number, (message: unknown) => void>();
  #id = 0;

  readonly #elicitation: object;

  /**
   * @param elicitation what the client says it can ask a person by
   * @param server its own; absent: one in this process
   */
  constructor(desk: TestDesk, elicitation: object = { form: {} }, server: Piped = desk.serve()) {
    this.#elicitation = elicitation;
    this.#server = server;
    createInterface({ input: this.#server.output }).on("line", (line) => {
      const message: unknown = JSON.parse(line);
      const id = at(message, "id");
      if (typeof id !== "number") return;
      this.#waiting.get(id)?.(message);
      this.#waiting.delete(id);
    });
  }

  request(method: string, params: Record<string, unknown>): Promise<RawAnswer> {
    this.#id += 1;
    const id = this.#id;
    const answered = new Promise<RawAnswer>((resolve) => {
      this.#waiting.set(id, (message) => resolve(new RawAnswer(message)));
    });
    const envelope = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": { elicitation: this.#elicitation },
      "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1.0.0" },
    };
    this.#server.input.write(
      `${JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta: envelope } })}\n`,
    );
    return answered;
  }

  /** Calls a tool; what is smuggled travels beside the arguments, as an answer to a question would. */
  call(name: string, args: Record<string, unknown>, smuggled: Smuggled = {}): Promise<RawAnswer> {
    return this.request("tools/call", { name, arguments: args, ...smuggled });
  }

  /** Ends the server. */
  async close(): Promise<void> {
    await this.#server.stop();
  }
}

/** What a client sends when its person pressed "approve". */
export const approved = { approval: { action: "accept", content: { decision: "approve" } } };
