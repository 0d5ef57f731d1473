import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { at, type ServerStart } from "./client.ts";

/** What a 2026 request says of its client, on every request. */
export const envelope = (capabilities: Record<string, unknown> = {}) => ({
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": capabilities,
  "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1.0.0" },
});

/** A server process and the bare lines on its pipes: for what a well-behaved client would never send. */
export class RawClient {
  readonly #process: ChildProcess;
  readonly #left: Promise<unknown[]>;
  #stdout = "";
  #next = 1;
  stderr = "";

  constructor({ command, args, env }: ServerStart) {
    this.#process = spawn(command, args, { env, stdio: "pipe" });
    this.#left = once(this.#process, "exit");
    this.#process.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString("utf8");
    });
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString("utf8");
    });
  }

  /** Every line the server wrote to stdout, as it is. */
  get lines(): readonly string[] {
    return this.#stdout.split("\n").filter((line) => line !== "");
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Sends a request and gives the message that answers it. */
  async request(method: string, params: Record<string, unknown>): Promise<unknown> {
    const id = this.#next;
    this.#next += 1;
    this.write(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    for (;;) {
      for (const line of this.lines) {
        const message: unknown = line.startsWith("{") ? JSON.parse(line) : null;
        if (at(message, "id") === id && at(message, "method") === undefined) return message;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Calls a tool in the 2026 era, with whatever is to be carried back. */
  call(
    name: string,
    args: Record<string, unknown>,
    capabilities: Record<string, unknown>,
    more: Record<string, unknown> = {},
  ): Promise<unknown> {
    return this.request("tools/call", { name, arguments: args, _meta: envelope(capabilities), ...more });
  }

  /** Closes the client's end, as hosts do. @returns the server's exit code */
  async leave(): Promise<unknown> {
    this.#process.stdin?.end();
    const [code] = await this.#left;
    return code;
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}
