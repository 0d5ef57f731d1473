import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tokenDigest } from "../../src/http/tokens.ts";
import type { Listening, ServerStart } from "./client.ts";

/** Tokens of the callers in these tests. */
export const tokens = {
  agent: "mbt_agent-token-of-the-tests",
  maker: "mbt_maker-token-of-the-tests",
  checker: "mbt_checker-token-of-the-tests",
  reader: "mbt_reader-token-of-the-tests",
  decider: "mbt_decider-token-of-the-tests",
} as const;
export type TokenName = keyof typeof tokens;

/** A principal as an operator writes it. */
export function principal(name: TokenName, scopes: readonly string[], more: Record<string, unknown> = {}) {
  return { name, token_sha256: tokenDigest(tokens[name]), scopes, requests_per_minute: 60_000, ...more };
}

/** Somebody who may do everything, one who asks, one who decides, one who looks, one who only answers. */
export const principals = [
  principal("agent", ["buy:read", "buy:quote", "buy:write", "buy:approve"], { approves_own: true }),
  principal("maker", ["buy:read", "buy:quote", "buy:write"]),
  principal("checker", ["buy:read", "buy:write", "buy:quote", "buy:approve"]),
  principal("reader", ["buy:read"]),
  principal("decider", ["buy:approve"]),
];

/** A server process that listens, with what it wrote to stderr. */
export class HttpServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #left: Promise<unknown[]>;
  readonly log: () => string;

  private constructor(port: number, process: ChildProcess, left: Promise<unknown[]>, log: () => string) {
    this.port = port;
    this.#process = process;
    this.#left = left;
    this.log = log;
  }

  /** Starts `--http 0` and waits until it listens. @throws Error with its last words when it ends before */
  static async start({ command, args, env }: ServerStart): Promise<HttpServer> {
    const process = spawn(command, [...args, "--http", "0"], { env, stdio: ["ignore", "pipe", "pipe"] });
    const left = once(process, "exit");
    let stderr = "";
    process.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString("utf8");
    });
    for (;;) {
      const port = /"at":"http:\/\/[^"]+:(\d+)\/mcp","principals"/.exec(stderr)?.[1];
      if (port !== undefined) return new HttpServer(Number(port), process, left, () => stderr);
      if (process.exitCode !== null) throw new Error(`the server ended with ${process.exitCode}: ${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/mcp`);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Ends it as a service manager does. @returns its exit code */
  async stop(signal: "SIGTERM" | "SIGINT" | "SIGKILL" = "SIGTERM"): Promise<unknown> {
    this.#process.kill(signal);
    const [code] = await this.#left;
    return code;
  }
}

/** A server as a client is told of it. */
export function listeningOf({ url, pid, log }: HttpServer, token?: string): Listening {
  return { url, pid, log, ...(token === undefined ? {} : { token }) };
}
