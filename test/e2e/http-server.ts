import { spawn } from "node:child_process";
import { once } from "node:events";
import { tokenDigest } from "../../src/http/tokens.ts";
import type { Listening, ServerStart } from "./client.ts";
import { portIn, serveHttpHere } from "./served-here.ts";

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

/** A server that listens, with what it logged. */
export class HttpServer {
  readonly port: number;
  /** Of its process; 0 for a server in this one. */
  readonly pid: number;
  readonly log: () => string;
  /** Ends it as a service manager does. @returns its exit code */
  readonly stop: (signal?: "SIGTERM" | "SIGINT" | "SIGKILL") => Promise<unknown>;

  private constructor(port: number, pid: number, log: () => string, stop: HttpServer["stop"]) {
    this.port = port;
    this.pid = pid;
    this.log = log;
    this.stop = stop;
  }

  /** Starts a process with `--http 0` and waits until it listens. @throws Error with its last words when it ends before */
  static async start({ command, args, env }: ServerStart): Promise<HttpServer> {
    const process = spawn(command, [...args, "--http", "0"], { env, stdio: ["ignore", "pipe", "pipe"] });
    const left = once(process, "exit");
    let stderr = "";
    process.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString("utf8");
    });
    const stop: HttpServer["stop"] = async (signal = "SIGTERM") => {
      process.kill(signal);
      const [code] = await left;
      return code;
    };
    for (;;) {
      const port = portIn(stderr);
      if (port !== null) return new HttpServer(port, process.pid ?? 0, () => stderr, stop);
      if (process.exitCode !== null) throw new Error(`the server ended with ${process.exitCode}: ${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The same without a process of its own; no signal reaches it. */
  static async here(start: ServerStart): Promise<HttpServer> {
    const { port, log, stop } = await serveHttpHere(start);
    return new HttpServer(port, 0, log, () => stop());
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/mcp`);
  }
}

/** A server as a client is told of it. */
export function listeningOf({ url, pid, log }: HttpServer, token?: string): Listening {
  return { url, pid, log, ...(token === undefined ? {} : { token }) };
}
