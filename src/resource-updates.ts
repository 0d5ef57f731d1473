import type { McpServer } from "@modelcontextprotocol/server";
import type { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import * as z from "zod";
import type { Desk } from "./desk.ts";
import { refOf, splitRef } from "./domain/ids.ts";

/** How often the ledger is asked whether anything happened, while somebody is subscribed. */
const LOOK_MS = 500;

/** A subscription of the 2026 era: a request that stays open, naming the resources it wants to hear of. */
const listening = z.looseObject({
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
  #server: McpServer | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Settled once it is known from which entry on changes are told. */
  #begun: Promise<void> = Promise.resolve();
  #seen = 0;
  #looking = false;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Serves `resources/subscribe` and `unsubscribe` to 2025 clients; and sends what there is to tell through `server`. */
  serve(server: McpServer, era: "legacy" | "modern"): McpServer {
    this.#server = server;
    if (era === "modern") return server;
    server.server.setRequestHandler("resources/subscribe", async ({ params }) => {
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

  async #want(by: string | number, uris: readonly string[]): Promise<void> {
    const wanted = this.#wanted.get(by) ?? new Set();
    for (const uri of uris) wanted.add(uri);
    this.#wanted.set(by, wanted);
    if (!this.#timer) {
      // The program ends when its client leaves, whoever is still subscribed.
      this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
      this.#begun = this.#desk.newest().then((newest) => {
        this.#seen = newest;
      });
    }
    await this.#begun;
  }

  #rest(): void {
    for (const [by, wanted] of this.#wanted) if (wanted.size === 0) this.#wanted.delete(by);
    if (this.#wanted.size > 0 || !this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#tell()
      .catch((error: unknown) => this.#desk.log("changes could not be told", { error: String(error) }))
      .finally(() => {
        this.#looking = false;
      });
  }

  async #tell(): Promise<void> {
    await this.#begun;
    if ((await this.#desk.newest()) <= this.#seen) return;
    const changed = new Set<string>();
    for (let more = true; more; ) {
      const ask = {
        campaign: null,
        flowId: null,
        buy: null,
        kind: null,
        since: null,
        after: this.#seen,
        limit: 500,
      };
      const page = await this.#desk.history(ask);
      for (const { stream } of page.rows) changed.add(stream);
      this.#seen = page.rows.at(-1)?.seq ?? this.#seen;
      more = page.more;
    }
    const wanted = new Set([...this.#wanted.values()].flatMap((uris) => [...uris]));
    const uris = await Promise.all([...changed].map((stream) => this.#urisOf(stream)));
    for (const uri of new Set(uris.flat()))
      if (wanted.has(uri)) await this.#server?.server.sendResourceUpdated({ uri });
  }

  /** The addresses under which a stream of the ledger can be read. */
  async #urisOf(stream: string): Promise<readonly string[]> {
    const slash = stream.indexOf("/");
    const [kind, id] = [stream.slice(0, slash), stream.slice(slash + 1)];
    if (kind === "approval") return [`buyer://approval/${id}`];
    if (kind !== "quote") return [];
    const { deal } = (await this.#desk.line(id)).line;
    // A buy is found by its deal id too.
    const byDeal = deal ? [`buyer://media-buy/${refOf(splitRef(id).sellerId, deal.dealId)}`] : [];
    return [`buyer://quote/${id}`, `buyer://media-buy/${id}`, ...byDeal];
  }
}
