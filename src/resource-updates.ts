import { type McpServer, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import * as z from "zod";
import type { Desk } from "./desk.ts";
import { ResourceChanges, whyNotWatched } from "./resource-changes.ts";

/** A subscription of the 2026 era: a request that stays open, naming the resources it wants to hear of. */
export const listening = z.looseObject({
  method: z.literal("subscriptions/listen"),
  id: z.union([z.string(), z.number()]),
  params: z.looseObject({ notifications: z.looseObject({ resourceSubscriptions: z.array(z.string()) }) }),
});
const cancelling = z.looseObject({
  method: z.literal("notifications/cancelled"),
  params: z.looseObject({ requestId: z.union([z.string(), z.number()]) }),
});

/**
 * Tells one client when a quote, a media buy or an approval it subscribed to changed, whoever changed it: this process,
 * the terminal, another client's server. The ledger is asked only while there is a subscription. Sellers are no part of
 * the ledger, so nothing is told of them.
 */
export class ResourceUpdates {
  readonly #desk: Desk;
  /** What is subscribed to: each listen request of the 2026 era, and all subscriptions of a 2025 connection as one. */
  readonly #wanted = new Map<string | number, Set<string>>();
  readonly #changes: ResourceChanges;
  #server: McpServer | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#changes = new ResourceChanges(desk, (uris) => this.#tell(uris));
  }

  /** Serves `resources/subscribe` and `unsubscribe` to 2025 clients; and sends what there is to tell through `server`. */
  serve(server: McpServer, era: "legacy" | "modern"): McpServer {
    this.#server = server;
    if (era === "modern") return server;
    server.server.setRequestHandler("resources/subscribe", async ({ params }) => {
      const why = this.#whyNot([params.uri]);
      if (why !== null) throw new ProtocolError(ProtocolErrorCode.InvalidParams, why);
      await this.#want("connection", [params.uri]);
      return {};
    });
    server.server.setRequestHandler("resources/unsubscribe", ({ params }) => {
      this.#wanted.get("connection")?.delete(params.uri);
      this.#rest();
      return {};
    });
    return server;
  }

  /**
   * Notices the subscriptions of 2026 clients, which the SDK answers before any handler of ours: it delivers to each
   * what it asked for, but cannot say that there is one. To be called when the transport is being served already.
   */
  hear(wire: StdioServerTransport): void {
    const deliver = wire.onmessage;
    wire.onmessage = (message) => {
      const listen = listening.safeParse(message);
      const cancel = cancelling.safeParse(message);
      if (cancel.success && this.#wanted.delete(cancel.data.params.requestId)) this.#rest();
      if (!listen.success) {
        deliver?.(message);
        return;
      }
      const { id, params } = listen.data;
      const why = this.#whyNot(params.notifications.resourceSubscriptions);
      if (why !== null) {
        const error = { code: ProtocolErrorCode.InvalidParams, message: why };
        wire
          .send({ jsonrpc: "2.0", id, error })
          .catch((failed: unknown) => this.#desk.log("a refusal was not sent", { error: String(failed) }));
        return;
      }
      // Acknowledged once the point is known from which on changes are told: none is missed in between.
      this.#want(id, params.notifications.resourceSubscriptions)
        .catch((error: unknown) => this.#desk.log("a subscription could not begin", { error: String(error) }))
        .finally(() => deliver?.(message));
    };
  }

  close(): void {
    this.#wanted.clear();
    this.#rest();
  }

  /** Why these are not subscribed to beside what is already. */
  #whyNot(uris: readonly string[]): string | null {
    return whyNotWatched(new Set([...[...this.#wanted.values()].flatMap((some) => [...some]), ...uris]));
  }

  async #want(by: string | number, uris: readonly string[]): Promise<void> {
    if (uris.length === 0) return;
    const wanted = this.#wanted.get(by) ?? new Set();
    for (const uri of uris) wanted.add(uri);
    this.#wanted.set(by, wanted);
    await this.#changes.start();
  }

  #rest(): void {
    for (const [by, wanted] of this.#wanted) if (wanted.size === 0) this.#wanted.delete(by);
    if (this.#wanted.size === 0) this.#changes.stop();
  }

  async #tell(uris: readonly string[]): Promise<void> {
    const wanted = new Set([...this.#wanted.values()].flatMap((some) => [...some]));
    for (const uri of uris) if (wanted.has(uri)) await this.#server?.server.sendResourceUpdated({ uri });
  }
}
